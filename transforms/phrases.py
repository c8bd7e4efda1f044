"""Phrase patterns of a reference table, and finding the lines that match them.

A pattern is words in a row, of lower case, one space apart. What stands between the words of a line, be it space,
punctuation or a picture, does not count. Besides plain words there are:

- `stem*`: any word that begins so; `a|b|c*`: one of several; `#`: a number; `@name`: a word of the list of that name;
- `…`: words between, up to `MOST_WORDS_BETWEEN`, or none;
- `^` first and `$` last: the beginning and the end of the line. `$` may also be one of several.

Only lines that hold a word of each place of a pattern are compared with it. Patterns that begin with ^ are looked up by
the first word of a line, others by their most telling place: that of the longest words, which have `LEAST_HINT_CHARS`
letters and are no function words, unless there are no others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from transforms.words import NUMBER, Phrase, bare_words, fold_literal

if TYPE_CHECKING:
    from transforms.word_scan import WordScan

MOST_WORDS_BETWEEN = 10
LEAST_HINT_CHARS = 4

_WORDS_BETWEEN = "…"
_END = "$"
_NO_WORDS = frozenset({NUMBER, _END})
_NO_LISTS: Mapping[str, Sequence[str]] = MappingProxyType({})

MATCHES = pl.Schema({"id": pl.UInt32(), "kind": pl.String(), "rule": pl.String(), "weight": pl.Int64()})
"""`weight` is 2 for a pattern that covers the line word by word, 1 for others that begin with it, else 0."""


class Row(NamedTuple):
    """A row of the table."""

    language: str
    kind: str
    pattern: str


@dataclass(frozen=True)
class Pattern:
    """A row of the table, compiled.

    Attributes:
        kind: What a line that matches is.
        rule: How the match is named in spans.
        expression: What bare words are compared with.
        held: What a line that can match holds, the most telling place first.
        weight: 2 if the pattern covers the line word by word, 1 if it is anchored, else 0.
    """

    kind: str
    rule: str
    expression: str
    held: Phrase
    weight: int

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The expression, compiled when it is first needed: a text needs few of 3,000."""
        return re.compile(self.expression)


