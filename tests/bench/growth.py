"""Measure what a drop costs when the warehouse is full, beside the same drop into an empty one.

The warehouse is filled with recombined news of 3 kB (`planted.py`). Each drop has 10,000 articles, 1,000 of which are
edited copies of stored ones. Both homes get the drops of all rounds in turn; the whole command is measured.

    python tests/bench/growth.py [STORED] [--news PARQUET]
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from planted import KINDS, News, is_long_enough, read_news, recombined_chunks, write_recombined

STORED = 1_000_000
DROP, COPIES = 10_000, 1_000
ROUNDS = 3
TEXT_BYTES = 3_000
SEED = 20261121
AT_A_TIME = 250_000
NEWS = Path(__file__).parents[2].parent / "shared" / "data" / "news" / "lk_news_20k.parquet"


def main(stored: int, news_path: Path) -> None:
    """Fill a home folder, then ingest drops into it and into an empty one."""
    news = read_news(news_path)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = write_recombined(folder / "base.parquet", stored, news, text_bytes=TEXT_BYTES)
        drops = [write_drop(folder / f"drop{number}.parquet", base, news, number) for number in range(ROUNDS)]
        started = time.perf_counter()
        for part, first in enumerate(range(0, stored, AT_A_TIME)):
            of_part = folder / f"base{part}.parquet"
            pl.scan_parquet(base).slice(first, AT_A_TIME).select("text").sink_parquet(of_part)
            ingest(of_part, folder / "full")
        print(f"{stored:,} articles stored in {time.perf_counter() - started:,.0f} s")  # noqa: T201 -- the result
        print("  round      empty       full   ratio   near copies, articles")  # noqa: T201 -- the result
        ratios = []
        for number, drop in enumerate(drops):
            empty, _ = ingest(drop, folder / f"empty{number}")
            full, summary = ingest(drop, folder / "full")
            ratios.append(full / empty)
            found = f"{summary['near_copies'] + summary['other_copies']:,}, {summary['articles_new']:,}"
            print(f"  {number:>5}{empty:>9.1f} s{full:>9.1f} s{full / empty:>8.2f}   {found}", flush=True)  # noqa: T201
        print(f"  median ratio {statistics.median(ratios):.2f}")  # noqa: T201 -- the result


def write_drop(path: Path, base: Path, news: News, number: int) -> Path:
    """Write a drop: new articles, and edited copies of stored ones."""
    rng = random.Random(SEED + number)  # noqa: S311 -- text, not secrets
    [rows] = recombined_chunks(DROP - COPIES, news, rng, TEXT_BYTES)
    stored = pl.read_parquet(base, columns=["text"]).sample(4 * COPIES, seed=SEED + number).to_series()
    kinds = list(KINDS.values())
    chosen = [text for text in stored if is_long_enough(text)][:COPIES]
    copies = [kinds[place % len(kinds)](text, rng, news) for place, text in enumerate(chosen)]
    pl.DataFrame({"text": [text for text, *_ in rows] + copies}).write_parquet(path)
    return path


def ingest(drop: Path, home: Path) -> tuple[float, dict[str, int]]:
    """Ingest a drop; give the seconds and what it came to."""
    started = time.perf_counter()
    command = [Path(sys.executable).with_name("copydesk"), "ingest", drop, "--source", "news", "--json", "--home", home]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started, json.loads(done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stored", nargs="?", type=int, default=STORED)
    parser.add_argument("--news", type=Path, default=NEWS)
    given = parser.parse_args()
    if not given.news.exists():
        sys.exit(f"{given.news} is not there: name a Parquet file of news with --news.")
    main(given.stored, given.news)
