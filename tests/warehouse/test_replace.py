"""Rows that are replaced: the files that held them are left, and the published views need no delete files."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from transforms.schema import RECORDS, SPANS
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.publish import publish
from warehouse.replace import replace_rows

Stage = Callable[..., Path]


@pytest.fixture
def to_go(home: Home) -> Callable[..., Path]:
    """Write the ids of records to be replaced."""

    def write(*record_ids: str) -> Path:
        path = home.staging / "replaced.parquet"
        pl.DataFrame({"record_id": pl.Series(record_ids, dtype=pl.String)}).write_parquet(path)
        return path

    return write


def urls(lake: Lake) -> list[tuple[str, str]]:
    return sorted(lake.query("SELECT record_id, url FROM records").rows())


def fill(lake: Lake, stage: Stage, *, files: int) -> None:
    """Three records a file."""
    for number in range(files):
        rows = [{"record_id": f"r_{number}{position}", "url": "old"} for position in range(3)]
        lake.append({"records": [stage(RECORDS, *rows)]}, message="run")


def test_rows_are_replaced_and_all_others_stay(lake: Lake, stage: Stage, to_go: Callable[..., Path]) -> None:
    fill(lake, stage, files=3)
    untouched = lake.data_files(RECORDS)[1]
    new = [{"record_id": "r_01", "url": "new"}, {"record_id": "r_22", "url": "new"}]
    with lake.commit("replace"):
        replace_rows(lake, RECORDS, [stage(RECORDS, *new)], replaced=to_go("r_01", "r_22"))
    kept = [(f"r_{number}{position}", "old") for number in range(3) for position in range(3)]
    changed = {"r_01", "r_22"}
    assert urls(lake) == [(name, "new" if name in changed else url) for name, url in kept]
    assert untouched in lake.data_files(RECORDS), "a file without such rows is not written again"


def test_rows_that_go_from_many_files_leave_no_delete_file(
    lake: Lake, stage: Stage, to_go: Callable[..., Path]
) -> None:
    fill(lake, stage, files=4)
    with lake.commit("replace"):
        replace_rows(lake, RECORDS, [], replaced=to_go(*(f"r_{number}1" for number in range(4))))
    listed = lake.query("SELECT delete_file FROM ducklake_list_files('lake', 'records')")
    assert listed["delete_file"].null_count() == listed.height
    assert len(urls(lake)) == 8


def test_file_of_many_row_groups_is_left_whole(lake: Lake, stage: Stage, to_go: Callable[..., Path]) -> None:
    count = 30_000
    lake.append({"records": [stage(RECORDS, *({"record_id": f"r_{row}"} for row in range(count)))]}, message="run")
    with lake.commit("replace"):
        replace_rows(lake, RECORDS, [], replaced=to_go("r_7", f"r_{count - 1}"))
    lake.data_files(RECORDS)  # raises where there is a delete file
    assert lake.query("SELECT count(*), count(DISTINCT record_id) FROM records").row(0) == (count - 2, count - 2)


def test_rows_without_a_key_stay(lake: Lake, stage: Stage, to_go: Callable[..., Path]) -> None:
    lake.append({"records": [stage(RECORDS, {"url": "old"}, {"record_id": "r_1"})]}, message="run")
    with lake.commit("replace"):
        replace_rows(lake, RECORDS, [], replaced=to_go("r_1"))
    assert urls(lake) == [(None, "old")]


def test_what_fails_leaves_all_as_it_was(lake: Lake, stage: Stage, to_go: Callable[..., Path], home: Home) -> None:
    fill(lake, stage, files=1)
    before = (urls(lake), lake.data_files(RECORDS))

    def replace_and_fail() -> None:
        with lake.commit("replace"):
            replace_rows(lake, RECORDS, [], replaced=to_go("r_00"))
            lake.insert(SPANS, [home.staging / "absent.parquet"])

    with pytest.raises(duckdb.Error, match=r"absent\.parquet"):
        replace_and_fail()
    assert (urls(lake), lake.data_files(RECORDS)) == before


def test_session_that_has_the_published_file_open_reads_on(
    lake: Lake, stage: Stage, to_go: Callable[..., Path], home: Home
) -> None:
    fill(lake, stage, files=1)
    publish(lake)
    with duckdb.connect(str(home.published), read_only=True) as session:
        with lake.commit("replace"):
            replace_rows(lake, RECORDS, [stage(RECORDS, {"record_id": "r_00", "url": "new"})], replaced=to_go("r_00"))
        publish(lake)
        assert session.execute("SELECT count(*) FROM records WHERE url = 'old'").fetchall() == [(3,)]
    with duckdb.connect(str(home.published), read_only=True) as session:
        assert session.execute("SELECT count(*) FROM records WHERE url = 'old'").fetchall() == [(2,)]
