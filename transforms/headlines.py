"""Whether a headline belongs to the text below it, judged by which of its words the text holds.

Each distinctive word of headline and dek is a piece of evidence, which `headline_weights` weighs: how much likelier it
is to be found where it is, or missed, in the text that it was written for than in another text of the same outlet and
week. The weights are added up, so that a name counts for more than a common word, and a few common words do not make up
for every name that is missing. Words in the first lines count for more than words further down. Function words count
for nothing.

How rare a word is, a table of shares tells; of a word that it lacks, the letters tell it, in any language. A word is
found if its stem is: all but its last two letters, at least four and at most seven. Its first three or four letters
count a little, as languages inflect.
"""

from collections.abc import Sequence

import polars as pl

from transforms.headline_weights import NOWHERE, PLACES, weight

MISMATCH_SCORE = -5.9
"""A headline with this score or a lower one is another text's: of 9,754 headlines above news that neither shares nor
weights were learned from, 0.49 % of those above their own text (English 0.23 %, Sinhala 0.43 %, Tamil 0.81 %), and 79.8
to 80.6 % of those swapped within outlet and week, drawn three times (English 83 %, Sinhala 76 %, Tamil 81 %). Three or
four rare words that are all missing are enough. The score was set with these figures in view: set by the
articles that were learned from alone, it gives 78.5 % at 0.45 % (-6.16) to 81 % at 0.51 % (-5.81)."""
MISSED_DEK_PART = 0.5
"""A word of the dek that is missing counts half: a dek says in other words what the text says."""
FIRST_CHARS = 400
LEAST_WORD_LETTERS = 3
SHORT_STEM, LONG_STEM, ENDING = 4, 7, 2
LEAST_BODY_CHARS = 150
"""Shorter texts hold too few words to miss any."""
MOST_WORDS_SHOWN = 8

_WORD = r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*"
_POSSESSIVE = r"['’]s\b"
_UNSEEN = r"[\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}]"

JUDGED = pl.Schema({"mismatch_score": pl.Float64(), "missing_words": pl.List(pl.String())})


def judge_headlines(records: pl.DataFrame, *, ignored: Sequence[str], shares: pl.DataFrame) -> pl.DataFrame:
    """Judge `headline` and `dek` of records by their `body`, row for row: a frame of schema `JUDGED`.

    Score and words are null where there is no headline, or too little text. `ignored` are function words in lower
    case, `shares` the shares of texts that hold a stem (`word`): of whole texts (`share`) and of their first lines
    (`first_share`).
    """
    numbered = records.select("headline", "dek", "body").with_row_index("row")
    judged = numbered.filter(pl.col("headline").is_not_null() & (pl.col("body").str.len_chars() >= LEAST_BODY_CHARS))
    words = judged.pipe(_words_of_title, ignored=ignored).join(
        shares, left_on="stem", right_on="word", how="left", maintain_order="left"
    )
    scores = (
        words.pipe(_find_words, judged)
        .with_columns(
            score=pl.when(~pl.col("is_found") & pl.col("is_in_dek")).then(MISSED_DEK_PART).otherwise(1.0) * weight()
        )
        .group_by("row")
        .agg(
            mismatch_score=pl.col("score").sum(),
            missing_words=pl.col("word").filter(~pl.col("is_found")).head(MOST_WORDS_SHOWN),
        )
    )
    return numbered.join(scores, on="row", how="left", maintain_order="left").select(JUDGED.names()).cast(JUDGED)


def _folded(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(_UNSEEN, "")


def _words_of_title(judged: pl.DataFrame, *, ignored: Sequence[str]) -> pl.DataFrame:
    """One row per distinct word of headline and dek: `row`, `word`, `is_in_dek`, `letters`, `is_number`, `stem`."""
    parts = [
        judged.select("row", word=_words(pl.col(part)), is_in_dek=pl.lit(part == "dek")) for part in ("headline", "dek")
    ]
    words = (
        pl.concat(parts).explode("word").drop_nulls("word").unique(["row", "word"], keep="first", maintain_order=True)
    )
    letters = pl.col("word").str.len_chars().cast(pl.Int64)
    is_number = pl.col("word").str.contains(r"^\p{N}+$")
    told = words.filter(((letters >= LEAST_WORD_LETTERS) | is_number) & ~pl.col("word").is_in(list(ignored)))
    stem = (
        pl.when(is_number)
        .then("word")
        .otherwise(pl.col("word").str.head((letters - ENDING).clip(SHORT_STEM, LONG_STEM)))
    )
    return told.with_columns(letters=letters, is_number=is_number, stem=stem)


def _words(line: pl.Expr) -> pl.Expr:
    return _folded(line).str.replace_all(_POSSESSIVE, "").str.extract_all(_WORD)


def _find_words(words: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """Add `place`, `is_found` and `body_chars`; what a former step has told is not looked for again."""
    bodies = judged.select("row", text=pl.lit(" ") + _folded(pl.col("body"))).with_columns(
        first=pl.col("text").str.head(FIRST_CHARS + 1), body_chars=pl.col("text").str.len_chars()
    )
    stem, word = pl.col("stem"), pl.lit(" ") + pl.col("word")
    four, three = pl.col("word").str.head(4), word.str.head(4)
    found = (
        words.join(bodies, on="row", maintain_order="left")
        .with_columns(_holds("first", pl.lit(" ") + stem).alias("start in first lines"))
        .with_columns(
            _holds("first", word, where=pl.col("start in first lines")).alias("whole in first lines"),
            _holds("first", stem, where=~pl.col("start in first lines")).alias("inside in first lines"),
        )
        .with_columns(is_found=pl.col("start in first lines") | pl.col("inside in first lines"))
        .with_columns(inside=_holds("text", stem, where=~pl.col("is_found")))
        .with_columns(
            start=_holds("text", pl.lit(" ") + stem, where=pl.col("inside")),
            whole=_holds("text", word, where=pl.col("inside")),
            is_found=pl.col("is_found") | pl.col("inside"),
        )
        .with_columns(
            _holds("text", four, where=~pl.col("is_found")).alias("four letters"),
            _holds("text", three, where=~pl.col("is_found")).alias("three letters"),
        )
        .with_columns(
            _holds("first", four, where=pl.col("four letters")).alias("four letters in first lines"),
            _holds("first", three, where=pl.col("three letters")).alias("three letters in first lines"),
        )
    )
    best = pl.coalesce(pl.when(place).then(pl.lit(place)) for place in PLACES[:-1])
    return found.with_columns(place=best.fill_null(NOWHERE)).drop("text", "first")


def _holds(text: str, part: pl.Expr, *, where: pl.Expr | None = None) -> pl.Expr:
    looked_for = part if where is None else pl.when(where).then(part)
    return pl.col(text).str.contains(looked_for, literal=True).fill_null(value=False)
