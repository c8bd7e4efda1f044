"""Replay: what was held back comes in once it passes, and the books balance all the while."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pytest

from flows import cli, drop_reader, parse, replaying
from flows.extraction_pool import ExtractionPool, PageLimits
from flows.load import ConservationError
from flows.replaying import Replayed
from flows.run import Summary
from flows.selection import Selection
from flows.settings import load_settings
from transforms.conform import conform_record
from transforms.ops_schema import QUARANTINE
from transforms.parsing import ParsedDrop
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch
from warehouse.catalog_file import latest_snapshot
from warehouse.home import Home
from warehouse.lake import open_lake

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]
KillAt = Callable[..., None]
Replay = Callable[..., Replayed]
Declare = Callable[[str], None]

PROSE = "The council met on Tuesday and agreed to repair the old bridge before winter sets in."

UNBALANCED = """
    WITH loaded AS (SELECT source, drop_sha256, count(*) AS rows FROM records GROUP BY ALL),
    held AS (SELECT source, drop_sha256, count(*) AS rows FROM ops.quarantine WHERE status <> 'replayed' GROUP BY ALL)
    SELECT uri FROM ops.drops LEFT JOIN loaded USING (source, drop_sha256) LEFT JOIN held USING (source, drop_sha256)
    WHERE records_in <> records_loaded + records_quarantined + records_retracted
        OR records_loaded <> coalesce(loaded.rows, 0) OR records_quarantined <> coalesce(held.rows, 0)
