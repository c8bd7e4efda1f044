"""Alerts on the command line: a run tells what it changed, whatever becomes of it, and shows no secret."""

import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.alerts.outbox import Outbox
from flows.cli import DONE, FAILED, REFUSED, WRONG_USAGE

Copydesk = Callable[..., tuple[int, str, str]]

SECRETS = {
    "DESK_URL": "/hook/T0PSECRET1/?token=T0PSECRET2",
    "DESK_KEY": "T0PSECRET3-key",
    "SLACK_URL": "/services/T0PSECRET4",
    "MAIL_PASSWORD": "T0PSECRET5!",
    "PHONE_URL": "/T0PSECRET6",
    "BAD_URL": "gopher://u:T0PSECRET7@h/T0PSECRET7",
}

WITH_SECRETS = """
[alerts.desk]
kind = "webhook"
url_env = "DESK_URL"
secret_env = "DESK_KEY"
[alerts.team]
kind = "slack"
url_env = "SLACK_URL"
[alerts.mail]
kind = "email"
host = "127.0.0.1"
port = 1
security = "none"
user = "desk"
password_env = "MAIL_PASSWORD"
from = "a@b.example"
to = ["c@d.example"]
[alerts.phone]
kind = "apprise"
url_env = "PHONE_URL"
[alerts.bad]
kind = "webhook"
url_env = "BAD_URL"
"""


@pytest.fixture
def cut_off(tmp_path: Path, a_record: Any, write_lines: Any) -> Path:
    record = a_record(1, body=f"{a_record(1)['body']} And then […]")
    return write_lines(tmp_path / "wire" / "one.jsonl", [record])


@pytest.fixture
def desk(configure: Any, receiver: Any) -> None:
    configure(f"[alerts.desk]\nkind = 'webhook'\nurl = '{receiver.url}/desk'\n")


@pytest.mark.usefixtures("desk")
def test_ingest_tells_what_it_changed_and_a_second_one_nothing(
    copydesk: Copydesk, cut_off: Path, receiver: Any, home: Path
) -> None:
    code, output, _ = copydesk("ingest", cut_off, "--json")
    [digest] = [one.json for one in receiver.received]
    assert (code, digest["run_id"]) == (DONE, json.loads(output)["run_id"])
    [entry] = digest["incidents"]
    assert (entry["event"], entry["source"], entry["rule"]) == ("opened", "wire", "truncated_body")
    assert copydesk(*entry["command"].split()[1:])[0] == DONE
    copydesk("ingest", cut_off)
    assert (len(receiver.received), list(Outbox(home / "outbox").pending())) == (1, [])


def test_refused_batch_is_told_as_critical_and_still_ends_with_one(
    copydesk: Copydesk, cut_off: Path, configure: Any, receiver: Any
) -> None:
    rule = "[sources.wire]\nrules.record_count = { severity = 'critical', bound = 100 }\n"
    configure(f"[alerts.desk]\nkind = 'webhook'\nurl = '{receiver.url}'\nseverity = 'critical'\n{rule}")
    assert copydesk("ingest", cut_off)[0] == REFUSED
    [digest] = [one.json for one in receiver.received]
    assert [(one["rule"], one["severity"]) for one in digest["incidents"]] == [("record_count", "critical")]


@pytest.mark.usefixtures("desk")
def test_failed_delivery_fails_no_run_and_is_seen_until_it_is_flushed(
    copydesk: Copydesk, cut_off: Path, receiver: Any
) -> None:
    receiver.will_answer(503)
    receiver.will_answer(503)
    code, output, errors = copydesk("ingest", cut_off, "--json")
    assert (code, json.loads(output)["status"]) == (DONE, "done")
    assert len([line for line in errors.splitlines() if "Alert to desk was not sent (HTTP 503)" in line]) == 1
    listed = json.loads(copydesk("alerts", "list", "--json")[1])
    assert [(one["route"], one["attempts"], one["last_error"]) for one in listed["waiting"]] == [
        ("desk", 1, "HTTP 503")
    ]
    assert "1 alerts wait" in copydesk("doctor")[1]
    assert copydesk("alerts", "flush")[0] == FAILED
    code, output, _ = copydesk("alerts", "flush")
    assert (code, output) == (DONE, "1 sent, 0 waiting, 0 given up.\n")
    assert "Nothing waits" in copydesk("alerts", "list")[1]
    assert len({one.json["digest_id"] for one in receiver.received}) == 1


@pytest.mark.usefixtures("desk")
def test_given_up_alerts_are_a_matter_for_doctor_and_can_be_tried_again(
    copydesk: Copydesk, commit: Any, receiver: Any, home: Path
) -> None:
    commit(("wire",))
    receiver.will_answer(500)
    copydesk("alerts", "flush")
    outbox = Outbox(home / "outbox")
    outbox.give_up(outbox.pending()[0])
    code, output, _ = copydesk("doctor")
    assert (code, "copydesk alerts flush --given-up" in output) == (FAILED, True)
    assert "Given up" in copydesk("alerts", "list")[1]
    assert copydesk("alerts", "flush", "--given-up")[:2] == (DONE, "1 sent, 0 waiting, 0 given up.\n")


