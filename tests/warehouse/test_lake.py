"""Stored tables: all rows of a commit or none, the newest row of a history, and a home folder that may move."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows import steps
from transforms.ops_schema import DROPS
from transforms.schema import RECORDS, SPANS, STORED
from warehouse.catalog_file import latest_snapshot
from warehouse.database import EXTENSIONS, extension_path, extension_versions, is_disk_full
from warehouse.errors import CatalogError, HomeNotWritableError
from warehouse.home import Home
from warehouse.lake import Lake, open_lake, read_lake
from warehouse.stored_tables import ROW_GROUP_RECORDS, ROW_GROUP_ROWS, stored_name

Stage = Callable[..., Path]


def test_extensions_come_from_their_wheels() -> None:
    assert all(extension_path(name) for name in EXTENSIONS)
    assert set(extension_versions()) == set(EXTENSIONS)


def test_new_lake_has_every_table_with_the_comments_of_the_schema(lake: Lake) -> None:
    commented = lake.query("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE database_name = 'lake'")
    found = {(table, column): comment for table, column, comment in commented.iter_rows()}
    expected = {
        (stored_name(table).rpartition(".")[2], column.name): column.comment
        for table in STORED.values()
        for column in table.columns
    }
    assert expected.items() <= found.items()


def test_home_of_an_older_version_is_refused_as_it_is(home: Home) -> None:
    with open_lake(home) as lake:
        lake.connection.execute("ALTER TABLE records DROP COLUMN repairs")
    with pytest.raises(CatalogError, match=r"records has no column 'repairs'.*copydesk migrate"), open_lake(home):
        pass


def test_appended_rows_are_there_with_the_commit_message(lake: Lake, stage: Stage, home: Home) -> None:
    before = latest_snapshot(home)
    lake.append({"records": [stage(RECORDS, {"record_id": "r_1", "flags": ["a", "b"]})]}, message="ingest run_1")
    assert lake.query("SELECT record_id, flags FROM records").rows() == [("r_1", ["a", "b"])]
    assert latest_snapshot(home) == (before or 0) + 1
    said = lake.query("SELECT author, commit_message FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC LIMIT 1")
    assert said.rows() == [("copydesk", "ingest run_1")]


def test_rows_are_those_of_the_last_commit(lake: Lake, stage: Stage) -> None:
    assert lake.rows(RECORDS).select("record_id", "flags").collect().rows() == []
    for name in ("r_1", "r_2"):
        lake.append({"records": [stage(RECORDS, {"record_id": name, "flags": ["a"]})]}, message=f"ingest {name}")
    assert lake.rows(RECORDS).collect().schema == RECORDS.schema
    lake.connection.execute("BEGIN")
    lake.insert(RECORDS, [stage(RECORDS, {"record_id": "r_3"})])
    found = lake.rows(RECORDS).filter(pl.col("record_id") != "r_1").select("record_id", "flags").collect()
    lake.connection.execute("ROLLBACK")
    assert found.rows() == [("r_2", ["a"])]


def test_append_that_fails_leaves_nothing_in_any_table(lake: Lake, stage: Stage, home: Home) -> None:
    before = latest_snapshot(home)
    staged = {"records": [stage(RECORDS, {"record_id": "r_1"})], "spans": [home.staging / "absent.parquet"]}
    with pytest.raises(duckdb.Error, match=r"absent\.parquet"):
        lake.append(staged, message="ingest run_1")
    assert lake.query("SELECT count(*) FROM records").item() == 0
    assert latest_snapshot(home) == before
    lake.append({"spans": [stage(SPANS, {"record_id": "r_1"})]}, message="ingest run_2")
    assert lake.query("SELECT count(*) FROM spans").item() == 1


def test_error_within_a_transaction_that_is_gone_already_is_the_one_that_is_told(lake: Lake) -> None:
    def fail() -> None:
        with lake.transaction():
            lake.connection.execute("ROLLBACK")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()


def test_row_of_the_highest_commit_counts_whatever_the_clock_said(lake: Lake, stage: Stage) -> None:
    key = {"source": "wire", "drop_sha256": "abc"}
    for commit_no, status in ((2, "loaded"), (1, "rejected")):
        row = key | {"uri": "/a", "commit_no": commit_no, "status": status}
        lake.append({"ops.drops": [stage(DROPS, row)]}, message="run")
    assert lake.latest(DROPS)["status"].to_list() == ["loaded"]


def test_files_are_zstd_and_no_row_lies_in_the_catalog(lake: Lake, stage: Stage, home: Home) -> None:
    lake.append({"records": [stage(RECORDS, {"record_id": "r_1"})]}, message="run")
    [path] = lake.data_files(RECORDS)
    assert path.is_relative_to(home.lake)
    codecs = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall()
    assert codecs == [("ZSTD",)]
    with sqlite3.connect(home.catalog) as catalog:
        inlined = "SELECT name FROM sqlite_master WHERE name LIKE 'ducklake_inlined_data%'"
        tables = [name for (name,) in catalog.execute(inlined) if name != "ducklake_inlined_data_tables"]
        assert all(catalog.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,) for name in tables)


def test_records_lie_in_smaller_row_groups_than_narrow_tables(lake: Lake, stage: Stage) -> None:
    for table in (RECORDS, SPANS):
        rows = [{"record_id": f"r_{number}"} for number in range(20_000)]
        lake.append({table.name: [stage(table, *rows)]}, message="ingest run_1")
    query = "SELECT max(row_group_num_rows) FROM parquet_metadata(?)"
    [records, spans] = [
        lake.query(query, [[str(path) for path in lake.data_files(table)]]).item() for table in (RECORDS, SPANS)
    ]
    assert records < 2 * ROW_GROUP_RECORDS < ROW_GROUP_ROWS <= spans


def test_home_folder_that_moved_is_read_and_written_where_it_lies_now(home: Home, stage: Stage, tmp_path: Path) -> None:
    staged = [stage(RECORDS, {"record_id": f"r_{number}"}) for number in range(2)]
    with open_lake(home) as lake:
        lake.append({"records": staged[:1]}, message="before")
    second = staged[1].rename(tmp_path / "second.parquet")
    moved = Home(Path(shutil.move(home.root, tmp_path / "moved")))
    with open_lake(moved) as lake:
        lake.append({"records": [second]}, message="after")
        assert lake.query("SELECT record_id FROM records ORDER BY record_id")["record_id"].to_list() == ["r_0", "r_1"]
        assert all(path.is_relative_to(moved.lake) for path in lake.data_files(RECORDS))
        assert lake.missing_files() == []


def test_missing_data_file_is_named(lake: Lake, stage: Stage) -> None:
    lake.append({"records": [stage(RECORDS, {"record_id": "r_1"})]}, message="run")
    [path] = lake.data_files(RECORDS)
    path.unlink()
    assert lake.missing_files() == [path]


def test_looking_changes_nothing(lake: Lake, stage: Stage, home: Home) -> None:
    lake.append({"records": [stage(RECORDS, {"record_id": "r_1"})]}, message="run")
    before = home.catalog.read_bytes()
    with read_lake(home) as looked_at:
        assert looked_at.missing_files() == []
        with pytest.raises(duckdb.Error, match="read-only"):
            looked_at.connection.execute("DELETE FROM records")
    assert home.catalog.read_bytes() == before


def test_rows_deleted_in_place_are_refused(lake: Lake, stage: Stage) -> None:
    rows = [{"record_id": f"r_{number}"} for number in range(3)]
    lake.append({"records": [stage(RECORDS, *rows)]}, message="run")
    lake.connection.execute("DELETE FROM records WHERE record_id = 'r_1'")
    with pytest.raises(CatalogError, match="deleted in place"):
        lake.data_files(RECORDS)


def test_snapshot_of_a_home_without_a_catalog_is_none(home: Home) -> None:
    assert latest_snapshot(home) is None


@pytest.mark.parametrize("damage", [b"not a database at all, though long enough to look at", b"SQLite format 3\0" * 40])
def test_damaged_catalog_is_named_with_what_to_do(damage: bytes, home: Home) -> None:
    home.catalog.write_bytes(damage)
    with pytest.raises(CatalogError, match=r"catalog\.sqlite cannot be read"):
        latest_snapshot(home)
    with pytest.raises(CatalogError, match=r"cannot be (opened|read)"), open_lake(home):
        pass


@pytest.mark.parametrize("size", ["100k", "200k"])
def test_catalog_for_which_there_is_no_room_is_not_called_damaged(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
    home = steps.prepare(Home(disk / "home"))
    with pytest.raises(HomeNotWritableError, match="make room"), open_lake(home):
        pass


def test_file_for_which_there_is_no_room_is_not_called_damaged(disk: Path) -> None:
    home = steps.prepare(Home(disk / "home"))
    with open_lake(home) as lake:
        rows = lake.query("SELECT uuid() AS text FROM range(100_000)")
    subprocess.run(["mount", "-o", "remount,size=1200k", disk], check=True)
    with pytest.raises(pl.exceptions.ComputeError) as raised, open_lake(home):
        rows.write_parquet(home.staging / "rows.parquet")
    assert is_disk_full(raised.value)


def test_frames_of_every_table_go_in_and_come_out_with_their_types(lake: Lake, stage: Stage) -> None:
    values: dict[pl.DataType, Any] = {
        pl.String(): "ünï 'quoted'",
        pl.List(pl.String()): ["a", ""],
        pl.Int64(): -1,
        pl.Float64(): 0.5,
        pl.Boolean(): True,
    }
    staged = {
        name: [stage(table, {column: values.get(dtype) for column, dtype in table.schema.items()})]
        for name, table in STORED.items()
    }
    lake.append(staged, message="run")
    for name, [path] in staged.items():
        stored = lake.query(f"SELECT * FROM {stored_name(STORED[name])}")
        assert stored.equals(pl.read_parquet(path)), name
