"""Candidates: pairs of texts whose fingerprints overlap so far that they may be copies.

Whether two texts are a candidate pair depends on these two, not on what came first: at least LEAST_SHARED sampled
shingles are shared, and at least LEAST_OVERLAP of as many as would be shared if the shorter text stood whole in the
longer one. That is far below what copies share (see `transforms.fingerprints`), and keeps away nearly all pairs that
only have a turn of phrase in common.

The exception bounds the time that templates take (tables of results, obituaries, a footer that was not recognised): a
sampled shingle that stands in more than MOST_TEXTS texts counts for nothing. Pairs are still found by the rest of what
they share. Texts with less than LEAST_SHARED of a rest can only be found as exact copies; how many these are is
counted. Beyond this bound it shows what came first: pairs that were found while there were fewer such texts stay.

What is stored is looked through once for each BLOCK of new texts: an inverted index of the block stays in the
processor's cache, and the sketches of all other texts stream past.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.compiled import compiled, doubled
from transforms.fingerprints import share_kept
from transforms.letters import text_buffers
from transforms.shingles import in_threads

LEAST_SHARED = 2
ENOUGH_SAMPLED = 3
"""Up to so many shingles that two texts would share, one is enough: of a short preview little is in the sample of its
whole."""

LEAST_OVERLAP = 0.2
"""Of 222 pairs of news and edited articles with a Jaccard similarity of 0.5 to 0.8, the least overlap is 0.35."""

MOST_TEXTS = 1_000
BLOCK = 100_000
"""Texts in an inverted index: 60 MB."""

PAIRS = pl.Schema({"new": pl.UInt32(), "other": pl.UInt32()})

_FEWEST_DIRECTED, _MOST_DIRECTED = 8, 20  # bits of a hash by which the index is entered
_STRIDE = 64  # texts are mixed so, as later ones meet more of the block, and each thread is to have as much to do


class Sketches(NamedTuple):
    """Fingerprints: the hashes of the n-th are `hashes[starts[n]:starts[n + 1]]`."""

    shingles: NDArray[np.int64]
    starts: NDArray[np.int64]
    hashes: NDArray[np.uint32]


class Candidates(NamedTuple):
    """Pairs of texts, and which of the new texts are made of shingles that too many texts share.

    Attributes:
        pairs: Schema PAIRS, by `other`, then `new`: row numbers among the new texts, and among the stored texts
            followed by the new ones. Each pair of new texts stands once.
        left_out: Row numbers of new texts.
    """

    pairs: pl.DataFrame
    left_out: pl.Series


class _Rare(NamedTuple):
    """Which hashes of an index stand in too many texts, and how many others each text of it has."""

    is_common: NDArray[np.bool_]
    counts: NDArray[np.int64]


class _Index(NamedTuple):
    """Hashes of a block of texts, sorted; the text of each; where those begin that share their first bits."""

    hashes: NDArray[np.uint32]
    texts: NDArray[np.uint32]
    entries: NDArray[np.int64]
    shift: np.uint32


def find_candidates(new: pl.DataFrame, stored: pl.DataFrame) -> Candidates:
    """Find which of the `new` texts may be copies of others, new ones or `stored` ones.

    Both have `shingles` and `sketch`, as `fingerprint` gives them, for texts that differ.
    """
    everything = _sketches(pl.concat([stored, new.select(stored.columns)]))
    pairs, left_out = [pl.DataFrame(schema=PAIRS)], [pl.Series(dtype=pl.UInt32())]
    for first in range(0, new.height, BLOCK):
        block = range(first, min(first + BLOCK, new.height))
        found = _find_in_block(everything, block, first_new=stored.height)
        pairs.append(found.pairs)
        left_out.append(found.left_out)
    return Candidates(pl.concat(pairs), pl.concat(left_out))


def _sketches(fingerprints: pl.DataFrame) -> Sketches:
    data, starts = text_buffers(fingerprints.get_column("sketch"))
    return Sketches(fingerprints.get_column("shingles").to_numpy(), starts // 4, data.view(np.uint32))


def _find_in_block(texts: Sketches, block: range, *, first_new: int) -> Candidates:
    """Find the candidates of a block of new texts among all texts before the end of the block."""
    start, end = first_new + block.start, first_new + block.stop
    index = _index(texts, start, end)
    before, behind = texts.hashes[: texts.starts[start]], texts.hashes[texts.starts[end] :]
    counts = _count(index, before) + _count(index, behind)
    is_common = _spread(counts, index) > MOST_TEXTS
    mixed = np.concatenate([np.arange(first, end, _STRIDE) for first in range(_STRIDE)])
    common = np.bincount(index.texts, weights=is_common, minlength=len(block)).astype(np.int64)
    rare = np.diff(texts.starts[start : end + 1]) - common
    found = in_threads(
        lambda first, last: _overlap(texts, index, _Rare(is_common, rare), start, mixed[first:last]), end
    )
    others, news = (np.concatenate(columns) for columns in zip(*found, strict=True))
    pairs = pl.DataFrame({"new": news + block.start, "other": others}, schema=PAIRS).sort("other", "new")
    left_out = np.flatnonzero((common > 0) & (rare < LEAST_SHARED)) + block.start
    return Candidates(pairs, pl.Series(left_out, dtype=pl.UInt32()))


def _index(texts: Sketches, start: int, end: int) -> _Index:
    """Index the texts from one number to another."""
    hashes = texts.hashes[texts.starts[start] : texts.starts[end]].astype(np.uint64)
    of_texts = np.repeat(np.arange(end - start, dtype=np.uint64), np.diff(texts.starts[start : end + 1]))
    ordered = (hashes << np.uint64(32)) | of_texts
    ordered.sort()
    bits = min(max(len(ordered).bit_length() - 2, _FEWEST_DIRECTED), _MOST_DIRECTED)
    places = np.bincount((ordered >> np.uint64(64 - bits)).astype(np.int64), minlength=1 << bits)
    return _Index(
        (ordered >> np.uint64(32)).astype(np.uint32),
        ordered.astype(np.uint32),
        np.concatenate((np.zeros(1, np.int64), np.cumsum(places))),
        np.uint32(32 - bits),
    )


def _count(index: _Index, hashes: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Count how often each hash of the index is among others, each of a text outside; at its first place."""
    counts = np.zeros(len(index.hashes), np.int32)
    for counted in in_threads(lambda first, end: _count_some(index, hashes[first:end]), len(hashes)):
        counts += counted
    return counts


