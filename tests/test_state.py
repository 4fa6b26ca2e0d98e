"""The state database: what many articles cost, new ones and those that a run leaves alone."""

import sqlite3
from pathlib import Path
from random import Random

from bench.meter import Reading
from pipeline.store.changes import open_staging
from pipeline.store.settle import count_duplicates
from pipeline.store.layout import Layout
from pipeline.store.state import open_state, store_counts, transaction

ARTICLES = 20_000
PAGE = 4096


def fill(state: sqlite3.Connection) -> None:
    """Take in articles with random ids, all records of one raw file."""
    random = Random(7)
    ids = [random.randbytes(16) for _ in range(ARTICLES)]
    rows = [
        (article_id, 1, record, b"basis", 1, random.randbytes(32), 5_000, 0) for record, article_id in enumerate(ids)
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
    """What a run reports of its own records, and of all, is found without reading each record of the store."""
    layout = Layout(tmp_path)
    layout.store.mkdir()
    steps = []

    with open_state(layout) as state:
        fill(state)
        open_staging(state)
        state.execute("INSERT INTO staged VALUES (1, 7, x'00', x'00', 0, 0, x'00', 1)")
        state.execute("INSERT INTO parts VALUES ('articles', 1, 'part', ?, 1, '', ?)", (ARTICLES, ARTICLES + 1))
        state.set_progress_handler(lambda: steps.append(100), 100)
        duplicates = count_duplicates(state)
        counts = store_counts(state)

    assert (duplicates, counts) == (0, (0, ARTICLES, ARTICLES + 1, 0))
    assert sum(steps) < ARTICLES // 10
