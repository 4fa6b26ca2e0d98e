"""Who has a say, and how a row tells."""

from pathlib import Path

import pytest

from pipeline import Aim, clean_batch, clean_html, clean_text
from pipeline.records import Engine
from pipeline.rules import load_rules
from pipeline.voices import Manner, Voices, load_voices
from tests.stub_model import stub_voices

DOUBT = "Nobody expected it to come back with twelve, and least of all the captain, who counts twice."
TEXT = f"The ferry left the quay at six, as it has every morning since the war, with eleven on board.\n\n{DOUBT}"
PAGE = "<html><body><article>" + "".join(f"<p>{line}</p>" for line in TEXT.split("\n\n")) + "</article></body></html>"


def test_a_row_names_the_model_and_an_unusual_aim() -> None:
    """Rows of two aims are told apart, as are those of the rules alone."""
    assert Voices(load_rules()).model_version is None
    assert [stub_voices({}, aim).model_version for aim in Aim] == ["stub-precision", "stub", "stub-recall"]


def test_what_a_row_depends_on_is_in_the_settings() -> None:
    """Rules, models, aim, what makes lines of pages and whether comments are kept each make other settings."""
    manners = (Manner(engine=Engine.TRAFILATURA), Manner(comments=True))
    voices = [
        Voices(load_rules()),
        *(stub_voices({}, manner) for manner in (*Aim, *manners)),
        stub_voices({}, pages=True),
    ]

    assert len({each.settings.digest for each in voices}) == 7
    assert {each.settings.rules_digest for each in voices} == {load_rules().digest}


@pytest.mark.parametrize("aim", [*Aim, "recall"])
def test_voices_are_loaded_once(aim: Aim | str) -> None:
    """An aim may be given by its name."""
    assert load_voices(Manner(Aim(aim))) is load_voices(Manner(Aim(aim)))
    assert load_voices(Manner(Aim(aim))).manner.aim is Aim(aim)


def test_every_function_of_the_library_takes_an_aim(monkeypatch: pytest.MonkeyPatch) -> None:
    """For flat text, pages and batches alike; a name that is no aim is an error."""
    monkeypatch.setattr("pipeline.clean.load_voices", lambda manner: stub_voices({DOUBT: 0.4}, manner, pages=True))

    for clean in (
        lambda **aim: clean_text(TEXT, **aim),
        lambda **aim: clean_html(PAGE, **aim),
        lambda **aim: clean_batch([TEXT], **aim)[0],
    ):
        assert DOUBT in clean(aim=Aim.RECALL).text
        assert DOUBT in clean(aim="recall").text
        assert DOUBT not in clean(aim=Aim.PRECISION).text
        with pytest.raises(ValueError, match="perfection"):
            clean(aim="perfection")


def test_a_served_run_has_the_aim_that_was_asked_for() -> None:
    """The schedule's parameters are those of the command."""
    from flows.runners import RunnerName
    from flows.schedule import make_schedule
    from flows.serve import Served

    served = Served(Path("raw"), Path("clean"), 1, RunnerName.THREAD, Manner(Aim.RECALL), make_schedule(None, "15m"))

    assert served.parameters["aim"] == "recall"
