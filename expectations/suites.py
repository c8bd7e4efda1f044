"""One suite per table, asserted on narrow frames, and what its verdicts mean for the run.

Decides what the engine is given and how its verdicts are read: for `records`, one Boolean column per row rule; for
`batches`, one row of figures per source. Leaves the rules themselves to `row_rules` and `table_rules`, and Great
Expectations to `engine`.

One validation of a suite costs about 50 ms however few rows it has, so all sources share one: a rule that sources
declare differently becomes one column for each way it is declared.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from expectations.engine import REMEDY, Expectation, ValidationEngineError, expect_between, expect_true, run_suite
from expectations.incidents import Failure, SourceRule
from expectations.row_rules import RowRule, Severity
from expectations.table_rules import TableRule, figure_text
from transforms.ops_schema import VALIDATIONS

RECORDS_SUITE = "records"
BATCHES_SUITE = "batches"


@dataclass(frozen=True)
class Checks:
    """What one source is held to; the row rules with the severities that the source declares."""

    rows: tuple[RowRule, ...]
    tables: tuple[TableRule, ...]


@dataclass(frozen=True)
class Validated:
    """What came of validating a run.

    Attributes:
        validations: Rows of VALIDATIONS, by source, suite and rule.
        refused: Sources whose batch a critical table rule refuses; row rules never refuse a batch.
        failures: Failed rules of warning or critical severity, of which incidents are made.
        passed: Rules that held and had something to judge.
    """

    validations: pl.DataFrame
    refused: frozenset[str]
    failures: tuple[Failure, ...]
    passed: frozenset[SourceRule]


@dataclass(frozen=True)
class _Verdict:
    """One rule on one source; the first fields are columns of VALIDATIONS."""

    source: str
    suite: str
    expectation: str
    column_name: str
    severity: Severity
    success: bool
    evaluated: int
    unexpected: int
    observed: str | None
    message: str
    sample: str | None = None


class _RowRuleVariant(NamedTuple):
    """A row rule as far as the engine is concerned: bounds are in the outcomes already."""

    code: str
    column: str
    severity: Severity
    reason: str

    @property
    def name(self) -> str:
        """Name of its column of outcomes."""
        return f"{self.code} ({self.severity})"


def validate_run(
    outcomes: pl.LazyFrame,
    figures: pl.DataFrame,
    *,
    checks: Mapping[str, Checks],
    run_id: str,
    checked_at: datetime,
) -> Validated:
    """Assert every rule of every source.

    Args:
        outcomes: Outcomes of the row rules for all records of the run; read as a stream, 1 byte per record and rule
            is held.
        figures: One row per source of the run, as from `source_figures`.
        checks: What each source in `figures` is held to; all have the same row rules, with severities of their own.
        run_id: Run to note in the validations.
        checked_at: Moment to note in the validations.

    Raises:
        ValidationEngineError: if the engine failed, or disagrees with the counts taken without it.
    """
    sources = figures["source"].to_list()
    held_to = {source: checks[source] for source in sources}
    verdicts = sorted(
        [*_check_records(outcomes, held_to), *_check_batches(figures, held_to)],
        key=lambda verdict: (verdict.source, verdict.suite, verdict.expectation),
    )
    return Validated(
        validations=_as_validations(verdicts, run_id=run_id, checked_at=checked_at),
        refused=frozenset(verdict.source for verdict in verdicts if _refuses(verdict)),
        failures=tuple(
            Failure(verdict.source, verdict.expectation, verdict.severity, verdict.message, verdict.sample)
            for verdict in verdicts
            if not verdict.success and verdict.severity is not Severity.INFO
        ),
        passed=frozenset(
            (verdict.source, verdict.expectation) for verdict in verdicts if verdict.success and verdict.evaluated
        ),
    )


def _refuses(verdict: _Verdict) -> bool:
    # By rule, since the engine's own `success` of a suite is false for a mere warning as well.
    return verdict.suite == BATCHES_SUITE and not verdict.success and verdict.severity is Severity.CRITICAL


def _as_validations(verdicts: Sequence[_Verdict], *, run_id: str, checked_at: datetime) -> pl.DataFrame:
    stamp = {"run_id": run_id, "checked_at": checked_at}
    rows = [{**asdict(verdict), **stamp, "severity": str(verdict.severity)} for verdict in verdicts]
    return pl.DataFrame(rows, schema=VALIDATIONS.schema)


def _check_records(outcomes: pl.LazyFrame, checks: Mapping[str, Checks]) -> list[_Verdict]:
    """Assert the row rules, and attribute what the engine found to sources by counts of our own."""
    variants: dict[_RowRuleVariant, list[str]] = defaultdict(list)
    for source, held_to in checks.items():
        for rule in held_to.rows:
            variants[_RowRuleVariant(rule.code, rule.column, rule.severity, rule.reason)].append(source)
    columns = [_outcome_column(variant, sources, all_sources=len(checks)) for variant, sources in variants.items()]
    results = run_suite(
        RECORDS_SUITE,
        outcomes.select(columns).collect(engine="streaming"),
        [expect_true(variant.name, severity=variant.severity, reason=variant.reason) for variant in variants],
        # The counts are all that is read; a list of values would be a list of `False`.
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
    )
    counts = _count_failures(outcomes, {variant.code for variant in variants})
    verdicts = []
    for variant, sources in variants.items():
        of_variant = [_row_verdict(variant, source, counts.get(source, {})) for source in sources]
        _compare(variant, results[variant.name]["unexpected_count"], sum(one.unexpected for one in of_variant))
        verdicts += of_variant
    return verdicts


def _outcome_column(variant: _RowRuleVariant, sources: Sequence[str], *, all_sources: int) -> pl.Expr:
    """Return the outcomes of a rule for the sources that declare it so; for others it is true."""
    passed = pl.col(variant.code)
    if len(sources) < all_sources:
        passed = passed | ~pl.col("source").is_in(sources)
    return passed.alias(variant.name)


def _count_failures(outcomes: pl.LazyFrame, codes: set[str]) -> dict[str, dict[str, Any]]:
    """Count records per source, failures per rule (by its code), and take the id of one failed record for each."""
    # Null passes in the engine: counted as a failure here, it makes the two disagree instead of passing in silence.
    failed = {code: ~pl.col(code).fill_null(value=False) for code in sorted(codes)}
    counted = outcomes.group_by("source").agg(
        pl.len().alias("evaluated"),
        *(is_failed.sum().alias(code) for code, is_failed in failed.items()),
        *(pl.col("record_id").filter(is_failed).min().alias(f"{code} sample") for code, is_failed in failed.items()),
    )
    return {row["source"]: row for row in counted.collect(engine="streaming").iter_rows(named=True)}


def _row_verdict(variant: _RowRuleVariant, source: str, counts: Mapping[str, Any]) -> _Verdict:
    evaluated, unexpected = counts.get("evaluated", 0), counts.get(variant.code, 0)
    return _Verdict(
        source=source,
        suite=RECORDS_SUITE,
        expectation=variant.code,
        column_name=variant.column,
        severity=variant.severity,
        success=unexpected == 0,
        evaluated=evaluated,
        unexpected=unexpected,
        observed=None,
        message=f"{unexpected:,} of {evaluated:,} records failed {variant.code}.",
        sample=counts.get(f"{variant.code} sample"),
    )


def _compare(variant: _RowRuleVariant, found: int, counted: int) -> None:
    if found != counted:
        raise ValidationEngineError(
            f"{variant.name}: Great Expectations found {found} failures where {counted} were counted; {REMEDY}"
        )


def _check_batches(figures: pl.DataFrame, checks: Mapping[str, Checks]) -> list[_Verdict]:
    """Assert the table rules; the engine says which sources fail, and only those that declare the rule so are asked."""
    variants: dict[TableRule, list[str]] = defaultdict(list)
    for source, held_to in checks.items():
        for rule in held_to.tables:
            variants[rule].append(source)
    named = {f"{rule.code} {number}": rule for number, rule in enumerate(variants)}
    results = run_suite(
        BATCHES_SUITE,
        figures.select("source", *(pl.col(rule.figure).cast(pl.Float64).alias(name) for name, rule in named.items())),
        [_expect_bound(name, rule) for name, rule in named.items()],
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["source"]},
    )
    rows = {row["source"]: row for row in figures.iter_rows(named=True)}
    verdicts = []
    for name, rule in named.items():
        failed = {found["source"] for found in results[name].get("unexpected_index_list") or ()}
        verdicts += [
            _table_verdict(rule, source, observed=rows[source][rule.figure], success=source not in failed)
            for source in variants[rule]
        ]
    return verdicts


def _expect_bound(name: str, rule: TableRule) -> Expectation:
    return expect_between(
        name,
        at_least=rule.bound if rule.side == "at least" else None,
        at_most=rule.bound if rule.side == "at most" else None,
        severity=rule.severity,
        reason=rule.reason,
    )


def _table_verdict(rule: TableRule, source: str, *, observed: float | None, success: bool) -> _Verdict:
    return _Verdict(
        source=source,
        suite=BATCHES_SUITE,
        expectation=rule.code,
        column_name=rule.figure,
        severity=rule.severity,
        success=success,
        evaluated=int(observed is not None),
        unexpected=int(not success),
        observed=None if observed is None else figure_text(observed),
        message="" if observed is None else rule.message(observed),
    )
