"""What older rules cleaned is cleaned again: in one commit, as if today's rules had cleaned it from the start."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from flows import rebuild_text_cli, steps
from flows.cli import DONE, REFUSED, WRONG_USAGE, run
from flows.rebuild_text import NOTHING_OLDER, RebuiltText, rebuild_text
from flows.run import Request, Summary
from flows.settings import load_settings
from flows.text_changes import DESCRIBED
from transforms import bodies, cleaning
from transforms.boilerplate import Boilerplate, find_boilerplate
from transforms.cleaning import CLEANING_VERSION
from warehouse.home import Home
from warehouse.lake import open_older_lake

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]
KillAt = Callable[..., None]
Copydesk = Callable[..., tuple[int, str, str]]
StateOf = Callable[[Path], dict[str, list[str]]]

LINE = "Sign up for our newsletter"
LINES = (
    "Get the best of The Meridian in your inbox every morning. Sign up here.",
    "Sign up for Inside Health: the five stories you need, delivered Tuesdays and Fridays at 6 a.m. ET",
    "Was this newsletter forwarded to you? Sign up here to get it delivered straight to your inbox.",
    "Sign up for Morning Wire, our free daily digest of what matters in Brenfield.",
    "This story first appeared in Ballot Box, our elections newsletter. Click here to get it in your inbox.",
    "Want more health policy? Sign up to The Dose, free every Tuesday. You can unsubscribe at any time.",
    "Sign up for The Morning Kettle, our daily briefing on everything you need to know before 8am.",
)
GRAIN = "Farmers along the upper valley brought in less barley than last summer, though prices held at the market."
OLDER = CLEANING_VERSION - 1
VERSIONS = "SELECT source, cleaning_version, count(*) FROM records GROUP BY ALL ORDER BY ALL"
HELD = f"SELECT count(*) FROM records WHERE body LIKE '%{LINE}%'"
CAME_IN = "SELECT record_id, run_id, ingested_at FROM records ORDER BY ALL"


@contextmanager
def older_rules() -> Iterator[None]:
    """Clean as before there was a rule on newsletters."""

    def find(*arguments: Any) -> Boilerplate:
        found = find_boilerplate(*arguments)
        return replace(found, labels=found.labels.filter(pl.col("kind") != "newsletter"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "CLEANING_VERSION", OLDER)
        patch.setattr(bodies, "find_boilerplate", find)
        yield


def write_drops(folder: Path, a_record: Any, write_lines: Any) -> Sequence[Sequence[Path]]:
    """Drops of two runs: copies, two articles that share what older rules leave in, an id used twice, a bad record."""

    def with_lines(number: int, *lines: str, **more: Any) -> dict[str, Any]:
        return a_record(number, **more) | {"body": "\n\n".join([a_record(number)["body"], *lines])}

    first = [
        with_lines(1, LINE, id="7", published_at="2026-01-02"),
        *(with_lines(number, *LINES) for number in (2, 3)),
        *(with_lines(number, "Printed on the island", LINE) for number in range(4, 9)),
        with_lines(9, LINE, headline="Bridge 20"),
        "bad",
    ]
    other = {"id": "7", "headline": "Grain", "body": f"{GRAIN}\n\n{LINE}"}
    second = [other, with_lines(1), with_lines(12), with_lines(20), "bad"]
    gazette = [with_lines(4, LINE), with_lines(13, LINE)]
    return [
        [write_lines(folder / "wire" / "1.jsonl", first)],
        [
            write_lines(folder / "wire" / "2.jsonl", second),
            write_lines(folder / "gazette" / "1.jsonl", gazette),
            Path("seeds/drops/policy-mirror/heat-pumps.html").absolute(),
        ],
    ]


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Sequence[Sequence[Path]]:
    return write_drops(tmp_path_factory.mktemp("drops"), a_record, write_lines)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory, drops: Sequence[Sequence[Path]]) -> Home:
    """A home folder that older rules cleaned."""
    with older_rules():
        return ingest_all(tmp_path_factory.mktemp("older"), drops)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, drops: Sequence[Sequence[Path]]) -> Home:
    """A home folder that today's rules cleaned."""
    return ingest_all(tmp_path_factory.mktemp("fresh"), drops)


