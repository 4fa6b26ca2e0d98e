"""`python -m bench.quality`: the right cleaner for each page, and figures that can be worked out by hand."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import quality
from bench.folds import Cleaner, Voice, choose_voices, clean_by_fold, cleaners_by_fold
from bench.models import Training, fold_models, train_on
from bench.peer_scores import peer_f1s
from bench.rows import Part, Plan, Row, headline, measure
from bench.tables import below_raw
from pipeline.clean import clean_batch
from pipeline.rules import load_rules
from pipeline.score.gold import fold_of
from pipeline.score.pages import Sample, make_sample
from pipeline.score.shapes import FLATTENINGS, Shape
from pipeline.score.systems import Result, System
from pipeline.train.examples import make_examples
from tests.score.gold_cases import PARAGRAPH, make_page, page_row, write_gold
from tests.stub_model import stub_voices
from tests.train.cases import invent_sources

HTML = f"<html><body><p>Menu</p><article><p>{PARAGRAPH}</p></article></body></html>".encode()


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Gold files of the names that the bench reads, with few pages."""
    folder = tmp_path / "gold"
    folder.mkdir()
    types = ["article"] * 3 + ["forum", "product"]
    rows = [page_row(number, page_type=each, lang="en", html=HTML) for number, each in enumerate(types)]
    for name in ("wcxb_dev", "news", "multilingual", "sites_ru_pl"):
        own = [row | {"id": f"{name}{row['id']}", "host": f"{name}-{row['host']}"} for row in rows]
        write_gold(folder / f"{name}.parquet", own)
    lines = {"id": "1", "lang": "en", "lines": ["Menu", PARAGRAPH, "Read more"], "keep": [False, True, False]}
    write_gold(folder / "line_labels.parquet", [lines])
    return folder


def make_cleaner(name: str) -> Cleaner:
    """A cleaner that leaves its name as the text."""
    return Cleaner(*[System(name, lambda texts: [Result(name) for _ in texts])] * 2)


def make_plan(gold: Path, cleaner: Cleaner, **fields: object) -> Plan:
    """A plan without peers that nobody watches."""
    plan = {"gold": gold, "cache": gold.parent / "cache", "cleaners": [cleaner], "peers": False, "limit": None}
    return Plan(**{**plan, "tell": lambda _what: None, **fields})  # type: ignore[arg-type]


def test_each_page_goes_to_the_cleaner_of_its_fold() -> None:
    """Sites decide, and results stay in the order of the pages."""
    pages = [make_page(number) for number in range(40)]
    cleaners = [make_cleaner(str(fold)) for fold in range(5)]

    results = clean_by_fold(cleaners, Shape.DUMP, pages, [page.dump for page in pages])

    assert [result.text for result in results] == [str(fold_of(page.domain)) for page in pages]
    assert len({result.text for result in results}) == 5


def test_nothing_of_a_held_out_site_is_trained_on() -> None:
    """A fold's model is given all other folds' examples, and not one of its own."""
    examples = list(make_examples(invent_sources(sites=40), load_rules()))

    for fold in range(5):
        given = {example.source.site for example in train_on(examples, fold, 5)}

        assert given == {each.source.site for each in examples if fold_of(each.source.site) != fold}


def test_rules_need_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules learn nothing, so no page has to be loaded to cross-validate them."""
    monkeypatch.setattr("bench.folds.fold_models", lambda *_, **__: pytest.fail("trained"))

    assert len(cleaners_by_fold(Training(Path(), Path()), 3, Voice.RULES, list(Shape))) == 3


def test_each_voice_can_be_heard_alone() -> None:
    """Rules, model and both differ in what removes lines, and in nothing else."""
    text = "\n\n".join([PARAGRAPH, PARAGRAPH.replace("six", "ten"), "Sign up for our newsletter"])
    stub = stub_voices({PARAGRAPH: 0.01}).model
    rules = {
        voice: [entry.rule for entry in clean_batch([text], voices=choose_voices(voice, stub, None))[0].removed]
        for voice in Voice
    }

    assert rules == {Voice.RULES: ["en-newsletter"], Voice.MODEL: ["model"], Voice.BOTH: ["model", "en-newsletter"]}


def test_a_folds_model_is_trained_once(gold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are kept in the cache, whatever voices are compared and however many folds are trained at once."""
    training = Training(gold, gold.parent / "cache", epochs=1)
    first = fold_models(training, 2)
    with monkeypatch.context() as patch:
        patch.setattr("bench.models.load_examples", lambda *_: pytest.fail("trained again"))
        again = fold_models(training, 2)
    side_by_side = fold_models(Training(gold, gold.parent / "other", epochs=1, jobs=2), 2)
    longer = fold_models(Training(gold, gold.parent / "cache", epochs=2), 2)

    versions = [[model.version for model in models] for models in (first, again, side_by_side)]
    assert versions == [versions[0]] * 3
    assert not {model.version for model in longer} & set(versions[0])


@pytest.mark.parametrize("shape", [*FLATTENINGS, Shape.HTML])
def test_a_row_is_a_part_in_a_shape(gold: Path, shape: Shape) -> None:
    """Only the part's pages count; what a cleaner leaves is scored against gold, in every shape."""
    cleaner = Cleaner(*[System("perfect", lambda texts: [Result(PARAGRAPH) for _ in texts])] * 2)

    row = measure(make_plan(gold, cleaner), Part("articles", "wcxb_dev", "article"), shape)

    assert row is not None
    assert (row.documents, row.blank, row.ours.f1) == (3, 0, 1.0)
    assert row.raw < row.oracle <= 1.0
    assert not below_raw(row)
    limited = measure(make_plan(gold, cleaner, limit=2), Part("articles", "wcxb_dev", "article"), shape)
    assert limited is not None
    assert limited.documents == 2


