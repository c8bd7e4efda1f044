"""Queries of users over a batch that is not loaded yet: they may read its tables, and nothing else.

The connection is in memory, sees the staged files alone, has a bound on memory and time, and can change neither its
settings nor any file.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database import MEMORY_LIMIT, named_files, quoted
from warehouse.query import QueryError, check_is_query

SECONDS = 60.0
"""How long a query may take."""


@dataclass(frozen=True)
class FailingRows:
    """How many rows a query returns, and the first one's `record_id`, where it has one."""

    count: int
    record_id: str | None


def find_failing_rows(sql: str, tables: Mapping[str, Sequence[Path]], *, seconds: float = SECONDS) -> FailingRows:
    """Run a query that returns failing rows over tables, each of which is a number of Parquet files.

    Raises:
        QueryError: if there is not one query, DuckDB refuses it, or it takes too long.
    """
    with duckdb.connect() as batch:
        _open_tables(batch, tables)
        timer = threading.Timer(seconds, batch.interrupt)
        try:
            check_is_query(sql, batch)
            timer.start()
            failing = batch.sql(sql)
            first = failing.limit(1).fetchone()
            total = failing.aggregate("count(*)").fetchone()
            named = dict(zip(failing.columns, first, strict=True)) if first else {}
        except duckdb.InterruptException as error:
            raise QueryError(f"The query took more than {seconds:g} s.") from error
        except duckdb.Error as error:
            raise QueryError(str(error).strip()) from error
        finally:
            timer.cancel()
    record_id = named.get("record_id")
    return FailingRows(int(total[0]) if total else 0, None if record_id is None else str(record_id))


def _open_tables(batch: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[Path]]) -> None:
    paths = [path for files in tables.values() for path in files]
    batch.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    batch.execute("SET TimeZone = 'UTC'")
    batch.execute("SET enable_progress_bar = false")
    batch.execute(f"SET allowed_paths = [{', '.join(quoted(str(path)) for path in paths)}]")
    batch.execute("SET enable_external_access = false")
    for name, files in tables.items():
        batch.execute(f"CREATE VIEW {name} AS SELECT * FROM {named_files(files)}")
    batch.execute("SET lock_configuration = true")
