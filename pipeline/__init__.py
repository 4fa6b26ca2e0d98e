"""Clean scraped article dumps line by line; every removal is explained and can be undone."""

from pipeline.clean import Cleaned, Verdict, clean_batch, clean_html, clean_pages, clean_text
from pipeline.decide import Aim
from pipeline.settings import CLEANER_VERSION as __version__  # noqa: N811  # one value, its usual name outside
from pipeline.store import articles_path, read_articles, rejected_path, removed_lines_path

__all__ = [
    "Aim",
    "Cleaned",
    "Verdict",
    "__version__",
    "articles_path",
    "clean_batch",
    "clean_html",
    "clean_pages",
    "clean_text",
    "read_articles",
    "rejected_path",
    "removed_lines_path",
]
