"""Withdrawing again what the journal says was withdrawn, while the warehouse is made anew.

What was overwritten in the raw store came back as held back: so far as it was loaded once, it is counted as withdrawn
again, and nothing is said of it. Records that were loaded again, since an older raw store was restored, are withdrawn
like any other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from flows import steps
from flows.land import DROP_KEY
from flows.load import run_row
from flows.retract import retract
from flows.retract_commit import book_withdrawn
from flows.run import NOTHING_PLANNED, OnProgress, Request, Summary, WritingRun
from flows.settings import Settings
from transforms.ops_schema import DROPS, QUARANTINE, RETRACTED_TEXTS, RETRACTIONS, RUNS
from transforms.schema import RECORDS
from warehouse.journal_entry import RETRACT, Entry
from warehouse.replace import replace_rows


def withdraw_again(settings: Settings, entry: Entry, on_progress: OnProgress) -> None:
    """Enter a retraction again, and withdraw what was loaded since."""
    retraction = {**entry.told["retraction"], "run_id": entry.run_id}
    for name in ("retracted_at", "gone_at"):
        retraction[name] = datetime.fromisoformat(retraction[name])
    with steps.open_run(
        Request(settings), NOTHING_PLANNED, purpose=RETRACT, repeated=entry, on_progress=on_progress
    ) as run:
        _stage(run, retraction, entry.told["texts"])
        with run.lake.commit(f"{RETRACT} {run.run_id}", entry=run.entry(RETRACT, **entry.told)):
            replace_rows(run.lake, QUARANTINE, [], replaced=run.path("gone"), key="quarantine_id")
            held = run.path(QUARANTINE.name)
            replace_rows(run.lake, QUARANTINE, [held], replaced=held, key="quarantine_id")
            for table in (DROPS, RUNS, RETRACTIONS, RETRACTED_TEXTS):
                run.lake.insert(table, [run.path(table.name)])
        steps.publish(run.lake)
        loaded = run.lake.rows(RECORDS).select("record_id").collect()["record_id"]
    for record_id in sorted(set(retraction["record_ids"]) & set(loaded)):
        retract(settings, record_id, reason=str(retraction["reason"]), on_progress=on_progress)


def _stage(run: WritingRun, retraction: Mapping[str, Any], texts: list[dict[str, Any]]) -> None:
    rows = run.lake.latest(QUARANTINE)
    quarantine_ids = [record_id.replace("r_", "q_", 1) for record_id in retraction["record_ids"]]
    was_loaded = rows.filter(pl.col("quarantine_id").is_in(quarantine_ids))
    was_loaded.select("quarantine_id").write_parquet(run.path("gone"))
    held = rows.filter(pl.col("quarantine_id").is_in(retraction["quarantine_ids"]))
    held.with_columns(
        detail=pl.lit(None, dtype=pl.String()),
        noted_at=pl.lit(run.started_at),
        commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
    ).write_parquet(run.path(QUARANTINE.name))
    going = was_loaded.group_by(DROP_KEY).agg(going=pl.len().cast(pl.Int64))
    drops = run.lake.latest(DROPS).join(going, on=DROP_KEY)
    book_withdrawn(run, drops, out_of="records_quarantined").write_parquet(run.path(DROPS.name))
    pl.DataFrame([retraction], schema=RETRACTIONS.schema).write_parquet(run.path(RETRACTIONS.name))
    pl.DataFrame(texts, schema=RETRACTED_TEXTS.schema).write_parquet(run.path(RETRACTED_TEXTS.name))
    run_row(run, Summary(run.run_id, "done", seconds=run.seconds()), kind=RETRACT).write_parquet(run.path(RUNS.name))
