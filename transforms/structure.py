"""What the blocks of a body are: repeated headline and dek, a first line that is the headline, section headings.

Decides conservatively: to remove prose is far worse than to keep boilerplate, so a block is removed only where it says
again what the record says elsewhere, or where it stands at the top and is shaped like a headline. Headings are
labelled and stay. Leaves bylines, bios, paywalls and other boilerplate where they are.

Takes bodies whose blocks are separated by one blank line.
"""

import polars as pl

from transforms.markup import TAG

MOST_TITLE_CHARS = 200
MOST_HEADLINE_WORDS = 20
MOST_HEADING_CHARS = 80
MOST_HEADING_WORDS = 12
LEAST_PARAGRAPH_CHARS = 80  # below this a block is as likely a line of a list as a paragraph
LONGER_BLOCKS_BELOW_HEADLINE = 2
LEADING_BLOCKS = 8  # how far down headline and dek are looked for; pages repeat them two or three times

# Ends of a sentence in Latin, Greek, Arabic, Indic, Ethiopic and East Asian scripts, with closing quotes behind them.
_CLOSING = "[\"'”’»)\\]」』]*$"
_ENDS_STATEMENT = f"[.!…:;,。！：；，、।॥۔؛،።]{_CLOSING}"
_ENDS_SENTENCE = f"[.!?…:;。！？：；।॥۔؟።]{_CLOSING}"
_TAIL_CHARS = 4  # an end and three closing quotes

_STARTS_LIKE_TITLE = r"^[\"'“‘«¿¡(]?[\p{Lu}\p{Lt}\p{Lo}\p{N}]"
_IS_CAPITALS = r"^[^\p{Ll}]*\p{Lu}[^\p{Ll}]*\p{Lu}[^\p{Ll}]*\p{Lu}[^\p{Ll}]*$"
_IS_FURNITURE = (
    r"(?i)^(?:by|image|photo|picture|source|credit|caption|video|watch|listen|read|related|more|see also|also|share|"
    r"follow|subscribe|sign up|newsletter|comments?|advertisement|tags?|topics?|updated|published|posted)\b"
    r"|\.(?:jpe?g|png|gif|webp|svg|pdf|mp[34])$|^https?://|^\W*$"
)
_NOT_IN_KEY = r"[^\p{Alphabetic}\p{N}]+"

_LABELLED = ("row", "block_no", "kind", "rule", "block_start", "block_end", "block")

PIECES = pl.Schema(
    {
        "row": pl.UInt32(),
        "kind": pl.String(),
        "action": pl.String(),
        "rule": pl.String(),
        "block_start": pl.Int64(),
        "block_end": pl.Int64(),
        "block": pl.String(),
    }
)
"""A labelled block: offsets in the body as it was given, and the block itself."""


def find_pieces(bodies: pl.DataFrame) -> pl.DataFrame:
    """Label blocks of `bodies` (`row`, `text`, `headline`, `dek`); the labelled ones come in reading order.

    A removed block stands at the top of its body, and so do all before it.
    """
    blocks = bodies.pipe(_split_blocks).with_columns(**_shape()).with_columns(**_surroundings())
    titles = blocks.pipe(_find_titles)
    headlines = titles.filter(_is_headline()).with_columns(kind=pl.lit("headline"), rule=pl.lit("first_line"))
    headlines = headlines.select(_LABELLED)
    removed = pl.concat([headlines, _find_repeats(blocks, headlines, bodies)]).pipe(_keep_unbroken_run)
    headings = titles.join(removed, on=["row", "block_no"], how="anti").pipe(_label_headings)
    return pl.concat([removed, headings]).sort("row", "block_no").select(PIECES.names()).cast(PIECES)


def comparison_key(text: pl.Expr) -> pl.Expr:
    """Reduce a text to what counts when two are compared: letters and digits, regardless of case and form."""
    return text.str.normalize("NFKC").str.to_lowercase().str.replace_all(_NOT_IN_KEY, "")


def _split_blocks(bodies: pl.DataFrame) -> pl.DataFrame:
    """One row per block, in order, with its number within its body."""
    split = bodies.filter(pl.col("text").is_not_null()).select(
        "row", has_headline=pl.col("headline").is_not_null(), block=pl.col("text").str.split("\n\n")
    )
    blocks_before = pl.col("block").list.len().cast(pl.Int64).cum_sum() - pl.col("block").list.len()
    numbered = split.with_columns(blocks_before=blocks_before).explode("block")
    return numbered.with_columns(block_no=pl.int_range(pl.len()) - pl.col("blocks_before")).drop("blocks_before")


def _shape() -> dict[str, pl.Expr]:
    tail = pl.col("block").str.tail(_TAIL_CHARS)
    return {
        "chars": pl.col("block").str.len_chars().cast(pl.Int64),
        "ends_statement": tail.str.contains(_ENDS_STATEMENT),
        "ends_sentence": tail.str.contains(_ENDS_SENTENCE),
    }


