"""What the tests of several folders share: a home folder, records, and a run."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import cli, steps
from flows.run import Request, Summary
from flows.settings import load_settings
from warehouse.home import Home
from warehouse.lake import open_lake

REPOSITORY = Path(__file__).parents[1]
DIE_AT = REPOSITORY / "tests" / "torture" / "die_at.py"
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

PROSE = "The council met on Tuesday and agreed to repair the old bridge before winter sets in."

ARecord = Callable[..., dict[str, Any]]
WriteLines = Callable[..., Path]
Ingest = Callable[..., Summary]
KillAt = Callable[..., None]
Copydesk = Callable[..., tuple[int, str, str]]
Query = Callable[[str], list[tuple[Any, ...]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is long where CI is set."""
    left_out = pytest.mark.skip(reason="long: make test runs it, unless CI is set")
    for item in items:
        if os.environ.get("CI") and item.get_closest_marker("long"):
            item.add_marker(left_out)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"{SHARED_DATA} is not there")  # others' texts, too many for the project, and not to be made up
    return SHARED_DATA


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of its own, which `mount -o remount` makes smaller, or read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")  # that takes a root user; others have tests with a limit on files
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def begin_with(home: Path) -> Callable[[Path], None]:
    """Make the home folder a copy of another one."""

    def copy(other: Path) -> None:
        shutil.copytree(other, home)
        with open_lake(Home(home)) as lake:
            steps.publish(lake)

    return copy


@pytest.fixture(scope="session")
def a_record() -> ARecord:
    """Build a healthy record; `number` makes its text one of its own."""

    def build(number: int = 0, **overrides: Any) -> dict[str, Any]:
        found = (
            f"Beam {number}a held, beam {number}b did not, post {number}c leaned over pier {number}d, and arch "
            f"{number}e of span {number}f was left to mason {number}g until the frost of year {number}h came and went."
        )
        body = f"{PROSE} {found} This is report number {number}."
        return {"headline": f"Bridge {number}", "body": body} | overrides

    return build


@pytest.fixture(scope="session")
def write_lines() -> WriteLines:
    """Write records as JSON Lines; text goes into the file as it is."""

    def write(path: Path, records: Iterable[Mapping[str, Any] | str]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records)
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return path

    return write


@pytest.fixture
def ingest(home: Path) -> Ingest:
    """Run an ingest in this process."""

    def run(*paths: Path, source: str | None = None, rehash: bool = False, into: Path | None = None) -> Summary:
        settings = load_settings(home=into or home)
        return steps.ingest(Request(settings, paths, source, rehash))

    return run


@pytest.fixture
def copydesk(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Copydesk:
    """Run a command line on the home folder of the test; return exit code, output and errors."""
    monkeypatch.setenv("COPYDESK_HOME", str(home))

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def query(home: Path) -> Query:
    """Query the published file with plain DuckDB."""

    def run(sql: str, of: Path | None = None) -> list[tuple[Any, ...]]:
        with duckdb.connect(str((of or home) / "warehouse.duckdb"), read_only=True) as published:
            return published.execute(sql).fetchall()

    return run


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Home:
    """A home folder with the sample drops in it."""
    home = tmp_path_factory.mktemp("samples")
    folders = tuple(path for path in sorted((repository / "seeds" / "drops").iterdir()) if path.is_dir())
    steps.ingest(Request(load_settings(home=home), folders))
    return Home(home)


@pytest.fixture
def kill_at() -> KillAt:
    """Run the program in a process that is killed at a point: module, function, before or after, and which call."""

    def run_and_die(point: tuple[str, str, str, int], *arguments: str | Path) -> None:
        command = [sys.executable, str(DIE_AT), *map(str, point), *map(str, arguments)]
        killed = subprocess.run(command, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    return run_and_die
