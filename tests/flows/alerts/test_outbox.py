"""The outbox: what fails is tried ever more seldom, and given up in the end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.alerts.digests import trial_digest
from flows.alerts.outbox import MOST_AGE, MOST_ATTEMPTS, Cursor, Message, Outbox, new_message
from warehouse.home import Home

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def a_message(number: int = 1) -> Message:
    digest = trial_digest(route="desk", home=Home(Path("/srv/home")), now=NOW + timedelta(seconds=number))
    return new_message(digest, commit_no=number, now=NOW)


def pauses(message: Message) -> list[float]:
    found = []
    for _ in range(MOST_ATTEMPTS):
        message = message.after_failure("no", now=NOW)
        found.append((datetime.fromisoformat(message.next_attempt_at) - NOW).total_seconds())
    return found


def test_pauses_double_up_to_six_hours_and_differ_between_messages() -> None:
    found = pauses(a_message())
    for attempt, pause in enumerate(found):
        shortest = min(60 * 2**attempt, 6 * 3600)
        assert shortest <= pause <= 1.5 * shortest
    assert found == pauses(a_message())
    assert found != pauses(a_message(2))


def test_message_is_hopeless_after_many_attempts_or_days() -> None:
    message = a_message()
    assert not message.is_hopeless(NOW + MOST_AGE - timedelta(seconds=1))
    assert message.is_hopeless(NOW + MOST_AGE)
    for _ in range(MOST_ATTEMPTS):
        assert not message.is_hopeless(NOW)
        message = message.after_failure("no", now=NOW)
    assert message.is_hopeless(NOW)


def test_messages_are_read_as_they_were_written_oldest_first(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    for number in (10, 9):
        outbox.add(a_message(number))
    assert outbox.pending() == [a_message(9), a_message(10)]
    outbox.remove(a_message(9))
    outbox.give_up(a_message(10).after_failure("no", now=NOW))
    assert (outbox.pending(), [one.last_error for one in outbox.failed()]) == ([], ["no"])
    outbox.take_back(outbox.failed()[0], now=NOW)
    assert (outbox.failed(), [one.attempts for one in outbox.pending()]) == ([], [0])


def test_cursor_is_read_as_it_was_written_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    assert outbox.read_cursor() == Cursor()
    outbox.write_cursor(Cursor(7, {"i_1": ["desk"]}))
    assert outbox.read_cursor() == Cursor(7, {"i_1": ["desk"]})
    (tmp_path / "outbox" / "cursor").write_text("{")
    assert outbox.read_cursor() == Cursor()
