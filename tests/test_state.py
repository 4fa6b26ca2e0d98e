"""The state database: what many articles cost, new ones and those that a run leaves alone."""

import sqlite3
from pathlib import Path
from random import Random

from bench.meter import Reading
from pipeline.store.changes import open_staging
from pipeline.store.layout import Layout
from pipeline.store.settle import count_duplicates, settle_articles
from pipeline.store.state import open_state, store_counts, transaction

ARTICLES = 20_000
IN_A_BUCKET = 200
PAGE = 4096


def fill(state: sqlite3.Connection) -> None:
    """Take in articles with random ids, all records of one raw file."""
    random = Random(7)
    ids = [random.randbytes(16) for _ in range(ARTICLES)]
    rows = [
        (article_id, 1, record, b"basis", record // IN_A_BUCKET + 1, random.randbytes(32), 5_000, 0)
        for record, article_id in enumerate(ids)
    ]
    with transaction(state):
        state.executemany("INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)", rows)
        records = [(1, record, article_id, b"basis") for record, article_id in enumerate(ids)]
        state.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", records)


def test_a_page_is_written_once_to_the_log_however_many_articles_come_in(tmp_path: Path) -> None:
    """Ids are random, so each article touches other pages; none is written to the log again and again for that."""
    layout = Layout(tmp_path)
    layout.store.mkdir()

    with open_state(layout) as state:
        before = Reading.now()
        fill(state)
        written = (Reading.now() - before).to_files
        pages = state.execute("PRAGMA page_count").fetchone()[0]

    assert pages * PAGE > 3_000_000  # more than the 2 MB that SQLite keeps by itself
    assert written < 2.2 * pages * PAGE  # to the log, and from there to the database


def test_a_small_commit_reads_little_of_a_large_store(tmp_path: Path) -> None:
    """What becomes of a run's articles, and what it reports of them and of all, is found without reading each of the store."""
    layout = Layout(tmp_path)
    layout.store.mkdir()
    steps = []

    with open_state(layout) as state:
        fill(state)
        files = [(number, f"{number}".encode(), f"{number}") for number in (1, 2)]
        state.executemany("INSERT INTO raw_files VALUES (?, ?, ?, 0, 0, 0, 0, 0, '', '')", files)
        state.execute("INSERT INTO parts VALUES ('articles', 1, 'part', ?, 1, '', ?)", (ARTICLES, ARTICLES + 1))
        (known,) = state.execute("SELECT article_id FROM records WHERE record = 7").fetchone()
        open_staging(state)
        staged = [(2, 1, b"new", b"basis", 0, 0, b"text", 1), (2, 2, known, b"basis", 0, 1, b"other text", 1)]
        state.executemany("INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)", staged)
        state.execute("INSERT INTO records SELECT file_id, record, article_id, basis FROM staged")
        state.execute("DELETE FROM records WHERE file_id = 1 AND record = 8")
        state.execute("INSERT INTO touched SELECT article_id FROM articles WHERE record = 8 AND file_id = 1")
        state.set_progress_handler(lambda: steps.append(100), 100)
        buckets = settle_articles(state, {}, now=0)
        settling = sum(steps)
        duplicates = count_duplicates(state)
        counts = store_counts(state)
        reporting = sum(steps) - settling
        state.set_progress_handler(None, 0)
        left = state.execute("SELECT count(*) FROM articles").fetchone()[0]

    assert (duplicates, counts) == (1, (2, ARTICLES, ARTICLES + 1, 0))
    assert buckets == {1, ARTICLES // IN_A_BUCKET}
    assert left == ARTICLES  # one came, and one went with its last source
    assert reporting < ARTICLES // 10
    assert settling < ARTICLES // 10
