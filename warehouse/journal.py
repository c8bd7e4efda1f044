"""The journal: what happened to the warehouse, a small file for each commit that making it anew has to repeat.

`journal/00000012-run_….json` says what kind of run it was, when, and what it was told: an ingest its drops, a decision
what was decided. What the files say is known from the raw store, or from nowhere else: with both, the warehouse can be
made anew when the catalog or the lake is lost.

A run gives its entry to the commit itself, as the extra information that DuckLake keeps with a snapshot; the file is
written from the catalog afterwards, wherever a commit is published. What a killed run left without a file gets one
then. So there is no file without its commit, and no commit that was published without its file. The number in its name
is the position among all files; a run is known by its id, which the commit has again when the warehouse was made anew.

Long lists are not given to the commit: they are read from the rows that it wrote.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from transforms.ops_schema import DROPS, QUARANTINE, RUNS
from warehouse.catalog_file import given_to_commits
from warehouse.earlier_runs import earlier_entries
from warehouse.errors import JournalError
from warehouse.files import names_in, sync, write_synced
from warehouse.home import Home
from warehouse.journal_entry import DISMISS, INGEST, NEW_PATHS, Entry, parse_entry
from warehouse.lake import Lake
from warehouse.stored_tables import stored_name

_DROPS = f"""
    SELECT source, drop_sha256, uri, uris, bytes, received_at, CASE WHEN drop_sha256 IS NULL THEN error END AS error,
        run_id = $run_id AS is_new
    FROM {stored_name(DROPS)} WHERE commit_no = $commit_no ORDER BY source, uri
"""
_SECONDS = f"SELECT seconds FROM {RUNS.name} WHERE run_id = $run_id"
_ROWS = f"SELECT quarantine_id FROM {stored_name(QUARANTINE)} WHERE commit_no = $commit_no ORDER BY quarantine_id"


def read_journal(home: Home) -> Iterator[Entry]:
    """Yield all entries, oldest first.

    Raises:
        JournalError: if a file cannot be read.
    """
    return (read_entry(home.journal / name) for name in _names(home))


def _names(home: Home) -> list[str]:
    """Return the names of all files, oldest first."""
    return [name for name in names_in(home.journal) if name[0].isdigit() and name.endswith(".json")]


def read_entry(path: Path) -> Entry:
    """Read one entry.

    Raises:
        JournalError: if it cannot be read.
    """
    try:
        return parse_entry(path.read_bytes())
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise JournalError(
            f"{path} cannot be read ({error}); restore it from a backup, or remove it: its drops come last then, and "
            "what was decided in it is lost."
        ) from error


def note_commits(lake: Lake) -> int:
    """Write the files of commits that have none yet, oldest first; return how many. The caller has the lock.

    Where there is no file at all, runs of a version without a journal get one as well, all of them or none.
    """
    names = _names(lake.home)
    missing = [_with_rows(lake, snapshot, entry) for snapshot, entry in _unnoted(lake.home, names)]
    if names:
        _write(lake.home.journal, missing, first=int(names[-1].partition("-")[0]) + 1)
    else:
        starts = {entry.started_at for entry in missing}
        missing = [entry for entry in earlier_entries(lake) if entry.started_at not in starts] + missing
        _begin(lake.home, missing)
    return len(missing)


def _begin(home: Home, entries: Sequence[Entry]) -> None:
    part = home.journal.with_name(".journal.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    _write(part, entries, first=1)
    part.replace(home.journal)
    sync(home.root)


def _write(folder: Path, entries: Sequence[Entry], *, first: int) -> None:
    for number, entry in enumerate(entries, start=first):
        write_synced(folder / f"{number:08}-{entry.run_id}.json", entry.as_json().encode())


def unnoted(home: Home) -> list[Entry]:
    """Return what was given to the commits that have no file, oldest first."""
    return [entry for _, entry in _unnoted(home, _names(home))]


def _unnoted(home: Home, names: Sequence[str]) -> Iterator[tuple[int, Entry]]:
    """Yield the snapshots of commits that have no file, oldest first, and what was given to them."""
    noted = {name.removesuffix(".json").partition("-")[2] for name in names}
    for snapshot, content in given_to_commits(home):
        entry = parse_entry(content)
        if entry.run_id not in noted:
            yield snapshot, entry


def _with_rows(lake: Lake, snapshot: int, entry: Entry) -> Entry:
    """Add what the commit wrote."""
    seconds = lake.query(_SECONDS, {"run_id": entry.run_id})["seconds"].to_list()
    entry = replace(entry, seconds=seconds[0] if seconds else None)
    if entry.kind in {INGEST, NEW_PATHS}:
        drops = lake.query(_DROPS, {"commit_no": snapshot, "run_id": entry.run_id})
        paths = drops.filter(~drops["is_new"]).select("source", "drop_sha256", "uris")
        return replace(entry, drops=drops.filter("is_new").drop("is_new").to_dicts(), paths=paths.to_dicts())
    if entry.kind == DISMISS:
        return replace(entry, rows=lake.query(_ROWS, {"commit_no": snapshot})["quarantine_id"].to_list())
    return entry
