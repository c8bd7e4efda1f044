"""The lake: every stored table, one commit a run.

DuckLake keeps rows in Parquet files and what belongs to which snapshot in a SQLite catalog. This module makes the
tables from `transforms.schema`, inserts staged files into them in one transaction, and answers what a run has to know
of earlier ones. Rows are only ever added here; where some have to go, see `warehouse.replace`. A history table lies in
the lake under its own name with `_history` behind it; which of its rows count is a matter of views (see
`warehouse.publish`).

Sources: DuckLake specification 1.0; its functions as of DuckDB 1.5.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from transforms.columns import Table
from transforms.schema import STORED
from warehouse.errors import CatalogError, WarehouseError
from warehouse.home import Home

EXTENSIONS = ("sqlite_scanner", "ducklake")
"""In the order in which they must be loaded."""

ROW_GROUP_ROWS = 8_192
"""About 40 MB of five-kilobyte bodies: bounds the memory of a write, and lets a point look-up skip the rest."""

MEMORY_LIMIT = "1GB"
"""DuckDB spills to the home folder beyond it; without a limit it takes 80 % of the machine."""

_idle: list[duckdb.DuckDBPyConnection] = []
"""Databases that nothing is attached to any more: loading the extensions takes 0.2 s, and is done once a process."""

_OF_THIS_COMMIT = "coalesce(commit_no, (SELECT max(snapshot_id) + 1 FROM ducklake_snapshots('lake')))"

SQL_TYPES: Mapping[pl.DataType, str] = {
    pl.String(): "VARCHAR",
    pl.List(pl.String()): "VARCHAR[]",
    pl.Int64(): "BIGINT",
    pl.Float64(): "DOUBLE",
    pl.Boolean(): "BOOLEAN",
    pl.Datetime("us", "UTC"): "TIMESTAMPTZ",
    pl.Binary(): "BLOB",
}


def stored_name(table: Table) -> str:
    """Name of the lake table that holds the rows of `table`."""
    return f"{table.name}_history" if table.latest_by else table.name


def qualified_name(table: Table) -> str:
    """Name of the lake table that holds the rows of `table`, with catalog and schema."""
    return f"lake.{_qualified(stored_name(table))}"


def extension_path(name: str) -> Path | None:
    """Return DuckDB's signed binary of an extension from its wheel, or None where the wheel is not installed."""
    try:
        folder = files(f"duckdb_extension_{name}")
    except ModuleNotFoundError:
        return None
    path = Path(str(folder)) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    return path if path.exists() else None


