"""What the blocks of an article are: headline and dek, those that say them again, and section headings.

Decides by shape and place, once furniture is out of the way: a headline stands first, is short, and has paragraphs
below it; a dek is one or two sentences far shorter than the paragraphs, or stands above the byline; a heading stands
between the end of a sentence, or a list, and a paragraph. What is in doubt is text: a headline that is missing stays
null.

A removed block stands at the top of its body, and so do all before it. Headings are labelled and stay.
"""

import polars as pl

from transforms.blocks import CLOSING
from transforms.markup import TAG
from transforms.paragraphs import LIST_ITEM

MOST_HEADLINE_CHARS = 200
MOST_HEADLINE_WORDS = 20
MOST_HEADING_CHARS = 80
MOST_HEADING_WORDS = 12
LEAST_PARAGRAPH_CHARS = 60  # below this a block is as likely a line of a list as a paragraph
LONGER_BLOCKS_BELOW_HEADLINE = 2
LEADING_BLOCKS = 8  # how far down headline and dek are looked for; pages repeat them two or three times

LEAST_DEK_CHARS, MOST_DEK_CHARS = 40, 300
MOST_DEK_SENTENCES = 2
PARAGRAPHS_TO_DEK = 3.5
"""How often a dek goes into the median paragraph. News agencies write paragraphs of one sentence, of which the first is
no dek: at 2.5, the first paragraphs of 104 in 20,000 news articles pass for one, at 3 those of 50."""
SHORT_QUANTILE = 0.1
"""A dek is shorter than nine in ten paragraphs."""
LEAST_OPENING_CHARS = 60
LEAST_UNPUNCTUATED_DEK_WORDS = 10  # shorter lines without a full stop are headings

_STARTS_LIKE_TITLE = r"^[\"'“‘«„¿¡(]?[\p{Lu}\p{Lt}\p{Lo}\p{N}]"
_IS_CAPITALS = r"^[^\p{Ll}]*\p{Lu}[^\p{Ll}]*\p{Lu}[^\p{Ll}]*\p{Lu}[^\p{Ll}]*$"
_IS_QUOTATION = r"^[\"“«„‘'].*[^?؟？][\"”»“’']$"
_HOLDS_SPEECH = '["“”„«»‘]|[?؟？]'
_IS_ADDRESS = r"(?i)\.(?:jpe?g|png|gif|webp|svg|pdf|mp[34])$|^https?://|^\W*$"
_NOT_IN_KEY = r"[^\p{Alphabetic}\p{N}]+"
_SENTENCE_END = rf"[.!?…。！？।؟](?:[\"”’»)]*\s|{CLOSING})"

_LABELLED = ("row", "block_no", "kind", "action", "rule")

PIECES = pl.Schema(
    {"row": pl.UInt32(), "block_no": pl.Int64(), "kind": pl.String(), "action": pl.String(), "rule": pl.String()}
)
"""What a block is, and whether it is removed or labelled."""


