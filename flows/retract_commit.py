"""What a retraction changes in the tables: staged first, then put in place in one commit."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from flows import steps
from flows.load import ConservationError, run_row
from flows.match import PLACED, place
from flows.reclean import forget_gone
from flows.replay_books import drop_status
from flows.retract_plan import Plan
from flows.run import Progress, Summary, WritingRun
from flows.withdrawals import RETRACTED, SHARED
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
from transforms.probes import Probes, find_in_texts, read_probes
from transforms.schema import (
    ARTICLE_FIELDS,
    ARTICLES,
    BOILERPLATE_CANDIDATES,
    RECORD_ARTICLES,
    RECORD_EVIDENCE,
    RECORDS,
    SPANS,
)
from warehouse.journal_entry import RETRACT
from warehouse.replace import replace_rows

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


def stage_change(run: WritingRun, planned: Plan) -> None:
    """Stage what replaces the rows of what goes, and the keys of those rows."""
    run.on_progress(Progress("matching"))
    gone = run.path("gone")
    planned.records.select("record_id", "match_key").write_parquet(gone)
    no_records = run.path("no_records")
    pl.DataFrame(schema=RECORDS.schema).write_parquet(no_records)
    place(run, [no_records], replaced=gone)
    _stage_articles(run, gone)
    probes = read_probes(planned.texts.filter(pl.col("field") != SHARED)["passages"].to_list())
    _held_rows(run, planned, probes).write_parquet(run.path(QUARANTINE.name))
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


def _held_rows(run: WritingRun, planned: Plan, probes: Probes) -> pl.DataFrame:
    """Return the rows of the quarantine that say nothing any more: of what goes, and where an excerpt quotes a text.

    The excerpt may stand in an earlier row of the same record.
    """
    said = pl.concat_str("raw", "detail", "note", separator="\n", ignore_nulls=True)
    every = run.lake.rows(QUARANTINE).select("quarantine_id", said=said).collect()
    quoting = every["quarantine_id"].gather(find_in_texts(probes, every["said"])["row"]).unique()
    rows = run.lake.latest(QUARANTINE)
    ids = planned.places["record_id"].str.replace("r_", "q_", literal=True)
    goes = pl.col("quarantine_id").is_in(ids.implode())
    is_held = pl.col("status") != "replayed"
    nothing = pl.lit(None, dtype=pl.String())
    return (
        rows.with_columns(goes=goes)
        .filter(pl.col("goes") | pl.col("quarantine_id").is_in(quoting.implode()))
        .with_columns(
            reasons=pl.when("goes", is_held).then(pl.concat_list(pl.lit(RETRACTED))).otherwise("reasons"),
            detail=nothing,
            raw=nothing,
            note=nothing,
            noted_at=pl.lit(run.started_at),
            commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
        )
        .drop("goes")
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
    return book_withdrawn(run, drops, out_of="records_loaded")


def book_withdrawn(run: WritingRun, drops: pl.DataFrame, *, out_of: str) -> pl.DataFrame:
    """Return drops in which `going` records, counted under `out_of` until now, are counted as withdrawn."""
    return (
        drops.with_columns(
            pl.col(out_of) - pl.col("going"),
            records_retracted=pl.col("records_retracted") + pl.col("going"),
            is_refused=pl.col("status") == "refused",
            noted_at=pl.lit(run.started_at),
            commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
        )
        .with_columns(status=drop_status())
        .select(DROPS.schema.names())
    )


def stage_retraction(
    run: WritingRun, planned: Plan, retraction_id: str, target: str, *, reason: str, gone_at: datetime
) -> str:
    """Stage what is kept of a retraction; return it for the journal."""
    held = planned.places.join(planned.records, on="record_id", how="anti")
    of_records = run.lake.query(_ARTICLES, {"records": str(run.path("gone"))})
    row = {
        "retraction_id": retraction_id,
        "target_sha256": digest_target(target),
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


def commit_retraction(run: WritingRun, entry: str) -> None:
    """Commit what was staged, noted in the journal as `entry`, and publish it."""
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


def digest_target(target: str) -> str:
    """Return what is kept of the name under which something was withdrawn: the name may be a secret itself."""
    return hashlib.sha256(target.encode("utf-8", "surrogatepass")).hexdigest()
