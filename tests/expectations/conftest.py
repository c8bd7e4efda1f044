"""Records and checks that the tests of this folder share."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from expectations.declared import Severity
from expectations.row_conditions import Phrases
from expectations.row_rules import CheckedRows, RowRule, RowRuleChange, apply_row_rules, changed_rules, row_rules
from seeds.tables import block_phrases, common_words
from transforms.schema import RECORDS

PROSE = "The council met on Tuesday and agreed to repair the bridge before winter sets in."
CLEANED = {name: dtype for name, dtype in RECORDS.schema.items() if name not in {"run_id", "ingested_at", "flags"}}


@pytest.fixture(scope="session")
def phrases() -> Phrases:
    return Phrases(block_phrases(), common_words())


@pytest.fixture(scope="session")
def default_rules(phrases: Phrases) -> tuple[RowRule, ...]:
    return row_rules({}, phrases=phrases)


@pytest.fixture(scope="session")
def records() -> Callable[..., pl.DataFrame]:
    """Build cleaned records, each from the columns that matter; the rest is that of a healthy record."""

    def build(*overrides: Mapping[str, Any], source: str = "gazette") -> pl.DataFrame:
        rows = [
            {"record_id": f"r_{source}_{number}", "record_no": number, "drop_sha256": "0" * 64, "source": source}
            | {"headline": "Bridge to be repaired", "body": PROSE, "authors": [], "observations": []}
            | dict(override)
            for number, override in enumerate(overrides)
        ]
        return pl.DataFrame(rows, schema=CLEANED | {"observations": pl.List(pl.String())})

    return build


@pytest.fixture(scope="session")
def check(records: Callable[..., pl.DataFrame], default_rules: tuple[RowRule, ...]) -> Callable[..., CheckedRows]:
    """Judge records by the default rules."""

    def judge(
        *overrides: Mapping[str, Any], source: str = "gazette", severities: Mapping[str, Severity] | None = None
    ) -> CheckedRows:
        changes = {code: RowRuleChange(severity) for code, severity in (severities or {}).items()}
        rules = changed_rules(default_rules, changes)
        return apply_row_rules(records(*overrides, source=source), rules=rules)

    return judge
