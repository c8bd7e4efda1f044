"""How Great Expectations is asked: in a process of its own, which loads it while this one goes on working.

Importing it takes 3 s and more, in which hardly another thread gets to run; beside us, it is ready when a run is. The
process lives as long as this one and no longer, however this one ends: it reads questions until its input closes. What
it does with them stands in `engine_process`.
"""

import atexit
import pickle
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, BinaryIO, cast

import polars as pl

from expectations.declared import Severity

REMEDY = "run `copydesk doctor`, and compare the versions it shows with uv.lock."

USERS_SECONDS = 90.0
"""How long an expectation of a user may take, the start of the engine included."""

Expectation = Mapping[str, Any]
"""An expectation as Great Expectations declares it: `type`, `kwargs`, `severity`, `meta`."""


class ValidationEngineError(Exception):
    """The engine did not give the verdicts it was asked for; nothing may be concluded from them."""


def preload() -> None:
    """Start the engine, so that it is ready when it is asked; returns at once."""
    _process()


def expect_true(column: str, *, severity: Severity, reason: str) -> Expectation:
    """Expect a Boolean column to be true in all rows."""
    return _declared("expect_column_values_to_be_in_set", severity, reason, column=column, value_set=[True])


def expect_between(
    column: str, *, at_least: float | None, at_most: float | None, severity: Severity, reason: str
) -> Expectation:
    """Expect a column of numbers to stay within bounds in all rows that are not null."""
    name = "expect_column_values_to_be_between"
    return _declared(name, severity, reason, column=column, min_value=at_least, max_value=at_most)


def _declared(name: str, severity: Severity, reason: str, **arguments: object) -> Expectation:
    return {"type": name, "kwargs": arguments, "severity": str(severity), "meta": {"reason": reason}}


def run_suite(
    name: str, rows: pl.DataFrame, expectations: Sequence[Expectation], *, result_format: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Validate `rows`, and return the engine's result for each expectation by the name of its column.

    Raises:
        ValidationEngineError: if the engine fails, or an expectation has no result.
    """
    results = _ask("validate", name, rows, list(expectations), dict(result_format))
    if isinstance(results, str):
        raise ValidationEngineError(f"Great Expectations failed on {name}: {results}; {REMEDY}")
    if len(results) < len(expectations):
        raise ValidationEngineError(
            f"Great Expectations gave {len(results)} of {len(expectations)} results for {name}; {REMEDY}"
        )
    return results


def run_expectation(name: str, rows: pl.DataFrame, expectation: Expectation) -> dict[str, Any]:
    """Validate `rows`, which have a `record_id`, by one expectation of a user, and return the engine's result for it.

    `success` is there in any case; the rest is the engine's.

    Raises:
        ValidationEngineError: if the expectation is none, or cannot be asked of these rows.
    """
    result = _ask("validate_one", name, rows, dict(expectation), seconds=USERS_SECONDS)
    if isinstance(result, str):
        raise ValidationEngineError(f"Great Expectations cannot ask {expectation['type']}: {result}")
    return result


def _ask(*question: object, seconds: float = 3_600.0) -> dict[str, Any] | str:
    """Return the engine's answer: results, or what went wrong."""
    process = _process()
    try:
        pickle.dump(question, cast("BinaryIO", process.stdin))
        cast("BinaryIO", process.stdin).flush()
        if not select.select([cast("BinaryIO", process.stdout)], [], [], seconds)[0]:
            _end(process)
            _process.cache_clear()
            return f"it took more than {seconds:g} s"
        return cast("dict[str, Any] | str", pickle.load(cast("BinaryIO", process.stdout)))  # noqa: S301 -- our own process
    except (EOFError, OSError) as error:
        _process.cache_clear()
        raise ValidationEngineError(f"Great Expectations ended unexpectedly; {REMEDY}") from error


@cache
def _process() -> subprocess.Popen[bytes]:
    """Start the engine's process, out of reach of an interrupt at the terminal."""
    command = [sys.executable, "-P", "-W", "ignore", "-m", "expectations.engine_process"]  # whatever folder we are in
    process = subprocess.Popen(  # noqa: S603 -- our own
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
