"""The command line: what it prints, and how it ends."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, FAILED, INTERRUPTED, OUTPUT_CLOSED, REFUSED, WRONG_USAGE
from flows.run import Summary
from warehouse.writer_lock import hold_writer_lock

Copydesk = Callable[..., tuple[int, str, str]]

REFUSING = "[sources.wire]\nrules.record_count = { severity = 'critical', bound = 100 }\n"
FIGURES = ("drops", "records_in", "records_loaded", "records_quarantined", "exact_copies", "articles_new")


@pytest.fixture
def drop(tmp_path: Path, a_record: Any, write_lines: Any) -> Path:
    return write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1), a_record(1), a_record(2), "nonsense"])


def test_ingest_prints_one_json_object_with_the_figures_of_the_run(copydesk: Copydesk, drop: Path) -> None:
    code, output, _ = copydesk("ingest", drop, "--json")
    summary = json.loads(output)
    assert code == DONE
    assert list(summary) == list(Summary.__dataclass_fields__)
    assert summary["status"] == "done"
    assert [summary[name] for name in FIGURES] == [1, 4, 3, 1, 1, 2]


def test_second_ingest_has_nothing_new(copydesk: Copydesk, drop: Path) -> None:
    copydesk("ingest", drop)
    code, output, _ = copydesk("ingest", drop, "--json")
    assert (code, json.loads(output)["status"]) == (DONE, "nothing_new")
    assert copydesk("ingest", drop)[1].startswith("Nothing new")


def test_refused_batch_ends_with_one_and_holds_everything_back(
    copydesk: Copydesk, drop: Path, home: Path, query: Callable[[str], Any]
) -> None:
    home.mkdir()
    (home / "copydesk.toml").write_text(REFUSING)
    code, output, _ = copydesk("ingest", drop, "--json")
    summary = json.loads(output)
    assert (code, summary["status"]) == (REFUSED, "refused")
    assert [summary[name] for name in FIGURES] == [1, 4, 0, 4, 0, 0]
    assert query("SELECT count(*) FROM records") == [(0,)]
    assert query("SELECT reasons, count(*) FROM ops.quarantine GROUP BY ALL ORDER BY ALL") == [
        (["batch_refused"], 3),
        (["batch_refused", "malformed_json"], 1),
    ]
    assert query("SELECT status, records_loaded, records_quarantined FROM ops.drops") == [("refused", 0, 4)]
    assert query("SELECT rule, severity, status FROM ops.incidents WHERE severity = 'critical' ORDER BY ALL") == [
        ("malformed_json", "critical", "open"),
        ("record_count", "critical", "open"),
    ]


@pytest.mark.long
def test_refused_batch_of_one_source_leaves_others_alone(
    copydesk: Copydesk, drop: Path, home: Path, tmp_path: Path, a_record: Any, write_lines: Any, query: Any
) -> None:
    home.mkdir()
    (home / "copydesk.toml").write_text(REFUSING)
    other = write_lines(tmp_path / "gazette" / "two.jsonl", [a_record(5)])
    assert copydesk("ingest", drop, other)[0] == REFUSED
    assert query("SELECT source FROM records") == [("gazette",)]
    assert query(
        "SELECT source FROM articles JOIN record_articles USING (article_id) JOIN records USING (record_id)"
    ) == [("gazette",)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "no/such/file", "--json"],
        ["ingest", "--no-such-option", "--json"],
        ["ingest", "--json", "--config", "no-such.toml"],
        ["ingest", "--json", "--home"],
        ["ingest", "--json", ""],
        ["ingest", "--json", "--source", " "],
        ["ingest", "--json", "--home", "a*b"],
        ["ingest", "--json", "--home", __file__],
    ],
)
def test_wrong_usage_ends_with_two_and_still_prints_the_object(copydesk: Copydesk, arguments: list[str]) -> None:
    code, output, errors = copydesk(*arguments)
    assert code == WRONG_USAGE
    assert json.loads(output)["status"] == "failed"
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) == 1


def test_failure_ends_with_three_says_so_in_a_sentence_and_in_the_object(
    copydesk: Copydesk, drop: Path, home: Path
) -> None:
    copydesk("ingest", drop)
    (home / "catalog.sqlite").write_bytes(b"no catalog")
    code, output, errors = copydesk("ingest", drop, "--json", "--source", "other")
    assert code == FAILED
    assert json.loads(output)["status"] == "failed"
    assert str(home / "catalog.sqlite") in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("words", [("rebuild",), ("retract", "r_0_0", "--reason", "as asked")])
def test_failure_of_a_command_that_prints_one_object_is_one(copydesk: Copydesk, words: Sequence[str]) -> None:
    code, output, errors = copydesk(*words, "--json")
    assert code != DONE
    assert json.loads(output) == {"status": "failed", "error": errors.strip()}


def test_no_command_is_said(copydesk: Copydesk) -> None:
    code, _, errors = copydesk()
    assert (code, errors.strip()) == (WRONG_USAGE, "Name a command. See copydesk --help.")


def test_debug_adds_the_traceback_and_changes_nothing_else(copydesk: Copydesk) -> None:
    code, output, errors = copydesk("--debug", "ingest", "no/such/file", "--json")
    assert (code, json.loads(output)["status"]) == (WRONG_USAGE, "failed")
    assert "Traceback" in errors
    assert errors.splitlines()[-1].startswith("There is no no/such/file")


PROGRAM = [sys.executable, "-m", "flows"]


def test_interrupt_is_said_in_a_sentence_and_in_the_object(drop: Path, home: Path) -> None:
    lock = home / "writer.lock"
    home.mkdir()
    with hold_writer_lock(lock, purpose="test"):
        command = [*PROGRAM, "ingest", str(drop), "--json", "--home", str(home)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert any("Waiting for" in line for line in waiting.stderr)
            waiting.send_signal(signal.SIGINT)
            output, errors = waiting.communicate(timeout=30)
    assert waiting.returncode == INTERRUPTED
    assert json.loads(output)["status"] == "failed"
    assert errors.splitlines() == ["Interrupted; nothing is half done, and the next run goes on from here."]


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5])
def test_interrupt_while_the_program_is_loaded_is_said_too(seconds: float, drop: Path, home: Path) -> None:
    command = [*PROGRAM, "ingest", str(drop), "--json", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as loading:
        while not _blocks_interrupts(loading.pid):
            pass
        with pytest.raises(subprocess.TimeoutExpired):
            loading.wait(seconds)
        loading.send_signal(signal.SIGINT)
        output, errors = loading.communicate(timeout=30)
    assert loading.returncode == INTERRUPTED
    assert json.loads(output)["status"] == "failed"
    assert errors.splitlines()[-1].startswith("Interrupted;")
    assert "Traceback" not in errors


INTERRUPTING = """
import os, signal, sys, threading
from flows.cli import run
threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
sys.exit(run(sys.argv[1:]))
"""


def test_interrupt_ends_a_query(drop: Path, home: Path, copydesk: Copydesk) -> None:
    copydesk("ingest", drop)
    endless = "SELECT count(*) FROM range(100_000_000) AS a, range(1_000) AS b WHERE a.range * b.range % 7 = 3"
    command = [sys.executable, "-c", INTERRUPTING, "sql", endless, "--home", str(home)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.startswith("Interrupted;")) == (INTERRUPTED, True)


def _blocks_interrupts(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    [blocked] = [line.split()[1] for line in status.splitlines() if line.startswith("SigBlk")]
    return bool(int(blocked, 16) >> (signal.SIGINT - 1) & 1)


@pytest.mark.long
def test_output_that_nobody_reads_is_no_refused_batch(drop: Path, home: Path) -> None:
    command = [*PROGRAM, "ingest", str(drop), "--json", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as unread:
        assert unread.stdout is not None
        unread.stdout.close()
        unread.stdout = None
        _, errors = unread.communicate(timeout=60)
    assert unread.returncode == OUTPUT_CLOSED
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors


@pytest.mark.parametrize("size", ["100k", "200k", "300k", "400k", "600k"])
def test_full_disk_is_told_as_one(drop: Path, disk: Path, copydesk: Copydesk, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
    code, _, error = copydesk("ingest", drop, "--home", disk / "home")
    assert (code, "make room" in error.splitlines()[-1]) == (FAILED, True)
    assert "rebuild" not in error
    subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
    assert copydesk("ingest", drop, "--home", disk / "home")[0] == DONE


@pytest.mark.long
def test_output_that_cannot_be_written_is_a_failure_in_a_sentence(drop: Path, home: Path) -> None:
    command = [*PROGRAM, "ingest", str(drop), "--json", "--home", str(home)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == FAILED
    assert "No space left on device" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_closed_output_is_no_obstacle(drop: Path, home: Path) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "ingest", str(drop), "--json", "--home", str(home)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == DONE


def test_what_cannot_be_read_is_named(copydesk: Copydesk, drop: Path) -> None:
    link = drop.with_name("link.txt")
    link.symlink_to(drop.parent.parent / "absent")
    code, output, errors = copydesk("ingest", drop.parent, "--json")
    assert (code, json.loads(output)["drops"]) == (DONE, 2)
    assert f"Not read: {link}: the link leads out of the folder, or nowhere." in errors


def test_what_is_named_and_is_neither_file_nor_folder_is_told_each_time_and_not_opened(
    copydesk: Copydesk, drop: Path, tmp_path: Path
) -> None:
    pipe, bound, link, nowhere = (tmp_path / name for name in ("pipe", "socket", "link", "nowhere"))
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    nowhere.symlink_to(tmp_path / "absent")
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(tmp_path):
        listening.bind("socket")  # the path as a whole may be too long for a name of a socket
    for path in (Path("/dev/zero"), pipe, bound, link, nowhere) * 2:
        code, _, errors = copydesk("ingest", drop, path)
        assert (code, errors) == (WRONG_USAGE, f"{path} is neither a file nor a folder; name what came in.\n")
    link.unlink()
    link.symlink_to(drop)
    assert copydesk("ingest", link)[0] == DONE


def test_preview_of_what_is_no_file_does_not_wait_for_it(copydesk: Copydesk, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code, _, errors = copydesk("preview", pipe)
    assert (code, errors) == (WRONG_USAGE, f"{pipe} is no regular file; name a drop.\n")


@pytest.mark.parametrize("command", ["sql", "status"])
def test_reading_before_the_first_run_says_what_to_do(copydesk: Copydesk, command: str) -> None:
    code, _, errors = copydesk(command, *(["SELECT 1"] if command == "sql" else []))
    assert code == WRONG_USAGE
    assert "copydesk ingest" in errors


def test_settings_that_cannot_be_read_keep_nobody_from_reading(copydesk: Copydesk, drop: Path, home: Path) -> None:
    copydesk("ingest", drop)
    (home / "copydesk.toml").write_text("[sources.wire")
    for words in (["sql", "SELECT 1"], ["status"], ["search", "harbour"], ["docs"], ["history"], ["duplicates"]):
        assert copydesk(*words)[0] == DONE, words
    assert copydesk("ingest", drop)[0] == WRONG_USAGE


@pytest.mark.parametrize("words", [["rebuild"], ["doctor", "--repair"], ["maintain"]])
def test_mistyped_home_folder_is_not_made(copydesk: Copydesk, home: Path, words: list[str]) -> None:
    code, _, errors = copydesk(*words)
    assert (code, str(home) in errors, home.exists()) == (WRONG_USAGE, True, False)


def test_sql_that_is_none_is_an_error_in_one_place(copydesk: Copydesk, drop: Path) -> None:
    copydesk("ingest", drop)
    code, output, errors = copydesk("sql", "SELEKT 1", "--format", "json")
    assert (code, output) == (WRONG_USAGE, "")
    assert "SELEKT" in errors
    assert copydesk("sql", "DROP VIEW records")[0] == WRONG_USAGE


@pytest.mark.parametrize("kept", ["raw", *(pytest.param(kept, marks=pytest.mark.long) for kept in ("lake", "staging"))])
def test_what_the_home_folder_keeps_is_no_drop(copydesk: Copydesk, drop: Path, home: Path, kept: str) -> None:
    copydesk("ingest", drop)
    code, output, errors = copydesk("ingest", home / kept / ".." / kept, "--json")
    assert (code, json.loads(output)["status"]) == (WRONG_USAGE, "failed")
    assert "where the home folder keeps" in errors


@pytest.mark.long
def test_copy_of_a_home_folder_never_shows_the_one_it_was_made_of(
    copydesk: Copydesk, drop: Path, home: Path, tmp_path: Path
) -> None:
    copydesk("ingest", drop)
    copied = shutil.copytree(home, tmp_path / "copied")
    for command in (["sql", "SELECT 1"], ["status"]):
        code, output, errors = copydesk(*command, "--home", copied)
        assert (code, output) == (WRONG_USAGE, "")
        assert f"was made for {home}; make it anew with 'copydesk publish'" in errors
    assert copydesk("publish", "--home", copied)[0] == DONE
    assert copydesk("sql", "SELECT 1", "--home", copied)[0] == DONE


def test_globs_folders_and_files_name_the_same_drops(copydesk: Copydesk, drop: Path, tmp_path: Path) -> None:
    assert json.loads(copydesk("ingest", tmp_path / "w*" / "**" / "*.jsonl", "--json")[1])["drops"] == 1
    assert json.loads(copydesk("ingest", drop.parent, drop, "--json")[1])["status"] == "nothing_new"


def test_preview_writes_nothing(copydesk: Copydesk, drop: Path, home: Path) -> None:
    code, output, _ = copydesk("preview", drop)
    assert code == DONE
    assert not home.exists()
    for fact in ("jsonl", "utf-8", "records in 4", "would be quarantined 1", "malformed_json", "headline", "Bridge 1"):
        assert fact in output


def test_status_and_doctor_tell_how_things_stand(copydesk: Copydesk, drop: Path) -> None:
    copydesk("ingest", drop)
    code, output, _ = copydesk("status")
    assert code == DONE
    assert "malformed_json" in output
    code, output, _ = copydesk("doctor")
    assert "bad" not in output
    assert code == DONE


def test_doctor_names_each_fault_with_its_remedy(copydesk: Copydesk, drop: Path, home: Path) -> None:
    copydesk("ingest", drop)
    next((home / "lake").rglob("*.parquet")).unlink()
    (home / "warehouse.duckdb").unlink()
    (home / "copydesk.toml").write_text("[sources.wire]\nencodign = 'x'\n")
    code, output, _ = copydesk("doctor")
    assert code == FAILED
    for fact in (
        "1 data files are missing",
        "or run copydesk rebuild",
        "Run copydesk publish",
        "did you mean 'encoding'?",
    ):
        assert fact in output


def test_publish_makes_a_moved_home_folder_work_again(
    copydesk: Copydesk, drop: Path, home: Path, tmp_path: Path
) -> None:
    copydesk("ingest", drop)
    moved = home.rename(tmp_path / "moved")
    assert copydesk("publish", "--home", moved)[0] == DONE
    count = "SELECT count(*) AS n FROM records"
    assert json.loads(copydesk("sql", count, "--format", "json", "--home", moved)[1]) == [{"n": 3}]


def test_run_with_nothing_to_do_imports_neither_engine(copydesk: Copydesk, drop: Path) -> None:
    copydesk("ingest", drop)
    program = (
        "import sys; from flows.cli import run; code = run(sys.argv[1:]); "
        "slow = {'prefect', 'great_expectations', 'trafilatura', 'dateparser', 'numba'}; "
        "sys.exit(code or bool(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "ingest", str(drop)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout[:11]) == (0, "Nothing new"), done.stderr
