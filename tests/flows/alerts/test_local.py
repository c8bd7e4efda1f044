"""Digests on this machine: a file of lines, standard error, and Apprise."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.alerts.digests import trial_digest
from flows.alerts.routes import AppriseRoute, FileRoute, StderrRoute
from flows.alerts.senders import build_sender
from flows.alerts.sending import DeliveryError
from warehouse.home import Home


def send(route: Any, home: Path, *, says: Any = print, **more: Any) -> str:
    digest = trial_digest(route=route.name, home=Home(home), now=datetime(2026, 5, 1, tzinfo=UTC)) | more
    return build_sender(route, home=Home(home), say=says, seconds=5).send(digest)


def test_file_gets_a_line_for_each_digest_and_its_folders_are_made(home: Path) -> None:
    route = FileRoute(name="log", kind="file", path="logs/alerts/told.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: send(route, home, number=number, text="x" * 10_000), range(50)))
    lines = (home / "logs" / "alerts" / "told.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["number"] for line in lines) == list(range(50))


def test_file_that_cannot_be_written_is_named(home: Path) -> None:
    home.mkdir()
    os.mkfifo(home / "pipe")
    for path, reason in {"pipe": "No such device", ".": "Is a directory", "pipe/told": "File exists"}.items():
        with pytest.raises(DeliveryError, match=f"cannot be written: {reason}"):
            send(FileRoute(name="log", kind="file", path=path), home)


def test_standard_error_gets_a_line(home: Path) -> None:
    said: list[str] = []
    send(StderrRoute(name="here", kind="stderr"), home, says=said.append)
    assert said == ["copydesk: test of the route here. Nothing is wrong."]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # apprise tries for it
def test_apprise_delivers_to_the_services_it_knows(home: Path, receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONE", receiver.url.replace("http://", "json://"))
    route = AppriseRoute(name="phone", kind="apprise", url_env="PHONE")
    assert send(route, home) == "Apprise delivered it"
    [got] = receiver.received
    assert got.json["title"] == "copydesk: test of the route phone"
    receiver.will_answer(500)
    with pytest.raises(DeliveryError, match="Apprise could not deliver it"):
        send(route, home)
    monkeypatch.setenv("PHONE", "nonsense")
    with pytest.raises(DeliveryError, match="no URL that Apprise knows"):
        send(route, home)
