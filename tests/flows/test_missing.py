"""A source that falls silent has an incident, whether others deliver or nobody; a run without news writes no more."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from flows import missing, steps
from flows.run import Request
from flows.settings import load_settings
from warehouse.catalog_file import latest_snapshot
from warehouse.home import Home

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAYS = 8

At = Callable[[datetime], Any]
INCIDENTS = "SELECT source, status, occurrences, first_seen_at FROM ops.incidents WHERE rule = 'drop_missing'"


@contextmanager
def clock(now: datetime) -> Iterator[None]:
    """Let a run start at a time."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(now.timestamp(), tz)

    with patch.object(steps, "datetime", Stopped), patch.object(missing, "datetime", Stopped):
        yield


def drop_of(folder: Path, day: float, source: str, record: Any, write_lines: Any) -> Path:
    path: Path = write_lines(folder / source / f"{day}.jsonl", [record])
    return path


@pytest.fixture
def deliver(tmp_path: Path, ingest: Any, a_record: Any, write_lines: Any) -> Callable[..., Any]:
    """Ingest a drop of some sources at a time."""

    def run(day: float, *sources: str) -> Any:
        drops = [
            drop_of(tmp_path, day, source, a_record(int(day * 10) + 1000 * number), write_lines)
            for number, source in enumerate(sources)
        ]
        with clock(START + timedelta(days=day)):
            return ingest(*drops or [tmp_path])

    return run


@pytest.fixture(scope="module")
def daily_home(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Path:
    """A home folder to which two sources have delivered day by day."""
    folder = tmp_path_factory.mktemp("daily")
    for day in range(DAYS):
        drops = [
            drop_of(folder, day, source, a_record(10 * day + 1000 * number), write_lines)
            for number, source in enumerate(("gazette", "post"))
        ]
        with clock(START + timedelta(days=day)):
            steps.ingest(Request(load_settings(home=folder / "home"), tuple(drops)))
    return folder / "home"


@pytest.fixture
def daily(daily_home: Path, begin_with: Callable[[Path], None]) -> None:
    begin_with(daily_home)


@pytest.mark.long
@pytest.mark.usefixtures("daily")
def test_a_source_that_is_overdue_while_others_deliver_is_told_once_and_resolved_when_it_comes(
    deliver: Any, query: Any
) -> None:
    deliver(DAYS, "post")
    assert query(INCIDENTS) == []
    deliver(DAYS + 1, "post")
    overdue = START + timedelta(days=DAYS + 1)
    assert query(INCIDENTS) == [("gazette", "open", 1, overdue)]
    deliver(DAYS + 2, "gazette", "post")
    assert query(INCIDENTS) == [("gazette", "resolved", 1, overdue)]


@pytest.mark.long
@pytest.mark.usefixtures("daily")
def test_a_run_without_news_notes_who_has_fallen_silent_and_nothing_else(deliver: Any, query: Any, home: Path) -> None:
    before = latest_snapshot(Home(home))
    assert deliver(DAYS).status == "nothing_new"
    assert latest_snapshot(Home(home)) == before
    assert deliver(DAYS + 1).run_id is None
    told = latest_snapshot(Home(home))
    assert told == (before or 0) + 1
    assert sorted(source for source, *_ in query(INCIDENTS)) == ["gazette", "post"]
    assert query("SELECT kind, records_in FROM ops.runs ORDER BY started_at DESC LIMIT 1") == [("watch", 0)]
    deliver(DAYS + 2)
    assert latest_snapshot(Home(home)) == told


def test_a_source_that_declares_when_it_is_due_needs_no_history_nor_ever_have_come(
    deliver: Any, query: Any, home: Path
) -> None:
    home.mkdir()
    (home / "copydesk.toml").write_text("[sources.wire]\nexpect = 'every 6h'\n")
    deliver(0, "gazette")
    deliver(0.2)
    assert query(INCIDENTS) == []
    deliver(0.5)
    assert [source for source, *_ in query(INCIDENTS)] == ["wire"]


@pytest.mark.long
@pytest.mark.usefixtures("daily")
def test_a_source_may_turn_it_off(deliver: Any, query: Any, home: Path) -> None:
    (home / "copydesk.toml").write_text("[sources.gazette]\nrules.drop_missing = { severity = 'info' }\n")
    deliver(DAYS + 3)
    assert [source for source, *_ in query(INCIDENTS)] == ["post"]


@pytest.mark.long
@pytest.mark.usefixtures("daily")
def test_figures_of_each_run_are_kept(query: Any) -> None:
    figures = query("SELECT DISTINCT figure FROM ops.source_figures WHERE source = 'gazette' AND item IS NULL")
    assert {"records_in", "headline_fill_rate", "median_body_chars"} <= {figure for (figure,) in figures}
    assert query("SELECT count(DISTINCT run_id) FROM ops.source_figures") == [(DAYS,)]
    silent = "SELECT DISTINCT detail FROM ops.validations WHERE expectation = 'volume_change' AND evaluated = 0"
    assert ("Too little history: 0 of 8 runs.",) in query(silent)
    assert json.dumps(query(silent)).count("Too little") == DAYS
