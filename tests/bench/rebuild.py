"""Measure a rebuild of the whole warehouse beside the runs that it repeats, and hold every table against what it was.

Articles of five kilobytes come in by as many runs as there are drops; two decisions are taken in between. Then catalog
and lake are removed and made anew, in the same process. All columns of all published tables are compared.

    python tests/bench/rebuild.py [RECORDS] [RUNS]
"""

import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import duckdb
from articles import articles

from flows import steps
from flows.boilerplate import Verdict, decide
from flows.rebuilding import rebuild_home
from flows.run import Request
from flows.settings import Settings
from transforms.schema import STORED

RECORDS, RUNS = 100_000, 20
FOOTER = "Printed on the island since 1911"
EVERY = 50
"""One article in so many has the footer."""


def main(records: int, runs: int) -> None:
    """Take in, make anew, compare, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drops = write_drops(folder / "wire", records, runs)
        settings = Settings(home_root=folder / "home")
        started = time.perf_counter()
        for number, drop in enumerate(drops):
            steps.ingest(Request(settings, (drop,)))
            if number == runs // 2:
                decide(settings, Verdict("wire", (FOOTER,), "accepted"))
        taken = time.perf_counter() - started
        print(f"{records:,} records in {runs} runs and a decision: {taken:.1f} s")  # noqa: T201 -- the result
        settings.home.published.rename(folder / "before.duckdb")
        settings.home.lake.rename(folder / "lake")
        settings.home.catalog.unlink()
        done = rebuild_home(settings)
        print(f"made anew in {done.seconds:.1f} s, {done.seconds / taken:.2f} of that; {len(done.left_out)} left out")  # noqa: T201
        settings.home.lake.rename(folder / "anew")
        compare(folder)


def write_drops(folder: Path, records: int, runs: int) -> list[Path]:
    """Write the articles as JSON Lines, a file for each run."""
    folder.mkdir()
    made, paths = articles(records), []
    for number in range(runs):
        paths.append(folder / f"{number:03}.jsonl")
        with paths[-1].open("w", encoding="utf-8") as file:
            for position, article in enumerate(islice(made, records // runs)):
                body = f"{article['body']}\n\n{FOOTER}" if position % EVERY == 0 else article["body"]
                file.write(json.dumps({**article, "body": body}) + "\n")
    return paths


def compare(folder: Path) -> None:
    """Print for each table how many rows it has, and how many differ."""
    home, lake = folder / "home", folder / "home" / "lake"
    rows: dict[str, list[dict[int, int]]] = {}
    for published, files in ((folder / "before.duckdb", folder / "lake"), (home / "warehouse.duckdb", folder / "anew")):
        lake.symlink_to(files)
        with duckdb.connect(str(published), read_only=True) as tables:
            for name in STORED:
                tables.execute(f"SELECT hash(t) AS row, count(*) FROM {name} AS t GROUP BY ALL")
                rows.setdefault(name, []).append(dict(tables.fetchall()))
        lake.unlink()
    for name, (before, after) in rows.items():
        other = sum(abs(before.get(row, 0) - after.get(row, 0)) for row in before.keys() | after.keys())
        print(f"{name:<24}{sum(before.values()):>12,}{sum(after.values()):>12,}{other:>8,} other")  # noqa: T201


if __name__ == "__main__":
    main(*([int(argument) for argument in sys.argv[1:]] or [RECORDS, RUNS]))
