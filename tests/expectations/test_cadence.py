"""A source is overdue when it is silent for longer than it ever is, nights, weekends and one outage included."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from expectations.cadence import when_due

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = [START + day * DAY for day in range(20)]
WORKDAYS = [at for at in (START + day * DAY for day in range(26)) if at.isoweekday() <= 5]
HOURLY_BY_DAY = [at for at in (START + hour * HOUR for hour in range(24 * 14)) if 6 <= at.hour <= 20]


def is_overdue(deliveries: Sequence[datetime], *, after: timedelta, expected: timedelta | None = None) -> bool:
    due = when_due(deliveries, expected=expected)
    return due is not None and due.is_overdue(max(deliveries) + after)


@pytest.mark.parametrize(
    ("deliveries", "after", "overdue"),
    [
        (DAILY, 1.2 * DAY, False),
        (DAILY, 1.6 * DAY, True),
        (WORKDAYS, 3.2 * DAY, False),
        (WORKDAYS, 5 * DAY, True),
        (HOURLY_BY_DAY, 10 * HOUR, False),
        (HOURLY_BY_DAY, 16 * HOUR, True),
    ],
)
def test_the_longest_usual_gap_decides(deliveries: list[datetime], after: timedelta, *, overdue: bool) -> None:
    assert is_overdue(deliveries, after=after) == overdue


def test_one_outage_does_not_make_a_source_patient() -> None:
    assert is_overdue([*DAILY[:10], *(at + 9 * DAY for at in DAILY[10:])], after=2 * DAY)


def test_a_backfill_teaches_nothing() -> None:
    assert when_due([START + second * timedelta(seconds=20) for second in range(50)], expected=None) is None


def test_too_few_deliveries_teach_nothing() -> None:
    assert when_due(DAILY[:7], expected=None) is None
    assert when_due([], expected=DAY) is None


def test_what_is_declared_needs_no_history() -> None:
    assert is_overdue([START], after=2 * DAY, expected=DAY)
    assert not is_overdue([START], after=1.2 * DAY, expected=DAY)


def test_the_message_says_since_when_and_on_what_grounds() -> None:
    learnt, declared = when_due(DAILY, expected=None), when_due([START], expected=HOUR)
    assert learnt is not None
    assert declared is not None
    assert learnt.message(DAILY[-1] + 3 * DAY) == (
        "Nothing has come for 3.0 days, since 2026-01-24 06:00 UTC; it was due within 36.0 hours, going by when it "
        "came before."
    )
    assert declared.message(START + 2 * HOUR).endswith("it was due within 1.5 hours, as declared.")


def test_a_source_that_comes_when_it_comes_is_waited_for_longer() -> None:
    rng = random.Random(5)  # noqa: S311 -- chance, not secrets
    at, deliveries, alarms = START, [START], 0
    for _ in range(400):
        at += timedelta(hours=rng.expovariate(1 / 12))
        due = when_due(deliveries, expected=None)
        alarms += due is not None and due.is_overdue(at)
        deliveries.append(at)
    assert alarms <= 2
