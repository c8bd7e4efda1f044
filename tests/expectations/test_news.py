"""News is what changed between two rows of an incident, and nothing that merely went on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from expectations.incidents import Failure, mute, unmute, update_incidents
from expectations.news import news_by_commit
from expectations.row_rules import Severity
from transforms.ops_schema import INCIDENTS

START = datetime(2026, 1, 1, tzinfo=UTC)
WARNING = Failure("gazette", "future_date", Severity.WARNING, "3 of 9 records failed future_date.", "r_1")
CRITICAL = Failure("gazette", "future_date", Severity.CRITICAL, "9 of 9 records failed future_date.", "r_1")
PASSED = "passed"


def history_of(*steps: Any) -> pl.DataFrame:
    """One commit a day: a failure, PASSED, or what a person makes of the incident."""
    rows = pl.DataFrame(schema=INCIDENTS.schema)
    for day, step in enumerate(steps, start=1):
        if callable(step):
            row = step(rows.tail(1).row(0, named=True)) | {"commit_no": day}
            new = pl.DataFrame([row], schema=INCIDENTS.schema)
        else:
            new = update_incidents(
                rows.tail(1),
                [] if step is PASSED else [step],
                frozenset({("gazette", "future_date")}),
                run_id=f"run_{day}",
                noted_at=START + timedelta(days=day),
                commit_no=day,
            )
        rows = pl.concat([rows, new])
    return rows


def muted(*, until: int) -> Any:
    return lambda incident: mute(incident, until=START + timedelta(days=until), reason="known")


def told(*steps: Any, since: int = 0) -> list[tuple[int, list[str]]]:
    found = news_by_commit(history_of(*steps), since=since)
    return [(commit_no, [str(news.event) for news in of_commit]) for commit_no, of_commit in found]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([WARNING], [(1, ["opened"])]),
        ([WARNING, WARNING], [(1, ["opened"])]),
        ([WARNING, CRITICAL, WARNING], [(1, ["opened"]), (2, ["worsened"])]),
        ([WARNING, PASSED, PASSED], [(1, ["opened"]), (2, ["resolved"])]),
        ([WARNING, PASSED, WARNING], [(1, ["opened"]), (2, ["resolved"]), (3, ["reopened"])]),
        ([WARNING, muted(until=9), CRITICAL, PASSED, WARNING], [(1, ["opened"])]),
        ([WARNING, muted(until=3), WARNING], [(1, ["opened"]), (3, ["reopened"])]),
        ([WARNING, muted(until=3), PASSED], [(1, ["opened"]), (3, ["resolved"])]),
        ([WARNING, muted(until=9), unmute, WARNING], [(1, ["opened"])]),
        ([WARNING, muted(until=9), PASSED, unmute], [(1, ["opened"]), (4, ["resolved"])]),
        ([WARNING, PASSED, muted(until=9), unmute], [(1, ["opened"]), (2, ["resolved"]), (4, ["resolved"])]),
    ],
)
def test_changes_are_news_and_what_goes_on_or_is_muted_is_none(
    steps: list[Any], expected: list[tuple[int, list[str]]]
) -> None:
    assert told(*steps) == expected


def test_earlier_commits_are_compared_with_and_not_told() -> None:
    assert told(WARNING, CRITICAL, PASSED, since=1) == [(2, ["worsened"]), (3, ["resolved"])]


def test_news_of_a_commit_stand_together_by_source_and_rule() -> None:
    failures = [Failure(source, "not_prose", Severity.WARNING, "!") for source in ("post", "gazette")]
    rows = update_incidents(
        pl.DataFrame(schema=INCIDENTS.schema), failures, frozenset(), run_id="r", noted_at=START, commit_no=7
    )
    [(commit_no, found)] = news_by_commit(rows, since=0)
    assert (commit_no, [news.incident["source"] for news in found]) == (7, ["gazette", "post"])