"""
UNBALANCED_RUNS = "SELECT run_id FROM ops.runs WHERE records_in <> records_loaded + records_quarantined"

REASONS = "SELECT reasons, status, count(*) FROM ops.quarantine GROUP BY ALL ORDER BY ALL"
ROWS = "SELECT quarantine_id, status, run_id, quarantined_at, reasons, detail FROM ops.quarantine ORDER BY ALL"

TABLES = {
    "records": "run_id, ingested_at",
    "record_articles": "article_id, run_id, decided_at",
    "articles": "article_id, run_id, decided_at, first_ingested_at, last_ingested_at",
    "article_fields": "article_id, run_id, decided_at",
    "spans": "",
    "record_evidence": "",
    "boilerplate_candidates": "run_id, proposed_at, decided_at",
    "ops.line_sightings": "",
    "ops.fingerprints": "",
    "ops.matches": "run_id",
    "ops.drops": "run_id, received_at, noted_at",
}
"""Tables, and what in them tells of runs, of times, and of what an article was called before."""
HELD = "SELECT quarantine_id, reasons, severity, detail, byte_start, byte_end FROM ops.quarantine WHERE status = 'open'"


def but_the_first(names: Iterable[str], count: int) -> list[Any]:
    """Mark all but a few as long."""
    return [name if number < count else pytest.param(name, marks=pytest.mark.long) for number, name in enumerate(names)]


POINTS = {
    "after parsing again": ("flows.replaying", "reparse", "after", 1),
    "before matching": ("flows.replaying", "place", "before", 1),
    "before the commit": ("warehouse.lake:Lake", "append", "before", 1),
    "in the middle of the commit": ("warehouse.lake:Lake", "insert", "after", 3),
    "between commit and publication": ("warehouse.publish", "publish", "before", 1),
    "after publication": ("warehouse.publish", "publish", "after", 1),
}


@pytest.fixture
def declare(home: Path) -> Declare:
    """Write what the source `wire` is declared to be."""

    def write(toml: str) -> None:
        home.mkdir(exist_ok=True)
        (home / "copydesk.toml").write_text(f"[sources.wire]\n{toml}\n", "utf-8")

    return write


@pytest.fixture
def replay(home: Path, query: Query) -> Replay:
    """Replay in this process, and make sure that the books balance before and after."""

    def run(*ids: str, is_dry_run: bool = False, into: Path | None = None, **selected: Any) -> Replayed:
        folder = into or home
        assert_balanced(query, folder)
        replayed = replaying.replay(load_settings(home=folder), Selection(ids, **selected), is_dry_run=is_dry_run)
        assert_balanced(query, folder)
        return replayed

    return run


def assert_balanced(query: Query, home: Path) -> None:
    assert query(UNBALANCED, home) == []
    assert query(UNBALANCED_RUNS, home) == []
    assert query("SELECT (SELECT count(*) FROM records) = sum(records_loaded) FROM ops.drops", home) == [(True,)]
    assert query("SELECT count(*) FROM records ANTI JOIN record_articles USING (record_id)", home) == [(0,)]


def state_of(query: Query, home: Path) -> dict[str, list[str]]:
    """Rows of all tables but for what tells of runs and times, and what is held back."""
    state = {}
    for table, others in TABLES.items():
        columns = f"* EXCLUDE ({others})" if others else "*"
        state[table] = sorted(map(str, query(f"SELECT {columns} FROM {table}", home)))
    return state | {"held back": sorted(map(str, query(HELD, home)))}


def files_of(home: Path) -> dict[str, bytes]:
    """Files of a home folder and their bytes; what is told of a run is no part of the warehouse."""
    files = (path for path in sorted(home.rglob("*")) if path.is_file())
    return {str(path): path.read_bytes() for path in files if Home(home).outbox not in path.parents}


def as_text(stream: BinaryIO, *, options: ParseOptions, **_: Any) -> Iterator[RawBatch]:
    """Read whatever there is as one text: what a parser gives that has been taught to read a format."""
    content = stream.read()
    builder = BatchBuilder(options)
    body = f"{PROSE} These bytes are read now: {len(content)} of them."
    builder.add_record(conform_record({"body": body}, options.names), byte_start=0, byte_end=len(content))
    yield builder.take()


def parse_all(stream: BinaryIO, *, name: str, options: ParseOptions) -> ParsedDrop:  # noqa: ARG001 -- as a parser is called
    return ParsedDrop(drop_reader.Format.TEXT, "utf-8", as_text(stream, options=options))


SETTINGS = {
    "malformed_csv": (
        "a.csv",
        b"headline;body\nOne;The bridge, old, is shut, they say, until winter comes.\n" * 1,
        "delimiter = ','",
        "delimiter = ';'",
    ),
    "oversize_record": ("a.txt", PROSE.encode(), "max_record_bytes = 50", ""),
    "missing_body": (
        "a.json",
        b'{"headline": "One", "article_text": "%s"}' % PROSE.encode(),
        "",
        "fields = { body = 'article_text' }",
    ),
    "body_too_short": ("a.txt", b"Rain fell.", "thresholds = { min_body_chars = 50 }", ""),
    "not_prose": (
        "a.txt",
        b"1,200 14.5; 1,300 15.0; 99 3.5; 1 2 (all)",
        "",
        "thresholds = { min_letter_share = 0 }",
    ),
    "block_page": (
        "a.txt",
        b"Access denied. You don't have permission to access this page on this server.",
        "",
        "thresholds = { block_page_max_chars = 0 }",
    ),
    "malformed_json": (
        "a.dat",
        b"Rain fell all day, and the river rose to the second step of the quay.\n",
        "format = 'jsonl'",
        "format = 'text'",
    ),
    "batch_refused": ("a.txt", PROSE.encode(), "rules.record_count = { severity = 'critical', bound = 9 }", ""),
}
"""Reasons that another setting lifts: name and content of a drop, settings it is held back by, and others."""

PARSERS = {
    "malformed_parquet": ("a.parquet", b"PAR1 and then nothing of the kind PAR1"),
    "malformed_markdown": ("a.md", b"---\nkey: [unclosed\n---\n\nA text.\n"),
    "malformed_html": ("a.html", b"<!doctype html><html><head><script>x()</script></head><body></body></html>"),
    "undecodable": ("a.txt", bytes(range(256)) * 8),
    "truncated": ("a.txt.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b"),
    "no_records": ("a.json", b"[]"),
    "unsupported_format": ("a.xml", b"<?xml version='1.0'?><rss version='2.0'><channel></channel></rss>"),
}
"""Reasons that no setting lifts for these bytes: they come in when a parser is mended, or taught to read more."""


@pytest.mark.parametrize("reason", but_the_first(SETTINGS, 1))
def test_what_was_held_back_for_a_setting_comes_in_when_it_is_another(
    reason: str, tmp_path: Path, declare: Declare, ingest: Ingest, replay: Replay, query: Query
) -> None:
    name, content, before, after = SETTINGS[reason]
    drop = put(tmp_path / "wire" / name, content)
    declare(before)
    ingest(drop)
    held = query(ROWS)
    assert {status for _, status, *_ in held} == {"open"}
    assert [reason] in [reasons for *_, reasons, _ in held]
    assert replay().summary.status == ("refused" if reason == "batch_refused" else "nothing_new")
    assert query(ROWS) == held

    declare(after)
    replayed = replay()

    assert (replayed.summary.records_in, replayed.summary.records_loaded) == (1, 1)
    assert query(ROWS) == [(row, "replayed", *rest) for row, _, *rest in held], "they still say why they were held back"
    first = held[0][0].replace("q_", "r_")
    assert query("SELECT record_id, run_id FROM records") == [(first, replayed.summary.run_id)]
    assert query("SELECT status, error FROM ops.drops") == [("loaded", None)]
    assert replay().summary.status == "nothing_new"
    assert query("SELECT kind FROM ops.runs ORDER BY started_at") == [("ingest",), ("replay",)]


@pytest.mark.long
def test_rows_that_were_not_chosen_go_along_where_they_lie_elsewhere_now(
    tmp_path: Path, declare: Declare, ingest: Ingest, replay: Replay, query: Query
) -> None:
    name, content, before, after = SETTINGS["malformed_csv"]
    declare(before)
    ingest(put(tmp_path / "wire" / name, content))
    one_column = ["missing_body", "no_article"]
    assert query(REASONS) == [(["malformed_csv"], "open", 1), (one_column, "open", 1)]
    declare(after)
    assert replay(reason="malformed_csv").summary.records_loaded == 1
    assert query(REASONS) == [(["malformed_csv"], "replayed", 1), (one_column, "replayed", 1)]


@pytest.mark.parametrize("reason", but_the_first(PARSERS, 1))
def test_what_no_parser_could_read_comes_in_when_one_can(
    reason: str, tmp_path: Path, ingest: Ingest, replay: Replay, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, content = PARSERS[reason]
    ingest(put(tmp_path / "wire" / name, content))
    assert query(REASONS) == [([reason], "open", 1)]
    assert replay().summary.status == "nothing_new"
    monkeypatch.setattr(drop_reader, "parse_drop", parse_all)
    assert replay().summary.records_loaded == 1
    assert query(REASONS) == [([reason], "replayed", 1)]
    assert query("SELECT format, encoding, status, error FROM ops.drops") == [("text", "utf-8", "loaded", None)]


@pytest.mark.long
def test_page_that_took_too_long_comes_in_when_it_may_take_longer(
    tmp_path: Path, ingest: Ingest, replay: Replay, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (
        f"<html><head><title>Bridge</title></head><body><p>{PROSE}</p>" + f"<p>{PROSE}</p>" * 6_000 + "</body></html>"
    )
    with monkeypatch.context() as patched:
        patched.setattr(parse, "ExtractionPool", partial(ExtractionPool, limits=PageLimits(memory_bytes=1 << 20)))
        ingest(put(tmp_path / "wire" / "a.html", page.encode()))
    assert query(REASONS) == [(["extraction_timeout"], "open", 1)]
    assert replay().summary.records_loaded == 1
    assert query(REASONS) == [(["extraction_timeout"], "replayed", 1)]


def test_withdrawn_text_is_never_taken_in_again(
    home: Path, declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path
) -> None:
    declare("thresholds = { min_body_chars = 900 }")
    ingest(put(tmp_path / "wire" / "a.txt", PROSE.encode()))
    with open_lake(Home(home)) as lake:
        row = lake.latest(QUARANTINE).with_columns(reasons=pl.lit(["retracted"]), commit_no=pl.lit(99, pl.Int64()))
        row.write_parquet(tmp_path / "row.parquet")
        lake.append({QUARANTINE.name: [tmp_path / "row.parquet"]}, message="as a retraction would")
    declare("")
    assert replay().summary.status == "nothing_new"
    assert query("SELECT count(*) FROM records") == [(0,)]


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def drops(tmp_path: Path, a_record: Any, write_lines: Any) -> list[Path]:
    return write_drops(tmp_path, a_record, write_lines)


STRICT = "thresholds = { min_body_chars = 500 }"
"""Holds back all but the longer ones."""


def write_drops(folder: Path, a_record: Any, write_lines: Any) -> list[Path]:
    """Drops of which some records are held back under STRICT: copies and revisions among them, and lines that recur."""

    def long(number: int, **more: Any) -> dict[str, Any]:
        parts = [a_record(number * 10 + part)["body"] for part in range(3)]
        return a_record(number, **more) | {"body": "\n\n".join([parts[0], "Printed on the island", *parts[1:]])}

    def short(number: int, **more: Any) -> dict[str, Any]:
        return a_record(number, **more) | {"body": f"{a_record(number)['body']}\n\nPrinted on the island"}

    first = [long(1), short(2, id="two"), long(2, id="two"), short(3, published_at="2999-01-01"), "{bad", short(4)]
    second = [short(3), {"body": "Rain."}, long(3), short(5), short(6), short(7), {"headline": "None"}]
    return [
        write_lines(folder / "wire" / "1.jsonl", first),
        write_lines(folder / "wire" / "2.jsonl", second),
        write_lines(folder / "gazette" / "1.jsonl", [long(3), short(2), a_record(1), short(5)]),
    ]


@pytest.mark.long
def test_strict_rule_then_replay_gives_what_the_right_rule_would_have_given(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    ingest(*drops, into=undisturbed)
    declare(STRICT)
    ingest(*drops)
    held = query(HELD)
    assert len(held) == 10
    assert state_of(query, home) != state_of(query, undisturbed)
    declare("")
    replayed = replay()
    assert (replayed.summary.records_in, replayed.summary.records_loaded) == (10, 7)
    assert replayed.summary.drops == 2
    assert state_of(query, home) == state_of(query, undisturbed)
    assert query("SELECT len(list(DISTINCT run_id)) FROM records WHERE source = 'wire'") == [(2,)]


@pytest.mark.long
def test_decision_on_a_line_holds_for_replayed_records_as_for_others(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    accept = ["boilerplate", "accept", "Printed on the island", "--source", "wire", "--home"]
    ingest(*drops, into=undisturbed)
    assert cli.run([*accept, str(undisturbed)]) == cli.DONE
    declare(STRICT)
    ingest(*drops)
    declare("")
    replay()
    assert cli.run([*accept, str(home)]) == cli.DONE
    assert_balanced(query, home)
    assert state_of(query, home) == state_of(query, undisturbed)


@pytest.mark.long
def test_second_replay_makes_no_commit_and_no_run(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, replay: Replay
) -> None:
    declare(STRICT)
    ingest(*drops)
    declare("")
    replay()
    before, snapshot = files_of(home), latest_snapshot(Home(home))
    again = replay()
    assert (again.summary.status, again.summary.run_id, again.summary.records_in) == ("nothing_new", None, 3)
    assert (files_of(home), latest_snapshot(Home(home))) == (before, snapshot)


@pytest.mark.long
def test_dry_run_tells_what_would_come_of_it_and_changes_nothing(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, replay: Replay
) -> None:
    declare(STRICT)
    ingest(*drops)
    declare("")
    before, snapshot = files_of(home), latest_snapshot(Home(home))
    tried = replay(is_dry_run=True)
    assert (files_of(home), latest_snapshot(Home(home))) == (before, snapshot)
    done = replay()
    told = ("records_in", "records_loaded", "records_quarantined", "drops", "status")
    assert [getattr(tried.summary, name) for name in told] == [getattr(done.summary, name) for name in told]
    assert (tried.reasons.rows(), tried.passed, tried.failed) == (done.reasons.rows(), done.passed, done.failed)
    assert ("wire", "body_too_short", 8, 7, 1) in tried.reasons.rows()


@pytest.mark.long
@pytest.mark.parametrize("point", but_the_first(POINTS, 1))
def test_kill_at_any_point_is_made_good_by_the_next_replay(
    point: str,
    drops: list[Path],
    home: Path,
    declare: Declare,
    ingest: Ingest,
    replay: Replay,
    query: Query,
    tmp_path: Path,
    kill_at: KillAt,
) -> None:
    undisturbed = tmp_path / "undisturbed"
    ingest(*drops, into=undisturbed)
    declare(STRICT)
    ingest(*drops)
    before, after = state_of(query, home), state_of(query, undisturbed)
    declare("")
    kill_at(POINTS[point], "quarantine", "replay", "--home", home)
    assert state_of(query, home) in (before, after), "readers never see a part of a replay"
    replay()
    assert state_of(query, home) == after
    assert query("SELECT kind, count(*) FROM ops.runs GROUP BY ALL ORDER BY ALL") == [("ingest", 1), ("replay", 1)]
    assert [path for path in home.rglob("*") if path.name.endswith(".part") or "staging/" in str(path)] == []


@pytest.mark.long
def test_what_fails_again_keeps_its_identity_and_tells_the_new_reason(
    declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path
) -> None:
    declare("thresholds = { min_body_chars = 50 }")
    ingest(put(tmp_path / "wire" / "a.txt", b"Rain fell all day."))
    [before] = query(ROWS)
    declare("thresholds = { min_body_chars = 40 }")
    replayed = replay()
    assert (replayed.summary.status, replayed.summary.records_loaded, replayed.summary.records_quarantined) == (
        "done",
        0,
        1,
    )
    [after] = query(ROWS)
    assert after[:5] == before[:5]
    assert ("at least 50" in before[5], "at least 40" in after[5]) == (True, True)
    assert replay().summary.status == "nothing_new"


@pytest.mark.long
def test_only_what_is_selected_comes_in(
    drops: list[Path], declare: Declare, ingest: Ingest, replay: Replay, query: Query
) -> None:
    declare(STRICT)
    summary = ingest(*drops)
    declare("")
    [(one, _), *_] = query(
        "SELECT quarantine_id, record_no FROM ops.quarantine WHERE reasons = ['body_too_short'] ORDER BY ALL"
    )
    assert replay(source="gazette").summary.records_in == 0
    assert replay(run_id="another").summary.records_in == 0
    assert replay(reason="malformed_json").summary.status == "nothing_new"
    assert replay(one).summary.records_loaded == 1
    assert query("SELECT status, count(*) FROM ops.quarantine GROUP BY ALL ORDER BY ALL") == [
        ("open", 9),
        ("replayed", 1),
    ]
    assert replay(one).summary.records_in == 0
    assert replay(run_id=summary.run_id, reason="body_too_short").summary.records_loaded == 6


@pytest.mark.long
def test_unreadable_whole_becomes_the_records_that_are_in_it(
    declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path, a_record: Any
) -> None:
    rows = "".join(f'{number}|"{a_record(number)["body"]}"\n' for number in range(500)) + "500|\n"
    drop = put(tmp_path / "wire" / "a.dat", f"headline|body\n{rows}".encode())
    declare("format = 'csv'\ndelimiter = ','\nmax_record_bytes = 1000")
    ingest(drop)
    before = query("SELECT records_in, records_loaded FROM ops.drops")
    assert before[0][1] == 0
    declare("format = 'csv'\ndelimiter = '|'")
    replayed = replay()
    assert (replayed.summary.records_in, replayed.summary.records_loaded) == (501, 500)
    assert query("SELECT records_in, records_loaded, records_quarantined, status FROM ops.drops") == [
        (501, 500, 1, "partly_loaded")
    ]
    assert query("SELECT record_no, reasons FROM ops.quarantine WHERE status = 'open'") == [(500, ["missing_body"])]
    assert replay().summary.status == "nothing_new"


def one_reject(stream: BinaryIO, *, name: str, options: ParseOptions) -> ParsedDrop:  # noqa: ARG001 -- as a parser is called
    """Read the first line, stumble over the second, and give up: what a parser does whose bytes go bad."""
    first, second, rest = stream.read().split(b"\n", 2)
    builder = BatchBuilder(options)
    builder.add_record(conform_record({"body": first.decode()}, options.names), byte_start=0, byte_end=len(first))
    start, end = len(first) + 1, len(first) + 1 + len(second)
    builder.add_reject("undecodable", "unreadable line", raw=second, byte_start=start, byte_end=end)
    builder.add_reject("undecodable", "unreadable from here", raw=rest, byte_start=end + 1, byte_end=None)
    return ParsedDrop(drop_reader.Format.TEXT, "utf-8", iter([builder.take()]))


def lines(stream: BinaryIO, *, name: str, options: ParseOptions, skipped: int = 0) -> ParsedDrop:  # noqa: ARG001 -- the same
    """Read every line as a record, but for the first ones."""
    builder, start = BatchBuilder(options), 0
    for number, line in enumerate(stream.read().splitlines(keepends=True)):
        if number >= skipped:
            fields = conform_record({"body": line.decode().strip()}, options.names)
            builder.add_record(fields, byte_start=start, byte_end=start + len(line.rstrip()))
        start += len(line)
    return ParsedDrop(drop_reader.Format.TEXT, "utf-8", iter([builder.take()]))


@pytest.fixture
def half_read(tmp_path: Path, ingest: Ingest, a_record: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A drop whose first line is loaded; the second is held back, and so is the remainder, as one."""
    content = "".join(f"{a_record(number)['body']}\n" for number in range(4))
    drop = put(tmp_path / "wire" / "a.txt", content.encode())
    with monkeypatch.context() as patched:
        patched.setattr(drop_reader, "parse_drop", one_reject)
        ingest(drop)
    return drop


