"""Withdrawing a text: it goes from every table, from the raw store, and from whatever else was made of it.

First the bytes in the raw store are overwritten, then the tables are changed in one commit: killed in between, the same
command begins again, and finds what is left. What remains for snapshots to be given up (see `copydesk maintain`) is
named with its date; `is_at_once` gives them up now, whoever has an older published file open. That nothing is left is
proved by looking (see `flows.retract_proof`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from flows import steps
from flows.load import ConservationError, run_row
from flows.match import PLACED, place
from flows.options import UsageError
from flows.reclean import forget_gone
from flows.redacting import redact_drop
from flows.replay_books import drop_status
from flows.retract_plan import Plan, plan_retraction
from flows.retract_proof import Proof, clear_away, prove
from flows.run import NOTHING_PLANNED, OnProgress, Progress, Request, Summary, WritingRun
from flows.settings import Settings
from flows.withdrawals import RETRACTED, withdrawn
from transforms.columns import Table
from transforms.ops_schema import (
    DROPS,
    FINGERPRINTS,
    INCIDENTS,
    LINE_SIGHTINGS,
    MATCHES,
    QUARANTINE,
    RETRACTED_TEXTS,
    RETRACTIONS,
    RUNS,
    VALIDATIONS,
)
from transforms.probes import find_in_texts, read_probes
from transforms.schema import (
    ARTICLE_FIELDS,
    ARTICLES,
    BOILERPLATE_CANDIDATES,
    RECORD_ARTICLES,
    RECORD_EVIDENCE,
    RECORDS,
    SPANS,
)
from warehouse.catalog_file import compact_catalog, refresh_statistics
from warehouse.journal_entry import RETRACT
from warehouse.lake import Lake
from warehouse.maintenance import expire, remove_orphans
from warehouse.proof import search_drops
from warehouse.publish import is_stale
from warehouse.raw_store import RawStore
from warehouse.replace import replace_rows
from warehouse.superseded import forget_superseded

_OF_RECORD = (RECORDS, SPANS, RECORD_EVIDENCE, LINE_SIGHTINGS)
"""Tables all of whose rows of a record go with it."""

_SAID: Mapping[Table, tuple[str, ...]] = {VALIDATIONS: ("observed", "detail"), INCIDENTS: ("message",)}
"""Columns in which a rule says what it found."""

_KEYS: Mapping[Table, str] = {VALIDATIONS: "run_id, source, expectation", INCIDENTS: "incident_id, commit_no"}

_ARTICLES = "SELECT DISTINCT article_id FROM record_articles_history SEMI JOIN read_parquet($records) USING (record_id)"
_LEFT = """
    SELECT DISTINCT article_id FROM (
        SELECT * FROM record_articles_history
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
    ) ANTI JOIN read_parquet($records) USING (record_id)
