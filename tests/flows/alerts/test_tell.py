"""Each thing that is news is told once, to those whom it concerns, and survives whatever happens on the way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.alerts import delivery
from flows.alerts.outbox import MOST_AGE, Cursor, Outbox
from flows.alerts.tell import has_something_to_tell, make_messages, send_due, tell_of_news
from flows.incidents import Named, mute_incident
from flows.settings import Settings, load_settings

NOW = datetime.now(UTC)
HELD = frozenset({("wire", "not_prose")})

DESK = """
[alerts.desk]
kind = "webhook"
url = "{url}/desk"
"""
TWO = (
    DESK
    + """
[alerts.night]
kind = "webhook"
url = "{url}/night"
severity = "critical"
sources = ["w*"]
"""
)


def told_by(settings: Settings) -> list[str]:
    said: list[str] = []
    tell_of_news(settings, say=said.append)
    return said


def events(receiver: Any) -> list[tuple[str, list[str]]]:
    """Path and events of each digest received, oldest first."""
    return [(one.path, [entry["event"] for entry in one.json["incidents"]]) for one in receiver.received]


def test_opened_and_resolved_are_told_and_counting_is_not(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    for step in ({"fails": True}, {"fails": True}, {}, {"fails": True}):
        commit(*([("wire",)] if step else []), passed=HELD)
        assert told_by(settings) == []
    assert events(receiver) == [("/desk", ["opened"]), ("/desk", ["resolved"]), ("/desk", ["reopened"])]
    assert Outbox(settings.home.outbox).pending() == []


def test_nothing_is_sent_or_opened_where_nothing_changed(
    configure: Any, commit: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    told_by(settings)
    monkeypatch.setattr("flows.alerts.tell.read_lake", None)
    assert (told_by(settings), has_something_to_tell(settings), len(receiver.received)) == ([], False, 1)


def test_a_run_of_several_sources_is_one_digest_the_worst_first(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("alpha",), ("wire", "not_prose", "critical"), ("alpha", "block_page"))
    told_by(settings)
    [digest] = [one.json for one in receiver.received]
    assert [(one["source"], one["rule"]) for one in digest["incidents"]] == [
        ("wire", "not_prose"),
        ("alpha", "block_page"),
        ("alpha", "not_prose"),
    ]
    assert (digest["severity"], digest["counts"]["opened"], digest["left_out"]) == ("critical", 3, 0)


def test_routes_hear_what_severity_and_sources_let_through_and_ends_where_they_heard_the_beginning(
    configure: Any, commit: Any, receiver: Any
) -> None:
    settings = configure(TWO.format(url=receiver.url))
    commit(("wire",), ("post", "not_prose", "critical"))
    told_by(settings)
    assert sorted(events(receiver)) == [("/desk", ["opened", "opened"])]
    commit(("wire", "not_prose", "critical"))
    told_by(settings)
    assert sorted(events(receiver)[1:]) == [("/desk", ["worsened"]), ("/night", ["worsened"])]
    commit(("wire", "not_prose", "warning"))
    commit(passed=HELD | {("post", "not_prose")})
    told_by(settings)
    assert sorted(events(receiver)[3:]) == [("/desk", ["resolved", "resolved"]), ("/night", ["resolved"])]


def test_a_source_narrows_the_routes_that_hear_of_it(configure: Any, commit: Any, receiver: Any) -> None:
    narrowed = TWO.format(url=receiver.url) + "[sources.wire]\nalerts = ['night']\n"
    commit(("wire", "not_prose", "critical"), ("post", "not_prose", "critical"))
    told_by(configure(narrowed))
    assert sorted((one.path, one.json["incidents"][0]["source"]) for one in receiver.received) == [
        ("/desk", "post"),
        ("/night", "wire"),
    ]


def test_without_a_route_standard_error_gets_one_line(home: Path, commit: Any) -> None:
    commit(("wire",), ("post",), ("a",), ("b",), ("c", "not_prose", "critical"))
    [line] = told_by(load_settings(home=home))
    assert "c not_prose opened (critical)" in line
    assert "2 more" in line
    assert f"copydesk incidents list --home {home}" in line
    assert "\n" not in line


def test_each_commit_that_was_never_told_is_a_digest_of_its_own(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    commit(passed=HELD)
    told_by(settings)
    assert events(receiver) == [("/desk", ["opened"]), ("/desk", ["resolved"])]


def test_muted_incidents_are_not_told_until_the_mute_has_ended(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    mute_incident(settings, Named(source="wire", rule="not_prose"), until=NOW + timedelta(days=1), reason="known")
    commit(("wire", "not_prose", "critical"))
    commit(passed=HELD)
    commit(("wire",))
    told_by(settings)
    assert events(receiver) == [("/desk", ["opened"])]
    commit(("wire",), at=NOW + timedelta(days=2))
    told_by(settings)
    assert events(receiver)[1:] == [("/desk", ["reopened"])]


def test_digests_made_twice_are_one_message_and_keep_their_id(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    outbox = Outbox(settings.home.outbox)
    make_messages(settings, now=NOW)
    [message] = outbox.pending()
    outbox.save(message.after_failure("tried", now=NOW))
    outbox.write_cursor(Cursor())  # as if the process had been killed before the cursor moved on
    make_messages(settings, now=NOW)
    assert [one.attempts for one in outbox.pending()] == [1]
    send_due(settings, now=NOW + timedelta(hours=1), say=print)
    outbox.write_cursor(Cursor())
    told_by(settings)
    first, second = receiver.received
    assert first.json == second.json
    assert first.headers["Copydesk-Digest-Id"] == first.json["digest_id"] == message.digest["digest_id"]


def test_lost_cursor_does_not_tell_old_stories(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("old",), at=NOW - MOST_AGE - timedelta(days=1))
    commit(("wire",))
    commit(passed=frozenset({("old", "not_prose")}))
    told_by(settings)
    assert [one.json["incidents"][0]["source"] for one in receiver.received] == ["wire", "old"]


def test_cursor_of_another_lake_is_no_reason_to_keep_silent(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    Outbox(settings.home.outbox).write_cursor(Cursor(1_000))
    told_by(settings)
    assert events(receiver) == [("/desk", ["opened"])]


def test_failure_is_one_line_waits_and_arrives_when_its_time_has_come(
    configure: Any, commit: Any, receiver: Any
) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    for _ in range(2):
        receiver.will_answer(500, b"sorry\x1b[31m")
    [line] = told_by(settings)
    assert (
        line == "Alert to desk was not sent (HTTP 500: sorry�[31m); a later run tries again, or copydesk alerts flush."
    )
    assert (told_by(settings), len(receiver.received)) == ([], 1), "it is not due yet"
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert send_due(settings, now=later, say=print).failed == 1
    assert send_due(settings, now=later + timedelta(minutes=1), say=print) == delivery.Tally()
    assert send_due(settings, now=later + timedelta(minutes=5), say=print).sent == 1
    assert len({one.body for one in receiver.received}) == 1


def test_message_is_given_up_in_the_end_and_kept(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    make_messages(settings, now=NOW)
    outbox, said = Outbox(settings.home.outbox), list[str]()
    for hours in range(0, 200, 13):
        receiver.will_answer(404)
        send_due(settings, now=NOW + timedelta(hours=hours), say=said.append)
    assert (outbox.pending(), [one.attempts for one in outbox.failed()]) == ([], [12])
    assert "given up after attempt 12" in said[-1]
    assert len(said) == 12


def test_refused_connection_fails_at_once_and_holds_up_no_other_route(
    configure: Any, commit: Any, receiver: Any
) -> None:
    nowhere = "[alerts.nowhere]\nkind = 'webhook'\nurl = 'http://127.0.0.1:1/'\n"
    settings = configure(DESK.format(url=receiver.url) + nowhere)
    commit(("wire",))
    assert told_by(settings) == [
        "Alert to nowhere was not sent (Connection refused); a later run tries again, or copydesk alerts flush."
    ]
    assert len(receiver.received) == 1


def test_hanging_server_holds_nothing_up_longer_than_it_may(configure: Any, commit: Any, receiver: Any) -> None:
    receiver.is_hanging = True
    settings = configure(DESK.format(url=receiver.url) + "[alerts.here]\nkind = 'file'\npath = 'told.jsonl'\n")
    for source in ("wire", "post"):
        commit((source,))
    make_messages(settings, now=NOW)
    outbox, said = Outbox(settings.home.outbox), list[str]()
    tally = delivery.deliver(outbox, outbox.pending(), settings=settings, now=NOW, say=said.append, seconds=0.4)
    assert tally == delivery.Tally(sent=2, failed=1)
    assert [line.partition("(")[2].partition(")")[0] for line in said] == ["no answer in time"]
    assert [message.attempts for message in outbox.pending()] == [1, 0]


def test_delivery_that_no_time_out_ends_is_left_behind(
    configure: Any, commit: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver, or a server that answers byte by byte, heeds no time-out of a socket."""
    monkeypatch.setattr("flows.alerts.delivery.build_sender", lambda *_, **__: receiver.released.wait(60))
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    make_messages(settings, now=NOW)
    outbox, said = Outbox(settings.home.outbox), list[str]()
    delivery.deliver(outbox, outbox.pending(), settings=settings, now=NOW, say=said.append, seconds=0.1)
    assert "no answer within 0.1 s" in said[0]


