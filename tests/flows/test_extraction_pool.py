"""Pages are worked on in processes of their own: real processes, real pages that take too much, real kills."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from flows import parse
from flows.extraction_pool import ExtractionPool, ExtractionProcessError, PageLimits
from flows.run import Summary
from transforms.extraction import Extraction, extract_page

Ingest = Callable[..., Summary]
Query = Callable[[str], list[tuple[Any, ...]]]

PROSE = "The council met on Tuesday and agreed to repair the old bridge before winter sets in. "
ENDLESS_PARAGRAPHS = 120_000
"""A page of so many takes some ten seconds, and half a gigabyte: for these tests, for ever."""


def a_page(number: int = 0) -> str:
    return f"<html><head><title>Bridge {number}</title></head><body><p>{PROSE * 5} Report {number}.</p></body></html>"


@pytest.fixture(scope="module")
def endless_page() -> str:
    paragraph = "<p>The council met on <b>Tuesday</b> &amp; agreed to mend the bridge.</p>\n"
    return f"<html><body>{paragraph * ENDLESS_PARAGRAPHS}</body></html>"


@pytest.fixture(scope="module")
def pool() -> Iterator[ExtractionPool]:
    """One process, for the tests that leave it as they found it."""
    with ExtractionPool(processes=1) as pool:
        yield pool


def pid_of(pool: ExtractionPool) -> int:
    process = pool._workers[0]._process
    assert process is not None
    return process.program.pid


def ends_within(pid: int, seconds: float) -> bool:
    """Wait for the end of a process that need not be a child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def fault_of(extraction: Extraction) -> tuple[str, str]:
    assert extraction.fault is not None
    assert extraction.fields == {}
    return extraction.fault.reason, extraction.fault.detail


def wait_until_busy(pool: ExtractionPool) -> None:
    """Return when the process of the pool is well into an endless page."""
    while (process := pool._workers[0]._process) is None or process.memory_bytes < 150 << 20:
        time.sleep(0.01)


def test_pages_come_back_as_they_do_without_processes(pool: ExtractionPool) -> None:
    pages = [a_page(number) for number in range(8)] + ["<html></html>", "lone \udc80 surrogate", ""]
    waiting = [pool.begin(page) for page in pages]
    assert [wait() for wait in waiting] == [extract_page(page) for page in pages]


def test_nothing_is_started_before_the_first_page() -> None:
    with ExtractionPool(processes=1) as pool:
        assert pool._workers[0]._process is None


def test_page_that_takes_too_long_loses_its_process_and_the_others_do_not_notice(endless_page: str) -> None:
    with ExtractionPool(PageLimits(seconds=1), processes=1) as pool:
        waiting = [pool.begin(page) for page in (a_page(0), endless_page, *map(a_page, range(2, 7)))]
        first, endless, *others = [wait() for wait in waiting]
    assert [found.fields["headline"] for found in (first, *others)] == [f"Bridge {n}" for n in (0, 2, 3, 4, 5, 6)]
    reason, detail = fault_of(endless)
    assert reason == "extraction_timeout"
    assert "more than 1 s; look at it in a browser" in detail


def test_page_that_takes_too_much_memory_is_given_up(endless_page: str) -> None:
    with ExtractionPool(PageLimits(memory_bytes=100 << 20), processes=1) as pool:
        waiting = [pool.begin(page) for page in (endless_page, a_page())]
        endless, healthy = [wait() for wait in waiting]
    assert fault_of(endless)[0] == "extraction_timeout"
    assert "more than 100 MiB of memory" in fault_of(endless)[1]
    assert healthy.fault is None


def test_process_that_is_killed_takes_one_page_with_it(endless_page: str) -> None:
    with ExtractionPool(processes=1) as pool:
        waiting = [pool.begin(page) for page in (a_page(), endless_page, *map(a_page, range(5)))]
        wait_until_busy(pool)
        assert pool._workers[0]._ahead == a_page(0).encode()
        os.kill(pid_of(pool), signal.SIGKILL)
        _, killed, *others = [wait() for wait in waiting]
    assert fault_of(killed)[0] == "extraction_timeout"
    assert "ended by itself (SIGKILL)" in fault_of(killed)[1]
    assert [found.fields["headline"] for found in others] == [f"Bridge {number}" for number in range(5)]


def test_long_pages_are_not_left_in_the_socket_where_nobody_reads_them(endless_page: str) -> None:
    long_page = a_page() + "<!--" + "x" * (4 << 20) + "-->"
    with ExtractionPool(PageLimits(seconds=1), processes=1) as pool:
        waiting = [pool.begin(page) for page in (endless_page, long_page, a_page(), a_page(), a_page())]
        faults = [wait().fault for wait in waiting]
    assert [fault is None for fault in faults] == [False, True, True, True, True]


