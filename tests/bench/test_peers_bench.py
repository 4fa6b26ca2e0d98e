"""`python -m bench.peers`: extractors on the same pages, what they cost, where they fail, and figures by hand."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import peers
from bench.extracted import MUCH_TEXT, find_failures, summarise
from bench.extractors import ORACLE, PEERS, TRAFILATURA, VISIBLE, Extractor, is_installed
from bench.folds import Cleaner
from bench.in_batches import IN_BATCHES
from bench.outcomes import Outcome, measure_pages, measure_peer
from bench.turns import TOGETHER, compare_speed, sample_pages, take_turns
from pipeline.score.gold import PageGold, fold_of
from pipeline.score.systems import Result, System
from tests.score.gold_cases import make_page, page_row, write_gold

HOURS = ("five", "six", "seven", "eight", "nine", "ten")
PARAGRAPHS = [
    f"The ferry left at {hour} in the morning with eleven people on board, and nobody on the quay was surprised that "
    f"it was late again, since it had been late on every day of that week, and of the week before it."
    for hour in HOURS
]
MENU = "Timetable Tickets Harbour Contact"
HTML = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ferry leaves late</title></head><body>
<nav><ul>{"".join(f'<li><a href="/{word}">{word}</a></li>' for word in MENU.split())}</ul></nav>
<article><h1>Ferry leaves late</h1>{"".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)}</article>
<footer><p><a href="/imprint">Imprint</a></p></footer></body></html>""".encode()
GOLD = "\n".join(PARAGRAPHS)


def page_of(number: int = 1, **fields: object) -> PageGold:
    """A page whose article and snippets are known."""
    known = {"html": HTML, "gold": GOLD, "lang": "en", "with_": ("left at six",), "without": ("Imprint", "Tickets")}
    return make_page(number, **known | fields)


def extractor_of(extract: Callable[[PageGold], str], name: str = "made up", **fields: object) -> Extractor:
    """An extractor that needs no library."""
    return Extractor(name, extract, **fields)  # type: ignore[arg-type]


