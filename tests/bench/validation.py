"""Measure what validation costs of an ingest: the rules on records, the figures, and the step that asserts all of them.

Rules and figures are taken batch by batch, in as many threads as batches are cleaned in, beside parsing and cleaning;
their time is that of a thread. The imports of the validation engine, in a process of its own, are waited for before the
clock starts.

    python tests/bench/validation.py [COUNT]      by default 100,000 articles
"""

import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
from articles import write_json_lines

from expectations.declared import Severity
from expectations.engine import expect_true, run_suite
from flows import parse, steps
from flows.run import Request
from flows.settings import load_settings

MOST = 0.1
"""Share of an ingest that validation may take."""


def main(count: int) -> int:
    """Measure, print, and fail where it is more."""
    logging.disable(logging.CRITICAL)
    ready = pl.DataFrame({"ready": [True]})
    run_suite(
        "ready",
        ready,
        [expect_true("ready", severity=Severity.INFO, reason="-")],
        result_format={"result_format": "BASIC"},
    )
    seconds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        _ingest(home, write_json_lines(Path(folder) / "first.jsonl", 500))  # compiles loops, where that is due
        drop = write_json_lines(Path(folder) / "articles.jsonl", count)
        names = {"apply_row_rules": parse, "count_batch": parse, "validate": steps}
        patches = [patch.object(module, name, _timed(getattr(module, name), seconds)) for name, module in names.items()]
        for one in patches:
            one.start()
        started = time.perf_counter()
        _ingest(home, drop)
        whole = time.perf_counter() - started
    spent = sum(seconds.values())
    for name, taken in seconds.items():
        print(f"{name:<18}{taken:>8.2f} s  {taken / whole:>6.1%}")  # noqa: T201 -- the result
    print(f"{'all of them':<18}{spent:>8.2f} s  {spent / whole:>6.1%} of {whole:.1f} s (at most {MOST:.0%})")  # noqa: T201
    return int(spent > MOST * whole)


def _ingest(home: Path, drop: Path) -> None:
    steps.ingest(Request(load_settings(home=home), (drop,)))


def _timed(function: Callable[..., Any], seconds: Counter[str]) -> Callable[..., Any]:
    threads = 1 if function is steps.validate else parse.STAGING_THREADS

    def run(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        result = function(*arguments, **named)
        seconds[function.__name__] += (time.perf_counter() - started) / threads
        return result

    run.__name__ = function.__name__
    return run


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 100_000))