def test_process_that_is_killed_between_two_pages_takes_none_with_it(pool: ExtractionPool) -> None:
    assert pool.begin(a_page())().fault is None
    killed = pid_of(pool)
    os.kill(killed, signal.SIGKILL)
    assert ends_within(killed, 5)
    assert pool.begin(a_page())().fault is None
    assert pid_of(pool) != killed


def test_process_has_bounds_of_its_own_and_hears_no_interrupt(pool: ExtractionPool) -> None:
    pool.begin(a_page())()
    pid = pid_of(pool)
    assert os.getsid(pid) == pid
    limits = Path(f"/proc/{pid}/limits").read_text("ascii")
    [most] = [line.split()[3] for line in limits.splitlines() if line.startswith("Max data size")]
    assert 2 << 30 < int(most) < 3 << 30


def test_leaving_the_block_ends_the_processes_in_the_middle_of_a_page(endless_page: str) -> None:
    with ExtractionPool(processes=1) as pool:
        pool.begin(endless_page)
        pool.begin(a_page())
        wait_until_busy(pool)
        pid, started = pid_of(pool), time.monotonic()
    assert time.monotonic() - started < 2
    assert ends_within(pid, 0)


PARENT = """
import sys
from pathlib import Path
from flows.extraction_pool import ExtractionPool, PageLimits
with ExtractionPool(PageLimits(seconds=600), processes=1) as pool:
    pool.begin("<html></html>")()
    process = pool._workers[0]._process
    answer = pool.begin(Path(sys.argv[1]).read_text("utf-8"))
    while process.memory_bytes < 150 << 20:
        pass
    print(process.program.pid, flush=True)
    answer()
"""


def test_process_ends_with_the_one_that_started_it_though_that_is_killed(tmp_path: Path, endless_page: str) -> None:
    page = tmp_path / "page.html"
    page.write_text(endless_page, "utf-8")
    command = [sys.executable, "-c", PARENT, str(page)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not ends_within(pid, 0)
        parent.kill()
    assert ends_within(pid, 2)


def test_process_that_cannot_be_started_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with ExtractionPool(processes=1) as pool, pytest.raises(ExtractionProcessError, match=r"exit code 1.*doctor"):
        pool.begin(a_page())()


@pytest.mark.long
def test_run_sets_an_endless_page_aside_and_loads_the_others(
    tmp_path: Path, ingest: Ingest, query: Query, endless_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse, "ExtractionPool", partial(ExtractionPool, PageLimits(seconds=1)))
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(1, 6):
        (folder / f"{number}.html").write_text(a_page(number), "utf-8")
    (folder / "3.html").write_text(endless_page, "utf-8")
    (folder / "3.txt").write_text(f"Bridge 3\n\n{PROSE}", "utf-8")
    summary = ingest(folder)
    assert (summary.records_loaded, summary.records_quarantined) == (5, 1)
    [(reasons, detail, raw)] = query("SELECT reasons, detail, raw FROM ops.quarantine")
    assert reasons == ["extraction_timeout"]
    assert "more than 1 s" in detail
    assert raw.startswith("<html><body><p>The council")


class _NotedPool:
    """Two processes that never work: notes what is begun and what is waited for."""

    processes = 2
    is_full = False

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.begun_before_each_wait: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, page: str) -> Callable[[], Extraction]:
        self.begun.append(page)

        def wait() -> Extraction:
            self.begun_before_each_wait.append(len(self.begun))
            return Extraction({"headline": f"Page {self.begun.index(page)}", "body": PROSE}, {"headline": "h1"})

        return wait


@pytest.mark.parametrize(("is_full", "most_ahead"), [(False, 8), (True, 1)])
@pytest.mark.long
def test_reader_begins_the_next_pages_before_it_waits_for_the_first(
    tmp_path: Path, ingest: Ingest, query: Query, monkeypatch: pytest.MonkeyPatch, *, is_full: bool, most_ahead: int
) -> None:
    noted = _NotedPool()
    noted.is_full = is_full
    monkeypatch.setattr(parse, "ExtractionPool", lambda: noted)
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.html").write_text(a_page(number), "utf-8")
    assert ingest(folder).records_loaded == 20
    assert noted.begun == [a_page(number) for number in range(20)]
    assert noted.begun_before_each_wait == [min(number + most_ahead, 20) for number in range(20)]
    rows = query("SELECT uri, headline FROM records JOIN ops.drops USING (drop_sha256) ORDER BY uri")
    assert [headline for _, headline in rows] == [f"Page {number}" for number in range(20)]
