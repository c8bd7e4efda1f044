"""What a word is when phrases are looked for: letters, marks and digits in a row, in lower case, one spelling each.

Decides what does not count: punctuation, pictures, vowel signs of Arabic, and letters that one word is spelt with in
two ways. The same for whole texts, for literals of patterns, and for single characters, but for the few that have two
letters in lower case.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

NUMBER = "#"
"""Stands for any word that begins with a digit."""

_NOT_IN_WORDS = r"[^\p{L}\p{M}\p{N}]+"
# Letters that one word is spelt with in two ways: final sigma, Russian yo, Arabic alif, ya and ta marbuta; Arabic vowel
# signs.
_FOLDED = {"ς": "σ", "ё": "е", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": "", "\ufe0f": "", "\u200d": ""}
_TRANSLATED = {ord(letter): folded for letter, folded in _FOLDED.items()}
_SIGNS = r"[\x{64b}-\x{652}]"
_SIGNS_OF_PYTHON = re.compile("[\u064b-\u0652]")


class Phrase(NamedTuple):
    """What a line holds that holds a phrase: a word of each place, and one of `first`, if there are any, first.

    The phrase is looked up by `first`, or else by the first place: the rarer its words, the better.
    """

    places: Sequence[Iterable[str]]
    first: Iterable[str]


def bare_words(text: pl.Expr) -> pl.Expr:
    """Reduce a text to its words in lower case, with a space before and behind each."""
    folded = text.str.to_lowercase().str.replace_many(_FOLDED).str.replace_all(_SIGNS, "")
    return pl.concat_str(pl.lit(" "), folded.str.replace_all(_NOT_IN_WORDS, " ").str.strip_chars(" "), pl.lit(" "))


def fold_literal(literal: str) -> str:
    """Reduce a literal of a pattern to its words, as `bare_words` reduces a text, with a space between them."""
    lowered = unicodedata.normalize("NFC", literal).lower()
    folded = _SIGNS_OF_PYTHON.sub("", lowered.translate(_TRANSLATED))
    is_of_word = (letter.isalnum() or unicodedata.category(letter).startswith("M") for letter in folded)
    return " ".join("".join(letter if kept else " " for letter, kept in zip(folded, is_of_word, strict=True)).split())


def fold_characters(characters: pl.Series) -> pl.Series:
    """Reduce each character as `bare_words` does within a word: a space where it parts words, else what is left."""
    words = bare_words(pl.concat_str(pl.lit("a"), characters, pl.lit("a")))
    return pl.select(words.str.slice(2, words.str.len_chars() - 4)).to_series()
