"""What tests of alerts and of the flow share: a server on loopback that notes what it is sent."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

LARGEST_BODY = 10_000_000

TABLES = {
    "records": "run_id, ingested_at",
    "record_articles": "article_id, run_id, decided_at",
    "articles": "article_id, run_id, decided_at, first_ingested_at, last_ingested_at",
    "article_fields": "article_id, run_id, decided_at",
    "spans": "",
    "record_evidence": "",
    "boilerplate_candidates": "run_id, proposed_at, decided_at",
    "ops.line_sightings": "",
    "ops.fingerprints": "",
    "ops.matches": "run_id",
    "ops.drops": "run_id, received_at, noted_at",
    "ops.quarantine": "run_id, quarantined_at, noted_at",
}
"""Tables, and what in them tells of runs, of times, and of what an article was called before."""


@pytest.fixture
def state_of(query: Callable[..., list[tuple[Any, ...]]]) -> Callable[[Path], dict[str, list[str]]]:
    """Give the rows of all tables of a home folder but for what tells of runs and times."""

    def read(home: Path) -> dict[str, list[str]]:
        columns = {table: f"* EXCLUDE ({others})" if others else "*" for table, others in TABLES.items()}
        return {table: sorted(map(str, query(f"SELECT {columns[table]} FROM {table}", home))) for table in TABLES}

    return read


@dataclass(frozen=True)
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server on loopback; `answers` are the next ones (status, body, headers), then 200 follows."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    is_hanging: bool = False
    is_echoing: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    def will_answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answers.append((status, body, headers))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers["Content-Length"]), LARGEST_BODY)
            found.received.append(Received(self.path, dict(self.headers), self.rfile.read(length)))
            if found.is_hanging:
                found.released.wait(60)
                return
            if found.is_echoing:
                found.will_answer(500, f"{self.path} {dict(self.headers)}".encode())
            status, body, headers = found.answers.pop(0) if found.answers else (200, b"ok", {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            found.released.set()
            server.shutdown()
            thread.join()
