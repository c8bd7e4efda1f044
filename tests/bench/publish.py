"""Measure publishing after a run of 1,000 records, with few and with 1,000,000 records stored.

What is published are views: the time must not grow with the bodies that they show.

    python tests/bench/publish.py [STORED] [--news PARQUET]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from growth import AT_A_TIME, NEWS, TEXT_BYTES, ingest
from planted import read_news, write_recombined

from flows import steps
from warehouse.home import Home
from warehouse.lake import open_lake

STORED, RUN = 1_000_000, 1_000
TIMES = 9


def main(stored: int, news_path: Path) -> None:
    """Publish a home folder after a run, when it is almost empty and when it is full."""
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name), Path(name) / "home"
        base = write_recombined(folder / "base.parquet", stored + 2 * RUN, read_news(news_path), text_bytes=TEXT_BYTES)
        first = take_in(base, 0, RUN, home)
        tell("after the first run", home)
        while first < stored:
            first = take_in(base, first, min(AT_A_TIME, stored + RUN - first), home)
        take_in(base, first, RUN, home)
        tell("after a run on all of it", home)


def take_in(base: Path, first: int, count: int, home: Path) -> int:
    """Ingest some of the articles; return where the next ones begin."""
    drop = base.with_name(f"drop{first}.parquet")
    pl.scan_parquet(base).slice(first, count).select("text").sink_parquet(drop)
    ingest(drop, home)
    drop.unlink()
    return first + count


def tell(when: str, root: Path) -> None:
    """Print how long it takes to publish."""
    seconds = []
    with open_lake(Home(root)) as lake:
        stored = lake.query("SELECT count(*) FROM records").item()
        for _ in range(TIMES):
            started = time.perf_counter()
            steps.publish(lake)
            seconds.append(time.perf_counter() - started)
    size = (root / "warehouse.duckdb").stat().st_size / 1e6
    print(  # noqa: T201 -- the result
        f"  {when}: {stored:,} records, {statistics.median(seconds):.3f} s (longest {max(seconds):.3f}), {size:.1f} MB",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stored", nargs="?", type=int, default=STORED)
    parser.add_argument("--news", type=Path, default=NEWS)
    given = parser.parse_args()
    if not given.news.exists():
        sys.exit(f"{given.news} is not there: name a Parquet file of news with --news.")
    main(given.stored, given.news)
