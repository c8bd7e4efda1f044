"""Which of many words each line holds, and which phrases it may hold, read straight from the bytes of an Arrow column.

Words are told apart by a 64-bit hash of their letters (FNV-1a: Fowler, Noll and Vo 1991, over code points instead of
bytes). It is known at every letter, so that stems are looked up on the way. A line may hold a phrase if it holds a word
of each of its places. In which order they stand, and whether a word only shares its hash with one that is looked for,
is for whoever asks to compare.

Compiled code is kept beside this file; to compile it anew takes a few seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.compiled import compiled, doubled
from transforms.letters import LOOKED_UP, PARTS, SKIPPED, alphabet, decode, letter_of, text_buffers
from transforms.words import NUMBER, Phrase

CANDIDATES = pl.Schema({"id": pl.UInt32(), "phrase": pl.UInt32()})

_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_OF_STEMS, _OF_NUMBERS = np.uint64(0x9E3779B97F4A7C15), np.uint64(1)
_LOW_BITS = np.uint64(0x3FFFF)  # how much of a hash is looked at first
_NONE = -1


class _Words(NamedTuple):
    """What characters are, and the numbers of words by hash, in open addressing, with the kinds that each is of."""

    letters: NDArray[np.uint32]
    is_digit: NDArray[np.bool_]
    hashes: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    low_bits: NDArray[np.bool_]
    kinds: NDArray[np.uint32]


class _Lists(NamedTuple):
    """Lists one after the other: the items of the n-th are those from `starts[n]` to `starts[n + 1]`."""

    starts: NDArray[np.int64]
    items: NDArray[np.int64]


class _Phrases(NamedTuple):
    """Phrases by the words that they begin with or hold; the places of each; the words of each place."""

    by_first: _Lists
    by_word: _Lists
    places: _Lists
    words: _Lists


class _Notes(NamedTuple):
    """The last line that held each word, that began with it, and that each phrase was judged for; what was found."""

    held: NDArray[np.int64]
    begun: NDArray[np.int64]
    found: NDArray[np.int64]
    judged: NDArray[np.int64]
    phrases: NDArray[np.int64]


class _Place(NamedTuple):
    """Which line is read, which of its words, or which word that is looked for, and how many were found."""

    line: int
    word: int
    found: int


class WordScan:
    """Looks for words of several kinds, and for what phrases are made of, in one pass."""

    def __init__(self, phrases: Sequence[Phrase], kinds: Mapping[str, Iterable[str]]) -> None:
        """Take words as `words.bare_words` spells them; stems end in *."""
        self._kinds = tuple(kinds)
        words: dict[str, int] = {}
        places: dict[frozenset[int], int] = {}

        def number(place: Iterable[str]) -> int:
            numbers = frozenset(words.setdefault(word, len(words)) for word in place)
            return places.setdefault(numbers, len(places)) if numbers else _NONE

        of_kinds = [number(of_kind) for of_kind in kinds.values()]
        of_phrases = [[number(place) for place in phrase.places] for phrase in phrases]
        firsts = [number(phrase.first) for phrase in phrases]
        words_of = list(places)
        bits = np.zeros(len(words), np.uint32)
        by_first: list[list[int]] = [[] for _ in words]
        by_word: list[list[int]] = [[] for _ in words]
        for bit, place in enumerate(of_kinds):
            bits[list(words_of[place]) if place != _NONE else []] |= np.uint32(1 << bit)
        for phrase, (first, of_phrase) in enumerate(zip(firsts, of_phrases, strict=True)):
            looked_up = by_word if first == _NONE else by_first
            for word in words_of[of_phrase[0] if first == _NONE else first]:
                looked_up[word].append(phrase)
        self._words = _hash_words(words, bits)
        self._phrases = _Phrases(_lists(by_first), _lists(by_word), _lists(of_phrases), _lists(words_of))

    def scan(self, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Scan `lines` with `id`, `line`, and `is_asked`, whether phrases are looked for.

        Gives a frame of schema `CANDIDATES`, and row for row a column of booleans for each kind of words.
        """
        text, offsets = text_buffers(lines.get_column("line"))
        is_asked = lines.get_column("is_asked").to_numpy()
        rows, phrases, bits = _scan(text, offsets, is_asked, self._words, self._phrases)
        candidates = pl.DataFrame({"id": lines.get_column("id").gather(rows), "phrase": phrases}).cast(CANDIDATES)
        of_kinds = {kind: (bits >> np.uint32(bit)) & np.uint32(1) > 0 for bit, kind in enumerate(self._kinds)}
        return candidates, pl.DataFrame(of_kinds)


@cache
def _digits() -> NDArray[np.bool_]:
    """Whether a word that begins with a character is a number."""
    return np.array([chr(code).isdecimal() for code in range(LOOKED_UP)])


def _hash_words(words: Mapping[str, int], kinds: NDArray[np.uint32]) -> _Words:
    size = 1 << (4 * len(words) + 1).bit_length()
    hashes, numbers = np.zeros(size, np.uint64), np.full(size, _NONE, np.int64)
    table = _Words(alphabet(), _digits(), hashes, numbers, np.zeros(int(_LOW_BITS) + 1, np.bool_), kinds)
    for word, number in words.items():
        key = _hash(word)
        slot = int(key) & (size - 1)
        while table.numbers[slot] != _NONE:
            if table.hashes[slot] == key:
                raise ValueError(f"{word!r} and another word have one hash")
            slot = (slot + 1) & (size - 1)
        table.hashes[slot], table.numbers[slot] = key, number
        table.low_bits[int(key & _LOW_BITS)] = True
    return table


