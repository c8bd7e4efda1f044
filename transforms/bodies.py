"""The body of a record: from the text that a parser found to clean text, and the spans that lead back.

Decides the order of the steps: markup, references, wrong decodings and control characters, NFC, white space,
paragraphs, structure. The offsets of spans count in the text after the first two steps, which is the record's text
"after decoding and unescaping, before repair".

A span of a repair that stands in a removed piece is left out, so that spans never overlap but for labels.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import polars as pl

from transforms.blocks import split_blocks
from transforms.boilerplate import TextRules, find_boilerplate
from transforms.markup import html_to_text, is_html, unescape_references
from transforms.paragraphs import normalize_whitespace, split_paragraphs
from transforms.source_lines import RULE, find_accepted_lines
from transforms.spans import Edit, common_start, locate_pieces
from transforms.structure import LEADING_BLOCKS, find_repeats, find_structure
from transforms.text_repair import (
    CONTROL_CHARACTER,
    MOJIBAKE,
    UNTYPED,
    Repaired,
    change_where,
    repair_texts,
    rows_mask,
)

BODY_SPANS = pl.Schema(
    {
        "row": pl.UInt32(),
        "kind": pl.String(),
        "action": pl.String(),
        "rule": pl.String(),
        "char_start": pl.Int64(),
        "char_end": pl.Int64(),
        "text": pl.String(),
        "replacement": pl.String(),
    }
)


CLEAN = "clean"
"""`body_format` of bodies that were cleaned once, and hold no more than the article: what looks like markup is text."""

OF_ARTICLE = ("headline", "dek", "byline", "author_bio")
"""Kinds of blocks that are no part of a body, but are of the article."""


@dataclass(frozen=True)
class CleanBodies:
    """Clean bodies.

    Attributes:
        records: Row for row: `body` (null where nothing is left), `headline` and `dek` as given or found, `headings`,
            `found_authors` and `authors_rule` (null where none are named), `found_published_at` and
            `found_modified_at` (as written, null where none are stated), `headline_rule` and `dek_rule` (null where
            given), `boilerplate_chars` (of removed blocks but for OF_ARTICLE), `repairs` (how many spans of repairs),
            `is_only_wall` (nothing but prompts for consent or a subscription), `is_mojibake_repaired`,
            `had_control_characters` (that nobody types), and `is_beyond_plain`, false only where the body holds no such
            characters.
        spans: Schema `BODY_SPANS`; `row` counts from 0.
        removed_lines: `row` and `line` of the blocks that were removed as accepted lines.
    """

    records: pl.DataFrame
    spans: pl.DataFrame
    removed_lines: pl.DataFrame


def clean_bodies(raw: pl.DataFrame, rules: TextRules, *, accepted_lines: Sequence[str] = ()) -> CleanBodies:
    """Clean bodies of a frame with `body`, `body_format`, and clean `headline` and `dek`.

    `accepted_lines` are those of the source; of bodies that are CLEAN nothing else is removed.
    """
    original = _read_markup(raw)
    repaired = repair_texts(original)
    text = split_paragraphs(normalize_whitespace(repaired.texts))
    texts = raw.select("headline", "dek", original=original, text=text).with_row_index("row")
    blocks = split_blocks(texts)
    furniture = find_boilerplate(blocks, rules)
    accepted = find_accepted_lines(blocks, boilerplate=accepted_lines).join(furniture.labels, on="id", how="anti")
    labels = _spare_titles(pl.concat([furniture.labels, accepted]), blocks, texts)
    pieces = _find_pieces(blocks, labels, texts)
    cleaned_before = (raw.get_column("body_format") == CLEAN).arg_true().cast(pl.UInt32)
    pieces = pieces.filter(
        (pl.col("action") != "remove") | (pl.col("rule") == RULE) | ~pl.col("row").is_in(cleaned_before.implode())
    )
    labelled = _span_pieces(pieces, texts, repaired.edits)
    repairs = _span_repairs(labelled, original, repaired.edits)
    records = texts.pipe(_apply_pieces, blocks, pieces).with_columns(
        is_mojibake_repaired=rows_mask(repaired.rows_with(MOJIBAKE), raw.height),
        had_control_characters=_hold_untyped(original, repaired),
        is_beyond_plain=repaired.is_beyond_plain,
    )
    counts = repairs.group_by("row").agg(repairs=pl.len().cast(pl.Int64))
    for found in (furniture.authors, furniture.dates):
        records = records.join(found, on="row", how="left", maintain_order="left")
    records = records.join(counts, on="row", how="left", maintain_order="left").with_columns(
        pl.col("repairs").fill_null(0)
    )
    removed_lines = pieces.filter(pl.col("rule") == RULE).select("row", line="block")
    shown = records.drop("row", "original", "text")
    spans = pl.concat([labelled, repairs])
    return CleanBodies(shown, spans.sort("row", "char_start", "char_end"), removed_lines)


def _hold_untyped(original: pl.Series, repaired: Repaired) -> pl.Series:
    """Tell which texts held control characters that nobody types."""
    controlled = rows_mask(repaired.rows_with(CONTROL_CHARACTER), len(original))
    found = original.filter(controlled).str.contains(UNTYPED)
    return rows_mask(controlled.arg_true().filter(found).to_list(), len(original))


def _spare_titles(labels: pl.DataFrame, blocks: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Leave out labels of lines near the top that say what headline or dek says, even if they read like furniture."""
    top = blocks.join(labels.select("id"), on="id").filter(pl.col("block_no") < LEADING_BLOCKS)
    return labels.join(find_repeats(top, texts), on="id", how="anti")


