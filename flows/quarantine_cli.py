"""The commands of `copydesk quarantine`: what is held back, why, how to get it in, and how to let it rest."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from flows.alerts.tell import tell_of_news
from flows.dismissal import dismiss as dismiss_rows
from flows.display import show_progress, tell, tell_waiting
from flows.held_back import count, counts_query, first_rows, read_bytes, read_one, rows_query
from flows.options import ConfigOption, HomeOption, UsageError
from flows.quarantine_display import print_counts, print_one, print_replayed, print_rows
from flows.replaying import Replayed
from flows.replaying import replay as replay_rows
from flows.selection import ALL, DISMISSED, OPEN, Selection, check_selection, read_age
from flows.settings import load_settings
from flows.sql_output import OutputFormat, write_result
from warehouse.query import read_published, run_query

DONE, REFUSED, FAILED = 0, 1, 3

ROWS_SHOWN = 20
"""Rows of a list, unless more are asked for."""

IdsArgument = Annotated[list[str] | None, typer.Argument(help="Rows, by quarantine_id.", metavar="[ID]...")]
SourceOption = Annotated[str | None, typer.Option(help="Only of this source.")]
ReasonOption = Annotated[str | None, typer.Option(help="Only with this code among the reasons.")]
RunOption = Annotated[str | None, typer.Option(help="Only what this run held back.")]
OlderOption = Annotated[str | None, typer.Option(help="Only what was held back before: 12h, 7d, 2w ago.")]
NewerOption = Annotated[str | None, typer.Option(help="Only what was held back since: 30m, 12h, 7d ago.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")]

app = typer.Typer(help="What is held back: list it, look at it, load what passes now, or dismiss it.")


@app.command("list")
def list_rows(  # noqa: PLR0917 -- typer reads options from parameters
    source: SourceOption = None,
    reason: ReasonOption = None,
    run: RunOption = None,
    older_than: OlderOption = None,
    newer_than: NewerOption = None,
    status: Annotated[str, typer.Option(help="open, replayed, dismissed, or all.")] = OPEN,
    summary: Annotated[bool, typer.Option("--summary", help="Only count, by source and reason.")] = False,  # noqa: FBT002 -- typer's way
    limit: Annotated[int, typer.Option(min=1, help="Most rows of the table; JSON has all.")] = ROWS_SHOWN,
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """List what is held back, the latest first, with counts by source and reason above."""
    settings = load_settings(home=home)
    chosen = _select((), source=source, reason=reason, run=run, older=older_than, newer=newer_than)
    selection = replace(chosen, status=None if status == ALL else status)
    check_selection(selection, settings)
    if as_json:
        query = counts_query(selection) if summary else rows_query(selection)
        with run_query(settings.home, query) as result:
            write_result(result, OutputFormat.JSON, sys.stdout)
        return
    total = count(settings.home, selection)
    print_counts(read_published(settings.home, counts_query(selection)), total=total, status=status)
    if not summary:
        print_rows(first_rows(settings.home, selection, limit=limit), total=total, home=settings.home)


@app.command()
def show(
    row: Annotated[str, typer.Argument(help="The quarantine_id that list shows.", metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the bytes of the record, and nothing else.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """Show all that is known of one record that was held back, or the very bytes that came in."""
    settings = load_settings(home=home)
    check_selection(Selection((row,), status=None), settings)
    held_back = read_one(settings.home, row)
    if not raw:
        print_one(held_back, home=settings.home)
        return
    if not held_back.has_span:
        tell(f"It is not known which bytes of its drop {row} is; this is all of the drop.")
    for piece in read_bytes(settings.home, held_back):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command()
def replay(  # noqa: PLR0917 -- typer reads options from parameters
    rows: IdsArgument = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
    run: RunOption = None,
    older_than: OlderOption = None,
    newer_than: NewerOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 -- typer's way
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Parse what is held back again, with today's settings and rules, and load what passes."""
    settings = load_settings(home=home, config=config)
    selection = _select(rows, source=source, reason=reason, run=run, older=older_than, newer=newer_than)
    check_selection(selection, settings)
    with show_progress() as on_progress:
        replayed = replay_rows(settings, selection, is_dry_run=dry_run, on_wait=tell_waiting, on_progress=on_progress)
    _tell_left_alone(replayed)
    if not as_json:
        print_replayed(replayed)
        sys.stdout.flush()
    tell_of_news(settings)
    if as_json:
        sys.stdout.write(json.dumps(replayed.as_dict(), ensure_ascii=False) + "\n")
    if replayed.refused:
        return REFUSED
    return FAILED if any(drop.is_damaged for drop in replayed.left_alone) else DONE


