"""Isolation: another process reads with plain DuckDB while runs go on."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from flows.run import Summary

Ingest = Callable[..., Summary]

RUNS = 4
RECORDS = 40

# Opens the published file again and again until told to stop, and prints what it saw, one line of JSON per opening.
READER = """
import json, select, sys, time
import duckdb
config = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    started = time.perf_counter()
    with duckdb.connect(sys.argv[1], read_only=True, config=config) as published:
        counts = [published.execute(sql).fetchone()[0] for sql in sys.argv[2:]]
    print(json.dumps([counts, time.perf_counter() - started]), flush=True)
"""

RECORDS_BY_TABLE = (
    "SELECT count(*) FROM records",
    "SELECT count(*) FROM record_articles",
    "SELECT sum(record_count) FROM articles",
    "SELECT sum(records_loaded) FROM ops.drops",
    "SELECT sum(records_loaded) FROM ops.runs",
    "SELECT count(*) FROM records JOIN record_articles USING (record_id) JOIN articles USING (article_id)",
)


def test_reader_in_another_process_sees_only_whole_runs(
    ingest: Ingest, home: Path, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    def run(number: int) -> None:
        records = [a_record(number * RECORDS + position) for position in range(RECORDS - 1)]
        ingest(write_lines(tmp_path / f"{number}.jsonl", [*records, a_record(0, headline="Seen again")]))

    run(0)
    command = [sys.executable, "-c", READER, str(home / "warehouse.duckdb"), *RECORDS_BY_TABLE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for number in range(1, RUNS):
            run(number)
        seen, errors = reader.communicate("stop")
    assert (reader.returncode, errors) == (0, "")
    counts = [counts for counts, _ in map(json.loads, seen.splitlines())]
    assert all(len(set(of_one_opening)) == 1 for of_one_opening in counts), "all tables show the same runs"
    totals = [of_one_opening[0] for of_one_opening in counts]
    assert {total % RECORDS for total in totals} == {0}
    assert totals == sorted(totals)
    assert len(set(totals)) > 1, "the reader saw the runs pass by"


def test_session_keeps_the_snapshot_that_it_opened(
    ingest: Ingest, home: Path, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    ingest(write_lines(tmp_path / "one.jsonl", [a_record(1)]))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as session:
        ingest(write_lines(tmp_path / "two.jsonl", [a_record(2)]))
        assert session.execute("SELECT count(*) FROM records").fetchall() == [(1,)]
