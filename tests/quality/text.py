"""Measure what cleaning makes of plain text: furniture found, prose kept, headlines, deks, authors and headings right.

    python tests/quality/text.py       with real news where ../shared/data is there, else with the project's own texts

The pieces of furniture, the paragraphs that only speak of such things, and the whole articles in `data/` were written
for this project, apart from the phrases in `seeds/boilerplate.csv`. A piece counts line by line. `held out` are pieces
that no phrase was written after.
"""

import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from seeds.tables import boilerplate
from transforms.boilerplate import TextRules, text_rules
from transforms.cleaning import Cleaned, CleaningSettings, clean_records
from transforms.headlines import MISMATCH_SCORE, judge_headlines
from transforms.raw_schema import RAW_RECORDS

DATA = Path(__file__).parent / "data"
NEWS = Path(__file__).parents[3] / "shared" / "data" / "news" / "lk_news_20k.parquet"
KEPT = frozenset({"paragraph", "heading"})
LEAST_BODY_CHARS = 150
PAIRS = 2_000
SEED = 20261121

Rows = Sequence[Mapping[str, Any]]


@cache
def rules() -> TextRules:
    """The rules that a run uses."""
    return text_rules(boilerplate())


def read_rows(name: str) -> Rows:
    """Read a file of `data/`."""
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


def clean(records: Sequence[Mapping[str, str | None]]) -> Cleaned:
    """Clean records of a body, and perhaps a headline."""
    identity = {"drop_sha256": "0", "source": "quality", "body_format": "text"}
    rows = [
        dict.fromkeys(RAW_RECORDS) | identity | {"record_no": number, "record_id": f"r{number}"} | record
        for number, record in enumerate(records)
    ]
    texts = dict.fromkeys(("record_id", "drop_sha256", "source", "body_format"), pl.String())
    raw = pl.DataFrame(rows, schema={**RAW_RECORDS, **texts})
    return clean_records(raw, settings=CleaningSettings(), rules=rules(), now=datetime(2026, 1, 1, tzinfo=UTC))


def spaced(text: str | None) -> str:
    """A text with single spaces."""
    return " ".join((text or "").split())


def lines_of(text: str | None) -> set[str]:
    """The lines of a text."""
    return {spaced(line) for line in (text or "").splitlines()} - {""}


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
    """Count the lines of injected furniture, those found, and the paragraphs lost beside them, by kind and language."""
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    texts, pieces = texts_by_language(), read_rows("furniture")
    chosen = [rng.choice(texts[piece["language"]]) for piece in pieces]
    records = [{"body": with_piece(text, piece, rng=rng)} for text, piece in zip(chosen, pieces, strict=True)]
    cleaned = clean(records).records.select("body", "headline", "dek").rows()
    rows = []
    for piece, text, (body, headline, dek) in zip(pieces, chosen, cleaned, strict=True):
        injected, left = lines_of(piece["text"]), lines_of(body)
        lost = {spaced(paragraph) for paragraph in text} - left - {spaced(headline), spaced(dek)}
        rows.append(
            (piece["language"], piece["kind"], piece["is_held_out"], len(injected), len(injected - left), len(lost))
        )
    columns = ("language", "kind", "is_held_out", "lines", "found", "paragraphs_lost")
    return pl.DataFrame(rows, schema=columns, orient="row")


def measure_articles() -> Counter[str]:
    """Count what is right and wrong in whole articles, of which every block is labelled by hand."""
    articles = read_rows("articles")
    records = [{"body": one["separator"].join(block["text"] for block in one["blocks"])} for one in articles]
    outcomes: Counter[str] = Counter()
    for article, found in zip(articles, clean(records).records.iter_rows(named=True), strict=True):
        outcomes.update(_outcomes(article, found))
    return outcomes


def _outcomes(article: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name in ("headline", "dek"):
        yield f"{name} {'right' if spaced(found[name]) == spaced(article[name]) else 'wrong'}"
    for name in ("authors", "headings"):
        same = [spaced(one).casefold() for one in found[name]] == [spaced(one).casefold() for one in article[name]]
        yield f"{name} {'right' if same else 'wrong'}"
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
    is_prose = (pl.col("text").str.len_chars() >= 80) & pl.col("text").str.contains(r"[.!?][\"”’)]*$")
    blocks = (
        news.select(text=pl.col("text").str.split("\n\n")).explode("text").select(text=pl.col("text").str.strip_chars())
    )
    removed = spans.filter(is_prose, pl.col("action") == "remove")
    of_people = removed.filter(pl.col("kind").is_in(["author_bio", "byline", "headline"]))
    return Counter(
        {
            "paragraphs": blocks.filter(is_prose).height,
            "biographies": of_people.height,
            "deks": removed.filter(pl.col("kind") == "dek").height,
            "others removed": removed.height - of_people.height - removed.filter(pl.col("kind") == "dek").height,
        }
    )


def measure_headlines(path: Path = NEWS) -> dict[str, float]:
    """Share of real headlines that are flagged, and of those swapped within outlet and week."""
    rng = random.Random(SEED)  # noqa: S311 -- chooses texts
    week = (pl.col("time_ut") // (7 * 86_400)).cast(pl.Int64)
    body = pl.col("text").str.splitn("\n\n", 2).struct[1]
    news = pl.read_parquet(path).select("newspaper_id", week.alias("week"), "description", body.alias("body"))
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


def _flagged(rows: Sequence[tuple[str, None, str]]) -> float:
    schema = dict.fromkeys(("headline", "dek", "body"), pl.String())
    records = pl.DataFrame(rows, schema=schema, orient="row")
    judged = judge_headlines(records, ignored=rules().function_words, common=rules().common_words)
    share: float = (judged["mismatch_score"] <= MISMATCH_SCORE).fill_null(value=False).mean()
    return share


def main() -> int:
    """Print all measures, a table for each."""
    furniture = measure_furniture()
    shares = {"lines": pl.col("lines").sum(), "recall": (pl.col("found").sum() / pl.col("lines").sum()).round(3)}
    with pl.Config(tbl_rows=40, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        for keys in (["kind"], ["language"], ["is_held_out"]):
            print(furniture.group_by(keys).agg(**shares).sort(keys))  # noqa: T201 -- the result
    print("paragraphs lost beside furniture:", furniture["paragraphs_lost"].sum())  # noqa: T201 -- the result
    print("articles:", dict(sorted(measure_articles().items())))  # noqa: T201 -- the result
    print("paragraphs about such things:", dict(measure_prose()))  # noqa: T201 -- the result
    if not NEWS.exists():
        print(f"skipped: {NEWS} is not there")  # noqa: T201 -- the result
        return 0
    print("news:", dict(measure_news()))  # noqa: T201 -- the result
    print("headlines:", measure_headlines())  # noqa: T201 -- the result
    return 0


if __name__ == "__main__":
    sys.exit(main())
