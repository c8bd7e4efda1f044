"""Several at work on one home folder: all prepare beside each other, one writes, and what it changed is noticed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows import maintaining, steps
from flows.boilerplate import Verdict, decide
from flows.cli import DONE, FAILED
from flows.run import Request, Run, Summary, WritingRun
from flows.settings import load_settings
from warehouse.home import Home
from warehouse.lake import Lake, open_lake
from warehouse.maintenance import expire

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]

HOLD = """
import sys
from pathlib import Path
from warehouse.writer_lock import hold_writer_lock
with hold_writer_lock(Path(sys.argv[1]), purpose="a test"):
    print("held", flush=True)
    sys.stdin.readline()
"""
READ_ON = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as catalog:
    catalog.execute("BEGIN")
    catalog.execute("SELECT count(*) FROM ducklake_snapshot").fetchall()
    print("held", flush=True)
    sys.stdin.readline()
"""
FOOTER = "Printed on the island since 1911 by the same family."


@pytest.fixture
def drops(tmp_path: Path, a_record: Any, write_lines: Any) -> list[Path]:
    records = [[a_record(3 * drop + number) for number in range(3)] for drop in range(2)]
    return [write_lines(tmp_path / "wire" / f"{drop}.jsonl", of_drop) for drop, of_drop in enumerate(records)]


def ingest_command(home: Path, *drops: Path) -> list[str]:
    return [sys.executable, "-m", "flows", "ingest", *map(str, drops), "--home", str(home)]