def ingest_all(folder: Path, drops: Sequence[Sequence[Path]]) -> Home:
    for of_run in drops:
        steps.ingest(Request(load_settings(home=folder), tuple(of_run)))
    return Home(folder)


def rebuilt(home: Path, **more: Any) -> RebuiltText:
    return rebuild_text(load_settings(home=home), **more)


def files_of(home: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_older_records_become_those_of_a_fresh_ingest(
    older: Home, fresh: Home, begin_with: Any, home: Path, query: Query, state_of: StateOf
) -> None:
    begin_with(older.root)
    came_in = query(CAME_IN)
    assert query("SELECT count(*) FROM articles") != query("SELECT count(*) FROM articles", fresh.root)
    assert query("SELECT headline FROM records WHERE list_contains(flags, 'id_reused')") == [("Grain",)]
    done = rebuilt(home)
    assert state_of(home) == state_of(fresh.root)
    assert query(CAME_IN) == came_in, "a record keeps its run and its time"
    assert (done.records, done.changes.height, done.left_alone.height) == (16, 12, 0)
    assert done.summary.articles_split == 1
    [row] = query("SELECT run_id, status, drops, records_in, articles_split FROM ops.runs WHERE kind = 'rebuild'")
    assert row == (done.summary.run_id, "done", 0, 0, 1)

    catalog = Home(home).catalog.read_bytes()
    again = rebuilt(home)
    assert (again.summary, again.records) == (NOTHING_OLDER, 0)
    assert Home(home).catalog.read_bytes() == catalog


def test_preview_tells_of_each_record_what_would_change_and_writes_nothing(
    older: Home, copydesk: Copydesk, query: Query
) -> None:
    before = files_of(older.root)
    code, output, _ = copydesk("rebuild", "--only", "text", "--dry-run", "--json", "--home", older.root)
    told = json.loads(output)
    assert (code, told["dry_run"], told["run_id"], told["records"]) == (DONE, True, None, 16)
    assert (told["records_changed"], told["articles_split"], told["left_alone"]) == (12, 1, [])
    assert {"source": "gazette", "field": "body", "records": 2} in told["fields"]
    assert len(told["changes"]) == 12
    [(record_id, chars)] = query("SELECT record_id, body_chars FROM records WHERE headline = 'Bridge 13'", older.root)
    [change] = [row for row in told["changes"] if row["record_id"] == record_id]
    assert change["changed"] == ["body", "boilerplate_chars", "spans"]
    assert (change["body_chars_before"], change["body_chars_after"]) == (chars, chars - len(LINE) - 2)
    assert change["values"] == [{"field": "boilerplate_chars", "before": "0", "after": str(len(LINE))}]
    assert change["paragraphs"][0] == "@@ -1,2 +1,1 @@"
    assert change["paragraphs"][-1] == f"-{LINE}"

    code, output, _ = copydesk("rebuild", "--only", "text", "--dry-run", "--home", older.root)
    assert code == DONE
    assert "records would be cleaned again 16 = changed 12 + the same 4" in output
    assert f"  -{LINE}\n" in output
    assert output.endswith("Nothing was written.\n")
    assert files_of(older.root) == before


@pytest.mark.long
def test_records_of_other_sources_are_left_as_they_are(
    older: Home, begin_with: Any, copydesk: Copydesk, query: Query
) -> None:
    begin_with(older.root)
    others = "SELECT * FROM records WHERE source <> 'gazette' ORDER BY record_id"
    before, held = query(others), query(HELD)[0][0]
    code, output, _ = copydesk("rebuild", "--only", "text", "--source", "gazette", "--json")
    told = json.loads(output)
    assert (code, told["records"], "changes" in told) == (DONE, 2, False)
    assert query(others) == before
    assert query(HELD) == [(held - 2,)]
    assert query(VERSIONS) == [
        ("gazette", CLEANING_VERSION, 2),
        ("policy-mirror", OLDER, 1),
        ("wire", OLDER, 13),
    ]
    assert query("SELECT relation FROM record_articles JOIN records USING (record_id) WHERE source = 'gazette'") != []
    assert copydesk("rebuild", "--only", "text", "--source", "gazette")[1] == (
        f"Nothing is older than version {CLEANING_VERSION} of the cleaning rules.\n"
    )


@pytest.mark.long
def test_article_of_another_source_gets_a_headline_back_that_stands_nowhere_else_now(
    ingest: Ingest, copydesk: Copydesk, query: Query, tmp_path: Path, write_lines: Any
) -> None:
    body = f"The council said that readers may sign up for our newsletter about the bridge. {GRAIN}"
    copies = [{"headline": LINE, "author": "Jane Doe", "body": body}, {"headline": "A newsletter", "body": body}]
    ingest(write_lines(tmp_path / "gazette" / "1.jsonl", copies))
    with older_rules():
        prose = "It rained for the whole of Monday, and the river rose to the second step of the quay."
        ingest(write_lines(tmp_path / "wire" / "1.jsonl", [{"body": f"{LINE}\n\n{prose}\n\n{prose}"}]))
    headlines = "SELECT headline FROM articles WHERE record_count = 2"
    assert query(headlines) == [("A newsletter",)]
    assert copydesk("rebuild", "--only", "text")[0] == DONE
    assert query(headlines) == [(LINE,)]
    assert query("SELECT count(*) FROM records WHERE headline IS NULL") == [(1,)]


@pytest.mark.long
def test_record_that_would_fail_a_critical_rule_is_left_as_it_is_and_named(
    ingest: Ingest, copydesk: Copydesk, query: Query, tmp_path: Path, a_record: Any, write_lines: Any, home: Path
) -> None:
    with older_rules():
        short, longer = (f"{text}\n\n{LINE}" for text in ("It rained", a_record(2)["body"]))
        records = [{"headline": "Rain", "body": short}, a_record(1), {"body": longer}]
        ingest(write_lines(tmp_path / "wire" / "1.jsonl", records))
    [(alone,)] = query("SELECT record_id FROM records WHERE headline = 'Rain'")
    code, output, errors = copydesk("rebuild", "--only", "text", "--json")
    told = json.loads(output)
    assert (code, told["records"], told["records_changed"]) == (REFUSED, 2, 1)
    [left] = told["left_alone"]
    assert (left["source"], left["record_id"]) == ("wire", alone)
    assert f"Left as it is: {alone} of wire: {left['why']}" in errors
    assert "Change the rule or the threshold for their source in copydesk.toml" in errors
    assert query(f"SELECT record_id FROM records WHERE cleaning_version = {OLDER}") == [(alone,)]
    assert query(HELD) == [(1,)]
    assert query("SELECT sum(records_loaded) FROM ops.drops") == query("SELECT count(*) FROM records") == [(3,)]
    assert query("SELECT sum(record_count) FROM articles") == [(3,)]

    assert copydesk("rebuild", "--only", "text")[0] == REFUSED, "it is tried again each time"
    (home / "copydesk.toml").write_text("[sources.wire]\nthresholds = { min_body_chars = 5 }\n")
    assert copydesk("rebuild", "--only", "text")[0] == DONE
    assert query("SELECT DISTINCT cleaning_version FROM records") == [(CLEANING_VERSION,)]


@pytest.mark.long
def test_record_that_is_not_found_where_it_lay_is_left_as_it_is(older: Home, begin_with: Any, home: Path) -> None:
    begin_with(older.root)
    (home / "copydesk.toml").write_text("[sources.gazette]\nmax_record_bytes = 10\n")
    done = rebuilt(home)
    assert set(done.left_alone["source"]) == {"gazette"}
    assert (done.records, done.left_alone.height) == (14, 2)
    assert "see whether the settings of gazette have changed" in done.left_alone["why"][0]


@pytest.mark.long
def test_record_of_a_drop_that_is_damaged_is_left_as_it_is(
    older: Home, begin_with: Any, home: Path, query: Query
) -> None:
    begin_with(older.root)
    [(drop_sha256,)] = query("SELECT drop_sha256 FROM ops.drops WHERE source = 'gazette'")
    [stored] = (home / "raw").rglob(f"{drop_sha256}.zst")
    other = zstandard.decompress(stored.read_bytes()).replace(b"council", b"harbour")
    stored.write_bytes(zstandard.compress(other))
    done = rebuilt(home)
    assert (done.records, done.left_alone.height) == (14, 2)
    assert done.left_alone["why"][0].endswith("is damaged; restore it from a backup.")
    assert query("SELECT count(*) FROM records WHERE body LIKE '%harbour%'") == [(0,)]


@pytest.mark.long
def test_records_from_before_there_were_versions_are_older_than_any(
    older: Home, home: Path, copydesk: Copydesk, query: Query
) -> None:
    shutil.copytree(older.root, home)
    with open_older_lake(Home(home)) as lake:
        lake.connection.execute("ALTER TABLE lake.main.records DROP COLUMN cleaning_version")
    code, _, errors = copydesk("rebuild", "--only", "text")
    assert (code != DONE, "Run copydesk migrate" in errors) == (True, True)
    assert copydesk("migrate")[0] == DONE
    assert query("SELECT DISTINCT cleaning_version FROM records") == [(None,)]
    assert copydesk("rebuild", "--only", "text")[0] == DONE
    assert query("SELECT DISTINCT cleaning_version FROM records") == [(CLEANING_VERSION,)]
    assert query(HELD) == [(0,)]


@pytest.mark.long
def test_kill_at_any_point_is_made_good_by_the_same_command(
    older: Home, fresh: Home, begin_with: Any, home: Path, kill_at: KillAt, state_of: StateOf
) -> None:
    begin_with(older.root)
    before = state_of(home)
    command = ["rebuild", "--only", "text", "--home", str(home)]
    points = (
        ("flows.reclean", "place", "before", 1),
        ("flows.reclean", "replace_rows", "after", 2),
        ("flows.reclean", "publish", "before", 1),
    )
    for point in points:
        kill_at(point, *command)
        assert state_of(home) == before, "readers see nothing of what was not published"
    assert run(command) == DONE
    assert state_of(home) == state_of(fresh.root)


def test_what_came_in_reaches_no_terminal_as_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J\x9b31m\u202e[bold]x"
    change = {
        "source": hostile,
        "record_id": "r_1",
        "changed": ["headline", "body"],
        "body_chars_before": 3,
        "body_chars_after": 2,
        "values": [{"field": "headline", "before": hostile, "after": None}],
        "paragraphs": [f"-{hostile}", f"+{hostile}"],
    }
    alone = {"source": [hostile], "record_id": ["r_2"], "why": [hostile]}
    told = RebuiltText(NOTHING_OLDER, 2, pl.DataFrame([change], schema=DESCRIBED), pl.DataFrame(alone), is_dry_run=True)
    rebuild_text_cli.print_rebuilt_text(told)
    rebuild_text_cli.tell_left_alone(told)
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert "[bold]x" in text
        assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "text", "--source", "wires"], "There is no source 'wires'; known are gazette, policy-mirror, wire"),
        (["--only", "fingerprints", "--dry-run"], "--source and --dry-run go with --only text"),
    ],
)
def test_wrong_usage_says_what_can_be_rebuilt(arguments: list[str], said: str, older: Home, copydesk: Copydesk) -> None:
    code, output, errors = copydesk("rebuild", *arguments, "--home", older.root)
    assert (code, output) == (WRONG_USAGE, "")
    assert said in errors
