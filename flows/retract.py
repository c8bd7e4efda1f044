"""Withdrawing a text: it goes from every table, from the raw store, and from whatever else was made of it.

First the bytes in the raw store are overwritten, then the tables are changed in one commit: killed in between, the same
command begins again, and finds what is left. What remains for snapshots to be given up (see `copydesk maintain`) is
named with its date; `is_at_once` gives them up now, whoever has an older published file open. That nothing is left is
proved by looking (see `flows.retract_proof`).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from flows import steps
from flows.options import UsageError
from flows.redacting import prepare_redactions, redact_where_possible
from flows.retract_commit import commit_retraction, digest_target, stage_change, stage_retraction
from flows.retract_places import find_again, note_texts
from flows.retract_plan import Plan, plan_retraction
from flows.retract_proof import Proof, clear_away, prove
from flows.run import NOTHING_PLANNED, OnProgress, Progress, Request, WritingRun
from flows.settings import Settings
from flows.withdrawals import withdrawn
from transforms.ops_schema import DROPS, RETRACTIONS
from warehouse.catalog_file import compact_catalog, refresh_statistics
from warehouse.journal_entry import RETRACT
from warehouse.lake import Lake
from warehouse.maintenance import expire, remove_orphans
from warehouse.proof import search_drops
from warehouse.publish import is_stale
from warehouse.raw_store import RawStore
from warehouse.search_index import update_index
from warehouse.superseded import forget_superseded


@dataclass(frozen=True)
class Retracted:
    """What a retraction came to.

    Attributes:
        retraction_id: Its identity; null in a dry run.
        records: Loaded records that went, or would go: id and headline.
        held_back: How many records of the quarantine carried the text.
        drops: Paths under which what was overwritten came; what still lies there is not ours.
        quoting: Records that quote the text, and stay.
        came_back: Records that were withdrawn before, and stood in the raw store again.
        gone_at: From when on, once maintained, no snapshot holds it.
        proof: What is left; null in a dry run.
    """

    retraction_id: str | None
    records: list[tuple[str, str | None]]
    held_back: int
    drops: list[str]
    quoting: list[str]
    came_back: int = 0
    gone_at: datetime | None = None
    proof: Proof | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as `copydesk retract --json` prints it."""
        records = [{"record_id": record_id, "headline": headline} for record_id, headline in self.records]
        return {name: value for name, value in vars(self).items() if name != "proof"} | {"records": records}


def retract(
    settings: Settings,
    target: str,
    *,
    reason: str,
    is_at_once: bool = False,
    is_dry_run: bool = False,
    on_wait: steps.OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
) -> Retracted:
    """Withdraw the text of an article, of a record or of what has an address, and prove that it is gone.

    Asked again for what was withdrawn, what is left is cleared away. So is in any case what an older raw store has
    brought back.

    Raises:
        UsageError: if there is nothing of that name.
        RedactionError, RawDropError: if a drop cannot be overwritten; the tables are as they were.
    """
    with steps.open_run(
        Request(settings), NOTHING_PLANNED, purpose=RETRACT, on_wait=on_wait, on_progress=on_progress
    ) as run:
        if is_stale(settings.home):
            steps.publish(run.lake)
        planned = plan_retraction(run, target)
        done = _as_known(run.lake, target) if planned is None else _as_planned(planned, None, None)
        again = find_again(run.lake)
        if is_dry_run:
            return replace(done, came_back=again.height)
        came_back = redact_where_possible(run, again)
        if planned is not None:
            done = _withdraw(run, planned, target, reason=reason, is_at_once=is_at_once)
        settings.home.withdrawing.unlink(missing_ok=True)  # what it notes is in the tables now
        _clear(run, is_at_once=is_at_once)
    return replace(
        done,
        came_back=came_back,
        gone_at=run.started_at if is_at_once else done.gone_at,
        proof=prove(settings, on_progress=on_progress),
    )


def _as_known(lake: Lake, target: str) -> Retracted:
    """Return the retraction of the same target, or of a record or article of this id.

    Raises:
        UsageError: if there is none.
    """
    ids = ("record_ids", "quarantine_ids", "article_ids")
    is_meant = pl.any_horizontal(pl.col(name).list.contains(target) for name in ids) | (
        pl.col("target_sha256") == digest_target(target)
    )
    found = lake.latest(RETRACTIONS).filter(is_meant).sort("retracted_at")
    if found.is_empty():
        raise UsageError(
            f'There is no article, record or address {target!r}; copydesk sql "SELECT record_id, url FROM records" '
            "lists them."
        )
    known = found.row(-1, named=True)
    return Retracted(known["retraction_id"], [], 0, [], [], gone_at=known["gone_at"])


def _as_planned(planned: Plan, retraction_id: str | None, gone_at: datetime | None) -> Retracted:
    return Retracted(
        retraction_id,
        planned.records.select("record_id", "headline").rows(),
        planned.places.height - planned.records.height,
        planned.places["uri"].unique().sort().to_list(),
        list(planned.quoting),
        gone_at=gone_at,
    )


def _withdraw(run: WritingRun, planned: Plan, target: str, *, reason: str, is_at_once: bool) -> Retracted:
    run.on_progress(Progress("overwriting"))
    prepared = prepare_redactions(run, planned.places)
    note_texts(run.settings.home, target, planned.texts)
    for redacted in prepared:
        redacted.put(RawStore(run.settings.home.raw))
    retraction_id = f"w_{run.run_id.removeprefix('run_')}"
    gone_at = run.started_at if is_at_once else run.started_at + run.settings.maintenance.kept_for
    stage_change(run, planned)
    entry = stage_retraction(run, planned, retraction_id, target, reason=reason, gone_at=gone_at)
    commit_retraction(run, entry)
    return _as_planned(planned, retraction_id, gone_at)


def _clear(run: WritingRun, *, is_at_once: bool) -> None:
    """Clear away what was made of the text, and snapshots where they are to go at once."""
    home = run.settings.home
    run.on_progress(Progress("clearing away"))
    clear_away(run.settings, run.lake)
    if run.began_alone:
        _remove_unclaimed(run)
    now = datetime.now(UTC)
    if is_at_once:
        expire(run.lake, before=now, now=now)
        forget_superseded(home, now=None)
    remove_orphans(home, now=now)  # what a killed run wrote may hold it, or break off
    update_index(run.lake)
    refresh_statistics(home)
    compact_catalog(home, at_any_share=True)


def _remove_unclaimed(run: WritingRun) -> None:
    """Remove drops that a killed run landed and that no ledger names: nothing leads to them any more.

    What a run lands that is at work now it sets aside itself. A drop with a ledger is overwritten when it is taken in.
    """
    home, withdrawals = run.settings.home, withdrawn(run.lake)
    store, taken_in = RawStore(home.raw), set(run.lake.latest(DROPS)["drop_sha256"])
    for found in search_drops(home, withdrawals.probes, {}, but=taken_in):
        drop_sha256 = found.path.stem
        if len(found.passages) and store.landed_at(drop_sha256) < run.started_at and not store.deliveries(drop_sha256):
            store.remove(drop_sha256)