@contextmanager
def held(program: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a lock on a file."""
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_second_run_parses_beside_a_writer_names_it_and_takes_over_when_it_dies(
    drops: list[Path], home: Path, ingest: Ingest, query: Query
) -> None:
    ingest(drops[0])
    with (
        held(HOLD, home / "writer.lock") as holder,
        subprocess.Popen(ingest_command(home, *drops), stderr=subprocess.PIPE, text=True) as waiting,
    ):
        assert waiting.stderr is not None
        said = next(line for line in waiting.stderr if "Waiting" in line)
        assert f"Waiting for process {holder.pid} " in said
        assert "a test" in said
        assert len(list(Home(home).staging.rglob("records-*.parquet"))) == 1
        assert len(list(Home(home).raw.rglob("*.zst"))) == 2
        holder.kill()
        waiting.communicate()
    assert waiting.returncode == DONE
    assert query("SELECT count(*), sum(records_loaded) FROM records, (FROM ops.drops LIMIT 1)")[0][0] == 6
    assert list(Home(home).staging.iterdir()) == []


@pytest.mark.long
def test_transaction_that_stays_open_on_the_catalog_ends_a_run_with_nothing_done(
    drops: list[Path], home: Path, ingest: Ingest, query: Query
) -> None:
    ingest(drops[0])
    with held(READ_ON, home / "catalog.sqlite"):
        refused = subprocess.run(ingest_command(home, *drops), check=False, capture_output=True, text=True)
        assert (refused.returncode, query("SELECT count(*) FROM records")) == (FAILED, [(3,)])
    assert "Another program has a transaction open on" in refused.stderr
    subprocess.run(ingest_command(home, *drops), check=True, capture_output=True)
    assert query("SELECT count(*) FROM records") == [(6,)]


@pytest.mark.long
def test_what_killed_runs_left_is_removed_only_where_no_run_is_at_work(
    drops: list[Path], home: Path, ingest: Ingest
) -> None:
    ingest(drops[0])
    left = [Home(home).staging / "run_killed" / "records.parquet", Home(home).raw / "ab" / ".abcd.zst.1.part"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    settings = load_settings(home=home)
    with steps.open_staging(Request(settings), steps.NOTHING_PLANNED):
        assert not any(path.exists() for path in left)
        for path in left:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"of one at work")
        ingest(drops[1])
        assert all(path.exists() for path in left)
    with steps.open_staging(Request(settings), steps.NOTHING_PLANNED):
        pass
    assert not any(path.exists() for path in left)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something be done when the next run has parsed, and does not hold the writer's lock yet."""

    def arrange(act: Callable[[], object]) -> None:
        write = steps.write

        @contextmanager
        def after_that(run: Run, **options: Any) -> Iterator[WritingRun]:
            monkeypatch.setattr(steps, "write", write)
            act()
            with write(run, **options) as writing:
                yield writing

        monkeypatch.setattr(steps, "write", after_that)

    return arrange


@pytest.mark.long
def test_drop_that_was_taken_in_meanwhile_is_not_taken_in_again(
    drops: list[Path], ingest: Ingest, query: Query, meanwhile: Any
) -> None:
    meanwhile(lambda: ingest(drops[0]))
    summary = ingest(*drops)
    assert (summary.drops, summary.records_in, summary.records_loaded) == (1, 3, 3)
    assert query("SELECT count(*), count(DISTINCT record_id) FROM records") == [(6, 6)]
    assert query("SELECT sum(records_loaded) FROM ops.drops") == [(6,)]
    assert query("SELECT count(*) FROM ops.runs") == [(2,)]


@pytest.mark.long
def test_all_that_was_taken_in_meanwhile_is_nothing_new(
    drops: list[Path], ingest: Ingest, query: Query, meanwhile: Any
) -> None:
    meanwhile(lambda: ingest(*drops))
    assert ingest(*drops).status == "nothing_new"
    assert query("SELECT count(*) FROM records") == [(6,)]


@pytest.mark.long
def test_line_that_was_accepted_meanwhile_is_removed(
    home: Path, ingest: Ingest, query: Query, meanwhile: Any, a_record: Any, write_lines: Any, tmp_path: Path
) -> None:
    def with_footer(number: int) -> Any:
        return a_record(number, body=f"{a_record(number)['body']}\n\n{FOOTER}")

    one, two = (write_lines(tmp_path / "wire" / f"{number}.jsonl", [with_footer(number)]) for number in range(2))
    ingest(one)
    meanwhile(lambda: decide(load_settings(home=home), Verdict("wire", (FOOTER,), "accepted")))
    ingest(two)
    assert query(f"SELECT count(*), count(*) FILTER (body LIKE '%{FOOTER}%') FROM records") == [(2, 0)]


@pytest.mark.long
def test_runs_of_several_processes_at_a_time_load_each_drop_once(home: Path, drops: list[Path], query: Query) -> None:
    running = [
        subprocess.Popen(ingest_command(home, *some), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for some in (drops, drops, drops[::-1])
    ]
    assert [process.wait(300) for process in running] == [DONE, DONE, DONE]
    assert query("SELECT count(*), count(DISTINCT record_id) FROM records") == [(6, 6)]
    assert query("SELECT source, count(*), sum(records_loaded) FROM ops.drops GROUP BY ALL") == [("wire", 2, 6)]


@pytest.mark.long
def test_what_maintenance_spills_is_not_cleared_away_by_a_run_that_begins_beside_it(
    drops: list[Path], home: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(drops[0])
    settings = load_settings(home=home)
    spilled = Home(home).staging / "spill" / "some.tmp"
    merge = maintaining.merge

    def merge_beside_a_run(lake: Lake) -> Any:
        spilled.parent.mkdir()
        spilled.write_bytes(b"rows")
        with steps.open_staging(Request(settings), steps.NOTHING_PLANNED):
            assert spilled.exists()
        return merge(lake)

    monkeypatch.setattr(maintaining, "merge", merge_beside_a_run)
    maintaining.maintain(settings)
    with steps.open_staging(Request(settings), steps.NOTHING_PLANNED):
        assert not spilled.exists()


READ_TWICE = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as warehouse:
    for _ in range(2):
        print(warehouse.execute("SELECT count(DISTINCT body) FROM records").fetchone()[0], flush=True)
        sys.stdin.readline()
"""


def test_maintenance_leaves_its_files_to_a_reader_of_what_was_published_too_late(
    drops: list[Path], home: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(drops[0])
    with open_lake(Home(home)) as lake, lake.commit("never published"):
        lake.connection.execute("DELETE FROM lake.main.records")
    monkeypatch.setattr(maintaining, "expire", lambda lake, *, before, now: expire(lake, before=now, now=now))  # noqa: ARG005 -- the retention is over
    command = [sys.executable, "-c", READ_TWICE, home / "warehouse.duckdb"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "3\n"
        assert maintaining.maintain(load_settings(home=home)).snapshots_expired > 0
        assert reader.communicate("go on\n")[0] == "3\n"


def test_maintenance_goes_on_after_it_waited_for_a_commit(drops: list[Path], home: Path, ingest: Ingest) -> None:
    ingest(drops[0])
    settings, waited = load_settings(home=home), []
    with held(HOLD, home / "writer.lock") as holder:

        def commit_and_end(_: object) -> None:
            if not waited:
                with open_lake(Home(home)) as lake, lake.commit("meanwhile"):
                    lake.connection.execute("DELETE FROM lake.main.records")
                holder.kill()
            waited.append(True)

        maintaining.maintain(settings, on_wait=commit_and_end)
    assert waited