def _find_pieces(blocks: pl.DataFrame, labels: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Put together what is furniture and what the rest is; labelled blocks, with their offsets, in reading order."""
    is_byline = labels.filter(pl.col("kind") == "byline").select("id", is_byline=pl.lit(value=True))
    marked = blocks.join(is_byline, on="id", how="left", maintain_order="left").with_columns(
        is_above_byline=pl.col("is_byline").shift(-1).fill_null(value=False)
        & (pl.col("row") == pl.col("row").shift(-1)).fill_null(value=False)
    )
    kept = marked.join(labels, on="id", how="anti", maintain_order="left")
    removed = blocks.select("id", "row", "block_no").join(labels, on="id").with_columns(action=pl.lit("remove"))
    structure = find_structure(kept, texts)
    pieces = pl.concat([structure, removed.select(structure.columns)]).sort("row", "block_no")
    return pieces.join(
        blocks.select("row", "block_no", "block_start", "block_end", "block"),
        on=["row", "block_no"],
        maintain_order="left",
    )


def _read_markup(raw: pl.DataFrame) -> pl.Series:
    """Make plain text of fields that are HTML, and undo escaping in others; for pages and Markdown a parser did."""
    is_field = raw.get_column("body_format") == "text"
    body = raw.get_column("body")
    holding_tags = raw.with_row_index("row").filter(is_field & body.str.contains("<", literal=True))
    fragments = rows_mask(holding_tags.filter(is_html(pl.col("body"))).get_column("row").to_list(), raw.height)
    read = change_where(body, fragments, html_to_text)
    return change_where(read, is_field & ~fragments, unescape_references)


def _span_pieces(pieces: pl.DataFrame, texts: pl.DataFrame, edits: Mapping[int, Sequence[Edit]]) -> pl.DataFrame:
    """Find labelled blocks in the original text: at the same place where it is the same up to there, else by search."""
    originals = texts.join(pieces.select("row").unique(), on="row", how="semi").select(
        "row", "original", "text", stripped=pl.col("original").str.strip_chars_start()
    )
    originals = originals.with_columns(
        lead=pl.col("original").str.len_chars().cast(pl.Int64) - pl.col("stripped").str.len_chars(),
        is_unchanged=pl.col("stripped").str.starts_with(pl.col("text")),
    )
    altered = originals.filter(~pl.col("is_unchanged")).select("row", "stripped", "text")
    starts = [(row, common_start(stripped, text)) for row, stripped, text in altered.iter_rows()]
    same_chars = pl.DataFrame(starts, schema={"row": altered.schema["row"], "same_chars": pl.Int64()}, orient="row")
    placed = pieces.join(originals, on="row", maintain_order="left").join(
        same_chars, on="row", how="left", maintain_order="left"
    )
    is_same = pl.col("is_unchanged") | (pl.col("block_end") <= pl.col("same_chars"))
    same = placed.filter(is_same).with_columns(
        char_start=pl.col("lead") + pl.col("block_start"), char_end=pl.col("lead") + pl.col("block_end")
    )
    searched = placed.filter(~is_same).pipe(_search_pieces, edits)
    spans = pl.concat([same, searched]).with_columns(
        text=pl.col("original").str.slice(pl.col("char_start"), pl.col("char_end") - pl.col("char_start")),
        replacement=pl.lit(None, pl.String),
    )
    return spans.select(BODY_SPANS.names())


def _search_pieces(placed: pl.DataFrame, edits: Mapping[int, Sequence[Edit]]) -> pl.DataFrame:
    """Python per row that has both labelled blocks and a text that was changed before them."""
    offsets: list[tuple[int, int]] = []
    texts = placed.select("row", "original", "text").unique("row", maintain_order=True)
    pieces = placed.group_by("row", maintain_order=True).agg("block_start", "block_end")
    for (row, original, text), (_, starts, ends) in zip(texts.iter_rows(), pieces.iter_rows(), strict=True):
        of_row = list(zip(starts, ends, strict=True))
        offsets += locate_pieces(original, edits.get(row, ()), normalized=text, pieces=of_row)
    located = pl.DataFrame(offsets, schema={"char_start": pl.Int64(), "char_end": pl.Int64()}, orient="row")
    return pl.concat([placed, located], how="horizontal")


def _span_repairs(labelled: pl.DataFrame, original: pl.Series, edits: Mapping[int, Sequence[Edit]]) -> pl.DataFrame:
    """Make spans of the repairs that stand in no removed piece. Python per repair; few rows have any."""
    removed = labelled.filter(pl.col("action") == "remove", pl.col("row").is_in(list(edits)))
    ranges: dict[int, list[tuple[int, int]]] = {}
    for row, start, end in removed.select("row", "char_start", "char_end").sort("row", "char_start").iter_rows():
        ranges.setdefault(row, []).append((start, end))
    texts = ((row, original[row], row_edits) for row, row_edits in edits.items())
    spans = [
        _repair_span(row, text, edit)
        for row, text, row_edits in texts
        for edit in row_edits
        if not _stands_in(edit, ranges.get(row, ()))
    ]
    return pl.DataFrame(spans, schema=BODY_SPANS, orient="row")


def _stands_in(edit: Edit, ranges: Sequence[tuple[int, int]]) -> bool:
    """Tell whether an edit stands in one of several ranges that follow each other."""
    number = bisect_right(ranges, edit.start, key=itemgetter(0)) - 1
    return number >= 0 and edit.end <= ranges[number][1]


def _repair_span(row: int, text: str, edit: Edit) -> tuple[object, ...]:
    action, replacement = ("replace", edit.replacement) if edit.replacement else ("remove", None)
    return (row, "repair", action, edit.rule, edit.start, edit.end, text[edit.start : edit.end], replacement)


def _apply_pieces(texts: pl.DataFrame, blocks: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is removed, take over headline and dek that were found, and list the headings."""
    removed = pieces.filter(pl.col("action") == "remove")
    rest = blocks.join(removed.select("row").unique(), on="row", how="semi").join(
        removed, on=["row", "block_no"], how="anti", maintain_order="left"
    )
    bodies = rest.group_by("row", maintain_order=True).agg(rest=pl.col("block").str.join("\n\n"))
    is_boilerplate = (pl.col("action") == "remove") & ~pl.col("kind").is_in(OF_ARTICLE)
    by_row = pieces.group_by("row").agg(
        has_removed=(pl.col("action") == "remove").any(),
        is_wall=pl.col("kind").is_in(["consent", "paywall"]).any(),
        found_headline=_found("headline", "block"),
        headline_rule=_found("headline", "rule"),
        found_dek=_found("dek", "block"),
        dek_rule=_found("dek", "rule"),
        headings=pl.col("block").filter(pl.col("kind") == "heading"),
        boilerplate_chars=pl.col("block").filter(is_boilerplate).str.len_chars().sum().cast(pl.Int64),
    )
    known = texts.join(by_row, on="row", how="left", maintain_order="left").join(
        bodies, on="row", how="left", maintain_order="left"
    )
    return known.with_columns(
        body=pl.when("has_removed").then("rest").otherwise("text").replace("", None),
        is_only_wall=(pl.col("is_wall") & pl.col("rest").is_null()).fill_null(value=False),
        headline=pl.coalesce("headline", "found_headline"),
        dek=pl.coalesce("dek", "found_dek"),
        headings=pl.col("headings").fill_null([]),
        boilerplate_chars=pl.col("boilerplate_chars").fill_null(0),
    ).drop("has_removed", "is_wall", "found_headline", "found_dek", "rest")


def _found(kind: str, column: str) -> pl.Expr:
    is_found = (pl.col("kind") == kind) & ~pl.col("rule").str.starts_with("repeated_")
    return pl.col(column).filter(is_found).first()
