"""The suite on records: one Boolean column per rule, true where a record passed.

Decides how outcomes become columns, how failures are attributed to sources, and how many are chance. What a parser
could not read has an outcome too: of the rule that is named like its reason. Counts are taken without the engine as
well, and the two must agree.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from expectations.changes import chance_count
from expectations.declared import Severity
from expectations.engine import REMEDY, ValidationEngineError, expect_true, run_suite
from expectations.verdicts import RECORDS_SUITE, Checks, Verdict
from transforms.identity import quarantine_id

UNREAD = pl.Schema({"source": pl.String(), "record_id": pl.String(), "reason": pl.String()})
"""What a parser could not turn into a record."""

KEPT = "all other rules"
"""Column of the rules that nothing fails: the engine takes 10 ms a column, and most rules hold in most runs."""

MOST_BY_CHANCE = 0.1
"""Share of a batch that may fail by chance at the most, or one record of a few: small batches come often."""


class _Variant(NamedTuple):
    """A rule as far as the engine is concerned: bounds are in the outcomes already."""

    code: str
    column: str
    severity: Severity
    tolerated_share: float
    is_parsers: bool
    reason: str

    @property
    def name(self) -> str:
        """Name of its column of outcomes."""
        return f"{self.code} ({self.severity}, {self.tolerated_share:g})"

    @property
    def passed(self) -> pl.Expr:
        """Whether a row passed; what was not read passes all rules but its parser's."""
        if self.is_parsers:
            return (pl.col("reason") != self.code).fill_null(value=True)
        return pl.col(self.code) | pl.col("reason").is_not_null()

    def allowed(self, records: int) -> int:
        """Return how many of so many records may fail: the tolerated ones, and what chance adds to them."""
        by_chance = int(chance_count(self.tolerated_share, records)) if self.tolerated_share else 0
        return min(by_chance, max(int(records * MOST_BY_CHANCE), int(records > 1)))


def check_records(outcomes: pl.LazyFrame, unread: pl.LazyFrame, checks: Mapping[str, Checks]) -> list[Verdict]:
    """Assert the rules on records, and attribute what the engine found to sources by counts of our own."""
    variants: dict[_Variant, list[str]] = defaultdict(list)
    for source, held_to in checks.items():
        for rule in held_to.rows:
            parsers = rule.condition is None
            variants[
                _Variant(rule.code, rule.column, rule.severity, rule.tolerated_share, parsers, rule.reason)
            ].append(source)
    rows = pl.concat([outcomes.drop("drop_sha256"), unread], how="diagonal")
    counts = _count_failures(rows, variants)
    verdicts = {
        variant: [_verdict(variant, source, counts.get(source, {})) for source in sources]
        for variant, sources in variants.items()
    }
    failed = {variant: sum(one.unexpected for one in of_variant) for variant, of_variant in verdicts.items()}
    found = _ask(rows, variants, [variant for variant, count in failed.items() if count], all_sources=len(checks))
    for variant, count in failed.items():
        _compare(variant, found.get(variant.name, found[KEPT]), count)
    return [verdict for of_variant in verdicts.values() for verdict in of_variant]


def _ask(
    rows: pl.LazyFrame, variants: Mapping[_Variant, Sequence[str]], broken: Sequence[_Variant], *, all_sources: int
) -> Mapping[str, int]:
    """Return how many failures the engine finds of each broken rule, and of all the others together (`KEPT`)."""
    columns = {one: _column(one, sources, all_sources=all_sources) for one, sources in variants.items()}
    kept = [column for one, column in columns.items() if one not in set(broken)]
    asked = [columns[one] for one in broken]
    results = run_suite(
        RECORDS_SUITE,
        rows.select(*asked, pl.all_horizontal(pl.lit(value=True), *kept).alias(KEPT)).collect(engine="streaming"),
        [
            *(expect_true(one.name, severity=one.severity, reason=one.reason) for one in broken),
            expect_true(KEPT, severity=Severity.CRITICAL, reason="These were counted to hold, each by itself."),
        ],
        # The counts are all that is read; a list of values would be a list of `False`.
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
    )
    return {name: int(result["unexpected_count"]) for name, result in results.items()}


def _column(variant: _Variant, sources: Sequence[str], *, all_sources: int) -> pl.Expr:
    """Return the outcomes of a rule for the sources that declare it so; for others it is true."""
    passed = variant.passed
    if len(sources) < all_sources:
        passed = passed | ~pl.col("source").is_in(sources)
    return passed.alias(variant.name)


def _count_failures(rows: pl.LazyFrame, variants: Mapping[_Variant, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Count rows per source, failures per rule (by its code), and take the id of one failed record for each."""
    # Null passes in the engine: counted as a failure here, it makes the two disagree instead of passing in silence.
    by_code = {variant.code: variant for variant in variants}
    failed = {code: ~by_code[code].passed.fill_null(value=False) for code in sorted(by_code)}
    counted = rows.group_by("source").agg(
        pl.len().alias("all"),
        pl.col("reason").is_null().sum().alias("read"),
        *(is_failed.sum().alias(code) for code, is_failed in failed.items()),
        *(pl.col("record_id").filter(is_failed).min().alias(f"{code} sample") for code, is_failed in failed.items()),
    )
    return {row["source"]: row for row in counted.collect(engine="streaming").iter_rows(named=True)}


def _verdict(variant: _Variant, source: str, counts: Mapping[str, Any]) -> Verdict:
    evaluated, unexpected = counts.get("all" if variant.is_parsers else "read", 0), counts.get(variant.code, 0)
    allowed = variant.allowed(evaluated)
    sample = counts.get(f"{variant.code} sample")
    detail = f"{unexpected:,} of {evaluated:,} records failed {variant.code}" + (
        f"; up to {allowed:,} are usual." if allowed else "."
    )
    return Verdict(
        source=source,
        suite=RECORDS_SUITE,
        expectation=variant.code,
        column_name=variant.column,
        severity=variant.severity,
        success=unexpected <= allowed,
        evaluated=evaluated,
        unexpected=unexpected,
        observed=None,
        detail=detail if unexpected else None,
        sample=quarantine_id(sample) if sample and variant.severity is Severity.CRITICAL else sample,
    )


def _compare(variant: _Variant, found: int, counted: int) -> None:
    if found != counted:
        raise ValidationEngineError(
            f"{variant.name}: Great Expectations found {found} failures where {counted} were counted; {REMEDY}"
        )
