"""The tables of the lake: their names, types and version, and how they are made.

The number of a version stands in the header of the catalog (SQLite's `user_version`), where DuckLake keeps nothing.
What a version adds are columns; see `warehouse.migration`.
"""

from collections.abc import Iterable, Mapping

import duckdb
import polars as pl

from transforms.columns import Column, Table
from transforms.schema import RECORDS, STORED
from warehouse.catalog_file import change_catalog, read_catalog
from warehouse.database import quoted
from warehouse.home import Home

TABLES_VERSION = 2
"""Version of the tables, to be raised with every column that one of them gets."""

ROW_GROUP_ROWS = 8_192
"""Of narrow tables: few enough that a look-up skips the rest, and many enough that what describes them stays small."""

ROW_GROUP_RECORDS = 2_048
"""Of records, with their bodies: of 100,000 in groups of 512 to 122,880 rows the one record that is looked up, and a
source on some days, came first with these, in a third of the time of 8,192 rows or less, at the same size on disk."""

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
    return f"lake.{schema_and_name(stored_name(table))}"


def make_missing_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that an attached lake lacks, in one commit."""
    present = _present_columns(connection)
    missing = [table for table in STORED.values() if schema_and_name(stored_name(table)) not in present]
    if not missing:
        return
    # Options are no part of the transaction: set first, they are there whenever the tables are.
    connection.execute("CALL lake.set_option('parquet_compression', 'zstd')")
    connection.execute(f"CALL lake.set_option('parquet_row_group_size', {ROW_GROUP_ROWS})")
    connection.execute("BEGIN")
    connection.execute("CREATE SCHEMA IF NOT EXISTS lake.ops")
    for table in missing:
        for statement in _definition(table):
            connection.execute(statement)
    connection.execute("COMMIT")
    if RECORDS in missing:
        set_record_groups(connection)


def set_record_groups(connection: duckdb.DuckDBPyConnection) -> None:
    """Have records written in row groups of their own size from now on."""
    name = qualified_name(RECORDS).rpartition(".")[2]
    connection.execute(f"CALL lake.set_option('parquet_row_group_size', {ROW_GROUP_RECORDS}, table_name => '{name}')")


def lacking_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Column]]:
    """Return the columns that tables of an older version lack, by table."""
    present = _present_columns(connection)
    known = {table.name: present.get(schema_and_name(stored_name(table))) for table in STORED.values()}
    lacking = {
        name: [column for column in STORED[name].columns if column.name not in columns]
        for name, columns in known.items()
        if columns is not None
    }
    return {name: columns for name, columns in lacking.items() if columns}


def add_column(connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> None:
    """Add a column to a stored table, within a commit; it is null in the rows that are there."""
    name = qualified_name(table)
    connection.execute(f"ALTER TABLE {name} ADD COLUMN {column.name} {SQL_TYPES[column.dtype]}")
    connection.execute(f"COMMENT ON COLUMN {name}.{column.name} IS {quoted(column.comment)}")


def _present_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    present: dict[str, set[str]] = {}
    for schema, name, column in connection.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_catalog = 'lake'"
    ).fetchall():
        present.setdefault(f"{schema}.{name}", set()).add(column)
    return present


def tables_version(home: Home) -> int:
    """Return the version of the tables of a home folder, 0 where there is none, or it is from before there were any."""
    if not home.catalog.exists():
        return 0
    with read_catalog(home) as catalog:
        return int(catalog.execute("PRAGMA user_version").fetchone()[0])


def note_version(home: Home) -> None:
    """Note that the tables are of this version."""
    with change_catalog(home) as catalog:
        catalog.execute(f"PRAGMA user_version = {TABLES_VERSION}")


def _definition(table: Table) -> Iterable[str]:
    name = qualified_name(table)
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.dtype]}" for column in table.columns)
    yield f"CREATE TABLE {name} ({columns})"
    yield f"COMMENT ON TABLE {name} IS {quoted(table.comment)}"
    for column in table.columns:
        yield f"COMMENT ON COLUMN {name}.{column.name} IS {quoted(column.comment)}"


def schema_and_name(name: str) -> str:
    """Return a name with its schema."""
    return name if "." in name else f"main.{name}"
