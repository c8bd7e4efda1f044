"""An incident is opened once, counts, is resolved when its rule holds, and comes back under the same id."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from expectations.incidents import Failure, SourceRule, fingerprint, mute, unmute, update_incidents
from expectations.row_rules import Severity
from transforms.ops_schema import INCIDENTS

START = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = pl.DataFrame(schema=INCIDENTS.schema)
FAILURE = Failure("gazette", "future_date", Severity.WARNING, "3 of 9 records failed future_date.", "r_1")
PASSED = frozenset({("gazette", "future_date")})


def run(
    current: pl.DataFrame, *failures: Failure, passed: frozenset[SourceRule] = frozenset(), day: int = 1
) -> pl.DataFrame:
    noted_at = START + timedelta(days=day)
    return update_incidents(current, failures, passed, run_id=f"run_{day}", noted_at=noted_at, commit_no=day)


def test_a_first_failure_opens_an_incident() -> None:
    noted_at = START + timedelta(days=1)
    assert run(NOTHING, FAILURE).to_dicts() == [
        {
            "incident_id": f"i_{fingerprint('gazette', 'future_date')[:20]}",
            "fingerprint": fingerprint("gazette", "future_date"),
            "source": "gazette",
            "rule": "future_date",
            "severity": "warning",
            "status": "open",
            "first_seen_at": noted_at,
            "last_seen_at": noted_at,
            "resolved_at": None,
            "muted_until": None,
            "note": None,
            "occurrences": 1,
            "message": "3 of 9 records failed future_date.",
            "sample": "r_1",
            "run_id": "run_1",
            "noted_at": noted_at,
            "commit_no": 1,
        }
    ]


def test_another_failure_counts_and_keeps_the_first_sight() -> None:
    worse = Failure("gazette", "future_date", Severity.CRITICAL, "9 of 9 records failed future_date.", "r_2")
    row = run(run(NOTHING, FAILURE), worse, day=2).row(0, named=True)
    assert (row["occurrences"], row["severity"], row["sample"]) == (2, "critical", "r_2")
    assert (row["first_seen_at"], row["last_seen_at"]) == (START + timedelta(days=1), START + timedelta(days=2))


def test_a_rule_that_holds_again_resolves_its_incident_and_a_failure_opens_it_again() -> None:
    resolved = run(run(NOTHING, FAILURE), passed=PASSED, day=2)
    assert resolved.select("status", "occurrences", "last_seen_at", "run_id").rows() == [
        ("resolved", 1, START + timedelta(days=1), "run_2")
    ]
    reopened = run(resolved, FAILURE, day=3)
    assert reopened.select("status", "occurrences", "incident_id").rows() == [
        ("open", 2, resolved["incident_id"].item())
    ]


def test_a_resolved_incident_is_not_resolved_again() -> None:
    resolved = run(run(NOTHING, FAILURE), passed=PASSED, day=2)
    assert run(resolved, passed=PASSED, day=3).is_empty()


def muted_until(day: int) -> pl.DataFrame:
    [incident] = run(NOTHING, FAILURE).to_dicts()
    muted = mute(incident, until=START + timedelta(days=day), reason="known")
    return pl.DataFrame([muted], schema=INCIDENTS.schema)


def test_a_muted_incident_counts_and_stays_muted() -> None:
    counted = run(muted_until(5), FAILURE, day=2)
    assert counted.select("status", "occurrences", "note").rows() == [("muted", 2, "known")]


def test_a_muted_incident_notes_once_and_quietly_that_its_rule_holds_and_forgets_it_when_it_fails() -> None:
    quiet = run(muted_until(5), passed=PASSED, day=2)
    assert quiet.select("status", "resolved_at").rows() == [("muted", START + timedelta(days=2))]
    assert run(quiet, passed=PASSED, day=3).is_empty()
    assert run(quiet, FAILURE, day=3).select("status", "resolved_at").rows() == [("muted", None)]


def test_after_the_mute_a_failure_opens_the_incident_and_a_run_in_which_it_holds_resolves_it() -> None:
    fields = ("status", "occurrences", "resolved_at", "muted_until", "note")
    assert run(muted_until(2), FAILURE, day=2).select(fields).rows() == [("open", 2, None, None, None)]
    gone = START + timedelta(days=3)
    assert run(muted_until(2), passed=PASSED, day=3).select(fields).rows() == [("resolved", 1, gone, None, None)]


def test_an_incident_that_was_resolved_while_muted_keeps_the_time_of_it() -> None:
    quiet = run(muted_until(3), passed=PASSED, day=2)
    resolved = run(quiet, passed=PASSED, day=4)
    assert resolved.select("status", "resolved_at").rows() == [("resolved", START + timedelta(days=2))]


def test_unmuting_gives_back_what_muting_hid() -> None:
    [lasting] = muted_until(5).to_dicts()
    [gone] = run(muted_until(5), passed=PASSED, day=2).to_dicts()
    assert [unmute(lasting)[name] for name in ("status", "muted_until", "note")] == ["open", None, None]
    assert unmute(gone)["status"] == "resolved"


def test_nothing_is_written_for_what_was_not_judged() -> None:
    assert run(run(NOTHING, FAILURE), passed=frozenset({("gazette", "not_prose"), ("post", "future_date")})).is_empty()


def test_a_rule_reported_both_ways_has_failed() -> None:
    assert run(run(NOTHING, FAILURE), FAILURE, passed=PASSED, day=2)["status"].to_list() == ["open"]


@pytest.mark.parametrize("other", [("gazett", "efuture_date"), ("gazette", "not_prose"), ("post", "future_date")])
def test_incidents_differ_by_source_and_by_rule(other: SourceRule) -> None:
    assert fingerprint(*other) != fingerprint("gazette", "future_date")


def test_rows_do_not_depend_on_the_order_of_failures() -> None:
    other = Failure("post", "not_prose", Severity.CRITICAL, "1 of 1 records failed not_prose.")
    assert run(NOTHING, FAILURE, other).equals(run(NOTHING, other, FAILURE))
    assert run(NOTHING, FAILURE, other).schema == INCIDENTS.schema
