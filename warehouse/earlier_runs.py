"""What the tables say of runs without an entry in the journal: those of a version that kept none.

Entries are made of ingests with their drops, and of the decisions that hold now: dismissals, mutes, decided lines. What
is left out follows from these under the settings of today, or is noticed again: replays, and sources that are silent.
"""

from typing import Any

import polars as pl

from transforms.ops_schema import DROPS, INCIDENTS, QUARANTINE, RUNS
from transforms.schema import BOILERPLATE_CANDIDATES
from transforms.source_lines import PROPOSED
from warehouse.journal_entry import DISMISS, INGEST, MUTE, RECLEAN, Entry
from warehouse.lake import Lake

_OF_DROP = ("source", "drop_sha256", "uri", "uris", "bytes", "received_at")


def earlier_entries(lake: Lake) -> list[Entry]:
    """Return entries for all that stands in the tables, in the order in which it happened."""
    runs = lake.latest(RUNS)
    found = [*_ingests(lake, runs), *_dismissals(lake), *_mutes(lake), *_decided_lines(lake, runs)]
    finished = dict(runs.select("run_id", "finished_at").iter_rows())
    return sorted(found, key=lambda entry: (finished.get(entry.run_id, entry.started_at), entry.run_id))


def _ingests(lake: Lake, runs: pl.DataFrame) -> list[Entry]:
    error = pl.when(pl.col("drop_sha256").is_null()).then("error").alias("error")
    drops = lake.latest(DROPS).select("run_id", *_OF_DROP, error).sort("source", "uri")
    by_run = {str(run_id): of_run.drop("run_id").to_dicts() for (run_id,), of_run in drops.group_by("run_id")}
    return [
        Entry(kind=INGEST, drops=by_run.get(run["run_id"], ()), **run)
        for run in runs.filter(kind=INGEST).select("run_id", "started_at", "flow_run_id", "seconds").to_dicts()
    ]


def _dismissals(lake: Lake) -> list[Entry]:
    dismissed = lake.latest(QUARANTINE, where="status = 'dismissed'").sort("quarantine_id")
    return [
        _decision(DISMISS, number, noted_at, {"note": note}, rows=of_note["quarantine_id"].to_list())
        for number, ((noted_at, note), of_note) in enumerate(
            dismissed.group_by("noted_at", "note", maintain_order=True)
        )
    ]


def _mutes(lake: Lake) -> list[Entry]:
    columns = ("source", "rule", "muted_until", "note")
    muted = lake.latest(INCIDENTS, where="status = 'muted'").sort("incident_id")
    return [
        _decision(MUTE, number, row["noted_at"], {name: row[name] for name in columns})
        for number, row in enumerate(muted.iter_rows(named=True))
    ]


def _decided_lines(lake: Lake, runs: pl.DataFrame) -> list[Entry]:
    """Return the decisions; each belongs to the run that cleaned the records of its source again."""
    recleaned = runs.filter(kind=RECLEAN).select("run_id", "seconds", decided_at="started_at")
    lines = lake.latest(BOILERPLATE_CANDIDATES, where=f"status <> '{PROPOSED}'").sort("source", "line_key")
    of_runs = lines.drop("run_id").join(recleaned, on="decided_at", maintain_order="left")
    return [
        Entry(
            kind=RECLEAN,
            run_id=str(run_id),
            started_at=of_run["decided_at"][0],
            seconds=of_run["seconds"][0],
            told={"source": source, "status": status, "lines": of_run["line"].to_list()},
        )
        for (run_id, source, status), of_run in of_runs.group_by("run_id", "source", "status", maintain_order=True)
    ]


def _decision(kind: str, number: int, at: Any, told: dict[str, Any], **more: Any) -> Entry:  # noqa: ANN401 -- of a table
    """Return an entry for a decision whose run nobody noted."""
    return Entry(kind=kind, run_id=f"run_{at:%Y%m%dT%H%M%S}_{kind}{number}", started_at=at, told=told, **more)
