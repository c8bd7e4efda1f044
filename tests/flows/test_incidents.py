"""Incidents on the command line: listed, explained, muted with an end and a reason."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, WRONG_USAGE
from flows.incidents import Named, mute_incident, read_end, unmute_incident
from flows.options import UsageError
from flows.settings import load_settings
from warehouse.writer_lock import hold_writer_lock

Copydesk = Callable[..., tuple[int, str, str]]
Query = Callable[[str], Any]

NOW = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
STATE = "SELECT status, note, muted_until IS NULL, occurrences FROM ops.incidents WHERE rule = 'truncated_body'"
LASTING = ("--for", "7d", "--reason", "known")


@pytest.fixture
def cut_off(copydesk: Copydesk, tmp_path: Path, a_record: Any, write_lines: Any) -> Callable[[int], str]:
    """Take in a record that is cut off; return the id of the incident."""

    def take_in(number: int = 1) -> str:
        record = a_record(number, body=f"{a_record(number)['body']} And then […]")
        copydesk("ingest", write_lines(tmp_path / "wire" / f"{number}.jsonl", [record]))
        [found] = [one for one in listed(copydesk, "--status", "all") if one["rule"] == "truncated_body"]
        return str(found["incident_id"])

    return take_in


@pytest.fixture
def whole(copydesk: Copydesk, tmp_path: Path, a_record: Any, write_lines: Any) -> Callable[[int], None]:
    """Take in a record with which nothing is wrong."""

    def take_in(number: int) -> None:
        copydesk("ingest", write_lines(tmp_path / "wire" / f"{number}.jsonl", [a_record(number)]))

    return take_in


def listed(copydesk: Copydesk, *options: str) -> list[dict[str, Any]]:
    code, output, _ = copydesk("incidents", "list", "--json", *options)
    assert code == DONE
    found: list[dict[str, Any]] = json.loads(output)
    return found


@pytest.mark.long
def test_open_incidents_are_listed_by_source_rule_and_status(copydesk: Copydesk, cut_off: Any, whole: Any) -> None:
    cut_off()
    assert [(one["source"], one["rule"]) for one in listed(copydesk)] == [("wire", "truncated_body")]
    assert listed(copydesk, "--source", "post") == listed(copydesk, "--rule", "not_prose") == []
    whole(2)
    assert listed(copydesk) == []
    assert [one["status"] for one in listed(copydesk, "--status", "resolved")] == ["resolved"]
    assert copydesk("incidents", "list", "--status", "gone")[0] == WRONG_USAGE


def test_incident_is_shown_with_meaning_remedy_sample_and_a_query_for_all(
    copydesk: Copydesk, cut_off: Any, query: Query
) -> None:
    incident_id = cut_off()
    shown = json.loads(copydesk("incidents", "show", incident_id, "--json")[1])
    [(record_id,)] = query("SELECT record_id FROM records")
    assert (shown["sample"], shown["sample_row"]["record_id"]) == (record_id, record_id)
    assert shown["remedy"] == "Ask the source for the full text."
    assert [row[0] for row in query(shown["query"])] == [record_id]
    text = copydesk("incidents", "show", incident_id)[1]
    command = next(line for line in text.splitlines() if "All that failed" in line).partition("copydesk ")[2]
    assert record_id in copydesk(*shlex.split(command))[1]


@pytest.mark.long
def test_incident_of_what_is_held_back_shows_it(
    copydesk: Copydesk, tmp_path: Path, a_record: Any, write_lines: Any, query: Query
) -> None:
    copydesk("ingest", write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1), a_record(2, body="[deleted]")]))
    [incident] = listed(copydesk, "--rule", "body_too_short")
    shown = json.loads(copydesk("incidents", "show", incident["incident_id"], "--json")[1])
    assert shown["sample_row"]["raw"] == "[deleted]"
    assert [row[3] for row in query(shown["query"])] == ["[deleted]"]
    [of_table] = listed(copydesk, "--rule", "quarantined_share")
    judged = json.loads(copydesk("incidents", "show", of_table["incident_id"], "--json")[1])
    assert (judged["sample_row"], len(query(judged["query"]))) == (None, 1)


def test_muting_is_idempotent_says_until_when_and_ends_with_unmuting(
    copydesk: Copydesk, cut_off: Any, query: Query, home: Path
) -> None:
    incident_id = cut_off()
    until = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%d")
    end = ("--until", until, "--reason", "the feed is being mended")
    code, output, _ = copydesk("incidents", "mute", incident_id, *end)
    assert (code, output.strip()) == (
        DONE,
        f"{incident_id} (wire: truncated_body) is muted until {until} 00:00 UTC.",
    )
    assert query(STATE) == [("muted", "the feed is being mended", False, 1)]
    before = (home / "catalog.sqlite").read_bytes()
    named = ("--source", "wire", "--rule", "truncated_body")
    assert copydesk("incidents", "mute", *named, *end)[1].startswith("Nothing new")
    assert (home / "catalog.sqlite").read_bytes() == before
    assert copydesk("incidents", "unmute", incident_id)[1].strip().endswith("is open.")
    assert query(STATE) == [("open", None, True, 1)]
    assert copydesk("incidents", "unmute", *named)[1].startswith("Nothing new")


@pytest.mark.long
def test_muted_incident_goes_on_counting_and_is_not_listed_as_open(
    copydesk: Copydesk, cut_off: Any, query: Query
) -> None:
    copydesk("incidents", "mute", cut_off(1), *LASTING)
    cut_off(2)
    assert query(STATE) == [("muted", "known", False, 2)]
    assert listed(copydesk) == []
    assert len(listed(copydesk, "--status", "muted")) == 1


@pytest.mark.long
def test_mute_that_has_ended_is_seen_at_once_and_settled_by_the_next_run(
    copydesk: Copydesk, cut_off: Any, whole: Any, query: Query, home: Path
) -> None:
    named = Named(cut_off(1))
    mute_incident(load_settings(home=home), named, until=datetime.now(UTC), reason="for a moment")
    assert [one["status"] for one in listed(copydesk)] == ["open"]
    whole(2)
    assert query(STATE) == [("resolved", None, True, 1)]


@pytest.mark.long
def test_an_incident_found_gone_while_muted_is_resolved_when_it_is_unmuted(
    copydesk: Copydesk, cut_off: Any, whole: Any, query: Query, home: Path
) -> None:
    incident_id = cut_off(1)
    copydesk("incidents", "mute", incident_id, *LASTING)
    whole(2)
    assert query(STATE) == [("muted", "known", False, 1)]
    unmute_incident(load_settings(home=home), Named(incident_id))
    assert query(STATE) == [("resolved", None, True, 1)]


@pytest.mark.parametrize(
    ("duration", "until", "end"),
    [
        ("7d", None, "2026-05-08T12:31:00+00:00"),
        ("90m", None, "2026-05-01T14:01:00+00:00"),
        ("2 w", None, "2026-05-15T12:31:00+00:00"),
        (None, "2026-12-31", "2026-12-31T00:00:00+00:00"),
        (None, "2026-05-02T18:00+02:00", "2026-05-02T16:00:00+00:00"),
    ],
)
def test_end_of_a_mute_is_a_duration_or_a_date(duration: str | None, until: str | None, end: str) -> None:
    assert read_end(duration, until, now=NOW).isoformat() == end


@pytest.mark.parametrize(
    ("duration", "until"),
    [
        (None, None),
        ("7d", "2026-06-01"),
        ("0d", None),
        ("7", None),
        ("-7d", None),
        ("54w", None),
        ("999999w", None),
        (None, "2026-05-01"),
        (None, "2027-06-01"),
        (None, "0001-01-01T00:00+14:00"),
        (None, "tomorrow"),
        ("\x1b[31m7d", None),
    ],
)
def test_mute_without_an_end_within_a_year_is_wrong_usage(duration: str | None, until: str | None) -> None:
    with pytest.raises(UsageError):
        read_end(duration, until, now=NOW)


@pytest.mark.long
def test_what_cannot_be_decided_is_wrong_usage_in_one_line(copydesk: Copydesk, cut_off: Any) -> None:
    cut_off()
    for arguments in (
        ["show", "i_unknown"],
        ["mute", "i_unknown", *LASTING],
        ["unmute", "--source", "wire", "--rule", "no_such"],
        ["mute", "--source", "wire", *LASTING],
        ["mute", *LASTING],
        ["mute", "i_unknown", "--for", "7d", "--reason", " \n"],
        ["mute", "i_unknown", "--for", "7d", "--reason", "x" * 501],
        ["mute", "i_unknown", "--for", "7d"],
    ):
        code, output, errors = copydesk("incidents", *arguments)
        assert (code, output, len(errors.strip().splitlines())) == (WRONG_USAGE, "", 1), arguments


@pytest.mark.parametrize("arguments", [["list"], ["show", "i_1"], ["mute", "i_1", *LASTING], ["unmute", "i_1"]])
def test_home_without_a_warehouse_has_no_incidents_and_gets_none(
    copydesk: Copydesk, home: Path, arguments: list[str]
) -> None:
    code, _, errors = copydesk("incidents", *arguments)
    assert (code, "run copydesk ingest" in errors) == (WRONG_USAGE, True)
    assert not home.exists()


@pytest.mark.long
def test_muting_waits_for_the_writer(cut_off: Any, home: Path, query: Query) -> None:
    command = [sys.executable, "-m", "flows", "incidents", "mute", cut_off(), *LASTING, "--home", str(home)]
    with ExitStack() as writing:
        writing.enter_context(hold_writer_lock(home / "writer.lock", purpose="a test"))
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as muting:
            assert muting.stderr is not None
            assert "a test" in muting.stderr.readline()
            assert query(STATE)[0][0] == "open"
            writing.close()
    assert (muting.returncode, query(STATE)[0][0]) == (DONE, "muted")


def test_hostile_names_and_messages_are_harmless_on_a_screen(
    copydesk: Copydesk, tmp_path: Path, a_record: Any, write_lines: Any, query: Query
) -> None:
    source = "wi're\x1b[31m\n[bold]x"
    drop = write_lines(tmp_path / "one.jsonl", [a_record(1, body=f"{a_record(1)['body']} And then […]")])
    assert copydesk("ingest", drop, "--source", source)[0] == DONE
    [incident] = listed(copydesk, "--source", source)
    output = copydesk("incidents", "show", incident["incident_id"])[1] + copydesk("incidents", "list")[1]
    assert "\x1b" not in output
    shown = json.loads(copydesk("incidents", "show", incident["incident_id"], "--json")[1])
    assert (shown["source"], len(query(shown["query"]))) == (source, 1)
    muted = copydesk("incidents", "mute", "--source", source, "--rule", "truncated_body", *LASTING)[1]
    assert ("is muted until" in muted, "\x1b" in muted) == (True, False)
