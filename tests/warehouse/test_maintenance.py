"""Maintenance: fewer files, the same rows; what is still named by a snapshot or a published file is never removed."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from transforms.columns import Table
from transforms.ops_schema import DROPS, RUNS
from transforms.schema import RECORDS, STORED
from warehouse import maintenance
from warehouse.catalog_file import latest_snapshot
from warehouse.home import Home
from warehouse.lake import Lake, open_lake
from warehouse.maintenance import MaintenanceError, contents, expire, merge, orphans, remove_orphans
from warehouse.publish import publish
from warehouse.stored_tables import qualified_name

LATER = timedelta(days=365)
SNAPSHOTS = "SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('lake')"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "it's home")
    for folder in (home.lake, home.staging):
        folder.mkdir(parents=True)
    return home


def add(lake: Lake, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    path = lake.home.staging / "rows.parquet"
    pl.DataFrame(list(rows), schema=table.schema).write_parquet(path)
    lake.append({table.name: [path]}, message=f"add to {table.name}")


def add_days(lake: Lake, days: Iterable[int]) -> None:
    """Add a record a day, and a newer row of one drop."""
    for day in days:
        add(lake, RECORDS, [{"record_id": f"r_{day}", "headline": f"Day {day}", "body": f"It rained on day {day}."}])
        add(lake, DROPS, [{"source": "wire", "drop_sha256": None, "uri": "/a", "records_in": day}])


def shown(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as published:
        return published.execute(sql).fetchall()


def now() -> datetime:
    return datetime.now(UTC)


def test_small_files_become_one_and_rows_stay_the_same(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(10))
        before = contents(lake, RECORDS)
        [records, drops] = sorted(merge(lake), key=lambda merged: merged.table, reverse=True)
        assert (records.table, records.files_before, records.files_after) == ("records", 10, 1)
        assert (drops.table, drops.files_before, drops.files_after) == ("ops.drops", 10, 1)
        assert contents(lake, RECORDS) == before
        assert before.rows == 10
        assert merge(lake) == []
        publish(lake)
    assert shown(home, "SELECT count(DISTINCT body) FROM records") == [(10,)]
    assert shown(home, "SELECT records_in FROM ops.drops") == [(9,)]


def test_few_files_are_left_alone(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(maintenance.LEAST_FILES - 1))
        assert merge(lake) == []


def test_history_keeps_what_counts_and_what_is_newer_than_the_oldest_snapshot(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(6))
        expire(lake, before=now() + LATER, now=now())
        add_days(lake, range(6, 10))
        merge(lake)
        left = lake.query("SELECT records_in FROM ops.drops_history ORDER BY ALL").get_column("records_in").to_list()
    assert left == [6, 7, 8, 9]


@pytest.mark.long
def test_history_of_which_little_counts_is_written_again_however_large_its_files_are(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "SMALL_BYTES", 0)
    with open_lake(home) as lake:
        add_days(lake, range(4))
        expire(lake, before=now() + LATER, now=now())
        [merged] = merge(lake)
        assert (merged.table, merged.rows_superseded) == ("ops.drops", 3)
        assert lake.query("SELECT records_in FROM ops.drops_history").rows() == [(3,)]


def test_merge_that_would_lose_a_row_is_undone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite = maintenance.rewrite

    def forgetful(lake: Lake, table: Table, files: Sequence[Path], oldest: int) -> None:
        rewrite(lake, table, files[1:], oldest)
        lake.connection.execute(f"DELETE FROM {qualified_name(table)} WHERE filename = ?", [str(files[0])])

    with open_lake(home) as lake:
        add_days(lake, range(10))
        snapshot, before = latest_snapshot(home), contents(lake, RECORDS)
        monkeypatch.setattr(maintenance, "rewrite", forgetful)
        with pytest.raises(MaintenanceError, match="would hold"):
            merge(lake)
        assert (latest_snapshot(home), contents(lake, RECORDS)) == (snapshot, before)


def test_snapshot_stays_until_the_next_one_is_older_than_the_retention(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(2))
        times = dict(
            lake.connection.execute("SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('lake')").fetchall()
        )
        newest = max(times)
        assert expire(lake, before=times[newest], now=now()) == sorted(times)[:-2]
        assert expire(lake, before=times[newest] + timedelta(microseconds=1), now=now()) == [newest - 1]
        assert expire(lake, before=now() + LATER, now=now()) == []
        assert lake.query("SELECT count(*) FROM records").item() == 2


def test_snapshot_stays_though_its_successor_was_made_under_a_clock_of_long_ago(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(2))
    with closing(sqlite3.connect(home.catalog)) as catalog, catalog:
        newest = "(SELECT max(snapshot_id) FROM ducklake_snapshot)"
        earlier = "replace(snapshot_time, substr(snapshot_time, 1, 4), '2020')"
        catalog.execute(f"UPDATE ducklake_snapshot SET snapshot_time = {earlier} WHERE snapshot_id = {newest}")
    with open_lake(home) as lake:
        assert lake.query("SELECT year(min(snapshot_time)) FROM ducklake_snapshots('lake')").item() == 2020
        assert expire(lake, before=now() - LATER, now=now()) == []


def test_nothing_is_given_up_while_the_clock_is_wrong(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(2))
        with pytest.raises(MaintenanceError, match="set the clock"):
            expire(lake, before=now() + LATER, now=now() - LATER)
        assert lake.query("SELECT count(*) FROM ducklake_snapshots('lake')").item() == 6


def test_expiry_that_would_lose_a_file_is_undone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As DuckLake did to a table that had been altered (its issue 527)."""
    with open_lake(home) as lake:
        add_days(lake, range(2))
        held = iter([lake.data_files(RECORDS)])
        listed = Lake.data_files
        monkeypatch.setattr(
            Lake, "data_files", lambda lake, table: next(held, []) if table is RECORDS else listed(lake, table)
        )
        with pytest.raises(MaintenanceError, match="records would lose files"):
            expire(lake, before=now() + LATER, now=now())
        monkeypatch.undo()
        assert lake.query("SELECT count(*) FROM ducklake_snapshots('lake')").item() == 6


