"""`copydesk retract`: withdrawing a text, and proving that it is gone."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from flows.console import output_console, print_table
from flows.display import show_progress, tell, tell_waiting
from flows.incidents import read_reason
from flows.options import ConfigOption, HomeOption, UsageError
from flows.retract import Retracted, retract
from flows.retract_proof import Proof, prove
from flows.settings import load_settings
from flows.sql_values import json_value
from warehouse.catalog_file import check_in_use

DONE, LEFT = 0, 1
MOST_SHOWN = 20


def retract_text(  # noqa: PLR0917 -- typer's way
    target: Annotated[
        str | None,
        typer.Argument(
            help="Article, record (loaded or held back) or address of the text.", metavar="ARTICLE|RECORD|URL"
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in ops.retractions.")] = None,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,  # noqa: FBT002 -- typer's way
    is_at_once: Annotated[bool, typer.Option("--now", help="Give up all older snapshots, whoever reads them.")] = False,  # noqa: FBT002 -- typer's way
    proves: Annotated[bool, typer.Option("--prove", help="Only look for all that was ever withdrawn.")] = False,  # noqa: FBT002 -- typer's way
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Withdraw a text from the tables, the raw store and all that was made of it, and prove that it is gone."""
    settings = load_settings(home=home, config=config)
    check_in_use(settings.home, "withdraw")
    if proves:
        if target is not None:
            raise UsageError("--prove looks for all that was withdrawn; leave out what comes before it.")
        with show_progress() as on_progress:
            proof = prove(settings, on_progress=on_progress)
        return _print(None, proof, as_json=as_json)
    if target is None or (reason is None and not is_dry_run):
        raise UsageError("Name an article, a record or an address, and say why with --reason.")
    with show_progress() as on_progress:
        retracted = retract(
            settings,
            target,
            reason=read_reason(reason or "dry run"),
            is_at_once=is_at_once,
            is_dry_run=is_dry_run,
            on_wait=tell_waiting,
            on_progress=on_progress,
        )
    return _print(retracted, retracted.proof, as_json=as_json)


def _print(retracted: Retracted | None, proof: Proof | None, *, as_json: bool) -> int:
    if as_json:
        content = {} if retracted is None else retracted.as_dict()
        content |= {} if proof is None else {"proof": proof.as_dict()}
        sys.stdout.write(json.dumps(json_value(content), ensure_ascii=False) + "\n")
    else:
        console = output_console()
        if retracted is not None:
            _print_retracted(console, retracted)
        if proof is not None:
            _print_proof(console, proof)
    return LEFT if proof is not None and not proof.holds else DONE


def _print_retracted(console: Console, retracted: Retracted) -> None:
    done = "would go" if retracted.proof is None else "went"
    if retracted.records or retracted.held_back:
        rows = retracted.records[:MOST_SHOWN]
        print_table(console, f"{len(retracted.records):,} records that {done}", ("record_id", "headline"), rows)
        console.print(f"  {retracted.held_back:,} held back carry it as well.")
    else:
        console.print(f"It was withdrawn before ({retracted.retraction_id}); nothing else carries it.")
    if retracted.came_back:
        overwritten = "would be overwritten" if retracted.proof is None else "were overwritten"
        console.print(f"  {retracted.came_back:,} withdrawn records stood in the raw store again, and {overwritten}.")
    if retracted.quoting:
        named = ", ".join(retracted.quoting[:3])
        console.print(f"  {len(retracted.quoting):,} records quote it, and stay: {named}.")
    for path in retracted.drops[:MOST_SHOWN]:
        console.print(f"  Not ours, look there yourself: {path}", markup=False, highlight=False)


def _print_proof(console: Console, proof: Proof) -> None:
    console.print(f"Looked for {proof.passages:,} passages of {proof.texts:,} texts in everything that is kept here.")
    for place in proof.remains[:MOST_SHOWN]:
        console.print(f"  LEFT in {place}", markup=False, highlight=False)
    for place in proof.not_searched[:MOST_SHOWN]:
        console.print(f"  Could not look into {place}", markup=False, highlight=False)
    if proof.quoted:
        console.print(
            f"  Passages that stand in loaded records, or in addresses, and are no sign of it: {proof.quoted:,}"
        )
    if proof.pending:
        console.print(
            f"  {len(proof.pending):,} files of older snapshots hold it; copydesk maintain removes them from "
            f"{proof.gone_at:%Y-%m-%d %H:%M} UTC on, the same command with --now at once."
        )
    if proof.remains:
        tell(
            "Something is left: run the same command again. If it stays, withdraw records by their own ids, and drops "
            "by the ids under which they are held back (ops.quarantine); remove other files that are not ours."
        )
    elif not proof.pending:
        console.print("Nothing of it is left." if not proof.not_searched else "Nothing of it is left elsewhere.")
