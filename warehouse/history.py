"""The past of the lake: which snapshots there are, and the published tables as one of them shows them.

A snapshot stays for the retention time after another one has taken its place (see `warehouse.maintenance`).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from warehouse.catalog_file import check_in_use
from warehouse.errors import CatalogError, WarehouseError
from warehouse.home import Home
from warehouse.lake import read_lake
from warehouse.publish import write_views

_SNAPSHOTS = """
    SELECT snapshot_id, snapshot_time AS committed_at, coalesce(commit_message, 'tables made') AS change
    FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC
"""


class NoSuchSnapshotError(WarehouseError):
    """There is no snapshot of that number or time any more, or not yet."""


def read_snapshots(home: Home) -> pl.DataFrame:
    """Return the snapshots that are kept, newest first: `snapshot_id`, `committed_at` and `change`.

    Raises:
        NotPublishedError: if nothing was ever taken in.
        CatalogError: if the catalog cannot be opened.
    """
    check_in_use(home, "look back at")
    with read_lake(home) as lake:
        return lake.query(_SNAPSHOTS)


@contextmanager
def views_at(home: Home, at: int | datetime) -> Iterator[Path]:
    """Write the published file as of a snapshot, which is there within the block.

    `at` is the number of the snapshot, or a time: then it is the newest one at that time.

    Raises:
        NoSuchSnapshotError: if there is no such snapshot, or it is kept no longer.
        NotPublishedError, CatalogError: as `read_snapshots`.
    """
    snapshot = _find(read_snapshots(home), at)
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder, read_lake(home) as lake:
        path = Path(folder) / home.published.name
        try:
            write_views(lake, path, at=snapshot)
        except duckdb.Error as error:
            raise CatalogError(
                f"Snapshot {snapshot} cannot be shown: it was made by an older version, before a table or a column."
            ) from error
        yield path


def _find(snapshots: pl.DataFrame, at: int | datetime) -> int:
    is_wanted = pl.col("snapshot_id") == at if isinstance(at, int) else pl.col("committed_at") <= at
    found = snapshots.filter(is_wanted)
    if found.is_empty():
        oldest = snapshots.row(-1, named=True)
        raise NoSuchSnapshotError(
            f"There is no snapshot {at}; the oldest that is kept is {oldest['snapshot_id']} of "
            f"{oldest['committed_at']:%Y-%m-%d %H:%M:%S} UTC. See copydesk history."
        )
    return int(found["snapshot_id"][0])