def test_a_part_without_text_has_no_row(gold: Path) -> None:
    """Nothing is said about what is not there."""
    assert measure(make_plan(gold, make_cleaner("x")), Part("listings", "wcxb_dev", "listing"), Shape.DUMP) is None


def test_the_headline_is_mean_and_worst_over_shapes(gold: Path) -> None:
    """A cleaner that fails on one shape cannot hide behind the others."""

    def clean(texts: Sequence[str]) -> list[Result]:
        return [Result("" if "\n\n" in text else PARAGRAPH) for text in texts]

    plan = make_plan(gold, Cleaner(System("x", clean), System("x", clean)))
    rows = [row for shape in FLATTENINGS if (row := measure(plan, Part("news", "news"), shape)) is not None]

    found = headline(rows)

    gaps = {row.shape: row.ours.gap_closed or 0.0 for row in rows}
    assert found.worst_shape is Shape.STITCHED
    assert found.worst_gap_closed == gaps[Shape.STITCHED] < 0
    assert found.gap_closed == pytest.approx(sum(gaps.values()) / 6)
    assert (found.most_worse, found.worse) == (1.0, pytest.approx(1 / 6))
    assert [row.shape for row in rows if below_raw(row)] == [Shape.STITCHED]


def test_a_peer_is_run_once(tmp_path: Path) -> None:
    """Peers never change, so only pages that were never scored are given to them."""
    path = write_gold(tmp_path / "gold.parquet", [page_row(number) for number in range(4)])
    given: list[str] = []

    def clean(texts: Sequence[str]) -> list[Result]:
        given.extend(texts)
        return [Result(text) for text in texts]

    samples: list[Sample] = [make_sample(page, page.dump, page.dump) for page in map(make_page, range(4))]
    peer = System("peer", clean)
    first = peer_f1s(peer, path, Shape.DUMP, samples[:2], tmp_path)
    second = peer_f1s(peer, path, Shape.DUMP, samples, tmp_path)

    assert len(given) == 4
    assert second[:2] == first == [sample.raw.f1 for sample in samples[:2]]


def run(gold: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    """The command."""
    arguments = ["quality", "--gold", str(gold), "--cache", str(gold.parent / "cache"), *options]
    monkeypatch.setattr("sys.argv", arguments)
    quality.main()


def test_the_command_prints_and_writes_all_figures(
    gold: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows for every part and shape, headlines, other page types on dumps, and labelled lines."""
    target = gold.parent / "quality.json"

    run(gold, monkeypatch, "--json", str(target))

    found = json.loads(target.read_text(encoding="utf-8"))
    assert len(found["rows"]) == 4 * 6
    assert [each["part"] for each in found["headlines"]] == [part.name for part in quality.PARTS]
    assert [(row["part"], row["shape"]) for row in found["other_types"]] == [
        ("wcxb_dev forum", "dump"), ("wcxb_dev product", "dump"),
    ]  # fmt: skip
    assert [figures["system"] for figures in found["lines"][0]["systems"]][:3] == ["raw", "ours", "C4 (TFDS)"]
    assert "jusText on lines" in found["rows"][0]["peers"]
    printed = capsys.readouterr().out
    for title in ("word F1", "over all shapes", "page types that are no articles", "labelled lines"):
        assert title in printed


def test_cross_validated_rules_are_the_rules(gold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--cv` pages are cleaned fold by fold, and the figures of something that learns nothing stay the same."""
    written = []
    for options in ([], ["--cv"]):
        target = gold.parent / "quality.json"
        arguments = ["--no-peers", "--voices", "rules", "--inputs", "dump", "wrapped", "--json", str(target)]
        run(gold, monkeypatch, *arguments, *options)
        written.append(json.loads(target.read_text(encoding="utf-8")) | {"folds": None})

    assert written[0] == written[1]


def test_html_has_no_labelled_lines(gold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages as HTML stand beside trafilatura; nothing is measured on flat text then."""
    target = gold.parent / "quality.json"

    run(gold, monkeypatch, "--inputs", "html", "--json", str(target))

    found = json.loads(target.read_text(encoding="utf-8"))
    assert list(found["rows"][0]["peers"]) == ["trafilatura"]
    assert (found["headlines"], found["lines"]) == ([], [])


def test_bad_usage_is_a_message(gold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder of gold ends in a message with its name, not in a traceback."""
    for options in ([], ["--cv"]):
        with pytest.raises(SystemExit, match="missing"):
            run(gold / "missing", monkeypatch, *options)


def test_datatroves_filters_are_peers() -> None:
    """Where the extra `bench` is installed, its C4 keeps sentences and its Gopher drops short documents."""
    pytest.importorskip("datatrove")
    from bench.datatrove_filters import DATATROVE_PEERS

    c4, gopher = DATATROVE_PEERS
    text = "\n".join(["Menu", *[PARAGRAPH.replace("six", hour) for hour in ("five", "six", "seven", "eight", "nine")]])

    assert next(c4.run([text])).text == text.removeprefix("Menu\n")
    assert not next(c4.run([PARAGRAPH])).text
    assert not next(gopher.run([PARAGRAPH])).text


def test_below_raw_is_flagged(gold: Path) -> None:
    """A page type that cleaning makes worse stands out."""
    row = measure(make_plan(gold, make_cleaner("nothing")), Part("news", "news"), Shape.DUMP)

    assert isinstance(row, Row)
    assert below_raw(row)
