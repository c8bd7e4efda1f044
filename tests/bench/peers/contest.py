"""What each contestant does around its own work, in a process of its own: read, tell that it is ready, work, report.

    python CONTESTANT.py TEXTS.parquet RESULT.json

Only what `find` does is timed. `RESULT.ready` appears when it begins, and memory counts from then on.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

PROCESSES = 2

Prepared = TypeVar("Prepared")


def contest(
    prepare: Callable[[Path], Prepared], find: Callable[[Prepared], list[int]], *, stages: Sequence[tuple] = ()
) -> None:
    """Prepare the texts, find the row of the canonical text of each, and write what became of it.

    `stages` are (name, seconds, moment of the end), if `find` fills any in.
    """
    given, result = map(Path, sys.argv[1:])
    prepared = prepare(given)
    result.with_suffix(".ready").touch()
    started = time.monotonic()
    canonical = find(prepared)
    ended = time.monotonic()
    found = {"seconds": ended - started, "ended": ended, "stages": list(stages), "canonical": canonical}
    result.write_text(json.dumps(found), "utf-8")


def read_texts(given: Path) -> list[str]:
    """Read texts into memory."""
    return pq.read_table(given, columns=["text"])["text"].to_pylist()
