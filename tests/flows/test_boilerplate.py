"""Decisions on lines: what is accepted is removed from all records of its source in one commit, and can be put back."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.boilerplate import Decided, Verdict, decide
from flows.cli import DONE, REFUSED, WRONG_USAGE, run
from flows.load import ConservationError
from flows.run import Summary
from flows.settings import load_settings
from warehouse.home import Home

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]
Decide = Callable[..., Decided]
KillAt = Callable[..., None]
Copydesk = Callable[..., tuple[int, str, str]]
StateOf = Callable[[Path], dict[str, list[str]]]

LINE = "printed on the island since 1911"
HELD = f"SELECT count(*) FROM records WHERE body ILIKE '%{LINE}%'"
ACCEPTED_SPANS = "SELECT count(*) FROM spans WHERE rule = 'accepted_line'"
LINES = "SELECT line, articles, status FROM boilerplate_candidates ORDER BY ALL"


@pytest.fixture
def decide_on(home: Path) -> Decide:
    def call(*lines: str, status: str = "accepted", source: str = "wire", into: Path | None = None, **more: Any) -> Any:
        return decide(load_settings(home=into or home), Verdict(source, lines, status), **more)

    return call


@pytest.fixture
def drops(tmp_path: Path, a_record: Any, write_lines: Any) -> Sequence[Path]:
    return write_drops(tmp_path, a_record, write_lines)


@pytest.fixture(scope="module")
def one_home(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Home:
    """A home folder with the drops in it, in which nothing is decided."""
    folder = tmp_path_factory.mktemp("one")
    paths = write_drops(folder, a_record, write_lines)
    paths.append(write_lines(folder / "wire" / "3.jsonl", [{"body": "Only this line"}]))
    assert run(["ingest", *map(str, paths), "--home", str(folder / "home")]) == DONE
    return Home(folder / "home")


def write_drops(folder: Path, a_record: Any, write_lines: Any) -> list[Path]:
    """Two drops of `wire` and one of `gazette`, with copies that differ in the line alone, and a bad record."""

    def with_lines(number: int, *lines: str, **more: Any) -> dict[str, Any]:
        prose = [a_record(number * 10 + part)["body"] for part in range(2)]
        return a_record(number, **more) | {"body": "\n\n".join([prose[0], *lines, prose[1]])}

    first = [with_lines(number, LINE, "STILL WATERS") for number in range(4)]
    second = [with_lines(number, LINE.upper() + "!", published_at="2026-01-02") for number in range(3, 7)]
    return [
        write_lines(folder / "wire" / "1.jsonl", [*first, with_lines(0, "STILL WATERS", headline="Earlier"), "bad"]),
        write_lines(folder / "wire" / "2.jsonl", [*second, with_lines(9), with_lines(5, LINE, LINE, "at the pier")]),
        write_lines(folder / "gazette" / "1.jsonl", [with_lines(5), with_lines(5, LINE), with_lines(9, LINE)]),
    ]


@pytest.mark.long
def test_tables_are_those_of_a_home_that_knew_the_decision_from_the_start(
    drops: Sequence[Path],
    ingest: Ingest,
    decide_on: Decide,
    query: Query,
    home: Path,
    tmp_path: Path,
    state_of: StateOf,
) -> None:
    ingest(drops[0])
    ingest(*drops[1:])
    before = state_of(home)
    fresh = tmp_path / "fresh"
    decide_on(LINE, into=fresh)
    ingest(*drops, into=fresh)

    decided = decide_on(LINE)
    assert decided.recleaned is not None
    assert (decided.recleaned.records, decided.recleaned.articles) == (9, 9)
    assert state_of(home) == state_of(fresh)
    assert query(HELD) == [(2,)], "another source keeps the line"

    kept = tmp_path / "kept"
    decide_on(LINE, into=kept)
    decide_on(LINE, status="rejected", into=kept)
    ingest(*reversed(drops), into=kept)
    decide_on(LINE, status="rejected")
    assert state_of(home) == state_of(kept)
    after = state_of(home)
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"boilerplate_candidates"}, "the text is put back"


@pytest.mark.long
def test_decision_keeps_the_books_and_holds_for_later_drops(
    drops: Sequence[Path], ingest: Ingest, decide_on: Decide, query: Query, copydesk: Copydesk
) -> None:
    ingest(drops[0])
    came_in = query("SELECT record_id, run_id, ingested_at FROM records ORDER BY ALL")
    decided = decide_on(LINE)
    assert query("SELECT count(*) FROM records") == query("SELECT sum(records_loaded) FROM ops.drops")
    assert query("SELECT sum(record_count) FROM articles") == query("SELECT count(*) FROM records")
    assert query("SELECT record_id, run_id, ingested_at FROM records ORDER BY ALL") == came_in
    [row] = query("SELECT run_id, status, drops, records_in, articles_new FROM ops.runs WHERE kind = 'reclean'")
    assert row == (decided.run_id, "done", 0, 0, 0)
    assert decide_on(LINE).recleaned is None, "what is decided already is no news"
    assert query("SELECT count(*) FROM ops.runs") == [(2,)]

    ingest(drops[1])
    assert query(HELD) == [(0,)]
    assert query(LINES) == [(LINE, 9, "accepted")]
    assert LINE not in copydesk("preview", drops[0])[1]


def test_record_that_is_not_found_again_changes_nothing(one_home: Home, tmp_path: Path) -> None:
    catalog = one_home.catalog.read_bytes()
    config = tmp_path / "copydesk.toml"
    config.write_text("[sources.wire]\nmax_record_bytes = 10\n")
    settings = load_settings(home=one_home.root, config=config)
    with pytest.raises(ConservationError, match="see whether the settings of wire have changed"):
        decide(settings, Verdict("wire", [LINE], "accepted"))
    assert one_home.catalog.read_bytes() == catalog


@pytest.mark.long
def test_kill_at_any_point_is_made_good_by_the_same_command(
    drops: Sequence[Path], ingest: Ingest, query: Query, home: Path, kill_at: KillAt, state_of: StateOf
) -> None:
    ingest(*drops)
    before = state_of(home)
    command = ["boilerplate", "accept", LINE, "--source", "wire", "--home", str(home)]
    points = (
        ("flows.reclean", "replace_rows", "after", 2),
        ("flows.reclean", "publish", "before", 1),
    )
    for point in points:
        kill_at(point, *command)
        assert state_of(home) == before, "readers see nothing of what was not published"
    assert run(command) == DONE
    assert (query(HELD), query(ACCEPTED_SPANS)) == ([(2,)], [(10,)])
    assert query("SELECT count(*) FROM ops.runs") == [(2,)], "the commit that was not published is not made again"


# Opens the published file again and again until told to stop, and prints what it saw, one line of JSON per opening.
READER = """
import json, select, sys
import duckdb
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    with duckdb.connect(sys.argv[1], read_only=True) as published:
        print(json.dumps([published.execute(sql).fetchone()[0] for sql in sys.argv[2:]]), flush=True)
