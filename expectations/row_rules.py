"""What must be true of each record on its own, and what becomes of a record that fails.

Decides which records are kept, which are held back and with which reasons, and which warnings a kept record carries.
A record is judged by its own content and its source's thresholds alone: whatever needs other records is a table rule.
Leaves severities and bounds to `records.toml`, what each rule asks to `row_conditions`, and asserting the outcomes to
`suites`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from expectations.declared import Severity, row_declarations
from expectations.row_conditions import Condition, Phrases, Thresholds, conditions

IDENTITY = ("record_id", "source", "drop_sha256")
HELD_BACK = ("record_id", "record_no", "drop_sha256", "source", "byte_start", "byte_end")


@dataclass(frozen=True)
class RowRule:
    """A statement about one record.

    Attributes:
        code: Stable code of the failure.
        column: Column the rule looks at.
        severity: What a failure does.
        tolerated_share: Share of a batch that may fail before the source is said to have a fault.
        condition: What it asks; null for what a parser decides.
        reason: Why the rule, and why this bound.
    """

    code: str
    column: str
    severity: Severity
    tolerated_share: float
    condition: Condition | None
    reason: str


@dataclass(frozen=True)
class CheckedRows:
    """Records after the row rules; `accepted` and `rejected` together are the records that came in.

    Attributes:
        accepted: Records as they came, without `observations`, with `flags`: the codes of failed warnings, sorted.
        rejected: HELD_BACK columns, `reasons` (codes of all failed critical rules), `severity` and `detail`.
        outcomes: IDENTITY columns and one Boolean column per rule, true where the record passed; all records.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    outcomes: pl.DataFrame


def row_rules(thresholds: Thresholds, *, phrases: Phrases) -> tuple[RowRule, ...]:
    """Return the rules for the records of one source, with the thresholds that it declares."""
    known = conditions(thresholds, phrases=phrases)
    return tuple(
        RowRule(
            code,
            declared.column,
            declared.severity,
            declared.tolerated_share,
            None if declared.decided_by == "parser" else known[code],
            declared.reason,
        )
        for code, declared in row_declarations().items()
    )


@dataclass(frozen=True)
class RowRuleChange:
    """What a source declares about a row rule; `None` keeps the default."""

    severity: Severity | None = None
    tolerated_share: float | None = None


def changed_rules(rules: Sequence[RowRule], changes: Mapping[str, RowRuleChange]) -> tuple[RowRule, ...]:
    """Return the rules as a source declares them, by code."""
    return tuple(_changed(rule, changes.get(rule.code, RowRuleChange())) for rule in rules)


def _changed(rule: RowRule, change: RowRuleChange) -> RowRule:
    return replace(
        rule,
        severity=rule.severity if change.severity is None else change.severity,
        tolerated_share=rule.tolerated_share if change.tolerated_share is None else change.tolerated_share,
    )


def apply_row_rules(records: pl.DataFrame, *, rules: Sequence[RowRule]) -> CheckedRows:
    """Judge each record by every rule and part the kept from the held back; order is kept in all three frames.

    `records` are cleaned records with `observations`. A rule that cannot tell (null) counts as failed: what is not
    understood is set aside, never absorbed.
    """
    judged = {rule.code: rule.condition.passes for rule in rules if rule.condition is not None}
    outcomes = records.select(
        *IDENTITY, *(passes().fill_null(value=False).alias(code) for code, passes in judged.items())
    )
    critical = [rule for rule in rules if rule.condition is not None and rule.severity is Severity.CRITICAL]
    is_kept = outcomes.select(pl.all_horizontal(pl.repeat(value=True, n=pl.len()), *_codes(critical))).to_series()
    warnings = [rule for rule in rules if rule.condition is not None and rule.severity is Severity.WARNING]
    flags = outcomes.select(_failed(warnings).alias("flags")).to_series()
    return CheckedRows(
        accepted=records.drop("observations").with_columns(flags).filter(is_kept),
        rejected=_rejected(records.filter(~is_kept), outcomes.filter(~is_kept).select(_codes(critical)), critical),
        outcomes=outcomes,
    )


def _codes(rules: Sequence[RowRule]) -> list[str]:
    return [rule.code for rule in rules]


def _failed(rules: Sequence[RowRule]) -> pl.Expr:
    """List the codes of the failed rules, sorted."""
    codes = [pl.when(~pl.col(code)).then(pl.lit(code)) for code in sorted(_codes(rules))]
    none = pl.repeat(None, n=pl.len(), dtype=pl.String())
    return pl.concat_list(none, *codes).list.drop_nulls()


def _rejected(records: pl.DataFrame, outcomes: pl.DataFrame, critical: Sequence[RowRule]) -> pl.DataFrame:
    """Describe the records that failed a critical rule."""
    findings = [pl.when(~pl.col(rule.code)).then(rule.condition.finding()) for rule in critical if rule.condition]
    nothing = pl.repeat(None, n=pl.len(), dtype=pl.String())
    return pl.concat([records, outcomes], how="horizontal").select(
        *HELD_BACK,
        _failed(critical).alias("reasons"),
        pl.lit(str(Severity.CRITICAL)).alias("severity"),
        pl.concat_str(nothing, *findings, separator=" ", ignore_nulls=True).alias("detail"),
    )
