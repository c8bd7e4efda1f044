"""Shingles: every few words of a text in a row, as 64-bit hashes, read from the bytes of an Arrow column.

Two texts are as alike as their sets of shingles (Broder 1997, "On the resemblance and containment of documents").
A word is letters, marks and digits in a row, in lower case; punctuation of every script parts words; in scripts that
put no space between words each character is one. Texts that differ in case, punctuation and white space alone have the
same shingles.

A word is hashed by FNV-1a over its letters (Fowler, Noll and Vo 1991), mixed by the finalizer of SplitMix64 (Steele,
Lea and Flood 2014); a shingle by a polynomial over its words (Karp and Rabin 1987), rolled from word to word and mixed
again. All of it is integer arithmetic with constants that stand here: a text has the same hashes on every machine and
in every version, and two shingles share one by chance once in 2^64.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from os import sched_getaffinity
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from transforms.compiled import compiled, inlined
from transforms.letters import LOOKED_UP, PARTS, SKIPPED, TextColumn, alphabet, decode, letter_of, text_at

_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_NOT_ASCII = 0x80
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)

# Scripts that put no space between words: Thai and Lao, Myanmar, Khmer, kana, ideographs and their compatibility forms.
_UNSPACED = ((0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x1800), (0x3040, 0x3100), (0x31F0, 0x3200))
_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0xFF66, 0xFFA0))

_LEAST_SLOTS = 16
_UNEVEN_PARTS = 16

Result = TypeVar("Result")


class Texts(NamedTuple):
    """Texts by address and length, and what is known of characters."""

    addresses: NDArray[np.int64]
    lengths: NDArray[np.int64]
    letters: NDArray[np.uint32]
    is_word: NDArray[np.bool_]


class Table(NamedTuple):
    """Shingles of one text at a time, in open addressing, with the place of each; a slot counts if it has its stamp."""

    shingles: NDArray[np.uint64]
    places: NDArray[np.int32]
    stamps: NDArray[np.int32]


def texts_of(column: TextColumn, rows: NDArray[np.int64] | None = None) -> Texts:
    """Give the texts of a column, or of some rows of it; they are there as long as the column is."""
    chosen = slice(None) if rows is None else rows
    return Texts(column.addresses[chosen], column.lengths[chosen], alphabet(), _words_of_one())


@cache
def _words_of_one() -> NDArray[np.bool_]:
    """Which characters are a word each."""
    is_word = np.zeros(LOOKED_UP, np.bool_)
    for first, end in (*_UNSPACED, *_IDEOGRAPHS):
        is_word[first:end] = True
    return is_word


def in_threads(work: Callable[[int, int], Result], count: int, *, is_uneven: bool = False) -> list[Result]:
    """Do a compiled work on the items from one number to another: a part for each processor, more if it `is_uneven`."""
    threads = len(sched_getaffinity(0))
    parts = min(threads * (_UNEVEN_PARTS if is_uneven else 1), count)
    bounds = [count * part // parts for part in range(parts + 1)] if parts else []
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, bounds[:-1], bounds[1:]))


@compiled
def mix(value: np.uint64) -> np.uint64:
    """Spread a value over all bits."""
    value = (value ^ (value >> _SHIFT_1)) * _MIX_1
    value = (value ^ (value >> _SHIFT_2)) * _MIX_2
    return value ^ (value >> _SHIFT_3)


@compiled
def read_words(texts: Texts, text_no: int, words: NDArray[np.uint64]) -> int:
    """Write the hashes of a text's words into `words`, which has a place for each byte and one more; tell how many.

    Where a word ends cannot be foreseen, so that a jump there costs more than the word: it is written after each of
    its letters, and stays once the next one begins elsewhere.
    """
    text = text_at(texts.addresses[text_no], texts.lengths[text_no])
    count = at = 0
    key = _SEED
    while at < len(text):
        code = int(text[at])
        if code < _NOT_ASCII:  # most of most texts, and no character of it is skipped or a word of its own
            letter = np.uint64(texts.letters[code])
            at += 1
        else:
            code, at = decode(text, at)
            letter = np.uint64(letter_of(code, texts.letters))
            if letter == SKIPPED:
                continue
            if letter != PARTS and (code >= LOOKED_UP or texts.is_word[code]):
                words[count] = key
                count += int(key != _SEED)
                words[count] = (_SEED ^ letter) * _PRIME
                count += 1
                key = _SEED
                continue
        is_end = letter == PARTS
        words[count] = key
        count += int(is_end and key != _SEED)
        key = _SEED if is_end else (key ^ letter) * _PRIME
    words[count] = key
    count += int(key != _SEED)
    for word in range(count):
        words[word] = mix(words[word])
    return count


@compiled
def shingle(words: NDArray[np.uint64], count: int, width: int, shingles: NDArray[np.uint64]) -> int:
    """Write the hashes of every `width` words in a row into `shingles`; tell how many there are.

    A text of fewer words is one shingle, a text of none has none.
    """
    if count == 0:
        return 0
    width = min(width, count)
    dropped = np.uint64(1)
    for _ in range(width):
        dropped *= _BASE
    key = np.uint64(0)
    for at in range(width):
        key = key * _BASE + words[at]
    shingles[0] = mix(key)
    for at in range(width, count):
        key = key * _BASE + words[at] - dropped * words[at - width]
        shingles[at - width + 1] = mix(key)
    return count - width + 1


@compiled
def make_table(most: int) -> Table:
    """Make a table for so many shingles."""
    size = _LEAST_SLOTS
    while size < 2 * most:
        size *= 2
    return Table(np.empty(size, np.uint64), np.empty(size, np.int32), np.full(size, -1, np.int32))


@compiled
def with_room(table: Table, count: int) -> Table:
    """Give the table, or an empty one if that many shingles do not fit in it."""
    return table if 2 * count <= len(table.shingles) else make_table(count)


@inlined
def place_of(table: Table, key: np.uint64, stamp: int) -> int:
    """Tell the place of a shingle, or -1."""
    slot = _find_slot(table, key, stamp)
    return int(table.places[slot]) if table.stamps[slot] == stamp else -1


@inlined
def put(table: Table, key: np.uint64, place: int, stamp: int) -> bool:
    """Put a shingle into the table, with its place, and tell whether it was not there yet."""
    slot = _find_slot(table, key, stamp)
    is_new = bool(table.stamps[slot] != stamp)
    if is_new:
        table.shingles[slot], table.places[slot], table.stamps[slot] = key, place, stamp
    return is_new


@inlined
def _find_slot(table: Table, key: np.uint64, stamp: int) -> np.int64:
    """Find the slot of a shingle, or the one to put it."""
    mask = np.uint64(len(table.shingles) - 1)
    slot = key & mask
    while table.stamps[slot] == stamp and table.shingles[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@compiled
def keep_distinct(shingles: NDArray[np.uint64], table: Table, stamp: int) -> int:
    """Move the distinct shingles to the front, in their order; tell how many these are."""
    distinct = 0
    for key in shingles:
        if put(table, key, distinct, stamp):
            shingles[distinct] = key
            distinct += 1
    return distinct