def compile_pattern(row: Row, *, lists: Mapping[str, Sequence[str]], common: AbstractSet[str] = frozenset()) -> Pattern:
    """Compile a row of the table; `lists` are what @ refers to, `common` words that are no use to look for.

    Raises:
        ValueError: if the pattern holds no word to look for, a stem of one letter, or a list that there is not.
    """
    tokens = row.pattern.split()
    is_anchored, is_closed = tokens[:1] == ["^"], tokens[-1:] == ["$"]
    slots = [_alternatives(token, lists) for token in tokens[is_anchored : len(tokens) - is_closed]]
    held = _held(slots, common, is_anchored=is_anchored)
    if held is None:
        raise ValueError(f"the pattern {row.pattern!r} holds no word of {LEAST_HINT_CHARS} letters that tells enough")
    return Pattern(
        kind=row.kind,
        rule=f"{row.language}: {row.pattern}",
        expression=f"{'^' if is_anchored else ''}{''.join(map(_slot_expression, slots))} {'$' if is_closed else ''}",
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
        literal = _as_literal(word)
        if len(literal) < 1 + 2 * literal.endswith("*"):
            raise ValueError(f"{word!r} is no word and no stem of two letters or more")
        yield literal


def _slot_expression(slot: Sequence[str]) -> str:
    if slot == (_WORDS_BETWEEN,):
        return rf"(?: [^ ]+){{0,{MOST_WORDS_BETWEEN}}}?"
    return f"(?:{'|'.join(map(_word_expression, slot))})"


@cache
def _word_expression(word: str) -> str:
    if word in _NO_WORDS:
        return {"#": r" \d[^ ]*(?: \d+)*", "$": "(?= $)"}[word]
    return " " + (re.escape(word[:-1]) + "[^ ]*" if word.endswith("*") else re.escape(word) + "(?= )")


def _held(slots: Sequence[Sequence[str]], common: AbstractSet[str], *, is_anchored: bool) -> Phrase | None:
    """Return what a line that can match holds; null where nothing tells enough to look the pattern up by."""
    first = slots[0] if is_anchored and slots and not {_WORDS_BETWEEN, _END} & set(slots[0]) else ()
    needed = [slot for slot in slots if slot != (_WORDS_BETWEEN,) and _END not in slot]
    telling = max(
        needed, key=lambda slot: (_telling_chars(slot, common), _telling_chars(slot, frozenset())), default=()
    )
    if not first and not _telling_chars(telling, frozenset()):
        return None
    ordered = [telling, *(slot for slot in needed if slot is not telling)]
    return Phrase([[_longest_word(word) for word in slot] for slot in ordered], [_first_word(word) for word in first])


def _telling_chars(slot: Sequence[str], common: AbstractSet[str]) -> int:
    """Letters of the word that tells least; none where any line may hold one, or where they are few."""
    chars = min((len(_longest_word(word)) for word in slot), default=0)
    return 0 if chars < LEAST_HINT_CHARS or not (_NO_WORDS.isdisjoint(slot) and common.isdisjoint(slot)) else chars


@cache
def _longest_word(literal: str) -> str:
    """Return the longest word of a literal, which a line that holds the literal holds; a stem keeps its mark."""
    return max(literal.split(), key=lambda word: len(word.removesuffix("*")))


def _first_word(literal: str) -> str:
    return literal.split(maxsplit=1)[0]


class Found(NamedTuple):
    """What was found in lines.

    Attributes:
        matches: Schema `MATCHES`, sorted by line.
        kinds: Row for row, a column of booleans for each kind of words: whether the line may hold one; of several words
            in a row only the longest is looked for.
    """

    matches: pl.DataFrame
    kinds: pl.DataFrame


class Phrases:
    """The patterns of a table, and lists of words, ready to be looked for."""

    def __init__(
        self,
        rows: pl.DataFrame,
        *,
        lists: Mapping[str, Mapping[str, Sequence[str]]],
        common: AbstractSet[str],
        kinds: Mapping[str, Sequence[str]] = _NO_LISTS,
    ) -> None:
        """Compile the rows of a table with `language`, `kind` and `pattern`.

        `lists` are by language and name; `kinds` are words that are looked for besides.

        Raises:
            ValueError: if a pattern cannot be read.
        """
        folded = frozenset(map(fold_literal, common))
        self._patterns = [
            compile_pattern(row, lists=lists.get(row.language, {}), common=folded)
            for row in map(Row._make, rows.select(Row._fields).iter_rows())
        ]
        self._kinds = kinds

    @cached_property
    def _scan(self) -> "WordScan":
        from transforms.word_scan import WordScan  # noqa: PLC0415 -- 0.2 s for the compiler, when a text is read

        literals = {kind: filter(None, map(_as_literal, words)) for kind, words in self._kinds.items()}
        return WordScan(
            [pattern.held for pattern in self._patterns],
            {kind: map(_longest_word, of_kind) for kind, of_kind in literals.items()},
        )

    def find(self, lines: pl.DataFrame) -> Found:
        """Look at `lines` (`id`, `line`, `is_asked`): for patterns where that is asked, for words in all.

        Python per pattern and line that holds a word of each of its places.
        """
        candidates, kinds = self._scan.scan(lines)
        keys = lines.join(candidates, on="id", how="semi").select("id", key=bare_words(pl.col("line")))
        compared = candidates.join(keys, on="id").sort("id", "phrase").select("id", "phrase", "key")
        matches = [
            (line, pattern.kind, pattern.rule, pattern.weight)
            for line, number, key in zip(*map(pl.Series.to_list, compared), strict=True)
            for pattern in (self._patterns[number],)
            if pattern.regex.search(key)
        ]
        return Found(pl.DataFrame(matches, schema=MATCHES, orient="row"), kinds)


@cache
def _as_literal(word: str) -> str:
    return fold_literal(word) + "*" * word.endswith("*")
