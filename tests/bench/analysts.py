"""Measure what analysts wait for: queries on the published file beside a native DuckDB table, and search.

Articles are recombined from real news (`planted.py`), in English, Sinhala and Tamil, of ten sources on thirty days. The
same queries run in turn on the published views and on tables of DuckDB's own format with the same rows, each on a
connection that stays open. Search is measured beside DuckDB's full-text index.

    python tests/bench/analysts.py [COUNT] [--news PARQUET]
"""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
from growth import NEWS
from planted import News, read_news, recombined_chunks

from flows.search import search
from warehouse.database import extension_path
from warehouse.home import Home
from warehouse.lake import open_lake
from warehouse.search_index import update_index
from warehouse.searching import open_search

COUNT, ADDED = 100_000, 1_000
TEXT_BYTES = 3_000
SOURCES, DAYS = 10, 30
ROUNDS, QUESTIONS = 15, 50
TOLERATED = 1.5
SEED = 20261122

QUERIES = {
    "one record by its id": "SELECT headline, body FROM records WHERE record_id = $record_id",
    "one article by its id": "SELECT headline, body FROM articles WHERE article_id = $article_id",
    "a source on three days": (
        "SELECT record_id, headline FROM records WHERE source = 's3' "
        "AND published_at >= TIMESTAMPTZ '2026-03-10 00:00:00Z' AND published_at < TIMESTAMPTZ '2026-03-13 00:00:00Z'"
    ),
    "records by source and day": "SELECT source, published_at::DATE, count(*) FROM records GROUP BY ALL",
    "articles by language": "SELECT language, count(*), avg(word_count) FROM articles GROUP BY ALL",
    "a word in all bodies": "SELECT count(*) FROM records WHERE contains(body, 'ministry')",
    "characters of all bodies": "SELECT sum(length(body)) FROM records",
}


def main(count: int, news_path: Path) -> None:
    """Ingest, and print two tables."""
    news = read_news(news_path)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        ingest(write_drops(Path(name) / "drops", count, news, seed=SEED), home)
        compare_queries(home, Path(name) / "native.duckdb")
        compare_search(home, Path(name), news)


def write_drops(folder: Path, count: int, news: News, *, seed: int) -> list[Path]:
    """Write news as JSON Lines, with headline and date, a file for each source."""
    rng = random.Random(seed)  # noqa: S311 -- text, not secrets
    paths = [folder / f"s{number}" / f"{seed}.jsonl" for number in range(SOURCES)]
    rows: list[list[str]] = [[] for _ in paths]
    for chunk in recombined_chunks(count, news, rng, TEXT_BYTES):
        for text, *_ in chunk:
            date = f"2026-03-{rng.randrange(DAYS) + 1:02}T{rng.randrange(24):02}:00:00Z"
            row = {"headline": rng.choice(news.headlines), "date": date, "body": text}
            rng.choice(rows).append(json.dumps(row, ensure_ascii=False))
    for path, lines in zip(paths, rows, strict=True):
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return paths


