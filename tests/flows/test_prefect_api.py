"""Which Prefect API is configured, and whether it answers."""

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.prefect_api import configured_api, is_answering

URL = "http://127.0.0.1:4200/api"


@pytest.fixture(autouse=True)
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place and an environment in which no API is configured; returns the folder of the profiles."""
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prefect").mkdir()
    return tmp_path / "prefect"


def test_nothing_is_configured_by_default() -> None:
    assert configured_api() is None


def test_environment_beats_files_and_files_beat_the_active_profile(
    unconfigured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = 'active = "desk"\n[profiles.desk]\nPREFECT_API_URL = "http://profile/api"\n[profiles.other]\n'
    (unconfigured / "profiles.toml").write_text(profiles)
    assert configured_api() == "http://profile/api"
    Path("pyproject.toml").write_text('[tool.prefect.api]\nurl = "http://pyproject/api"\n')
    assert configured_api() == "http://pyproject/api"
    Path("prefect.toml").write_text('[api]\nurl = "http://file/api"\n')
    assert configured_api() == "http://file/api"
    monkeypatch.setenv("PREFECT_API_URL", f"{URL}/")
    assert configured_api() == URL


def test_named_profile_beats_the_active_one(unconfigured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (unconfigured / "profiles.toml").write_text(
        'active = "desk"\n[profiles.desk]\nPREFECT_API_URL = "http://desk/api"\n[profiles.ephemeral]\n'
    )
    monkeypatch.setenv("PREFECT_PROFILE", "ephemeral")
    assert configured_api() is None


def test_damaged_files_configure_nothing(unconfigured: Path) -> None:
    (unconfigured / "profiles.toml").write_text("active = ")
    Path("prefect.toml").write_bytes(b"\xff\xfe")
    assert configured_api() is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/api", "http://a b/api", "file:///etc/passwd", "http://[", "nonsense"]
)
def test_what_is_no_api_does_not_answer(url: str) -> None:
    assert not is_answering(url)


def test_a_server_that_speaks_no_http_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        greeting = threading.Thread(target=greet)
        greeting.start()
        assert not is_answering(f"http://127.0.0.1:{server.getsockname()[1]}/api")
        greeting.join()


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str | None]]]:
    """A server that is well if it is asked with the right credentials; its URL, and the credentials it was shown."""
    shown: list[str | None] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers["Authorization"])
            self.send_response(200 if self.path == "/api/health" and shown[-1] != "Bearer wrong" else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api", shown
        server.shutdown()
        thread.join()


def test_credentials_are_shown(asked: tuple[str, list[str | None]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, shown = asked
    assert is_answering(url)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "desk:secret")
    assert is_answering(url)
    monkeypatch.setenv("PREFECT_API_KEY", "wrong")
    assert not is_answering(url)
    assert shown == [None, f"Basic {base64.b64encode(b'desk:secret').decode()}", "Bearer wrong"]
