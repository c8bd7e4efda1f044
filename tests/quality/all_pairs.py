"""Measure whether all near copies among real news are found, and whether what is stored of them is so.

Every two bodies, as they are stored, are compared exactly. What is similar by 0.1 more than the threshold has to be in
one article. What is in one article and is not that similar has to be explained: by being an excerpt or a revision, or
by a record that both were matched with.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from exact_shingles import Shingles, containment, jaccard, overlapping_pairs, shingle_sets, words
from figures import Figure, share
from labelled_texts import NEWS
from placed_records import merged_pairs, place, write_json_lines

ARTICLES = 5_000
THRESHOLD = 0.5
MARGIN = 0.1
FEW_WORDS = 30
RECALL = 0.99
TOLERANCE = 0.02
WITHIN_TOLERANCE = 0.99
ON_OTHER_GROUNDS = ("excerpt", "revision")

_COLUMNS = {
    "id": "doc_id",
    "headline": "description",
    "body": "text",
    "url": "url_metadata",
    "date": "time_ut",
}


@dataclass(frozen=True)
class AllPairsQuality:
    """What became of real news.

    Attributes:
        recall: Of similar pairs, those in one article.
        explained: Merged pairs that nothing explains.
        stored: How far the stored figures are from exact ones.
        unexplained: External ids, and exact similarity, of merged pairs that nothing explains.
        apart: The same, of similar pairs that are two articles.
    """

    recall: Sequence[Figure]
    explained: Figure
    stored: Sequence[Figure]
    unexplained: Sequence[tuple[str, str, float]]
    apart: Sequence[tuple[str, str, float]]


def measure_all_pairs(path: Path = NEWS, *, articles: int | None = ARTICLES) -> AllPairsQuality:
    """Ingest so many articles, or all of them with None, and compare each with each."""
    news = read_news(path, articles=articles)
    with tempfile.TemporaryDirectory() as folder:
        drop = write_json_lines(Path(folder) / "news" / "news.jsonl", news.iter_rows(named=True))
        placed = place(Path(folder) / "home", [drop])
    sets = shingle_sets(placed["body"])
    recall, apart = _recall(placed, sets)
    explained, unexplained = _explained(placed, sets)
    return AllPairsQuality(recall, explained, _stored_figures(placed, sets), unexplained, apart)


def read_news(path: Path = NEWS, *, articles: int | None = None) -> pl.DataFrame:
    """Read news as records, those that were published last: copies stand close together, and drawn lots part them."""
    news = pl.read_parquet(path).sort("time_ut", "doc_id").select(**_COLUMNS)
    return news if articles is None else news.tail(articles)


def _recall(placed: pl.DataFrame, sets: Sequence[Shingles]) -> tuple[list[Figure], list[tuple[str, str, float]]]:
    """Find similar pairs; texts of few words have a rule of their own, and are counted apart."""
    least = THRESHOLD + MARGIN
    similar = overlapping_pairs(sets, least=least).filter(pl.col("jaccard") >= least)
    article_ids, keys = placed["article_id"].to_list(), placed["key"].to_list()
    counts = [len(words(body)) for body in placed["body"]]
    is_found: dict[bool, list[bool]] = {True: [], False: []}
    apart = []
    for first, second, similarity in similar.select("first", "second", "jaccard").iter_rows():
        is_long = min(counts[first], counts[second]) >= FEW_WORDS
        is_found[is_long].append(article_ids[first] == article_ids[second])
        if article_ids[first] != article_ids[second]:
            apart.append((keys[first], keys[second], similarity))
    figures = [
        share(is_found[True], f"recall: similarity {least:g} to 1", at_least=RECALL),
        share(is_found[False], f"recall: the same, fewer than {FEW_WORDS} words"),
    ]
    return figures, apart


def _explained(placed: pl.DataFrame, sets: Sequence[Shingles]) -> tuple[Figure, list[tuple[str, str, float]]]:
    shingles = dict(zip(placed["record_id"], sets, strict=True))
    merged = list(merged_pairs(placed))
    unexplained = [
        (one["key"], other["key"], similarity)
        for one, other in merged
        if (similarity := jaccard(shingles[one["record_id"]], shingles[other["record_id"]])) < THRESHOLD
        and not is_explained(one, other)
    ]
    figure = Figure(f"merged below {THRESHOLD:g} and unexplained", len(merged), len(unexplained), at_most=0)
    return figure, unexplained


def is_explained(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records of one article may differ: on other grounds than similarity, or as each is like a third."""
    if one["relation"] in ON_OTHER_GROUNDS or other["relation"] in ON_OTHER_GROUNDS:
        return True
    is_of_one = one["matched_record_id"] is not None and one["matched_record_id"] == other["matched_record_id"]
    return is_of_one and min(one["jaccard"] or 0, other["jaccard"] or 0) >= THRESHOLD


def _stored_figures(placed: pl.DataFrame, sets: Sequence[Shingles]) -> list[Figure]:
    """Compare the stored figures with exact ones of the bodies; one that is missing counts as none at all."""
    shingles = dict(zip(placed["record_id"], sets, strict=True))
    matched = placed.filter(pl.col("matched_record_id").is_not_null()).rows(named=True)
    exact: Mapping[str, Callable[[Shingles, Shingles], float]] = {"jaccard": jaccard, "containment": containment}
    figures = []
    for name, measure in exact.items():
        off = [
            abs((row[name] or 0) - measure(shingles[row["record_id"]], shingles[row["matched_record_id"]]))
            for row in matched
        ]
        is_close = [difference <= TOLERANCE for difference in off]
        figures.append(share(is_close, f"stored {name} within {TOLERANCE:g}", at_least=WITHIN_TOLERANCE))
        figures.append(Figure(f"stored {name}, most off", len(off), max(off, default=0.0)))
    return figures
