"""Keeping the lake small and quick: few files, no past that nobody may ask for, no file that belongs to nothing.

Every run adds a small file to a dozen tables. `merge` joins them, and leaves out what a history no longer needs;
`expire` gives up snapshots that nobody can have open any more; `remove_orphans` deletes the files that then belong to
nothing. The caller holds the writer's lock. Files of a catalog that was replaced stay for the retention time as well
(see `warehouse.superseded`).

DuckLake has functions for all three. Theirs for files are not used: expiring has lost rows of altered tables (its issue
527), orphan removal has named live files (815), and merging fails on tables that were dropped (956). A merge here is an
insertion and a deletion of whole files in one commit, an expiry is held against the files of every table before it is
committed, and a file goes only if neither the catalog nor the published file names it.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from transforms.columns import Table
from transforms.schema import STORED
from warehouse.catalog_file import change_catalog, placed, read_catalog
from warehouse.checksums import check_whole
from warehouse.errors import WarehouseError
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.stored_tables import qualified_name
from warehouse.superseded import forget_superseded, superseded_files

SMALL_BYTES = 32 << 20
"""Files below this size are merged; what is read again and again by merges is bounded by it."""

LEAST_FILES = 8
"""Small files of a table from which on they are merged."""

LEAST_SUPERSEDED_SHARE = 0.5
"""Share of rows of a history that no longer count, from which on all of it is written again."""

_FILE_NAME = re.compile(r"'((?:[^']|'')+\.parquet)'")
_NAMING = """
    SELECT macro_definition FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'
    UNION ALL SELECT sql FROM duckdb_views() WHERE NOT internal
"""
"""What names files in a published file; of one that an older version made, the views."""

_SUCCEEDED = """
    SELECT snapshot_id FROM (
        SELECT snapshot_id, lead(snapshot_id) OVER (ORDER BY snapshot_id) AS successor, max(snapshot_time) OVER (
            ORDER BY snapshot_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING
        ) AS succeeded_at
        FROM ducklake_snapshots('lake')
    ) WHERE successor IS NOT NULL AND succeeded_at < ? ORDER BY snapshot_id
"""
"""A snapshot was succeeded no earlier than any before it was made: a clock may have stood in the past for a while."""

_NAMED_IN_CATALOG = """
    SELECT s.path, s.path_is_relative, t.path, t.path_is_relative, f.path, f.path_is_relative
    FROM ({files}) AS f
    JOIN ducklake_table AS t USING (table_id)
    JOIN ducklake_schema AS s USING (schema_id)
