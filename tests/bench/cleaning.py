"""Measure cleaning alone: text in, clean bodies and spans out, in two threads as in an ingest, five kilobytes each.

None of the articles, one in five, or half of them have page furniture around them: a byline, a date, a share bar, an
offer, a biography. Beside it the whole of cleaning, which also tells the language and makes digests.

    python tests/bench/cleaning.py [COUNT]      by default 16,000 articles
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
from articles import articles

from seeds.tables import boilerplate, word_shares
from transforms.bodies import clean_bodies
from transforms.boilerplate import text_rules
from transforms.cleaning import CleaningSettings, clean_records
from transforms.raw_schema import RAW_RECORDS

COUNT = 16_000
BATCH = 4_000
THREADS = 2
SHARES = {"none": None, "one in five": 5, "one in two": 2}
ABOVE = "By {} and {}\n\n12 May 2026, 10:30\n\nFacebook Twitter WhatsApp Email\n\n"
BELOW = "\n\nSubscribe to the Review for unlimited access.\n\n• The Sunday letter\n\n{} is a writer in {}."
GIVEN_NAMES = ("Jane", "Arno", "Mirela", "Tobias", "Sunniva", "Piet", "Oluchi", "Ramona", "Ignatz", "Yvaine")
HEADS, TAILS = ("Halv", "Brock", "Tarn", "Oder", "Mill"), ("orsen", "mann", "er")
SURNAMES = tuple(head + tail for head in HEADS for tail in TAILS)
IDENTITY = dict.fromkeys(("record_id", "drop_sha256", "source", "body_format"), pl.String())


def main(count: int) -> None:
    """Print articles a second, by the share of those with furniture."""
    bodies = [article["body"] for article in articles(count)]
    rules, now = text_rules(boilerplate(), word_shares()), datetime.now(UTC)
    steps: dict[str, Callable[[pl.DataFrame], object]] = {
        "text": lambda raw: clean_bodies(raw.select("body", "body_format", "headline", "dek"), rules),
        "whole": lambda raw: clean_records(raw, settings=CleaningSettings(), rules=rules, now=now),
    }
    print(f"{count:,} articles of {sum(map(len, bodies)) / count / 1e3:.1f} kB, {THREADS} threads, articles/s")  # noqa: T201 -- the result
    for share, every in SHARES.items():
        texts = [
            body if every is None or number % every else _with_furniture(body, number)
            for number, body in enumerate(bodies)
        ]
        batches = [_batch(texts[start : start + BATCH]) for start in range(0, count, BATCH)]
        figures = {name: count / min(_seconds(step, batches) for _ in range(3)) for name, step in steps.items()}
        shown = "".join(f"   {name}{figure:>8,.0f}" for name, figure in figures.items())
        print(f"with furniture {share:<12}{shown}", flush=True)  # noqa: T201 -- the result


def _with_furniture(body: str, number: int) -> str:
    names = [f"{given} {surname}" for surname in SURNAMES for given in GIVEN_NAMES]
    author, other = names[number % len(names)], names[number * 7 % len(names)]
    return ABOVE.format(author, other) + body + BELOW.format(author, other.split()[1])


def _batch(texts: list[str]) -> pl.DataFrame:
    raw = (
        pl.DataFrame({"body": texts})
        .with_row_index("record_no")
        .with_columns(
            record_id=pl.format("r{}", "record_no"),
            drop_sha256=pl.lit("0"),
            source=pl.lit("bench"),
            body_format=pl.lit("text"),
        )
    )
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in RAW_RECORDS.items() if name not in raw.columns]
    return raw.with_columns(missing).select(*RAW_RECORDS, *IDENTITY)


def _seconds(step: Callable[[pl.DataFrame], object], batches: list[pl.DataFrame]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(step, batches))
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else COUNT)
