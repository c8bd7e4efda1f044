"""Similarity: how alike two texts are, counted on the texts themselves.

The sets of all shingles of WIDTH words of two texts give, exactly:

- `jaccard`: what they share, of what either has;
- `containment`: what they share, of what the shorter one has;
- `opening`: which share of the beginning of the shorter one, its first OPENING shingles, stands at the beginning of
  the longer one. A truncated copy has the beginning of its whole; two texts that share a background passage, a list of
  results or a footer have not.

Source: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3, on shingles of words for news.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.compiled import compiled
from transforms.letters import TextColumn
from transforms.shingles import Texts, in_threads, make_table, place_of, put, read_words, shingle, texts_of, with_room

WIDTH = 3
OPENING = 60
"""Shingles at the beginning of the shorter text that are looked for."""

LEEWAY = 60
"""Words that may stand before or between them in the longer one: a dek, a date line, an inserted sentence."""

BYTES_AT_A_TIME = 64 * 2**20
"""Texts whose shingles are in memory at a time; these take up to four times as much."""

SIMILARITIES = pl.Schema(
    {
        "one": pl.UInt32(),
        "other": pl.UInt32(),
        "one_shingles": pl.Int64(),
        "other_shingles": pl.Int64(),
        "shared": pl.Int64(),
        "jaccard": pl.Float64(),
        "containment": pl.Float64(),
        "opening": pl.Float64(),
    }
)


_SIDES = ("one", "other")
_BYTES_OF_WORD = 6


class _Sets(NamedTuple):
    """Distinct shingles of texts, in the order in which they first stand: the n-th has `sizes[n]`, from `starts[n]`."""

    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    shingles: NDArray[np.uint64]


def compare(texts: pl.Series, pairs: pl.DataFrame) -> pl.DataFrame:
    """Compare pairs of texts: `one` and `other` are row numbers of `texts`, none of which is null.

    Gives schema `SIMILARITIES`, row for row. Compiled; uses all processors. Pairs of one text are best near each other,
    as shingles are taken of the texts of some pairs at a time.
    """
    column = TextColumn(texts)
    either = (column.lengths[pairs.get_column(name).to_numpy()] for name in _SIDES)
    part = np.cumsum(sum(either)) // BYTES_AT_A_TIME
    starts = np.flatnonzero(np.diff(part, prepend=-1)).tolist()
    room = np.empty(0, np.uint64)  # the same for all parts: memory that is touched for the first time is slow
    compared = [pl.DataFrame(schema=SIMILARITIES)]
    for start, end in pairwise([*starts, pairs.height]):
        some = pairs[start:end]
        involved = pl.concat([some.get_column("one"), some.get_column("other")]).unique().sort()
        involved_texts = texts_of(column, involved.to_numpy())
        needed = _room(involved_texts).sum()
        room = room if len(room) >= needed else np.empty(needed, np.uint64)
        sets = _shingle_sets(involved_texts, len(involved), room)
        compared.append(_compare_some(sets, involved, some))
    return pl.concat(compared)


def _compare_some(sets: _Sets, involved: pl.Series, pairs: pl.DataFrame) -> pl.DataFrame:
    by_text = pairs.with_row_index("pair").sort("one")
    ones, others = (involved.search_sorted(by_text.get_column(name)).to_numpy().astype(np.int64) for name in _SIDES)
    parts = in_threads(lambda first, end: _compare(sets, ones[first:end], others[first:end]), len(ones))
    shared, opening = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    counted = by_text.with_columns(
        one_shingles=pl.Series(sets.sizes[ones]),
        other_shingles=pl.Series(sets.sizes[others]),
        shared=pl.Series(shared),
        opening=pl.Series(opening),
    )
    shorter = pl.min_horizontal("one_shingles", "other_shingles")
    either = pl.col("one_shingles") + pl.col("other_shingles") - pl.col("shared")
    figures = counted.with_columns(jaccard=pl.col("shared") / either, containment=pl.col("shared") / shorter)
    figures = figures.with_columns(pl.col("jaccard", "containment").fill_nan(0))
    return figures.sort("pair").select(SIMILARITIES.names()).cast(SIMILARITIES)


def _room(texts: Texts) -> NDArray[np.int64]:
    """Tell how many shingles each text has at most: a word has a byte at least, and one that parts it from the next."""
    return (texts.lengths + 1) // 2


def _shingle_sets(texts: Texts, count: int, room: NDArray[np.uint64]) -> _Sets:
    most = _room(texts)
    starts = np.cumsum(most) - most
    sets = _Sets(starts, np.zeros(count, np.int64), room)
    longest = texts.lengths.max()
    in_threads(lambda first, end: _gather(texts, sets, longest, first, end), count)
    return sets


@compiled
def _gather(texts: Texts, sets: _Sets, longest: int, first: int, end: int) -> None:
    """Gather the distinct shingles of the texts from one number to another, each text's behind those of the last."""
    words, shingles = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint64)
    table = make_table(longest // _BYTES_OF_WORD)
    filled = sets.starts[first]
    for text_no in range(first, end):
        count = shingle(words, read_words(texts, text_no, words), WIDTH, shingles)
        table = with_room(table, count)
        sets.starts[text_no] = filled
        for key in shingles[:count]:
            if put(table, key, 0, text_no):
                sets.shingles[filled] = key
                filled += 1
        sets.sizes[text_no] = filled - sets.starts[text_no]


@compiled
def _compare(
    sets: _Sets, ones: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count what pairs share, and see which share of the opening; pairs of one text stand together."""
    table = make_table(0)
    shared, openings = np.zeros(len(ones), np.int64), np.zeros(len(ones), np.float64)
    for pair in range(len(ones)):
        one = ones[pair]
        mine = sets.shingles[sets.starts[one] : sets.starts[one] + sets.sizes[one]]
        if pair == 0 or ones[pair - 1] != one:
            table = with_room(table, len(mine))
            for place, key in enumerate(mine):
                put(table, key, place, one)
        other = others[pair]
        theirs = sets.shingles[sets.starts[other] : sets.starts[other] + sets.sizes[other]]
        opening = 0
        for their_place, key in enumerate(theirs):
            place = place_of(table, key, one)
            if place >= 0:
                shared[pair] += 1
                short, long = (place, their_place) if len(mine) < len(theirs) else (their_place, place)
                opening += short < OPENING and long < OPENING + LEEWAY
        openings[pair] = opening / max(min(len(mine), len(theirs), OPENING), 1)
    return shared, openings
