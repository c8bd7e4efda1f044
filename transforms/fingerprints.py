"""Fingerprints: a small sample of a text's shingles, by which texts that may be copies are found.

A text keeps those of its shingles whose hash is below a bound, the same for all texts of its length: about SAMPLE of
them, all of a short text, and never fewer than one in `1 / LEAST_SHARE`. As the hash alone decides, two texts keep the
same ones of those that they share, so that the samples of copies overlap as the texts do, and the sample of an excerpt
overlaps with that of the whole. (Broder 1997 calls it a sketch modulo m; Irber and others 2022 a scaled sketch.)

Shingles of WIDTH words are sampled, twice as long as those that texts are compared by: six words in a row that two
texts share by chance are rare, three are not, so that few pairs are looked at in vain.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.compiled import compiled
from transforms.letters import TextColumn
from transforms.shingles import (
    Texts,
    in_threads,
    keep_distinct,
    make_table,
    read_words,
    shingle,
    texts_of,
    with_room,
)

WIDTH = 6
SAMPLE = 48
"""Of two texts half of whose shingles of three words are shared, 20 to 30 sampled ones are; of an excerpt of a third
of a text, 16."""

LEAST_SHARE = 1 / 32
"""What is kept of long texts, so that short excerpts of them are found: from 1,536 words on."""

SKETCHED = pl.Schema({"shingles": pl.Int64(), "sketch": pl.Binary()})

_REPETITIVE = 0.75  # least share of the kept shingles that are distinct, below which all are counted again
_ALL = 2.0**64


def fingerprint(texts: pl.Series) -> pl.DataFrame:
    """Take the fingerprints of texts that are not null, row for row, as `SKETCHED`.

    `shingles` is how many shingles the sample was taken from: all, or the distinct ones of a text that repeats itself.
    `sketch` holds the lower 32 bits of each kept hash, in the order of the text, little-endian.
    Compiled; uses all processors.
    """
    if texts.is_empty():
        return pl.DataFrame(schema=SKETCHED)
    column = TextColumn(texts)
    longest = column.lengths.max()
    parts = in_threads(lambda first, end: _sketch_texts(texts_of(column), longest, first, end), len(texts))
    counts, lengths, hashes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return pl.DataFrame({"shingles": counts, "sketch": _as_binary(lengths, hashes)}, schema=SKETCHED)


def _as_binary(lengths: NDArray[np.int64], hashes: NDArray[np.uint32]) -> pl.Series:
    import pyarrow as pa  # noqa: PLC0415 -- only needed here, and slow to import

    offsets = np.concatenate(([0], np.cumsum(lengths * hashes.itemsize))).astype(np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(hashes))]
    return pl.Series(pa.Array.from_buffers(pa.large_binary(), len(lengths), buffers))


@compiled
def share_kept(shingles: int) -> float:
    """Tell which share of so many shingles is kept."""
    return 1.0 if shingles <= SAMPLE else max(SAMPLE / shingles, LEAST_SHARE)


@compiled
def _sketch_texts(
    texts: Texts, longest: int, first: int, end: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Sketch the texts from one number to another: from how many shingles, how many hashes are kept, and all hashes."""
    words, shingles = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint64)
    kept = np.empty(longest + 1, np.uint64)
    counts, lengths = np.empty(end - first, np.int64), np.empty(end - first, np.int64)
    sketches = np.empty(2 * SAMPLE * (end - first), np.uint32)
    table = make_table(2 * SAMPLE)
    filled = stamp = 0
    for text_no in range(first, end):
        count = shingle(words, read_words(texts, text_no, words), WIDTH, shingles)
        repeated = _keep(shingles[:count], kept)
        table = with_room(table, repeated)
        length, stamp = keep_distinct(kept[:repeated], table, stamp), stamp + 1
        if length < _REPETITIVE * repeated:
            table = with_room(table, count)
            count, stamp = keep_distinct(shingles[:count], table, stamp), stamp + 1
            length = _keep(shingles[:count], kept)
        if filled + length > len(sketches):
            sketches = np.concatenate((sketches, np.empty(len(sketches) + length, np.uint32)))
        for key in kept[:length]:
            sketches[filled] = key
            filled += 1
        counts[text_no - first], lengths[text_no - first] = count, length
    return counts, lengths, sketches[:filled]


@compiled
def _keep(shingles: NDArray[np.uint64], kept: NDArray[np.uint64]) -> int:
    """Write the lower halves of the hashes that are kept; tell how many there are."""
    share = share_kept(len(shingles))
    bound = np.uint64(0xFFFFFFFFFFFFFFFF) if share == 1.0 else np.uint64(share * _ALL)
    count = 0
    for key in shingles:
        if key <= bound:
            kept[count] = key & np.uint64(0xFFFFFFFF)
            count += 1
    return count
