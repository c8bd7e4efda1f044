"""Real news as several sources deliver it, day by day: which articles, how many, in which form, and when.

Decides how many articles there are in a drop, which, and from when; leaves what a source makes of them to
`drop_sources`. An article is in one drop of a source at most. Within an outlet articles keep their order in time, and
get dates of the day or two before the drop; how much of a drop each outlet makes up varies by the day, as does the
size of drops, which is lower on Saturdays and Sundays. All is drawn with a seed, and in no way depends on when or where
it is run.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from labelled_texts import NEWS, SEED

Row = dict[str, Any]
"""A record with the names that its source gives the fields."""

WEEKEND = 0.75
"""Size of the drops of Saturday and Sunday, as a share of those of other days."""

SIZE_NOISE = 0.12
"""Standard deviation of the logarithm of a drop's size: nine in ten lie within 20 % of what the day of the week has."""

MIX_NOISE = 0.25
"""The same of what each outlet contributes."""

MEAN_AGE_HOURS = 9
MOST_AGE_HOURS = 44


@dataclass(frozen=True)
class Article:
    """A real article, and when it is said to have appeared; `number` is its place in the data."""

    number: int
    language: str
    headline: str
    body: str
    url: str
    published_at: datetime


@dataclass(frozen=True)
class Pieces:
    """A file taken apart: what stands before the records, the records, what stands between them, and after."""

    head: bytes
    lines: Sequence[bytes]
    between: bytes
    tail: bytes

    @property
    def content(self) -> bytes:
        """The file."""
        return self.head + self.between.join(self.lines) + self.tail


@dataclass(frozen=True)
class Source:
    """Who delivers.

    Attributes:
        name: Name of the source.
        outlets: Whose articles it delivers.
        per_day: Records of a working day.
        files: Files of a drop; none where each record has its own.
        suffix: End of their names.
        time: Minutes after midnight (UTC) at which its drops are taken in.
        names: Its own name of each field that it gives.
        row: Makes its record of an article.
        write: Writes records to a file.
        settings: What is declared of it.
        pool: Reads the articles of all outlets, in the order in which they appear.
    """

    name: str
    outlets: Sequence[str]
    per_day: int
    files: int | None
    suffix: str
    time: int
    names: Mapping[str, str] = field(hash=False)
    row: Callable[[Article, random.Random], Row]
    write: Callable[[Sequence[Row]], Pieces]
    settings: str = ""
    pool: Callable[[], Sequence[Row]] = field(default_factory=lambda: news)


@dataclass(frozen=True)
class Drop:
    """What a source delivers in a day.

    Attributes:
        source: The source.
        at: When it is taken in.
        rows: Its records, by time.
        spare: Other records of the source, which are in no drop.
    """

    source: Source
    at: datetime
    rows: Sequence[Row]
    spare: Sequence[Row] = field(default=(), repr=False)

    def in_files(self) -> list[list[Row]]:
        """Part the records among the files."""
        count = min(self.source.files or len(self.rows), len(self.rows))
        bounds = [number * len(self.rows) // count for number in range(count + 1)]
        return [list(self.rows[start:end]) for start, end in pairwise(bounds)]

    def file_name(self, number: int) -> str:
        """Return the name of a file, counted from zero."""
        return f"{self.at:%Y-%m-%d}-{number:03}{self.source.suffix}"


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files of a drop."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def clean_files(drop: Drop) -> dict[str, bytes]:
    """Return the files of a drop as they should be."""
    return {drop.file_name(number): drop.source.write(rows).content for number, rows in enumerate(drop.in_files())}


def drops_of(source: Source, *, days: Sequence[datetime]) -> list[Drop]:
    """Return the drops of a source, one for each day (its midnight); the last one has the records left over."""
    rng = random.Random(f"{SEED} {source.name}")  # noqa: S311 -- chooses articles
    queues = {outlet: [one for one in source.pool() if one["newspaper_id"] == outlet] for outlet in source.outlets}
    shares = {outlet: len(queue) for outlet, queue in queues.items()}
    drops = []
    for day in days:
        at = day + timedelta(minutes=source.time + rng.uniform(-4, 4))
        taken = _take(queues, shares, count=drop_size(source, at, rng=rng), rng=rng)
        drops.append(Drop(source, at, _rows(source, taken, at=at, rng=rng)))
    left = _take(queues, shares, count=2 * source.per_day, rng=rng)
    last = drops[-1]
    return [*drops[:-1], Drop(source, last.at, last.rows, _rows(source, left, at=last.at, rng=rng))]


def drop_size(source: Source, at: datetime, *, rng: random.Random) -> int:
    """Draw how many records a source delivers on a day."""
    expected = source.per_day * (WEEKEND if at.weekday() in {5, 6} else 1)
    return max(1, round(expected * rng.lognormvariate(0, SIZE_NOISE)))


def _take(
    queues: Mapping[str, list[Row]], shares: Mapping[str, int], *, count: int, rng: random.Random
) -> list[dict[str, Any]]:
    """Take articles from the heads of the queues; where one is too short, others give more."""
    weights = {outlet: share * rng.lognormvariate(0, MIX_NOISE) for outlet, share in shares.items()}
    whole = sum(weights.values())
    taken = [_pop(queues[outlet], round(count * weight / whole)) for outlet, weight in weights.items()]
    rows = [row for of_outlet in taken for row in of_outlet]
    rest = max(queues.values(), key=len)
    return rows + _pop(rest, count - len(rows))


def _pop(queue: list[Row], count: int) -> list[Row]:
    taken = queue[: max(count, 0)]
    del queue[: max(count, 0)]
    return taken


def _rows(source: Source, taken: Sequence[Row], *, at: datetime, rng: random.Random) -> list[Row]:
    articles = sorted((_article(row, at=at, rng=rng) for row in taken), key=lambda article: article.published_at)
    return [source.row(article, rng) for article in articles]


def _article(row: Row, *, at: datetime, rng: random.Random) -> Article:
    age = timedelta(hours=min(rng.expovariate(1 / MEAN_AGE_HOURS), MOST_AGE_HOURS), minutes=5)
    headline, text = row["description"].strip(), row["text"].strip()
    body = text.removeprefix(headline).strip() or text
    published_at = (at - age).replace(microsecond=0)
    return Article(row["number"], row["lang"], headline, body, row["url_metadata"], published_at)


@cache
def news() -> list[Row]:
    """Read real news of fourteen outlets, by time."""
    columns = ["newspaper_id", "lang", "description", "text", "url_metadata"]
    return list(pl.read_parquet(NEWS).sort("time_ut", "doc_id").select(columns).with_row_index("number").to_dicts())


def articles_of(language: str, *, at: datetime, count: int) -> list[Article]:
    """Return news in a language."""
    rng = random.Random(f"{SEED} {language}")  # noqa: S311 -- chooses articles
    rows = [row for row in news() if row["lang"] == language]
    return [_article(row, at=at, rng=rng) for row in rng.sample(rows, count)]


def days_until(last: datetime, *, count: int) -> list[datetime]:
    """Return so many days, of which `last` is the last."""
    return [last - timedelta(days=ago) for ago in range(count - 1, -1, -1)]
