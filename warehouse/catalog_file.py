"""The catalog as a file: SQLite's, small, and the one thing here that is changed in place."""

import sqlite3
from contextlib import closing

from warehouse.home import Home

LEAST_FREE_SHARE = 0.25
"""Share of free pages from which on the catalog is written anew."""


def compact_catalog(home: Home) -> bool:
    """Give free pages back to the disk where there are many; return whether there were. The caller has the lock."""
    with closing(sqlite3.connect(home.catalog)) as catalog:
        [(pages,)] = catalog.execute("PRAGMA page_count").fetchall()
        [(free,)] = catalog.execute("PRAGMA freelist_count").fetchall()
        if free < pages * LEAST_FREE_SHARE:
            return False
        catalog.execute("VACUUM")
        return True
