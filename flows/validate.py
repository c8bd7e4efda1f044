"""Validation: every rule is asserted on the run, source by source, and a source's batch may be refused.

Records that fail a critical row rule were set aside when they were parsed. What remains to be decided here needs all
that a source delivered; a batch that is refused is held back whole, each of its records with the reason
`batch_refused` beside the reasons it may have had before.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from expectations.incidents import Failure, update_incidents
from expectations.row_rules import Severity
from expectations.suites import validate_run
from expectations.table_rules import source_figures
from flows.quarantine import as_quarantine
from flows.rules import rules_of
from flows.run import STAGED_COMPRESSION, Progress, Run
from transforms.ops_schema import INCIDENTS, VALIDATIONS
from transforms.raw_batches import EXCERPT_CHARS

JUDGED = pl.Schema({"source": pl.String(), "is_refused": pl.Boolean()})
"""One row per source that delivered anything that could be read."""

BATCH_REFUSED = "batch_refused"


def validate(run: Run) -> None:
    """Stage `judged`, `ops.validations` and `ops.incidents`, and all records of a refused source as `refused`.

    Raises:
        ValidationEngineError: if no verdict can be had; nothing has changed then.
    """
    run.on_progress(Progress("validating"))
    batches = run.staged("figures")
    if not batches:
        pl.DataFrame(schema=JUDGED).write_parquet(run.path("judged"))
        return
    outcomes = pl.scan_parquet(run.staged("outcomes"))
    figures = source_figures(pl.read_parquet(batches), outcomes)
    checks = {name: rules_of(run.settings.source(name)) for name in figures["source"]}
    validated = validate_run(outcomes, figures, checks=checks, run_id=run.run_id, checked_at=run.started_at)
    incidents = update_incidents(
        run.lake.latest(INCIDENTS),
        validated.failures,
        validated.passed,
        run_id=run.run_id,
        noted_at=run.started_at,
        commit_no=run.commit_no,
    )
    for source in sorted(validated.refused):
        _hold_back(run, source, [failure for failure in validated.failures if failure.source == source])
    figures.select("source", is_refused=pl.col("source").is_in(sorted(validated.refused))).write_parquet(
        run.path("judged")
    )
    validated.validations.write_parquet(run.path(VALIDATIONS.name))
    incidents.write_parquet(run.path(INCIDENTS.name))


def accepted_sources(run: Run) -> list[str]:
    """Sources whose records are loaded."""
    return _judged(run, is_refused=False)


def refused_sources(run: Run) -> list[str]:
    """Sources whose records are all held back."""
    return _judged(run, is_refused=True)


def _judged(run: Run, *, is_refused: bool) -> list[str]:
    judged = pl.read_parquet(run.path("judged"))
    return judged.filter(pl.col("is_refused") == is_refused)["source"].to_list()


def _hold_back(run: Run, source: str, failures: Sequence[Failure]) -> None:
    """Stage every record of the source for the quarantine, batch by batch."""
    why = " ".join(failure.message for failure in failures if failure.severity is Severity.CRITICAL)
    for records, quarantine in zip(
        run.staged("records", sources=[source]), run.staged("quarantine", sources=[source]), strict=True
    ):
        held_back = pl.concat([_accepted(records, why=why).pipe(as_quarantine, run=run), _rejected(quarantine)])
        number = records.stem.rpartition("-")[2]
        held_back.write_parquet(run.source_folder(source) / f"refused-{number}.parquet", compression=STAGED_COMPRESSION)


def _accepted(records: Path, *, why: str) -> pl.DataFrame:
    return pl.read_parquet(records).select(
        *("record_id", "drop_sha256", "record_no", "byte_start", "byte_end", "source"),
        reasons=pl.concat_list(pl.lit(BATCH_REFUSED)),
        severity=pl.lit(str(Severity.CRITICAL)),
        detail=pl.lit(why),
        raw=pl.col("body").str.head(EXCERPT_CHARS),
    )


def _rejected(quarantine: Path) -> pl.DataFrame:
    return pl.read_parquet(quarantine).with_columns(
        reasons=pl.col("reasons").list.concat(pl.lit([BATCH_REFUSED])).list.sort()
    )
