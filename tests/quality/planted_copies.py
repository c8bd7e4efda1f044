"""Measure whether copies that were made on purpose find the article they were made of, and no other.

The originals are real news, no two of which share much. A second source then delivers a copy of each, of every kind.
"""

import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from all_pairs import read_news
from copy_kinds import KINDS, RE_ENCODED, Article, Donors, can_be_cp1252
from exact_shingles import overlapping_pairs, shingle_sets, words
from figures import Figure, share
from labelled_texts import NEWS, SEED
from placed_records import place, write_json_lines

ORIGINALS = 1_000
LEAST_WORDS = 120
DISTINCT = 0.2
"""Originals, and those that lend paragraphs, share less than this of the smaller one's shingles."""

DRAWN = 6
"""Articles drawn for each original: more than half are too short or like another, and as many lend paragraphs."""


@dataclass(frozen=True)
class Copy:
    """A copy, of which kind it is, and the key of its original."""

    key: str
    kind: str
    original: str
    text: str


@dataclass(frozen=True)
class PlantedQuality:
    """What became of copies: `recall`, a figure for each kind; `merged`, those that went wrong; `lost`, their keys."""

    recall: Sequence[Figure]
    merged: Sequence[Figure]
    lost: Sequence[str]


def measure_planted_copies(path: Path = NEWS, *, originals: int = ORIGINALS) -> PlantedQuality:
    """Ingest originals, then copies of all kinds."""
    articles, copies = plant(path, originals=originals)
    with tempfile.TemporaryDirectory() as folder:
        first = write_json_lines(Path(folder) / "originals" / "news.jsonl", map(record_of, articles))
        write_copies(Path(folder) / "copies", copies)
        placed = place(Path(folder) / "home", [first], [Path(folder) / "copies"])
    article_of = dict(placed.select("key", "article_id").iter_rows())
    holds = defaultdict(set)
    for article in articles:
        holds[article_of.get(article.key, f"lost {article.key}")].add(article.key)
    is_found = {copy.key: copy.original in holds[article_of.get(copy.key, "lost")] for copy in copies}
    recall = [
        share([is_found[copy.key] for copy in copies if copy.kind == kind], f"recall: {kind}", at_least=least)
        for kind, (_, least) in KINDS.items()
    ]
    together = sum(len(keys) for keys in holds.values() if len(keys) > 1)
    strangers = sum(bool(holds[article_of.get(copy.key, "lost")] - {copy.original}) for copy in copies)
    merged = [
        Figure("originals in one article with another", len(articles), together, at_most=0),
        Figure("copies in an article with another's original", len(copies), strangers, at_most=0),
    ]
    return PlantedQuality(recall, merged, [key for key, found in is_found.items() if not found])


def plant(path: Path = NEWS, *, originals: int) -> tuple[list[Article], list[Copy]]:
    """Draw originals, and make a copy of each of every kind that it lends itself to."""
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    articles = _distinct(_draw(path, DRAWN * originals, rng=rng))
    chosen, others = articles[:originals], articles[originals : 2 * originals]
    if len(chosen) < originals or len(others) < originals:
        raise ValueError(f"only {len(articles):,} of the articles that were drawn are distinct; draw more")
    donors = {language: _donors(others, language) for language in {article.language for article in chosen}}
    copies = []
    for number, article in enumerate(chosen):
        for kind, (make, _) in KINDS.items():
            text = make(article, donors[article.language], rng)
            if text is not None:
                copies.append(Copy(f"{slug(kind)}-{number}", kind, article.key, text))
    return chosen, copies


def slug(kind: str) -> str:
    """Return the name of a kind as keys and files have it."""
    return re.sub(r"\W+", "-", kind)


def _draw(path: Path, count: int, *, rng: random.Random) -> Iterator[Article]:
    rows = read_news(path).with_columns(language=pl.Series(_languages(path))).rows(named=True)
    for row in rng.sample(rows, min(count, len(rows))):
        paragraphs = [line.strip() for line in row["body"].split("\n\n") if line.strip()]
        if paragraphs and paragraphs[0] == row["headline"].strip():
            del paragraphs[0]
        if len(words(" ".join(paragraphs))) >= LEAST_WORDS:
            yield Article(row["id"], row["headline"], paragraphs, row["language"], row["date"])


def _languages(path: Path) -> list[str]:
    return pl.read_parquet(path).sort("time_ut", "doc_id")["lang"].to_list()


def _distinct(drawn: Iterator[Article]) -> list[Article]:
    """Leave out articles that share much with one drawn before them."""
    articles = list(drawn)
    overlapping = overlapping_pairs(shingle_sets(article.body for article in articles), least=DISTINCT)
    later = set(overlapping["second"])
    return [article for number, article in enumerate(articles) if number not in later]


def _donors(articles: Sequence[Article], language: str) -> Donors:
    of_language = [article for article in articles if article.language == language]
    paragraphs = [paragraph for article in of_language for paragraph in article.paragraphs]
    return Donors(
        headlines=[article.headline for article in of_language],
        paragraphs=paragraphs,
        words=sorted({word for paragraph in paragraphs for word in paragraph.split()}),
    )


def record_of(article: Article) -> Mapping[str, Any]:
    """Return an original as its source delivers it."""
    return {"id": article.key, "headline": article.headline, "body": article.body, "date": article.published_at}


def write_copies(folder: Path, copies: Sequence[Copy]) -> None:
    """Write copies: a drop for each kind, and a text file of its own for each that is written in another encoding."""
    folder.mkdir()
    for kind in KINDS:
        of_kind = [copy for copy in copies if copy.kind == kind]
        if kind == RE_ENCODED:
            for number, copy in enumerate(of_kind):
                encoding = "cp1252" if number % 2 and can_be_cp1252(copy.text) else "utf-16"
                (folder / f"{copy.key}.txt").write_text(copy.text, encoding)
        elif of_kind:
            rows = ({"id": copy.key, "body": copy.text} for copy in of_kind)
            write_json_lines(folder / f"{slug(kind)}.jsonl", rows)
