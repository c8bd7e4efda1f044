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

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.compiled import compiled
from transforms.letters import TextColumn
from transforms.shingles import Texts, in_threads, read_words, shingle, texts_of

WIDTH = 3
OPENING = 60
"""Shingles at the beginning of the shorter text that are looked for."""

LEEWAY = 60
"""Words that may stand before or between them in the longer one: a dek, a date line, an inserted sentence."""

PAIRS_AT_A_TIME = 20_000

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


class _Sets(NamedTuple):
    """Distinct shingles of texts, in the order in which they first stand: the n-th has `sizes[n]`, from `starts[n]`."""

    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    shingles: NDArray[np.uint64]


class _Table(NamedTuple):
    """Shingles in open addressing, with the place of each in its text; a slot counts if its stamp is the current."""

    shingles: NDArray[np.uint64]
    places: NDArray[np.int64]
    stamps: NDArray[np.int64]


def compare(texts: pl.Series, pairs: pl.DataFrame) -> pl.DataFrame:
    """Compare pairs of texts: `one` and `other` are row numbers of `texts`, none of which is null.

    Gives schema `SIMILARITIES`, row for row. Compiled; uses all processors. Pairs of one text are best near each other,
    as shingles are taken of the texts of PAIRS_AT_A_TIME pairs at a time: twice the memory of these texts.
    """
    column = TextColumn(texts)
    compared = [_compare_some(column, some) for some in pairs.iter_slices(PAIRS_AT_A_TIME)]
    return pl.concat([pl.DataFrame(schema=SIMILARITIES), *compared])


def _compare_some(column: TextColumn, pairs: pl.DataFrame) -> pl.DataFrame:
    involved = pl.concat([pairs.get_column("one"), pairs.get_column("other")]).unique().sort()
    sets = _shingle_sets(texts_of(column, involved.to_numpy()), len(involved))
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


def _shingle_sets(texts: Texts, count: int) -> _Sets:
    room = (texts.lengths + 1) // 2  # a word has a byte at least, and one that parts it from the next
    starts = np.cumsum(room) - room
    sets = _Sets(starts, np.zeros(count, np.int64), np.empty(room.sum(), np.uint64))
    in_threads(lambda first, end: _gather(texts, sets, first, end), count)
    return sets


@compiled
def _gather(texts: Texts, sets: _Sets, first: int, end: int) -> None:
    """Gather the distinct shingles of the texts from one number to another."""
    most = texts.lengths[first:end].max()
    words, shingles = np.empty(most, np.uint64), np.empty(most, np.uint64)
    table = _table(most)
    for text_no in range(first, end):
        there = shingle(words, read_words(texts, text_no, words), WIDTH, shingles)
        filled = sets.starts[text_no]
        for key in shingles[:there]:
            slot = _slot(table, key, text_no)
            if table.stamps[slot] != text_no:
                table.shingles[slot], table.stamps[slot] = key, text_no
                sets.shingles[filled] = key
                filled += 1
        sets.sizes[text_no] = filled - sets.starts[text_no]


@compiled
def _compare(
    sets: _Sets, ones: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count what pairs share, and see which share of the opening; pairs of one text stand together."""
    most = 0
    for one in ones:
        most = max(most, sets.sizes[one])
    table = _table(most)
    shared, openings = np.zeros(len(ones), np.int64), np.zeros(len(ones), np.float64)
    for pair in range(len(ones)):
        one = ones[pair]
        mine = sets.shingles[sets.starts[one] : sets.starts[one] + sets.sizes[one]]
        if pair == 0 or ones[pair - 1] != one:
            for place, key in enumerate(mine):
                slot = _slot(table, key, one)
                table.shingles[slot], table.places[slot], table.stamps[slot] = key, place, one
        other = others[pair]
        theirs = sets.shingles[sets.starts[other] : sets.starts[other] + sets.sizes[other]]
        opening = 0
        for their_place, key in enumerate(theirs):
            slot = _slot(table, key, one)
            if table.stamps[slot] == one:
                shared[pair] += 1
                place = table.places[slot]
                short, long = (place, their_place) if len(mine) < len(theirs) else (their_place, place)
                opening += short < OPENING and long < OPENING + LEEWAY
        openings[pair] = opening / max(min(len(mine), len(theirs), OPENING), 1)
    return shared, openings


@compiled
def _table(most: int) -> _Table:
    """Make a table for so many shingles."""
    size = 16
    while size < 2 * most:
        size *= 2
    return _Table(np.empty(size, np.uint64), np.empty(size, np.int64), np.full(size, -1))


@compiled
def _slot(table: _Table, key: np.uint64, stamp: int) -> np.int64:
    """Find the slot of a shingle, or the one to put it."""
    mask = np.uint64(len(table.shingles) - 1)
    slot = key & mask
    while table.stamps[slot] == stamp and table.shingles[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)
