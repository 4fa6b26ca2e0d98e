"""The state database: what many new articles at once cost."""

from pathlib import Path
from random import Random

from bench.meter import Reading
from pipeline.store.layout import Layout
from pipeline.store.state import open_state, transaction

ARTICLES = 20_000
PAGE = 4096


def test_a_page_is_written_once_however_many_articles_come_in(tmp_path: Path) -> None:
    """Ids are random, so each article touches other pages; none is written to the log again and again for that."""
    layout = Layout(tmp_path)
    layout.store.mkdir()
    random = Random(7)
    rows = [
        (random.randbytes(16), 1, record, b"basis", 1, random.randbytes(32), 5_000, 0) for record in range(ARTICLES)
    ]

    with open_state(layout) as state:
        before = Reading.now()
        with transaction(state):
            state.executemany("INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)", rows)
        written = (Reading.now() - before).to_files
        pages = state.execute("PRAGMA page_count").fetchone()[0]

    assert pages * PAGE > 3_000_000  # more than the 2 MB that SQLite keeps by itself
    assert written < 1.2 * pages * PAGE
