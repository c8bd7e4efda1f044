"""Looking for passages: a rolling hash over the folded bytes of texts, with their tags and without."""

import numpy as np
from numpy.typing import NDArray

from transforms.compiled import compiled
from transforms.probe_folding import MOST_LONGER, Alphabet, alphabet, fold_into
from transforms.probes import BASE, MIX, PASSAGE, SHIFT, Probes

_FIRST_POWER = np.uint64(pow(int(BASE), PASSAGE, 1 << 64))


def scan(
    probes: Probes, data: NDArray[np.uint8], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return text and passage of everything that is found in the texts of `data`, of which `ends` are the bounds.

    All texts are read in one pass, whatever the number of digests.
    """
    if len(ends) == 1:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows, keys, room = np.empty(0, np.int64), np.empty(0, np.int64), 1024
    found = room + 1
    while found > room:
        room = max(room, found)
        rows, keys = np.empty(room, np.int64), np.empty(room, np.int64)
        found = _find(data, ends, alphabet(), probes.is_possible, probes.keys, rows, keys)
    return rows[:found], probes.passages[keys[:found]]


@compiled
def _find(  # noqa: PLR0917 -- compiled code takes arrays
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    known: Alphabet,
    is_possible: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    found_rows: NDArray[np.int64],
    found_keys: NDArray[np.int64],
) -> int:
    """Write down where a key is met, as far as there is room; tell how often one is."""
    longest = MOST_LONGER * max(np.max(ends[1:] - ends[:-1]), 1)
    whole, bare = np.empty(longest, np.uint8), np.empty(longest, np.uint8)
    found = 0
    for row in range(len(ends) - 1):
        length, bare_length = fold_into(data[ends[row] : ends[row + 1]], known, whole, bare)
        found = _roll(whole[:length], row, is_possible, keys, found_rows, found_keys, found)
        found = _roll(bare[: max(bare_length, 0)], row, is_possible, keys, found_rows, found_keys, found)
    return found


@compiled
def _roll(  # noqa: PLR0917 -- compiled code takes arrays
    folded: NDArray[np.uint8],
    row: int,
    is_possible: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    found_rows: NDArray[np.int64],
    found_keys: NDArray[np.int64],
    found: int,
) -> int:
    """Write down which keys are met in a row, behind those found before; tell how many there are now."""
    digest = np.uint64(0)
    for at in range(len(folded)):
        digest = digest * BASE + np.uint64(folded[at])
        if at >= PASSAGE:
            digest -= np.uint64(folded[at - PASSAGE]) * _FIRST_POWER
        if at >= PASSAGE - 1 and is_possible[np.int64((digest * MIX) >> SHIFT)]:
            key = np.searchsorted(keys, digest)
            while key < len(keys) and keys[key] == digest:  # several texts may have the passage
                if found < len(found_keys):
                    found_rows[found], found_keys[found] = row, key
                found += 1
                key += 1
    return found