"""


@pytest.mark.long
def test_reader_in_another_process_sees_a_decision_whole_or_not_at_all(
    drops: Sequence[Path], ingest: Ingest, decide_on: Decide, home: Path
) -> None:
    ingest(*drops[:2])
    states = "SELECT count(*) FROM boilerplate_candidates WHERE status = 'accepted'"
    joined = "SELECT count(*) FROM records JOIN record_articles USING (record_id) JOIN articles USING (article_id)"
    command = [sys.executable, "-c", READER, str(home / "warehouse.duckdb"), HELD, ACCEPTED_SPANS, states, joined]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for status in ("accepted", "rejected"):
            decide_on(LINE, status=status)
        seen, _ = reader.communicate("stop")
    assert reader.returncode == 0
    assert {tuple(json.loads(line)) for line in seen.splitlines()} == {(9, 0, 0, 11), (0, 10, 1, 11)}


def test_lines_are_listed_for_people_and_for_programs(one_home: Home, copydesk: Copydesk, home: Path) -> None:
    code, _, errors = copydesk("boilerplate", "list")
    assert (code, f"There is no {home}" in errors) == (WRONG_USAGE, True)
    code, output, _ = copydesk("boilerplate", "list", "--home", one_home.root)
    assert code == DONE
    assert LINE in output.lower()
    wanted = ("--json", "--source", "wire", "--status", "proposed", "--home", one_home.root)
    code, output, _ = copydesk("boilerplate", "list", *wanted)
    listed, _ = json.loads(output)
    assert (code, listed["articles"], listed["status"], len(listed["examples"])) == (DONE, 9, "proposed", 3)
    assert json.loads(copydesk("boilerplate", "list", "--json", "--source", "x", "--home", one_home.root)[1]) == []


@pytest.mark.long
def test_lines_are_accepted_by_key_or_text_and_looked_at_first(
    drops: Sequence[Path], ingest: Ingest, copydesk: Copydesk, query: Query
) -> None:
    ingest(*drops)
    [(key,)] = query("SELECT line_key FROM boilerplate_candidates WHERE articles = 9")
    code, output, errors = copydesk("boilerplate", "accept", key, "--source", "wire", "--dry-run")
    assert (code, errors.splitlines()[-1]) == (DONE, "Nothing was written.")
    assert "9 records of 9 articles would be changed" in output
    assert query(HELD) == [(11,)]
    code, output, _ = copydesk("boilerplate", "accept", key, "--source", "wire")
    assert (code, "9 records of 9 articles are changed" in output) == (DONE, True)
    assert "Nothing new: accepted already" in copydesk("boilerplate", "accept", LINE, "--source", "wire")[1]
    code, output, _ = copydesk("boilerplate", "reject", LINE.lower(), "--source", "wire")
    assert (code, "is rejected" in output) == (DONE, True)
    assert query(HELD) == [(11,)]
    code, output, _ = copydesk("boilerplate", "reject", "Still waters", "--source", "wire")
    assert (code, "0 records of 0 articles are changed" in output) == (DONE, True)
    assert query("SELECT DISTINCT status FROM boilerplate_candidates") == [("rejected",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--status", "open"], "'open' is no status"),
        (["accept", LINE, "--source", "wires"], "There is no source 'wires'; known are gazette, wire"),
        (["accept", "0" * 16, "--source", "wire"], "is no line of wire"),
        (["accept", "* * *", "--source", "wire"], "neither letter nor digit"),
        (["accept", "x" * 251, "--source", "wire"], "250 characters at most"),
        (["reject", "Never seen", "--source", "wire"], "neither proposed nor accepted"),
        (["accept", LINE], "Missing option"),
    ],
)
def test_wrong_usage_says_what_can_be_decided(
    arguments: list[str], said: str, one_home: Home, copydesk: Copydesk
) -> None:
    code, output, errors = copydesk("boilerplate", *arguments, "--home", one_home.root)
    assert (code, output) == (WRONG_USAGE, "")
    assert said in errors


def test_decision_that_would_leave_a_record_without_text_ends_with_one_and_changes_nothing(
    one_home: Home, copydesk: Copydesk, query: Query
) -> None:
    catalog = one_home.catalog.read_bytes()
    [(record_id,)] = query("SELECT record_id FROM records WHERE body = 'Only this line'", one_home.root)
    code, output, errors = copydesk(
        "boilerplate", "accept", "Only this line", "--source", "wire", "--home", one_home.root
    )
    assert (code, output) == (REFUSED, "")
    assert f"{record_id}: The record has no text" in errors
    assert one_home.catalog.read_bytes() == catalog
