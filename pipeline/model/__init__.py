"""The learned line model: which lines of a text belong to its article, judged in context, in any language."""

from pipeline.model.line_model import LineModel, SeenLines, load_model, load_page_model, read_model

__all__ = ["LineModel", "SeenLines", "load_model", "load_page_model", "read_model"]
