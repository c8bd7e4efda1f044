"""Candidates: pairs of texts whose fingerprints overlap so far that they may be copies.

Whether two texts are a candidate pair depends on these two, not on what came first: at least LEAST_SHARED sampled
shingles are shared, and at least LEAST_OVERLAP of as many as would be shared if the shorter text stood whole in the
longer one. That is far below what copies share (see `transforms.fingerprints`), and keeps away nearly all pairs that
only have a turn of phrase in common.

The exception bounds the time that templates take (tables of results, obituaries, a footer that was not recognised): a
sampled shingle that stands in more than MOST_TEXTS texts counts for nothing. Pairs are still found by the rest of what
they share. Texts with less than LEAST_SHARED of a rest can only be found as exact copies; how many these are is
counted. Beyond this bound it shows what came first: pairs that were found while there were fewer such texts stay.

Nearly all sampled shingles stand in one text alone. They are set aside first, by the bits of a Bloom filter (Bloom
1970, "Space/time trade-offs in hash coding with allowable errors") of what the new texts have: what is stored streams
past it, and only what may be shared is put in order.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.compiled import compiled, doubled, inlined
from transforms.fingerprints import share_kept
from transforms.letters import TextColumn, numbers_at
from transforms.shingles import in_threads

LEAST_SHARED = 2
ENOUGH_SAMPLED = 3
"""Up to so many shingles that two texts would share, one is enough: of a short preview little is in the sample of its
whole."""

LEAST_OVERLAP = 0.2
"""Of 222 pairs of news and edited articles with a Jaccard similarity of 0.5 to 0.8, the least overlap is 0.35."""

MOST_TEXTS = 1_000

PAIRS = pl.Schema({"new": pl.UInt32(), "other": pl.UInt32()})

HASHES_AT_A_TIME = 1 << 24
"""Hashes of new texts that are put in order at a time: up to 400 MB."""

_HASH_BYTES = 4
_BITS_OF_HASH = 8  # in a filter: one in eight of what is not shared passes
_LEAST_FILTER = 18  # bits of the number of its words: 2 MB stay in a processor's cache
_FIRST, _HALF = np.uint32(1 << 31), np.uint64(32)


class Sketches(NamedTuple):
    """Fingerprints: from how many shingles each was taken, how many hashes it has, and where in memory they begin."""

    shingles: NDArray[np.int64]
    lengths: NDArray[np.int64]
    addresses: NDArray[np.int64]


class Candidates(NamedTuple):
    """Pairs of texts, and which of the new texts are made of shingles that too many texts share.

    Attributes:
        pairs: Schema PAIRS, those of one new text together: row numbers among the new texts, and among the stored texts
            followed by the new ones. Each pair of new texts stands once.
        left_out: Row numbers of new texts.
    """

    pairs: pl.DataFrame
    left_out: pl.Series


class _Part(NamedTuple):
    """Hashes that have the same first bits."""

    shift: int
    first_bits: int


class _Postings(NamedTuple):
    """Which texts share a hash.

    Attributes:
        texts: Those that share one stand in a row, in their order; the first of them has the bit _FIRST.
        places: Where a new text stands behind others, from `starts` of that new text on.
        starts: Where the places of each new text begin, and end.
        common: How many hashes of each text, stored or new, stand in too many texts.
    """

    texts: NDArray[np.uint32]
    places: NDArray[np.uint32]
    starts: NDArray[np.int64]
    common: NDArray[np.uint32]


def find_candidates(new: pl.DataFrame, stored: pl.DataFrame) -> Candidates:
    """Find which of the `new` texts may be copies of others, new ones or `stored` ones.

    Both have `shingles` and `sketch`, as `fingerprint` gives them, for texts that differ.
    """
    fingerprints = pl.concat([stored, new.select(stored.columns)])
    sketches = TextColumn(fingerprints.get_column("sketch"))
    texts = Sketches(
        fingerprints.get_column("shingles").to_numpy(), sketches.lengths // _HASH_BYTES, sketches.addresses
    )
    postings = _post(texts, stored.height)
    found = in_threads(
        lambda first, end: _overlap(texts, postings, stored.height, first, end), new.height, is_uneven=True
    )
    news, others = (np.concatenate(columns) for columns in zip(*found, strict=True)) if found else ([], [])
    rare = texts.lengths[stored.height :] - postings.common[stored.height :]
    left_out = np.flatnonzero((postings.common[stored.height :] > 0) & (rare < LEAST_SHARED))
    return Candidates(
        pl.DataFrame({"new": news, "other": others}, schema=PAIRS), pl.Series(left_out, dtype=pl.UInt32())
    )


def _post(texts: Sketches, first_new: int) -> _Postings:
    """Find which texts share a hash with a new one, HASHES_AT_A_TIME by the first bits of the hashes."""
    count = len(texts.shingles)
    behind, common = np.zeros(count - first_new, np.int64), np.zeros(count, np.uint32)
    bits = int(texts.lengths[first_new:].sum() // HASHES_AT_A_TIME).bit_length()
    sharing = np.concatenate(
        [
            _gather_sharing(
                _shared_hashes(texts, first_new, _Part(32 - bits, part)), first_new, MOST_TEXTS, behind, common
            )
            for part in range(1 << bits)
        ]
    )
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(behind)))
    places = np.empty(starts[-1], np.uint32)
    _place(sharing, first_new, starts[:-1].copy(), places)
    return _Postings(sharing, places, starts, common)


def _shared_hashes(texts: Sketches, first_new: int, part: _Part) -> NDArray[np.uint64]:
    """Give the hashes that a new text may share with another text, each with the text in its lower half, sorted."""
    count = len(texts.shingles)
    hashes = min(texts.lengths[first_new:].sum(), HASHES_AT_A_TIME)
    words = 1 << max(int(hashes * _BITS_OF_HASH // 64).bit_length(), _LEAST_FILTER)
    seen, again = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    _mark(texts, first_new, part, seen, again)
    shared = in_threads(lambda first, end: np.sort(_pick(texts, part, seen, first, end)), first_new)
    for of_stored in shared:
        _mark_again(of_stored, again)
    shared += in_threads(
        lambda first, end: np.sort(_pick(texts, part, again, first_new + first, first_new + end)), count - first_new
    )
    ordered = np.concatenate([np.empty(0, np.uint64), *shared])
    ordered.sort(kind="stable")  # merges what is in order
    return ordered


@compiled
def _mark(texts: Sketches, first: int, part: _Part, seen: NDArray[np.uint64], again: NDArray[np.uint64]) -> None:
    """Set the bits of the hashes of a part, in `again` those that are set already, of all texts from `first` on."""
    for text_no in range(first, len(texts.lengths)):
        for key in numbers_at(texts.addresses[text_no], texts.lengths[text_no]):
            if _is_of(key, part):
                word, bit = _bit_of(key, seen)
                if seen[word] & bit:
                    again[word] |= bit
                else:
                    seen[word] |= bit


@compiled
def _mark_again(picked: NDArray[np.uint64], again: NDArray[np.uint64]) -> None:
    for hash_and_text in picked:
        word, bit = _bit_of(np.uint32(hash_and_text >> _HALF), again)
        again[word] |= bit


@compiled
def _pick(texts: Sketches, part: _Part, bits: NDArray[np.uint64], first: int, end: int) -> NDArray[np.uint64]:
    """Give the hashes of a part, and their texts, whose bit is set, of the texts from one number to another."""
    picked = np.empty(texts.lengths[first:end].sum(), np.uint64)
    count = 0
    for text_no in range(first, end):
        for key in numbers_at(texts.addresses[text_no], texts.lengths[text_no]):
            if _is_of(key, part):
                word, bit = _bit_of(key, bits)
                if bits[word] & bit:
                    picked[count] = (np.uint64(key) << _HALF) | np.uint64(text_no)
                    count += 1
    return picked[:count]


@inlined
def _is_of(key: np.uint32, part: _Part) -> bool:
    return int(key) >> part.shift == part.first_bits


@inlined
def _bit_of(key: np.uint32, bits: NDArray[np.uint64]) -> tuple[int, np.uint64]:
    """Give the place of a hash in a filter: which of the numbers, and its bit in that."""
    return int(key >> 6) & (len(bits) - 1), np.uint64(1) << np.uint64(key & 63)


@compiled
def _gather_sharing(
    ordered: NDArray[np.uint64], first_new: int, most: int, behind: NDArray[np.int64], common: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Gather the texts that share a hash with a new one, and add how often each new one stands `behind` another.

    Of hashes that stand in more than `most` texts it only adds how many each text has, to `common`.
    """
    texts = np.empty(len(ordered), np.uint32)
    filled = start = 0
    while start < len(ordered):
        end = start + 1
        while end < len(ordered) and ordered[end] >> _HALF == ordered[start] >> _HALF:
            end += 1
        is_shared = end - start > 1 and np.int64(np.uint32(ordered[end - 1])) >= first_new
        for at in range(start, end if is_shared else start):
            text_no = np.uint32(ordered[at])
            if end - start > most:
                common[text_no] += 1
                continue
            texts[filled] = text_no | _FIRST if at == start else text_no
            filled += 1
            if at > start and text_no >= first_new:
                behind[text_no - first_new] += 1
        start = end
    return texts[:filled]


