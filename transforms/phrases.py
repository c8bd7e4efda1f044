"""Phrase patterns of a reference table, and finding the lines that match them.

A pattern is words in a row, of lower case, one space apart. What stands between the words of a line, be it space,
punctuation or a picture, does not count. Besides plain words there are:

- `stem*`: any word that begins so; `a|b|c*`: one of several; `#`: a number; `@name`: a word of the list of that name;
- `…`: words between, up to `MOST_WORDS_BETWEEN`, or none;
- `^` first and `$` last: the beginning and the end of the line. `$` may also be one of several.

Patterns that begin with ^ are looked up by the first word of a line, others by a word that each must hold, the most
telling one: not a function word, and of `LEAST_HINT_CHARS` letters. Only lines with such a word are compared with the
pattern itself.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

import polars as pl

MOST_WORDS_BETWEEN = 10
STEM_CHARS = 3
HEAD_CHARS = 24
LEAST_HINT_CHARS = 4
SHORT_HINT_CHARS = 6

_WORDS_BETWEEN = "…"
_NO_WORDS = frozenset({"#", "$"})
_NOT_IN_WORDS = r"[^\p{L}\p{M}\p{N}]+"
# Letters that one word is spelt with in two ways: Russian yo, Arabic alif, ya and ta marbuta; Arabic vowel signs.
_FOLDED = {"ё": "е", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": "", "\ufe0f": "", "\u200d": ""}
_TRANSLATED = {ord(letter): folded for letter, folded in _FOLDED.items()}
_SIGNS = r"[\x{64b}-\x{652}]"
_SIGNS_OF_PYTHON = re.compile("[\u064b-\u0652]")

MATCHES = pl.Schema({"id": pl.UInt32(), "kind": pl.String(), "rule": pl.String(), "weight": pl.Int64()})
"""`weight` is 2 for a pattern that covers the line word by word, 1 for others that begin with it, else 0."""


def bare_words(text: pl.Expr) -> pl.Expr:
    """Reduce a text to its words in lower case, with a space before and behind each."""
    folded = text.str.to_lowercase().str.replace_many(_FOLDED).str.replace_all(_SIGNS, "")
    return pl.concat_str(pl.lit(" "), folded.str.replace_all(_NOT_IN_WORDS, " ").str.strip_chars(" "), pl.lit(" "))


def _fold(literal: str) -> str:
    """Reduce a literal of a pattern as `bare_words` reduces a text."""
    lowered = unicodedata.normalize("NFC", literal).lower()
    folded = _SIGNS_OF_PYTHON.sub("", lowered.translate(_TRANSLATED))
    return " ".join(re.findall(r"(?:[^\W_]|[\u0300-\u036f])+", folded))


@dataclass(frozen=True)
class Pattern:
    """A row of the table, compiled.

    Attributes:
        kind: What a line that matches is.
        rule: How the match is named in spans.
        expression: What bare words are compared with.
        first_words: How a line begins that can match: words, or stems that end in *; none where `held` is looked for.
        held: Of which a line that can match holds one, as bare words hold it.
        weight: 2 if the pattern covers the line word by word, 1 if it is anchored, else 0.
    """

    kind: str
    rule: str
    expression: str
    first_words: tuple[str, ...]
    held: tuple[str, ...]
    weight: int

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The expression, compiled when it is first needed: a text needs few of 3,000."""
        return re.compile(self.expression)


def compile_pattern(
    kind: str,
    language: str,
    pattern: str,
    *,
    lists: Mapping[str, Sequence[str]],
    common: AbstractSet[str] = frozenset(),
) -> Pattern:
    """Compile a row of the table; `lists` are what @ refers to, `common` words that are no use to look for.

    Raises:
        ValueError: if the pattern holds no word to look for, a stem of one letter, or a list that there is not.
    """
    tokens = pattern.split()
    is_anchored, is_closed = tokens[:1] == ["^"], tokens[-1:] == ["$"]
    slots = [_alternatives(token, lists) for token in tokens[is_anchored : len(tokens) - is_closed]]
    first_words = _first_words(slots, common) if is_anchored else ()
    held = () if first_words else _most_telling(slots, common) or _most_telling(slots, frozenset())
    if not (first_words or held):
        raise ValueError(f"the pattern {pattern!r} holds no word of {LEAST_HINT_CHARS} letters that tells enough")
    return Pattern(
        kind=kind,
        rule=f"{language}: {pattern}",
        expression=f"{'^' if is_anchored else ''}{''.join(map(_slot_expression, slots))} {'$' if is_closed else ''}",
        first_words=first_words,
        held=held,
        weight=is_anchored + (is_anchored and is_closed and _WORDS_BETWEEN not in tokens),
    )


