"""The suite on batches: one row per source, with its figures and with how much each differs from what is usual.

Decides what the engine is asked: that a figure keeps its bound, and that no surprise is greater than 1. A rule that has
nothing to judge for any source is not asked about; its verdict says why.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from expectations.changes import ChangeRule, Judged, Past, judge_changes
from expectations.engine import Expectation, expect_between, run_suite
from expectations.table_rules import TableRule, figure_text
from expectations.verdicts import BATCHES_SUITE, Checks, Verdict

_Rule = TableRule | ChangeRule


def check_batches(
    figures: pl.DataFrame, checks: Mapping[str, Checks], past: Mapping[str, Past], *, now: datetime
) -> list[Verdict]:
    """Assert the rules on batches; the engine says which sources fail, and only those that declare a rule so are asked.

    `figures` are those of all sources (`FIGURES`); `past` is there for the sources that have one.
    """
    plain = {(source, figure): value for source, figure, item, value in figures.iter_rows() if item is None}
    judged = {
        source: judge_changes(
            held_to.changes, figures.filter(pl.col("source") == source), past.get(source, Past({}, {})), now=now
        )
        for source, held_to in checks.items()
    }
    variants: dict[_Rule, list[str]] = defaultdict(list)
    for source, held_to in checks.items():
        rules: tuple[_Rule, ...] = (*held_to.tables, *held_to.changes)
        for rule in rules:
            variants[rule].append(source)
    columns = {
        rule: {
            source: plain.get((source, rule.figure))
            if isinstance(rule, TableRule)
            else judged[source][rule.code].surprise
            for source in sources
        }
        for rule, sources in variants.items()
    }
    failed = _ask(_to_ask(columns))
    return [
        _bound_verdict(rule, source, value, success=source not in failed.get(rule, ()))
        if isinstance(rule, TableRule)
        else _change_verdict(rule, source, judged[source][rule.code], success=source not in failed.get(rule, ()))
        for rule, values in columns.items()
        for source, value in values.items()
    ]


def _to_ask(columns: Mapping[_Rule, Mapping[str, float | None]]) -> Mapping[_Rule, Mapping[str, float | None]]:
    """Leave out rules that nothing is known for, and changes but the greatest where that is usual: then all are."""
    known = {rule: values for rule, values in columns.items() if any(value is not None for value in values.values())}
    surprises = {
        rule: max(value or 0.0 for value in known[rule].values()) for rule in known if isinstance(rule, ChangeRule)
    }
    greatest = max(surprises, key=lambda rule: surprises[rule], default=None)
    is_usual = greatest is not None and surprises[greatest] <= 1
    return {rule: values for rule, values in known.items() if not (is_usual and rule in surprises and rule != greatest)}


def _ask(columns: Mapping[_Rule, Mapping[str, float | None]]) -> Mapping[_Rule, set[str]]:
    """Ask the engine which sources fail each rule."""
    if not columns:
        return {}
    sources = sorted({source for values in columns.values() for source in values})
    named = {f"{rule.code} {number}": rule for number, rule in enumerate(columns)}
    rows = pl.DataFrame(
        {"source": sources} | {name: [columns[rule].get(source) for source in sources] for name, rule in named.items()},
        schema={"source": pl.String()} | dict.fromkeys(named, pl.Float64()),
    )
    results = run_suite(
        BATCHES_SUITE,
        rows,
        [_expectation(name, rule) for name, rule in named.items()],
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["source"]},
    )
    return {
        rule: {found["source"] for found in results[name].get("unexpected_index_list") or ()}
        for name, rule in named.items()
    }


def _expectation(name: str, rule: _Rule) -> Expectation:
    if isinstance(rule, ChangeRule):
        return expect_between(name, at_least=None, at_most=1, severity=rule.severity, reason=rule.declared.reason)
    return expect_between(
        name,
        at_least=rule.bound if rule.side == "at least" else None,
        at_most=rule.bound if rule.side == "at most" else None,
        severity=rule.severity,
        reason=rule.reason,
    )


def _bound_verdict(rule: TableRule, source: str, observed: float | None, *, success: bool) -> Verdict:
    return Verdict(
        source=source,
        suite=BATCHES_SUITE,
        expectation=rule.code,
        column_name=rule.figure,
        severity=rule.severity,
        success=success,
        evaluated=int(observed is not None),
        unexpected=int(not success),
        observed=None if observed is None else figure_text(observed),
        detail=None if success or observed is None else rule.message(observed),
    )


def _change_verdict(rule: ChangeRule, source: str, judged: Judged, *, success: bool) -> Verdict:
    is_judged = judged.surprise is not None
    return Verdict(
        source=source,
        suite=BATCHES_SUITE,
        expectation=rule.code,
        column_name=rule.declared.figure,
        severity=rule.severity,
        success=success,
        evaluated=int(is_judged),
        unexpected=int(not success),
        observed=None if judged.value is None else figure_text(judged.value),
        detail=judged.message if not success or not is_judged else None,
    )
