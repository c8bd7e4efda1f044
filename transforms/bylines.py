"""Bylines to the names of persons, in their usual spelling.

Decides what in a byline is a name: not its label ("By"), titles, roles, agencies, places, handles or dates. A
semicolon, a bar or a line break always separates; a comma, an "and" or an ampersand only where what stands on both
sides is a name, a role or an agency. So `Smith, John` stays one name. Where nothing reads like a person, what the
source gave is kept as it is, unless it is an agency, a desk, a role or a date.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache

import polars as pl

from transforms.vocabulary import Vocabulary, compile_words, word_pattern

LONGEST_BYLINE = 300  # characters; longer ones are biographies
MOST_BYLINES_KEPT = 4096  # more than a paper has authors, and two megabytes
MOST_NAME_WORDS = 5  # without titles, with particles: "Ludovica van der Meer Sandoval"
LONGEST_ABBREVIATION = 3  # letters and full stop: "Jr."
AND = "and|und|et|y|e|i|oraz|и|&"
"""What joins two names; the Arabic word is written together with the second, and stands where it is read."""

# What Python's \w leaves out of words: accents, vowel signs of Arabic, Hebrew, the Indic scripts and Thai, and joiners.
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963"
    "\u0980-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u200c\u200d"
)

_HARD_SEPARATOR = re.compile(r"\s*(?:[;|•\n]|\s/\s|\s[–—-]\s)\s*")
_SOFT_SEPARATOR = re.compile(
    rf"\s*[,،،]\s*(?:(?:{AND})\s+|و(?=\w{{2}}))?|\s+(?:{AND})\s+|\s+و\s*(?=\w{{3}})|\s*/\s*", re.IGNORECASE
)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\S+@\S+|(?<!\w)@\w+|https?://\S+|www\.\S+|\b\d[\d.:/-]*\b")
_PLACE = re.compile(r"\s+(?:in|from|at|aus|à|en|z|из|в)\s+[^\W\d_a-z].*$|(?<=\w{3})\.\s+[^\W\d_a-z][\w\s-]{2,30}$")
PARTICLES = frozenset(
    [
        "da",
        "das",
        "de",
        "del",
        "della",
        "dem",
        "den",
        "der",
        "des",
        "di",
        "do",
        "dos",
        "du",
        "el",
        "al",
        "bin",
        "bint",
        "ibn",
        "la",
        "las",
        "le",
        "los",
        "ten",
        "ter",
        "van",
        "von",
        "y",
        "zu",
        "abu",
    ]
)
_WORD = re.compile(rf"[^\W\d_][\w.’'ʼ\-{_MARKS}]*")
_CAPITALS_KEPT = re.compile(r"^(?:[A-Z]\.?){1,3}$")


class NameReader:
    """Reads names with the words of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take titles, roles, agencies and labels from `vocabulary`."""
        self._words = vocabulary.words

    @cached_property
    def _label(self) -> re.Pattern[str]:
        labels = sorted(self._words["byline_label"], key=len, reverse=True)
        return re.compile(
            rf"^\W{{0,3}}(?:{'|'.join(map(word_pattern, labels))})(?:\s*:\s*|\.?\s+|(?<=ب))", re.IGNORECASE
        )

    @cached_property
    def _titles(self) -> frozenset[str]:
        titles = (word.rstrip(".") for word in self._words["title"])
        return frozenset(title for title in titles if len(title) > 1 or not title.isascii())  # else it is an initial

    @cached_property
    def _no_names(self) -> frozenset[str]:
        return frozenset(self._words["no_name"])

    @cached_property
    def _date(self) -> re.Pattern[str]:
        """A date with its day and perhaps its time; a month alone may be a name."""
        months, weekdays = ("|".join(map(word_pattern, self._words[kind])) for kind in ("month", "weekday"))
        day = rf"(?:\d{{1,2}}\.?\s+(?:de\s+)?(?:{months})\b\.?|(?:{months})\.?\s+\d{{1,2}}\b)"
        year = r"(?:,?\s+(?:de\s+)?\d{4})?"
        time = r"(?:\W{1,3}\d{1,2}[:.h]\d{2}(?:\s*(?:[ap]\.?m\b\.?|Uhr))?)?"
        return re.compile(rf"\b(?:(?:{weekdays})\W{{1,2}})?{day}{year}{time}", re.IGNORECASE)

    @cached_property
    def _agency(self) -> re.Pattern[str]:
        return re.compile(rf"(?:the\s+)?(?:{'|'.join(map(word_pattern, self._words['agency']))})", re.IGNORECASE)

    @cached_property
    def role(self) -> re.Pattern[str]:
        """What a role begins with, wherever it stands."""
        return compile_words(self._words["bio_role"])

    @cached_property
    def after_name(self) -> re.Pattern[str]:
        """What stands between a name and what its bearer does."""
        return re.compile(rf"\s*(?:[,،:—–-]|(?:{'|'.join(map(word_pattern, self._words['bio_verb']))})(?!\w))")

    def split(self, bylines: pl.Series) -> pl.Series:
        """Names of each byline. Python per distinct byline: 10 us."""
        given = bylines.to_frame("byline")
        distinct = given.unique().drop_nulls()
        names = pl.Series([self.given(byline) for byline in distinct.get_column("byline")], dtype=pl.List(pl.String))
        known = distinct.with_columns(names=names)
        return given.join(known, on="byline", how="left", maintain_order="left").get_column("names")

    def given(self, byline: str) -> list[str]:
        """Names in a field that is known to hold authors: what reads like no person is kept whole."""
        if len(byline) > LONGEST_BYLINE:
            return [byline]
        parts = [part.strip() for part in _HARD_SEPARATOR.split(self.without_label(byline)) if part.strip()]
        return unique(name for part in parts for name in self._given_part(part))

    def _given_part(self, part: str) -> list[str]:
        names = self.persons(part)
        is_no_name = self.is_agency(part) or self._is_role(part) or not self._date.sub("", part).strip(" .,")
        return names if names or is_no_name else [part]

    def without_label(self, byline: str) -> str:
        """A byline without "By"."""
        return self._label.sub("", byline, count=1).strip()

    def has_label(self, line: str) -> bool:
        """Whether a line begins as a byline does."""
        return self._label.match(line) is not None

    def in_byline(self, byline: str) -> Sequence[str]:
        """Names of persons in a byline, with its label or without."""
        return self._in_byline(byline)

    @cached_property
    def _in_byline(self) -> Callable[[str], Sequence[str]]:
        """Bylines are asked for more than once, and recur: a paper has its authors."""
        return lru_cache(MOST_BYLINES_KEPT)(lambda byline: tuple(self.persons(self.without_label(byline))))

    def persons(self, text: str) -> list[str]:
        """Names of persons in a text that names nothing but persons, roles, places and agencies; else none."""
        bare = _PLACE.sub(self._without_place, _ASIDE.sub(" ", self._date.sub(" ", text)))
        names: list[str] = []
        for piece in filter(None, map(_trimmed, _pieces(bare))):
            name = self.person(piece)
            if name is not None:
                names.append(name)
            elif not (self.is_agency(piece) or self._is_role(piece) or self._is_title(piece)):
                return names if names and self._is_role(bare) else []
        return unique(names)

    def _without_place(self, place: re.Match[str]) -> str:
        """Drop what reads like a place, but for a name behind the full stop of a title."""
        before = place.string[: place.start()].split()
        is_name = place[0].startswith(".") and before and self._is_title(before[-1])
        return place[0] if is_name else ""

    def person(self, text: str) -> str | None:
        """The name of one person in its usual spelling, without titles; null where the text is something else."""
        words = text.split()
        while words and self._is_title(words[0]):
            words = words[1:]
        while words and self._is_title(words[-1]):
            words = words[:-1]
        if not 1 < len(words) <= MOST_NAME_WORDS or not all(map(_is_name_word, words)) or _is_particle(words[-1]):
            return None
        if any(len(word) > 1 and word.lower() in self._no_names for word in (words[0], words[-1])):
            return None
        name = " ".join(words)
        return None if self.is_agency(name) or self._is_role(name) else usual_spelling(name)

    def name_length(self, words: Sequence[str]) -> int:
        """How many of the first words may be those of a name, with a comma or a colon behind the last."""
        for number, word in enumerate(words):
            bare = word.rstrip(",،:")
            if not bare or not (self._is_title(word) or _is_name_word(bare)):
                return number
            if bare != word and not self._is_title(word):
                return number + 1
        return len(words)

    def is_agency(self, text: str) -> bool:
        """Whether a text names an agency or a desk, and nobody."""
        return self._agency.fullmatch(text.strip(" .()")) is not None

    def _is_role(self, text: str) -> bool:
        return self.role.search(text) is not None

    def _is_title(self, word: str) -> bool:
        return word.strip(".,").lower() in self._titles


def _pieces(byline: str) -> Iterator[str]:
    for part in _HARD_SEPARATOR.split(byline):
        yield from _SOFT_SEPARATOR.split(part)


def _trimmed(piece: str) -> str:
    """Take off what stands around a name, but for the full stop of an initial or an abbreviation."""
    bare = piece.strip(" -–—:").lstrip(".")
    return bare.removesuffix(".") if len(bare.split(" ")[-1]) > LONGEST_ABBREVIATION else bare


def _is_name_word(word: str) -> bool:
    return _is_particle(word) or (_WORD.fullmatch(word) is not None and not word[0].islower())


def _is_particle(word: str) -> bool:
    return word.lower() in PARTICLES


def usual_spelling(name: str) -> str:
    """Spell a name that is all in capitals as names are spelt; others stay.

    >>> usual_spelling("MARGIT O'NEIL-VAN DER BERG")
    "Margit O'Neil-Van der Berg"
    """
    if not name.isupper():
        return name
    words = [
        word.lower() if number and _is_particle(word) else _capitalized(word)
        for number, word in enumerate(name.split())
    ]
    return " ".join(words)


def _capitalized(word: str) -> str:
    if _CAPITALS_KEPT.match(word) and ("." in word or len(word) == 1):
        return word
    parts = re.split(r"([’'ʼ\-])", word.lower())
    spelt = "".join(
        part[:1].upper() + part[1:] if len(part) > 1 or number == 0 else part for number, part in enumerate(parts)
    )
    return re.sub(r"^Mc(\w)", lambda match: f"Mc{match[1].upper()}", spelt)


def unique(names: Iterator[str] | Sequence[str]) -> list[str]:
    """Names without repetition, whatever their case; the first spelling stays."""
    return list({name.casefold(): name for name in reversed(list(names))}.values())[::-1]
