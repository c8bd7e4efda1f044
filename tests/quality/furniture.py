"""Measure how much page furniture is found between articles written for this project, and between those of real news.

A piece counts line by line.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import polars as pl
from labelled_texts import NEWS, OF_PEOPLE, SEED, Rows, clean, lines_of, prose_of, read_rows, removed_prose, spaced

from transforms.cleaning import Cleaned

NEWS_ARTICLES = {"en": 200, "si": 50, "ta": 50}
"""Articles of real news, by language: pages in Sinhala and Tamil have English furniture too."""

LEAST_PARAGRAPHS = 5
PIECES = (2, 5)
"""How many pieces, each of another kind, stand in an article of real news."""

COUNTS = ("language", "kind", "is_held_out", "lines", "found")


@dataclass(frozen=True)
class NewsFurniture:
    """What becomes of real news with furniture put into it, and without.

    Attributes:
        pieces: Columns of `COUNTS`, a row for each piece; `language` is that of the article.
        paragraphs: Number of paragraphs of prose.
        lost: Those that stay without furniture, and go beside it.
        removed: Those that go without furniture, and are no headline, dek, byline or biography.
    """

    pieces: pl.DataFrame
    paragraphs: int
    lost: Sequence[str]
    removed: Sequence[str]


def texts_by_language() -> dict[str, list[list[str]]]:
    """Paragraphs of whole articles, by language."""
    texts = defaultdict(list)
    for article in read_rows("articles"):
        paragraphs = [block["text"] for block in article["blocks"] if block["kind"] == "paragraph"]
        texts[article["language"]].append([text for text in paragraphs if len(text) > 50])
    return {language: [text for text in of_language if len(text) > 3] for language, of_language in texts.items()}


def with_piece(paragraphs: Sequence[str], piece: Mapping[str, Any], *, rng: random.Random) -> str:
    """Put a piece where it stands on a page."""
    place = {"top": 0, "middle": rng.randint(1, len(paragraphs) - 1), "end": len(paragraphs)}[piece["place"]]
    separator = rng.choice(("\n", "\n\n"))
    return separator.join([*paragraphs[:place], piece["text"], *paragraphs[place:]])


def measure_furniture() -> pl.DataFrame:
    """Count, of each piece in a written article, its lines, those found, and the paragraphs lost beside it."""
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    texts, pieces = texts_by_language(), read_rows("furniture")
    chosen = [rng.choice(texts[piece["language"]]) for piece in pieces]
    records = [{"body": with_piece(text, piece, rng=rng)} for text, piece in zip(chosen, pieces, strict=True)]
    cleaned = clean(records).records.select("body", "headline", "dek").rows()
    rows = []
    for piece, text, (body, headline, dek) in zip(pieces, chosen, cleaned, strict=True):
        lost = {spaced(paragraph) for paragraph in text} - lines_of(body) - {spaced(headline), spaced(dek)}
        rows.append((*_counts(piece, body, language=piece["language"]), len(lost)))
    return pl.DataFrame(rows, schema=(*COUNTS, "paragraphs_lost"), orient="row")


def _counts(piece: Mapping[str, Any], body: str, *, language: str) -> tuple[str, str, bool, int, int]:
    injected = lines_of(piece["text"])
    return language, piece["kind"], piece["is_held_out"], len(injected), len(injected - lines_of(body))


def measure_news_furniture(path: Path = NEWS) -> NewsFurniture:
    """Put English pieces into articles of real news; compare what is left with what is left of the articles alone."""
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    articles = _choose_news(path, rng=rng)
    chosen = [_choose_pieces(rng) for _ in articles]
    pages = [_with_pieces(one["text"], pieces, rng=rng) for one, pieces in zip(articles, chosen, strict=True)]
    headlines = [one["description"] for one in articles]
    alone = _clean_pages(headlines, [one["text"] for one in articles])
    bodies = _clean_pages(headlines, pages).records["body"]
    counts = [
        _counts(piece, body, language=article["lang"])
        for article, pieces, body in zip(articles, chosen, bodies, strict=True)
        for piece in pieces
    ]
    lost = prose_of(alone.records["body"]).join(prose_of(bodies), on=["article", "text"], how="anti")
    is_furniture = ~pl.col("kind").is_in([*OF_PEOPLE, "dek"])
    return NewsFurniture(
        pieces=pl.DataFrame(counts, schema=COUNTS, orient="row"),
        paragraphs=prose_of(pl.Series([article["text"] for article in articles])).height,
        lost=lost["text"].to_list(),
        removed=removed_prose(alone.spans).filter(is_furniture)["text"].to_list(),
    )


def _clean_pages(headlines: Sequence[str], pages: Sequence[str]) -> Cleaned:
    return clean([{"headline": headline, "body": page} for headline, page in zip(headlines, pages, strict=True)])


def _choose_news(path: Path, *, rng: random.Random) -> Rows:
    news = pl.read_parquet(path, columns=["lang", "description", "text"])
    is_long = pl.col("text").str.count_matches("\n\n") >= LEAST_PARAGRAPHS  # the first line is the headline
    long = {name: news.filter(is_long, lang=name).rows(named=True) for name in NEWS_ARTICLES}
    return [article for name, count in NEWS_ARTICLES.items() for article in rng.sample(long[name], count)]


def _choose_pieces(rng: random.Random) -> Rows:
    of_kind = _english_pieces()
    kinds = rng.sample(sorted(of_kind), rng.randint(*PIECES))
    return [rng.choice(of_kind[kind]) for kind in kinds]


@cache
def _english_pieces() -> Mapping[str, Rows]:
    of_kind = defaultdict(list)
    for piece in read_rows("furniture"):
        if piece["language"] == "en":
            of_kind[piece["kind"]].append(piece)
    return of_kind


def _with_pieces(text: str, pieces: Rows, *, rng: random.Random) -> str:
    """Put pieces where they stand on a page, whose first line is the headline: the top is above or below that."""
    lines = text.split("\n\n")
    spots = {"top": (0, 1), "middle": (2, len(lines) - 1), "end": (len(lines), len(lines))}
    blocks = [(number, 1, line) for number, line in enumerate(lines)]
    blocks += [(rng.randint(*spots[piece["place"]]), 0, piece["text"]) for piece in pieces]
    return rng.choice(("\n", "\n\n")).join(text for *_, text in sorted(blocks, key=itemgetter(0, 1)))