def _alternatives(token: str, lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Literals of a token, stems ending in *; `…`, `#` and `$` stand for themselves."""
    if token == _WORDS_BETWEEN:
        return (token,)
    return tuple(literal for part in token.split("|") for literal in _literals(part, lists))


def _literals(part: str, lists: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if part in _NO_WORDS:
        yield part
        return
    if part.startswith("@") and part[1:] not in lists:
        raise ValueError(f"there is no list {part!r} in its language")
    for word in lists[part[1:]] if part.startswith("@") else (part,):
        literal = _fold(word) + "*" * word.endswith("*")
        if len(literal) < 1 + 2 * literal.endswith("*"):
            raise ValueError(f"{word!r} is no word and no stem of two letters or more")
        yield literal


def _slot_expression(slot: Sequence[str]) -> str:
    if slot == (_WORDS_BETWEEN,):
        return rf"(?: [^ ]+){{0,{MOST_WORDS_BETWEEN}}}?"
    return f"(?:{'|'.join(map(_word_expression, slot))})"


def _word_expression(word: str) -> str:
    if word in _NO_WORDS:
        return {"#": r" \d[^ ]*(?: \d+)*", "$": "(?= $)"}[word]
    return " " + (re.escape(word[:-1]) + "[^ ]*" if word.endswith("*") else re.escape(word) + "(?= )")


def _first_words(slots: Sequence[Sequence[str]], common: AbstractSet[str]) -> tuple[str, ...]:
    """Return how lines begin that an anchored pattern can match; nothing where too many do and others tell more."""
    first = slots[0] if slots and slots[0] != (_WORDS_BETWEEN,) else ()
    if common & {word.split()[0] for word in first} and _most_telling(slots, common):
        return ()
    return tuple(dict.fromkeys(word.split()[0] for word in first if word != "$"))


def _most_telling(slots: Sequence[Sequence[str]], common: AbstractSet[str]) -> tuple[str, ...]:
    """Return the words of the slot whose shortest is longest, as a line holds them; none of a slot with common ones."""
    named = [slot for slot in slots if slot != (_WORDS_BETWEEN,) and not (_NO_WORDS | common) & set(slot)]
    best = max(named, key=lambda slot: min(map(_hint_chars, slot)), default=())
    if not best or min(map(_hint_chars, best)) < LEAST_HINT_CHARS:
        return ()
    return tuple(f" {word[:-1]}" if word.endswith("*") else f" {word} " for word in best)


def _hint_chars(word: str) -> int:
    return max(map(len, word.removesuffix("*").split()))


class Phrases:
    """The patterns of a table, ready to be looked for."""

    def __init__(
        self, rows: pl.DataFrame, *, lists: Mapping[str, Mapping[str, Sequence[str]]], common: AbstractSet[str]
    ) -> None:
        """Compile the rows of a table with `language`, `kind` and `pattern`; `lists` are by language and name.

        Raises:
            ValueError: if a pattern cannot be read.
        """
        folded = frozenset(map(_fold, common))
        self._patterns = [
            compile_pattern(kind, language, pattern, lists=lists.get(language, {}), common=folded)
            for language, kind, pattern in rows.select("language", "kind", "pattern").iter_rows()
        ]

    @cached_property
    def _by_word(self) -> pl.DataFrame:
        words = ((n, word) for n, pattern in enumerate(self._patterns) for word in pattern.first_words)
        return _table((n, word) for n, word in words if not word.endswith("*"))

    @cached_property
    def _by_stem(self) -> pl.DataFrame:
        words = ((n, word) for n, pattern in enumerate(self._patterns) for word in pattern.first_words)
        return _table((n, word[:-1][:STEM_CHARS]) for n, word in words if word.endswith("*"))

    @cached_property
    def _by_held(self) -> pl.DataFrame:
        return _table((n, word) for n, pattern in enumerate(self._patterns) for word in pattern.held)

    @cached_property
    def _hints(self) -> pl.Series:
        """What a line behind a space holds, in either case, that holds a literal.

        It is the longest part that is spelt in one way only; a short one has to begin a word.
        """
        spelt = "".join(_FOLDED) + "".join(_FOLDED.values())
        parts = {max(re.split(f"[ {spelt}]", literal), key=len) for literal in self._by_held["literal"]}
        hints = {hint for part in parts for hint in _in_any_case(part)}
        return pl.Series(sorted(hints), dtype=pl.String()).implode()

    def find(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Find the patterns that `lines` (`id`, `line`) match: a frame of schema `MATCHES`, sorted by line.

        Python per line that holds a literal.
        """
        pairs = pl.concat([*self._pair_beginnings(lines), self._pair_held(lines)])
        keys = lines.join(pairs.select("id").unique(), on="id", how="semi").select("id", key=bare_words(pl.col("line")))
        found = pairs.join(keys, on="id").sort("id", "pattern")
        matches = [
            (line, pattern.kind, pattern.rule, pattern.weight)
            for line, number, key in found.select("id", "pattern", "key").iter_rows()
            for pattern in (self._patterns[number],)
            if pattern.regex.search(key)
        ]
        return pl.DataFrame(matches, schema=MATCHES, orient="row")

    def _pair_beginnings(self, lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
        first = bare_words(pl.col("line").str.head(HEAD_CHARS)).str.extract(r"^ (\S+)")
        heads = lines.select("id", first=pl.when(first.str.contains(r"^\d")).then(pl.lit("#")).otherwise(first))
        yield heads.join(self._by_word, left_on="first", right_on="literal").select("id", "pattern")
        stems = heads.select("id", pl.col("first").str.head(STEM_CHARS))
        yield stems.join(self._by_stem, left_on="first", right_on="literal").select("id", "pattern")

    def _pair_held(self, lines: pl.DataFrame) -> pl.DataFrame:
        hinted = lines.filter((pl.lit(" ") + pl.col("line")).str.contains_any(self._hints, ascii_case_insensitive=True))
        literals = pl.lit(self._by_held["literal"].unique().implode())
        held = bare_words(pl.col("line")).str.extract_many(literals, overlapping=True)
        pairs = hinted.select("id", literal=held).explode("literal").unique()
        return pairs.join(self._by_held, on="literal").select("id", "pattern").unique()


def _table(pairs: Iterable[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(pairs), schema={"pattern": pl.UInt32(), "literal": pl.String()}, orient="row")


def _in_any_case(part: str) -> Iterator[str]:
    """Spell a part as it may stand in a line; the case of ASCII does not count there."""
    if not part.isascii():
        yield from (part, part.upper(), part[:1].upper() + part[1:])
    elif len(part) <= SHORT_HINT_CHARS:
        yield from (mark + part for mark in " -'’(“\"«")
    else:
        yield part
