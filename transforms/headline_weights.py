"""What a word of a headline weighs for or against it: by where the text holds it, and by what kind of word it is.

A logistic regression over the words of 9,691 headlines above their own text and four times as many above another text
of the same outlet and week, in English, Sinhala and Tamil. The weights of a word are added up to the logarithm of the
odds that the headline is the text's own.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

SHARE_FLOOR, FIRST_SHARE_FLOOR = 0.01, 0.003
"""Added to shares before their logarithm is taken: below that, a share is chance."""

WEIGHTS: Final[Mapping[str, tuple[float, ...]]] = {
    "whole in first lines": (4.47, -3.85, -0.56, 0.56, 0.18, -0.13, -0.34, 0.08, -0.27, -0.18, 0.53, 0.02),
    "start in first lines": (3.21, -3.88, 0.00, 0.20, 0.59, -0.59, 1.04, -0.09, 0.00, -0.20, 0.49, -0.06),
    "inside in first lines": (3.11, -2.89, 0.58, -0.27, 0.88, 0.63, 0.41, -0.05, -0.08, -1.18, 0.49, 0.00),
    "whole": (2.60, -3.87, -0.70, 0.71, -0.10, -0.12, 0.66, -0.14, -0.28, -0.21, 0.42, -0.25),
    "start": (1.64, -3.73, 0.00, 0.65, -0.09, -0.51, -0.59, 0.21, 0.00, -0.23, 0.67, -0.51),
    "inside": (0.89, -1.68, -0.91, 0.82, -0.79, -0.65, 0.18, -0.03, -0.04, -0.64, 0.80, -0.19),
    "four letters in first lines": (1.40, -3.25, 0.00, 0.35, 0.20, -1.45, 0.00, 0.13, 0.00, -0.39, -0.26, -0.19),
    "three letters in first lines": (-0.10, -2.72, -3.20, 0.66, -0.40, -1.16, -0.34, 0.17, 1.03, 0.74, -0.15, -0.02),
    "four letters": (-0.34, -1.67, 0.00, 0.84, -0.86, -0.58, -2.08, 0.40, 0.00, -0.14, -0.31, -0.09),
    "three letters": (-1.13, -0.62, -1.35, 0.70, -0.85, -0.40, -2.80, 0.55, 0.54, 0.31, -0.27, -0.20),
    "nowhere": (-1.76, -0.85, -0.90, 0.96, -1.08, -0.37, -0.43, 0.02, 0.42, 0.29, -0.36, -0.06),
}
"""By the best place where the text holds a word, weights in the order of `traits`.

The places: the whole word, a word with its stem, or its stem inside of another word, in the first lines and then
anywhere; four letters of it, or three at the start of a word, in the first lines and then anywhere; nowhere.
"""
PLACES = tuple(WEIGHTS)
NOWHERE = PLACES[-1]


def traits() -> tuple[pl.Expr, ...]:
    """Describe a word in numbers: `word`, `letters`, `is_number`, `share`, `first_share` and `body_chars` needed.

    They are: one; whether its share is known; whether it is a number; how rare it is in first lines and in whole texts
    (0 where unknown); the Latin alphabet, alone and times the second and fourth; at most 4, at most 7, at least 10
    letters; the length of the text.
    """
    is_known = pl.col("share").is_not_null()
    is_latin = pl.col("word").str.contains(r"^\p{Latin}")
    rarity = _rarity("first_share", FIRST_SHARE_FLOOR)
    return (
        pl.lit(1.0),
        is_known,
        pl.col("is_number"),
        rarity,
        _rarity("share", SHARE_FLOOR),
        is_latin,
        is_latin & is_known,
        is_latin * rarity,
        pl.col("letters") <= 4,  # noqa: PLR2004 -- described above
        pl.col("letters") <= 7,  # noqa: PLR2004 -- described above
        pl.col("letters") >= 10,  # noqa: PLR2004 -- described above
        (pl.col("body_chars") / 1_000).log().clip(-2, 2),
    )


def weight() -> pl.Expr:
    """Weight of a word that was found at `place`."""
    return pl.sum_horizontal(
        pl.col("place").replace_strict({place: row[number] for place, row in WEIGHTS.items()}, return_dtype=pl.Float64)
        * trait.cast(pl.Float64)
        for number, trait in enumerate(traits())
    )


def _rarity(share: str, floor: float) -> pl.Expr:
    return -(pl.col(share) + floor).log().fill_null(0.0)
