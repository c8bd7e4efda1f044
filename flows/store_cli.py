"""The commands that look after the store: check and mend it, publish and rebuild it, maintain it, back it up."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows import steps
from flows.console import output_console, print_checks, print_mended, print_rebuilt, print_table
from flows.display import show_progress, tell, tell_waiting
from flows.doctor import examine
from flows.maintaining import Maintained
from flows.maintaining import maintain as maintain_home
from flows.options import ConfigOption, HomeOption, UsageError
from flows.rebuild_fingerprints import rebuild_fingerprints
from flows.rebuild_text_cli import rebuild_text_of
from flows.rebuilding import rebuild_home
from flows.repair import repair
from flows.settings import Settings, load_settings, named_home
from flows.sql_values import json_value
from warehouse.backup import write_backup
from warehouse.catalog_file import check_in_use
from warehouse.errors import NotPublishedError
from warehouse.history import read_snapshots
from warehouse.home import Home
from warehouse.lake import open_lake, open_older_lake
from warehouse.landing import absolute
from warehouse.migration import migrate as migrate_tables
from warehouse.restore import check_place, restore_backup
from warehouse.stored_tables import TABLES_VERSION
from warehouse.writer_lock import hold_writer_lock

DONE, NAMED, FAILED = 0, 1, 3
"""Exit codes; the second says that something was left out or is damaged, and was named."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _in_use(home: Home, what: str) -> Home:
    """Return a home folder in which there is something to do it with.

    Raises:
        NotPublishedError, CatalogError: as `check_in_use`.
    """
    check_in_use(home, what)
    return home


def _existing(settings: Settings) -> Settings:
    """Return settings of a folder that is there, as one that is mended or made anew must be.

    Raises:
        NotPublishedError: if it is not.
    """
    if not settings.home.root.exists():
        raise NotPublishedError(f"There is no folder {settings.home.root}; name another one with --home.")
    return settings


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
    change = "freed" if done.bytes_freed >= 0 else "more until old snapshots are given up"
    console.print(
        f"{len(rows)} tables merged, {done.snapshots_expired:,} snapshots given up, {done.files_removed:,} files "
        f"removed, {abs(done.bytes_freed) / 1e6:,.1f} MB {change}, in {done.seconds:.1f} s.",
        soft_wrap=True,
    )


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder of its own; what is in it from an earlier time stays.")],
    home: HomeOption = None,
) -> int:
    """Copy everything that cannot be made anew into a folder; a later backup copies only what is new."""
    source = _in_use(named_home(home), "back up")
    with hold_writer_lock(source.writer_lock, purpose="backup", on_wait=tell_waiting):
        done = write_backup(source, absolute(folder))
    output_console().print(
        f"{folder} holds snapshot {done.snapshot}: {len(done.files):,} files, {done.bytes / 1e6:,.1f} MB; "
        f"{done.copied:,} of them are new.",
        soft_wrap=True,
    )
    for damage in done.damaged:
        tell(f"Copied as it is: {damage}")
    return NAMED if done.damaged else DONE


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    home: HomeOption = None,
) -> None:
    """Make a home folder of a backup, wherever it lies now, and publish it; every file is held against the manifest."""
    target = named_home(home)
    check_place(absolute(folder), target)
    steps.prepare(target)
    with (
        steps.be_at_work(target),
        hold_writer_lock(target.writer_lock, purpose="restore", on_wait=tell_waiting),
    ):
        done = restore_backup(absolute(folder), target)
        with open_lake(target) as lake:
            steps.publish(lake)
    tell(f"{target.root} is as it was at {done.created_at}, with snapshot {done.snapshot}, and is published.")


def migrate(home: HomeOption = None) -> None:
    """Move a home folder that an older version made forward to the tables of this one, and publish it."""
    folder = _in_use(named_home(home), "migrate")
    with (
        steps.be_at_work(folder),
        hold_writer_lock(folder.writer_lock, purpose="migrate", on_wait=tell_waiting),
        open_older_lake(folder) as lake,
    ):
        done = migrate_tables(lake)
        steps.publish(lake)
    for one in done:
        tell(f"{one.table} has {', '.join(one.columns)} now, in {one.rows:,} rows.")
    tell(f"The tables of {folder.root} are of version {TABLES_VERSION}, and are published.")


