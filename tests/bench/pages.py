"""Measure how many web pages a second a run reads, beside bare trafilatura in as many processes on the same pages.

Ours is all that a run does with a page before cleaning: raw store, detection, extraction in worker processes,
metadata, record. Bare trafilatura gets decoded pages in a pool of `multiprocessing`, once for the text alone and once
with its own metadata, which is the same work. All are warm, and take turns; a ratio is the median
of those of the turns, as a machine that others use is now fast and now slow.

    python tests/bench/pages.py [FOLDER]      by default ../shared/data/extraction
"""

import gzip
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import trafilatura

from flows.drop_reader import DropReader
from flows.extraction_pool import ExtractionPool
from flows.run import Run
from flows.settings import load_settings
from transforms.decoding import decode_text
from transforms.encodings import UTF_8, detect_encoding
from warehouse.raw_store import RawStore

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "extraction"
ROUNDS = 7
PROCESSES = len(os.sched_getaffinity(0))
TARGET = 0.85


def main(folder: Path) -> None:
    """Measure all three, and print a table."""
    paths = sorted((folder / "html").glob("*.gz"))
    if not paths:
        print(f"skipped: no pages in {folder / 'html'}")  # noqa: T201 -- the result
        return
    pages = [gzip.decompress(path.read_bytes()) for path in paths]
    with tempfile.TemporaryDirectory() as home, multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        ours = _reader(Path(home), pages)
        texts = [decode_text(page, (detect_encoding(page, hint=None) or UTF_8).name) for page in pages]
        text_only = partial(_bare, processes, texts, with_metadata=False)
        with_metadata = partial(_bare, processes, texts, with_metadata=True)
        _report(len(texts), _rounds({"copydesk": ours, "text alone": text_only, "text and metadata": with_metadata}))


def _reader(home: Path, pages: Sequence[bytes]) -> Callable[[], float]:
    """Put pages into a raw store; return what reads them all, and measures it without the start of the processes."""
    nothing_accepted = SimpleNamespace(latest=lambda table: pl.DataFrame(schema=table.schema))
    run = SimpleNamespace(settings=load_settings(home=home), on_progress=lambda _: None, lake=nothing_accepted)
    store = RawStore(run.settings.home.raw)
    drops = []
    for number, page in enumerate(pages):
        path = home / f"{number}.html"
        path.write_bytes(page)
        drops.append({"source": "web", "drop_sha256": store.put(path, known=lambda _: False)[0], "uri": str(path)})

    def read() -> float:
        with ExtractionPool() as pool:
            for waiting in [pool.begin("<html></html>") for _ in range(2 * PROCESSES)]:
                waiting()
            started = time.perf_counter()
            reader = DropReader(cast("Run", run), files_total=len(drops), pages=pool, boilerplate={})
            read = sum(batch.records.height for batch in reader.batches(pl.DataFrame(drops)))
            assert read == len(drops)
            return time.perf_counter() - started

    return read


def _bare(processes: Any, texts: Sequence[str], *, with_metadata: bool) -> float:
    started = time.perf_counter()
    sizes = processes.imap(partial(_extract, with_metadata=with_metadata), texts, chunksize=4)
    assert sum(size > 0 for size in sizes) == len(texts)
    return time.perf_counter() - started


def _extract(page: str, *, with_metadata: bool) -> int:
    logging.disable(logging.CRITICAL)
    found: Any = trafilatura.bare_extraction(page, include_comments=False, with_metadata=with_metadata)
    return len(found.text) if found is not None else 0


def _rounds(measures: dict[str, Callable[[], float]]) -> list[dict[str, float]]:
    """Return the seconds of each measure in each round, but for a first one that warms up."""
    return [{name: measure() for name, measure in measures.items()} for _ in range(ROUNDS + 1)][1:]


def _report(pages: int, rounds: list[dict[str, float]]) -> None:
    print(f"{pages:,} pages, {PROCESSES} processes, median of {ROUNDS} rounds; target {TARGET}")  # noqa: T201 -- the result
    for name in rounds[0]:
        speed = median(pages / seconds[name] for seconds in rounds)
        ratio = median(seconds[name] / seconds["copydesk"] for seconds in rounds)
        beside = "" if name == "copydesk" else f"   copydesk has {ratio:.2f} of it"
        print(f"{name:<20}{speed:>8.1f} pages/s{beside}")  # noqa: T201 -- the result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