@pytest.mark.usefixtures("half_read")
def test_unreadable_remainder_becomes_the_records_that_are_in_it(
    replay: Replay, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert query("SELECT records_in, records_loaded, records_quarantined FROM ops.drops") == [(3, 1, 2)]
    monkeypatch.setattr(drop_reader, "parse_drop", lines)
    assert replay().summary.records_in == 3
    assert query("SELECT records_in, records_loaded, records_quarantined FROM ops.drops") == [(4, 4, 0)]
    assert query("SELECT array_agg(record_no ORDER BY record_no) FROM records") == [([0, 1, 2, 3],)]


@pytest.mark.long
def test_drop_whose_loaded_records_would_lie_elsewhere_is_left_alone_and_others_go_on(
    half_read: Path,
    declare: Declare,
    ingest: Ingest,
    replay: Replay,
    query: Query,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare("thresholds = { min_body_chars = 900 }")
    ingest(put(tmp_path / "wire" / "b.txt", PROSE.encode()))
    declare("")
    of_drop = f"SELECT * FROM ops.quarantine JOIN ops.drops USING (source, drop_sha256) WHERE uri = '{half_read}'"
    before = query(of_drop)
    monkeypatch.setattr(drop_reader, "parse_drop", _moved(half_read))
    replayed = replay()
    [left] = replayed.left_alone
    assert (left.uri, left.is_damaged) == (str(half_read), False)
    assert "record 0 of it is loaded or dismissed, and would lie at bytes" in left.why
    assert query(of_drop) == before
    assert replayed.summary.records_loaded == 1
    assert replay().summary.status == "nothing_new"


def _moved(path: Path) -> Callable[..., ParsedDrop]:
    """A parser that no longer finds the first record of one drop."""

    def read(stream: BinaryIO, *, name: str, options: ParseOptions) -> ParsedDrop:
        return lines(stream, name=name, options=options, skipped=int(name == path.name))

    return read


@pytest.mark.long
def test_drop_whose_dismissed_record_would_lie_elsewhere_is_left_alone(
    half_read: Path, home: Path, replay: Replay, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(remainder,)] = query("SELECT quarantine_id FROM ops.quarantine WHERE record_no = 2")
    assert cli.run(["quarantine", "dismiss", remainder, "--note", "as agreed", "--home", str(home)]) == cli.DONE
    before = query(ROWS)
    monkeypatch.setattr(drop_reader, "parse_drop", lines)
    [left] = replay().left_alone
    assert left.uri == str(half_read)
    assert "record 2 of it is loaded or dismissed" in left.why
    assert query(ROWS) == before
    assert cli.run(["quarantine", "dismiss", remainder, "--undo", "--home", str(home)]) == cli.DONE
    assert replay().summary.records_loaded == 3


@pytest.mark.long
@pytest.mark.parametrize("damage", but_the_first(["gone", "cut", "other"], 1))
def test_damaged_bytes_are_named_and_nothing_is_lost(
    damage: str, drops: list[Path], home: Path, declare: Declare, ingest: Ingest, query: Query, copydesk: Any
) -> None:
    declare(STRICT)
    ingest(*drops)
    declare("")
    [(damaged,), (whole,)] = query("SELECT drop_sha256 FROM ops.drops WHERE source = 'wire' ORDER BY uri")
    path, other = (home / "raw" / sha256[:2] / f"{sha256}.zst" for sha256 in (damaged, whole))
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else other.read_bytes())
    code, output, errors = copydesk("quarantine", "replay")
    assert code == cli.FAILED
    assert f"Left alone: {drops[0]} of wire: " in errors
    assert (str(path) in errors, "restore it from a backup" in errors) == (True, True)
    assert "loaded 4" in output, "the other drop comes in"
    path.write_bytes(content)
    assert copydesk("quarantine", "replay")[0] == cli.DONE
    assert query("SELECT count(*) FROM ops.quarantine WHERE status = 'open'") == [(3,)]
    assert_balanced(query, home)


REFUSING = "rules.record_count = { severity = 'critical', bound = 100 }"


@pytest.mark.long
def test_refused_batch_stays_where_it_is_while_a_critical_rule_refuses_it(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, copydesk: Any
) -> None:
    declare(REFUSING)
    ingest(*drops)
    before, snapshot = files_of(home), latest_snapshot(Home(home))
    for more in ((), ("--dry-run",), ("--json",)):
        code, _, errors = copydesk("quarantine", "replay", *more)
        assert code == cli.REFUSED
        assert "Still refused: 13 rows of wire" in errors
        assert "records_in is 13; at least 100 is expected." in errors
    assert (files_of(home), latest_snapshot(Home(home))) == (before, snapshot)


@pytest.mark.long
def test_refused_batch_comes_in_under_another_bound_and_its_incident_is_resolved(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    ingest(*drops, into=undisturbed)
    declare(REFUSING)
    ingest(*drops)
    assert query("SELECT count(*) FROM ops.incidents WHERE rule = 'record_count' AND status = 'open'") == [(1,)]
    declare("rules.record_count = { severity = 'critical', bound = 13 }")
    [(one,)] = query("SELECT min(quarantine_id) FROM ops.quarantine WHERE reasons = ['batch_refused']")
    assert replay(one).summary.records_loaded == 1, "the batch is judged as a whole, whatever is chosen of it"
    replayed = replay()
    assert (replayed.summary.status, replayed.refused) == ("done", [])
    assert state_of(query, home) == state_of(query, undisturbed)
    assert query("SELECT count(*) FROM ops.incidents WHERE rule = 'record_count' AND status = 'open'") == [(0,)]
    checked = "SELECT success FROM ops.validations WHERE expectation = 'record_count' AND run_id = '{}'"
    assert query(checked.format(replayed.summary.run_id)) == [(True,)]


@pytest.mark.long
def test_one_refused_batch_holds_up_no_other(
    declare: Declare,
    ingest: Ingest,
    replay: Replay,
    query: Query,
    tmp_path: Path,
    a_record: Any,
    write_lines: Any,
) -> None:
    declare(REFUSING)
    for number in (2, 5):
        path = tmp_path / "wire" / f"{number}.jsonl"
        ingest(write_lines(path, [a_record(number * 10 + more) for more in range(number)]))
    declare("rules.record_count = { severity = 'critical', bound = 3 }")
    replayed = replay()
    assert (replayed.summary.status, replayed.summary.records_loaded) == ("refused", 5)
    assert [batch.rows for batch in replayed.refused] == [2]
    assert replayed.left_alone == []
    assert query("SELECT status FROM ops.drops ORDER BY uri") == [("refused",), ("loaded",)]
    snapshot = query("SELECT snapshot_id FROM ops.publication")
    assert replay().summary.run_id is None
    assert query("SELECT snapshot_id FROM ops.publication") == snapshot


@pytest.mark.long
def test_dates_lie_in_the_future_of_the_run_that_took_the_drop_in(
    declare: Declare,
    ingest: Ingest,
    replay: Replay,
    query: Query,
    tmp_path: Path,
    a_record: Any,
    write_lines: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    judged = replaying.reparse.__globals__["clean_withhold_and_check"]

    def note(batch: Any, withdrawals: Any, *, now: Any) -> Any:
        seen.append(now)
        return judged(batch, withdrawals, now=now)

    declare(STRICT)
    ingest(
        write_lines(
            tmp_path / "wire" / "1.jsonl", [a_record(1, published_at=f"{datetime.now(UTC) + timedelta(200):%F}")]
        )
    )
    declare("")
    monkeypatch.setitem(replaying.reparse.__globals__, "clean_withhold_and_check", note)
    replay()
    assert [now.replace(tzinfo=None) for now in seen] == [
        started for (started,) in query("SELECT started_at::TIMESTAMP FROM ops.runs WHERE kind = 'ingest'")
    ]
    assert query("SELECT flags FROM records") == [(["future_date"],)]


@pytest.mark.long
def test_parquet_rows_come_in_by_their_number(
    declare: Declare, ingest: Ingest, replay: Replay, query: Query, tmp_path: Path, a_record: Any
) -> None:
    bodies = [a_record(1)["body"], None, a_record(2)["body"], None]
    texts = [None, a_record(3)["body"], None, a_record(4)["body"]]
    folder = tmp_path / "wire"
    folder.mkdir()
    pl.DataFrame({"body": bodies, "article_text": texts}).write_parquet(folder / "a.parquet")
    ingest(folder / "a.parquet")
    assert query(REASONS) == [(["missing_body", "no_article"], "open", 2)]
    declare("fields = { body = ['body', 'article_text'] }")
    assert replay().summary.records_loaded == 2
    assert query("SELECT array_agg(record_no ORDER BY record_no) FROM records") == [([0, 1, 2, 3],)]


def test_books_that_do_not_balance_change_nothing(
    drops: list[Path], home: Path, declare: Declare, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(STRICT)
    ingest(*drops)
    declare("")
    before = files_of(home)
    again = replaying.reparse

    def reparse_and_lose_one(run: Any, concerned: Any) -> Any:
        reparsed = again(run, concerned)
        path = run.staged("records")[0]
        pl.read_parquet(path).tail(-1).write_parquet(path)
        return dataclasses.replace(reparsed, counts=reparsed.counts.with_columns(pl.col("records_in") + 1))

    monkeypatch.setattr(replaying, "reparse", reparse_and_lose_one)
    with pytest.raises(ConservationError, match=r"1\.jsonl: 7 records are in it"):
        replaying.replay(load_settings(home=home), Selection())
    assert files_of(home) == before
