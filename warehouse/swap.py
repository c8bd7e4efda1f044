"""Putting another lake in the place of one, by a rename: what others see is the one or the other.

The data files of the new lake join those of the old one, which nothing names any more then. They stay for a time (see
`warehouse.superseded`), as the published file of the old lake may be open. The caller holds the writer's lock of both.
"""

import os
from datetime import datetime

import duckdb

from warehouse.catalog_file import forget_beside
from warehouse.errors import CatalogError, CatalogWholeError
from warehouse.files import sync
from warehouse.home import Home
from warehouse.journal import note_commits
from warehouse.lake import open_older_lake
from warehouse.superseded import keep_superseded


def settle(home: Home) -> bool:
    """Enter into the journal what a killed run has committed, and return whether catalog and data files are whole.

    Raises:
        CatalogWholeError: if the catalog is locked, or of a newer version: then it is not to be replaced.
    """
    if not home.is_initialised:
        return False
    try:
        with open_older_lake(home) as lake:
            note_commits(lake)
            return not lake.missing_files()
    except CatalogWholeError:
        raise
    except (CatalogError, duckdb.Error):
        return False


def replace_lake(home: Home, fresh: Home, *, until: datetime) -> None:
    """Put the lake of `fresh` in place of that of `home`, on the same disk; old data files stay until a time.

    Killed at any point, the lake is the old one or the new one. Neither may be open.
    """
    keep_superseded(home, until=until)
    for path in sorted(fresh.lake.rglob("*.parquet")):
        target = home.lake / path.relative_to(fresh.lake)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    os.sync()
    forget_beside(home.catalog)
    fresh.catalog.replace(home.catalog)
    sync(home.root)
