"""Exact similarity of texts, written apart from the program: sets of three words in a row, and all pairs of them.

A word is a run of letters, marks and digits, in lower case; joiners, which tie letters of one word, do not part it. A
text of fewer than three words is one shingle.
"""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.compiled import compiled

Shingles = npt.NDArray[np.int64]

WORD_BITS = 21
"""A shingle is the numbers of its three words, side by side: two million words, and no two shingles are one number."""


class _WordCharacters(dict[int, str]):
    """Maps what is no letter, mark or digit to a space."""

    def __missing__(self, code: int) -> str:
        self[code] = chr(code) if unicodedata.category(chr(code))[0] in "LMN" else " "
        return self[code]


_WORD_CHARACTERS = _WordCharacters({0x200D: ""})


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.lower().translate(_WORD_CHARACTERS).split()


def shingle_sets(texts: Iterable[str]) -> list[Shingles]:
    """Return the distinct shingles of each text, in ascending order."""
    numbers: dict[str, int] = {}
    sets = []
    for text in texts:
        row = [numbers.setdefault(word, len(numbers) + 1) for word in words(text)]
        padded = np.array(row + [0] * (3 - len(row)) if row else [], dtype=np.int64)
        sets.append(np.unique(padded[:-2] << 2 * WORD_BITS | padded[1:-1] << WORD_BITS | padded[2:]))
    if len(numbers) >= 1 << WORD_BITS:
        raise ValueError(f"{len(numbers):,} words are too many for {WORD_BITS} bits each")
    return sets


def jaccard(one: Shingles, other: Shingles) -> float:
    """Return shared shingles over all shingles of the two."""
    shared = _shared(one, other)
    return shared / max(1, one.size + other.size - shared)


def containment(one: Shingles, other: Shingles) -> float:
    """Return the share of the shingles of `one` that `other` has."""
    return _shared(one, other) / max(1, one.size)


def _shared(one: Shingles, other: Shingles) -> int:
    return np.intersect1d(one, other, assume_unique=True).size


def overlapping_pairs(sets: Sequence[Shingles], *, least: float) -> pl.DataFrame:
    """Count the shingles that each two texts share, and keep pairs that share at least so much of the smaller one.

    Columns `first` and `second`, positions of which the first is the lower one, `jaccard`, and `containment`: that of
    the smaller one in the other. The time taken grows with the squares of how often shingles occur: 20,000 articles
    take two seconds.
    """
    sizes = np.array([shingles.size for shingles in sets], dtype=np.int64)
    distinct, shingles = np.unique(np.concatenate(sets), return_inverse=True)
    holders = np.repeat(np.arange(len(sets)), sizes)[np.argsort(shingles, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(shingles, minlength=distinct.size))])
    found = _count_pairs(shingles, np.concatenate([[0], np.cumsum(sizes)]), holders, starts, least)
    pairs = pl.DataFrame(found, schema=dict.fromkeys(("first", "second", "shared"), pl.Int64()), orient="row")
    size = pl.Series("size", sizes)
    first, second = (size.gather(pairs[name]) for name in ("first", "second"))
    return pairs.with_columns(first_size=first, second_size=second).select(
        "first",
        "second",
        jaccard=pl.col("shared") / (pl.col("first_size") + pl.col("second_size") - pl.col("shared")),
        containment=pl.col("shared") / pl.min_horizontal("first_size", "second_size"),
    )


@compiled
def _count_pairs(
    shingles: Shingles, text_starts: Shingles, holders: Shingles, shingle_starts: Shingles, least: float
) -> list[tuple[int, int, int]]:
    """Count, for each text, how many shingles every earlier one has of it; holders of a shingle are in ascending order.

    An inverted index, as in exact similarity joins (Bayardo, Ma and Srikant 2007, section 3), without their bounds.
    """
    texts = text_starts.size - 1
    counts = np.zeros(texts, dtype=np.int64)
    pairs = [(0, 0, 0) for _ in range(0)]
    for text in range(texts):
        size = text_starts[text + 1] - text_starts[text]
        for place in range(text_starts[text], text_starts[text + 1]):
            for holder in holders[shingle_starts[shingles[place]] : shingle_starts[shingles[place] + 1]]:
                if holder >= text:
                    break
                counts[holder] += 1
        for earlier in range(text):
            smaller = min(size, text_starts[earlier + 1] - text_starts[earlier])
            if counts[earlier] > 0 and counts[earlier] >= least * smaller:
                pairs.append((earlier, text, counts[earlier]))
            counts[earlier] = 0
    return pairs