def history(
    limit: Annotated[int, typer.Option(min=1, help="Snapshots to show at most.")] = 20,
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
) -> None:
    """List the snapshots that are kept, newest first; `copydesk sql --at` queries one."""
    snapshots = read_snapshots(named_home(home))
    shown = snapshots.head(limit)
    if as_json:
        sys.stdout.write(json.dumps(json_value(shown.to_dicts()), ensure_ascii=False) + "\n")
        return
    console = output_console()
    print_table(console, "Snapshots", shown.columns, shown.rows())
    if shown.height < snapshots.height:
        console.print(f"  {snapshots.height - shown.height:,} older ones: --limit {snapshots.height}.")


def publish(home: HomeOption = None) -> None:
    """Make the published file anew, for instance after the home folder was moved."""
    folder = _in_use(named_home(home), "publish")
    with hold_writer_lock(folder.writer_lock, purpose="publish", on_wait=tell_waiting), open_lake(folder) as lake:
        steps.publish(lake)
    tell(f"Published {folder.published}.")


class Part(StrEnum):
    """What can be made anew."""

    FINGERPRINTS = "fingerprints"
    TEXT = "text"


def rebuild(  # noqa: PLR0917 -- typer reads options from parameters
    only: Annotated[Part | None, typer.Option(help="Make only this anew, from the stored records.")] = None,
    source: Annotated[str | None, typer.Option(help="Of text: only records of this source.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Of text: only say what would change.")] = False,  # noqa: FBT002 -- typer's way
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Make all tables anew from the raw store and the journal, also where the catalog or the lake is lost."""
    if only is not Part.TEXT and (source is not None or dry_run):
        raise UsageError(f"--source and --dry-run go with --only {Part.TEXT}.")
    settings = _existing(load_settings(home=home, config=config))
    if only is None:
        return _rebuild_home(settings, as_json=as_json)
    _in_use(settings.home, f"rebuild {only} of")
    if only is Part.TEXT:
        return rebuild_text_of(settings, source=source, is_dry_run=dry_run, as_json=as_json)
    with show_progress() as on_progress:
        summary = rebuild_fingerprints(settings, on_wait=tell_waiting, on_progress=on_progress)
    if as_json:
        sys.stdout.write(json.dumps(summary.as_dict()) + "\n")
    else:
        print_rebuilt(summary)
    return DONE


def _rebuild_home(settings: Settings, *, as_json: bool) -> int:
    with show_progress() as on_progress:
        done = rebuild_home(settings, on_wait=tell_waiting, on_progress=on_progress)
    for one in done.left_out:
        tell(f"Left out: {one.what}: {one.why}")
    if as_json:
        sys.stdout.write(json.dumps(done.as_dict(), ensure_ascii=False) + "\n")
    else:
        output_console().print(
            f"{done.runs:,} entries of the journal were repeated, with {done.drops:,} drops, {done.records_loaded:,} "
            f"records loaded and {done.records_quarantined:,} held back; {len(done.left_out):,} left out, in "
            f"{done.seconds:.1f} s.",
            soft_wrap=True,
        )
        if done.new_run_id is not None:
            output_console().print(f"Drops that no run of the journal had came in with {done.new_run_id}.")
    return NAMED if done.left_out else DONE


def doctor(
    mends: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; reads drops and tables.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Check versions, extensions, settings, home folder, catalog and Prefect API, each with a remedy."""
    is_whole = True
    if mends:
        settings = _existing(load_settings(home=home, config=config))
        is_whole = print_mended(repair(settings, on_wait=tell_waiting))
    is_well = print_checks(examine(home=home, config=config))
    return DONE if is_whole and is_well else FAILED
