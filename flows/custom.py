"""Asking the rules that users add: of the batch of one source, before it is loaded.

A rule that cannot be asked counts as failed, with its own severity and with what stood in the way: what is not
understood is told, never taken for good.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from expectations.custom import CustomRule, Finding, custom_verdict, narrow_columns, read_custom_rules
from expectations.engine import ValidationEngineError, run_expectation
from expectations.verdicts import Verdict
from flows.settings import Settings
from warehouse.batch_query import find_failing_rows
from warehouse.query import QueryError

Tables = Mapping[str, Sequence[Path]]
"""Staged files of one source, by table: `records` and `spans`."""


def custom_rules(settings: Settings) -> tuple[CustomRule, ...]:
    """Return the rules that lie in the home folder.

    Raises:
        CustomRuleError: if a file there is no rule.
    """
    return read_custom_rules(settings.home.expectations, allow_python=settings.expectations.python)


def ask_custom_rules(rules: Iterable[CustomRule], batches: Mapping[str, Tables]) -> list[Verdict]:
    """Ask each rule of the batches that it concerns; a source without any record passes."""
    return [
        custom_verdict(rule, source, _ask(rule, tables))
        for source, tables in batches.items()
        for rule in rules
        if rule.concerns(source) and tables["records"]
    ]


def _ask(rule: CustomRule, tables: Tables) -> Finding:
    records = pl.scan_parquet(list(tables["records"]))
    evaluated = int(records.select(pl.len()).collect().item())
    try:
        if rule.kind == "sql":
            failing = find_failing_rows(rule.content, tables)
            return Finding(evaluated, failing.count, sample=failing.record_id)
        return _ask_engine(rule, records, evaluated) if rule.kind == "toml" else _run(rule, records, evaluated)
    except (QueryError, ValidationEngineError) as error:
        return Finding(evaluated, evaluated, f"{rule.path.name} cannot be asked: {error}")


def _ask_engine(rule: CustomRule, records: pl.LazyFrame, evaluated: int) -> Finding:
    columns = narrow_columns(rule, records.collect_schema().names())
    result = run_expectation(rule.code, records.select(columns).collect(), rule.expectation)
    if result["success"]:
        return Finding(evaluated, 0)
    failing = result.get("unexpected_index_list") or []
    sample = failing[0].get("record_id") if failing else None
    observed = result.get("observed_value")
    detail = None if observed is None else f"{rule.expectation['type']} observed {observed}."
    return Finding(evaluated, int(result.get("unexpected_count") or 1), detail, sample)


def _run(rule: CustomRule, records: pl.LazyFrame, evaluated: int) -> Finding:
    """Run a program; it was allowed in the settings, and may do whatever this process may."""
    program: dict[str, object] = {"__name__": rule.code, "__file__": str(rule.path)}
    try:
        exec(compile(rule.content, str(rule.path), "exec"), program)  # noqa: S102 -- the settings allow it
        failing = program["failing"](records)  # type: ignore[operator]
        rows = failing.lazy().collect()
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a user's program raises
        return Finding(evaluated, evaluated, f"{rule.path.name} cannot be asked: {type(error).__name__}: {error}")
    has_id = rows.height and "record_id" in rows.columns
    return Finding(evaluated, rows.height, sample=str(rows["record_id"][0]) if has_id else None)
