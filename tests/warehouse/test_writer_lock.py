"""One writer at a time, across real processes; a dead one is in nobody's way."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from warehouse.writer_lock import hold_writer_lock, read_holder

# Says whom it waits for, says when it holds the lock, and lets go at the first line on its standard input.
WRITER = """
import sys
from pathlib import Path
from warehouse.writer_lock import hold_writer_lock
tell = lambda holder: print(f"waits for {holder}", flush=True)
with hold_writer_lock(Path(sys.argv[1]), purpose=sys.argv[2], on_wait=tell):
    print("holds", flush=True)
    sys.stdin.readline()
"""

PATIENCE_SECONDS = 20
"""After so long a process is taken for stuck."""

Process = subprocess.Popen[str]
StartWriter = Callable[[str], Process]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "writer.lock"


@pytest.fixture
def start_writer(lock: Path) -> Iterator[StartWriter]:
    writers: list[Process] = []

    def start(purpose: str) -> Process:
        command = [sys.executable, "-c", WRITER, str(lock), purpose]
        writers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1))
        return writers[-1]

    yield start
    for writer in writers:
        writer.kill()
        with writer:
            pass


def next_line(writer: Process) -> str:
    assert writer.stdout is not None
    assert select.select([writer.stdout], [], [], PATIENCE_SECONDS)[0], "the process says nothing"
    return writer.stdout.readline().strip()


def has_spoken(writer: Process) -> bool:
    assert writer.stdout is not None
    return bool(select.select([writer.stdout], [], [], 0)[0])


def let_go(writer: Process) -> None:
    assert writer.stdin is not None
    writer.stdin.write("\n")
    assert writer.wait(PATIENCE_SECONDS) == 0


def test_second_writer_waits_and_names_the_holder_once(start_writer: StartWriter) -> None:
    first = start_writer("ingest run_1")
    assert next_line(first) == "holds"
    second = start_writer("ingest run_2")
    named = next_line(second)
    assert named.startswith(f"waits for process {first.pid} on {socket.gethostname()} (ingest run_1, since ")
    third = start_writer("publish")
    assert next_line(third) == named, "starting took the third so long that the second has tried again"
    assert not has_spoken(second)
    let_go(first)
    readable, _, _ = select.select([second.stdout, third.stdout], [], [], PATIENCE_SECONDS)
    winner, other = (second, third) if second.stdout in readable else (third, second)
    assert next_line(winner) == "holds"
    assert next_line(other).startswith(f"waits for process {winner.pid} ")
    let_go(winner)
    assert next_line(other) == "holds"


def test_killed_holder_frees_the_lock_at_once(start_writer: StartWriter, lock: Path) -> None:
    first, second = start_writer("ingest run_1"), None
    assert next_line(first) == "holds"
    second = start_writer("ingest run_2")
    assert next_line(second).startswith("waits for process")
    first.send_signal(signal.SIGKILL)
    assert next_line(second) == "holds"
    holder = read_holder(lock)
    assert holder is not None
    assert (holder.pid, holder.purpose) == (second.pid, "ingest run_2")


def test_note_of_a_dead_holder_names_nobody(start_writer: StartWriter, lock: Path) -> None:
    writer = start_writer("ingest run_1")
    assert next_line(writer) == "holds"
    writer.kill()
    writer.wait(PATIENCE_SECONDS)
    assert str(writer.pid) in lock.read_text()
    assert read_holder(lock) is None


def test_holder_is_known_while_it_holds_and_no_longer(lock: Path) -> None:
    assert read_holder(lock) is None
    assert not lock.exists(), "asking makes no file"
    with hold_writer_lock(lock, purpose="test"):
        holder = read_holder(lock)
        assert holder is not None
        assert (holder.pid, holder.host, holder.purpose) == (os.getpid(), socket.gethostname(), "test")
    assert read_holder(lock) is None
    assert lock.read_text() == ""


def test_longer_note_of_an_earlier_holder_leaves_no_rest(lock: Path) -> None:
    lock.write_text('{"pid": 1, "host": "a", "since": "b", "purpose": "' + "long " * 50 + '"}')
    with hold_writer_lock(lock, purpose="test"):
        holder = read_holder(lock)
    assert holder is not None
    assert holder.purpose == "test"


def test_error_in_the_block_frees_the_lock(lock: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold_writer_lock(lock, purpose="first"):
        raise ZeroDivisionError
    waited: list[object] = []
    with hold_writer_lock(lock, purpose="second", on_wait=waited.append):
        assert waited == []


@pytest.mark.parametrize("note", [b"", b"\xff\xfe", b"[1]", b'{"pid": 1}'])
def test_note_that_cannot_be_read_is_no_obstacle(note: bytes, start_writer: StartWriter, lock: Path) -> None:
    with hold_writer_lock(lock, purpose="first"):
        lock.write_bytes(note)
        assert read_holder(lock) is None
        second = start_writer("second")
        assert next_line(second) == "waits for None"
    assert next_line(second) == "holds"
