"""Moving a home folder forward to the tables of this version, in one commit or not at all.

What a version adds to tables are columns. They are null in the rows that are there, and the files of such a table are
written again, as the published views name every column. Snapshots from before are still kept, and cannot be queried.
"""

from dataclasses import dataclass

from transforms.schema import STORED
from warehouse.lake import Lake
from warehouse.maintenance import MaintenanceError, rewrite
from warehouse.stored_tables import add_column, lacking_columns, note_version, qualified_name, set_record_groups


@dataclass(frozen=True)
class Migrated:
    """A table that was moved forward: its new columns, and its rows."""

    table: str
    columns: tuple[str, ...]
    rows: int


def migrate(lake: Lake) -> list[Migrated]:
    """Add the columns that tables of the home folder lack; the caller holds the writer's lock.

    Raises:
        MaintenanceError: if a table would not have the rows that it had; nothing has changed then.
    """
    lacking = lacking_columns(lake.connection)
    done = []
    set_record_groups(lake.connection)
    if lacking:
        with lake.commit("migrate"):
            for name, columns in lacking.items():
                table, files, rows = STORED[name], lake.data_files(STORED[name]), _rows(lake, name)
                for column in columns:
                    add_column(lake.connection, table, column)
                rewrite(lake, table, files)
                if _rows(lake, name) != rows:
                    raise MaintenanceError(f"{name} would not have its {rows:,} rows; nothing was changed.")
                done.append(Migrated(name, tuple(column.name for column in columns), rows))
    note_version(lake.home)
    return done


def _rows(lake: Lake, name: str) -> int:
    return int(lake.query(f"SELECT count(*) FROM {qualified_name(STORED[name])}").item())
