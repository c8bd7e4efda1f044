"""The commands of `copydesk boilerplate`: which lines a source repeats, and what is decided about them."""

import sys
from typing import Annotated

import typer

from flows.boilerplate import Decided, Verdict, decide
from flows.display import show_progress, tell, tell_waiting
from flows.options import ConfigOption, HomeOption, UsageError, check_source
from flows.settings import Settings, load_settings, named_home
from flows.sql_output import OutputFormat, write_result
from transforms.schema import BOILERPLATE_CANDIDATES
from transforms.source_lines import ACCEPTED, PROPOSED, REJECTED
from warehouse.database import quoted
from warehouse.errors import NotPublishedError
from warehouse.query import read_published, run_query

STATUSES = (PROPOSED, ACCEPTED, REJECTED)

LinesArgument = Annotated[list[str], typer.Argument(help="Lines: their text, or the line_key that list shows.")]
SourceOption = Annotated[str, typer.Option(help="Source of the lines; what is decided holds for it alone.")]
StatusOption = Annotated[str | None, typer.Option(help="Only lines that are proposed, accepted or rejected.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say how many records would change.")]

app = typer.Typer(help="Lines that a source repeats: list them, remove them from its records, or keep them.")

_PUBLISHED = f"SELECT 1 FROM duckdb_views() WHERE view_name = '{BOILERPLATE_CANDIDATES.name}'"


@app.command("list")
def list_lines(
    source: Annotated[str | None, typer.Option(help="Only lines of this source.")] = None,
    status: StatusOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print an array of objects.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """List lines that recur in distinct articles of a source, the most frequent first."""
    if status not in {None, *STATUSES}:
        raise UsageError(f"{status!r} is no status; {', '.join(STATUSES)} are.")
    folder = named_home(home)
    if read_published(folder, _PUBLISHED).is_empty():
        raise NotPublishedError(f"{folder.published} is of a version without these lines; run copydesk publish.")
    wanted = {"source": source, "status": status}
    conditions = [f"{name} = {quoted(value)}" for name, value in wanted.items() if value is not None]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    columns = "*" if as_json else "source, line_key, status, articles, line"
    query = f"SELECT {columns} FROM {BOILERPLATE_CANDIDATES.name} {where} ORDER BY source, articles DESC, line_key"
    with run_query(folder, query) as result:
        write_result(result, OutputFormat.JSON if as_json else OutputFormat.TABLE, sys.stdout)


@app.command()
def accept(
    lines: LinesArgument,
    source: SourceOption,
    dry_run: DryRunOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove lines from all records of a source, now and from now on."""
    settings = load_settings(home=home, config=config)
    _print_decided(_decide(settings, Verdict(source, lines, ACCEPTED), is_dry_run=dry_run), ACCEPTED, source)


@app.command()
def reject(
    lines: LinesArgument,
    source: SourceOption,
    dry_run: DryRunOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Keep lines, and put those back that were accepted before."""
    settings = load_settings(home=home, config=config)
    _print_decided(_decide(settings, Verdict(source, lines, REJECTED), is_dry_run=dry_run), REJECTED, source)


def _decide(settings: Settings, verdict: Verdict, *, is_dry_run: bool) -> Decided:
    check_source(verdict.source, settings)
    with show_progress() as on_progress:
        return decide(settings, verdict, is_dry_run=is_dry_run, on_wait=tell_waiting, on_progress=on_progress)


def _print_decided(decided: Decided, status: str, source: str) -> None:
    """Print what a decision came to; what would come of it goes to standard output as well."""
    if decided.recleaned is None:
        typer.echo(f"Nothing new: {status} already.")
        return
    recleaned = decided.recleaned
    would = "would be" if decided.run_id is None else "are"
    for line in decided.lines:
        typer.echo(f"{source}: {line!r} {'would be' if decided.run_id is None else 'is'} {status}.")
    typer.echo(f"{recleaned.records:,} records of {recleaned.articles:,} articles {would} changed.")
    if recleaned.example is not None:
        record_id, before, after = recleaned.example
        typer.echo(f"One of them is {record_id}: {before:,} characters before, {after:,} after.")
    if decided.run_id is None:
        tell("Nothing was written.")
