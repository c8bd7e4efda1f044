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

from transforms.compiled import compiled
from transforms.letters import LOOKED_UP, PARTS, SKIPPED, TextColumn, alphabet, decode, letter_of, text_at

_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_NOT_ASCII = 0x80
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)

# Scripts that put no space between words: Thai and Lao, Myanmar, Khmer, kana, ideographs and their compatibility forms.
_UNSPACED = ((0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x1800), (0x3040, 0x3100), (0x31F0, 0x3200))
_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0xFF66, 0xFFA0))

Result = TypeVar("Result")


class Texts(NamedTuple):
    """Texts by address and length, and what is known of characters."""

    addresses: NDArray[np.int64]
    lengths: NDArray[np.int64]
    letters: NDArray[np.uint32]
    is_word: NDArray[np.bool_]


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


def in_threads(work: Callable[[int, int], Result], count: int) -> list[Result]:
    """Do a compiled work on the items from one number to another, in as many parts as there are processors."""
    parts = min(len(sched_getaffinity(0)), count) or 1
    bounds = [count * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(work, bounds[:-1], bounds[1:]))


@compiled
def mix(value: np.uint64) -> np.uint64:
    """Spread a value over all bits."""
    value = (value ^ (value >> _SHIFT_1)) * _MIX_1
    value = (value ^ (value >> _SHIFT_2)) * _MIX_2
    return value ^ (value >> _SHIFT_3)


@compiled
def read_words(texts: Texts, text_no: int, words: NDArray[np.uint64]) -> int:
    """Write the hashes of a text's words into `words`, which has a place for each byte; tell how many there are."""
    text = text_at(texts.addresses[text_no], texts.lengths[text_no])
    count = at = 0
    key = _SEED
    while at < len(text):
        code = int(text[at])
        if code < _NOT_ASCII:  # most of most texts, and no character of it is skipped or a word of its own
            at += 1
            letter = np.uint64(texts.letters[code])
            if letter != PARTS:
                key = (key ^ letter) * _PRIME
                continue
        else:
            code, at = decode(text, at)
            letter = np.uint64(letter_of(code, texts.letters))
            if letter == SKIPPED:
                continue
            if letter != PARTS and code < LOOKED_UP and not texts.is_word[code]:
                key = (key ^ letter) * _PRIME
                continue
        if key != _SEED:
            words[count] = mix(key)
            count, key = count + 1, _SEED
        if letter != PARTS:
            words[count] = mix((_SEED ^ letter) * _PRIME)
            count += 1
    if key != _SEED:
        words[count] = mix(key)
        count += 1
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
