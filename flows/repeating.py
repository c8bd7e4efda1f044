"""Doing again what the journal says that a run did, with the settings, rules and programs of today.

A run that is repeated takes the steps of its first time, with its id and its time, so that whatever is judged by the
clock or named by a run comes out the same: dates in the future, what is usual for a source, ids of articles. Drops come
from the raw store. What is held back or passes is decided anew: where rules have changed since, other records may pass,
and a decision may be about something that is not there; then it is told, and the next one is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from expectations.declared import Severity
from expectations.incidents import Failure
from flows import replaying, steps
from flows.boilerplate import RefusedError, UnknownLineError, Verdict, decide
from flows.dismissal import dismiss
from flows.incidents import Named, mute_incident, unmute_incident
from flows.land import DROP_KEY, LANDED, add_paths
from flows.load import load, record_new_paths
from flows.match import match
from flows.options import UsageError
from flows.parse import parse_claimed
from flows.rebuild_fingerprints import rebuild_fingerprints
from flows.retract_again import withdraw_again
from flows.run import NOTHING_PLANNED, OnProgress, Request, WritingRun
from flows.selection import DISMISSED, OPEN, Selection
from flows.settings import Settings
from flows.validate import validate
from flows.watch import note_missing
from transforms.ops_schema import DROPS
from warehouse.errors import JournalError
from warehouse.journal_entry import DISMISS, INGEST, MUTE, NEW_PATHS, REBUILD, RECLEAN, REPLAY, RETRACT, WATCH, Entry

NEW_DROPS = pl.Schema(
    {name: DROPS.schema[name] for name in ("source", "drop_sha256", "uri", "bytes", "received_at", "error", "uris")}
)
"""What has to be known of a drop to take it in."""


class NotRepeatedError(Exception):
    """What was decided cannot be done again; the message says why."""


def repeat(settings: Settings, entry: Entry, *, on_progress: OnProgress = lambda _: None) -> None:
    """Do again what a run did, in one commit or none.

    Raises:
        NotRepeatedError: if it was a decision about what is not there any more.
        JournalError: if it is not known what to do.
    """
    if entry.kind not in _REPEATED:
        raise JournalError(
            f"{entry.run_id} of the journal is a {entry.kind!r}; install a version that knows what it is."
        )
    try:
        _REPEATED[entry.kind](settings, entry, on_progress)
    except (UsageError, UnknownLineError, RefusedError) as error:
        raise NotRepeatedError(str(error)) from error


def take_in(settings: Settings, drops: pl.DataFrame, *, repeated: Entry | None, on_progress: OnProgress) -> str:
    """Take in drops of the raw store: NEW_DROPS, those with an `error` as files that were not read; return the run."""
    paths = [] if repeated is None else repeated.paths
    with steps.open_run(
        Request(settings), NOTHING_PLANNED, purpose=INGEST, repeated=repeated, on_progress=on_progress
    ) as run:
        _stage(run, drops, paths)
        if not pl.read_parquet(run.path("new_drops")).height:
            record_new_paths(run)
            return run.run_id
        for step in (parse_claimed, validate, match, load):
            step(run)
        return run.run_id


def _stage(run: WritingRun, drops: pl.DataFrame, paths: Sequence[Mapping[str, Any]]) -> None:
    """Stage what landing stages; a drop that was taken in before, as the journal has it twice, is no news."""
    stored = run.lake.latest(DROPS)
    news = drops.join(stored, on=DROP_KEY, how="anti").sort("source", "uri")
    news.write_parquet(run.path("new_drops"))
    add_paths(stored, _paths(paths)).write_parquet(run.path("known_drops"))
    pl.DataFrame(schema=LANDED).write_parquet(run.path("landed"))


def _paths(paths: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return a row for each path: `source`, `drop_sha256`, `uri`."""
    schema = {name: DROPS.schema[name] for name in ("source", "drop_sha256", "uris")}
    return pl.DataFrame(list(paths), schema=schema).explode("uris").rename({"uris": "uri"})


def _ingest(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:
    drops = pl.DataFrame(list(entry.drops), schema=NEW_DROPS)
    take_in(settings, drops, repeated=entry, on_progress=on_progress)


def _replay(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:
    told = {**entry.told, "ids": tuple(entry.told["ids"])}
    for name in ("before", "after"):
        told[name] = _moment(told[name])
    replaying.replay(settings, Selection(**told), repeated=entry, on_progress=on_progress)


def _reclean(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:
    verdict = Verdict(entry.told["source"], entry.told["lines"], entry.told["status"])
    decide(settings, verdict, repeated=entry, on_progress=on_progress)


def _dismiss(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:  # noqa: ARG001 -- one of several
    note = entry.told["note"]
    selection = Selection(tuple(entry.rows), status=DISMISSED if note is None else OPEN)
    changed = dismiss(settings, selection, note=note, repeated=entry)
    if missing := len(entry.rows) - changed:
        raise NotRepeatedError(f"{missing:,} of {len(entry.rows):,} rows are not held back any more.")


def _mute(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:  # noqa: ARG001 -- one of several
    told = entry.told
    named, until = Named(source=told["source"], rule=told["rule"]), _moment(told["muted_until"])
    if until is None:
        unmute_incident(settings, named, repeated=entry)
    else:
        mute_incident(settings, named, until=until, reason=told["note"], repeated=entry)


def _watch(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:
    missing = [Failure(**{**told, "severity": Severity(told["severity"])}) for told in entry.told["missing"]]
    with steps.open_run(
        Request(settings), NOTHING_PLANNED, purpose=WATCH, repeated=entry, on_progress=on_progress
    ) as run:
        note_missing(run, missing)


def _rebuild(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:
    _PARTS[entry.told["only"]](settings, repeated=entry, on_progress=on_progress)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


_PARTS: Mapping[str, Callable[..., object]] = {"fingerprints": rebuild_fingerprints}
"""What a rebuild of one part calls, by the name of the part."""

_REPEATED: Mapping[str, Callable[[Settings, Entry, OnProgress], None]] = {
    INGEST: _ingest,
    NEW_PATHS: _ingest,
    REPLAY: _replay,
    RECLEAN: _reclean,
    DISMISS: _dismiss,
    MUTE: _mute,
    WATCH: _watch,
    RETRACT: withdraw_again,
    REBUILD: _rebuild,
}
"""What is done again, by kind of entry; every kind that is given to a commit stands here."""
