"""Processes that take calls side by side, and go on where one of them dies.

Death is told of and not explained: whoever called says what it means that a call has no result.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Self

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and its arguments; both have to be known in another process."""


class Crew:
    """So many processes; with one worker, this process."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._dismiss()

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Return the result of each call, or None where it ended the process that took it.

        When a process dies, all that were at work are lost, so calls without a result are taken again. Those that were
        started first are the suspects: where nothing got done any more, the first of them is given up.
        """
        if self._workers == 1:
            return [function(*arguments) for function, arguments in calls]
        results: dict[int, Any] = {}
        left = list(range(len(calls)))
        while left:
            done = self._attempt(calls, left) or {left[0]: None}
            results |= done
            left = [number for number in left if number not in results]
        return [results[number] for number in range(len(calls))]

    def _attempt(self, calls: Sequence[Call], numbers: Sequence[int]) -> dict[int, Any]:
        """Return the results of those calls that had one before a process died."""
        pool = self._pool = self._pool or self._hire()
        done = {}
        futures = {number: pool.submit(calls[number][0], *calls[number][1]) for number in numbers}
        for number, future in futures.items():
            try:
                done[number] = future.result()
            except BrokenProcessPool:
                self._dismiss()
        return done

    def _hire(self) -> ProcessPoolExecutor:
        # Threads of polars do not survive a fork.
        return ProcessPoolExecutor(self._workers, mp_context=multiprocessing.get_context("spawn"))

    def _dismiss(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
