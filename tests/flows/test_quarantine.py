"""The quarantine on the command line: what is listed, what is shown, and what is dismissed."""

import gzip
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.cli import DONE, FAILED, WRONG_USAGE, run
from flows.run import Summary
from seeds.tables import reason_codes
from transforms.ops_schema import QUARANTINE
from warehouse.catalog_file import latest_snapshot
from warehouse.home import Home
from warehouse.lake import open_lake
from warehouse.publish import publish

Copydesk = Callable[..., tuple[int, str, str]]
Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]

HOSTILE = '{"body": "\x1b]0;owned\x07\x1b[2J[red]bold[/red]<script>\u202e'
STATUSES = "SELECT status, note, count(*) FROM ops.quarantine GROUP BY ALL ORDER BY ALL"
COUNTS = "SELECT uri, records_in, records_loaded, records_quarantined FROM ops.drops ORDER BY uri"


def write_drops(folder: Path, a_record: Any, write_lines: Any) -> list[Path]:
    """Drops with hostile lines, short texts, a compressed file and one that has no spans."""
    (folder / "gazette").mkdir()
    packed = folder / "gazette" / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(a_record(1)).encode() + b'\n{"body": "Rain."}\n'))
    rows = folder / "gazette" / "rows.parquet"
    pl.DataFrame({"body": ["Rain.", a_record(2)["body"]]}).write_parquet(rows)
    lines = [a_record(3), HOSTILE, {"body": "Rain."}, {"headline": "x" * 3_000_000}, *(f"bad {n}" for n in range(40))]
    return [write_lines(folder / "wire" / "hostile\x1b[1m.jsonl", lines), packed, rows]


@pytest.fixture(scope="module")
def one_home(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Home:
    """A home folder in which nothing is decided; one row is old."""
    folder = tmp_path_factory.mktemp("one")
    drops = write_drops(folder, a_record, write_lines)
    assert run(["ingest", *map(str, drops), "--home", str(folder / "home")]) == DONE
    home = Home(folder / "home")
    with open_lake(home) as lake:
        rows = lake.latest(QUARANTINE).filter(pl.col("source") == "gazette", pl.col("byte_start").is_not_null())
        aged = rows.with_columns(pl.col("quarantined_at") - pl.duration(days=30), pl.col("commit_no") + 1)
        aged.write_parquet(folder / "aged.parquet")
        lake.append({QUARANTINE.name: [folder / "aged.parquet"]}, message="time goes by")
        publish(lake)
    return home


@pytest.fixture
def listed(one_home: Home, copydesk: Copydesk) -> Callable[..., list[dict[str, Any]]]:
    def call(*arguments: str) -> list[dict[str, Any]]:
        code, output, _ = copydesk("quarantine", "list", "--json", *arguments, "--home", one_home.root)
        assert code == DONE
        rows: list[dict[str, Any]] = json.loads(output)
        return rows

    return call


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ((), 45),
        (("--source", "gazette"), 2),
        (("--reason", "body_too_short"), 3),
        (("--source", "wire", "--reason", "body_too_short"), 1),
        (("--older-than", "7d"), 1),
        (("--newer-than", "2w"), 44),
        (("--newer-than", "60d", "--older-than", "29d"), 1),
        (("--status", "dismissed"), 0),
        (("--status", "all"), 45),
    ],
)
def test_filters_narrow_down_what_is_listed(filters: tuple[str, ...], rows: int, listed: Any) -> None:
    assert len(listed(*filters)) == rows
    counts = listed(*filters, "--summary")
    assert sum(row["records"] for row in counts) == rows


def test_rows_of_one_run_are_listed(listed: Any) -> None:
    [run_id] = {row["run_id"] for row in listed()}
    assert len(listed("--run", run_id)) == 45


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--reason", "bad_luck"), "'bad_luck' is no reason; known are batch_refused, "),
        (("list", "--reason", "headline_mismatch"), "is no reason"),
        (("list", "--source", "wires"), "There is no source 'wires'; known are gazette, wire"),
        (("list", "--status", "shut"), "'shut' is no status; open, replayed, dismissed and all are"),
        (("list", "--run", "run_\udcff'; DROP"), "There is no run"),
        (("list", "--older-than", "soon"), "--older-than 'soon' is no age"),
        (("list", "--newer-than", "999999w"), "is no age"),
        (("show", "q_0_0"), "The quarantine has no row 'q_0_0'"),
        (("show", "q_' OR true --"), "The quarantine has no row"),
        (("show", "\udcff\x00"), "The quarantine has no row"),
        (("show", "q_0_0", "--raw"), "The quarantine has no row"),
        (("replay", "q_0_0", "q_0_1"), "nor of 1 others"),
        (("dismiss", "--note", "why"), "Say which: name rows"),
        (("dismiss", "--source", "wire"), "Say why with --note"),
        (("dismiss", "--source", "wire", "--note", "  "), "Say why with --note"),
        (("dismiss", "--source", "wire", "--note", "why", "--all"), "--all means every row"),
        (("dismiss", "--source", "wire", "--note", "why", "--undo"), "leave --note out"),
    ],
)
def test_wrong_usage_says_what_there_is(
    arguments: tuple[str, ...], said: str, one_home: Home, copydesk: Copydesk
) -> None:
    code, output, errors = copydesk("quarantine", *arguments, "--home", one_home.root)
    assert (code, output) == (WRONG_USAGE, "")
    assert said in errors


