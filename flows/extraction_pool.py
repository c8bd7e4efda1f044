"""Worker processes for web pages: one that takes too long, or too much memory, loses its process and nothing else.

Decides how many processes there are, what a page may take, and what becomes of it if it takes more: it is set aside as
`extraction_timeout`, and not tried again. What is found in a page is decided in `transforms.extraction`.

The processes are ours, started as programs (as Great Expectations is) rather than by `multiprocessing`: its children
would import the main module of whoever runs the flow, and pebble's, too. A thread for each process waits for its
answers, and looks meanwhile how the process is doing. Where many pages wait, a process has the next one before it has
answered the last: it does not stand idle while this process is busy with something else.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, cast

from transforms.extraction import OVERRUN, Extraction, Fault

START_SECONDS = 60  # 0.3 are usual; a machine that swaps takes longer
LOOK_SECONDS = 0.05  # memory is written at some GB/s, so a bound is overrun by a tenth of a GB
MOST_BYTES_PENDING = 64 << 20  # of pages that wait: four of the largest
BYTES_AHEAD = 1 << 20  # of a page that a process gets while it works on another; most systems grant a fifth
RENEWED_FROM_BYTES = 512 << 20  # what a process may keep between pages: caches, and memory in pieces
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
REMEDY = "look at it in a browser, and send its text instead"


@dataclass(frozen=True)
class PageLimits:
    """What a page may take.

    Attributes:
        seconds: Time. Of 240 pages of the web the slowest, one megabyte, took 0.3 s.
        memory_bytes: Memory on top of what the process had before. A megabyte of markup takes up to 100 MB.
    """

    seconds: int = 30
    memory_bytes: int = 1 << 30


class ExtractionProcessError(Exception):
    """No process for pages can be started."""


class _Job(NamedTuple):
    """A page in UTF-8, and where its answer is waited for."""

    page: bytes
    answer: Future[Extraction]


class ExtractionPool:
    """Extracts pages in processes of their own, which start with the first page and end with the block."""

    def __init__(self, limits: PageLimits | None = None, *, processes: int | None = None) -> None:
        """Start nothing yet; by default there will be a process for each processor that this one may use."""
        self.processes = processes or _usable_processors()
        self._workers = [_Worker(limits or PageLimits()) for _ in range(self.processes)]
        self._threads: list[threading.Thread] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._bytes_pending = 0
        self._counting = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes, also in the middle of a page."""
        for worker in self._workers:
            worker.retire()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    @property
    def is_full(self) -> bool:
        """Whether so much text waits that no more should be read ahead."""
        return self._bytes_pending >= MOST_BYTES_PENDING

    def begin(self, page: str) -> Callable[[], Extraction]:
        """Begin to extract a page, as soon as there is a process for it; what is returned waits for the answer."""
        job = _Job(page.encode("utf-8", "surrogatepass"), Future())
        self._count(len(job.page))
        self._jobs.put(job)
        if len(self._threads) < self.processes:
            worker = self._workers[len(self._threads)]
            self._threads.append(threading.Thread(target=self._serve, args=(worker,), name="extraction", daemon=True))
            self._threads[-1].start()
        return job.answer.result

    def _serve(self, worker: "_Worker") -> None:
        """Have a worker answer one page after the other."""
        following: _Job | None = None
        while (job := following or self._jobs.get()) is not None:
            following = self._following(worker)
            try:
                job.answer.set_result(worker.extract(job.page, following.page if following else None))
            except Exception as error:  # noqa: BLE001 -- whoever waits for the answer must learn of anything
                job.answer.set_exception(error)
            self._count(-len(job.page))
        worker.end()

    def _following(self, worker: "_Worker") -> _Job | None:
        """Take the next page already, where there are enough for the other workers."""
        if worker.is_retired or self._jobs.qsize() <= self.processes:
            return None
        with suppress(queue.Empty):
            job = self._jobs.get_nowait()
            if job is not None:
                return job
            self._jobs.put(None)  # for a thread that asks
        return None

    def _count(self, size: int) -> None:
        with self._counting:
            self._bytes_pending += size


