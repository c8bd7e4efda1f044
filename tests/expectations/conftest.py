"""Records and checks that the tests of this folder share."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from expectations.row_rules import (
    CheckedRows,
    RowRule,
    RowThresholds,
    Severity,
    apply_row_rules,
    row_rules,
    with_severities,
)
from seeds.tables import read_table
from transforms.schema import RECORDS

PROSE = "The council met on Tuesday and agreed to repair the bridge before winter sets in."
CLEANED = {name: dtype for name, dtype in RECORDS.schema.items() if name not in {"run_id", "ingested_at", "flags"}}


@pytest.fixture(scope="session")
def block_phrases() -> list[str]:
    return read_table("block_pages", "language", "pattern", "example")["pattern"].to_list()


@pytest.fixture(scope="session")
def default_rules(block_phrases: list[str]) -> tuple[RowRule, ...]:
    return row_rules(RowThresholds(), block_phrases=block_phrases)


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
        rules = with_severities(default_rules, severities or {})
        return apply_row_rules(records(*overrides, source=source), rules=rules)

    return judge
