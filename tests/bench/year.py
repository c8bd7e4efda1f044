"""Measure a home folder after a year of hourly drops, beside the same one after its first day.

A real run of five records is taken as a pattern. Every hour its rows are committed again under new ids, an hour later,
and published; every night the store is maintained by the real thing, and gives up the snapshots of a week before. So
the catalog, files and histories are those of a year, only bytes of drops are not stored. In the end queries, publishing
and a real ingest of a small drop are measured on both homes in turn; each must take less than 1.5 times as long as on
the first day.

It takes hours. What was begun in a folder goes on there when it is called again.

    python tests/bench/year.py [DAYS] [--folder FOLDER]
"""

import argparse
import hashlib
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from unittest import mock

import duckdb
import polars as pl
from articles import articles

from flows import maintaining, steps
from flows.run import Request
from flows.settings import load_settings
from warehouse.home import Home
from warehouse.journal_entry import Entry, parse_entry
from warehouse.lake import Lake, open_lake
from warehouse.maintenance import expire

DAYS, HOURS = 365, 24
KEPT_DAYS = 7
RECORDS = 5
ROUNDS = 7
TOLERATED = 1.5


@dataclass(frozen=True)
class Pattern:
    """The rows that a run committed, by table, and its entry for the journal."""

    rows: Mapping[str, pl.DataFrame]
    entry: Entry


IDS = (
    "record_id",
    "matched_record_id",
    "canonical_record_id",
    "article_id",
    "run_id",
    "drop_sha256",
    "match_key",
    "uri",
)
QUERIES = {
    "records of a day": (
        "SELECT count(*) FROM records WHERE ingested_at >= (SELECT max(ingested_at) FROM records) - INTERVAL 1 DAY"
    ),
    "one record": "SELECT body FROM records WHERE record_id = $record_id",
    "one article": "SELECT headline, body FROM articles WHERE article_id = $article_id",
    "last runs": "SELECT * FROM ops.runs ORDER BY started_at DESC LIMIT 20",
    "open incidents": "SELECT * FROM ops.incidents WHERE status = 'open'",
}
GROWING = {
    "count the articles": "SELECT count(*) FROM articles",
    "articles by source and day": "SELECT sources, first_ingested_at::DATE, count(*) FROM articles GROUP BY ALL",
}
"""Queries that read every row: they take as long as there are rows, and are shown, but not judged."""


def main(days: int, folder: Path) -> None:
    """Let a year pass, and compare its end with its first day."""
    home, first_day, log = folder / "home", folder / "first day", folder / "mornings.json"
    drops = written_drops(folder / "feed")
    with tempfile.TemporaryDirectory() as name:
        pattern = take_pattern(Path(name), next(drops))
    mornings = [datetime.fromisoformat(text) for text in json.loads(log.read_text())] if log.exists() else []
    started = time.perf_counter()
    for day in range(len(mornings), days):
        mornings.append(datetime.now(UTC))
        live_a_day(home, pattern, kept_since=mornings[max(day - KEPT_DAYS, 0)])
        if day == 0:
            shutil.copytree(home, first_day)
            publish(first_day)
        log.write_text(json.dumps([morning.isoformat() for morning in mornings]))
        if day % 30 == 0 or day == days - 1:
            files = len(list((home / "lake").rglob("*.parquet")))
            size = (home / "catalog.sqlite").stat().st_size / 1e6
            passed = time.perf_counter() - started
            print(f"  day {day + 1:>3}: {files:>4} files, catalog {size:.1f} MB, {passed:,.0f} s", flush=True)  # noqa: T201
    compare(first_day, home, drops)


def written_drops(folder: Path) -> Iterator[Path]:
    """Yield drops of five new articles."""
    folder.mkdir(exist_ok=True)
    found = articles(10**9)
    for number in range(10**6):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(f"{json.dumps(next(found))}\n" for _ in range(RECORDS)), "utf-8")
        yield path


def take_pattern(home: Path, drop: Path) -> Pattern:
    """Ingest a drop; return the rows that its run committed."""
    taken: dict[str, pl.DataFrame] = {}
    entries: list[str] = []
    append = Lake.append

    def noted(lake: Lake, staged: Mapping[str, Sequence[Path]], *, message: str, entry: str) -> None:
        taken.update({name: pl.read_parquet(paths) for name, paths in staged.items() if paths})
        entries.append(entry)
        append(lake, staged, message=message, entry=entry)

    with mock.patch.object(Lake, "append", noted):
        steps.ingest(Request(load_settings(home=home), (drop,)))
    return Pattern({name: rows for name, rows in taken.items() if rows.height}, parse_entry(entries[0]))


