"""Results of a query as people and programs read them: a table, JSON, CSV.

Rows of JSON and CSV are written as they are fetched, so that a large result needs no memory.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import TextIO

from flows.console import output_console, print_table
from flows.sql_values import json_value, plain_text
from transforms.names import distinct_names
from warehouse.query import Result

TABLE_ROWS = 100
"""Rows of a table on a screen; nobody reads more, and the other formats give all."""


class OutputFormat(StrEnum):
    """How `copydesk sql` shows rows."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def write_result(result: Result, output_format: OutputFormat, output: TextIO) -> None:
    """Write the rows of a result."""
    _WRITERS[output_format](result, output)


def _write_table(result: Result, output: TextIO) -> None:
    rows = list(islice(result.rows, TABLE_ROWS + 1))
    console = output_console(output)
    print_table(console, None, result.columns, rows[:TABLE_ROWS])
    if len(rows) > TABLE_ROWS:
        console.print(f"The first {TABLE_ROWS} rows; --format csv or --format json gives all of them.")


def _write_json(result: Result, output: TextIO) -> None:
    """Write an array of objects; columns of type JSON are nested."""
    names = distinct_names(result.columns, pattern="{name}_{number}", first=1)
    nested = [sql_type == "JSON" for sql_type in result.types]
    separator = "["
    for row in result.rows:
        values = (_json_cell(value, is_json=is_json) for value, is_json in zip(row, nested, strict=True))
        output.write(f"{separator}\n{json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)}")
        separator = ","
    output.write("[]\n" if separator == "[" else "\n]\n")


def _json_cell(value: object, *, is_json: bool) -> object:
    return json_value(json.loads(value) if is_json and isinstance(value, str) else value)


def _write_csv(result: Result, output: TextIO) -> None:
    """Write a header and rows; NULL is an empty cell, and truths are those of SQL and JSON."""
    writer = csv.writer(_Lines(output))
    writer.writerow(result.columns)
    writer.writerows(_csv_row(row) for row in result.rows)


class _Lines:
    """Ends lines with a newline alone: the writer quotes a lone CR in a cell only where its own lines end with one."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, line: str) -> int:
        return self._output.write(line.removesuffix("\r\n") + "\n")


def _csv_row(row: Sequence[object]) -> Iterator[object]:
    for value in row:
        yield value if value is None or isinstance(value, str) else plain_text(value)


_WRITERS: Mapping[OutputFormat, Callable[[Result, TextIO], None]] = {
    OutputFormat.TABLE: _write_table,
    OutputFormat.JSON: _write_json,
    OutputFormat.CSV: _write_csv,
}