def ingest(drops: Sequence[Path], home: Path) -> None:
    """Ingest drops."""
    command = [Path(sys.executable).with_name("copydesk"), "ingest", *drops, "--home", home]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def compare_queries(home: Path, native_path: Path) -> None:
    """Run each query on both in turn, and print the medians."""
    published = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    with duckdb.connect(str(native_path)) as making:
        making.execute(f"ATTACH '{home / 'warehouse.duckdb'}' AS published (READ_ONLY)")
        for table in ("records", "articles"):
            making.execute(f"CREATE TABLE {table} AS SELECT * FROM published.{table}")
    native = duckdb.connect(str(native_path), read_only=True)
    middle = "SELECT record_id, article_id FROM published.record_articles ORDER BY record_id LIMIT 1 OFFSET 500"
    record_id, article_id = published.execute(middle.replace("published.", "")).fetchall()[0]
    stored = published.execute("SELECT count(*) FROM records").fetchall()[0][0]
    print(f"{stored:,} records             published     native   ratio")  # noqa: T201 -- the result
    for name, sql in QUERIES.items():
        given = {
            key: value for key, value in (("record_id", record_id), ("article_id", article_id)) if f"${key}" in sql
        }
        seconds: dict[str, list[float]] = {"published": [], "native": []}
        for _ in range(ROUNDS):
            for kind, connection in (("published", published), ("native", native)):
                seconds[kind].append(timed(lambda: connection.execute(sql, given).fetchall()))  # noqa: B023 -- called at once
        ours, theirs = (statistics.median(of_kind) for of_kind in seconds.values())
        told = "ok" if ours <= TOLERATED * theirs else "SLOWER"
        print(f"  {name:<26}{ours * 1e3:>9.1f} ms{theirs * 1e3:>8.1f} ms{ours / theirs:>8.2f}  {told}", flush=True)  # noqa: T201


def compare_search(home: Path, folder: Path, news: News) -> None:
    """Make the index anew, add articles to it, query it; the same with DuckDB's, and print it."""
    shutil.rmtree(home / "search")
    with open_lake(Home(home)) as lake:
        made = timed(lambda: update_index(lake))
        (texts,) = lake.query("SELECT count(*) FROM articles_history").row(0)
    size = sum(path.stat().st_size for path in (home / "search").rglob("*") if path.is_file())
    ingest(write_drops(folder / "more", ADDED, news, seed=SEED + 1), home)
    state = json.loads((home / "search" / "state.json").read_text())
    with open_lake(Home(home)) as lake:
        (home / "search" / "state.json").write_text(json.dumps(state | {"commit_no": state["commit_no"] - 1}))
        added = timed(lambda: update_index(lake))
    asked = [" ".join(headline.split()[:3]) for headline in random.Random(SEED).sample(news.headlines, QUESTIONS)]  # noqa: S311
    ours = [timed(lambda: list(open_search(Home(home), f'"{words}" {words}').best(10))) for words in asked]  # noqa: B023
    whole = [timed(lambda: search(home, words)) for words in asked]  # noqa: B023 -- called at once
    print(f"{texts:,} articles               tantivy  DuckDB fts")  # noqa: T201 -- the result
    with duckdb.connect(str(folder / "native.duckdb"), config={"allow_unsigned_extensions": "true"}) as native:
        native.execute(f"LOAD '{extension_path('fts')}'")
        options = "stemmer = 'none', stopwords = 'none'"
        fts = timed(
            lambda: native.execute(f"PRAGMA create_fts_index('articles', 'article_id', 'headline', 'body', {options})")
        )
        sql = (
            "SELECT article_id, fts_main_articles.match_bm25(article_id, ?) AS score FROM articles "
            "WHERE score IS NOT NULL ORDER BY score DESC LIMIT 10"
        )
        theirs = [timed(lambda: native.execute(sql, [words]).fetchall()) for words in asked]  # noqa: B023
    for name, one, other in (
        ("made", f"{made:.1f} s", f"{fts:.1f} s"),
        (f"{ADDED:,} added", f"{added:.1f} s", "made anew"),
        ("ten best, median", f"{statistics.median(ours) * 1e3:.1f} ms", f"{statistics.median(theirs) * 1e3:.0f} ms"),
        ("with rows and snippets", f"{statistics.median(whole) * 1e3:.0f} ms", "-"),
        ("on disk", f"{size / 1e6:.0f} MB", "-"),
    ):
        print(f"  {name:<26}{one:>12}{other:>12}")  # noqa: T201 -- the result


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=COUNT)
    parser.add_argument("--news", type=Path, default=NEWS)
    told = parser.parse_args()
    if not told.news.exists():
        sys.exit(f"{told.news} is not there: name a Parquet file of news with --news.")
    main(told.count, told.news)
