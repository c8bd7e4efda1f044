"""The commands that look after the store itself: `copydesk maintain` and `copydesk history`."""

import json
import sys
from typing import Annotated

import typer

from flows.console import output_console, print_table
from flows.display import show_progress, tell_waiting
from flows.maintaining import Maintained
from flows.maintaining import maintain as maintain_home
from flows.options import ConfigOption, HomeOption
from flows.settings import load_settings
from flows.sql_values import json_value
from warehouse.history import read_snapshots

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def maintain(
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Merge small files, give up old snapshots, and remove what belongs to nothing; tables stay what they are."""
    with show_progress() as on_progress:
        done = maintain_home(load_settings(home=home, config=config), on_wait=tell_waiting, on_progress=on_progress)
    if as_json:
        sys.stdout.write(json.dumps(done.as_dict()) + "\n")
    else:
        _print_maintained(done)


def _print_maintained(done: Maintained) -> None:
    console = output_console()
    columns = ("table", "files", "now", "rows left out")
    rows = [(one.table, one.files_before, one.files_after, one.rows_superseded) for one in done.merged]
    if rows:
        print_table(console, "Merged", columns, rows)
    console.print(
        f"{len(rows)} tables merged, {done.snapshots_expired:,} snapshots given up, {done.files_removed:,} files "
        f"removed, {done.bytes_freed / 1e6:,.1f} MB freed, in {done.seconds:.1f} s.",
        soft_wrap=True,
    )


def history(
    limit: Annotated[int, typer.Option(min=1, help="Snapshots to show at most.")] = 20,
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """List the snapshots that are kept, newest first; `copydesk sql --at` queries one."""
    snapshots = read_snapshots(load_settings(home=home).home)
    shown = snapshots.head(limit)
    if as_json:
        sys.stdout.write(json.dumps(json_value(shown.to_dicts()), ensure_ascii=False) + "\n")
        return
    console = output_console()
    print_table(console, "Snapshots", shown.columns, shown.rows())
    if shown.height < snapshots.height:
        console.print(f"  {snapshots.height - shown.height:,} older ones: --limit {snapshots.height}.")
