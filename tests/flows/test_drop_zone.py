"""The drop zone: which files a run takes in, from which source, and which it knows already."""

import errno
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.cli import DONE, run
from flows.run import Request, Summary
from flows.settings import load_settings

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]
Put = Callable[..., Path]

LOADED = "SELECT source, external_id FROM records ORDER BY ALL"


@pytest.fixture
def put(home: Path, a_record: Any, write_lines: Any) -> Put:
    """Put a drop with one record into the drop zone, where it has rested for an hour unless it is fresh."""

    def write(name: str, number: int = 1, *, folder: Path | None = None, is_fresh: bool = False) -> Path:
        path: Path = write_lines((folder or home / "landing") / name, [a_record(number, id=f"n{number}")])
        if not is_fresh:
            an_hour_ago = time.time() - 3_600
            os.utime(path, (an_hour_ago, an_hour_ago))
        return path

    return write


def declare(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "copydesk.toml").write_text(text, "utf-8")


def test_run_without_a_path_takes_in_the_zone_and_every_declared_place(
    put: Put, ingest: Ingest, query: Query, home: Path, tmp_path: Path
) -> None:
    declare(home, f"[sources.gazette]\nplace = '{tmp_path / 'feeds'}'\n")
    put("wire/one.jsonl", 1)
    put("two.jsonl", 2, folder=tmp_path / "feeds" / "deep")
    assert ingest().drops == 2
    assert query(LOADED) == [("gazette", "n2"), ("wire", "n1")]


def test_place_that_does_not_exist_yet_is_no_error(ingest: Ingest, home: Path, tmp_path: Path) -> None:
    declare(home, f"[sources.gazette]\nplace = '{tmp_path / 'later'}'\n")
    assert ingest().status == "nothing_new"


def test_scheduled_run_of_one_source_leaves_the_others_alone(put: Put, query: Query, home: Path) -> None:
    put("wire/one.jsonl", 1)
    put("gazette/two.jsonl", 2)
    steps.ingest(Request(load_settings(home=home), zone_of="gazette"))
    assert query(LOADED) == [("gazette", "n2")]


def test_file_that_has_not_rested_is_left_for_the_next_run_which_is_said(
    put: Put, ingest: Ingest, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put("wire/one.jsonl", is_fresh=True)
    assert run(["ingest", "--home", str(home)]) == DONE
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("1 files changed in the last 10 seconds")) == ("Nothing new yet.\n", 1)
    put("wire/one.jsonl")
    assert ingest().records_loaded == 1
    assert path.exists(), "landing files stay"


def test_named_source_covers_every_path(put: Put, ingest: Ingest, query: Query) -> None:
    ingest(put("wire/one.jsonl", 1), put("gazette/two.jsonl", 2), source="mirror")
    assert query(LOADED) == [("mirror", "n1"), ("mirror", "n2")]


@pytest.mark.long
def test_file_edited_behind_the_back_of_its_metadata_is_found_by_rehashing(
    put: Put, ingest: Ingest, query: Query
) -> None:
    path = put("wire/one.jsonl", 1)
    ingest()
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content.replace(b'"n1"', b'"n9"'))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ingest().status == "nothing_new"
    assert ingest(rehash=True).drops == 1
    assert query(LOADED) == [("wire", "n1"), ("wire", "n9")]


@pytest.mark.long
def test_cache_may_be_deleted_at_any_time(put: Put, ingest: Ingest, home: Path, query: Query) -> None:
    put("wire/one.jsonl", 1)
    ingest()
    (home / "known_files.parquet").unlink()
    assert ingest().status == "nothing_new"
    assert query("SELECT count(*) FROM ops.drops") == [(1,)]
    assert (home / "known_files.parquet").exists()


def test_what_cannot_be_read_has_a_row_once_and_counts_as_no_record(
    put: Put, ingest: Ingest, home: Path, query: Query, tmp_path: Path
) -> None:
    put("wire/one.jsonl", 1)
    (tmp_path / "secret.txt").write_text("not for you")
    link = home / "landing" / "wire" / "link.txt"
    link.symlink_to(tmp_path / "secret.txt")
    os.utime(link, (0, 0), follow_symlinks=False)
    summary = ingest()
    assert (summary.drops, summary.records_in) == (2, 1)
    skipped = "SELECT drop_sha256, uri, records_in, error FROM ops.drops WHERE status = 'skipped'"
    [(sha256, uri, records_in, error)] = query(skipped)
    assert (sha256, Path(uri).name, records_in) == (None, "link.txt", 0)
    assert "leads out of the folder" in error
    assert ingest().status == "nothing_new"
    assert ingest(rehash=True).status == "nothing_new"


INGEST = "import sys; from flows.cli import run; sys.exit(run(sys.argv[1:]))"


def _read_terminal(terminal: int) -> bytes:
    """Read what was printed; nothing once the last program has closed its side."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError as error:
        assert error.errno == errno.EIO  # noqa: PT017 -- Linux's way of saying so
        return b""


@pytest.mark.long
def test_progress_is_a_live_line_on_a_terminal_and_plain_lines_elsewhere(put: Put, home: Path) -> None:
    def ingest_command(name: str, number: int) -> list[str]:
        return [sys.executable, "-c", INGEST, "ingest", str(put(name, number)), "--home", str(home)]

    plain = subprocess.run(ingest_command("wire/one.jsonl", 1), check=True, capture_output=True).stderr
    assert plain.splitlines()[0] == b"landing 0/1 files"
    ours, theirs = pty.openpty()
    on_terminal = os.environ | {"TERM": "xterm-256color"}
    with subprocess.Popen(ingest_command("wire/two.jsonl", 2), stdout=theirs, stderr=theirs, env=on_terminal) as run:
        os.close(theirs)
        live = b"".join(iter(partial(_read_terminal, ours), b""))
    os.close(ours)
    assert run.returncode == 0
    assert b"\x1b[" in live
    assert any(stage in live for stage in (b"landing", b"parsing", b"validating", b"matching", b"loading"))
