"""Damage of all kinds: it is named, what can be mended is, and the last published state stays readable."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, FAILED, WRONG_USAGE
from flows.run import Summary
from flows.store_cli import NAMED
from transforms.schema import RECORDS
from warehouse.errors import CatalogError
from warehouse.home import Home
from warehouse.lake import Lake, open_lake
from warehouse.maintenance import expire, rewrite
from warehouse.raw_store import RawStore
from warehouse.replace import replace_rows

Copydesk = Callable[..., tuple[int, str, str]]
Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]

COUNTS = "SELECT (SELECT count(*) FROM records), (SELECT sum(records_loaded) FROM ops.drops)"


@pytest.fixture
def drops(tmp_path: Path, a_record: Any, write_lines: Any) -> list[Path]:
    return [write_lines(tmp_path / "wire" / f"{number}.jsonl", [a_record(number)]) for number in range(2)]


def stored(home: Path) -> list[Path]:
    return sorted((home / "raw").rglob("*.zst"))


def test_bytes_that_are_gone_or_damaged_come_again_from_where_they_were_delivered(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk
) -> None:
    ingest(*drops)
    gone, damaged = stored(home)
    gone.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-4])
    code, output, _ = copydesk("doctor")
    assert (code, "the bytes of 1 drops are gone" in output) == (FAILED, True)
    code, output, _ = copydesk("doctor", "--repair")
    assert (code, output.count("were stored again from")) == (DONE, 2)
    for path in stored(home):
        RawStore(Home(home).raw).check(path.stem)
    assert "mended" not in copydesk("doctor", "--repair")[1]


def test_a_bit_that_rots_in_a_data_file_is_found_before_anything_is_made_of_it(
    drops: list[Path], home: Path, tmp_path: Path, ingest: Ingest, copydesk: Copydesk, query: Query
) -> None:
    ingest(*drops)
    assert copydesk("doctor", "--repair")[0] == DONE
    [victim] = (home / "lake").rglob("records/*.parquet")
    whole = bytearray(victim.read_bytes())
    whole[len(whole) // 3] ^= 1
    victim.write_bytes(whole)
    code, output, _ = copydesk("doctor", "--repair")
    assert (code, f"{victim} is damaged" in output, "copydesk rebuild" in output) == (FAILED, True, True)
    code, _, errors = copydesk("backup", tmp_path / "backup")
    assert (code, f"{victim} is damaged" in errors) == (NAMED, True)
    with open_lake(Home(home)) as lake:
        for write_again in (partial(rewrite, lake, RECORDS, [victim]), partial(_replace_all, lake, tmp_path / "ids")):
            with pytest.raises(CatalogError, match="is damaged"), lake.commit("written again"):
                write_again()
        assert lake.data_files(RECORDS) == [victim]
    assert copydesk("rebuild")[0] == DONE
    assert copydesk("doctor", "--repair")[0] == DONE
    assert query(COUNTS) == [(2, 2)]


def _replace_all(lake: Lake, replaced: Path) -> None:
    lake.query("SELECT record_id FROM records").write_parquet(replaced)
    replace_rows(lake, RECORDS, [], replaced=replaced)


def test_a_data_file_that_is_cut_is_named_and_stops_no_repair_of_drops(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk
) -> None:
    ingest(*drops)
    for path in (home / "lake").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-1])
    for command in (("doctor",), ("doctor", "--repair")):
        code, output, _ = copydesk(*command)
        assert (code, "have not the size that they had" in output, "Traceback" in output) == (FAILED, True, False)
    assert "drops were not looked at" in output
    for asked in (
        ("sql", "SELECT * FROM records"),
        ("status",),
        ("quarantine", "list"),
        ("ingest", drops[0], "--rehash"),
    ):
        code, _, errors = copydesk(*asked)
        assert (code, "A data file is damaged" in errors, "copydesk rebuild" in errors) == (FAILED, True, True), asked
    assert copydesk("rebuild")[0] == DONE
    assert copydesk("doctor")[0] == DONE


def test_a_file_in_the_place_of_the_index_and_a_folder_in_that_of_the_lock_are_named(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk, query: Query
) -> None:
    home.mkdir()
    (home / "search").write_text("somebody's")
    ingest(*drops)
    assert query(COUNTS) == [(2, 2)]
    assert len(list((home / "journal").iterdir())) == 1
    for command in (("doctor",), ("doctor", "--repair")):
        code, output, _ = copydesk(*command)
        assert (code, f"{home / 'search'} is no folder" in output) == (FAILED, True)
    (home / "search").unlink()
    (home / "search").symlink_to("nowhere")
    code, _, errors = copydesk("search", "bridge")
    assert (code, f"{home / 'search'} is no folder" in errors, "move it away" in errors) == (WRONG_USAGE, True, True)
    assert f"{home / 'search'} is no folder" in copydesk("doctor")[1]
    (home / "search").unlink()
    assert copydesk("publish")[0] == DONE
    assert copydesk("doctor")[0] == DONE
    (home / "writer.lock").unlink()
    (home / "writer.lock").mkdir()
    for command in (("doctor",), ("ingest", drops[0], "--rehash"), ("maintain",)):
        code, output, errors = copydesk(*command)
        assert (code, f"{home / 'writer.lock'} is a folder" in output + errors) == (FAILED, True), command
    (home / "staging.lock").unlink()
    (home / "writer.lock").rename(home / "staging.lock")
    for command in (("doctor",), ("ingest", drops[0], "--rehash")):
        code, output, errors = copydesk(*command)
        assert (code, f"{home / 'staging.lock'} is a folder" in output + errors) == (FAILED, True), command


def test_a_pipe_where_a_drop_lay_is_not_waited_for(drops: list[Path], home: Path, ingest: Ingest) -> None:
    ingest(drops[0])
    [kept] = stored(home)
    kept.unlink()
    drops[0].unlink()
    os.mkfifo(drops[0])
    command = [sys.executable, "-m", "flows", "doctor", "--repair", "--home", home]
    mended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (mended.returncode, "lost" in mended.stdout) == (FAILED, True)


@pytest.mark.long
def test_bytes_that_lie_nowhere_any_more_are_lost_by_name(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk, query: Query
) -> None:
    ingest(*drops)
    victim = stored(home)[0]
    victim.write_bytes(b"rubbish")
    for drop in drops:
        drop.write_text("something else")
    code, output, _ = copydesk("doctor", "--repair")
    assert (code, f"lost   raw store: {victim}" in output) == (FAILED, True)
    assert query(COUNTS) == [(2, 2)]


@pytest.mark.long
def test_ledger_that_is_gone_is_written_again(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk
) -> None:
    ingest(*drops)
    [first, second] = sorted((home / "raw").rglob("*.json"))
    before = RawStore(home / "raw").deliveries(first.stem)
    first.unlink()
    second.write_text('[{"source"')
    assert copydesk("doctor", "--repair")[1].count("has wire again") == 2
    assert RawStore(home / "raw").deliveries(first.stem) == before


@pytest.mark.parametrize(
    "damage", [b"", pytest.param(b"rubbish" * 1000, marks=pytest.mark.long), pytest.param(None, marks=pytest.mark.long)]
)
def test_published_file_is_made_anew(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk, query: Query, damage: bytes | None
) -> None:
    ingest(*drops)
    (home / "warehouse.duckdb").unlink()
    if damage is not None:
        (home / "warehouse.duckdb").write_bytes(damage)
    assert copydesk("doctor")[0] == FAILED
    code, output, _ = copydesk("doctor", "--repair")
    assert (code, "was made anew" in output) == (DONE, True)
    assert query(COUNTS) == [(2, 2)]


def test_leftovers_and_orphans_go(drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk) -> None:
    ingest(*drops)
    left = [
        home / "staging" / "run_killed" / "records.parquet",
        home / "raw" / "ab" / ".abcd.zst.77.part",
        home / ".warehouse.duckdb.77.part",
        home / "lake" / "main" / "records" / "ducklake-broken-off.parquet",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    (home / "known_files.parquet").write_bytes(b"rubbish")
    code, output, _ = copydesk("doctor", "--repair")
    assert (code, output.count("mended")) == (DONE, 4)
    assert [path for path in left if path.exists()] == []
    assert ingest(*drops).status == "nothing_new"


def test_damaged_catalog_is_named_and_readers_read_on(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk, query: Query
) -> None:
    ingest(drops[0])
    catalog = home / "catalog.sqlite"
    kept = catalog.read_bytes()
    catalog.write_bytes(b"rubbish" * 1000)
    for command in (("ingest", drops[1]), ("doctor", "--repair"), ("maintain",), ("publish",)):
        code, _, errors = copydesk(*command)
        assert (code, str(catalog) in errors) == (FAILED, True), command
        assert "restore it from a backup" in errors
    assert query(COUNTS) == [(1, 1)]
    assert [copydesk(*command)[0] for command in (("search", "harbour"), ("status",))] == [DONE, DONE]
    checked = copydesk("doctor")[1]
    assert [checked.count(words) for words in ("cannot be told", "Mend the catalog first", "alerts")] == [3, 3, 1]
    catalog.write_bytes(kept)
    assert ingest(drops[1]).records_loaded == 1


@pytest.mark.parametrize("content", [None, *(pytest.param(left, marks=pytest.mark.long) for left in (b"", b"x"))])
def test_catalog_that_is_gone_or_empty_is_never_begun_anew_beside_data(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk, query: Query, content: bytes | None
) -> None:
    ingest(drops[0])
    catalog, files = home / "catalog.sqlite", sorted((home / "lake").rglob("*.parquet"))
    kept = catalog.read_bytes()
    catalog.unlink()
    if content is not None:
        catalog.write_bytes(content)
    for command in (
        *(("ingest", drops[1]), ("maintain",), ("history",), ("publish",), ("backup", home.with_name("kept"))),
        ("retract", "r_0_0", "--reason", "as asked"),
    ):
        code, _, errors = copydesk(*command)
        assert (code, "restore it from a backup" in errors) == (FAILED, True), command
    assert sorted((home / "lake").rglob("*.parquet")) == files
    assert query(COUNTS) == [(1, 1)]
    catalog.write_bytes(kept)
    assert ingest(drops[1]).records_loaded == 1


@pytest.mark.long
def test_note_of_a_withdrawal_that_cannot_be_read_stops_no_repair(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk
) -> None:
    for drop in drops:
        ingest(drop)
    first, second = sorted((home / "raw").rglob("*.zst"))
    first.with_suffix(".redacted").write_bytes(b"")
    second.unlink()
    code, output, _ = copydesk("doctor", "--repair")
    assert code == FAILED
    assert ".redacted cannot be read" in output
    assert f"the bytes of {second.stem[:12]} were stored again" in output


@pytest.mark.long
def test_drop_that_the_journal_has_lost_is_named_by_doctor(
    drops: list[Path], home: Path, ingest: Ingest, copydesk: Copydesk
) -> None:
    for drop in drops:
        ingest(drop)
    with open_lake(Home(home)) as lake:
        assert expire(lake, before=datetime.now(UTC), now=datetime.now(UTC))
    assert "every drop of the tables stands in one" in copydesk("doctor")[1]
    min((home / "journal").iterdir()).unlink()
    code, output, _ = copydesk("doctor")
    assert (code, "1 drops stand in no entry" in output) == (FAILED, True)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from flows.cli import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("limit", [500, *(pytest.param(limit, marks=pytest.mark.long) for limit in (20_000, 150_000))])
def test_full_disk_is_said_and_loses_nothing(
    home: Path, ingest: Ingest, query: Query, tmp_path: Path, a_record: Any, write_lines: Any, limit: int
) -> None:
    """A limit on the size of a file is met as a full disk is: in the middle of a write."""
    first = write_lines(tmp_path / "wire" / "first.jsonl", [a_record(9_000)])
    ingest(first)
    large = write_lines(tmp_path / "wire" / "large.jsonl", map(a_record, range(2_000)))
    command = [sys.executable, "-c", LIMITED, str(limit), "ingest", str(large), "--home", str(home)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == FAILED, done.stderr
    assert "Traceback" not in done.stderr
    assert query(COUNTS) == [(1, 1)]
    ingest(large)
    assert query(COUNTS) == [(2_001, 2_001)]