@pytest.mark.parametrize("command", [("list",), ("show", "q_0_0"), ("replay",), ("dismiss", "--all", "--note", "why")])
def test_empty_warehouse_is_wrong_usage(command: tuple[str, ...], copydesk: Copydesk, home: Path) -> None:
    code, _, errors = copydesk("quarantine", *command)
    assert (code, "run 'copydesk ingest' first" in errors) == (WRONG_USAGE, True)
    assert not home.exists()


def test_list_counts_first_and_says_how_to_see_more(one_home: Home, copydesk: Copydesk) -> None:
    code, output, _ = copydesk("quarantine", "list", "--home", one_home.root)
    assert code == DONE
    assert output.startswith("45 rows held back, status open.")
    assert output.index("By source and reason") < output.index("The latest")
    assert "25 more; --limit 45 shows all, --json gives all" in output
    assert output.count("│ q_") == 20
    [look] = [line for line in output.splitlines() if line.startswith("Look at one: ")]
    told = copydesk(*shlex.split(look.removeprefix("Look at one: copydesk ")))
    assert (told[0], told[1].startswith("q_")) == (DONE, True), "it works as it stands, with its home"
    assert copydesk("quarantine", "list", "--limit", "50", "--home", one_home.root)[1].count("│ q_") == 45
    assert "q_" not in copydesk("quarantine", "list", "--summary", "--home", one_home.root)[1]


def test_hostile_bytes_are_harmless_on_a_terminal(one_home: Home, copydesk: Copydesk, listed: Any) -> None:
    [row] = [row for row in listed("--source", "wire") if "owned" in row["raw"]]
    large = next(row for row in listed("--reason", "missing_body"))
    listing = copydesk("quarantine", "list", "--limit", "100", "--home", one_home.root)[1]
    showing = copydesk("quarantine", "show", row["quarantine_id"], "--home", one_home.root)[1]
    largest = copydesk("quarantine", "show", large["quarantine_id"], "--home", one_home.root)[1]
    for output in (listing, showing):
        assert "[red]bold" in output, "markup of ours is no markup in what came in"
    for output in (listing, showing, largest):
        assert all(char.isprintable() or char == "\n" for char in output)
        assert len(output) < 40_000


def test_show_tells_all_there_is_to_know(one_home: Home, copydesk: Copydesk, listed: Any) -> None:
    codes = {code: (meaning, remedy) for code, _, meaning, remedy in reason_codes().iter_rows()}
    [row] = listed("--source", "wire", "--reason", "body_too_short")
    code, output, _ = copydesk("quarantine", "show", row["quarantine_id"], "--home", one_home.root)
    assert code == DONE
    flat = " ".join(output.replace("│", " ").split())
    for part in (
        *codes["body_too_short"][0].split()[:4],
        *codes["body_too_short"][1].split()[:4],
        "The body has 5 characters; at least 10 are needed.",
        *(str(row[name]) for name in ("severity", "run_id", "record_no", "drop_sha256")),
        f"{row['byte_start']}-{row['byte_end']}",
        f"show {row['quarantine_id']} --raw --home {one_home.root}",
        "is open",
    ):
        assert part in flat, part