def test_undeclared_route_gives_its_messages_up(configure: Any, commit: Any, receiver: Any) -> None:
    commit(("wire",))
    make_messages(configure(DESK.format(url=receiver.url)), now=NOW)
    [line] = told_by(configure(""))
    assert "Alert to desk was not sent (the route is declared no longer); given up" in line
    assert receiver.received == []


def test_what_another_process_is_sending_is_left_to_it(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    with Outbox(settings.home.outbox).locked("sending", waits=True):
        assert told_by(settings) == []
    assert receiver.received == []
    told_by(settings)
    assert len(receiver.received) == 1


def test_outbox_that_cannot_be_written_is_a_line_and_no_failure(configure: Any, commit: Any) -> None:
    settings = configure("")
    commit(("wire",))
    settings.home.outbox.write_text("in the way of a folder")
    [line] = told_by(settings)
    assert line.startswith("Alerts could not be made (FileExistsError")


def test_damaged_message_harms_no_other(configure: Any, commit: Any, receiver: Any) -> None:
    settings = configure(DESK.format(url=receiver.url))
    commit(("wire",))
    make_messages(settings, now=NOW)
    for number, content in enumerate(["", "[]", '{"name": "1"}', "\udcff\x00"]):
        (settings.home.outbox / f"{number}.json").write_text(content, "utf-8", "surrogatepass")
    told_by(settings)
    assert len(receiver.received) == 1
    assert len(Outbox(settings.home.outbox).damaged()) == 4
