"""What the tests of several folders share: a home folder, records, and a run."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import steps
from flows.run import Request, Summary
from flows.settings import load_settings
from warehouse.home import Home

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

PROSE = "The council met on Tuesday and agreed to repair the old bridge before winter sets in."

ARecord = Callable[..., dict[str, Any]]
WriteLines = Callable[..., Path]
Ingest = Callable[..., Summary]
Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"{SHARED_DATA} is not there: real data is kept apart from the project")
    return SHARED_DATA


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="session")
def a_record() -> ARecord:
    """Build a healthy record; `number` makes its text one of its own."""

    def build(number: int = 0, **overrides: Any) -> dict[str, Any]:
        return {"headline": f"Bridge {number}", "body": f"{PROSE} This is report number {number}."} | overrides

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
