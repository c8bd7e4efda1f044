"""A warehouse made anew from the raw store and the journal is the one that was lost, row by row and in every column."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.declared import Severity
from expectations.incidents import Failure
from flows import steps
from flows.alerts.outbox import Outbox
from flows.alerts.tell import has_something_to_tell, tell_of_news
from flows.boilerplate import Verdict, decide
from flows.cli import DONE, FAILED, REFUSED, WRONG_USAGE
from flows.dismissal import dismiss
from flows.incidents import Named, mute_incident, unmute_incident
from flows.maintaining import maintain
from flows.rebuild_fingerprints import rebuild_fingerprints
from flows.replaying import replay
from flows.run import NOTHING_PLANNED, Request, Summary
from flows.selection import DISMISSED, Selection
from flows.settings import load_settings
from flows.watch import note_missing
from transforms.schema import STORED
from warehouse.home import Home
from warehouse.journal import read_journal
from warehouse.maintenance import orphans, remove_orphans

Ingest = Callable[..., Summary]
Copydesk = Callable[..., tuple[int, str, str]]
KillAt = Callable[..., None]
Query = Callable[..., list[tuple[Any, ...]]]
State = Mapping[str, Sequence[str]]

FOOTER, HEADER = "Printed on the island since 1911", "Read by sailors everywhere"
SETTINGS = """
[sources.strict]
rules.record_count = { severity = "critical", bound = 9 }

