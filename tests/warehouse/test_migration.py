"""Homes of older versions are moved forward whole or not at all, and newer ones are left alone."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from transforms.ops_schema import RUNS
from transforms.schema import RECORDS
from warehouse import lake as lakes
from warehouse import migration
from warehouse.catalog_file import lake_state, latest_snapshot
from warehouse.errors import CatalogError, CatalogWholeError
from warehouse.history import views_at
from warehouse.home import Home
from warehouse.lake import open_lake, open_older_lake, read_lake
from warehouse.maintenance import MaintenanceError
from warehouse.migration import Migrated, migrate
from warehouse.publish import publish, published_state
from warehouse.stored_tables import qualified_name, tables_version

Stage = Callable[..., Path]


@pytest.fixture
def older(home: Home, stage: Stage) -> Home:
    """A home folder with two columns less, and three records in two files."""
    with open_lake(home) as lake:
        lake.append({"records": [stage(RECORDS, {"record_id": "r_0", "repairs": 3})]}, message="one")
        for table, column in ((RECORDS, "repairs"), (RECORDS, "flags"), (RUNS, "version")):
            lake.connection.execute(f"ALTER TABLE {qualified_name(table)} DROP COLUMN {column}")
        for number in (1, 2):
            lake.connection.execute(f"INSERT INTO lake.main.records (record_id) VALUES ('r_{number}')")
    return home


def test_new_columns_are_there_and_null_and_all_rows_stay(older: Home) -> None:
    with pytest.raises(CatalogError, match="Run copydesk migrate"), open_lake(older):
        pass
    with open_older_lake(older) as lake:
        done = sorted(migrate(lake), key=lambda migrated: migrated.table)
        publish(lake)
    assert done == [Migrated("ops.runs", ("version",), 0), Migrated("records", ("repairs", "flags"), 3)]
    with open_lake(older) as lake:
        assert lake.query("SELECT record_id, repairs, flags FROM records ORDER BY ALL").rows() == [
            (f"r_{number}", None, None) for number in range(3)
        ]
        snapshot = latest_snapshot(older)
        assert migrate(lake) == []
        assert latest_snapshot(older) == snapshot
        assert lake_state(older) == published_state(older)


def test_snapshot_from_before_a_column_is_not_shown(home: Home) -> None:
    with open_lake(home) as lake:
        lake.connection.execute(f"ALTER TABLE {qualified_name(RECORDS)} DROP COLUMN flags")
        lake.connection.execute("INSERT INTO lake.main.records (record_id) VALUES ('r_0')")
    before = latest_snapshot(home)
    with open_older_lake(home) as lake:
        migrate(lake)
    after = latest_snapshot(home)
    assert before is not None
    assert after is not None
    with views_at(home, after) as views, duckdb.connect(str(views)) as shown:
        assert shown.execute("SELECT record_id FROM records").fetchall() == [("r_0",)]
    with pytest.raises(CatalogError, match=f"Snapshot {before} cannot be shown"), views_at(home, before):
        pass


def test_migration_that_would_lose_a_row_is_undone(older: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(lake: Any, table: Any, files: Any) -> None:
        lake.connection.execute(f"DELETE FROM {qualified_name(table)} WHERE filename = ?", [str(files[0])])

    monkeypatch.setattr(migration, "rewrite", forgetful)
    snapshot = latest_snapshot(older)
    with pytest.raises(MaintenanceError, match="would not have its 3 rows"), open_older_lake(older) as lake:
        migrate(lake)
    assert latest_snapshot(older) == snapshot
    with pytest.raises(CatalogError, match="Run copydesk migrate"), open_lake(older):
        pass


def test_home_of_a_newer_version_is_refused_and_left_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_lake(home):
        pass
    assert tables_version(home) == lakes.TABLES_VERSION
    before = home.catalog.read_bytes()
    monkeypatch.setattr(lakes, "TABLES_VERSION", lakes.TABLES_VERSION - 1)
    for opened in (open_lake, open_older_lake, read_lake):
        with pytest.raises(CatalogError, match="made by a newer version"), opened(home):
            pass
    assert home.catalog.read_bytes() == before


def test_home_from_before_there_were_versions_gets_one(home: Home) -> None:
    with open_lake(home):
        pass
    sqlite3.connect(home.catalog).execute("PRAGMA user_version = 0").connection.close()
    assert tables_version(home) == 0
    with open_lake(home):
        pass
    assert tables_version(home) == lakes.TABLES_VERSION


def test_commit_that_was_broken_off_while_the_catalog_was_written_is_no_other_version(home: Home) -> None:
    """A journal that SQLite has to roll back first keeps a reader out, and no writer."""
    with open_lake(home):
        pass
    program = (
        "import os, signal, sqlite3, sys\n"
        "catalog = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "catalog.execute('PRAGMA cache_size = 1')\n"
        "catalog.execute('BEGIN')\n"
        "catalog.execute('CREATE TABLE half (content)')\n"
        'catalog.execute("INSERT INTO half VALUES (randomblob(1000000))")\n'
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, home.catalog], check=False)
    assert home.catalog.with_name(f"{home.catalog.name}-journal").exists()
    with pytest.raises(CatalogWholeError, match="was broken off; run copydesk publish"), read_lake(home):
        pass
    with open_lake(home) as lake:
        assert lake.query("SELECT count(*) FROM records").item() == 0