class _Worker:
    """A process for pages, started when one is there and it is not running."""

    def __init__(self, limits: PageLimits) -> None:
        self.is_retired = False
        self._limits = limits
        self._process: _Process | None = None
        self._ahead: bytes | None = None  # a page that the process has, and has not been asked for
        self._changing = threading.Lock()

    def extract(self, page: bytes, following: bytes | None) -> Extraction:
        """Wait for what is kept of a page; give the process the following one, too, so that it need not wait for us.

        Raises:
            ExtractionProcessError: if no process can be started.
        """
        process = self._process if page is self._ahead else None
        try:
            if process is None:
                process = self._ready()
                process.connection.send_bytes(page)
            self._ahead = following if following and process.takes_ahead(following) else None
            if self._ahead is not None:
                process.connection.send_bytes(self._ahead)
            extraction = self._wait(process)
        except (EOFError, ConnectionError):
            self.end()
            extraction = _overrun(f"the process that worked on it ended by itself ({cast('_Process', process).ending})")
        else:
            if self._ahead is None and process.memory_bytes > RENEWED_FROM_BYTES:
                self.end()
        return extraction

    def retire(self) -> None:
        """Break off whatever the process does, and start no other."""
        with self._changing:
            self.is_retired = True
            if self._process is not None:
                self._process.program.kill()

    def end(self) -> None:
        """End the process, if one is running."""
        with self._changing:
            process, self._process, self._ahead = self._process, None, None
        if process is not None:
            process.end()

    def _ready(self) -> "_Process":
        if self._process is not None and self._process.program.poll() is not None:
            self.end()  # it ended between two pages, neither of which is to blame
        with self._changing:
            if self.is_retired:
                raise ExtractionProcessError("The processes for web pages were ended.")
            if self._process is None:
                self._process = _Process(self._limits)
            return self._process

    def _wait(self, process: "_Process") -> Extraction:
        """Return the answer; there is none if the page takes more than it may, and the process is ended."""
        due, most = time.monotonic() + self._limits.seconds, process.memory_bytes + self._limits.memory_bytes
        while not process.connection.poll(LOOK_SECONDS):
            if time.monotonic() > due:
                self.end()
                return _overrun(f"it took more than {self._limits.seconds} s")
            if process.memory_bytes > most:
                self.end()
                return _overrun(f"it took more than {self._limits.memory_bytes >> 20:,} MiB of memory")
        extraction: Extraction = process.connection.recv()
        return extraction


def _overrun(what: str) -> Extraction:
    return Extraction(fault=Fault(OVERRUN, f"the page was given up, as {what}; {REMEDY}"))


class _Process:
    """A program that answers pages, out of reach of an interrupt at the terminal, and the socket to it."""

    def __init__(self, limits: PageLimits) -> None:
        """Start the program, and wait until it is ready.

        Raises:
            ExtractionProcessError: if it does not get that far.
        """
        self.connection, theirs = Pipe()
        arguments = (theirs.fileno(), os.getpid(), limits.seconds, limits.memory_bytes)
        self.program = subprocess.Popen(  # noqa: S603 -- our own
            [sys.executable, "-P", "-W", "ignore", "-m", "flows.extraction_worker", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._room = _room(self.connection.fileno())
        try:
            is_ready = self.connection.poll(START_SECONDS) and self.connection.recv() is None
        except (EOFError, ConnectionError):
            is_ready = False
        if not is_ready:
            self.end()
            raise ExtractionProcessError(
                f"A process for web pages could not be started ({self.ending}); run `copydesk doctor`, and see whether "
                f"`{sys.executable} -m flows.extraction_worker` can be run and memory is left."
            )

    @property
    def memory_bytes(self) -> int:
        """Memory that the program holds; 0 where the system does not tell."""
        with suppress(OSError):
            return int(Path(f"/proc/{self.program.pid}/statm").read_bytes().split()[1]) * _PAGE_BYTES
        return 0

    def takes_ahead(self, page: bytes) -> bool:
        """Tell whether a page can be left in the socket: it fits, and the program will not be renewed before it."""
        return len(page) <= self._room and self.memory_bytes <= RENEWED_FROM_BYTES

    @property
    def ending(self) -> str:
        """How the program ended."""
        code = self.program.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Kill the program."""
        self.program.kill()
        self.program.wait()
        self.connection.close()


def _room(descriptor: int) -> int:
    """Make room in a socket, and return how much fits in it though nobody reads: half, as the system counts its own."""
    with socket.socket(fileno=os.dup(descriptor)) as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BYTES_AHEAD)
        return end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2


def _usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
