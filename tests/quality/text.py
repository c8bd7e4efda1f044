"""Measure what cleaning makes of plain text: furniture found, prose kept, headlines, deks, authors and headings right.

    python tests/quality/text.py       with real news where ../shared/data is there, else with the project's own texts

The pieces of furniture, the paragraphs that only speak of such things, and the whole articles in `data/` were written
for this project, apart from the phrases in `seeds/boilerplate.csv`; so were the sample drops, whose labels stand there.
`is_held_out` are pieces that no phrase was written after. `furniture.py` and `samples.py` measure parts of it.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
from furniture import NewsFurniture, measure_furniture, measure_news_furniture, texts_by_language, with_piece
from labelled_texts import (
    KEPT,
    NEWS,
    OF_PEOPLE,
    SEED,
    clean,
    lines_of,
    prose_of,
    read_rows,
    removed_prose,
    right_fields,
    rules,
    spaced,
)
from samples import measure_samples

from transforms.headlines import MISMATCH_SCORE, judge_headlines

LEAST_BODY_CHARS = 150
PAIRS = 10_000


def measure_articles() -> Counter[str]:
    """Count what is right and wrong in whole articles, of which every block is labelled by hand."""
    articles = read_rows("articles")
    records = [{"body": one["separator"].join(block["text"] for block in one["blocks"])} for one in articles]
    outcomes: Counter[str] = Counter()
    for article, found in zip(articles, clean(records).records.iter_rows(named=True), strict=True):
        outcomes.update(_outcomes(article, found))
    return outcomes


def _outcomes(article: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, is_right in right_fields(article, found).items():
        yield f"{name} {'right' if is_right else 'wrong'}"
    left = lines_of(found["body"])
    for block in article["blocks"]:
        for line in lines_of(block["text"]):
            is_kept = line in left
            kind = "prose" if block["kind"] in KEPT else "furniture"
            yield f"{kind} {'kept' if is_kept else 'removed'}"


def measure_prose() -> Counter[str]:
    """Count paragraphs that speak of subscriptions, cookies or comments, kept and removed, in the middle of a text."""
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    texts, paragraphs = texts_by_language(), read_rows("prose")
    records = [
        {
            "headline": "A headline",
            "body": with_piece(rng.choice(texts[one["language"]]), {**one, "place": "middle"}, rng=rng),
        }
        for one in paragraphs
    ]
    bodies = clean(records).records["body"]
    return Counter(
        "kept" if spaced(one["text"]) in spaced(body) else "removed"
        for one, body in zip(paragraphs, bodies, strict=True)
    )


def measure_news(path: Path = NEWS) -> Counter[str]:
    """Count the paragraphs of real news, and those removed that are no biography, byline, headline or dek."""
    news = pl.read_parquet(path, columns=["description", "text"])
    spans = clean(news.select(headline="description", body="text").to_dicts()).spans
    removed = Counter(removed_prose(spans)["kind"])
    counts = Counter(
        {
            "paragraphs": prose_of(news["text"]).height,
            "biographies": sum(removed[kind] for kind in OF_PEOPLE),
            "deks": removed["dek"],
        }
    )
    counts["others removed"] = removed.total() - counts["biographies"] - counts["deks"]
    return counts


def measure_headlines(path: Path = NEWS) -> dict[str, float]:
    """Share of real headlines that are flagged, and of those swapped within outlet and week.

    Only of the half of the articles, by the digest of their address, that shares and weights were not learned from.
    """
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    week = (pl.col("time_ut") // (7 * 86_400)).cast(pl.Int64)
    body = pl.col("text").str.splitn("\n\n", 2).struct[1]
    everything = pl.read_parquet(path)
    is_held_out = [sha256(url.encode()).digest()[-1] % 2 == 1 for url in everything["url_metadata"]]
    news = everything.filter(pl.Series(is_held_out)).select(
        "newspaper_id", week.alias("week"), "description", body.alias("body")
    )
    rows = news.filter(pl.col("body").str.len_chars() > LEAST_BODY_CHARS).rows(named=True)
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[row["newspaper_id"], row["week"]].append(number)
    pairs = []
    for number in rng.sample(range(len(rows)), len(rows)):
        row = rows[number]
        others = [
            other
            for other in groups[row["newspaper_id"], row["week"]]
            if rows[other]["description"] != row["description"]
        ]
        if others and len(pairs) < PAIRS:
            pairs.append((row["description"], rows[rng.choice(others)]["description"], row["body"]))
    own, swapped = ([(pair[place], None, pair[2]) for pair in pairs] for place in (0, 1))
    return {"own flagged": _flagged(own), "swapped flagged": _flagged(swapped)}


def measure_headlines_of_articles() -> dict[str, float]:
    """Share of headlines flagged above the whole articles of `data/`, and above another one of the same language."""
    articles = [one for one in read_rows("articles") if one["headline"]]
    bodies = {
        one["headline"]: "\n\n".join(block["text"] for block in one["blocks"] if block["kind"] in KEPT)
        for one in articles
    }
    pairs = [(one, other) for one in articles for other in articles if one["language"] == other["language"]]
    rows = [(one["headline"], one["dek"], bodies[other["headline"]], one is other) for one, other in pairs]
    return {
        name: _flagged([row[:3] for row in rows if row[3] == is_own])
        for name, is_own in (("own flagged", True), ("swapped flagged", False))
    }


def _flagged(rows: Sequence[tuple[str, str | None, str]]) -> float:
    schema = dict.fromkeys(("headline", "dek", "body"), pl.String())
    records = pl.DataFrame(rows, schema=schema, orient="row")
    judged = judge_headlines(records, ignored=rules().function_words, shares=rules().word_shares)
    share: float = (judged["mismatch_score"] <= MISMATCH_SCORE).fill_null(value=False).mean()
    return share


def main() -> int:
    """Print all measures, a table for each."""
    news = measure_news_furniture() if NEWS.exists() else None
    samples = measure_samples()
    with pl.Config(tbl_rows=40, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        _print_furniture(measure_furniture(), news)
        print("samples:", samples.counts(), samples.field_counts(), *samples.disputes(), sep="\n")  # noqa: T201 -- the result
    print("articles:", dict(sorted(measure_articles().items())))  # noqa: T201 -- the result
    print("headlines of articles:", measure_headlines_of_articles())  # noqa: T201 -- the result
    print("paragraphs about such things:", dict(measure_prose()))  # noqa: T201 -- the result
    if news is None:
        print(f"skipped: {NEWS} is not there")  # noqa: T201 -- the result
        return 0
    print("news:", dict(measure_news()))  # noqa: T201 -- the result
    print("headlines:", measure_headlines())  # noqa: T201 -- the result
    return 0


def _print_furniture(written: pl.DataFrame, news: NewsFurniture | None) -> None:
    """Print lines and recall, in written articles and in news, by whatever a piece may be grouped by."""
    for key in ("kind", "language", "is_held_out"):
        table = _recall(written, key)
        if news is not None:
            table = table.join(_recall(news.pieces, key), on=key, how="full", suffix="_in_news", coalesce=True)
        print(table.sort(key))  # noqa: T201 -- the result
    print("paragraphs lost beside furniture:", written["paragraphs_lost"].sum())  # noqa: T201 -- the result
    if news is not None:
        rate = f"{2_000 * len(news.lost) / news.paragraphs:.1f} of 2,000"
        print(f"paragraphs of news lost beside furniture, {rate}:", *news.lost, sep="\n  ")  # noqa: T201 -- the result
        print("paragraphs of news removed where there is none:", *news.removed, sep="\n  ")  # noqa: T201 -- the result


def _recall(pieces: pl.DataFrame, key: str) -> pl.DataFrame:
    recall = (pl.col("found").sum() / pl.col("lines").sum()).round(3)
    return pieces.group_by(key).agg(pl.col("lines").sum(), recall=recall)


if __name__ == "__main__":
    sys.exit(main())