[sources.wire.thresholds]
min_body_chars = 20
"""

NOT_COMPARED: Mapping[str, str] = {
    "ops.runs.version": "the version that makes the row",
}
"""Columns of published tables that may be others after a rebuild, and why. All others are the same."""

CHANGED_RULE: Mapping[str, str] = {
    "records.run_id": "what a replay let in comes with its drop, where it passes today",
    "records.ingested_at": "the same",
    "record_articles.run_id": "the same",
    "record_articles.decided_at": "the same",
    "article_fields.run_id": "the same",
    "article_fields.decided_at": "the same",
    "articles.run_id": "the same",
    "articles.decided_at": "the same",
    "articles.first_ingested_at": "the same",
    "articles.last_ingested_at": "the same",
    "ops.drops.noted_at": "the replay did not change the counts of the drop, they are what they are from the start",
}
"""Columns that are others as well where a rule has changed since a drop came, and why."""

OF_OPERATION = {"ops.runs", "ops.validations", "ops.source_figures", "ops.incidents", "ops.quarantine"}
"""Tables of what runs did and found: with another rule, they did and found something else."""


def state_of(query: Query, home: Path, left_out: Mapping[str, str] = NOT_COMPARED) -> State:
    """Rows of every published table."""
    state = {}
    for name in STORED:
        without = [column.rpartition(".")[2] for column in left_out if column.rpartition(".")[0] == name]
        columns = f"* EXCLUDE ({', '.join(without)})" if without else "*"
        state[name] = sorted(map(str, query(f"SELECT {columns} FROM {name}", home)))
    return state


def assert_same(found: State, expected: State) -> None:
    for name in expected:
        assert found[name] == expected[name], name


def with_lines(a_record: Any, number: int, *lines: str, **more: Any) -> dict[str, Any]:
    first, second = a_record(10 * number)["body"], a_record(10 * number + 1)["body"]
    return a_record(number, body="\n\n".join([first, *lines, second]), **more)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Path:
    """A home folder in which everything has happened that the journal knows of."""
    folder = tmp_path_factory.mktemp("lived")
    home = folder / "home"
    home.mkdir()
    (home / "copydesk.toml").write_text(SETTINGS, "utf-8")
    settings = load_settings(home=home)

    def drop(name: str, records: Sequence[Any]) -> Path:
        return write_lines(folder / name, records)

    def ingest(*paths: Path) -> None:
        steps.ingest(Request(settings, paths))

    wire = drop("wire/1.jsonl", [*(with_lines(a_record, number, FOOTER, HEADER) for number in range(6)), "bad", "{"])
    ingest(wire, drop("gazette/1.jsonl", [a_record(3), {"headline": "Nothing below"}, "worse"]))
    (folder / "gazette" / "gone.jsonl").symlink_to("/nowhere/else")
    strict = drop("strict/1.jsonl", [a_record(50), a_record(51)])
    ingest(strict, folder / "gazette" / "gone.jsonl", drop("mirror/1.jsonl", [with_lines(a_record, 1, FOOTER)]))
    shutil.copy(wire, folder / "wire" / "again.jsonl")
    ingest(folder / "wire" / "again.jsonl")
    shutil.copy(wire, folder / "wire" / "third.jsonl")
    ingest(folder / "wire" / "third.jsonl", drop("wire/2.jsonl", [with_lines(a_record, 7, FOOTER, id="7")]))
    _decide_much(settings)
    # Also of a text that changed, under an id that came before, with a line that is accepted by now.
    ingest(
        drop("wire/3.jsonl", [with_lines(a_record, 7, FOOTER, "One more.", id="7"), with_lines(a_record, 8, HEADER)])
    )
    rebuild_fingerprints(settings)
    ingest(drop("strict/2.jsonl", [a_record(60 + number) for number in range(12)]))
    maintain(settings)
    return home


def _decide_much(settings: Any) -> None:
    dismiss(settings, Selection(source="wire", reason="malformed_json"), note="a stub")
    dismiss(settings, Selection(source="gazette"), note="as agreed")
    dismiss(settings, Selection(source="gazette", reason="missing_body", status=DISMISSED), note=None)
    decide(settings, Verdict("wire", (FOOTER,), "accepted"))
    decide(settings, Verdict("wire", (HEADER,), "accepted"))
    decide(settings, Verdict("wire", (HEADER,), "rejected"))
    until = datetime.now(UTC) + timedelta(days=3)
    mute_incident(settings, Named(source="strict", rule="record_count"), until=until, reason="it is being mended")
    with steps.open_run(Request(settings), NOTHING_PLANNED, purpose="watch") as run:
        note_missing(run, [Failure("late", "drop_missing", Severity.WARNING, "It is overdue.")])
    for change in (mute_incident, unmute_incident):
        more = {"until": until, "reason": "on holiday"} if change is mute_incident else {}
        change(settings, Named(source="late", rule="drop_missing"), **more)


def lose_the_lake(home: Path) -> None:
    (home / "catalog.sqlite").unlink()
    shutil.rmtree(home / "lake")


@pytest.mark.long
def test_everything_happened_in_the_home_that_is_rebuilt(lived: Path) -> None:
    assert [entry.kind for entry in read_journal(Home(lived))] == [
        *("ingest", "ingest", "new_paths", "ingest", "dismiss", "dismiss", "dismiss", "reclean", "reclean", "reclean"),
        *("mute", "watch", "mute", "mute", "ingest", "rebuild", "ingest"),
    ]


@pytest.mark.long
def test_lost_warehouse_is_made_anew_in_every_row_and_column(
    lived: Path, begin_with: Callable[[Path], None], home: Path, copydesk: Copydesk, query: Query
) -> None:
    begin_with(lived)
    expected = state_of(query, home)
    empty = {name for name in STORED if not expected[name]}
    assert empty == {"article_redirects", "ops.retractions", "ops.retracted_texts"}, "all others can be compared"
    lose_the_lake(home)
    code, output, errors = copydesk("rebuild", "--json")
    assert (code, errors.count("Left out")) == (DONE, 0), errors
    assert json.loads(output)["left_out"] == []
    assert_same(state_of(query, home), expected)
    assert copydesk("doctor")[0] == DONE
    assert json.loads(copydesk("rebuild", "--json")[1])["runs"] == 17
    assert_same(state_of(query, home), expected)


@pytest.fixture
def drops(tmp_path: Path, a_record: Any, write_lines: Any) -> list[Path]:
    folder = tmp_path / "wire"
    return [
        write_lines(folder / "1.jsonl", [a_record(1), a_record(2), "bad"]),
        write_lines(folder / "2.jsonl", [a_record(2), a_record(3, body="Rain fell.")]),
    ]


@pytest.fixture
def two_runs(drops: Sequence[Path], ingest: Ingest, tmp_path: Path) -> Path:
    """A home folder with two runs."""
    folder = tmp_path / "two"
    for drop in drops:
        ingest(drop, into=folder)
    return folder


POINTS = {
    "while runs are made anew": ("flows.rebuilding", "repeat", "after", 1),
    "in the middle of a commit": ("warehouse.lake:Lake", "insert", "after", 20),
    "before files are moved": ("warehouse.swap", "keep_superseded", "after", 1),
    "before the catalog is replaced": ("os", "sync", "after", 1),
    "between catalog and publication": ("flows.rebuilding", "replace_lake", "after", 1),
    "after publication": ("flows.rebuilding", "pass_over_news", "before", 1),
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "is_lost"),
    [
        *((point, False) for point in POINTS),
        ("between catalog and publication", True),
        ("while runs are made anew", True),
    ],
)
def test_kill_at_any_point_leaves_the_home_as_before_or_as_after(
    point: str, is_lost: bool, two_runs: Path, copydesk: Copydesk, query: Query, kill_at: KillAt, drops: Sequence[Path]
) -> None:
    expected = state_of(query, two_runs)
    if is_lost:
        lose_the_lake(two_runs)
        (two_runs / "warehouse.duckdb").unlink()
    kill_at(POINTS[point], "rebuild", "--home", two_runs)
    if not is_lost:
        assert_same(state_of(query, two_runs), expected)
        assert copydesk("ingest", *drops, "--home", two_runs)[0] == DONE, "any run goes on from there"
        assert_same(state_of(query, two_runs), expected)
        assert copydesk("doctor", "--home", two_runs)[0] == DONE
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE
    assert_same(state_of(query, two_runs), expected)
    assert copydesk("ingest", *drops, "--home", two_runs)[0] == DONE
    assert list((two_runs / "staging").iterdir()) == []
    assert_same(state_of(query, two_runs), expected)


@pytest.mark.parametrize(
    "damage", ["gone", *(pytest.param(damage, marks=pytest.mark.long) for damage in ("rubbish", "lake gone"))]
)
def test_lost_part_is_named_by_an_ingest_and_made_good_by_a_rebuild(
    damage: str, two_runs: Path, copydesk: Copydesk, query: Query, tmp_path: Path
) -> None:
    expected, more = state_of(query, two_runs), tmp_path / "wire" / "3.txt"
    more.write_text("The harbour wall was mended by the men of the quay in a week of calm weather.")
    if damage == "lake gone":
        shutil.rmtree(two_runs / "lake")
    elif damage == "rubbish":
        (two_runs / "catalog.sqlite").write_bytes(b"rubbish" * 1000)
    else:
        lose_the_lake(two_runs)
    code, _, errors = copydesk("ingest", more, "--home", two_runs)
    assert (code, "copydesk rebuild" in errors) == (FAILED, True)
    _, _, errors = copydesk("sql", "SELECT count(*) FROM records", "--home", two_runs)
    assert "make them anew with copydesk rebuild" in errors or damage == "rubbish"
    code, output, _ = copydesk("doctor", "--home", two_runs)
    assert (code, "or run copydesk rebuild" in output) == (FAILED, True)
    code, output, _ = copydesk("rebuild", "--home", two_runs)
    assert (code, "2 entries of the journal were repeated" in output) == (DONE, True)
    assert_same(state_of(query, two_runs), expected)
    assert copydesk("ingest", more, "--home", two_runs)[0] == DONE


@pytest.mark.long
def test_readers_of_another_process_see_no_half_and_no_error(
    two_runs: Path, copydesk: Copydesk, repository: Path
) -> None:
    """One opens the published file over and over, another one keeps a session from before, also after maintenance."""
    command = [sys.executable, repository / "tests" / "torture" / "reader.py", two_runs / "warehouse.duckdb"]
    with (
        duckdb.connect(str(two_runs / "warehouse.duckdb"), read_only=True) as session,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader,
    ):
        rows = session.execute("SELECT * FROM spans ORDER BY ALL").fetchall()
        assert copydesk("rebuild", "--home", two_runs)[0] == DONE
        assert copydesk("maintain", "--home", two_runs)[0] == DONE
        said, _ = reader.communicate("stop")
        assert session.execute("SELECT * FROM spans ORDER BY ALL").fetchall() == rows
    assert [line for line in said.splitlines() if not line.startswith("reads ")] == []
    now, kept_for = datetime.now(UTC), load_settings(home=two_runs).maintenance.kept_for
    assert len(orphans(Home(two_runs), now=now + kept_for)) > 0
    remove_orphans(Home(two_runs), now=now + kept_for)
    assert not Home(two_runs).superseded.exists()
    assert copydesk("doctor", "--home", two_runs)[0] == DONE


@pytest.mark.long
@pytest.mark.parametrize("damage", [None, b"rubbish"])
def test_drop_whose_bytes_are_lost_is_named_and_nothing_is_changed_while_its_records_are_there(
    damage: bytes | None, two_runs: Path, copydesk: Copydesk, query: Query, drops: Sequence[Path]
) -> None:
    expected = state_of(query, two_runs)
    [(sha256,)] = query("SELECT drop_sha256 FROM ops.drops WHERE uri LIKE '%1.jsonl'", two_runs)
    stored = next((two_runs / "raw").rglob(f"{sha256}.zst"))
    stored.unlink() if damage is None else stored.write_bytes(damage)
    before = (two_runs / "catalog.sqlite").read_bytes()
    code, _, errors = copydesk("rebuild", "--home", two_runs)
    assert (code, str(stored) in errors, "Nothing was changed" in errors) == (FAILED, True, True)
    assert (two_runs / "catalog.sqlite").read_bytes() == before

    lose_the_lake(two_runs)
    code, _, errors = copydesk("rebuild", "--home", two_runs)
    assert (code, f"Left out: {drops[0]}: " in errors) == (REFUSED, True)
    skipped = query("SELECT uri, error FROM ops.drops WHERE status = 'skipped'", two_runs)
    assert [(uri, str(stored) in error) for uri, error in skipped] == [(str(drops[0]), True)]
    assert query("SELECT count(*) FROM records", two_runs) == [(2,)]
    assert copydesk("ingest", *drops, "--home", two_runs)[0] == DONE, "it comes in as soon as it comes again"
    assert query("SELECT count(*) FROM records", two_runs) == [(4,)]
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE
    of_content = {name: rows for name, rows in expected.items() if name in {"records", "spans", "ops.quarantine"}}
    assert_same(state_of(query, two_runs), of_content)


@pytest.mark.long
def test_drops_without_an_entry_come_last_as_one_run(two_runs: Path, copydesk: Copydesk, query: Query) -> None:
    content = "SELECT record_id, body, flags FROM records ORDER BY ALL"
    books = "SELECT uri, uris, bytes, records_in, records_loaded, status, received_at FROM ops.drops ORDER BY ALL"
    expected = [query(sql, two_runs) for sql in (content, books)]
    first, second = sorted((two_runs / "journal").iterdir())
    second.unlink()
    lose_the_lake(two_runs)
    code, output, _ = copydesk("rebuild", "--json", "--home", two_runs)
    [run_id] = {json.loads(output)["new_run_id"]} - {None}
    assert (code, json.loads(output)["runs"]) == (DONE, 1)
    assert [query(sql, two_runs) for sql in (content, books)] == expected
    assert [entry.run_id for entry in read_journal(Home(two_runs))] == [first.stem.partition("-")[2], run_id]
    expected_again = state_of(query, two_runs)
    lose_the_lake(two_runs)
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE
    assert_same(state_of(query, two_runs), expected_again)


@pytest.mark.long
def test_home_of_a_version_without_a_journal_gets_one_from_its_tables(
    two_runs: Path, copydesk: Copydesk, query: Query, kill_at: KillAt
) -> None:
    settings = load_settings(home=two_runs)
    dismiss(settings, Selection(source="wire"), note="a stub")
    decide(settings, Verdict("wire", (FOOTER,), "accepted"))
    [(source, rule)] = query("SELECT source, rule FROM ops.incidents ORDER BY ALL LIMIT 1", two_runs)
    until = datetime.now(UTC) + timedelta(days=3)
    mute_incident(settings, Named(source=source, rule=rule), until=until, reason="it is being mended")
    expected = state_of(query, two_runs)
    shutil.rmtree(two_runs / "journal")
    with closing(sqlite3.connect(two_runs / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE ducklake_snapshot_changes SET commit_extra_info = NULL")
    kill_at(("warehouse.journal", "write_synced", "after", 2), "publish", "--home", two_runs)
    assert copydesk("publish", "--home", two_runs)[0] == DONE
    kinds = [entry.kind for entry in read_journal(Home(two_runs))]
    assert kinds == ["ingest", "ingest", "dismiss", "reclean", "mute"]
    lose_the_lake(two_runs)
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE
    assert_same(state_of(query, two_runs), expected)


@pytest.mark.long
def test_commit_of_a_killed_run_is_entered_by_the_next_and_made_anew(
    drops: Sequence[Path], tmp_path: Path, copydesk: Copydesk, query: Query, kill_at: KillAt
) -> None:
    home = tmp_path / "killed"
    kill_at(("flows.load", "publish", "before", 1), "ingest", drops[0], "--home", home)
    assert list(read_journal(Home(home))) == []
    assert copydesk("ingest", drops[1], "--home", home)[0] == DONE
    assert len(list(read_journal(Home(home)))) == 2
    dismissed = ("quarantine", "dismiss", "--all", "--note", "x", "--home", home)
    kill_at(("warehouse.lake:Lake", "append", "after", 1), *dismissed)
    assert copydesk("rebuild", "--home", home)[0] == DONE, "what was not published is part of what is made anew"
    assert query("SELECT status, note, count(*) FROM ops.quarantine GROUP BY ALL", home) == [("dismissed", "x", 1)]
    assert len(list(read_journal(Home(home)))) == 3


@pytest.mark.long
def test_what_a_replay_let_in_comes_with_its_drop_where_a_rule_has_changed(
    two_runs: Path, ingest: Ingest, copydesk: Copydesk, query: Query, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    config = two_runs / "copydesk.toml"
    config.write_text("[sources.gazette.thresholds]\nmin_body_chars = 100\n")
    ingest(write_lines(tmp_path / "gazette" / "1.jsonl", [a_record(5), a_record(6, body="Rain fell.")]), into=two_runs)
    config.write_text("")
    assert replay(load_settings(home=two_runs), Selection(source="gazette")).summary.records_loaded == 1
    ingest(write_lines(tmp_path / "gazette" / "2.jsonl", [a_record(5)]), into=two_runs)
    left_out = NOT_COMPARED | CHANGED_RULE
    expected = state_of(query, two_runs, left_out)
    lose_the_lake(two_runs)
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE
    found = state_of(query, two_runs, left_out)
    assert_same(found, {name: rows for name, rows in expected.items() if name not in OF_OPERATION})
    assert query("SELECT count(*) FROM ops.quarantine WHERE source = 'gazette'", two_runs) == [(0,)]
    assert query("SELECT kind, records_loaded FROM ops.runs ORDER BY started_at", two_runs) == [
        *(("ingest", 2), ("ingest", 2), ("ingest", 2), ("ingest", 1))
    ]


@pytest.mark.long
def test_decision_about_what_is_not_there_any_more_is_told(
    two_runs: Path, copydesk: Copydesk, query: Query, ingest: Ingest, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    config = two_runs / "copydesk.toml"
    config.write_text("[sources.island.thresholds]\nmin_body_chars = 100\n")
    ingest(write_lines(tmp_path / "island" / "1.jsonl", [a_record(6, body="Rain fell."), "bad"]), into=two_runs)
    dismiss(load_settings(home=two_runs), Selection(source="island"), note="a stub")
    config.write_text("")
    code, _, errors = copydesk("rebuild", "--home", two_runs)
    assert (code, "Left out: dismiss of run_" in errors, "1 of 2 rows" in errors) == (REFUSED, True, True)
    assert query("SELECT status FROM ops.quarantine WHERE source = 'island'", two_runs) == [("dismissed",)]


@pytest.mark.long
def test_entry_that_cannot_be_read_is_named_and_nothing_is_changed(
    two_runs: Path, copydesk: Copydesk, query: Query
) -> None:
    expected, entry = state_of(query, two_runs), min((two_runs / "journal").iterdir())
    content = entry.read_bytes()
    for damage in (content[:-9], content.replace(b'"ingest"', b'"of tomorrow"')):
        entry.write_bytes(damage)
        code, _, errors = copydesk("rebuild", "--home", two_runs)
        assert (code, "of the journal" in errors or str(entry) in errors) == (FAILED, True)
        assert_same(state_of(query, two_runs), expected)
    entry.write_bytes(content)
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE


def test_nothing_is_made_of_a_home_without_drops(copydesk: Copydesk, tmp_path: Path) -> None:
    code, _, errors = copydesk("rebuild", "--home", tmp_path)
    assert (code, "copydesk ingest" in errors) == (WRONG_USAGE, True)


@pytest.mark.long
def test_alerts_are_not_sent_again(two_runs: Path, copydesk: Copydesk) -> None:
    settings = load_settings(home=two_runs)
    said: list[str] = []
    tell_of_news(settings, say=said.append)
    outbox = Outbox(settings.home.outbox)
    told = outbox.read_cursor().told
    assert copydesk("rebuild", "--home", two_runs)[0] == DONE
    tell_of_news(settings, say=said.append)
    assert (outbox.pending(), outbox.read_cursor().told) == ([], told)
    assert not has_something_to_tell(settings)
