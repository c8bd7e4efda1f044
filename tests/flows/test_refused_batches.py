"""A batch that a rule refuses stays out, however it is replayed, and however often it comes, until one lets it in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, REFUSED

VANISHED = "[sources.gazette]\nrules.fields_vanished = { severity = 'critical' }\n"
NO_FISH = "-- reason: No fish.\n-- severity: critical\nSELECT * FROM records WHERE body LIKE '%fish%'\n"

Deliver = Callable[..., int]


@pytest.fixture
def deliver(copydesk: Any, tmp_path: Path, a_record: Any, write_lines: Any) -> Deliver:
    """Ingest a drop of twenty records of the gazette, with fields; return the exit code."""

    def run(day: int, **fields: str) -> int:
        records = [a_record(100 * day + number, **fields) for number in range(20)]
        code: int = copydesk("ingest", write_lines(tmp_path / "gazette" / f"{day}.jsonl", records))[0]
        return code

    return run


@pytest.mark.long
def test_what_was_refused_for_a_change_is_refused_again_and_is_no_past(
    deliver: Deliver, copydesk: Any, home: Path, query: Any
) -> None:
    home.mkdir()
    (home / "copydesk.toml").write_text(VANISHED)
    assert [deliver(day, section="news") for day in range(5)] == [DONE] * 5
    assert [deliver(day) for day in range(5, 7)] == [REFUSED] * 2
    assert copydesk("quarantine", "replay")[0] == REFUSED
    assert query("SELECT count(*) FROM records") == [(100,)]
    past = query("SELECT DISTINCT detail FROM ops.validations WHERE expectation = 'fields_vanished' AND NOT success")
    assert [detail for (detail,) in past] == [
        "field_share of 'section' is 0 %; 100 % is usual (median of 5 runs, 100 % to 100 %)."
    ]
    (home / "copydesk.toml").write_text("")
    assert copydesk("quarantine", "replay")[0] == DONE
    assert query("SELECT count(*) FROM records") == [(140,)]


@pytest.mark.long
def test_a_row_alone_does_not_get_past_what_refuses_its_batch(
    deliver: Deliver, copydesk: Any, home: Path, query: Any, a_record: Any
) -> None:
    rule = home / "expectations" / "no_fish.sql"
    rule.parent.mkdir(parents=True)
    rule.write_text(NO_FISH)
    assert deliver(1, dek="x") == DONE
    assert deliver(2, body=a_record(3)["body"] + " And fish.") == REFUSED
    [(row,)] = query("SELECT min(quarantine_id) FROM ops.quarantine")
    assert copydesk("quarantine", "replay", row)[0] == REFUSED
    rule.unlink()
    assert copydesk("quarantine", "replay", row)[0] == DONE
    assert query("SELECT count(*) FROM records") == [(21,)]


@pytest.mark.long
def test_an_incident_of_a_rule_that_is_gone_is_closed(deliver: Deliver, home: Path, query: Any) -> None:
    rule = home / "expectations" / "always.sql"
    rule.parent.mkdir(parents=True)
    rule.write_text("-- reason: x\nSELECT * FROM records\n")
    deliver(1)
    assert query("SELECT rule, status FROM ops.incidents") == [("always", "open")]
    rule.unlink()
    deliver(2)
    assert query("SELECT rule, status FROM ops.incidents") == [("always", "resolved")]
