"""What must be true of all that one source delivered in a run: its figures, and the bounds they are held to.

Decides which figures are taken and what bounds they have by default. A source may declare another bound or severity
for each rule by its code; only a rule that is critical refuses a batch. The defaults refuse nothing on account of what
the records are like, and say nothing about small drops or about fields that a source does not have.

Figures are counted for each batch as it is parsed, and added up at the end, so that no article is read twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from expectations.row_rules import CheckedRows, Severity

FILLED_FIELDS = ("headline", "dek", "authors", "published_at", "language", "url")
"""Fields whose fill rate is a figure; `body` is not among them, as a record without one is held back."""

COUNTS = ("records_in", "records_quarantined", "records_loaded", "records_flagged")

BATCH_FIGURES = pl.Schema(
    {"source": pl.String(), **{name: pl.Int64() for name in (*COUNTS, *(f"{name}_filled" for name in FILLED_FIELDS))}}
)
"""What is counted in one batch of one source; sums over batches are the counts of the run."""


@dataclass(frozen=True)
class TableRule:
    """A bound on a figure of one source in one run.

    Attributes:
        code: Stable code of the rule.
        figure: Column of the figures it looks at; a figure that is null (a share of nothing) passes.
        side: Whether the figure must be at least, or at most, the bound.
        bound: The bound, in the unit of the figure; shares are 0 to 1.
        severity: What a failure does.
        reason: Why the rule, and why this bound.
    """

    code: str
    figure: str
    side: Literal["at least", "at most"]
    bound: float
    severity: Severity
    reason: str

    def message(self, observed: float) -> str:
        """Put a failure into words."""
        return f"{self.figure} is {figure_text(observed)}; {self.side} {figure_text(self.bound)} is expected."


def figure_text(value: float) -> str:
    """Write a count in full, and a share to six decimals."""
    return f"{round(value, 6):.15g}"


@dataclass(frozen=True)
class TableRuleChange:
    """What a source declares about a table rule; `None` keeps the default."""

    severity: Severity | None = None
    bound: float | None = None


DEFAULTS = (
    TableRule(
        "repeated_record_ids",
        "repeated_record_ids",
        "at most",
        0,
        Severity.CRITICAL,
        "An id is made from source, drop and position: a repeated one means that records were read twice.",
    ),
    TableRule(
        "record_count",
        "records_in",
        "at least",
        1,
        Severity.WARNING,
        "A single article is a drop like any other; a source known to deliver hundreds should declare so.",
    ),
    TableRule(
        "quarantined_share",
        "quarantined_share",
        "at most",
        0.2,
        Severity.WARNING,
        "Of 20,000 news articles none is held back; where every fifth is, an exporter or a scraper has changed.",
    ),
    TableRule(
        "flagged_share",
        "flagged_share",
        "at most",
        0.5,
        Severity.INFO,
        "Recorded for comparison between runs; each flag opens an incident of its own.",
    ),
    *(
        TableRule(
            f"{field}_fill_rate",
            f"{field}_fill_rate",
            "at least",
            0,
            Severity.INFO,
            "Recorded for comparison between runs; plain text has no such field, so the default bound asks nothing.",
        )
        for field in FILLED_FIELDS
    ),
)


def table_rules(changes: Mapping[str, TableRuleChange]) -> tuple[TableRule, ...]:
    """Return the rules for one source: the defaults, changed as it declares by code."""
    return tuple(_changed(rule, changes.get(rule.code, TableRuleChange())) for rule in DEFAULTS)


def _changed(rule: TableRule, change: TableRuleChange) -> TableRule:
    return replace(
        rule,
        severity=rule.severity if change.severity is None else change.severity,
        bound=rule.bound if change.bound is None else change.bound,
    )


def count_batch(checked: CheckedRows, *, source: str, unreadable: int) -> pl.DataFrame:
    """Count one batch: one row of BATCH_FIGURES.

    `unreadable` is how much of the batch the parser could not turn into records; it counts as quarantined.
    """
    filled = [_is_filled(field).sum().cast(pl.Int64).alias(f"{field}_filled") for field in FILLED_FIELDS]
    return checked.accepted.select(
        pl.lit(source).alias("source"),
        pl.lit(checked.outcomes.height + unreadable, dtype=pl.Int64).alias("records_in"),
        pl.lit(checked.rejected.height + unreadable, dtype=pl.Int64).alias("records_quarantined"),
        pl.len().cast(pl.Int64).alias("records_loaded"),
        (pl.col("flags").list.len() > 0).sum().cast(pl.Int64).alias("records_flagged"),
        *filled,
    )


def _is_filled(field: str) -> pl.Expr:
    """Tell whether a field says anything."""
    return pl.col(field).list.len() > 0 if field == "authors" else pl.col(field).is_not_null()


def source_figures(batches: pl.DataFrame, outcomes: pl.LazyFrame) -> pl.DataFrame:
    """Add up the batches (BATCH_FIGURES) to one row of figures per source, sorted by source.

    Adds shares, fill rates among the loaded records, and `repeated_record_ids`, which only all `outcomes` together can
    tell. Costs about 16 bytes of memory per record: ids are told apart by a 64-bit hash, which is not kept.
    """
    repeated = pl.len() - pl.col("record_id").hash().n_unique()
    per_source = outcomes.group_by("source").agg(repeated.cast(pl.Int64).alias("repeated_record_ids"))
    return (
        batches.group_by("source")
        .agg(pl.all().sum())
        .join(per_source.collect(engine="streaming"), on="source", how="left")
        .with_columns(pl.col("repeated_record_ids").fill_null(0))
        .with_columns(
            _share("records_quarantined", "records_in").alias("quarantined_share"),
            _share("records_flagged", "records_loaded").alias("flagged_share"),
            *(_share(f"{field}_filled", "records_loaded").alias(f"{field}_fill_rate") for field in FILLED_FIELDS),
        )
        .sort("source")
    )


def _share(part: str, whole: str) -> pl.Expr:
    """Divide; null where there is no whole."""
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))
