"""The quarantine rows of a run: what is held back, whichever step held it back."""

import polars as pl

from expectations.declared import Severity
from expectations.row_rules import CheckedRows
from flows.run import Run
from transforms.ops_schema import QUARANTINE
from transforms.raw_batches import EXCERPT_CHARS

HELD_BACK = (
    *("record_id", "drop_sha256", "record_no", "byte_start", "byte_end", "source"),
    *("reasons", "severity", "detail", "raw"),
)
"""What has to be known of a record to hold it back."""


def failed_rules(checked: CheckedRows, raw_records: pl.DataFrame) -> pl.DataFrame:
    """Return the HELD_BACK columns of records that failed a critical rule; the excerpts are from before cleaning."""
    said = [pl.col(name).str.head(EXCERPT_CHARS) for name in ("body", "headline", "extra")]
    excerpt = pl.coalesce(pl.when(text.str.contains(r"\S")).then(text) for text in said)
    excerpts = raw_records.select("record_id", excerpt.str.replace_all("\x00", "\ufffd", literal=True).alias("raw"))
    return checked.rejected.join(excerpts, on="record_id", how="left", maintain_order="left").select(HELD_BACK)


def unreadable(rejects: pl.DataFrame) -> pl.DataFrame:
    """Return the HELD_BACK columns of what a parser could not turn into records."""
    return rejects.with_columns(reasons=pl.concat_list("reason"), severity=pl.lit(str(Severity.CRITICAL))).select(
        HELD_BACK
    )


def as_quarantine(held_back: pl.DataFrame, *, run: Run) -> pl.DataFrame:
    """Complete HELD_BACK columns to rows of the quarantine."""
    return held_back.with_columns(
        quarantine_id=pl.col("record_id").str.replace("r_", "q_", literal=True),
        status=pl.lit("open"),
        note=pl.lit(None, dtype=pl.String()),
        run_id=pl.lit(run.run_id),
        quarantined_at=pl.lit(run.started_at),
        noted_at=pl.lit(run.started_at),
        commit_no=pl.lit(None, dtype=pl.Int64),
    ).select(QUARANTINE.schema.names())
