"""Reading the published file, as any client would: read-only, with no extension."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from warehouse.database import first_line, unreadable_file
from warehouse.errors import CatalogError, NotPublishedError, WarehouseError
from warehouse.home import Home

_EXPLAIN = re.compile(r"^\s*explain\b(\s+analyze\b)?(\s*\([^)]*\))?", re.IGNORECASE)

ROWS_AT_ONCE = 1_000
"""Rows fetched at a time, so that a large result streams."""


class QueryError(WarehouseError):
    """The query cannot be run; the message is DuckDB's own."""


@dataclass(frozen=True)
class Result:
    """Column names, their SQL types, and rows as they are fetched."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Iterator[tuple[object, ...]]


@contextmanager
def run_query(home: Home, sql: str, *, views: Path | None = None) -> Iterator[Result]:
    """Run a query on the published file; rows can be fetched within the block. Times are in UTC.

    `views` is a file of views of this home to query instead.

    Raises:
        NotPublishedError: if nothing has been published.
        QueryError: if there is no query, or DuckDB refuses it.
        CatalogError: if a data file is gone or damaged.
    """
    with _open_published(home, views) as published, _explained():
        check_is_query(sql, published)
        cursor = published.execute(sql)
        described = cursor.description or []
        names, types = [column[0] for column in described], [str(column[1]) for column in described]
        yield Result(names, types, _fetch(cursor))


def check_is_query(sql: str, published: duckdb.DuckDBPyConnection) -> None:
    """Let through one query; opening the file read-only would not keep a statement from writing elsewhere."""
    statements = published.extract_statements(sql)
    if not statements:
        raise QueryError("The query is empty; try 'SELECT * FROM articles'.")
    explained = _EXPLAIN.sub("", sql, count=1)
    if len(statements) == 1 and explained != sql:
        check_is_query(explained, published)
        return
    # PIVOT is taken apart into statements that have no text of their own.
    is_one = len(statements) == 1 or not any(statement.query for statement in statements)
    if not is_one or statements[-1].type != duckdb.StatementType.SELECT:
        raise QueryError("Only one query that reads can be asked; write a single SELECT, as nothing is changed here.")


def read_published(home: Home, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
    """Return the result of a query on the published file as a frame; `parameters` are bound to `$name`.

    Raises:
        NotPublishedError: if nothing has been published.
        QueryError: if DuckDB refuses the query.
        CatalogError: if a data file is gone or damaged.
    """
    with open_reader(home) as reader:
        return reader.read(sql, parameters)


@dataclass(frozen=True)
class Reader:
    """The published file as it was when it was opened, whatever is published meanwhile."""

    connection: duckdb.DuckDBPyConnection

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """Return the result of a query as a frame; parameters stand in it as `$name`.

        Raises:
            QueryError: if DuckDB refuses the query.
        """
        with _explained():
            return self.connection.execute(sql, parameters).pl()

    def scan(self, sql: str, parameters: Mapping[str, object]) -> Iterator[pl.DataFrame]:
        """Yield the result of one query in frames of bounded size, at least one; run no other query meanwhile.

        Raises:
            QueryError: if it is not one query, or DuckDB refuses it.
        """
        with _explained():
            check_is_query(sql, self.connection)
            batches = self.connection.execute(sql, parameters).to_arrow_reader(ROWS_AT_ONCE)
            yield pl.DataFrame(batches.schema.empty_table())
            for batch in batches:
                yield pl.DataFrame(batch)


@contextmanager
def open_reader(home: Home) -> Iterator[Reader]:
    """Open the published file for several queries that have to agree. Times are in UTC.

    Raises:
        NotPublishedError: if nothing has been published.
    """
    with _open_published(home) as published:
        yield Reader(published)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if said := unreadable_file(error):
            raise CatalogError(said) from error
        raise QueryError(str(error).strip()) from error


@contextmanager
def _open_published(home: Home, views: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    path = views or home.published
    if not path.exists():
        remedy = (
            "make it anew with 'copydesk publish'"
            if home.is_initialised
            else "run 'copydesk ingest' first, or name another folder with --home"
        )
        raise NotPublishedError(f"There is no {home.published}; {remedy}.")
    try:
        published = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise WarehouseError(
                f"{home.published} is open for writing in another program ({first_line(error)}); close it there. The "
                "next run puts a new one in its place, too."
            ) from error
        raise WarehouseError(f"{home.published} cannot be opened; make it anew with 'copydesk publish'.") from error
    with published:
        _check_place(published, home)
        published.execute("SET TimeZone = 'UTC'")
        published.execute("SET enable_progress_bar = false")
        try:
            yield published
        except BaseException:
            published.interrupt()  # a query that Ctrl-C ended for us goes on, and would be waited for
            raise


def _check_place(published: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Make sure that the views show this home folder, and not the one that it was copied or moved from."""
    row = published.execute("SELECT home FROM ops.publication").fetchone()
    if row is None or Path(row[0]).resolve() != home.root.resolve():
        raise NotPublishedError(
            f"{home.published} was made for {row and row[0]}; make it anew with 'copydesk publish'."
        )


def _fetch(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows
