"""Validation: every rule is asserted on the run, source by source, and a source's batch may be refused.

Records that fail a critical row rule were set aside when they were parsed. What remains to be decided here needs all
that a source delivered; a batch that is refused is held back whole, each of its records with the reason
`batch_refused` beside the reasons it may have had before.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from expectations.changes import MOST_RUNS, MOST_WEEKDAY_RUNS, Past, read_past
from expectations.declared import Severity
from expectations.figures import Delivered, take_figures
from expectations.incidents import SourceRule, update_incidents
from expectations.suites import Outcomes, validate_run
from flows.custom import Tables, ask_custom_rules, custom_rules
from flows.missing import RULE as DROP_MISSING
from flows.missing import find_missing
from flows.quarantine import as_quarantine
from flows.rules import rules_of
from flows.run import STAGED_COMPRESSION, Progress, WritingRun
from transforms.ops_schema import INCIDENTS, SOURCE_FIGURES, VALIDATIONS
from transforms.raw_batches import EXCERPT_CHARS
from transforms.schema import RECORDS

JUDGED = pl.Schema({"source": pl.String(), "is_refused": pl.Boolean()})
"""One row per source that delivered anything that could be read."""

BATCH_REFUSED = "batch_refused"

PAST = f"""
    WITH refused AS (
        SELECT DISTINCT source, run_id FROM ops.validations
        WHERE source IN (SELECT unnest($sources)) AND severity = 'critical' AND NOT success AND suite <> 'records'
    ),
    runs AS (
        SELECT source, run_id FROM ops.source_figures ANTI JOIN refused USING (source, run_id)
        WHERE source IN (SELECT unnest($sources)) AND figure = 'records_in'
        QUALIFY row_number() OVER (PARTITION BY source ORDER BY noted_at DESC, run_id DESC) <= {MOST_RUNS}
        OR (
            isodow(noted_at) = $weekday AND row_number() OVER
            (PARTITION BY source, isodow(noted_at) ORDER BY noted_at DESC, run_id DESC) <= {MOST_WEEKDAY_RUNS}
        )
    )
    SELECT source, run_id, figure, item, value, noted_at FROM ops.source_figures SEMI JOIN runs USING (source, run_id)
"""
"""Figures of the last runs of sources, and of their last ones on a day of the week; refused batches are no past."""


def validate(run: WritingRun) -> None:
    """Stage `judged`, `ops.validations` and `ops.incidents`, and all records of a refused source as `refused`.

    Raises:
        ValidationEngineError: if no verdict can be had; nothing has changed then.
    """
    run.on_progress(Progress("validating"))
    batches = run.staged("figures")
    if not batches:
        pl.DataFrame(schema=JUDGED).write_parquet(run.path("judged"))
        return
    read, unread = pl.scan_parquet(run.staged("outcomes")), pl.scan_parquet(run.staged("unread"))
    figures = _figures(run, pl.read_parquet(batches), read)
    sources = figures.get_column("source").unique().sort().to_list()
    validated = validate_run(
        Outcomes(read, unread, figures),
        checks={name: rules_of(run.settings.source(name)) for name in sources},
        past=_past(run, sources),
        more=ask_custom_rules(custom_rules(run.settings), {source: _tables(run, source) for source in sources}),
        run_id=run.run_id,
        checked_at=run.started_at,
    )
    missing = find_missing(run.settings, run.lake.query, now=run.started_at, delivering=set(sources))
    known = run.lake.latest(INCIDENTS)
    incidents = update_incidents(
        known,
        [*validated.failures, *missing],
        validated.passed | {(source, DROP_MISSING) for source in sources} | _not_asked(known, validated.validations),
        run_id=run.run_id,
        noted_at=run.started_at,
        commit_no=run.commit_no,
    )
    for source in sorted(validated.refused):
        _hold_back(run, source, why=validated.why_refused(source))
    judged = pl.DataFrame({"source": sources}).with_columns(
        is_refused=pl.col("source").is_in(sorted(validated.refused))
    )
    judged.write_parquet(run.path("judged"))
    validated.validations.write_parquet(run.path(VALIDATIONS.name))
    noted = figures.with_columns(run_id=pl.lit(run.run_id), noted_at=pl.lit(run.started_at))
    noted.select(SOURCE_FIGURES.schema.names()).write_parquet(run.path(SOURCE_FIGURES.name))
    incidents.write_parquet(run.path(INCIDENTS.name))


def _not_asked(incidents: pl.DataFrame, validations: pl.DataFrame) -> set[SourceRule]:
    """Return the rules of incidents that no source of the run is held to any more; nothing else would close them."""
    asked = validations.filter(pl.col("severity") != str(Severity.INFO)).select("source", rule="expectation")
    of_sources = incidents.join(validations.select("source").unique(), on="source", how="semi")
    ended = of_sources.join(asked, on=["source", "rule"], how="anti")
    return set(ended.select("source", "rule").iter_rows())


def _tables(run: WritingRun, source: str) -> Tables:
    return {kind: run.staged(kind, sources=[source]) for kind in ("records", "spans")}


def _figures(run: WritingRun, batches: pl.DataFrame, outcomes: pl.LazyFrame) -> pl.DataFrame:
    """Take the figures of every source of the run."""
    delivered = Delivered(
        counts=batches,
        drops=pl.read_parquet(run.path("drop_counts")),
        records=pl.scan_parquet(run.staged("records")),
        lines=pl.scan_parquet(run.staged("lines")),
        outcomes=outcomes,
        stored=run.lake.rows(RECORDS).select("match_key"),
    )
    return take_figures(delivered, now=run.started_at)


def _past(run: WritingRun, sources: Sequence[str]) -> dict[str, Past]:
    """Read the figures of past runs of the sources, the latest runs of each."""
    return past_by_source(run.lake.query(PAST, {"sources": list(sources), "weekday": run.started_at.isoweekday()}))


def past_by_source(rows: pl.DataFrame) -> dict[str, Past]:
    """Arrange the rows of PAST."""
    return {str(source): read_past(of_source) for (source,), of_source in rows.group_by("source")}


def accepted_sources(run: WritingRun) -> list[str]:
    """Sources whose records are loaded."""
    return _judged(run, is_refused=False)


def refused_sources(run: WritingRun) -> list[str]:
    """Sources whose records are all held back."""
    return _judged(run, is_refused=True)


def _judged(run: WritingRun, *, is_refused: bool) -> list[str]:
    judged = pl.read_parquet(run.path("judged"))
    return judged.filter(pl.col("is_refused") == is_refused)["source"].to_list()


def _hold_back(run: WritingRun, source: str, *, why: str) -> None:
    """Stage every record of the source for the quarantine, batch by batch."""
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
