"""Who has a say in what is removed: rules, the learned models, what they aim at, and what makes lines of pages."""

from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version

from lxml.etree import LIBXML_VERSION  # type: ignore[import-untyped]  # lxml publishes no types

from pipeline.decide import Aim
from pipeline.model import LineModel, load_model, load_page_model
from pipeline.records import Engine
from pipeline.rules import Rules, load_rules
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Manner:
    """What a user may choose about how documents are cleaned."""

    aim: Aim = Aim.BALANCED
    engine: Engine = Engine.LINES
    comments: bool = False  # keep what readers wrote below an article, apart from its text


USUAL = Manner()
_PARSERS = f"libxml2 {'.'.join(map(str, LIBXML_VERSION))}, trafilatura {version('trafilatura')}"
"""What the lines of a page hang on, too: another version cleans all files again."""


@dataclass(frozen=True, slots=True)
class Voices:
    """Without a model, the rules decide alone; a page's lines are never judged by rules alone."""

    rules: Rules
    model: LineModel | None = None
    page_model: LineModel | None = None
    manner: Manner = USUAL

    @property
    def settings(self) -> Settings:
        """What a row cleaned by these depends on."""
        return Settings(
            self.rules.digest,
            model_version=self.model_version,
            html_settings=f"{self.manner.engine}{' and comments' * self.manner.comments}, {_PARSERS}",
        )

    def settings_with(self, reading_digest: str | None) -> Settings:
        """The same where `pipeline.toml` says how raw files are read."""
        return replace(self.settings, reading_digest=reading_digest)

    @property
    def model_version(self) -> str | None:
        """The versions of the weights, flat texts' first, and the aim where it is not the usual one."""
        versions = [model.version for model in (self.model, self.page_model) if model is not None]
        if not versions:
            return None
        aim = self.manner.aim
        return "+".join(versions) if aim is Aim.BALANCED else f"{'+'.join(versions)}-{aim}"


@cache
def load_voices(manner: Manner = USUAL) -> Voices:
    """The rules and the models that ship with the package."""
    return Voices(load_rules(), load_model(), load_page_model(), manner)