def live_a_day(home: Path, pattern: Pattern, *, kept_since: datetime) -> None:
    """Commit and publish the runs of a day, and maintain the store at its end.

    A week of this year is over in minutes, so snapshots are given up here, before maintenance would by the clock.
    """
    staged = home / "staging" / "year"
    shutil.rmtree(staged, ignore_errors=True)
    with open_lake(steps.prepare(Home(home))) as lake:
        for _ in range(HOURS):
            staged.mkdir(parents=True)
            number = len(list((home / "journal").glob("*.json"))) + 1
            files = {name: [write(rows, staged / f"{name}.parquet", number)] for name, rows in pattern.rows.items()}
            entry = replace(
                pattern.entry,
                run_id=renamed(pattern.entry.run_id, number),
                started_at=pattern.entry.started_at + timedelta(hours=number),
            )
            lake.append(files, message=f"hour {number}", entry=entry.as_json())
            steps.publish(lake)
            shutil.rmtree(staged)
        expire(lake, before=kept_since, now=datetime.now(UTC))
    maintaining.maintain(load_settings(home=home))


def write(rows: pl.DataFrame, path: Path, number: int) -> Path:
    """Write rows under the ids of another run, so many hours later."""
    names = [name for name in IDS if name in rows.columns]
    new = [pl.col(name).map_elements(lambda text: renamed(text, number), return_dtype=pl.String) for name in names]
    later = pl.selectors.datetime() + timedelta(hours=number)
    commit = [pl.lit(None, dtype=pl.Int64()).alias("commit_no")] if "commit_no" in rows.columns else []
    rows.with_columns(*new, later, *commit).write_parquet(path)
    return path


def renamed(text: str, number: int) -> str:
    """Return an id of the same form that belongs to another run."""
    prefix, _, key = text.rpartition("_") if text[1:2] == "_" else ("", "", text)
    digest = hashlib.sha256(f"{text} {number}".encode()).hexdigest()
    return f"{prefix}_{digest[: max(len(key), 20)]}" if prefix else digest[: len(key)].ljust(len(key), "0")


def compare(first_day: Path, last_day: Path, drops: Iterator[Path]) -> None:
    """Measure on both homes in turn, and print the medians."""
    some_ids(first_day), some_ids(last_day)  # to know an id is no part of asking for it
    print("                                first day   last day   ratio")  # noqa: T201 -- the result
    tasks: dict[str, Callable[[Path], object]] = {
        name: (lambda home, sql=sql: ask(home, sql)) for name, sql in (QUERIES | GROWING).items()
    }
    tasks |= {"publish": publish, "ingest of five records": lambda home: ingest(home, next(drops))}
    for name, task in tasks.items():
        seconds: dict[Path, list[float]] = {first_day: [], last_day: []}
        for _ in range(ROUNDS):
            for home, of_home in seconds.items():
                started = time.perf_counter()
                task(home)
                of_home.append(time.perf_counter() - started)
        before, after = (statistics.median(of_home) for of_home in seconds.values())
        told = "reads every row" if name in GROWING else "ok" if after < TOLERATED * before else "SLOWER"
        print(f"  {name:<28}{before:>10.3f} s{after:>9.3f} s{after / before:>8.2f}  {told}", flush=True)  # noqa: T201


def ask(home: Path, sql: str) -> None:
    """Run a query as any client does."""
    given = {name: value for name, value in some_ids(home).items() if f"${name}" in sql}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as published:
        published.execute(sql, given).fetchall()


@cache
def some_ids(home: Path) -> Mapping[str, str]:
    """Return the ids of a record and of its article."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as published:
        found = published.execute("SELECT record_id, article_id FROM record_articles ORDER BY ALL LIMIT 1").fetchall()
    return dict(zip(("record_id", "article_id"), found[0], strict=True))


def publish(home: Path) -> None:
    """Publish, with the lake to be opened."""
    with open_lake(Home(home)) as lake:
        steps.publish(lake)


def ingest(home: Path, drop: Path) -> None:
    """Ingest a drop in this process."""
    steps.ingest(Request(load_settings(home=home), (drop,)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("days", nargs="?", type=int, default=DAYS)
    parser.add_argument("--folder", type=Path)
    told = parser.parse_args()
    if told.folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            main(told.days, Path(temporary))
    else:
        told.folder.mkdir(parents=True, exist_ok=True)
        main(told.days, told.folder)