def test_altered_table_keeps_its_rows_when_snapshots_are_given_up(home: Home) -> None:
    """DuckLake's issue 527: rows written before a change of the table were lost with the snapshots before it."""
    with open_lake(home) as lake:
        add_days(lake, range(2))
        name = qualified_name(RUNS)
        lake.connection.execute(f"ALTER TABLE {name} RENAME COLUMN version TO release")
        lake.connection.execute(f"ALTER TABLE {name} RENAME COLUMN release TO version")
        lake.connection.execute("ALTER TABLE lake.main.records RENAME TO former")
        lake.connection.execute("ALTER TABLE lake.main.former RENAME TO records")
        add_days(lake, range(2, 4))
        expire(lake, before=now() + LATER, now=now())
        publish(lake)
        assert lake.query("SELECT count(*) FROM records").item() == 4
    assert remove_orphans(home, now=now()) == 0
    assert shown(home, "SELECT count(body) FROM records") == [(4,)]


def test_live_files_of_snapshots_that_are_gone_are_no_orphans(home: Home) -> None:
    """DuckLake's issue 815: its own removal took files for orphans whose first snapshot had expired."""
    with open_lake(home) as lake:
        add_days(lake, range(3))
        expire(lake, before=now() + LATER, now=now())
    moved = Home(home.root.with_name("linked"))
    moved.root.symlink_to(home.root)
    assert orphans(home, now=now()) == orphans(moved, now=now()) == []


@pytest.mark.long
def test_table_that_was_dropped_stops_no_merge_and_its_files_go_in_the_end(home: Home) -> None:
    """DuckLake's issue 956: files of a dropped table stayed without end, and merging failed on them."""
    with open_lake(home) as lake:
        lake.connection.execute("CREATE TABLE lake.main.former (number INTEGER)")
        for number in range(3):
            lake.connection.execute(f"INSERT INTO lake.main.former VALUES ({number})")
        lake.connection.execute("DROP TABLE lake.main.former")
        add_days(lake, range(10))
        assert [merged.table for merged in merge(lake)] == ["records", "ops.drops"]
        publish(lake)
    former = sorted((home.lake / "main" / "former").glob("*.parquet"))
    assert len(former) == 3
    assert orphans(home, now=now()) == []
    with open_lake(home) as lake:
        expire(lake, before=now() + LATER, now=now())
    remove_orphans(home, now=now())
    assert not [path for path in former if path.exists()]


def test_merged_files_stay_for_readers_of_kept_snapshots_and_go_after_them(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(10))
        publish(lake)
        reader = duckdb.connect(str(home.published), read_only=True)
        merge(lake)
        publish(lake)
    assert remove_orphans(home, now=now()) == 0
    assert reader.execute("SELECT count(body) FROM records").fetchall() == [(10,)]
    reader.close()
    with open_lake(home) as lake:
        expire(lake, before=now() + LATER, now=now())
    assert remove_orphans(home, now=now()) == 20
    assert shown(home, "SELECT count(body) FROM records") == [(10,)]
    with sqlite3.connect(home.catalog) as catalog:
        assert catalog.execute("SELECT count(*) FROM ducklake_files_scheduled_for_deletion").fetchall() == [(0,)]


def test_files_of_a_published_file_that_is_behind_stay(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(10))
        publish(lake)
        merge(lake)
        expire(lake, before=now() + LATER, now=now())
    assert remove_orphans(home, now=now()) == 0
    assert shown(home, "SELECT count(body) FROM records") == [(10,)]


@pytest.mark.long
def test_file_of_a_broken_off_commit_is_an_orphan(home: Home) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(1))
        publish(lake)
    stray = home.lake / "main" / "records" / "ducklake-stray.parquet"
    stray.write_bytes(b"half")
    assert orphans(home, now=now()) == [stray]
    assert remove_orphans(home, now=now()) == 1
    assert [path for table in STORED.values() for path in _files(home, table) if not path.exists()] == []


def _files(home: Home, table: Table) -> list[Path]:
    with open_lake(home) as lake:
        return lake.data_files(table)


@pytest.mark.parametrize("damaged", ["catalog", "published"])
def test_nothing_is_removed_where_nobody_knows_what_is_in_use(home: Home, damaged: str) -> None:
    with open_lake(home) as lake:
        add_days(lake, range(1))
        publish(lake)
    getattr(home, damaged).write_bytes(b"no database" * 1000)
    with pytest.raises(MaintenanceError, match="no file was removed"):
        orphans(home, now=now())
