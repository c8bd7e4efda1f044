"""The commands on the published tables: `copydesk sql` queries them, `copydesk docs` says what they hold."""

import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.dictionary import write_dictionary
from flows.durations import read_moment
from flows.options import HomeOption, UsageError
from flows.settings import named_home
from flows.sql_output import OutputFormat, write_result
from warehouse.history import views_at
from warehouse.query import run_query


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the published tables; - reads it from standard input.")],
    output_format: Annotated[OutputFormat, typer.Option("--format", help="How to print rows.")] = OutputFormat.TABLE,
    at: Annotated[str | None, typer.Option(help="As of a snapshot (see history): its number, or a time (UTC).")] = None,
    home: HomeOption = None,
) -> None:
    """Query the published tables, read-only."""
    folder = named_home(home)
    with (
        nullcontext() if at is None else views_at(folder, _read_at(at)) as views,
        run_query(folder, sys.stdin.read() if query == "-" else query, views=views) as result,
    ):
        write_result(result, output_format, sys.stdout)


def docs(
    to: Annotated[Path | None, typer.Option("--to", help="A file, instead of standard output.")] = None,
    home: HomeOption = None,
) -> None:
    """Write the data dictionary: every table, view and column, as Markdown."""
    text = "".join(f"{line}\n" for line in write_dictionary(named_home(home)))
    if to is None:
        sys.stdout.write(text)
        return
    try:
        to.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{to} cannot be written ({error.strerror}); name another file.") from error


def _read_at(text: str) -> int | datetime:
    at = int(text) if text.isdecimal() else read_moment(text)
    if at is None:
        raise UsageError(
            f"{text!r} is neither the number of a snapshot nor a time; write 12, 2026-12-31 or 2026-12-31T18:00."
        )
    return at
