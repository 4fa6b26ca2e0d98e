"""
Check every promise the store makes, from the links that readers follow down to the single rows.

Each finding says what is wrong and what to do. Nothing is changed: the next run mends what a dead run left, and
everything else can be made anew from the raw files. Finished shards that a dead run left are no finding, as the next run
takes them over.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.addresses import Place, place_of
from pipeline.errors import StoreError
from pipeline.report import RunReport
from pipeline.sources.discover import DEFAULT_READING
from pipeline.sources.reading import Reading
from pipeline.store.conserve import Conservation
from pipeline.store.findings import NEXT_RUN, NOT_CURRENT, REMOVE, RERUN, Finding
from pipeline.store.layout import Layout, hold_lock, public_name
from pipeline.store.look import ask_state
from pipeline.store.parts import FOOTER_KEYS, digest_of, read_part
from pipeline.store.pieces import is_undamaged, pieces_left, read_finished
from pipeline.store.rowcheck import check_articles, check_ledger, check_rejected
from pipeline.store.snapshots import orphans
from pipeline.store.state import current_number, live_parts, published_schema, reports
from pipeline.tables import SCHEMA_VERSION, TABLES

_CONSISTENCY = {
    "a record is not in exactly one table": (
        "SELECT key || '#' || records.record FROM records JOIN raw_files ON raw_files.file_id = records.file_id"
        " LEFT JOIN articles ON articles.article_id = records.article_id"
        " LEFT JOIN rejections ON (rejections.file_id, rejections.record) = (records.file_id, records.record)"
        " WHERE (articles.article_id IS NULL) = (rejections.reason IS NULL)"
        " OR (records.article_id IS NULL) <> (articles.article_id IS NULL)"
    ),
    "a rejected row belongs to no record": (
        "SELECT file_id || '#' || record FROM rejections LEFT JOIN records USING (file_id, record)"
        " WHERE records.basis IS NULL"
    ),
    "a record or an article belongs to no raw file": (
        "SELECT file_id || '#' || record FROM (SELECT file_id, record FROM records"
        " UNION SELECT file_id, record FROM articles) WHERE file_id NOT IN (SELECT file_id FROM raw_files)"
    ),
    "a part without rows, or of no bucket": (
        "SELECT part_of || ' ' || bucket FROM parts WHERE row_count < 1 OR NOT EXISTS (SELECT 1 FROM"
        " (SELECT 'articles' AS of_table, bucket AS b FROM articles UNION SELECT 'removed_lines', bucket FROM articles"
        " UNION SELECT 'rejected', bucket FROM rejections) WHERE of_table = part_of AND b = bucket)"
    ),
    "a part's sources are counted wrongly": (
        "SELECT part_of || ' ' || bucket FROM parts WHERE sources <> iif(part_of = 'articles', (SELECT count(*)"
        " FROM articles JOIN records USING (article_id) WHERE articles.bucket = parts.bucket), 0)"
    ),
    "its rows have no part": (
        "SELECT 'bucket ' || bucket || ' of articles' FROM articles WHERE bucket NOT IN"
        " (SELECT bucket FROM parts WHERE part_of = 'articles') UNION"
        " SELECT 'bucket ' || bucket || ' of rejected' FROM rejections WHERE bucket NOT IN"
        " (SELECT bucket FROM parts WHERE part_of = 'rejected')"
    ),
    "a raw file has no record": "SELECT key FROM raw_files WHERE file_id NOT IN (SELECT file_id FROM records)",
    "an article's source is not its first one": (
        "SELECT lower(hex(article_id)) FROM articles WHERE (articles.file_id, articles.record) IS NOT"
        " (SELECT records.file_id, records.record FROM records JOIN raw_files USING (file_id)"
        " WHERE records.article_id = articles.article_id ORDER BY key, records.record LIMIT 1)"
    ),
    "duplicate_of is not the smallest id of its text": (
        "SELECT lower(hex(article_id)) FROM articles JOIN"
        " (SELECT text_sha256, min(article_id) AS first FROM articles GROUP BY text_sha256) USING (text_sha256)"
        " WHERE duplicate_of IS NOT nullif(first, article_id)"
    ),
}


def verify(clean: Path = Path("clean"), raw: Place | None = None, reading: Reading = DEFAULT_READING) -> list[Finding]:
    """
    Check the store below `clean`; no finding means that every promise holds.

    Where raw files are still what they were, flat texts are also compared with their rows, line by line; `raw` is the
    folder of the last run unless given, and `reading` how it is read. `StoreBusy` while a run is active.
    """
    layout = Layout(clean)
    if not layout.state.exists():
        raise StoreError(f"{clean}: no store here yet; `pipeline run` makes one")
    with hold_lock(layout):
        try:
            return ask_state(layout, lambda state: _findings(layout, state, raw, reading))
        except StoreError as error:
            return [Finding(str(layout.state), str(error), RERUN)]


def _findings(layout: Layout, state: sqlite3.Connection, raw: Place | None, reading: Reading) -> list[Finding]:
    folder = place_of(raw) if raw else _last_raw(state)
    return list(_check(layout, state, Conservation(folder, reading) if folder else None))


def _check(layout: Layout, state: sqlite3.Connection, law: Conservation | None) -> Iterator[Finding]:
    damage = [row[0] for row in state.execute("PRAGMA integrity_check") if row[0] != "ok"]
    if damage:
        yield Finding(str(layout.state), f"damaged: {damage[0]}", RERUN)
        return
    for what, query in _CONSISTENCY.items():
        for (which,) in state.execute(f"{query} LIMIT 100").fetchall():
            yield Finding(str(which), what, RERUN)
    yield from _check_links(layout, current_number(state))
    yield from _check_folders(layout, state)
    schema = published_schema(state)
    if schema in {None, SCHEMA_VERSION}:
        yield from _check_parts(layout, state, law)
    else:
        what = f"its tables have the columns of schema {schema}, this program writes {SCHEMA_VERSION}"
        yield Finding(str(layout.clean), what, "the next run makes all rows anew, in one snapshot")
    yield from _check_older_snapshots(layout, current_number(state))
    yield from _check_pieces(layout)


def _check_links(layout: Layout, number: int) -> Iterator[Finding]:
    """The links must lead readers to the committed snapshot."""
    wanted = {layout.current: Path(layout.snapshots.name, f"{number:08d}")}
    wanted |= {layout.clean / table: Path(layout.store.name, layout.current.name, table) for table in TABLES}
    for link, target in wanted.items() if number else ():
        if not link.is_symlink():
            yield Finding(str(link), "is no symbolic link of the store", f"remove what is there; {NEXT_RUN}")
        elif link.readlink() != target:
            yield Finding(str(link), f"points at {link.readlink()}, not at {target}", NEXT_RUN)


def _check_folders(layout: Layout, state: sqlite3.Connection) -> Iterator[Finding]:
    """A folder that readers list holds the live parts and nothing else; parts/ holds nothing that is not live."""
    live = live_parts(state)
    folder = layout.snapshot(current_number(state))
    for table in TABLES if current_number(state) else ():
        wanted = {public_name(bucket): name for (of, bucket), name in live.items() if of == table}
        found = {path.name for path in (folder / table).iterdir()} if (folder / table).is_dir() else set()
        for name in sorted(found - wanted.keys()):
            yield Finding(str(folder / table / name), "is no part of the table, and readers see it", REMOVE)
        for name in sorted(wanted.keys() - found):
            yield Finding(str(folder / table / name), "is gone from the snapshot", RERUN)
        for name in sorted(wanted.keys() & found):
            part = layout.part(table, wanted[name])
            if part.exists() and not part.samefile(folder / table / name):
                yield Finding(str(folder / table / name), "is not the part that was committed", RERUN)
    for path in orphans(layout, live):
        yield Finding(str(path), "belongs to no commit", NEXT_RUN)


def _check_parts(layout: Layout, state: sqlite3.Connection, law: Conservation | None) -> Iterator[Finding]:
    """Read every part, and compare its rows with the state, with its ledger and with the raw files."""
    buckets = sorted({bucket for table, bucket in live_parts(state) if table != "rejected"})
    seen: set[str] = set()
    for bucket in buckets:
        articles, damage = _read(layout, state, "articles", bucket)
        removed, more_damage = _read(layout, state, "removed_lines", bucket)
        yield from (*damage, *more_damage)
        if damage or more_damage:
            continue
        yield from check_articles(state, bucket, articles, seen)
        yield from check_ledger(articles, removed)
        if law is not None:
            yield from law.check(articles, removed)
    for bucket in sorted({bucket for table, bucket in live_parts(state) if table == "rejected"}):
        rejected, damage = _read(layout, state, "rejected", bucket)
        yield from damage or check_rejected(state, bucket, rejected)


def _check_older_snapshots(layout: Layout, number: int) -> Iterator[Finding]:
    """Snapshots that were replaced can be read for as long as they are kept; there is none that was not committed."""
    checked = {path.stat().st_ino for path in layout.snapshot(number).rglob("*.parquet")}
    for folder in sorted(layout.snapshots.iterdir()):
        if folder.name > f"{number:08d}":
            yield Finding(str(folder), "belongs to no commit", NEXT_RUN)
            continue
        for path in sorted(folder.rglob("*.parquet")):
            if path.stat().st_ino in checked:
                continue  # most parts are links to the same file
            checked.add(path.stat().st_ino)
            try:
                pq.ParquetFile(path, page_checksum_verification=True).read()
            except (OSError, ValueError, pa.ArrowException) as error:
                yield Finding(str(path), f"cannot be read: {error}", NOT_CURRENT)


def _check_pieces(layout: Layout) -> Iterator[Finding]:
    """What a dead run had finished is whole, or is not used."""
    for pieces in pieces_left(layout):
        finished = read_finished(pieces)
        if finished is None or not is_undamaged(pieces, finished):
            yield Finding(str(pieces), "is no whole shard", f"its raw files are cleaned again; {NEXT_RUN}")


def _read(layout: Layout, state: sqlite3.Connection, table: str, bucket: int) -> tuple[pa.Table, list[Finding]]:
    """The rows of a bucket's part, and what is wrong with the file."""
    row = state.execute(
        "SELECT name, row_count, sha256 FROM parts WHERE part_of = ? AND bucket = ?", (table, bucket)
    ).fetchone()
    if row is None:
        return TABLES[table].empty_table(), []
    name, row_count, sha256 = row
    path = layout.part(table, name)
    try:
        rows = read_part(path, table)
        if digest_of(path) != sha256:
            return rows, [Finding(str(path), "its bytes are not those that were committed", RERUN)]
        footer = pq.read_schema(path).metadata or {}
    except (OSError, ValueError, StoreError) as error:
        return TABLES[table].empty_table(), [Finding(str(path), f"cannot be read: {error}", RERUN)]
    findings = []
    written_by = name.split(".")[1].lstrip("0").encode()  # the snapshot, see `part_name`
    named = (footer.get(b"schema_version"), footer.get(b"snapshot"))
    if named != (str(SCHEMA_VERSION).encode(), written_by) or not all(key in footer for key in FOOTER_KEYS):
        findings.append(Finding(str(path), "its footer does not name the versions it was made with", RERUN))
    if rows.num_rows != row_count or not row_count:
        findings.append(Finding(str(path), f"holds {rows.num_rows} rows, not the {row_count} committed", RERUN))
    return rows, findings


def _last_raw(state: sqlite3.Connection) -> Place | None:
    last = reports(state, 1)
    return RunReport.from_json(last[0]).raw if last else None