def _surroundings() -> dict[str, pl.Expr]:
    has_next = pl.col("block_no").shift(-1, fill_value=0) > 0
    end = (pl.col("chars") + 2).cum_sum().over("row") - 2
    return {
        "block_start": end - pl.col("chars"),
        "block_end": end,
        "follows_sentence": (pl.col("block_no") > 0) & pl.col("ends_sentence").shift(fill_value=False),
        "next_chars": pl.when(has_next).then(pl.col("chars").shift(-1)).otherwise(0),
        "next_ends_sentence": has_next & pl.col("ends_sentence").shift(-1, fill_value=False),
        "longer_blocks": (pl.col("chars") > pl.col("chars").first()).sum().over("row"),
    }


def _find_titles(blocks: pl.DataFrame) -> pl.DataFrame:
    """Short lines that neither end as a statement does nor are furniture of the page."""
    short_lines = blocks.filter(pl.col("chars").is_between(1, MOST_TITLE_CHARS) & ~pl.col("ends_statement"))
    block = pl.col("block")
    return short_lines.filter(
        block.str.contains(_STARTS_LIKE_TITLE) & ~block.str.contains(_IS_FURNITURE) & ~block.str.contains(TAG)
    )


def _is_headline() -> pl.Expr:
    """The first line of a body whose record has no headline; among titles, see `_find_titles`.

    A line in capitals is a section heading where the body has more of them.
    """
    capitals = pl.col("block").str.contains(_IS_CAPITALS)
    return (
        ~pl.col("has_headline")
        & (pl.col("block_no") == 0)
        & (pl.col("block").str.count_matches(" ", literal=True) < MOST_HEADLINE_WORDS)
        & (pl.col("longer_blocks") >= LONGER_BLOCKS_BELOW_HEADLINE)
        & ~(capitals & (capitals.sum().over("row") > 1))
    )


def _find_repeats(blocks: pl.DataFrame, headlines: pl.DataFrame, bodies: pl.DataFrame) -> pl.DataFrame:
    """Find blocks near the top that say again what the headline, given or found, or the dek says."""
    said = bodies.join(headlines.select("row", found="block"), on="row", how="left").select(
        "row", headline=pl.coalesce("headline", "found"), dek="dek"
    )
    top = blocks.filter(pl.col("block_no") < LEADING_BLOCKS).join(headlines, on=["row", "block_no"], how="anti")
    near = top.join(said, on="row", maintain_order="left").filter(_is_like_in_length("headline", "dek"))
    keys = near.with_columns(comparison_key(pl.col("block", "headline", "dek")).name.suffix("_key"))
    kind = (
        pl.when(pl.col("block_key") == "")
        .then(None)
        .when(pl.col("block_key") == pl.col("headline_key"))
        .then(pl.lit("headline"))
        .when(pl.col("block_key") == pl.col("dek_key"))
        .then(pl.lit("dek"))
    )
    repeats = keys.with_columns(kind=kind).filter(pl.col("kind").is_not_null())
    return repeats.with_columns(rule=pl.lit("repeated_") + pl.col("kind")).select(_LABELLED)


def _is_like_in_length(*names: str) -> pl.Expr:
    """Spare the comparison where one text is more than twice as long as the other: punctuation is never that much."""
    return pl.any_horizontal(
        (pl.col("chars") <= 2 * pl.col(name).str.len_chars()) & (pl.col(name).str.len_chars() <= 2 * pl.col("chars"))
        for name in names
    )


def _keep_unbroken_run(candidates: pl.DataFrame) -> pl.DataFrame:
    """Keep those from the first block on, up to the first block that is no candidate."""
    ordered = candidates.sort("row", "block_no")
    is_in_run = pl.col("block_no") == pl.int_range(pl.len()).over("row")
    return ordered.filter(is_in_run).with_columns(action=pl.lit("remove"))


def _label_headings(titles: pl.DataFrame) -> pl.DataFrame:
    """Label lines in capitals with text below, and lines that stand between the end of a sentence and a paragraph."""
    words = pl.col("block").str.count_matches(" ", literal=True) + 1
    is_short = (pl.col("chars") <= MOST_HEADING_CHARS) & (words <= MOST_HEADING_WORDS)
    is_capitals = pl.col("block").str.contains(_IS_CAPITALS) & (pl.col("next_chars") > 0)
    stands_between = (
        pl.col("follows_sentence") & pl.col("next_ends_sentence") & (pl.col("next_chars") >= LEAST_PARAGRAPH_CHARS)
    )
    rule = (
        pl.when(is_short & is_capitals)
        .then(pl.lit("capitals"))
        .when(is_short & stands_between & (pl.col("next_chars") > pl.col("chars")))
        .then(pl.lit("short_line"))
    )
    labelled = titles.with_columns(rule=rule, kind=pl.lit("heading"), action=pl.lit("label"))
    return labelled.filter(pl.col("rule").is_not_null()).select(*_LABELLED, "action")
