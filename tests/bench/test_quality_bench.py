"""`python -m bench.quality`: the right cleaner for each page, and figures that can be worked out by hand."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import folds as folds_module
from bench import quality
from bench.folds import Cleaner, Example, Voices, clean_by_fold, cleaners_by_fold, shipped_cleaner
from bench.peer_scores import peer_f1s
from bench.rows import Part, Plan, Row, headline, measure
from bench.tables import below_raw
from pipeline.errors import UsageError
from pipeline.score.gold import fold_of
from pipeline.score.pages import Sample, make_sample
from pipeline.score.shapes import FLATTENINGS, Shape
from pipeline.score.systems import Result, System
from tests.score.gold_cases import PARAGRAPH, make_page, page_row, write_gold

HTML = f"<html><body><p>Menu</p><article><p>{PARAGRAPH}</p></article></body></html>".encode()


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Gold files of the names that the bench reads, with few pages."""
    folder = tmp_path / "gold"
    folder.mkdir()
    types = ["article"] * 3 + ["forum", "product"]
    rows = [page_row(number, page_type=each, lang="en", html=HTML) for number, each in enumerate(types)]
    for name in ("wcxb_dev", "news", "multilingual", "sites_ru_pl"):
        write_gold(folder / f"{name}.parquet", [row | {"id": f"{name}{row['id']}"} for row in rows])
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


def test_nothing_of_a_held_out_site_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold's cleaner is given all other folds' pages, and not one of its own."""
    examples = [Example(make_page(number), {}) for number in range(40)]
    given: list[list[str]] = []

    def train(train: Sequence[Example], voices: Voices) -> Cleaner:
        given.append([each.page.domain for each in train])
        return make_cleaner(str(voices))

    monkeypatch.setattr(folds_module, "cleaner_for_fold", train)

    cleaners = cleaners_by_fold(lambda: examples, 5, Voices.BOTH)

    assert len(cleaners) == 5
    for fold, domains in enumerate(given):
        assert set(domains) == {each.page.domain for each in examples if fold_of(each.page.domain) != fold}


def test_rules_need_no_training() -> None:
    """Rules learn nothing, so no page has to be loaded to cross-validate them."""
    assert cleaners_by_fold(lambda: pytest.fail("loaded"), 3, Voices.RULES) == [shipped_cleaner(Voices.RULES)] * 3


def test_examples_are_all_pages_for_training_in_all_shapes(gold: Path) -> None:
    """What may be trained on is every page of the training files, with its flat texts; the other files never are."""
    examples = quality.load_examples(gold, gold.parent / "cache")

    assert {each.page.id for each in examples} == {
        f"{name}{number}" for name in ("wcxb_dev", "news", "multilingual") for number in range(5)
    }
    assert all(set(each.texts) == set(FLATTENINGS) for each in examples)


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
        run(gold, monkeypatch, "--no-peers", "--inputs", "dump", "wrapped", "--json", str(target), *options)
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
    with pytest.raises(SystemExit, match="missing"):
        run(gold / "missing", monkeypatch)


def test_datatroves_filters_are_peers() -> None:
    """Where the extra `bench` is installed, its C4 keeps sentences and its Gopher drops short documents."""
    pytest.importorskip("datatrove")
    from bench.peers import DATATROVE_PEERS

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


def test_a_model_is_missing_yet() -> None:
    """Until there is a model, asking for one is bad usage."""
    with pytest.raises(UsageError, match="no model"):
        shipped_cleaner(Voices.BOTH)
    with pytest.raises(UsageError, match="no model"):
        cleaners_by_fold(list, 5, Voices.MODEL)
