"""The law over a folder of everything: each record read ends as exactly one of article, duplicate or rejected."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pipeline.records import RawRecord
from pipeline.shards import clean_shard
from pipeline.sources.reading import Reading
from pipeline.store import verify
from tests.sources.made import (
    arc,
    json_lines,
    mail,
    packed,
    parquet,
    rss,
    saved_page,
    tarred,
    warc,
    warc_record,
    zipped,
)
from tests.store_cases import page, rows, run, story

READING = Reading.model_validate({"files": [{"match": "*/many.txt", "separator": "form-feed"}]})
FORMATS = 20


def number_of(name: str) -> int:
    return int(name.split()[1])


def url(name: str) -> str:
    return f"https://www.example.org/{name.replace(' ', '-')}"


def row(name: str) -> dict[str, object]:
    """Every tenth row says nothing, and every twentieth the same as the one before it."""
    number = number_of(name)
    same = f"{name.split(maxsplit=1)[0]} {number - 1}" if number % 20 == 19 else name
    return {"url": url(same), "headline": same, "content": "" if number % 10 == 5 else story(same)}


def each(suffix: str, make: Callable[[str], bytes]) -> Callable[[Sequence[str]], Iterator[tuple[str, bytes, int]]]:
    """One file a record."""
    return lambda names: ((f"{name}{suffix}", make(name), 1) for name in names)


def whole(
    key: str, make: Callable[[Sequence[str]], bytes]
) -> Callable[[Sequence[str]], Iterator[tuple[str, bytes, int]]]:
    """One file of all records."""
    return lambda names: iter([(key, make(names), len(names))])


def tables(names: Sequence[str]) -> list[dict[str, object]]:
    return [row(name) for name in names]


def csv_of(names: Sequence[str], delimiter: str = ",") -> bytes:
    def cell(value: object) -> str:
        return '"' + str(value).replace('"', '""') + '"'

    lines = [
        delimiter.join(("url", "headline", "content")),
        *(delimiter.join(map(cell, row(name).values())) for name in names),
    ]
    return "\n".join(lines).encode()


def front_matter(name: str) -> bytes:
    return f"---\ntitle: {name}\nurl: {url(name)}\n---\n{story(name)}".encode()


MADE = {
    "txt": each(".txt", lambda name: story(name).encode()),
    "md": each(".md", front_matter),
    "html": each(".html", lambda name: page(name).encode()),
    "no-suffix": each("", lambda name: page(name).encode()),
    "mhtml": each(".mhtml", lambda name: saved_page(page(name), url(name))),
    "eml": each(".eml", lambda name: mail(story(name), page(name), Subject=name)),
    "utf-16": each(".txt", lambda name: story(name).encode("utf-16")),
    "html-xz": each(".html.xz", lambda name: packed(page(name).encode(), "xz")),
    "many": whole("many.txt", lambda names: "\n\f\n".join(map(story, names)).encode()),
    "jsonl": whole("a.jsonl", lambda names: json_lines(tables(names))),
    "ndjson-zst": whole("a.ndjson.zst", lambda names: packed(json_lines(tables(names)), "zst")),
    "json": whole("a.json", lambda names: json.dumps({"articles": tables(names)}).encode()),
    "csv-bz2": whole("a.csv.bz2", lambda names: packed(csv_of(names), "bz2")),
    "tsv": whole("a.tsv", lambda names: csv_of(names, "\t")),
    "parquet": whole("a.parquet", lambda names: parquet(tables(names))),
    "warc-gz": whole("a.warc.gz", lambda names: b"".join(packed(record, "gz") for record in warc({url(name): page(name).encode() for name in names}))),
    "wet": whole("a.warc.wet.gz", lambda names: b"".join(packed(warc_record("conversion", story(name).encode(), url(name), "text/plain"), "gz") for name in names)),
    "arc": whole("a.arc", lambda names: arc({url(name): page(name).encode() for name in names})),
    "rss-lz4": whole("feed.lz4", lambda names: packed(rss((url(name), name, page(name)) for name in names), "lz4")),
    "archives": whole("a.zip", lambda names: zipped({"one.tar.gz": packed(tarred({f"{name}.txt": story(name).encode() for name in names[::2]}), "gz"), "two.jsonl": json_lines(tables(names[1::2]))})),
}  # fmt: skip


@pytest.mark.parametrize("records", [400, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])])
def test_counts_reconcile_by_file_and_in_sum(tmp_path: Path, records: int) -> None:
    """A folder of 20 formats: what was put in is what came out, as article, duplicate or rejection, file by file."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    made: dict[str, int] = {}
    assert len(MADE) == FORMATS
    for kind, make in MADE.items():
        names = [f"{kind} {number}" for number in range(records // FORMATS)]
        (raw / kind).mkdir(parents=True)
        for key, data, count in make(names):
            (raw / kind / key).write_bytes(data)
            made[f"{kind}/{key}"] = count

    report = run(raw, clean, reading=READING, shard_size=500)

    articles, rejected = rows(clean), rows(clean, "rejected")
    found = Counter(source.rpartition("#")[0] for article in articles for source in article["sources"])
    found.update(line["source"].rpartition("#")[0] for line in rejected)
    assert found == made
    assert sum(made.values()) == records == report.records
    assert report.records == report.articles + report.duplicates + report.rejected
    assert (report.articles, report.rejected) == (len(articles), len(rejected))
    assert report.duplicates == sum(len(article["sources"]) - 1 for article in articles) > 0
    assert {line["reason"] for line in rejected} == {"empty"}
    sources = [source for article in articles for source in article["sources"]]
    assert len(set(sources) | {line["source"] for line in rejected}) == records
    assert report.skipped == {
        "ARC filedesc": 1, "WARC metadata": records // FORMATS, "WARC request": records // FORMATS, "WARC warcinfo": 1,
    }  # fmt: skip
    assert verify(clean, raw, READING) == []


def test_batches_are_bounded_and_a_file_may_span_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records go through as they are read; the rows are those of one large batch."""
    raw = tmp_path / "raw"
    raw.mkdir()
    names = [f"Town {number}" for number in range(50)]
    (raw / "a.jsonl").write_bytes(json_lines(tables(names)))
    (raw / "b.txt").write_bytes(story("Ems").encode())
    run(raw, tmp_path / "whole")
    sizes: list[int] = []

    def noted(shard: Path, cleaner: Callable[..., Sequence[object]]) -> object:
        def note(records: Sequence[RawRecord], voices: object) -> Sequence[object]:
            sizes.append(len(records))
            return cleaner(records, voices)

        return clean_shard(shard, note)  # type: ignore[arg-type]

    monkeypatch.setattr("pipeline.shards.BATCH_BYTES", 2_000)
    monkeypatch.setattr("pipeline.run.clean_shard", noted)
    run(raw, tmp_path / "parts")

    assert sum(sizes) == 51
    assert max(sizes) <= 12
    for table in ("articles", "removed_lines", "rejected"):
        whole_rows, part_rows = rows(tmp_path / "whole", table), rows(tmp_path / "parts", table)
        assert [{**line, "ingested_at": 0, "first_seen": 0, "last_seen": 0} for line in whole_rows] == [
            {**line, "ingested_at": 0, "first_seen": 0, "last_seen": 0} for line in part_rows
        ]


def test_a_file_that_changes_while_its_records_are_cleaned_counts_as_one_rejection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read and written of it before is void; the next run takes it as it is then."""
    raw, clean = tmp_path / "raw", tmp_path / "clean"
    raw.mkdir()
    path = raw / "a.jsonl"
    path.write_bytes(json_lines([{"text": ""}, *tables([f"Town {number}" for number in range(30)])]))
    (raw / "b.txt").write_bytes(story("Ems").encode())
    monkeypatch.setattr("pipeline.shards.BATCH_BYTES", 2_000)

    def grown(shard: Path, cleaner: Callable[..., Sequence[object]]) -> object:
        def grow(records: Sequence[RawRecord], voices: object) -> Sequence[object]:
            if records[0].source == "a.jsonl#1":
                with path.open("ab") as copier:
                    copier.write(b'{"text": "More"}\n')
            return cleaner(records, voices)

        return clean_shard(shard, grow)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.run.clean_shard", grown)
        report = run(raw, clean)

    assert (report.records, report.articles, report.rejected) == (2, 1, 1)
    assert [(line["source"], line["reason"]) for line in rows(clean, "rejected")] == [
        ("a.jsonl#1", "changed-while-read")
    ]
    assert verify(clean, raw) == []
    again = run(raw, clean)
    assert (again.files.changed, again.records) == (1, 32)
    assert verify(clean, raw) == []