def outcome_of(page: str, **fields: object) -> Outcome:
    """The outcome of a perfect reading, but for these fields."""
    perfect = {"f1": 1.0, "precision": 1.0, "recall": 1.0, "found": 1, "wanted": 1, "gone": 2, "unwanted": 2}
    return Outcome(page=page, **{**perfect, "words": 300, "seconds": 0.1, "error": None} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("peer", [peer for peer in PEERS if is_installed(peer)], ids=lambda peer: peer.name)
def test_each_peer_finds_an_article(peer: Extractor) -> None:
    """Every peer that is installed reads a plain page; all but the one without any judgement leave the menu out."""
    (outcome,) = measure_pages(peer, [page_of()])

    assert outcome.error is None
    assert outcome.recall == 1.0
    assert (outcome.found, outcome.wanted) == (1, 1)
    assert (outcome.gone == outcome.unwanted) is (peer is not VISIBLE)


def test_what_the_package_brings_is_always_there() -> None:
    """Without the extra `bench` there still are peers, above all the one that speed is compared with."""
    assert {"trafilatura", "jusText", "resiliparse", VISIBLE.name, ORACLE.name} <= {
        peer.name for peer in PEERS if is_installed(peer)
    }


def test_a_peer_that_is_not_installed_is_left_out_with_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Peers are extras: the bench runs without them and says so."""
    missing = Extractor("no peer", lambda _page: "", ("trafilatura", "no-such-distribution"))
    monkeypatch.setattr(peers, "PEERS", (TRAFILATURA, missing))

    assert peers.installed_peers() == [TRAFILATURA]
    assert "no peer is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["en", "sw", None])
def test_justext_is_told_the_language(lang: str | None) -> None:
    """With stop words or, where there are none, by length alone."""
    justext = next(peer for peer in PEERS if peer.name == "jusText")

    (outcome,) = measure_pages(justext, [page_of(lang=lang)])

    assert outcome.f1 > 0.9


def test_visible_text_is_that_of_browsers_without_scripts() -> None:
    """Forums that show their threads in `<noscript>` alone have visible text, in the charset the page declares."""
    html = '<html><head><meta charset="windows-1251"></head><body><noscript>Паром ушёл</noscript></body></html>'

    assert VISIBLE.extract(page_of(html=html.encode("cp1251"))).strip() == "Паром ушёл"


def test_what_an_extractor_raises_is_an_outcome() -> None:
    """A page that makes a peer crash is an empty text, and the pages after it are read."""

    def extract(page: PageGold) -> str:
        if page.id == "1":
            raise RecursionError("too deep")
        return GOLD

    failed, fine = measure_pages(extractor_of(extract), [page_of(1), page_of(2)])

    assert (failed.error, failed.words, failed.f1) == ("RecursionError: too deep", 0, 0.0)
    assert (failed.found, failed.gone) == (0, 2)
    assert (fine.error, fine.f1, fine.found) == (None, 1.0, 1)


def test_a_peers_outcomes_are_kept(tmp_path: Path) -> None:
    """Only pages that were never read are given to it, until its version changes."""
    path = write_gold(tmp_path / "gold.parquet", [page_row(number) for number in range(3)])
    given: list[str] = []

    def extract(page: PageGold) -> str:
        given.append(page.id)
        return GOLD

    pages = [page_of(number) for number in range(3)]
    peer = extractor_of(extract, libraries=("trafilatura",))
    first = measure_peer(peer, path, pages[1:2], tmp_path)
    second = measure_peer(peer, path, pages, tmp_path)
    again = measure_peer(peer, path, pages, tmp_path)

    assert set(given) == {"0", "1", "2"}
    assert given.count("1") == 2  # once untimed
    assert again == second
    assert second[1:2] == first
    measure_peer(extractor_of(extract, libraries=("jusText",)), path, pages[:1], tmp_path)
    assert given[-1] == "0"


def test_a_run_that_is_broken_off_keeps_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow peers take minutes on a gold file; the next run goes on where the last one ended."""
    monkeypatch.setattr("bench.outcomes.BATCH", 2)
    path = write_gold(tmp_path / "gold.parquet", [page_row(number) for number in range(5)])
    pages = [page_of(number) for number in range(5)]
    given: list[str] = []

    def extract(page: PageGold) -> str:
        given.append(page.id)
        if given == ["0", "0", "1", "2"]:
            raise KeyboardInterrupt
        return GOLD

    peer = extractor_of(extract)
    with pytest.raises(KeyboardInterrupt):
        measure_peer(peer, path, pages, tmp_path)
    given.clear()

    assert [outcome.page for outcome in measure_peer(peer, path, pages, tmp_path)] == ["0", "1", "2", "3", "4"]
    assert set(given) == {"2", "3", "4"}


def test_benches_that_run_at_once_share_the_cache(tmp_path: Path) -> None:
    """What another run has put into the cache meanwhile stays there."""
    path = write_gold(tmp_path / "gold.parquet", [page_row(number) for number in range(3)])
    given: list[str] = []

    def extract(page: PageGold) -> str:
        given.append(page.id)
        if page.id == "0" and len(given) == 1:
            measure_peer(peer, path, [page_of(1), page_of(2)], tmp_path)  # the other run
        return GOLD

    peer = extractor_of(extract)
    measure_peer(peer, path, [page_of(0)], tmp_path)
    given.clear()

    assert len(measure_peer(peer, path, [page_of(number) for number in range(3)], tmp_path)) == 3
    assert not given
    assert len(list((tmp_path / "extractors").iterdir())) == 1


def test_figures_are_means_over_pages_and_shares_of_snippets() -> None:
    """Words count by page, snippets all together; without any there is no share."""
    pages = [
        outcome_of("1"),
        outcome_of("2", f1=0.5, precision=1 / 3, recall=0.9, found=0, wanted=3, gone=0, unwanted=0),
    ]
    bare = outcome_of("3", wanted=0, found=0, gone=0, unwanted=0)

    some, none = summarise({"x": pages, "y": [bare]})

    assert (some.system, some.f1, some.precision, some.recall) == ("x", 0.75, pytest.approx(2 / 3), 0.95)
    assert (some.with_found, some.without_rejected) == (0.25, 1.0)
    assert (none.with_found, none.without_rejected) == (None, None)


def test_failures_are_pages_that_raise_hang_or_lose_much_text() -> None:
    """An empty text is a failure only where the page shows two hundred words."""
    visible = [outcome_of("1", words=MUCH_TEXT), outcome_of("2", words=MUCH_TEXT - 1), outcome_of("3"), outcome_of("4")]
    ours = [
        outcome_of("1", words=0),
        outcome_of("2", words=0),
        outcome_of("3", words=0, error="ValueError: x"),
        outcome_of("4", seconds=5.1),
    ]

    (failures,) = find_failures({"ours": ours}, visible)

    assert (failures.raised, failures.slow, failures.empty) == (("3",), ("4",), ("1", "3"))
    assert peers.describe_failures(failures) == ["ours, raised: 3", "ours, slow: 4", "ours, empty: 1, 3"]


def burn(seconds: float) -> Callable[[PageGold], str]:
    """An extractor that takes so much CPU time."""

    def extract(_page: PageGold) -> str:
        began = time.process_time()
        while time.process_time() - began < seconds:
            pass
        return ""

    return extract


def test_speed_is_a_ratio_of_cpu_time() -> None:
    """An extractor that takes a quarter of the reference's CPU time is four times as fast, sleeping aside."""

    def extract(page: PageGold) -> str:
        time.sleep(0.03)
        return burn(0.005)(page)

    reference = extractor_of(burn(0.02), "slow")

    slow, fast = compare_speed([reference, extractor_of(extract, "fast")], reference, [page_of(n) for n in range(5)])

    assert (slow.system, slow.ratio) == ("slow", 1.0)
    assert slow.pages_per_second == pytest.approx(50, rel=0.3)
    assert fast.ratio == pytest.approx(4, rel=0.4)


def test_extractors_take_turns_page_by_page() -> None:
    """No extractor reads a second page before all have read the first, and none is always first."""
    calls: list[tuple[str, str]] = []

    def make(name: str) -> Extractor:
        return extractor_of(lambda page: calls.append((page.id, name)) or "", name)  # type: ignore[func-returns-value]

    take_turns([make("a"), make("b")], [page_of(number) for number in range(3)])

    untimed, timed = calls[:2], calls[2:]
    assert untimed == [("2", "a"), ("2", "b")]
    assert timed == [("0", "a"), ("0", "b"), ("1", "b"), ("1", "a"), ("2", "a"), ("2", "b")]


def test_one_that_takes_many_pages_gets_them_at_once() -> None:
    """It is timed in batches between the others' turns, the last of them smaller, and never page by page."""
    sizes: list[int] = []
    many = Extractor("many", lambda _: pytest.fail("page by page"), extract_many=lambda pages: sizes.append(len(pages)))

    seconds = take_turns([extractor_of(burn(0.0), "one"), many], [page_of(number) for number in range(TOGETHER + 2)])

    assert sizes[-2:] == [TOGETHER, 2]
    assert [bool(each) for each in seconds[1]].count(True) == 2


def test_ours_is_timed_as_a_run_cleans() -> None:
    """In batches, with metadata and without."""
    pages = [page_of(number) for number in range(2)]

    assert [extractor.name for extractor in IN_BATCHES] == ["ours, in batches", "ours, in batches, no metadata"]
    for extractor in IN_BATCHES:
        assert extractor.extract_many is not None
        assert extractor.extract_many(pages)


def test_a_sample_is_the_same_in_every_run() -> None:
    """Pages are chosen by their ids, wherever they stand and however the files are read."""
    pages = [page_of(number) for number in range(200)]
    whole = sample_pages(pages, 20)

    in_parts = sample_pages([*sample_pages(pages[:50], 20), *pages[50:]], 20)

    assert in_parts == whole == sample_pages(reversed(pages), 20)
    assert 2 <= sum(int(page.id) < 50 for page in whole) <= 9


def test_each_page_goes_to_the_cleaner_of_its_fold() -> None:
    """A fold's model has seen nothing of the site it cleans."""
    cleaners = [
        Cleaner(*[System(str(fold), lambda texts, fold=fold: [Result(str(fold)) for _ in texts])] * 2)
        for fold in range(5)
    ]
    pages = [page_of(number) for number in range(40)]

    ours = peers.clean_with(cleaners)

    assert [ours.extract(page) for page in pages] == [str(fold_of(page.domain)) for page in pages]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Gold files of the names that the bench reads, with few pages."""
    folder = tmp_path / "gold"
    folder.mkdir()
    known = {"html": HTML, "gold": GOLD, "lang": "en", "with_": ["left at six"], "without": ["Tickets"]}
    types = ["article"] * 3 + ["forum", "product"]
    for name, members in (("wcxb_dev", types), ("news", ["article"]), ("multilingual", ["article", "forum"])):
        rows = [page_row(number, page_type=each, **known) for number, each in enumerate(members)]
        write_gold(folder / f"{name}.parquet", [row | {"id": f"{name}-{row['id']}"} for row in rows])
    return folder


def run(gold: Path, *options: str) -> dict[str, object]:
    """The command's figures."""
    target = gold.parent / "peers.json"
    cache = gold.parent / "cache"
    peers.main(["--gold", str(gold), "--cache", str(cache), "--json", str(target), "--voices", "rules", *options])
    found: dict[str, object] = json.loads(target.read_text(encoding="utf-8"))
    return found


def test_the_command_prints_and_writes_all_figures(gold: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every part with pages, every extractor, their speed, and the pages that fail; the second time from the cache."""
    found = run(gold, "--limit", "2", "--speed-pages", "3")
    printed = capsys.readouterr().out
    kept = sorted((path, path.stat().st_mtime_ns) for path in (gold.parent / "cache" / "extractors").iterdir())
    again = run(gold, "--limit", "2", "--speed-pages", "0")

    names = ["ours", *(peer.name for peer in PEERS if is_installed(peer))]
    assert [(part["part"], part["pages"]) for part in found["parts"]] == [  # type: ignore[attr-defined]
        ("wcxb_dev articles", 2), ("wcxb_dev forum", 1), ("wcxb_dev product", 1), ("wcxb_dev all types", 4),
        ("news", 1), ("multilingual", 2),
    ]  # fmt: skip
    for part in found["parts"]:  # type: ignore[attr-defined]
        assert [figures["system"] for figures in part["systems"]] == names
        assert part["systems"][0]["f1"] == 1.0
    assert found["failures"][0] == {"system": "ours", "raised": [], "slow": [], "empty": []}  # type: ignore[index]
    timed = [names[0], *(each.name for each in IN_BATCHES), *names[1:]]
    assert [speed["system"] for speed in found["speeds"]] == [name for name in timed if name != ORACLE.name]  # type: ignore[attr-defined]
    assert found["speed_pages"] == 3
    for title in ("word F1 on HTML", "precision and recall", "pages that fail"):
        assert title in printed
    assert again == found | {"speed_pages": 0, "speeds": []}
    assert kept == sorted((path, path.stat().st_mtime_ns) for path in (gold.parent / "cache" / "extractors").iterdir())


def test_peers_can_be_left_out(gold: Path) -> None:
    """All visible text stays, by which pages that lose their text are told."""
    found = run(gold, "--limit", "1", "--ours")

    assert {figures["system"] for part in found["parts"] for figures in part["systems"]} == {"ours", VISIBLE.name}  # type: ignore[attr-defined]
    assert found["speeds"] == []


def test_cross_validated_rules_are_the_rules(gold: Path) -> None:
    """With `--cv` each page has its fold's cleaner, and the figures of something that learns nothing stay the same."""
    plain, crossed = run(gold, "--speed-pages", "0"), run(gold, "--speed-pages", "0", "--cv")

    assert crossed == plain | {"folds": 5}


def test_bad_usage_is_a_message(gold: Path) -> None:
    """A missing folder of gold ends in a message with its name, not in a traceback."""
    with pytest.raises(SystemExit, match="missing"):
        run(gold / "missing")
