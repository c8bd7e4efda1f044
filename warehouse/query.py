"""Reading the published file, as any client would: read-only, with no extension."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import polars as pl

from warehouse.errors import NotPublishedError, WarehouseError
from warehouse.home import Home

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
def run_query(home: Home, sql: str) -> Iterator[Result]:
    """Run a query on the published file; rows can be fetched within the block. Times are in UTC.

    Raises:
        NotPublishedError: if nothing has been published.
        QueryError: if there is no query, or DuckDB refuses it.
    """
    with _open_published(home) as published, _explained():
        if not published.extract_statements(sql):
            raise QueryError("The query is empty; try 'SELECT * FROM articles'.")
        cursor = published.execute(sql)
        described = cursor.description or []
        names, types = [column[0] for column in described], [str(column[1]) for column in described]
        yield Result(names, types, _fetch(cursor))


def read_published(home: Home, sql: str) -> pl.DataFrame:
    """Return the result of a query on the published file as a frame.

    Raises:
        NotPublishedError: if nothing has been published.
        QueryError: if DuckDB refuses the query.
    """
    with _open_published(home) as published, _explained():
        return published.execute(sql).pl()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise QueryError(str(error).strip()) from error


@contextmanager
def _open_published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    if not home.published.exists():
        raise NotPublishedError(
            f"There is no {home.published} yet; run 'copydesk ingest' first, or name another folder with --home."
        )
    try:
        published = duckdb.connect(str(home.published), read_only=True)
    except duckdb.Error as error:
        raise WarehouseError(f"{home.published} cannot be opened; make it anew with 'copydesk publish'.") from error
    with published:
        published.execute("SET TimeZone = 'UTC'")
        yield published


def _fetch(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows
