"""White space and paragraphs: text in, blocks separated by one blank line out.

Decides what a line break means, once for each document:

- A document without blank lines has one paragraph to a line.
- In a document with blank lines, a single break is a paragraph break too, unless the document is hard-wrapped. It is
  where most lines break just because the first word of the next one did not fit. There the lines are joined,
  but only at such breaks, and never before a list item: a short line (heading, verse, address) keeps its break.

To lose a break is worse than to keep one. Characters other than white space are never touched.
"""

import polars as pl

from transforms.text_repair import change_where

_LINE_END = "\r\n?|[\x0b\x0c\u2028\u2029]"
_IRREGULAR = r"[^\S\n ]|  |\n | \n|\n{3}|^\s|\s$|[\x0b\x0c\u2028\u2029]"
_SPACES = r"[^\S\n ][^\S\n]*| [^\S\n]+"
_LONE_BREAK = r"[^\n]\n[^\n]"
LIST_ITEM = r"^(?:[-*•·‣▪◦–—✓✔→»]|\d{1,3}[.)]|[a-zA-Z]\))\s"

LEAST_WRAPPED_BREAKS = 3
"""Single breaks that a document needs to be judged: fewer agree with any width by chance."""
WIDEST_WRAP = 132
"""Characters of a line. Text is wrapped at 60 to 100, at 132 by some line printers; paragraphs are longer."""
NARROWEST_WRAP = 40
"""Characters of the longest line. Below this it is a list or a poem."""
FORCED_SHARE = 0.5
"""Least share of single breaks that the width forces: 1.0 in 99 of 100 wrapped news articles, at most 0.18 in 901
Markdown pages; headings and lists on lines of their own lower it."""


def normalize_whitespace(texts: pl.Series) -> pl.Series:
    """Line ends to newlines; other white space to single spaces, none at either end of a line; one blank line."""
    return change_where(texts, texts.str.contains(_IRREGULAR), _normalize_irregular)


def _normalize_irregular(texts: pl.Series) -> pl.Series:
    return (
        texts.str.replace_all(_LINE_END, "\n")
        .str.replace_all(_SPACES, " ")
        .str.replace_all(" \n", "\n", literal=True)
        .str.replace_all("\n ", "\n", literal=True)
        .str.replace_all("\n{3,}", "\n\n")
        .str.strip_chars()
    )


def normalize_line(text: pl.Expr) -> pl.Expr:
    """Make one line of a text: white space of any kind to single spaces."""
    return text.str.replace_all(r"\s+", " ").str.strip_chars()


def split_paragraphs(texts: pl.Series) -> pl.Series:
    """Put one blank line between paragraphs, and no other line break, in texts of normal white space."""
    return change_where(texts, texts.str.contains(_LONE_BREAK), _decide_breaks)


def _decide_breaks(texts: pl.Series) -> pl.Series:
    joined = change_where(texts, texts.str.contains("\n\n", literal=True), _join_wrapped)
    return joined.str.replace_all("\n+", "\n\n")


def _join_wrapped(texts: pl.Series) -> pl.Series:
    """Join the lines of the hard-wrapped ones among documents that have both blank lines and single breaks."""
    lines = texts.to_frame("line").with_row_index("row").with_columns(pl.col("line").str.split("\n")).explode("line")
    lines = lines.with_columns(**_line_measures()).with_columns(**_break_measures())
    is_wrapped = (
        (pl.col("is_inner").sum().over("row") >= LEAST_WRAPPED_BREAKS)
        & pl.col("width").is_between(NARROWEST_WRAP, WIDEST_WRAP)
        & (pl.col("is_forced").sum().over("row") >= FORCED_SHARE * pl.col("is_inner").sum().over("row"))
    )
    is_joined = is_wrapped & pl.col("is_forced") & ~pl.col("next_line").str.contains(LIST_ITEM)
    separator = pl.when(is_joined).then(pl.lit(" ")).when("is_last").then(pl.lit("")).otherwise(pl.lit("\n"))
    pieces = lines.select("row", piece=pl.concat_str("line", separator))
    return pieces.group_by("row", maintain_order=True).agg(pl.col("piece").str.join("")).get_column("piece")


def _line_measures() -> dict[str, pl.Expr]:
    return {
        "chars": pl.col("line").str.len_chars().cast(pl.Int64),
        "is_last": pl.col("row").ne_missing(pl.col("row").shift(-1)),
        "next_line": pl.col("line").shift(-1),
    }


def _break_measures() -> dict[str, pl.Expr]:
    """A break is inner if it stands inside a block, and forced if the next word would pass the widest such line."""
    is_inner = ~pl.col("is_last") & (pl.col("chars") > 0) & (pl.col("next_line") != "")
    width = pl.col("chars").filter(is_inner).max().over("row")
    next_word_chars = pl.col("next_line").str.extract(r"^(\S+)").str.len_chars().cast(pl.Int64)
    return {
        "is_inner": is_inner,
        "width": width,
        "is_forced": is_inner & (pl.col("chars") + 1 + next_word_chars > width),
    }