@app.command()
def dismiss(  # noqa: PLR0917 -- typer reads options from parameters
    rows: IdsArgument = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
    run: RunOption = None,
    older_than: OlderOption = None,
    newer_than: NewerOption = None,
    note: Annotated[str | None, typer.Option(help="Why; needed, unless with --undo.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Open again what was dismissed.")] = False,  # noqa: FBT002 -- typer's way
    everything: Annotated[bool, typer.Option("--all", help="All there is; else name rows, or use options.")] = False,  # noqa: FBT002 -- typer's way
    dry_run: DryRunOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """Put what is held back out of the way, with a note of why; it stays held back, and is counted."""
    settings = load_settings(home=home)
    chosen = _select(rows, source=source, reason=reason, run=run, older=older_than, newer=newer_than)
    why = _check_dismissal(chosen, note, is_undone=undo, is_all=everything)
    check_selection(chosen, settings)
    selection = replace(chosen, status=DISMISSED if undo else OPEN)
    changed = dismiss_rows(settings, selection, note=why, is_dry_run=dry_run, on_wait=tell_waiting)
    done = "open again" if undo else "dismissed"
    if not changed:
        typer.echo(f"Nothing to do: {'no row of these is dismissed' if undo else 'no row of these is open'}.")
    else:
        verb = "would be" if dry_run else "is" if changed == 1 else "are"
        typer.echo(f"{changed:,} {'row' if changed == 1 else 'rows'} {verb} {done}.")
    if dry_run:
        tell("Nothing was written.")


def _select(
    ids: Sequence[str] | None,
    *,
    source: str | None,
    reason: str | None,
    run: str | None,
    older: str | None,
    newer: str | None,
) -> Selection:
    before, after = read_age(older, option="--older-than"), read_age(newer, option="--newer-than")
    return Selection(tuple(ids or ()), source, reason, run, before, after)


def _check_dismissal(chosen: Selection, note: str | None, *, is_undone: bool, is_all: bool) -> str | None:
    """Return the note; None where a dismissal is undone."""
    if not is_all and not chosen.is_narrow:
        raise UsageError("Say which: name rows, use options such as --source and --reason, or say --all.")
    if is_all and chosen.is_narrow:
        raise UsageError("--all means every row; leave it out, or leave out what narrows it down.")
    if is_undone:
        if note is not None:
            raise UsageError("--undo takes the note away; leave --note out.")
        return None
    text = (note or "").encode("utf-8", "replace").decode().strip()
    if not text:
        raise UsageError("Say why with --note, for those who look at it later.")
    return text


def _tell_left_alone(replayed: Replayed) -> None:
    """Say which drops nothing was changed of; at most as many as a list shows."""
    for drop in replayed.left_alone[:ROWS_SHOWN]:
        tell(f"Left alone: {drop.uri} of {drop.source}: {drop.why.rstrip('.')}.")
    if more := len(replayed.left_alone[ROWS_SHOWN:]):
        tell(f"{more:,} more drops were left alone; --json names all.")
    for batch in replayed.refused:
        tell(
            f"Still refused: {batch.rows:,} rows of {batch.source} from {batch.run_id}: {batch.why} Mend the rule for "
            "this source in copydesk.toml, or leave them."
        )
