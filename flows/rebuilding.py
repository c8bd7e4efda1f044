"""Making the warehouse anew: from the raw store, its ledgers, and the journal of what was done.

A lake is made beside the one that there is, if there is one: every run of the journal is done again, in its order (see
`flows.repeating`). Drops that no entry names, as the catalog was lost before it was written, come last, as one new run.
When all is done, the new lake takes the place of the old one in a moment; until then nothing has changed, and readers
have the published file throughout. Alerts are not sent again.

Where the bytes of a drop are damaged or gone, nothing is done as long as its records are still in the tables. Where the
tables are lost, it is entered as a file that could not be read, so that it is taken in as soon as it comes again.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from flows import steps
from flows.alerts.tell import pass_over_news
from flows.repeating import NEW_DROPS, NotRepeatedError, repeat, take_in
from flows.run import OnProgress, Progress
from flows.settings import Settings
from warehouse.errors import NotPublishedError, RawDropError
from warehouse.home import Home
from warehouse.journal import read_journal
from warehouse.lake import open_lake
from warehouse.query import read_published
from warehouse.raw_store import Delivery, RawStore
from warehouse.swap import replace_lake, settle
from warehouse.writer_lock import hold_writer_lock, share_lock

NAMED = 3
"""Damaged drops that a refusal names at most."""

_COUNTS = """
    SELECT count(*), CAST(coalesce(sum(records_loaded), 0) AS BIGINT),
        CAST(coalesce(sum(records_quarantined), 0) AS BIGINT)
    FROM ops.drops
