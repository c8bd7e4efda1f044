"""What a run shows while it works: a live display on a terminal, plain lines elsewhere. Always on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from flows.run import OnProgress
from flows.run import Progress as RunProgress
from flows.sql_values import printable
from warehouse.writer_lock import Holder

LINE_EVERY_SECONDS = 10.0
"""Time between two lines about the same stage, where there is no terminal."""


@contextmanager
def show_progress() -> Iterator[OnProgress]:
    """Show how far a run is within the block."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _PlainLines().show
        return
    columns = (
        *(SpinnerColumn(), TextColumn("{task.description:<10}"), BarColumn(bar_width=24)),
        *(TextColumn("{task.fields[counts]}"), TimeElapsedColumn()),
    )
    with Progress(*columns, console=console, transient=True) as live:
        yield _LiveBar(live).show


def tell_waiting(holder: Holder | None) -> None:
    """Say whom a run waits for."""
    tell(f"Waiting for {holder or 'another process'}, which is writing to this home folder.")


def tell(message: str) -> None:
    """Say something that is no result; what came in may stand in it."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(printable(message), markup=False)


class _LiveBar:
    """One line that changes in place."""

    def __init__(self, live: Progress) -> None:
        self._live = live
        self._task: TaskID = live.add_task("starting", total=None, counts="")

    def show(self, progress: RunProgress) -> None:
        self._live.update(
            self._task,
            description=progress.stage,
            completed=progress.files_done,
            total=progress.files_total or None,
            counts=_counts(progress),
        )


class _PlainLines:
    """A line for each stage, and one now and then while it lasts."""

    def __init__(self) -> None:
        self._stage = ""
        self._told_at = 0.0

    def show(self, progress: RunProgress) -> None:
        now = time.monotonic()
        if progress.stage == self._stage and now - self._told_at < LINE_EVERY_SECONDS:
            return
        self._stage, self._told_at = progress.stage, now
        print(f"{progress.stage} {_counts(progress)}".rstrip(), file=sys.stderr, flush=True)  # noqa: T201 -- plain


def _counts(progress: RunProgress) -> str:
    files = f"{progress.files_done:,}/{progress.files_total:,} files" if progress.files_total else ""
    records = f"{progress.records:,} records" if progress.records else ""
    return ", ".join(part for part in (files, records) if part)
