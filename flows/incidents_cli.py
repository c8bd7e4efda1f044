"""The commands of `copydesk incidents`: which faults sources have, all about one, and keeping one quiet for a time."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from flows.console import output_console, print_pairs, print_table
from flows.display import tell_waiting
from flows.evidence import sql_command
from flows.incidents import (
    STATUSES,
    Decided,
    Named,
    Shown,
    list_query,
    mute_incident,
    read_end,
    read_reason,
    show_incident,
    unmute_incident,
)
from flows.options import HomeOption, UsageError
from flows.settings import load_settings, named_home
from flows.sql_output import OutputFormat, write_result
from flows.sql_values import cell_text, json_value
from warehouse.catalog_file import check_in_use
from warehouse.home import Home
from warehouse.query import run_query

_LISTED = "incident_id, status, severity, source, rule, occurrences, last_seen_at, message"

IdArgument = Annotated[str | None, typer.Argument(help="Id of the incident, as list shows it.")]
SourceOption = Annotated[str | None, typer.Option(help="Source of the incident.")]
RuleOption = Annotated[str | None, typer.Option(help="Code of the rule that failed.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(help="Faults of sources: list them, look into one, or mute it for a time.")


@app.command("list")
def list_incidents(
    source: SourceOption = None,
    rule: RuleOption = None,
    status: Annotated[str, typer.Option(help="open, resolved, muted or all.")] = "open",
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """List incidents: open ones, unless told otherwise, critical ones first."""
    if status not in {*STATUSES, "all"}:
        raise UsageError(f"{status!r} is no status; {', '.join(STATUSES)} and all are.")
    folder = named_home(home)
    check_in_use(folder, "look into")
    query = list_query(source=source, rule=rule, status=status, columns="*" if as_json else _LISTED)
    with run_query(folder, query) as result:
        write_result(result, OutputFormat.JSON if as_json else OutputFormat.TABLE, sys.stdout)


@app.command()
def show(
    incident_id: Annotated[str, typer.Argument(help="Id of the incident, as list shows it.")],
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """Show all about an incident: what the rule means, what to do, a record to look at, the runs that judged it."""
    folder = named_home(home)
    shown = show_incident(folder, incident_id)
    if as_json:
        sys.stdout.write(json.dumps(json_value(shown.as_dict()), ensure_ascii=False) + "\n")
    else:
        _print_shown(shown, folder)


def _print_shown(shown: Shown, home: Home) -> None:
    console = output_console()
    title = f"{shown.incident['source']}: {shown.incident['rule']} ({shown.incident['status']})"
    console.print(cell_text(title), style="bold", soft_wrap=True)
    for value in (shown.incident["message"], shown.meaning.get("meaning"), shown.meaning.get("remedy")):
        if value:
            console.print(f"  {cell_text(value)}", soft_wrap=True)
    print_pairs(console, "Incident", ("column", "value"), _known(shown.incident))
    print_pairs(console, "A record that failed", ("column", "value"), _known(shown.sample))
    print_table(console, "The last runs that judged it", shown.runs.columns, shown.runs.rows())
    console.print(f"  All that failed: {sql_command(shown.query, home)}", soft_wrap=True, markup=False)


def _known(row: object) -> dict[str, object]:
    return {name: value for name, value in dict(row).items() if value not in (None, [], "")}  # type: ignore[call-overload]


@app.command()
def mute(  # noqa: PLR0917 -- typer reads options from parameters
    reason: Annotated[str, typer.Option(help="Why; others will ask.")],
    incident_id: IdArgument = None,
    source: SourceOption = None,
    rule: RuleOption = None,
    duration: Annotated[str | None, typer.Option("--for", help="How long: 90m, 12h, 7d, 2w.")] = None,
    until: Annotated[str | None, typer.Option(help="Until when: an ISO date or time, UTC unless it says more.")] = None,
    home: HomeOption = None,
) -> None:
    """Have nobody told of an incident for a time; it goes on counting."""
    named, why = Named(incident_id, source, rule), read_reason(reason)
    end = read_end(duration, until, now=datetime.now(UTC))
    _print_decided(mute_incident(load_settings(home=home), named, until=end, reason=why, on_wait=tell_waiting))


@app.command()
def unmute(
    incident_id: IdArgument = None, source: SourceOption = None, rule: RuleOption = None, home: HomeOption = None
) -> None:
    """Have people told of an incident again."""
    named = Named(incident_id, source, rule)
    _print_decided(unmute_incident(load_settings(home=home), named, on_wait=tell_waiting))


def _print_decided(decided: Decided) -> None:
    incident = decided.incident
    until = incident["muted_until"]
    state = incident["status"] if until is None else f"muted until {until:%Y-%m-%d %H:%M} UTC"
    subject = f"{incident['incident_id']} ({incident['source']}: {incident['rule']})"
    said = f"{subject} is {state}." if decided.is_news else f"Nothing new: {subject} is {state} already."
    output_console().print(cell_text(said), soft_wrap=True)