@compiled
def _count_some(index: _Index, hashes: NDArray[np.uint32]) -> NDArray[np.int32]:
    counts = np.zeros(len(index.hashes), np.int32)
    for key in hashes:
        at = _look_up(index, key)
        if at >= 0:
            counts[at] += 1
    return counts


@compiled
def _spread(counts: NDArray[np.int32], index: _Index) -> NDArray[np.int32]:
    """Add the texts of the index to the counts of its hashes, and give each place of a hash the same count."""
    first = 0
    for at in range(1, len(counts) + 1):
        if at == len(counts) or index.hashes[at] != index.hashes[first]:
            counts[first:at] = counts[first] + at - first
            first = at
    return counts


@compiled
def _overlap(
    texts: Sketches, index: _Index, rare: _Rare, start: int, text_nos: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of some texts with texts of the index, which begins with the text `start`."""
    indexed = np.int64(index.texts.max()) + 1 if len(index.texts) else 0
    shared, touched = np.zeros(indexed, np.int32), np.empty(indexed, np.int64)
    others, news = np.empty(1024, np.int64), np.empty(1024, np.int64)
    count = 0
    for text_no in text_nos:
        met = 0
        before = indexed if text_no < start else text_no - start  # a pair within the block is met at its later text
        for key in texts.hashes[texts.starts[text_no] : texts.starts[text_no + 1]]:
            at = _look_up(index, key)
            while 0 <= at < len(index.hashes) and index.hashes[at] == key and not rare.is_common[at]:
                new = np.int64(index.texts[at])
                if new >= before:
                    break
                if shared[new] == 0:
                    touched[met] = new
                    met += 1
                shared[new] += 1
                at += 1
        for new in touched[:met]:
            if shared[new] >= _least_shared(texts, text_no, start + new, rare.counts[new]):
                if count == len(others):
                    others, news = doubled(others), doubled(news)
                others[count], news[count] = text_no, new
                count += 1
            shared[new] = 0
    return others[:count], news[:count]


@compiled
def _least_shared(texts: Sketches, one: int, other: int, rare: int) -> float:
    """Tell how many sampled shingles two texts have to share: of those that the bound of either would keep, if rare."""
    shorter, longer = (one, other) if texts.shingles[one] < texts.shingles[other] else (other, one)
    sampled = texts.starts[shorter + 1] - texts.starts[shorter]
    in_common = sampled * share_kept(texts.shingles[longer]) / share_kept(texts.shingles[shorter])
    least = LEAST_SHARED if in_common > ENOUGH_SAMPLED else 1
    return float(max(min(least, sampled), LEAST_OVERLAP * min(in_common, rare)))


@compiled
def _look_up(index: _Index, key: np.uint32) -> int:
    """Give the first place of a hash in the index, or -1."""
    entry = key >> index.shift
    for at in range(index.entries[entry], index.entries[entry + 1]):
        if index.hashes[at] >= key:
            return at if index.hashes[at] == key else -1
    return -1
