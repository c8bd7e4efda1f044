"""One writer at a time, across processes, beside any number that prepare to write.

The lock is `flock` on a file in the home folder: the kernel releases it when its holder dies, however it dies, so a
dead holder can never block anyone. Who holds it stands in the file as JSON, for others to name while they wait; that
note is for people and decides nothing.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from warehouse.errors import HomeNotWritableError

POLL_SECONDS = 0.2
"""How often a waiting writer tries again; `flock` cannot both wait and be interrupted with a message."""


@dataclass(frozen=True)
class Holder:
    """Who holds the writer's lock: process id, host, since when (ISO 8601) and for what."""

    pid: int
    host: str
    since: str
    purpose: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.purpose}, since {self.since})"


@contextmanager
def hold_writer_lock(
    path: Path, *, purpose: str, on_wait: Callable[[Holder | None], None] = lambda _: None
) -> Iterator[None]:
    """Hold the lock at `path` within the block; wait for it as long as it takes.

    `on_wait` is called once for each other holder that is waited for, with None where the note cannot be read.
    """
    with _opened(path, "a+") as lock:
        _acquire(lock, on_wait=on_wait)
        _write_note(lock, Holder(os.getpid(), socket.gethostname(), _now(), purpose))
        try:
            yield
        finally:
            _clear_note(lock)
            fcntl.flock(lock, fcntl.LOCK_UN)


@contextmanager
def share_lock(path: Path, *, when_alone: Callable[[], object]) -> Iterator[None]:
    """Share the lock at `path` within the block, as all do who are at work; who begins alone calls `when_alone` first.

    Whoever comes while that is being done waits for it.
    """
    with _opened(path, "a+") as lock:
        if _try_lock(lock, fcntl.LOCK_EX):
            when_alone()
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)


def read_holder(path: Path) -> Holder | None:
    """Return who holds the lock, or None where nobody does or the note cannot be read.

    Raises:
        HomeNotWritableError: if there is something at `path` that cannot be opened.
    """
    if not path.exists():
        return None
    with _opened(path, "r") as lock:
        if _try_lock(lock, fcntl.LOCK_SH):
            fcntl.flock(lock, fcntl.LOCK_UN)
            return None
        return _read_note(lock)


def _opened(path: Path, mode: Literal["r", "a+"]) -> TextIO:
    try:
        return path.open(mode, encoding="utf-8")
    except IsADirectoryError as error:
        raise HomeNotWritableError(f"{path} is a folder, and should be a file that locks; move it away.") from error
    except OSError as error:
        raise HomeNotWritableError(
            f"{path} cannot be opened ({error.strerror}); make room, mend its permissions, or name another home with "
            "--home."
        ) from error


def _acquire(lock: TextIO, *, on_wait: Callable[[Holder | None], None]) -> None:
    told: list[Holder | None] = []
    while not _try_lock(lock, fcntl.LOCK_EX):
        holder = _read_note(lock)
        if holder not in told:
            told.append(holder)
            on_wait(holder)
        time.sleep(POLL_SECONDS)


def _try_lock(lock: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_note(lock: TextIO) -> Holder | None:
    lock.seek(0)
    try:
        return Holder(**json.loads(lock.read()))
    except (ValueError, TypeError):
        return None


def _write_note(lock: TextIO, holder: Holder) -> None:
    _clear_note(lock)
    lock.write(json.dumps(asdict(holder)))
    lock.flush()


def _clear_note(lock: TextIO) -> None:
    lock.seek(0)
    lock.truncate()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