"""


@dataclass(frozen=True)
class Retracted:
    """What a retraction came to.

    Attributes:
        retraction_id: Its identity; null in a dry run.
        records: Loaded records that went, or would go: id and headline.
        held_back: How many records of the quarantine carried the text.
        drops: Paths under which what was overwritten came; what still lies there is not ours.
        quoting: Records that quote the text, and stay.
        gone_at: From when on, once maintained, no snapshot holds it.
        proof: What is left; null in a dry run.
    """

    retraction_id: str | None
    records: list[tuple[str, str | None]]
    held_back: int
    drops: list[str]
    quoting: list[str]
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

    Asked again for what was withdrawn, only what was left is cleared away.

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
        if is_dry_run:
            return done
        if planned is not None:
            done = _withdraw(run, planned, target, reason=reason, is_at_once=is_at_once)
        _clear(run, is_at_once=is_at_once)
    proof = prove(settings, on_progress=on_progress)
    return Retracted(done.retraction_id, done.records, done.held_back, done.drops, done.quoting, done.gone_at, proof)


def _as_known(lake: Lake, target: str) -> Retracted:
    """Return the retraction of the same target, or of a record or article of this id.

    Raises:
        UsageError: if there is none.
    """
    ids = ("record_ids", "quarantine_ids", "article_ids")
    is_meant = pl.any_horizontal(pl.col(name).list.contains(target) for name in ids) | (
        pl.col("target_sha256") == _digest(target)
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
        planned.positions.height - planned.records.height,
        planned.positions["uri"].unique().sort().to_list(),
        list(planned.quoting),
        gone_at=gone_at,
    )


def _withdraw(run: WritingRun, planned: Plan, target: str, *, reason: str, is_at_once: bool) -> Retracted:
    run.on_progress(Progress("overwriting"))
    by_drop = planned.positions.partition_by("drop_sha256", maintain_order=True)
    for of_drop in by_drop:
        redact_drop(run, of_drop.select("source", "drop_sha256", "uri").row(0, named=True), set(of_drop["record_no"]))
    retraction_id = f"w_{run.run_id.removeprefix('run_')}"
    gone_at = run.started_at if is_at_once else run.started_at + run.settings.maintenance.kept_for
    _stage_change(run, planned)
    entry = _stage_retraction(run, planned, retraction_id, target, reason=reason, gone_at=gone_at)
    _commit(run, entry)
    return _as_planned(planned, retraction_id, gone_at)


def _stage_change(run: WritingRun, planned: Plan) -> None:
    """Stage what replaces the rows of what goes, and the keys of those rows."""
    run.on_progress(Progress("matching"))
    gone = run.path("gone")
    planned.records.select("record_id", "match_key").write_parquet(gone)
    no_records = run.path("no_records")
    pl.DataFrame(schema=RECORDS.schema).write_parquet(no_records)
    place(run, [no_records], replaced=gone)
    _stage_articles(run, gone)
    probes = read_probes(planned.texts["passages"].to_list())
    held = _held_rows(run, planned)
    held.write_parquet(run.path(QUARANTINE.name))
    _drop_rows(run, planned).write_parquet(run.path(DROPS.name))
    for table, columns in _SAID.items():
        rows = run.lake.query(f"SELECT * FROM {table.name}{'_history' if table.latest_by else ''}")
        said = rows.select(pl.concat_str(columns, separator="\n", ignore_nulls=True)).to_series()
        found = rows[find_in_texts(probes, said)["row"].unique().to_list()]
        found.with_columns(pl.lit(None, dtype=pl.String()).alias(name) for name in columns).write_parquet(
            run.path(table.name)
        )
    lines = run.lake.latest(BOILERPLATE_CANDIDATES)
    lines[find_in_texts(probes, lines["line"])["row"].unique().to_list()].write_parquet(run.path("gone_lines"))


def _stage_articles(run: WritingRun, gone: str | object) -> None:
    """Stage the articles whose former rows go, and the latest row of those that were not placed anew."""
    touched = run.lake.query(_ARTICLES, {"records": str(gone)})
    left = run.lake.query(_LEFT, {"records": str(gone)})
    for table in (ARTICLES, ARTICLE_FIELDS):
        staged = run.staged(table.name)
        placed = pl.scan_parquet(staged).select("article_id").unique().collect() if staged else touched.clear()
        kept = run.lake.latest(table).join(touched, on="article_id", how="semi").join(left, on="article_id", how="semi")
        kept.join(placed, on="article_id", how="anti").write_parquet(run.path(f"kept.{table.name}"))
        pl.concat([touched, placed]).unique().write_parquet(run.path(f"gone.{table.name}"))


def _held_rows(run: WritingRun, planned: Plan) -> pl.DataFrame:
    """Return the rows of the quarantine for what goes, which say nothing any more."""
    ids = planned.positions["record_id"].str.replace("r_", "q_", literal=True)
    rows = run.lake.latest(QUARANTINE).filter(pl.col("quarantine_id").is_in(ids.implode()))
    was_taken_in = pl.col("status") == "replayed"
    nothing = pl.lit(None, dtype=pl.String())
    return rows.with_columns(
        reasons=pl.when(was_taken_in).then("reasons").otherwise(pl.concat_list(pl.lit(RETRACTED))),
        detail=nothing,
        raw=nothing,
        note=nothing,
        noted_at=pl.lit(run.started_at),
        commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
    )


def _drop_rows(run: WritingRun, planned: Plan) -> pl.DataFrame:
    """Return the drops of the records that go, with their counts.

    Raises:
        ConservationError: if more would go than is loaded.
    """
    going = planned.records.group_by("source", "drop_sha256").agg(going=pl.len().cast(pl.Int64))
    drops = run.lake.latest(DROPS).join(going, on=["source", "drop_sha256"])
    if (
        drops.filter(pl.col("going") > pl.col("records_loaded")).height
        or drops["going"].sum() != planned.records.height
    ):
        raise ConservationError("More records would be withdrawn than their drops have loaded; please report this.")
    return (
        drops.with_columns(
            records_loaded=pl.col("records_loaded") - pl.col("going"),
            records_retracted=pl.col("records_retracted") + pl.col("going"),
            is_refused=pl.col("status") == "refused",
            noted_at=pl.lit(run.started_at),
            commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
        )
        .with_columns(status=drop_status())
        .select(DROPS.schema.names())
    )


def _stage_retraction(
    run: WritingRun, planned: Plan, retraction_id: str, target: str, *, reason: str, gone_at: datetime
) -> str:
    """Stage what is kept of a retraction; return it for the journal."""
    held = planned.positions.join(planned.records, on="record_id", how="anti")
    of_records = run.lake.query(_ARTICLES, {"records": str(run.path("gone"))})
    row = {
        "retraction_id": retraction_id,
        "target_sha256": _digest(target),
        "reason": reason,
        "records": planned.records.height,
        "held_back": held.height,
        "record_ids": planned.records["record_id"].sort().to_list(),
        "quarantine_ids": held["record_id"].str.replace("r_", "q_", literal=True).sort().to_list(),
        "article_ids": of_records["article_id"].sort().to_list(),
        "run_id": run.run_id,
        "retracted_at": run.started_at,
        "gone_at": gone_at,
    }
    pl.DataFrame([row], schema=RETRACTIONS.schema).write_parquet(run.path(RETRACTIONS.name))
    texts = planned.texts.with_columns(retraction_id=pl.lit(retraction_id)).select(RETRACTED_TEXTS.schema.names())
    texts.write_parquet(run.path(RETRACTED_TEXTS.name))
    run_row(run, Summary(run.run_id, "done", seconds=run.seconds()), kind=RETRACT).write_parquet(run.path(RUNS.name))
    return run.entry(RETRACT, retraction=row, texts=texts.to_dicts())


def _commit(run: WritingRun, entry: str) -> None:
    lake, gone = run.lake, run.path("gone")
    run.on_progress(Progress("loading"))
    with lake.commit(f"{RETRACT} {run.run_id}", entry=entry):
        for table in _OF_RECORD:
            replace_rows(lake, table, [], replaced=gone)
        replace_rows(lake, RECORD_ARTICLES, run.staged(RECORD_ARTICLES.name), replaced=gone)
        for table in (ARTICLES, ARTICLE_FIELDS):
            staged = [*run.staged(table.name), run.path(f"kept.{table.name}")]
            replace_rows(lake, table, staged, replaced=run.path(f"gone.{table.name}"), key="article_id")
        for table in set(PLACED) - {RECORD_ARTICLES, ARTICLES, ARTICLE_FIELDS, FINGERPRINTS, MATCHES}:
            lake.insert(table, run.staged(table.name))
        forget_gone(run)
        held = run.path(QUARANTINE.name)
        replace_rows(lake, QUARANTINE, [held], replaced=held, key="quarantine_id")
        for table, key in _KEYS.items():
            replace_rows(lake, table, [run.path(table.name)], replaced=run.path(table.name), key=key)
        replace_rows(lake, BOILERPLATE_CANDIDATES, [], replaced=run.path("gone_lines"), key="source, line_key")
        for table in (DROPS, RUNS, RETRACTIONS, RETRACTED_TEXTS):
            lake.insert(table, [run.path(table.name)])
    steps.publish(lake)


def _clear(run: WritingRun, *, is_at_once: bool) -> None:
    """Clear away what was made of the text, and snapshots where they are to go at once."""
    home = run.settings.home
    run.on_progress(Progress("clearing away"))
    clear_away(run.settings, run.lake)
    if run.began_alone:
        _remove_unclaimed(run)
    if is_at_once:
        now = datetime.now(UTC)
        expire(run.lake, before=now, now=now)
        forget_superseded(home, now=None)
        remove_orphans(home, now=now)
    refresh_statistics(home)
    compact_catalog(home, at_any_share=True)


def _remove_unclaimed(run: WritingRun) -> None:
    """Remove drops that a killed run landed; what a run lands that is at work now it sets aside itself."""
    home, withdrawals = run.settings.home, withdrawn(run.lake)
    store, taken_in = RawStore(home.raw), set(run.lake.latest(DROPS)["drop_sha256"])
    for found in search_drops(home, withdrawals.probes, {}, but=taken_in):
        if store.landed_at(found.path.stem) < run.started_at:
            store.remove(found.path.stem)


def _digest(target: str) -> str:
    return hashlib.sha256(target.encode("utf-8", "surrogatepass")).hexdigest()