def find_structure(blocks: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """Label `blocks` of schema `BLOCKS`, and `is_above_byline`, of `bodies` (`row`, `headline`, `dek`).

    Furniture is not among the blocks. Gives a frame of schema `PIECES`, in order.
    """
    known = bodies.select("row", has_headline=pl.col("headline").is_not_null(), has_dek=pl.col("dek").is_not_null())
    lines = blocks.join(known, on="row", maintain_order="left").with_columns(**_surroundings(), **_capitals())
    headlines = lines.filter(pl.col("line_no") == 0).pipe(_find_titles).filter(_is_headline())
    headlines = headlines.with_columns(kind=pl.lit("headline"), rule=pl.lit("first_line"))
    repeats = _find_repeats(lines, headlines, bodies)
    top = pl.concat([headlines.select(_CANDIDATE), repeats]).pipe(_keep_unbroken_run)
    below = lines.join(top, on=["row", "block_no"], how="anti", maintain_order="left")
    deks = below.pipe(_find_deks, top)
    text = below.join(deks, on=["row", "block_no"], how="anti", maintain_order="left")
    headings = text.with_columns(**_surroundings()).pipe(_find_titles).pipe(_label_headings)
    return pl.concat([top, deks, headings]).sort("row", "block_no").cast(PIECES)


def comparison_key(text: pl.Expr) -> pl.Expr:
    """Reduce a text to what counts when two are compared: letters and digits, regardless of case and form."""
    return text.str.normalize("NFKC").str.to_lowercase().str.replace_all(_NOT_IN_KEY, "")


def _surroundings() -> dict[str, pl.Expr]:
    """What stands around a block."""
    has_next = (pl.col("row") == pl.col("row").shift(-1)).fill_null(value=False)
    has_previous = (pl.col("row") == pl.col("row").shift()).fill_null(value=False)
    is_list_item = pl.col("block").str.contains(LIST_ITEM)
    return {
        "line_no": pl.int_range(pl.len()).over("row"),
        "is_first": ~has_previous,
        "follows_text": has_previous & (pl.col("ends_sentence") | is_list_item).shift(fill_value=False),
        "next_chars": pl.when(has_next).then(pl.col("chars").shift(-1)).otherwise(0),
        "next_ends_sentence": has_next & pl.col("ends_sentence").shift(-1, fill_value=False),
        "longer_blocks": (pl.col("chars") > pl.col("chars").first()).sum().over("row"),
    }


def _capitals() -> dict[str, pl.Expr]:
    """Whether a line is in capitals, as other short lines of its body are."""
    short = pl.when(pl.col("chars") <= MOST_HEADING_CHARS).then("block")
    is_capitals = short.str.contains(_IS_CAPITALS).fill_null(value=False)
    return {"is_capitals": is_capitals, "is_one_of_capitals": is_capitals & (is_capitals.sum().over("row") > 1)}


def _find_titles(lines: pl.DataFrame) -> pl.DataFrame:
    """Short lines that do not end as a statement does."""
    short_lines = lines.filter(pl.col("chars").is_between(1, MOST_HEADLINE_CHARS) & ~pl.col("ends_statement"))
    block = pl.col("block")
    return short_lines.filter(
        block.str.contains(_STARTS_LIKE_TITLE) & ~block.str.contains(_IS_ADDRESS) & ~block.str.contains(TAG)
    )


def _words() -> pl.Expr:
    return pl.col("block").str.count_matches(" ", literal=True) + 1


def _is_headline() -> pl.Expr:
    """The first line of a body whose record has neither headline nor dek; among titles, see `_find_titles`.

    A line in capitals is a section heading where the body has more of them.
    """
    return (
        ~pl.col("has_headline")
        & ~pl.col("has_dek")
        & (_words() <= MOST_HEADLINE_WORDS)
        & (pl.col("longer_blocks") >= LONGER_BLOCKS_BELOW_HEADLINE)
        & ~pl.col("is_one_of_capitals")
    )


_CANDIDATE = ("row", "block_no", "line_no", "kind", "rule")


def _find_repeats(lines: pl.DataFrame, headlines: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """Find blocks near the top that say again what the headline, given or found, or the dek says."""
    said = bodies.join(headlines.select("row", found="block"), on="row", how="left").select(
        "row", headline=pl.coalesce("headline", "found"), dek="dek"
    )
    top = lines.filter(pl.col("line_no") < LEADING_BLOCKS).join(headlines, on=["row", "block_no"], how="anti")
    repeats = find_repeats(top, said).with_columns(rule=pl.lit("repeated_") + pl.col("kind"))
    return repeats.select(_CANDIDATE)


def find_repeats(blocks: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Keep those of `blocks` that say what `said` (`row`, `headline`, `dek`) says, and tell which as `kind`."""
    titles = said.select("row", "headline", "dek")
    near = blocks.join(titles, on="row", maintain_order="left").filter(_is_like_in_length("headline", "dek"))
    keys = near.with_columns(comparison_key(pl.col("block", "headline", "dek")).name.suffix("_key"))
    kind = (
        pl.when(pl.col("block_key") == "")
        .then(None)
        .when(pl.col("block_key") == pl.col("headline_key"))
        .then(pl.lit("headline"))
        .when(pl.col("block_key") == pl.col("dek_key"))
        .then(pl.lit("dek"))
    )
    return keys.with_columns(kind=kind).filter(pl.col("kind").is_not_null())


def _is_like_in_length(*names: str) -> pl.Expr:
    """Spare the comparison where one text is more than twice as long as the other: punctuation is never that much."""
    return pl.any_horizontal(
        (pl.col("chars") <= 2 * pl.col(name).str.len_chars()) & (pl.col(name).str.len_chars() <= 2 * pl.col("chars"))
        for name in names
    )


def _keep_unbroken_run(candidates: pl.DataFrame) -> pl.DataFrame:
    """Keep those from the first line on, up to the first line that is no candidate."""
    ordered = candidates.sort("row", "line_no")
    is_in_run = pl.col("line_no") == pl.int_range(pl.len()).over("row")
    return ordered.filter(is_in_run).with_columns(action=pl.lit("remove")).select(_LABELLED)


def _find_deks(below: pl.DataFrame, top: pl.DataFrame) -> pl.DataFrame:
    """Find the first line below the headline that is a dek, in bodies whose record has none."""
    has_top_dek = top.filter(pl.col("kind") == "dek").select("row", "kind").unique("row")
    first = below.with_columns(**_surroundings()).filter("is_first", ~pl.col("has_dek"))
    paragraphs = below.filter(pl.col("ends_sentence") & (pl.col("chars") >= LEAST_PARAGRAPH_CHARS))
    typical = paragraphs.group_by("row").agg(
        typical_chars=pl.col("chars").median(),
        short_chars=pl.col("chars").quantile(SHORT_QUANTILE),
        paragraphs=pl.len().cast(pl.Int64),
    )
    found_headline = top.select("row", has_found_headline=pl.lit(value=True)).unique("row")
    near = (
        first.join(has_top_dek, on="row", how="anti")
        .filter(pl.col("chars").is_between(LEAST_DEK_CHARS, MOST_DEK_CHARS), ~pl.col("is_one_of_capitals"))
        .filter(pl.col("block").str.contains(_STARTS_LIKE_TITLE) & ~pl.col("block").str.contains(TAG))
        .filter(pl.col("block").str.count_matches(_SENTENCE_END) <= MOST_DEK_SENTENCES)
        .join(typical, on="row", maintain_order="left")
        .join(found_headline, on="row", how="left", maintain_order="left")
    )
    deks = near.with_columns(kind=pl.lit("dek"), action=pl.lit("remove"), rule=_dek_rule())
    return deks.filter(pl.col("rule").is_not_null()).select(_LABELLED)


def _dek_rule() -> pl.Expr:
    is_short = (
        (pl.col("chars") >= LEAST_OPENING_CHARS)
        & (pl.col("chars") * PARAGRAPHS_TO_DEK <= pl.col("typical_chars"))
        & (pl.col("chars") <= pl.col("short_chars"))
        & (pl.col("next_chars") >= 2 * pl.col("chars"))
        & ~pl.col("block").str.contains(_HOLDS_SPEECH)
    )
    is_unpunctuated = (
        ~pl.col("ends_statement")
        & (_words() >= LEAST_UNPUNCTUATED_DEK_WORDS)
        & pl.col("next_ends_sentence")
        & (pl.col("next_chars") >= 2 * pl.col("chars"))
        & (pl.col("has_headline") | pl.col("has_found_headline").fill_null(value=False))
    )
    return (
        pl.when(pl.col("paragraphs") < LONGER_BLOCKS_BELOW_HEADLINE)
        .then(None)
        .when("is_above_byline")
        .then(pl.lit("above_byline"))
        .when(is_short & pl.col("ends_sentence"))
        .then(pl.lit("short_opening"))
        .when(is_unpunctuated)
        .then(pl.lit("no_full_stop"))
    )


def _label_headings(titles: pl.DataFrame) -> pl.DataFrame:
    """Label lines in capitals with text below, and lines that stand between text and a paragraph."""
    is_short = (pl.col("chars") <= MOST_HEADING_CHARS) & (_words() <= MOST_HEADING_WORDS)
    is_below_headline = pl.col("is_first") & (pl.col("block_no") > 0)
    stands_between = (
        (pl.col("follows_text") | is_below_headline)
        & pl.col("next_ends_sentence")
        & (pl.col("next_chars") >= LEAST_PARAGRAPH_CHARS)
        & (pl.col("next_chars") > pl.col("chars"))
        & ~pl.col("block").str.contains(_IS_QUOTATION)
    )
    rule = (
        pl.when(is_short & pl.col("is_capitals") & (pl.col("next_chars") > 0))
        .then(pl.lit("capitals"))
        .when(is_short & stands_between)
        .then(pl.lit("short_line"))
    )
    labelled = titles.with_columns(rule=rule, kind=pl.lit("heading"), action=pl.lit("label"))
    return labelled.filter(pl.col("rule").is_not_null()).select(_LABELLED)
