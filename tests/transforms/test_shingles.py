"""Shingles: what counts as a word, and hashes that are the same everywhere."""

import numpy as np
import polars as pl
import pytest

from transforms.letters import TextColumn, text_at
from transforms.shingles import read_words, shingle, texts_of


def words_of(text: str) -> list[int]:
    column = TextColumn(pl.Series([text]))
    words = np.empty(len(text.encode()) + 1, np.uint64)
    return [int(word) for word in words[: read_words(texts_of(column), 0, words)]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Tide turned", "the tide TURNED"),
        ("“The tide” – turned…", '"The tide" - turned...'),
        ("The tide\n\nturned.", "The   tide turned"),
        ("L’été s’achève", "l'été s'achève"),
        ("Ёлка", "елка"),
        ("قالَ الرجل؟", "قال الرجل"),
        ("潮が、変わった。", "潮が変わった"),
    ],
)
def test_case_punctuation_and_white_space_do_not_count(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("… — !", 0),
        ("one two-three", 3),
        ("潮目が", 3),
        ("2026年 ok", 3),
        ("ไทย", 3),
        ("한국 사람", 2),
        ("𠀀𠀁", 2),
        ("👩‍👩‍👧 end", 1),
    ],
)
def test_words_are_runs_of_letters_and_characters_of_unspaced_scripts(text: str, count: int) -> None:
    assert len(words_of(text)) == count


def hash_of(word: str) -> int:
    """FNV-1a over letters, and the finalizer of SplitMix64, in numbers without bounds."""
    key = 0xCBF29CE484222325
    for letter in word:
        key = (key ^ ord(letter)) * 0x100000001B3 % 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        key = (key ^ (key >> shift)) * factor % 2**64
    return key ^ (key >> 31)


def test_hashes_are_the_same_on_every_machine_and_in_every_version() -> None:
    assert words_of("Tide Ébb прилив 潮") == [hash_of(word) for word in ("tide", "ébb", "прилив", "潮")]
    assert hash_of("tide") == 0xF44EC702B141432F


def test_shingles_are_every_few_words_in_a_row() -> None:
    words = np.array([1, 2, 3, 4, 1, 2, 3], np.uint64)
    shingles = np.empty(7, np.uint64)
    assert shingle(words, 7, 3, shingles) == 5
    assert shingles[0] == shingles[4]
    assert len(set(shingles[:5].tolist())) == 4


def test_order_of_words_counts() -> None:
    shingles = np.empty((2, 3), np.uint64)
    for row, words in enumerate(([1, 2, 3], [3, 2, 1])):
        shingle(np.array(words, np.uint64), 3, 3, shingles[row])
    assert shingles[0, 0] != shingles[1, 0]


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2)])
def test_a_short_text_is_one_shingle(count: int, expected: int) -> None:
    assert shingle(np.arange(1, 5, dtype=np.uint64), count, 3, np.empty(4, np.uint64)) == expected


def test_texts_are_read_where_they_lie() -> None:
    """Short texts lie in the view, longer ones in buffers, of which a column put together of many has many."""
    texts = ["short", "a text that is too long for the view", "", "exactly 12 B", "exactly 13 By", "ж" * 6]
    chunked = pl.concat([pl.Series([text, "x", text]) for text in texts for _ in range(3)], rechunk=False)
    column = chunked.filter(chunked != "x")[1:]
    read = TextColumn(column)
    found = [text_at(address, length) for address, length in zip(read.addresses, read.lengths, strict=True)]
    assert [bytes(text).decode() for text in found] == column.to_list()
