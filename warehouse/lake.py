"""The lake: every stored table, one commit a run.

DuckLake keeps rows in Parquet files and what belongs to which snapshot in a SQLite catalog. This module makes the
tables from `transforms.schema`, inserts staged files into them in one transaction, and answers what a run has to know
of earlier ones. Rows are only ever added here; where some have to go, see `warehouse.replace`. A history table lies in
the lake under its own name with `_history` behind it; which of its rows count is a matter of views (see
`warehouse.publish`).

Sources: DuckLake specification 1.0; its functions as of DuckDB 1.5.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from transforms.columns import Table
from transforms.schema import STORED
from warehouse.catalog_file import (
    LOCKED,
    check_not_lost,
    check_readable,
    files_of_snapshot,
    kept_locked,
    latest_snapshot,
)
from warehouse.database import (
    first_line,
    give_back,
    is_disk_full,
    named_files,
    open_database,
    quoted,
    unreadable_file,
)
from warehouse.errors import CatalogError, CatalogWholeError, HomeNotWritableError
from warehouse.home import Home
from warehouse.stored_tables import (
    ROW_GROUP_ROWS,
    TABLES_VERSION,
    lacking_columns,
    make_missing_tables,
    note_version,
    qualified_name,
    schema_and_name,
    stored_name,
    tables_version,
)

_OF_THIS_COMMIT = "coalesce(commit_no, (SELECT max(snapshot_id) + 1 FROM ducklake_snapshots('lake')))"


@dataclass(frozen=True)
class Lake:
    """An open lake; `with open_lake(home) as lake`."""

    home: Home
    connection: duckdb.DuckDBPyConnection

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pl.DataFrame:
        """Run a query over the lake; stored tables stand under their lake names (see `stored_name`)."""
        return self.connection.execute(sql, parameters).pl()

    def latest(self, table: Table, *, where: str = "true") -> pl.DataFrame:
        """Return the rows of a history that count, or all rows of another table; those only that meet a condition.

        They are those of the last commit, from its files: where DuckLake is asked, it looks for statistics of every
        column of a table that is empty, each time, and takes as long as for all else.
        """
        files = self._committed_files(table)
        if not files:
            return pl.DataFrame(schema=table.schema)
        names = ", ".join(quoted(column.name) for column in table.columns)
        rows = f"SELECT COLUMNS(name -> name IN ({names})) FROM {named_files(files)}"
        if table.latest_by:
            key = ", ".join(table.latest_by)
            rows += f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY commit_no DESC) = 1"
        return self.query(f"SELECT * FROM ({rows}) WHERE {where}")

    def holds(self, table: Table) -> bool:
        """Tell whether the lake has the table: one that an older version made has it only once it was written to."""
        schema, _, name = schema_and_name(stored_name(table)).partition(".")
        found = self.connection.execute(
            "SELECT 1 FROM information_schema.tables "
            "WHERE table_catalog = 'lake' AND (table_schema, table_name) = (?, ?)",
            [schema, name],
        )
        return found.fetchone() is not None

    def rows(self, table: Table) -> pl.LazyFrame:
        """Return the rows of a table, of a history all of them, as of the last commit, from its files.

        Several times faster than a query: where rows are filtered by one column, nothing else is read of a row group
        that has none of them.
        """
        files = self._committed_files(table)
        return pl.scan_parquet(files) if files else pl.LazyFrame(schema=table.schema)

    def scan(self, sql: str, parameters: Mapping[str, object]) -> Iterator[pl.DataFrame]:
        """Yield the result of a query in frames of bounded size; run no other query meanwhile."""
        for batch in self.connection.execute(sql, parameters).to_arrow_reader(ROW_GROUP_ROWS):
            yield pl.DataFrame(batch)

    def append(self, staged: Mapping[str, Sequence[Path]], *, message: str, entry: str | None = None) -> None:
        """Append staged Parquet files, by table name, in one transaction: all rows in all tables, or none."""
        with self.commit(message, entry=entry):
            for name, paths in staged.items():
                self.insert(STORED[name], paths)

    @contextmanager
    def commit(self, message: str, *, entry: str | None = None) -> Iterator[None]:
        """Make all that is done within the block one commit; where the block fails, nothing of it is done.

        `entry` is kept with it for the journal (see `warehouse.journal`).
        """
        with self.transaction():
            yield
            self.connection.execute("CALL lake.set_commit_message('copydesk', ?, extra_info => ?)", [message, entry])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all within the block or nothing of it; no commit is made where no rows are changed.

        Raises:
            CatalogError: if another program keeps the catalog locked.
        """
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException as error:
            with suppress(duckdb.Error):  # a commit that failed has left nothing to roll back
                self.connection.execute("ROLLBACK")
            if isinstance(error, duckdb.Error) and LOCKED in str(error):
                raise kept_locked(self.home) from error
            raise

    def insert(self, table: Table, paths: Sequence[Path]) -> None:
        """Insert the rows of staged Parquet files, within a commit.

        Files hold all columns of their table, by name and in any order; columns that the table lacks are left out. Rows
        that do not say which commit wrote them are of this one.
        """
        if not paths:
            return
        names = [column.name for column in table.columns]
        values = [_OF_THIS_COMMIT if name == "commit_no" else name for name in names]
        self.connection.execute(
            f"INSERT INTO {qualified_name(table)} ({', '.join(names)}) SELECT {', '.join(values)} FROM read_parquet(?)",
            [[str(path) for path in paths]],
        )

    def data_files(self, table: Table) -> list[Path]:
        """Return the Parquet files that hold the table in the newest snapshot, oldest first.

        Raises:
            CatalogError: if rows were deleted in place; the published views could not leave them out.
        """
        schema, _, name = schema_and_name(stored_name(table)).partition(".")
        listed = self.connection.execute(
            "SELECT data_file, delete_file FROM ducklake_list_files('lake', ?, schema => ?)", [name, schema]
        ).fetchall()
        if any(delete_file for _, delete_file in listed):
            raise CatalogError(f"Rows of {table.name} were deleted in place; append a newer row instead.")
        return sorted(Path(data_file) for data_file, _ in listed)

    def _committed_files(self, table: Table) -> list[Path]:
        snapshot = latest_snapshot(self.home)
        files = {} if snapshot is None else files_of_snapshot(self.home, snapshot)
        return files.get(schema_and_name(stored_name(table)), [])

    def missing_files(self) -> list[Path]:
        """Return the data files that the newest snapshot names and that are not there."""
        return [path for table in STORED.values() for path in self.data_files(table) if not path.exists()]


