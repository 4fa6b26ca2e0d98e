"""Who has a say in what is removed: rules, the learned model, and what it aims at."""

from dataclasses import dataclass, replace
from functools import cache

from pipeline.decide import Aim
from pipeline.model import LineModel, load_model
from pipeline.rules import Rules, load_rules
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Voices:
    """Without a model, the rules decide alone."""

    rules: Rules
    model: LineModel | None = None
    aim: Aim = Aim.BALANCED

    @property
    def settings(self) -> Settings:
        """What a row cleaned by these depends on."""
        return Settings(self.rules.digest, model_version=self.model_version)

    def settings_with(self, reading_digest: str | None) -> Settings:
        """The same where `pipeline.toml` says how raw files are read."""
        return replace(self.settings, reading_digest=reading_digest)

    @property
    def model_version(self) -> str | None:
        """The version of the weights, and the aim where it is not the usual one."""
        if self.model is None:
            return None
        return self.model.version if self.aim is Aim.BALANCED else f"{self.model.version}-{self.aim}"


@cache
def load_voices(aim: Aim = Aim.BALANCED) -> Voices:
    """The rules and the model that ship with the package."""
    return Voices(load_rules(), load_model(), aim)
