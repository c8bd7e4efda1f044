"""What the tests of this folder share: a home folder with a lake in it, and rows staged for its tables."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from transforms.columns import Table
from warehouse.home import Home
from warehouse.lake import Lake, open_lake

ARow = Callable[..., pl.DataFrame]
Stage = Callable[..., Path]


def make_folders(root: Path) -> Home:
    home = Home(root)
    for folder in (home.landing, home.raw, home.lake, home.staging):
        folder.mkdir(parents=True)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home folder in which nothing has happened yet."""
    return make_folders(tmp_path / "home")


@pytest.fixture(scope="session")
def new_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalog of a lake whose tables are empty."""
    home = make_folders(tmp_path_factory.mktemp("template") / "home")
    with open_lake(home):
        return home.catalog


@pytest.fixture
def lake(home: Home, new_catalog: Path) -> Iterator[Lake]:
    """An open lake with empty tables; copying a catalog spares making them for each test."""
    shutil.copy(new_catalog, home.catalog)
    with open_lake(home) as lake:
        yield lake


@pytest.fixture(scope="session")
def rows_of() -> ARow:
    """Build rows of a stored table from the columns that matter; all others are null."""

    def build(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
        return pl.DataFrame([dict.fromkeys(table.schema.names()) | row for row in rows], schema=table.schema)

    return build


@pytest.fixture
def stage(home: Home, rows_of: ARow) -> Stage:
    """Write rows of a stored table to a file that can be appended to the lake."""
    numbers = count()

    def write(table: Table, *rows: dict[str, Any]) -> Path:
        path = home.staging / f"{table.name}-{next(numbers)}.parquet"
        rows_of(table, *rows).write_parquet(path)
        return path

    return write