@compiled
def _place(texts: NDArray[np.uint32], first_new: int, ends: NDArray[np.int64], places: NDArray[np.uint32]) -> None:
    """Write where each new text stands behind another, into `places`, from where its `ends` are at first."""
    for place, text_no in enumerate(texts):
        if not text_no & _FIRST and text_no >= first_new:
            new = text_no - first_new
            places[ends[new]] = place
            ends[new] += 1


@compiled
def _overlap(
    texts: Sketches, postings: _Postings, first_new: int, first: int, end: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of some new texts with texts before them."""
    shared, touched = np.zeros(first_new + end, np.int32), np.empty(first_new + end, np.int64)
    news, others = np.empty(1024, np.int64), np.empty(1024, np.int64)
    count = 0
    for new in range(first, end):
        met = 0
        for place in postings.places[postings.starts[new] : postings.starts[new + 1]]:
            at = np.int64(place)
            while postings.texts[at] & _FIRST == 0:
                at -= 1
                other = np.int64(postings.texts[at] & ~_FIRST)
                if shared[other] == 0:
                    touched[met] = other
                    met += 1
                shared[other] += 1
        for other in touched[:met]:
            if shared[other] >= _least_shared(texts, postings.common, first_new + new, other):
                if count == len(others):
                    news, others = doubled(news), doubled(others)
                news[count], others[count] = new, other
                count += 1
            shared[other] = 0
    return news[:count], others[:count]


@inlined
def _least_shared(texts: Sketches, common: NDArray[np.uint32], one: int, other: int) -> float:
    """Tell how many sampled shingles two texts have to share: of those that the bound of either would keep, if rare."""
    shorter, longer = (one, other) if texts.shingles[one] < texts.shingles[other] else (other, one)
    sampled = texts.lengths[shorter]
    in_common = sampled * share_kept(texts.shingles[longer]) / share_kept(texts.shingles[shorter])
    rare = min(sampled - common[shorter], texts.lengths[longer] - common[longer])
    least = LEAST_SHARED if in_common > ENOUGH_SAMPLED else 1
    return float(max(min(least, sampled), LEAST_OVERLAP * min(in_common, rare)))
