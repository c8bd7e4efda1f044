"""Two records side by side: how alike they are, what that makes them, and which paragraphs differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import polars as pl

from transforms.duplicates import IDS
from transforms.relations import Thresholds, relate
from warehouse.database import quoted
from warehouse.errors import WarehouseError
from warehouse.home import Home
from warehouse.query import read_published

_RECORD = """
    SELECT r.record_id, r.source, r.headline, r.url, r.published_at, r.external_id, r.canonical_url, r.match_key,
        r.body, x.article_id, x.relation, x.matched_record_id, x.jaccard, x.containment, x.method, x.run_id
    FROM records AS r JOIN record_articles AS x USING (record_id) WHERE record_id = {record}
"""
_MEMBERS = """
    SELECT record_id, source, relation, jaccard, containment, method, headline
    FROM record_articles JOIN records USING (record_id) WHERE article_id = {article}
    ORDER BY relation <> 'canonical', jaccard DESC NULLS LAST, record_id
"""


class UnknownRecordError(WarehouseError):
    """There is no record of that id."""


@dataclass(frozen=True)
class Compared:
    """Two records, and what their texts have in common.

    Attributes:
        one: Columns of the first record and of its place among the articles.
        other: The same of the second.
        figures: `one_shingles`, `other_shingles`, `shared`, `jaccard`, `containment` (of the shorter) and `opening`.
        verdict: What the two texts are to each other, and by which figure.
    """

    one: dict[str, Any]
    other: dict[str, Any]
    figures: dict[str, Any]
    verdict: str


def read_record(home: Home, record_id: str) -> dict[str, Any]:
    """Read a record and its place.

    Raises:
        UnknownRecordError: if there is none.
    """
    found = read_published(home, _RECORD.format(record=quoted(record_id)))
    if found.is_empty():
        raise UnknownRecordError(
            f'There is no record {record_id!r}; copydesk sql "SELECT record_id, headline FROM records" lists them.'
        )
    return found.row(0, named=True)


def read_members(home: Home, article_id: str) -> pl.DataFrame:
    """Read the records of an article, the canonical one first."""
    return read_published(home, _MEMBERS.format(article=quoted(article_id)))


def compare_records(one: dict[str, Any], other: dict[str, Any], thresholds: Thresholds) -> Compared:
    """Compare two records by their bodies, as a run does."""
    from transforms.similarity import compare  # noqa: PLC0415 -- 0.3 s for the compiler

    pair = pl.DataFrame({"one": [0], "other": [1]}, schema={"one": pl.UInt32(), "other": pl.UInt32()})
    compared = compare(pl.Series([one["body"], other["body"]]), pair).with_columns(
        shares_id=pl.lit(_share_id(one, other))
    )
    figures = compared.row(0, named=True)
    return Compared(one, other, figures, _judge(one, other, compared, thresholds))


def _share_id(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["source"] == other["source"] and any(one[name] and one[name] == other[name] for name in IDS)


def _judge(one: dict[str, Any], other: dict[str, Any], compared: pl.DataFrame, limits: Thresholds) -> str:
    """Say what two texts are to each other; the names of settings stand in the text, so that they can be changed."""
    figures = compared.row(0, named=True)
    if one["match_key"] == other["match_key"]:
        return "exact copies: the bodies are equal but for case, quotes, dashes and white space"
    is_short = min(figures["one_shingles"], figures["other_shingles"]) < limits.short_words
    name, least = ("short_jaccard", limits.short_jaccard) if is_short else ("near_jaccard", limits.near_jaccard)
    said = f"Jaccard similarity {figures['jaccard']:.3f}, {name} {least:g}"
    related = relate(compared, limits)
    if related.is_empty():
        return f"not related: {said}; containment {figures['containment']:.3f}, opening {figures['opening']:.3f}"
    found = related.row(0, named=True)
    if found["shares_id"] and figures["containment"] >= limits.revision_containment:
        return (
            f"revisions: one source, and one id or address; containment {figures['containment']:.3f}, "
            f"revision_containment {limits.revision_containment:g}"
        )
    if found["is_excerpt"]:
        return (
            f"the shorter is an excerpt: containment {figures['containment']:.3f}, excerpt_containment "
            f"{limits.excerpt_containment:g}; opening {figures['opening']:.3f}, excerpt_opening "
            f"{limits.excerpt_opening:g}"
        )
    return f"near copies: {said}"


def align_paragraphs(one: str, other: str) -> Iterator[tuple[str, str, str]]:
    """Yield paragraphs side by side: `=` where both have it, `~` where it differs, `<` or `>` where one has it."""
    left, right = one.split("\n\n"), other.split("\n\n")
    folded = [[" ".join(paragraph.lower().split()) for paragraph in side] for side in (left, right)]
    matcher = SequenceMatcher(None, folded[0], folded[1], autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        yield from _rows("=" if tag == "equal" else "~", left[i:i_end], right[j:j_end])


def _rows(mark: str, left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for place in range(max(len(left), len(right))):
        mine = left[place] if place < len(left) else ""
        theirs = right[place] if place < len(right) else ""
        yield (mark if mine and theirs else "<" if mine else ">"), mine, theirs
