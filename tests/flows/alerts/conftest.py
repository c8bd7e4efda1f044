"""What the tests of alerts share: settings with routes, and a home folder with incidents in its lake."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.incidents import Failure, SourceRule, update_incidents
from expectations.row_rules import Severity
from flows.settings import Settings, load_settings
from flows.steps import prepare
from transforms.ops_schema import INCIDENTS
from warehouse.catalog_file import latest_snapshot
from warehouse.home import Home
from warehouse.lake import open_lake

Commit = Callable[..., None]
Configure = Callable[[str], Settings]


@pytest.fixture
def configure(home: Path) -> Configure:
    """Write the settings of the home folder, and read them."""

    def write(text: str) -> Settings:
        home.mkdir(exist_ok=True)
        (home / "copydesk.toml").write_text(text, "utf-8")
        return load_settings(home=home)

    return write


@pytest.fixture
def commit(home: Path, tmp_path: Path) -> Commit:
    """Commit what a run would: failures (source, rule, severity, message) and rules that held, in a second."""

    def run(
        *failures: tuple[str, ...], passed: frozenset[SourceRule] = frozenset(), at: datetime | None = None
    ) -> None:
        with open_lake(prepare(Home(home))) as lake:
            rows = update_incidents(
                lake.latest(INCIDENTS),
                [_failure(*failure) for failure in failures],
                passed,
                run_id=f"run_{latest_snapshot(lake.home)}",
                noted_at=at or datetime.now(UTC),
                commit_no=(latest_snapshot(lake.home) or 0) + 1,
            )
            append(lake, rows, tmp_path)

    return run


def append(lake: Any, rows: pl.DataFrame, folder: Path) -> None:
    staged = folder / "staged.parquet"
    rows.write_parquet(staged)
    lake.append({INCIDENTS.name: [staged]}, message="a test")


def _failure(source: str, rule: str = "not_prose", severity: str = "warning", message: str = "It failed.") -> Failure:
    return Failure(source, rule, Severity(severity), message, "r_1")