"""


@dataclass(frozen=True)
class LeftOut:
    """What could not be made anew: a drop by its address, or a run by its id; and why."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a rebuild came to.

    Attributes:
        runs: Runs of the journal.
        drops: Drops, those that could not be read included.
        records_loaded: Records in the tables.
        records_quarantined: Records that are held back.
        new_run_id: Run that took in drops which no run of the journal had; null where there were none.
        left_out: What could not be made anew.
        seconds: Duration.
    """

    runs: int
    drops: int
    records_loaded: int
    records_quarantined: int
    new_run_id: str | None
    left_out: Sequence[LeftOut]
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """Return it as `copydesk rebuild --json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class _Past:
    """What is to be made anew.

    Attributes:
        home: Where it happened.
        entries: Number of entries of the journal.
        named: Hashes of the drops that they name.
        others: Drops that none names, as NEW_DROPS.
        damaged: Why drops cannot be read, by their hash.
    """

    home: Home
    entries: int
    named: frozenset[str]
    others: pl.DataFrame
    damaged: Mapping[str, str]


def rebuild_home(
    settings: Settings, *, on_wait: steps.OnWait = lambda _: None, on_progress: OnProgress = lambda _: None
) -> Rebuilt:
    """Make the lake anew, let it take the place of what there is, and publish it.

    Raises:
        NotPublishedError: if nothing was ever taken in.
        RawDropError: if bytes are damaged or gone of which the records are in the tables; nothing has changed then.
        JournalError: if an entry cannot be read, or not be understood; nothing has changed then.
    """
    home, started_at = steps.prepare(settings.home), datetime.now(UTC)
    with steps.be_at_work(home), hold_writer_lock(home.writer_lock, purpose="rebuild", on_wait=on_wait):
        is_whole = settle(home)
        past = _read_past(home, on_progress=on_progress)
        lost = {sha256: why for sha256, why in past.damaged.items() if sha256 in past.named}
        if lost and is_whole:
            raise RawDropError(_refusal(lost))
        with _scratch(home) as fresh:
            anew = settings.model_copy(update={"home_root": fresh.root})
            left_out, new_run_id = _do_again(anew, past, on_progress=on_progress)
            on_progress(Progress("publishing"))
            replace_lake(home, fresh, until=datetime.now(UTC) + settings.maintenance.kept_for)
        with open_lake(home) as lake:
            steps.publish(lake)
        pass_over_news(settings)
        drops, loaded, held_back = read_published(home, _COUNTS).row(0)
        return Rebuilt(
            runs=past.entries,
            drops=drops,
            records_loaded=loaded,
            records_quarantined=held_back,
            new_run_id=new_run_id,
            left_out=left_out,
            seconds=round((datetime.now(UTC) - started_at).total_seconds(), 3),
        )


def _read_past(home: Home, *, on_progress: OnProgress) -> _Past:
    """Read the journal and the ledgers, and hold the bytes of all drops against their hashes."""
    store, entries, known = RawStore(home.raw), 0, set()
    for entry in read_journal(home):  # one at a time: together they name every drop that there ever was
        entries += 1
        known |= {(drop["source"], drop["drop_sha256"]) for drop in entry.drops}
    others = [(sha256, delivery) for sha256, delivery in store.delivered() if (delivery.source, sha256) not in known]
    if not known and not others:
        raise NotPublishedError(f"There is nothing to make {home.root} anew from: run copydesk ingest first.")
    named = frozenset(sha256 for _, sha256 in known if sha256)
    drops = sorted(named | {sha256 for sha256, _ in others})
    sizes, damaged = {}, {}
    for done, sha256 in enumerate(drops):
        on_progress(Progress("checking the raw store", done, len(drops)))
        try:
            sizes[sha256] = store.check(sha256)
        except RawDropError as error:
            damaged[sha256] = str(error)
    return _Past(home, entries, named, _as_drops(others, sizes), damaged)


def _as_drops(delivered: Sequence[tuple[str, Delivery]], sizes: Mapping[str, int]) -> pl.DataFrame:
    """Return drops as their ledgers know them, as NEW_DROPS."""
    rows = [
        {
            "source": delivery.source,
            "drop_sha256": sha256,
            "uri": delivery.uris[0],
            "uris": list(delivery.uris),
            "bytes": sizes.get(sha256),
            "received_at": datetime.fromisoformat(delivery.received_at),
        }
        for sha256, delivery in delivered
    ]
    return pl.DataFrame(rows, schema=NEW_DROPS)


def _refusal(damaged: Mapping[str, str]) -> str:
    named = " ".join(list(damaged.values())[:NAMED])
    return (
        f"{len(damaged):,} drops cannot be read from the raw store, and their records are still in the tables: {named} "
        "Nothing was changed; copydesk doctor --repair stores again what lies where it came from."
    )


@contextmanager
def _scratch(home: Home) -> Iterator[Home]:
    """Make a home folder beside, with the raw store and the rules of this one; it goes when the block ends."""
    fresh = Home(home.staging / "rebuild")
    shutil.rmtree(fresh.root, ignore_errors=True)
    fresh.root.mkdir()
    fresh.raw.symlink_to(home.raw.resolve())
    if home.expectations.exists():
        fresh.expectations.symlink_to(home.expectations.resolve())
    try:
        # Held here, so that no run finds itself alone there and clears the raw store of what others land meanwhile.
        with share_lock(fresh.staging_lock, when_alone=lambda: None):
            yield steps.prepare(fresh)
    finally:
        shutil.rmtree(fresh.root, ignore_errors=True)


def _do_again(settings: Settings, past: _Past, *, on_progress: OnProgress) -> tuple[Sequence[LeftOut], str | None]:
    """Repeat all entries, then take in the other drops; return what could not be done, and the run of the latter."""
    left_out: list[LeftOut] = []
    runs = past.entries + bool(past.others.height)
    for number, entry in enumerate(read_journal(past.home), start=1):
        drops = _set_aside(entry.drops, past.damaged, left_out)
        try:
            repeat(settings, replace(entry, drops=drops), on_progress=_of_run(number, runs, on_progress))
        except NotRepeatedError as error:
            left_out.append(LeftOut(f"{entry.kind} of {entry.run_id}", str(error)))
    if past.others.is_empty():
        return left_out, None
    others = pl.DataFrame(_set_aside(past.others.to_dicts(), past.damaged, left_out), schema=NEW_DROPS)
    return left_out, take_in(settings, others, repeated=None, on_progress=_of_run(runs, runs, on_progress))


def _set_aside(
    drops: Sequence[Mapping[str, Any]], damaged: Mapping[str, str], left_out: list[LeftOut]
) -> list[Mapping[str, Any]]:
    """Return drops, those that cannot be read as files that were not; note these."""
    left_out += [LeftOut(drop["uri"], damaged[sha256]) for drop in drops if (sha256 := drop["drop_sha256"]) in damaged]
    return [
        {**drop, "drop_sha256": None, "bytes": None, "error": damaged[sha256]}
        if (sha256 := drop["drop_sha256"]) in damaged
        else drop
        for drop in drops
    ]


def _of_run(number: int, runs: int, on_progress: OnProgress) -> OnProgress:
    """Return what shows the progress of a run as that of one of several."""
    return lambda progress: on_progress(replace(progress, stage=f"run {number:,} of {runs:,}"))