@contextmanager
def open_lake(home: Home) -> Iterator[Lake]:
    """Open the lake of a home folder, making its tables where they are missing; the caller holds the writer's lock.

    Raises:
        CatalogError: if the catalog cannot be opened, or an older or a newer version made its tables.
    """
    with open_older_lake(home) as lake:
        if lacking := lacking_columns(lake.connection):
            name, columns = next(iter(lacking.items()))
            raise CatalogError(
                f"{home.root} was made by an older version: the table {name} has no column {columns[0].name!r}. "
                "Run copydesk migrate."
            )
        yield lake


@contextmanager
def open_older_lake(home: Home) -> Iterator[Lake]:
    """Open the lake as `open_lake` does, whatever columns its tables lack."""
    with _attached(home, "READ_WRITE") as lake:
        with _explained(home):
            make_missing_tables(lake.connection)
            if tables_version(home) == 0 and not lacking_columns(lake.connection):
                note_version(home)
        yield lake


@contextmanager
def read_lake(home: Home) -> Iterator[Lake]:
    """Open the lake of a home folder to look at it, which needs no lock and changes nothing.

    Raises:
        CatalogError: if the catalog cannot be opened.
    """
    check_readable(home)
    with _attached(home, "READ_ONLY") as lake:
        yield lake


@contextmanager
def _attached(home: Home, access: str) -> Iterator[Lake]:
    with _explained(home):
        check_not_lost(home)
        connection = open_database(home.staging / "spill")
    try:
        with _explained(home):
            _attach(connection, home, access)
        yield Lake(home, connection)
    except BaseException as error:
        connection.interrupt()  # a query that Ctrl-C ended for us goes on, and would be waited for
        connection.close()
        if said := unreadable_file(error):
            raise CatalogError(said) from error
        raise
    with suppress(duckdb.Error):  # closed by whoever had it
        connection.execute("USE memory")
        connection.execute("DETACH lake")
        give_back(connection)


@contextmanager
def _explained(home: Home) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, sqlite3.Error) as error:
        if LOCKED in str(error):
            raise kept_locked(home) from error
        if is_disk_full(error):
            raise HomeNotWritableError(
                f"{home.catalog} cannot be written ({first_line(error)}); make room, and run the same command again."
            ) from error
        raise CatalogError(
            f"The catalog {home.catalog} cannot be opened ({first_line(error)}); restore it from a backup, or make it "
            "anew with copydesk rebuild. The data is still there."
        ) from error


def _attach(connection: duckdb.DuckDBPyConnection, home: Home, access: str) -> None:
    """Attach the catalog with the data beside it, wherever the home folder lies today."""
    catalog, data = quoted(f"ducklake:sqlite:{home.catalog}"), quoted(f"{home.lake}/")
    connection.execute(
        f"ATTACH {catalog} AS lake ({access}, DATA_PATH {data}, OVERRIDE_DATA_PATH {home.catalog.exists()}, "
        "DATA_INLINING_ROW_LIMIT 0)"
    )
    connection.execute("SET search_path = 'lake.main'")
    if tables_version(home) > TABLES_VERSION:  # read only now: a commit that was broken off has been rolled back
        raise CatalogWholeError(
            f"{home.root} was made by a newer version of copydesk: its tables are of version {tables_version(home)}, "
            f"and this one knows {TABLES_VERSION}. Install that version."
        )
