"""Replacing rows of a stored table that keeps no history.

The published views are plain Parquet, so that no row may be deleted in place. Whole files are replaced instead: those
that hold a row to go are left by the snapshot, all their other rows are written again, and the new ones beside them.
DuckLake drops a file all of whose rows are deleted, and writes no delete file then. The files themselves stay on disk,
so that whoever has an older published file open reads on.
"""

from collections.abc import Sequence
from pathlib import Path

from transforms.columns import Table
from warehouse.checksums import check_whole
from warehouse.lake import Lake
from warehouse.stored_tables import qualified_name


def replace_rows(lake: Lake, table: Table, staged: Sequence[Path], *, replaced: Path, key: str = "record_id") -> None:
    """Put the rows of `staged` Parquet files in place of those rows whose key stands in the file `replaced`.

    A key of several columns names them with commas between.
    Call it within `lake.commit`, so that it is done with all else or not at all. Rows stream from file to file: the
    cost is that of writing the touched files again, in time and on disk, whatever the number of rows in them to go.

    Raises:
        CatalogError: if one of the touched files is damaged.
    """
    name = qualified_name(table)
    columns = ", ".join(column.name for column in table.columns)
    execute = lake.connection.execute
    to_go = f"(SELECT {key} FROM read_parquet(?)) USING ({key})"
    found = execute(f"SELECT DISTINCT filename FROM {name} SEMI JOIN {to_go}", [str(replaced)]).fetchall()
    touched = [filename for (filename,) in found]
    if touched:
        check_whole(lake.home, map(Path, touched))
        is_touched = "filename IN (SELECT unnest(?))"
        kept = f"SELECT {columns} FROM {name} ANTI JOIN {to_go} WHERE {is_touched}"
        execute(f"INSERT INTO {name} ({columns}) {kept}", [str(replaced), touched])
        execute(f"DELETE FROM {name} WHERE {is_touched}", [touched])
    lake.insert(table, staged)