@pytest.mark.parametrize(
    "point",
    [
        ("flows.load", "publish", "before", 1),
        pytest.param(("flows.alerts.tell", "make_messages", "before", 1), marks=pytest.mark.long),
        pytest.param(("flows.alerts.outbox:Outbox", "add", "after", 1), marks=pytest.mark.long),
        pytest.param(("flows.alerts.outbox:Outbox", "write_cursor", "after", 1), marks=pytest.mark.long),
        pytest.param(("flows.alerts.web", "_post", "before", 1), marks=pytest.mark.long),
    ],
)
@pytest.mark.usefixtures("desk")
@pytest.mark.long
def test_killed_between_commit_and_sending_the_next_run_tells(
    copydesk: Copydesk, kill_at: Any, cut_off: Path, receiver: Any, home: Path, point: Any
) -> None:
    kill_at(point, "ingest", cut_off, "--home", home)
    assert receiver.received == []
    assert copydesk("ingest", cut_off)[0] == DONE
    [digest] = [one.json for one in receiver.received]
    assert [one["event"] for one in digest["incidents"]] == ["opened"]


@pytest.mark.long
@pytest.mark.usefixtures("desk")
def test_killed_after_sending_the_digest_comes_again_under_its_id(
    copydesk: Copydesk, kill_at: Any, cut_off: Path, receiver: Any, home: Path
) -> None:
    kill_at(("flows.alerts.outbox:Outbox", "remove", "before", 1), "ingest", cut_off, "--home", home)
    copydesk("ingest", cut_off)
    first, second = receiver.received
    assert first.body == second.body


def test_run_with_nothing_new_looks_at_two_small_files(
    copydesk: Copydesk, cut_off: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copydesk("ingest", cut_off)
    monkeypatch.setattr("flows.alerts.tell.read_lake", None)
    monkeypatch.setattr("flows.alerts.tell.deliver", None)
    began = time.monotonic()
    code, _, errors = copydesk("ingest", cut_off)
    assert (code, "Alerts" in errors) == (DONE, False)
    assert time.monotonic() - began < 5


def test_route_is_tried_out_without_a_warehouse(copydesk: Copydesk, desk: None, receiver: Any) -> None:  # noqa: ARG001
    assert copydesk("alerts", "test", "desk")[:2] == (DONE, "desk: HTTP 200: ok\n")
    assert receiver.received[0].json["kind"] == "test"
    receiver.will_answer(403, b"go away")
    code, _, errors = copydesk("alerts", "test", "desk")
    assert (code, "The alert was not sent: HTTP 403: go away" in errors) == (FAILED, True)
    assert copydesk("alerts", "test", "no-such")[0] == WRONG_USAGE


def test_missing_secret_is_named_by_doctor_and_by_the_test(
    copydesk: Copydesk, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_URL", raising=False)
    configure("[alerts.desk]\nkind = 'slack'\nurl_env = 'DESK_URL'\n")
    code, output, _ = copydesk("doctor")
    assert (code, "the environment has no DESK_URL, which alerts.desk names" in output) == (FAILED, True)
    assert "the environment has no DESK_URL" in copydesk("alerts", "test", "desk")[2]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_secrets_are_in_no_output_and_no_file(
    copydesk: Copydesk,
    cut_off: Path,
    configure: Any,
    receiver: Any,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Servers that fail and echo what they were sent, one that is not there, and a URL that is none."""
    configure(WITH_SECRETS)
    for name, value in SECRETS.items():
        url = receiver.url.replace("http", "json") if name == "PHONE_URL" else receiver.url
        monkeypatch.setenv(name, f"{url}{value}" if value.startswith("/") else value)
    receiver.is_echoing = True
    commands: list[tuple[str | Path, ...]] = [("ingest", cut_off, "--debug"), ("alerts", "flush", "--debug")]
    commands.append(("doctor", "--debug"))
    commands += [("alerts", "test", route, "--debug") for route in ("desk", "team", "mail", "phone", "bad")]
    commands += [("alerts", "list", "--json"), ("incidents", "list", "--json", "--status", "all")]
    said = "".join("".join(map(str, copydesk(*command))) for command in commands) + caplog.text
    assert "[secret]" in said
    assert "T0PSECRET" not in said
    assert len(Outbox(home / "outbox").pending()) == 5
    for path in home.rglob("*"):
        assert path.is_dir() or b"T0PSECRET" not in path.read_bytes(), path


def test_hostile_source_reaches_every_kind_of_route_harmlessly(
    copydesk: Copydesk, cut_off: Path, configure: Any, receiver: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_URL", f"{receiver.url}/slack")
    here = "[alerts.here]\nkind = 'stderr'\n[alerts.log]\nkind = 'file'\npath = 'told.jsonl'\n"
    configure(f"{here}[alerts.team]\nkind = 'slack'\nurl_env = 'SLACK_URL'\n")
    source = "a\nb\x1b[2J<b>&\u202e" + "x" * 5_000
    code, _, errors = copydesk("ingest", cut_off, "--source", source)
    assert code == DONE
    [line] = [line for line in errors.splitlines() if line.startswith("Incidents:")]
    assert line.isprintable()
    [logged] = (home / "told.jsonl").read_text("utf-8").splitlines()
    assert len(json.loads(logged)["incidents"][0]["source"]) == 201
    assert "<b>" not in receiver.received[0].body.decode()


def test_copied_home_tells_of_its_own(copydesk: Copydesk, desk: None, cut_off: Path, receiver: Any, home: Path) -> None:  # noqa: ARG001
    copydesk("ingest", cut_off)
    shutil.rmtree(home / "outbox")
    copydesk("ingest", cut_off)
    first, second = receiver.received
    assert first.json["digest_id"] == second.json["digest_id"]
    assert datetime.fromisoformat(first.json["noted_at"]).tzinfo == UTC
