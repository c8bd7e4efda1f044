"""Texts that people labelled, what cleaning makes of them, and when it is right."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from seeds.tables import boilerplate, word_shares
from transforms.boilerplate import TextRules, text_rules
from transforms.cleaning import Cleaned, CleaningSettings, clean_records
from transforms.raw_schema import RAW_RECORDS

DATA = Path(__file__).parent / "data"
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
NEWS = SHARED_DATA / "news" / "lk_news_20k.parquet"
SEED = 20261121

KEPT = frozenset({"paragraph", "heading"})
"""Kinds of blocks that stay in a body."""

OF_PEOPLE = frozenset({"author_bio", "byline", "headline"})
"""Kinds that are prose at times, and go all the same; so does a dek."""

Rows = Sequence[Mapping[str, Any]]


@cache
def rules() -> TextRules:
    """The rules that a run uses."""
    return text_rules(boilerplate(), word_shares())


def read_rows(name: str) -> Rows:
    """Read a file of `data/`."""
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


def clean(records: Sequence[Mapping[str, Any]]) -> Cleaned:
    """Clean records of a body, and perhaps of what else a parser found; their ids are `r0`, `r1` and so on."""
    identity = {"drop_sha256": "0", "source": "quality", "body_format": "text"}
    rows = [
        {**dict.fromkeys(RAW_RECORDS), **identity, **record, "record_no": number, "record_id": f"r{number}"}
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


def is_prose() -> pl.Expr:
    """Whether `text` is long, and ends a sentence."""
    return (pl.col("text").str.len_chars() >= 80) & pl.col("text").str.contains(r"[.!?][\"”’)]*$")


def prose_of(bodies: pl.Series) -> pl.DataFrame:
    """Paragraphs of prose: `article`, which is the number of its body, and `text`."""
    lines = pl.DataFrame({"article": range(len(bodies)), "text": bodies.str.split("\n")}).explode("text")
    return lines.with_columns(pl.col("text").str.strip_chars()).filter(is_prose())


def removed_prose(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans of prose that was removed, of whatever kind."""
    return spans.filter(is_prose(), pl.col("action") == "remove")


def right_fields(labelled: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each field is as labelled: headline and dek to the letter, authors and headings regardless of case."""
    texts = {name: spaced(found[name]) == spaced(labelled[name]) for name in ("headline", "dek")}
    return texts | {name: _folded(found[name]) == _folded(labelled[name]) for name in ("authors", "headings")}


def _folded(names: Sequence[str]) -> list[str]:
    return [spaced(name).casefold() for name in names]