def latest_snapshot(home: Home) -> int | None:
    """Return the newest snapshot of the catalog without loading DuckDB's extensions.

    None where there is no catalog, or where a killed writer left one half-written: whoever opens the lake next rolls
    its commit back. That is not done here, as a reader cannot know whether the writer is another thread of its own.

    Raises:
        CatalogError: if the catalog is not one.
    """
    if not home.catalog.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{home.catalog.absolute().as_uri()}?mode=ro", uri=True)) as catalog:
            if not catalog.execute("SELECT 1 FROM sqlite_master WHERE name = 'ducklake_snapshot'").fetchall():
                return None
            return int(catalog.execute("SELECT max(snapshot_id) FROM ducklake_snapshot").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK:
            return None
        raise CatalogError(
            f"The catalog {home.catalog} cannot be read ({error}); restore it from a backup, the data is still there."
        ) from error


@dataclass(frozen=True)
class Lake:
    """An open lake; `with open_lake(home) as lake`."""

    home: Home
    connection: duckdb.DuckDBPyConnection

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pl.DataFrame:
        """Run a query over the lake; stored tables stand under their lake names (see `stored_name`)."""
        return self.connection.execute(sql, parameters).pl()

    def latest(self, table: Table, *, where: str = "true") -> pl.DataFrame:
        """Return the rows of a history that count, or all rows of another table; those only that meet a condition."""
        rows = f"SELECT * FROM {stored_name(table)}"
        if table.latest_by:
            key = ", ".join(table.latest_by)
            rows += f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY commit_no DESC) = 1"
        return self.query(f"SELECT * FROM ({rows}) WHERE {where}")

    def rows(self, table: Table) -> pl.LazyFrame:
        """Return the rows of a table, of a history all of them, as of the last commit, from its files.

        Several times faster than a query: where rows are filtered by one column, nothing else is read of a row group
        that has none of them.
        """
        files = self.data_files(table)
        return pl.scan_parquet(files) if files else pl.LazyFrame(schema=table.schema)

    def scan(self, sql: str, parameters: Mapping[str, object]) -> Iterator[pl.DataFrame]:
        """Yield the result of a query in frames of bounded size; run no other query meanwhile."""
        for batch in self.connection.execute(sql, parameters).to_arrow_reader(ROW_GROUP_ROWS):
            yield pl.DataFrame(batch)

    def append(self, staged: Mapping[str, Sequence[Path]], *, message: str) -> None:
        """Append staged Parquet files, by table name, in one transaction: all rows in all tables, or none."""
        with self.commit(message):
            for name, paths in staged.items():
                self.insert(STORED[name], paths)

    @contextmanager
    def commit(self, message: str) -> Iterator[None]:
        """Make all that is done within the block one commit; where the block fails, nothing of it is done."""
        with self.transaction():
            yield
            self.connection.execute("CALL lake.set_commit_message('copydesk', ?)", [message])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all within the block or nothing of it; no commit is made where no rows are changed."""
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
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

    def data_files(self, table: Table, *, at: int | None = None) -> list[Path]:
        """Return the Parquet files that hold the table in a snapshot, by default the newest, oldest first.

        Raises:
            CatalogError: if rows were deleted in place; the published views could not leave them out.
        """
        schema, _, name = _qualified(stored_name(table)).partition(".")
        version = "" if at is None else f", snapshot_version => {at}"
        listed = self.connection.execute(
            f"SELECT data_file, delete_file FROM ducklake_list_files('lake', ?, schema => ?{version})", [name, schema]
        ).fetchall()
        if any(delete_file for _, delete_file in listed):
            raise CatalogError(f"Rows of {table.name} were deleted in place; append a newer row instead.")
        return sorted(Path(data_file) for data_file, _ in listed)

    def missing_files(self) -> list[Path]:
        """Return the data files that the newest snapshot names and that are not there."""
        return [path for table in STORED.values() for path in self.data_files(table) if not path.exists()]


def extension_versions() -> Mapping[str, str]:
    """Load the extensions into a database of their own, and return their versions.

    Raises:
        WarehouseError: if one cannot be loaded.
    """
    try:
        with duckdb.connect() as connection:
            _load_extensions(connection)
            known = "SELECT extension_name, extension_version FROM duckdb_extensions() WHERE extension_name IN ?"
            found = connection.execute(known, [list(EXTENSIONS)]).fetchall()
    except duckdb.Error as error:
        raise WarehouseError(f"An extension of DuckDB cannot be loaded: {_first_line(error)}") from error
    return dict(found)


@contextmanager
def open_lake(home: Home) -> Iterator[Lake]:
    """Open the lake of a home folder, making its tables where they are missing; the caller holds the writer's lock.

    Raises:
        CatalogError: if the catalog cannot be opened, or an older version made a table of fewer columns.
    """
    with _attached(home, "READ_WRITE") as lake:
        with _explained(home):
            _make_missing_tables(lake)
        yield lake


@contextmanager
def read_lake(home: Home) -> Iterator[Lake]:
    """Open the lake of a home folder to look at it, which needs no lock and changes nothing.

    Raises:
        CatalogError: if the catalog cannot be opened.
    """
    with _attached(home, "READ_ONLY") as lake:
        yield lake


@contextmanager
def _attached(home: Home, access: str) -> Iterator[Lake]:
    with _explained(home):
        connection = _open_database(home)
    try:
        with _explained(home):
            _attach(connection, home, access)
        yield Lake(home, connection)
    except BaseException:
        connection.close()
        raise
    with suppress(duckdb.Error):  # closed by whoever had it
        connection.execute("USE memory")
        connection.execute("DETACH lake")
        _idle.append(connection)


def _open_database(home: Home) -> duckdb.DuckDBPyConnection:
    """Return a database in memory with the extensions in it, one that is done with where there is one."""
    with suppress(IndexError, duckdb.Error):  # the latter where it has spilled: it cannot do so elsewhere any more
        connection = _idle.pop()
        connection.execute(f"SET temp_directory = {quoted(_spill_folder(home))}")
        return connection
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": _spill_folder(home),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # drawn on standard output, where results go
    _load_extensions(connection)
    return connection


def _spill_folder(home: Home) -> str:
    return str(home.staging / "spill")


@contextmanager
def _explained(home: Home) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise CatalogError(f"The lake of {home.root} cannot be opened: {_first_line(error)}") from error


def _load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    for name in EXTENSIONS:
        path = extension_path(name)
        if path is None:
            connection.install_extension(name)
        connection.load_extension(name if path is None else str(path))


def _attach(connection: duckdb.DuckDBPyConnection, home: Home, access: str) -> None:
    """Attach the catalog with the data beside it, wherever the home folder lies today."""
    catalog, data = quoted(f"ducklake:sqlite:{home.catalog}"), quoted(f"{home.lake}/")
    connection.execute(
        f"ATTACH {catalog} AS lake ({access}, DATA_PATH {data}, OVERRIDE_DATA_PATH {home.catalog.exists()}, "
        "DATA_INLINING_ROW_LIMIT 0)"
    )
    connection.execute("SET search_path = 'lake.main'")


def _make_missing_tables(lake: Lake) -> None:
    present: dict[str, set[str]] = {}
    for schema, name, column in lake.connection.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_catalog = 'lake'"
    ).fetchall():
        present.setdefault(f"{schema}.{name}", set()).add(column)
    _refuse_older_tables(lake.home, present)
    missing = [table for table in STORED.values() if _qualified(stored_name(table)) not in present]
    if not missing:
        return
    # Options are no part of the transaction: set first, they are there whenever the tables are.
    lake.connection.execute("CALL lake.set_option('parquet_compression', 'zstd')")
    lake.connection.execute(f"CALL lake.set_option('parquet_row_group_size', {ROW_GROUP_ROWS})")
    lake.connection.execute("BEGIN")
    lake.connection.execute("CREATE SCHEMA IF NOT EXISTS lake.ops")
    for table in missing:
        for statement in _definition(table):
            lake.connection.execute(statement)
    lake.connection.execute("COMMIT")


def _refuse_older_tables(home: Home, present: Mapping[str, set[str]]) -> None:
    for table in STORED.values():
        columns = present.get(_qualified(stored_name(table)))
        lacking = {column.name for column in table.columns} - (columns or {column.name for column in table.columns})
        if lacking:
            raise CatalogError(
                f"{home.root} was made by an older version: the table {table.name} has no column {min(lacking)!r}. "
                "Ingest its drops into a new home folder; this one stays as it is."
            )


def _definition(table: Table) -> Iterable[str]:
    name = qualified_name(table)
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.dtype]}" for column in table.columns)
    yield f"CREATE TABLE {name} ({columns})"
    yield f"COMMENT ON TABLE {name} IS {quoted(table.comment)}"
    for column in table.columns:
        yield f"COMMENT ON COLUMN {name}.{column.name} IS {quoted(column.comment)}"


def _qualified(name: str) -> str:
    return name if "." in name else f"main.{name}"


def quoted(text: str) -> str:
    """Write a text as a literal of SQL, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