@pytest.mark.long
def test_raw_is_the_bytes_of_the_record_and_nothing_else(one_home: Home, listed: Any) -> None:
    said = {}
    for row in listed():
        if row["byte_end"] is None or row["record_no"] < 4:
            command = [sys.executable, "-m", "flows", "quarantine", "show", row["quarantine_id"], "--raw"]
            shown = subprocess.run([*command, "--home", one_home.root], capture_output=True, check=True)
            said[row["source"], row["record_no"]] = (shown.stdout, shown.stderr.decode())
    assert said["wire", 1] == (HOSTILE.encode(), "")
    assert said["gazette", 1] == (b'{"body": "Rain."}', ""), "spans count in what was compressed"
    content, errors = said["gazette", 0]
    assert content == (one_home.root.parent / "gazette" / "rows.parquet").read_bytes()
    assert "this is all of the drop" in errors


def test_raw_of_damaged_bytes_is_an_error(
    tmp_path: Path, home: Path, ingest: Ingest, copydesk: Copydesk, query: Query, write_lines: Any
) -> None:
    ingest(write_lines(tmp_path / "wire" / "one.jsonl", ["bad"]))
    [(row, sha256)] = query("SELECT quarantine_id, drop_sha256 FROM ops.quarantine")
    (home / "raw" / sha256[:2] / f"{sha256}.zst").write_bytes(b"\x28\xb5\x2f\xfd others")
    code, output, errors = copydesk("quarantine", "show", row, "--raw")
    assert (code, output, "restore it from a backup" in errors) == (FAILED, "", True)


@pytest.fixture
def dismissing(tmp_path: Path, ingest: Ingest, copydesk: Copydesk, a_record: Any, write_lines: Any) -> Copydesk:
    """`copydesk quarantine dismiss` on three rows, two of `wire` and one of `gazette`."""
    ingest(
        write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1), "bad", {"body": "Rain."}]),
        write_lines(tmp_path / "gazette" / "two.jsonl", ["bad"]),
    )
    return lambda *arguments: copydesk("quarantine", "dismiss", *arguments)


def test_dismissed_rows_stay_held_back_and_no_replay_takes_them(
    dismissing: Copydesk, copydesk: Copydesk, query: Query, home: Path
) -> None:
    counts = query(COUNTS)
    assert dismissing("--source", "wire", "--note", "as agreed")[:2] == (DONE, "2 rows are dismissed.\n")
    assert query(STATUSES) == [("dismissed", "as agreed", 2), ("open", None, 1)]
    assert query(COUNTS) == counts
    (home / "copydesk.toml").write_text("[sources.wire]\nthresholds = { min_body_chars = 1 }\n")
    code, output, _ = copydesk("quarantine", "replay", "--json")
    assert (code, json.loads(output)["records_in"]) == (DONE, 1)
    assert query("SELECT count(*) FROM ops.runs") == [(1,)], "nobody took anything in"
    assert dismissing("--source", "wire", "--reason", "body_too_short", "--undo")[1] == "1 row is open again.\n"
    assert json.loads(copydesk("quarantine", "replay", "--json")[1])["records_loaded"] == 1
    assert query(STATUSES) == [("dismissed", "as agreed", 1), ("open", None, 1), ("replayed", None, 1)]


def test_dismissing_again_changes_nothing(dismissing: Copydesk, home: Path, query: Query) -> None:
    dismissing("--all", "--note", "as agreed")
    assert query(STATUSES) == [("dismissed", "as agreed", 3)]
    snapshot = latest_snapshot(Home(home))
    code, output, _ = dismissing("--all", "--note", "for another reason")
    assert (code, output) == (DONE, "Nothing to do: no row of these is open.\n")
    assert latest_snapshot(Home(home)) == snapshot
    dismissing("--all", "--undo")
    assert query(STATUSES) == [("open", None, 3)]
    assert dismissing("--all", "--undo")[1] == "Nothing to do: no row of these is dismissed.\n"


def test_dry_run_of_a_dismissal_counts_and_writes_nothing(dismissing: Copydesk, home: Path, query: Query) -> None:
    snapshot = latest_snapshot(Home(home))
    code, output, errors = dismissing("--source", "wire", "--note", "why", "--dry-run")
    assert (code, output, "Nothing was written." in errors) == (DONE, "2 rows would be dismissed.\n", True)
    assert (latest_snapshot(Home(home)), query(STATUSES)) == (snapshot, [("open", None, 3)])


def test_hostile_note_is_kept_and_shown_harmlessly(dismissing: Copydesk, copydesk: Copydesk, query: Query) -> None:
    [(row,)] = query("SELECT quarantine_id FROM ops.quarantine WHERE source = 'gazette'")
    assert dismissing(row, "--note", "it's \x1b[2J [bold] \udcff")[0] == DONE
    output = copydesk("quarantine", "show", row)[1]
    assert "it's �[2J [bold] ?" in output
    assert "is dismissed" in output
