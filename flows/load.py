"""Loading: everything a run staged becomes one commit, is published, and is counted.

Before the commit the books must balance: for every drop, what the parser counted is what is about to be loaded plus
what is about to be held back. A run whose books do not balance fails, and nothing of it is seen.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import polars as pl

from flows.land import DROP_KEY
from flows.match import MATCH_COUNTS, PLACED
from flows.redacting import redact_withheld
from flows.run import STAGED_BY_RECORD, Progress, Summary, WritingRun
from flows.validate import accepted_sources, refused_sources
from transforms.ops_schema import DROPS, INCIDENTS, RUNS, SOURCE_FIGURES, VALIDATIONS
from transforms.schema import BOILERPLATE_CANDIDATES
from warehouse.journal_entry import INGEST, NEW_PATHS
from warehouse.landing import write_known_files
from warehouse.publish import publish

_WHOLE = tuple(table.name for table in (DROPS, VALIDATIONS, SOURCE_FIGURES, RUNS, INCIDENTS, BOILERPLATE_CANDIDATES))
"""Tables that a run stages as one file."""

_COUNTED = ("articles_new", "articles_joined", "articles_split", "texts_left_out")


class ConservationError(Exception):
    """Records were counted on the way in that are neither loaded nor held back, or the other way round."""


def load(run: WritingRun) -> Summary:
    """Commit what was staged, publish it, and return what the run came to.

    Raises:
        ConservationError: if the counts disagree; nothing has changed then.
    """
    run.on_progress(Progress("loading"))
    redact_withheld(run, pl.read_parquet(run.path("new_drops")), kind="quarantine")
    drops = _drops(run)
    summary = _summarise(run, drops)
    again = pl.read_parquet(run.path("known_drops"))
    pl.concat([_staged_history(drops, run=run), _staged_history(again, run=run)]).write_parquet(run.path("ops.drops"))
    run_row(run, summary).write_parquet(run.path("ops.runs"))
    run.lake.append(_staged_files(run), message=f"ingest {run.run_id}", entry=run.entry(INGEST))
    _finish(run)
    return summary


def record_new_paths(run: WritingRun) -> Summary:
    """Add new paths of known drops to `uris`, if there are any; the run itself is none to speak of."""
    again = pl.read_parquet(run.path("known_drops"))
    if again.height:
        _staged_history(again, run=run).write_parquet(run.path("ops.drops"))
        staged = {"ops.drops": [run.path("ops.drops")]}
        run.lake.append(staged, message="new paths of known drops", entry=run.entry(NEW_PATHS))
    _finish(run)
    return Summary(run_id=None, status="nothing_new")


def _drops(run: WritingRun) -> pl.DataFrame:
    """Return a row for each drop and each file that could not be read, with its counts and status."""
    counted = pl.read_parquet(run.path("drop_counts"))
    drops = (
        pl.read_parquet(run.path("new_drops"))
        .join(counted.rename({"error": "parse_error"}), on=DROP_KEY, how="left")
        .join(_staged_rows(run, "records", accepted_sources(run), name="records_loaded"), on=DROP_KEY, how="left")
        .join(_held_back(run), on=DROP_KEY, how="left")
        .with_columns(
            pl.col("records_in", "records_loaded", "records_quarantined").fill_null(0),
            pl.coalesce("error", "parse_error").alias("error"),
        )
    )
    _check_conservation(drops)
    return drops.with_columns(
        records_retracted=pl.lit(0, dtype=pl.Int64),
        status=_status(refused_sources(run)),
        run_id=pl.lit(run.run_id),
    )


def _held_back(run: WritingRun) -> pl.DataFrame:
    """Count what is held back by drop: what failed, and all of a refused source."""
    return pl.concat(
        [
            _staged_rows(run, "quarantine", accepted_sources(run), name="records_quarantined"),
            _staged_rows(run, "refused", refused_sources(run), name="records_quarantined"),
        ]
    )


def _staged_rows(run: WritingRun, kind: str, sources: Sequence[str], *, name: str) -> pl.DataFrame:
    staged = run.staged(kind, sources=sources)
    if not staged:
        return pl.DataFrame(schema={key: pl.String() for key in DROP_KEY} | {name: pl.Int64()})
    rows = pl.scan_parquet(staged).group_by(DROP_KEY).agg(pl.len().cast(pl.Int64).alias(name))
    return rows.collect()


def _check_conservation(drops: pl.DataFrame) -> None:
    wrong = drops.filter(pl.col("records_in") != pl.col("records_loaded") + pl.col("records_quarantined"))
    if wrong.height:
        first = wrong.row(0, named=True)
        raise ConservationError(
            f"{first['uri']}: {first['records_in']} records came in, but {first['records_loaded']} would be loaded and "
            f"{first['records_quarantined']} held back. Nothing was changed; please report this file."
        )


def _status(refused: Sequence[str]) -> pl.Expr:
    return (
        pl.when(pl.col("drop_sha256").is_null())
        .then(pl.lit("skipped"))
        .when(pl.col("source").is_in(refused))
        .then(pl.lit("refused"))
        .when(pl.col("records_quarantined") == 0)
        .then(pl.lit("loaded"))
        .when(pl.col("records_loaded") == 0)
        .then(pl.lit("rejected"))
        .otherwise(pl.lit("partly_loaded"))
    )


def _summarise(run: WritingRun, drops: pl.DataFrame) -> Summary:
    counts = match_counts(run)
    return Summary(
        run_id=run.run_id,
        status="refused" if refused_sources(run) else "done",
        drops=drops.height,
        records_in=int(drops["records_in"].sum()),
        records_loaded=int(drops["records_loaded"].sum()),
        records_quarantined=int(drops["records_quarantined"].sum()),
        exact_copies=counts.get("exact_copy", 0),
        near_copies=counts.get("near_copy", 0),
        other_copies=counts.get("revision", 0) + counts.get("excerpt", 0),
        **{name: counts.get(name, 0) for name in _COUNTED},
        seconds=run.seconds(),
    )


def match_counts(run: WritingRun) -> dict[str, int]:
    """Return what matching counted; nothing where no record was loaded."""
    path = run.path(MATCH_COUNTS)
    return pl.read_parquet(path).row(0, named=True) if path.exists() else {}


def summarise_changes(run: WritingRun) -> Summary:
    """Return the figures of a run that took nothing in: what became of the articles that there were."""
    counts = match_counts(run)
    return Summary(
        run.run_id,
        "done",
        articles_joined=counts.get("articles_joined", 0),
        articles_split=counts.get("articles_split", 0),
        texts_left_out=counts.get("texts_left_out", 0),
        seconds=run.seconds(),
    )


def _staged_history(rows: pl.DataFrame, *, run: WritingRun) -> pl.DataFrame:
    return rows.with_columns(noted_at=pl.lit(run.started_at), commit_no=pl.lit(run.commit_no, dtype=pl.Int64)).select(
        DROPS.schema.names()
    )


def run_row(run: WritingRun, summary: Summary, *, kind: str = "ingest") -> pl.DataFrame:
    """Return the row of a run for `ops.runs`."""
    row = summary.as_dict() | {
        "flow_run_id": run.flow_run_id,
        "kind": kind,
        "started_at": run.started_at,
        "finished_at": run.started_at + timedelta(seconds=summary.seconds),
        "version": version("copydesk"),
    }
    return pl.DataFrame([row], schema=RUNS.schema)


def _staged_files(run: WritingRun) -> Mapping[str, Sequence[Path]]:
    """Return what is to be loaded, by table."""
    accepted, refused = accepted_sources(run), refused_sources(run)
    whole = {name: [run.path(name)] for name in _WHOLE if run.path(name).exists()}
    return whole | {
        **{table.name: run.staged(kind, sources=accepted) for table, kind in STAGED_BY_RECORD.items()},
        **{table.name: run.staged(table.name) for table in PLACED},
        "ops.quarantine": run.staged("quarantine", sources=accepted) + run.staged("refused", sources=refused),
    }


def _finish(run: WritingRun) -> None:
    publish(run.lake)
    write_known_files(run.settings.home, pl.read_parquet(run.path("landed")))
