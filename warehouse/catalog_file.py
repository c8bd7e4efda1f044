"""The catalog as a file: SQLite's, small, and the one thing here that is changed in place."""

import sqlite3
from contextlib import closing

from warehouse.home import Home

LEAST_FREE_SHARE = 0.25
"""Share of free pages from which on the catalog is written anew."""


_REFRESH = """
    UPDATE ducklake_table_column_stats AS t SET (min_value, max_value) = (
        SELECT min(s.min_value), max(s.max_value) FROM ducklake_file_column_stats AS s
        JOIN ducklake_data_file AS f USING (data_file_id)
        WHERE f.end_snapshot IS NULL AND s.table_id = t.table_id AND s.column_id = t.column_id
    )
    WHERE EXISTS (
        SELECT 1 FROM ducklake_column AS c
        WHERE c.table_id = t.table_id AND c.column_id = t.column_id AND c.column_type = 'varchar'
    )
"""


def refresh_statistics(home: Home) -> None:
    """Take the least and greatest text of each column from the files that are left; the caller has the lock.

    DuckLake only ever widens them: they would keep a text that is in no table any more.
    """
    with closing(sqlite3.connect(home.catalog)) as catalog, catalog:
        catalog.execute(_REFRESH)


def compact_catalog(home: Home, *, at_any_share: bool = False) -> bool:
    """Give free pages back to the disk where there are many; return whether there were. The caller has the lock.

    `at_any_share` gives back even a single one, as what was deleted still stands in it.
    """
    with closing(sqlite3.connect(home.catalog)) as catalog:
        [(pages,)] = catalog.execute("PRAGMA page_count").fetchall()
        [(free,)] = catalog.execute("PRAGMA freelist_count").fetchall()
        if free < pages * LEAST_FREE_SHARE and not at_any_share:
            return False
        catalog.execute("VACUUM")
        return True
