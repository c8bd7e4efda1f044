"""Searching articles: words and phrases in headline, dek and body, best first, with a piece of text around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from flows.settings import SettingsError, load_settings
from transforms.ops_schema import DROPS
from warehouse.home import Home
from warehouse.query import Reader, open_reader
from warehouse.searching import MARK, SearchError, open_search

LIMIT = 10
_MORE = 8
"""Times as many articles are looked at, where too few of them are of the source, day or language asked for."""

_FOUND = """
    SELECT article_id, canonical_record_id, headline, sources, language, published_at, word_count, record_count
    FROM articles
    WHERE article_id IN (SELECT unnest($ids))
        AND (len($sources) = 0 OR len(list_intersect(sources, $sources)) > 0)
        AND ($language IS NULL OR language = $language)
        AND ($since IS NULL OR coalesce(published_at, first_ingested_at) >= CAST($since AS TIMESTAMPTZ))
"""
_LANGUAGES = "SELECT DISTINCT language FROM articles WHERE language IS NOT NULL ORDER BY language"
_SOURCES = f"SELECT DISTINCT source FROM {DROPS.name}"
_BODIES = "SELECT record_id, body FROM records WHERE {these}"
_FEW, _MANY = "list_contains($ids, record_id)", "record_id IN (SELECT unnest($ids))"
"""The former reads no body but theirs, and looks through the list for each record."""

_FEW_BODIES = 100
_SHOWN = ("sources", "language", "published_at", "word_count", "record_count")


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        articles: `score`, `article_id`, `headline`, `snippet`, `sources`, `language`, `published_at`, `word_count`,
            `record_count`; the best first.
        pieces: Each snippet in pieces, every second of which, from the second on, is words that were looked for: the
            marks in `snippet` may stand in a text as well.
        is_current: Whether the index has the newest commit.
    """

    articles: pl.DataFrame
    pieces: tuple[tuple[str, ...], ...]
    is_current: bool


def search(
    home: Path | str,
    words: str,
    *,
    sources: Sequence[str] | str = (),
    since: date | str | None = None,
    language: str | None = None,
    limit: int = LIMIT,
) -> Found:
    """Find the articles of a home folder that hold words, ranked by BM25 over headline, dek and body.

    `words` may hold "phrases", -words to leave out, fields (headline:word), AND, OR, NOT and brackets. `since` is a day
    (UTC) on or after which the article was published; where that is unknown, on which it came in. `language` is a code
    (ISO 639-1). Words that were looked for stand between ** in a snippet.

    Raises:
        SearchError: if there is no word to look for, `since` is no day, a source is unknown, no article is in the
            language, or `limit` is below 1.
        NotPublishedError: if nothing has been published, or there is no index.
    """
    if limit < 1:
        raise SearchError(f"{limit:,} articles cannot be shown; ask for 1 at least.")
    of_home = Home(Path(home))
    named = [sources] if isinstance(sources, str) else list(sources)
    language = language and language.lower()
    wanted = {"sources": named, "language": language, "since": since and _as_day(since).isoformat()}
    with open_reader(of_home) as reader:
        _check_sources(named, reader, of_home)
        asked = open_search(of_home, words)
        count = limit
        while True:
            best = asked.best(count)
            scores = pl.DataFrame(best, schema={"article_id": pl.String(), "score": pl.Float64()}, orient="row")
            rows = reader.read(_FOUND, wanted | {"ids": scores["article_id"].to_list()})
            if rows.height >= limit or len(best) < count:
                break
            count *= _MORE
        if rows.is_empty() and language is not None:
            _check_language(language, reader)
        found = scores.join(rows, on="article_id").sort("score", "article_id", descending=[True, False]).head(limit)
        of_found = _BODIES.format(these=_FEW if found.height <= _FEW_BODIES else _MANY)
        bodies = dict(reader.read(of_found, {"ids": found["canonical_record_id"].to_list()}).iter_rows())
    pieces = tuple(asked.pieces(bodies[record_id]) for record_id in found["canonical_record_id"])
    shown = found.with_columns(pl.Series("snippet", map(MARK.join, pieces), dtype=pl.String))
    return Found(shown.select("score", "article_id", "headline", "snippet", *_SHOWN), pieces, asked.is_current)


def _as_day(since: date | str) -> date:
    try:
        return since if isinstance(since, date) else date.fromisoformat(since)
    except ValueError as error:
        raise SearchError(f"{since!r} is no day; write it as 2026-03-31.") from error


def _check_sources(named: Sequence[str], reader: Reader, home: Home) -> None:
    """Raise where a source has delivered nothing and is not in the settings, which need not be free of mistakes."""
    delivering = set(reader.read(_SOURCES)["source"]) if named else set()
    if set(named) <= delivering:
        return
    known = delivering | _declared(home).keys()
    for source in named:
        if source not in known:
            raise SearchError(f"There is no source {source!r}; known are {', '.join(sorted(known)) or 'none'}.")


def _declared(home: Home) -> Mapping[str, object]:
    try:
        return load_settings(home=home.root).sources
    except SettingsError:
        return {}


def _check_language(language: str, reader: Reader) -> None:
    known = reader.read(_LANGUAGES)["language"].to_list()
    if language not in known:
        raise SearchError(f"No article is in the language {language!r}; there are {', '.join(known) or 'none'}.")
