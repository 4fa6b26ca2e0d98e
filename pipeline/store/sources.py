"""
Which files have to be cleaned again for one of their records becomes an article's canonical source.

That is the smallest by path, then by record number, and the article's row is its row (`settle.py`). When it goes and the
next one was cleaned with other hints (another site folder, another format), the row has to be made anew.
"""

import sqlite3
from collections.abc import Iterable, Mapping


def stale_sources(
    state: sqlite3.Connection, removed: Iterable[int], changed: Iterable[int], renamed: Mapping[int, str]
) -> list[str]:
    """
    Keys of the files to clean again because one of their records becomes canonical with other hints than the row has.

    Seen before the commit: `removed` and `changed` files lose their records, `renamed` ones go under their new key.
    """
    state.execute("CREATE TEMP TABLE gone (file_id INTEGER PRIMARY KEY)")
    state.execute("CREATE TEMP TABLE moved (file_id INTEGER PRIMARY KEY, key TEXT NOT NULL)")
    state.executemany("INSERT OR IGNORE INTO gone VALUES (?)", ((file_id,) for file_id in (*removed, *changed)))
    state.executemany("INSERT INTO moved VALUES (?, ?)", renamed.items())
    rows = state.execute(
        """
        WITH touched AS (
            SELECT DISTINCT article_id FROM records WHERE article_id IS NOT NULL
            AND file_id IN (SELECT file_id FROM gone UNION ALL SELECT file_id FROM moved)
        ), remaining AS (
            SELECT article_id, coalesce(moved.key, raw_files.key) AS key, records.basis AS basis,
                row_number() OVER (
                    PARTITION BY article_id ORDER BY coalesce(moved.key, raw_files.key), record
                ) AS place
            FROM touched JOIN records USING (article_id) JOIN raw_files USING (file_id) LEFT JOIN moved USING (file_id)
            WHERE file_id NOT IN (SELECT file_id FROM gone)
        )
        SELECT DISTINCT key FROM remaining JOIN articles USING (article_id)
        WHERE place = 1 AND remaining.basis <> articles.basis
        """
    )
    keys: list[str] = [key for (key,) in rows]
    state.execute("DROP TABLE gone")
    state.execute("DROP TABLE moved")
    return keys
