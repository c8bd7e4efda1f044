"""The catalog as a file: what is changed in it by hand is changed whole, or not at all and said."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from warehouse import catalog_file
from warehouse.catalog_file import change_catalog, check_not_lost, compact_catalog, lake_state, refresh_statistics
from warehouse.errors import CatalogError, CatalogWholeError
from warehouse.home import Home
from warehouse.lake import open_lake
from warehouse.stored_tables import TABLES_VERSION
from warehouse.swap import settle


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for folder in (home.lake, home.staging):
        folder.mkdir(parents=True)
    with open_lake(home):
        return home


@pytest.mark.parametrize("change", [refresh_statistics, partial(compact_catalog, at_any_share=True)])
def test_catalog_that_another_program_keeps_locked_is_said_in_a_sentence(
    change: Callable[[Home], object], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(home.catalog)) as other:
        monkeypatch.setattr(catalog_file.sqlite3, "connect", partial(sqlite3.connect, timeout=0))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogError, match=r"Another program has a transaction open on .*catalog\.sqlite"):
            change(home)
        other.execute("ROLLBACK")
        change(home)


def test_catalog_that_is_locked_is_neither_damaged_nor_replaced(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(home.catalog)) as other:
        monkeypatch.setattr(catalog_file.sqlite3, "connect", partial(sqlite3.connect, timeout=0))
        other.execute("BEGIN EXCLUSIVE")
        for ask in (lake_state, settle):
            with pytest.raises(CatalogWholeError, match="Another program has a transaction open"):
                ask(home)
        other.execute("ROLLBACK")
    assert settle(home)


def test_catalog_of_a_newer_version_is_not_replaced(home: Home) -> None:
    with change_catalog(home) as catalog:
        catalog.execute(f"PRAGMA user_version = {TABLES_VERSION + 1}")
    with pytest.raises(CatalogWholeError, match="newer version"):
        settle(home)


def test_catalog_that_is_gone_is_lost_whatever_lies_beside_it(home: Home) -> None:
    (home.lake / "rows.parquet").touch()
    home.catalog.with_name(f"{home.catalog.name}-journal").touch()
    check_not_lost(home)
    home.catalog.unlink()
    with pytest.raises(CatalogError, match="gone or empty"):
        check_not_lost(home)


def test_change_that_fails_is_undone(home: Home) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), change_catalog(home) as catalog:
        catalog.executescript("BEGIN; DELETE FROM ducklake_table; DELETE FROM no_table")
    with change_catalog(home) as catalog:
        assert catalog.execute("SELECT count(*) > 0 FROM ducklake_table").fetchall() == [(1,)]