"""
_SCHEDULED = "SELECT data_file_id, path, path_is_relative FROM ducklake_files_scheduled_for_deletion"
_FILES = "SELECT table_id, path, path_is_relative FROM {table}"


class MaintenanceError(WarehouseError):
    """A table would not be what it was before; nothing has changed."""


@dataclass(frozen=True)
class Merged:
    """What became of a table: its files before and after, and rows of a history that no longer count."""

    table: str
    files_before: int
    files_after: int
    rows_superseded: int


@dataclass(frozen=True)
class Contents:
    """What a table holds, whatever files hold it: how many rows, and a sum of their hashes."""

    rows: int
    digest: int


def merge(lake: Lake) -> list[Merged]:
    """Merge the small files of every table, a commit for each table of which there are enough.

    Of a history, rows are left out that are superseded now, and that the oldest snapshot has in files which stay.

    Raises:
        MaintenanceError: if a table would not hold what it held; it is left as it is.
        CatalogError: if a file is damaged; its table is left as it is.
    """
    oldest = _oldest_snapshot(lake)
    done = (_merge_table(lake, table, oldest) for table in STORED.values())
    return [merged for merged in done if merged is not None]


def _merge_table(lake: Lake, table: Table, oldest: int) -> Merged | None:
    files = lake.data_files(table)
    superseded = _superseded(lake, table, oldest) if table.latest_by else 0
    rows = sum(lake.connection.execute(f"SELECT count(*) FROM {qualified_name(table)}").fetchone() or ())
    small = [path for path in files if path.stat().st_size < SMALL_BYTES]
    is_worn = superseded > 0 and superseded >= rows * LEAST_SUPERSEDED_SHARE
    touched = files if is_worn else small
    if not is_worn and len(small) < LEAST_FILES:
        return None
    with lake.commit(f"merge {table.name}"):
        before = contents(lake, table)
        rewrite(lake, table, touched, oldest)
        after = contents(lake, table)
        if after != before:
            raise MaintenanceError(f"{table.name} would hold {after} instead of {before}; it was left as it is.")
    return Merged(table.name, len(files), len(lake.data_files(table)), superseded if is_worn else 0)


def contents(lake: Lake, table: Table) -> Contents:
    """Return what counts of a table: of a history, the rows that views show."""
    columns = ", ".join(column.name for column in table.columns)
    where = f"WHERE rowid IN ({_latest(table)})" if table.latest_by else ""
    found = lake.connection.execute(
        f"SELECT count(*), coalesce(sum(CAST(hash({columns}) AS HUGEINT)), 0) FROM {qualified_name(table)} {where}"
    ).fetchone()
    rows, digest = found or (0, 0)
    return Contents(int(rows), int(digest))


def rewrite(lake: Lake, table: Table, files: Sequence[Path], oldest: int | None = None) -> None:
    """Write the rows of some files again, within a commit, and let go of the files.

    Of a history, rows are left out that are superseded now and were written up to the snapshot `oldest`, if given.

    Raises:
        CatalogError: if one of the files is damaged.
    """
    check_whole(lake.home, files)
    name, columns = qualified_name(table), ", ".join(column.name for column in table.columns)
    named = [str(path) for path in files]
    is_touched = "filename IN (SELECT unnest(?))"
    is_worn = bool(table.latest_by) and oldest is not None
    is_needed = f"AND (commit_no > {oldest} OR rowid IN ({_latest(table)}))" if is_worn else ""
    lake.connection.execute(
        f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE {is_touched} {is_needed}", [named]
    )
    lake.connection.execute(f"DELETE FROM {name} WHERE {is_touched}", [named])


def _latest(table: Table) -> str:
    """Return a query for the ids of the rows of a history that count."""
    order = f"row_number() OVER (PARTITION BY {', '.join(table.latest_by)} ORDER BY commit_no DESC)"
    return f"SELECT rowid FROM {qualified_name(table)} QUALIFY {order} = 1"


def _superseded(lake: Lake, table: Table, oldest: int) -> int:
    found = lake.connection.execute(
        f"SELECT count(*) FROM {qualified_name(table)} WHERE commit_no <= {oldest} AND rowid NOT IN ({_latest(table)})"
    ).fetchone()
    return int(found[0]) if found else 0


def expire(lake: Lake, *, before: datetime, now: datetime) -> list[int]:
    """Give up the snapshots that were succeeded by another one before a time; return their numbers.

    Whoever opened the published file while a snapshot was the newest has it until then.

    Raises:
        MaintenanceError: if the clock stands before the newest snapshot, or a table would lose a file.
    """
    newest = lake.connection.execute("SELECT max(snapshot_time) FROM ducklake_snapshots('lake')").fetchone()
    if newest and newest[0] > now:
        raise MaintenanceError(
            f"The newest snapshot is of {newest[0]:%Y-%m-%d %H:%M:%S} UTC, and it is {now:%Y-%m-%d %H:%M:%S} UTC now: "
            "set the clock of this machine. No snapshot was given up."
        )
    gone = [number for (number,) in lake.connection.execute(_SUCCEEDED, [before]).fetchall()]
    if not gone:
        return []
    held = {name: lake.data_files(table) for name, table in STORED.items()}
    with lake.transaction():
        lake.connection.execute("CALL ducklake_expire_snapshots('lake', versions => ?)", [gone])
        lost = [name for name, table in STORED.items() if lake.data_files(table) != held[name]]
        if lost:
            raise MaintenanceError(f"{lost[0]} would lose files if snapshots were given up; none was.")
    return gone


def orphans(home: Home, *, now: datetime) -> list[Path]:
    """Return the data files that neither a snapshot nor the published file names, and that are not superseded only now.

    Raises:
        MaintenanceError: if the catalog or the published file cannot be read: then nobody knows.
    """
    named = (*named_in_catalog(home), *_named_in_published(home), *superseded_files(home, now=now))
    used = {path.resolve() for path in named}
    return [path for path in sorted(home.lake.rglob("*.parquet")) if path.resolve() not in used]


def remove_orphans(home: Home, *, now: datetime) -> int:
    """Delete the files that belong to nothing, and forget them; return their number."""
    found = orphans(home, now=now)
    for path in found:
        path.unlink()
    forget_superseded(home, now=now)
    with change_catalog(home) as catalog:
        waiting = catalog.execute(_SCHEDULED).fetchall()
        gone = [(number,) for number, *place in waiting if not placed(home.lake, *place).exists()]
        catalog.executemany("DELETE FROM ducklake_files_scheduled_for_deletion WHERE data_file_id = ?", gone)
    return len(found)


def _oldest_snapshot(lake: Lake) -> int:
    found = lake.connection.execute("SELECT min(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
    return int(found[0]) if found else 0


def named_in_catalog(home: Home) -> list[Path]:
    """Return the data files that any snapshot names, of all tables that any snapshot has.

    Raises:
        MaintenanceError: if the catalog cannot be read.
    """
    files = " UNION ALL ".join(_FILES.format(table=table) for table in ("ducklake_data_file", "ducklake_delete_file"))
    try:
        with read_catalog(home) as catalog:
            found = catalog.execute(_NAMED_IN_CATALOG.format(files=files)).fetchall()
    except sqlite3.Error as error:
        raise MaintenanceError(f"{home.catalog} cannot be read ({error}); no file was removed.") from error
    return [placed(placed(placed(home.lake, *row[:2]), *row[2:4]), *row[4:]) for row in found]


def _named_in_published(home: Home) -> list[Path]:
    if not home.published.exists():
        return []
    try:
        with duckdb.connect(str(home.published), read_only=True) as published:
            naming = published.execute(_NAMING).fetchall()
    except duckdb.Error as error:
        raise MaintenanceError(f"{home.published} cannot be read ({error}); no file was removed.") from error
    return [Path(name.replace("''", "'")) for (sql,) in naming for name in _FILE_NAME.findall(sql)]
