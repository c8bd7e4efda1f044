"""The published file: what any DuckDB client sees, and that it is whole."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from transforms.ops_schema import DROPS
from transforms.schema import ARTICLES, RECORDS, STORED
from warehouse.catalog_file import files_of_snapshot, lake_state, latest_snapshot
from warehouse.errors import CatalogError, NotPublishedError, WarehouseError
from warehouse.home import Home
from warehouse.lake import Lake, open_lake
from warehouse.maintenance import rewrite
from warehouse.publish import is_stale, publish, published_state, remove_leftovers
from warehouse.query import QueryError, read_published, run_query
from warehouse.views import read_views

Stage = Callable[..., Path]


def rows(home: Home, sql: str) -> list[tuple[Any, ...]]:
    """Ask plain DuckDB, with none of its extensions loaded by us."""
    with duckdb.connect(str(home.published), read_only=True) as published:
        return published.execute(sql).fetchall()


def append(lake: Lake, stage: Stage, record_id: str, **columns: Any) -> None:
    lake.append({"records": [stage(RECORDS, {"record_id": record_id} | columns)]}, message="run")


def test_empty_tables_are_published_with_their_types_and_comments(lake: Lake, home: Home) -> None:
    publish(lake)
    described = rows(home, "SELECT schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal")
    found = {f"{schema}.{name}".removeprefix("main."): comment for schema, name, comment in described}
    assert "codes" in found.pop("ops.reason_codes")
    assert found == {name: table.comment for name, table in STORED.items()} | {
        view.name: view.comment for view in read_views()
    }
    uncommented = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    assert rows(home, uncommented) == []
    types = dict(rows(home, "SELECT column_name, column_type FROM (DESCRIBE records)"))
    assert (types["flags"], types["ingested_at"], types["body_chars"]) == (
        "VARCHAR[]",
        "TIMESTAMP WITH TIME ZONE",
        "BIGINT",
    )
    assert types["extra"] == "JSON"
    assert all(rows(home, f"SELECT count(*) FROM {name}") == [(0,)] for name in STORED)


def test_history_shows_the_newest_row_of_a_key_without_its_commit(lake: Lake, stage: Stage, home: Home) -> None:
    for commit_no, status in ((1, "rejected"), (2, "loaded")):
        row = {"source": "wire", "drop_sha256": "abc", "uri": "/a", "commit_no": commit_no, "status": status}
        lake.append({"ops.drops": [stage(DROPS, row)]}, message="run")
    publish(lake)
    assert rows(home, "SELECT status FROM ops.drops") == [("loaded",)]
    assert rows(home, "SELECT column_name FROM duckdb_columns() WHERE column_name = 'commit_no'") == []


def test_the_files_of_every_snapshot_are_those_that_ducklake_names(lake: Lake, stage: Stage, home: Home) -> None:
    append(lake, stage, "r_1")
    append(lake, stage, "r_2")
    with lake.commit("written again"):
        rewrite(lake, RECORDS, lake.data_files(RECORDS))
    with lake.commit("a column more"):
        lake.connection.execute("ALTER TABLE lake.records ADD COLUMN later VARCHAR")
    append(lake, stage, "r_3")
    newest = latest_snapshot(home) or 0
    for at in range(1, newest + 1):
        of_catalog = files_of_snapshot(home, at)
        listed = lake.query(f"SELECT data_file FROM ducklake_list_files('lake', 'records', snapshot_version => {at})")
        assert [str(path) for path in of_catalog.get("main.records", [])] == sorted(listed["data_file"])
    assert [len(files_of_snapshot(home, at)["main.records"]) for at in (newest - 3, newest)] == [2, 2]


def test_rows_deleted_in_place_are_refused(lake: Lake, stage: Stage) -> None:
    lake.append({"records": [stage(RECORDS, {"record_id": "r_1"}, {"record_id": "r_2"})]}, message="run")
    lake.connection.execute("DELETE FROM lake.records WHERE record_id = 'r_1'")
    with pytest.raises(CatalogError, match="deleted in place"):
        publish(lake)


def test_article_has_the_body_of_its_canonical_record(lake: Lake, stage: Stage, home: Home) -> None:
    append(lake, stage, "r_1", body="One.")
    append(lake, stage, "r_2", body="Two.")
    article = {"article_id": "a_1", "canonical_record_id": "r_2", "commit_no": 1}
    lake.append({"articles": [stage(ARTICLES, article)]}, message="run")
    publish(lake)
    assert rows(home, "SELECT article_id, body FROM articles") == [("a_1", "Two.")]


def test_extra_can_be_asked_for_its_fields(lake: Lake, stage: Stage, home: Home) -> None:
    append(lake, stage, "r_1", extra='{"section": {"name": "Politics"}}')
    publish(lake)
    assert rows(home, "SELECT extra->'section'->>'name' FROM records") == [("Politics",)]


def test_open_session_keeps_its_snapshot_and_the_next_one_sees_the_next(lake: Lake, stage: Stage, home: Home) -> None:
    append(lake, stage, "r_1")
    publish(lake)
    count = "SELECT count(*) FROM records"
    with duckdb.connect(str(home.published), read_only=True) as session:
        append(lake, stage, "r_2")
        assert session.execute(count).fetchone() == (1,)
        assert is_stale(home)
        publish(lake)
        assert session.execute(count).fetchone() == (1,)
        session.close()
    assert rows(home, count) == [(2,)]
    assert not is_stale(home)
    assert published_state(home) == lake_state(home)


def test_published_file_is_replaced_and_never_written_to(lake: Lake, stage: Stage, home: Home) -> None:
    """Or else a reader might open half of it."""
    publish(lake)
    with home.published.open("rb") as opened:
        before = home.published.read_bytes()
        append(lake, stage, "r_1")
        publish(lake)
        assert opened.read() == before
    assert home.published.read_bytes() != before


LIMITED = """
import resource, sys
from pathlib import Path
from warehouse.home import Home
from warehouse.lake import open_lake
from warehouse.publish import publish
with open_lake(Home(Path(sys.argv[1]))) as lake:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    publish(lake)
"""


@pytest.mark.parametrize("limit", [0, 4096, 50_000, 200_000])
def test_disk_that_is_full_leaves_the_published_file_as_it_was(
    lake: Lake, stage: Stage, home: Home, limit: int
) -> None:
    """With 200,000 bytes there is room for the log of what is written, and none for what comes of it."""
    publish(lake)
    before = home.published.read_bytes()
    append(lake, stage, "r_1")
    lake.connection.close()
    command = [sys.executable, "-c", LIMITED, str(home.root), str(limit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "HomeNotWritableError" in done.stderr.splitlines()[-1]
    assert home.published.read_bytes() == before
    assert list(home.root.glob(".warehouse*")) == []


def test_file_names_with_quotes_are_no_way_out_of_the_view(tmp_path: Path, stage: Stage, home: Home) -> None:
    staged = stage(RECORDS, {"record_id": "r_1"})
    odd = Home(tmp_path / "it's; --")
    shutil.copytree(home.root, odd.root)
    with open_lake(odd) as lake:
        lake.append({"records": [staged]}, message="run")
        publish(lake)
    assert rows(odd, "SELECT record_id FROM records") == [("r_1",)]


def test_moved_home_is_stale_until_it_is_published_anew(lake: Lake, stage: Stage, home: Home, tmp_path: Path) -> None:
    append(lake, stage, "r_1")
    publish(lake)
    lake.connection.close()
    moved = Home(Path(shutil.move(home.root, tmp_path / "moved")))
    assert published_state(moved) is None
    assert is_stale(moved)
    with open_lake(moved) as reopened:
        publish(reopened)
    assert rows(moved, "SELECT record_id FROM records") == [("r_1",)]


def test_damaged_published_file_is_stale_and_named(lake: Lake, home: Home) -> None:
    publish(lake)
    home.published.write_bytes(b"not DuckDB")
    assert is_stale(home)
    with pytest.raises(WarehouseError, match="copydesk publish"):
        read_published(home, "SELECT 1")


def test_half_made_files_of_a_killed_writer_go(lake: Lake, home: Home) -> None:
    publish(lake)
    (home.root / ".warehouse.duckdb.4711.part").write_bytes(b"half")
    (home.root / ".warehouse.duckdb.4711.part.wal").write_bytes(b"half")
    publish(lake)
    assert home.published.exists()
    assert remove_leftovers(home) == 0


def test_query_streams_rows_with_names_and_types(lake: Lake, home: Home) -> None:
    publish(lake)
    with run_query(home, "SELECT range AS number, 'x' AS letter FROM range(2500)") as result:
        assert result.columns == ["number", "letter"]
        assert result.types == ["BIGINT", "VARCHAR"]
        assert sum(1 for _ in result.rows) == 2500


def test_query_writes_nothing(lake: Lake, home: Home) -> None:
    publish(lake)
    target = home.root / "out.csv"
    copying = f"COPY (SELECT 1) TO '{target}'"
    for sql in (
        *("CREATE TABLE t (a INT)", "SET threads = 1", "SELECT 1; SELECT 2"),
        *(copying, f"EXPLAIN ANALYZE {copying}", f"explain (format json) {copying}", f"/* */ EXPLAIN {copying}"),
        "CREATE TEMP TABLE t AS SELECT 1; SELECT * FROM t",
    ):
        with pytest.raises(QueryError, match="Only one query that reads"), run_query(home, sql):
            pass
    assert not target.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "FROM records",
        "DESCRIBE records",
        "SHOW ALL TABLES",
        "EXPLAIN SELECT 1",
        "explain analyze from records",
        "PIVOT (SELECT 1 AS a) ON a USING sum(a)",
    ],
)
def test_every_way_of_asking_is_a_query(sql: str, lake: Lake, home: Home) -> None:
    publish(lake)
    with run_query(home, sql) as result:
        list(result.rows)


@pytest.mark.parametrize(("sql", "said"), [("", "empty"), ("  -- nothing", "empty"), ("SELEC 1", "syntax error")])
def test_query_that_cannot_run_says_why(sql: str, said: str, lake: Lake, home: Home) -> None:
    publish(lake)
    with pytest.raises(QueryError, match=said), run_query(home, sql):
        pass


def test_home_without_a_published_file_names_the_command_that_makes_one(home: Home) -> None:
    with pytest.raises(NotPublishedError, match="copydesk ingest"):
        read_published(home, "SELECT 1")


def test_times_are_shown_in_utc(lake: Lake, home: Home) -> None:
    publish(lake)
    shown = read_published(home, "SELECT TIMESTAMPTZ '2026-01-01 12:00:00+02'::VARCHAR AS at")
    assert shown.item() == "2026-01-01 10:00:00+00"