def _hash(word: str) -> np.uint64:
    if word == NUMBER:
        return _OF_NUMBERS
    value = int(_SEED)
    for letter in word.removesuffix("*"):
        value = (value ^ ord(letter)) * int(_PRIME) % (1 << 64)
    return np.uint64(value) ^ (_OF_STEMS if word.endswith("*") else np.uint64(0))


def _lists(lists: Sequence[Iterable[int]]) -> _Lists:
    items = [list(of_list) for of_list in lists]
    starts = np.cumsum([0, *map(len, items)], dtype=np.int64)
    return _Lists(starts, np.array([item for of_list in items for item in of_list], np.int64))


@compiled
def _scan(
    text: NDArray[np.uint8], starts: NDArray[np.int64], is_asked: NDArray[np.bool_], words: _Words, phrases: _Phrases
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Read each line; give lines and phrases of all candidates, and the kinds of words in each line, as bits."""
    kinds = np.zeros(len(is_asked), np.uint32)
    known, of_phrases = len(words.kinds), len(phrases.places.starts)
    notes = _Notes(
        np.full(known, _NONE),
        np.full(known, _NONE),
        np.empty(known, np.int64),
        np.full(of_phrases, _NONE),
        np.empty(of_phrases, np.int64),
    )
    lines, candidates = np.empty(of_phrases, np.int64), np.empty(of_phrases, np.int64)
    count = 0
    for line in range(len(is_asked)):
        words_found = _read_words(text[starts[line] : starts[line + 1]], words, notes, line)
        held = 0
        for word in notes.found[:words_found]:
            kinds[line] |= words.kinds[word]
            if is_asked[line]:
                held = _judge(phrases, phrases.by_word, notes, _Place(line, word, held))
                if notes.begun[word] == line:
                    held = _judge(phrases, phrases.by_first, notes, _Place(line, word, held))
        while count + held > len(lines):
            lines, candidates = doubled(lines), doubled(candidates)
        lines[count : count + held], candidates[count : count + held] = line, notes.phrases[:held]
        count += held
    return lines[:count], candidates[:count], kinds


@compiled
def _judge(phrases: _Phrases, looked_up: _Lists, notes: _Notes, place: _Place) -> int:
    """Note the phrases that are looked up by a word and that the line may hold; tell how many there are by now."""
    found = place.found
    for phrase in _items(looked_up, place.word):
        if notes.judged[phrase] != place.line:
            notes.judged[phrase] = place.line
            if _may_hold(phrases, phrase, notes, place.line):
                notes.phrases[found] = phrase
                found += 1
    return found


@compiled
def _read_words(text: NDArray[np.uint8], words: _Words, notes: _Notes, line: int) -> int:
    """Note the words of a line that are looked for; tell how many are in `notes.found`."""
    count = word_no = letters = at = 0
    key = _SEED
    while at < len(text):
        code, at = decode(text, at)
        read = letter_of(code, words.letters)
        if read == SKIPPED:
            continue
        if read == PARTS:
            if letters:
                count = _note(key, words, notes, _Place(line, word_no, count))
            letters, key = 0, _SEED
            continue
        if letters == 0:
            word_no += 1
            if code < LOOKED_UP and words.is_digit[code]:
                count = _note(_OF_NUMBERS, words, notes, _Place(line, word_no, count))
        letters += 1
        key = (key ^ np.uint64(read)) * _PRIME
        count = _note(key ^ _OF_STEMS, words, notes, _Place(line, word_no, count))
    return _note(key, words, notes, _Place(line, word_no, count)) if letters else count


@compiled
def _note(key: np.uint64, words: _Words, notes: _Notes, place: _Place) -> int:
    """Note the word with a hash, if it is looked for; tell how many were found in the line by now."""
    if not words.low_bits[key & _LOW_BITS]:
        return place.found
    mask = np.uint64(len(words.hashes) - 1)
    slot = key & mask
    while words.numbers[slot] != _NONE and words.hashes[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    word = words.numbers[slot]
    if word == _NONE:
        return place.found
    if place.word == 1:
        notes.begun[word] = place.line
    if notes.held[word] == place.line:
        return place.found
    notes.held[word] = place.line
    notes.found[place.found] = word
    return place.found + 1


@compiled
def _may_hold(phrases: _Phrases, phrase: int, notes: _Notes, line: int) -> bool:
    """Tell whether a line holds a word of each place of a phrase."""
    for place in _items(phrases.places, phrase):  # noqa: SIM110 -- compiled
        if not _holds_one(_items(phrases.words, place), notes.held, line):
            return False
    return True


@compiled
def _holds_one(words: NDArray[np.int64], held: NDArray[np.int64], line: int) -> bool:
    for word in words:  # noqa: SIM110 -- compiled
        if held[word] == line:
            return True
    return False


@compiled
def _items(lists: _Lists, number: int) -> NDArray[np.int64]:
    return lists.items[lists.starts[number] : lists.starts[number + 1]]
