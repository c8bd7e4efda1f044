"""Whether a headline belongs to the text below it, judged by which of its words the text holds.

Each distinctive word of headline and dek is a piece of evidence: how much likelier it is to be found, or missed, in the
text that it was written for than in another text of the same outlet and week. The logarithms of these ratios are added
up (naive Bayes), so that a name counts for more than a common word, and a few common words do not make up for every
name that is missing. Words in the first lines count for more than words further down. Function words count for nothing.

How rare a word is, is told by its letters: that needs no table of frequencies, and works in any language. A word is
found if its stem is: all but its last two letters, at least four and at most seven. Its first four letters alone count
a little, as languages inflect.

The rates are those of 6,000 headlines in English, Sinhala and Tamil: of their words, 70 % stand in the first 400
characters of their own text and 16 % nowhere in it; of the words of other headlines 2 to 18 % stand in the first
lines, the fewer the longer the word, and 69 to 90 % nowhere.
"""

from collections.abc import Sequence
from math import log
from typing import Final

import polars as pl

MISMATCH_SCORE = -6.65
"""A headline with this score or a lower one is another text's: of three times 2,000 headlines of news, 0.5 % at most of
those that stand above their own text, and 59 to 62 % of those swapped within outlet and week. Four rare words that are
all missing score -6.6, which happens to 2 in 1,000 headlines of their own text."""
LEDE_CHARS = 400
LEDE_RATE = 0.70
LEDE_CHANCE: Final = {1: 0.18, 2: 0.18, 3: 0.18, 4: 0.052, 5: 0.10, 6: 0.055, 7: 0.038}
LEDE_CHANCE_OF_LONG, LEDE_CHANCE_OF_COMMON, LEDE_CHANCE_OF_NUMBER = 0.025, 0.10, 0.088
"""Share of other texts that hold a word in their first lines, by its letters."""
FURTHER_DOWN_SCORE, FURTHER_DOWN_SCORE_OF_COMMON = 0.6, 0.1
BEGINNING_SCORE = 0.5
MISSING_SCORE, MISSING_SCORE_OF_COMMON = -1.65, -1.3
LEAST_LETTERS = 3
SHORT_STEM, LONG_STEM, ENDING = 4, 7, 2
LEAST_BODY_CHARS = 150
"""Shorter texts hold too few words to miss any."""
MOST_WORDS_SHOWN = 8

_WORD = r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*"
_POSSESSIVE = r"['’]s\b"
_UNSEEN = r"[\x{200c}\x{200d}]"

JUDGED = pl.Schema({"mismatch_score": pl.Float64(), "missing_words": pl.List(pl.String())})


def judge_headlines(records: pl.DataFrame, *, ignored: Sequence[str], common: Sequence[str]) -> pl.DataFrame:
    """Judge `headline` and `dek` of records by their `body`, row for row: a frame of schema `JUDGED`.

    Score and words are null where there is no headline, or too little text. `ignored` are function words, `common`
    words that any text may hold, both in lower case.
    """
    numbered = records.select("headline", "dek", "body").with_row_index("row")
    judged = numbered.filter(pl.col("headline").is_not_null() & (pl.col("body").str.len_chars() >= LEAST_BODY_CHARS))
    bodies = judged.select("row", body=_folded(pl.col("body"))).with_columns(lede=pl.col("body").str.head(LEDE_CHARS))
    words = judged.pipe(_words_of_title, ignored=ignored).with_columns(is_common=pl.col("word").is_in(list(common)))
    found = words.join(bodies, on="row", maintain_order="left").with_columns(
        is_in_lede=pl.col("lede").str.contains(pl.col("stem"), literal=True),
        is_in_body=pl.col("body").str.contains(pl.col("stem"), literal=True),
        begins_in_lede=pl.col("lede").str.contains(pl.col("word").str.head(SHORT_STEM), literal=True),
    )
    scores = (
        found.with_columns(score=_score())
        .group_by("row")
        .agg(
            mismatch_score=pl.col("score").sum(),
            missing_words=pl.col("word").filter(~pl.col("is_in_body")).head(MOST_WORDS_SHOWN),
        )
    )
    return numbered.join(scores, on="row", how="left", maintain_order="left").select(JUDGED.names()).cast(JUDGED)


def _folded(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(_UNSEEN, "")


def _words_of_title(judged: pl.DataFrame, *, ignored: Sequence[str]) -> pl.DataFrame:
    """One row per distinct word of headline and dek: `row`, `word`, `letters`, `is_number`, `stem`."""
    title = pl.concat_str("headline", pl.col("dek").fill_null(""), separator=" ")
    bare = _folded(title).str.replace_all(_POSSESSIVE, "").str.extract_all(_WORD)
    words = judged.select("row", word=bare).explode("word").drop_nulls().unique(maintain_order=True)
    letters = pl.col("word").str.len_chars().cast(pl.Int64)
    is_number = pl.col("word").str.contains(r"^\p{N}+$")
    told = words.filter(((letters >= LEAST_LETTERS) | is_number) & ~pl.col("word").is_in(list(ignored)))
    stem = (
        pl.when(is_number)
        .then("word")
        .otherwise(pl.col("word").str.head((letters - ENDING).clip(SHORT_STEM, LONG_STEM)))
    )
    return told.with_columns(letters=letters, is_number=is_number, stem=stem)


def _score() -> pl.Expr:
    chance = (
        pl.when("is_common")
        .then(LEDE_CHANCE_OF_COMMON)
        .when("is_number")
        .then(LEDE_CHANCE_OF_NUMBER)
        .otherwise(pl.col("letters").replace_strict(LEDE_CHANCE, default=LEDE_CHANCE_OF_LONG, return_dtype=pl.Float64))
    )
    return (
        pl.when("is_in_lede")
        .then(log(LEDE_RATE) - chance.log())
        .when("is_in_body")
        .then(pl.when("is_common").then(FURTHER_DOWN_SCORE_OF_COMMON).otherwise(FURTHER_DOWN_SCORE))
        .when("begins_in_lede")
        .then(BEGINNING_SCORE)
        .otherwise(pl.when("is_common").then(MISSING_SCORE_OF_COMMON).otherwise(MISSING_SCORE))
    )
