"""What the reference table of phrases says, in the forms in which it is asked.

The table has `language`, `kind`, `pattern` and `example`. Kinds of `PHRASE_KINDS` are patterns that a whole line is
compared with (see `phrases`); those of `WORD_KINDS` are lists of words that rules elsewhere are made of.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from transforms.phrases import Phrases

PHRASE_KINDS: Mapping[str, str] = {
    "paywall": "paywall",
    "newsletter": "newsletter",
    "share": "share",
    "related": "related",
    "comments": "comments",
    "consent": "consent",
    "image_credit": "image_credit",
    "caption": "caption",
    "bio_phrase": "author_bio",
    "donation": "other_boilerplate",
    "navigation": "other_boilerplate",
    "other_boilerplate": "other_boilerplate",
}
"""Kind of the table to kind of the span."""

COMMON_KINDS = ("common_word", "function_word")
"""Kinds of words that stand in texts of any topic."""

LABEL_KINDS = frozenset({"share", "related", "comments", "navigation"})
"""Kinds of phrases that stand on buttons and labels, and not in sentences of any length."""

CUE_KINDS: Mapping[str, str] = {
    "newsletter_cue": "newsletter",
    "paywall_cue": "paywall",
    "donation_cue": "other_boilerplate",
    "consent_cue": "consent",
    "comments_cue": "comments",
    "share_cue": "share",
}
"""Kind of words that appeals to the reader are made of (see `appeals`) to kind of the span."""

WORD_KINDS = CUE_KINDS.keys() | frozenset(
    {
        "call",
        "common_word",
        "edited",
        "link_label",
        "month",
        "network",
        "no_name",
        "opening",
        "person",
        "reported",
        "reader",
        "section",
        "weekday",
        "you",
        "agency",
        "bio_role",
        "bio_verb",
        "byline_label",
        "caption_label",
        "caption_place",
        "credit_label",
        "figure_label",
        "function_word",
        "image_agency",
        "share_word",
        "speech",
        "thread_word",
        "title",
    }
)

LOOKED_FOR = (
    *CUE_KINDS,
    "thread_word",
    *("network", "link_label", "section", "credit_label", "image_agency"),
    *("caption_label", "caption_place", "figure_label"),
    *("byline_label", "reader", "bio_role"),
)
"""Kinds of words without which a rule for lines does not apply, and which are looked for in every line."""


@dataclass(frozen=True)
class Vocabulary:
    """The table, read.

    Attributes:
        phrases: Patterns of the kinds of `PHRASE_KINDS`, under the kinds of spans.
        words: Words by kind, those of all languages together; stems end in *.
    """

    phrases: Phrases
    words: Mapping[str, Sequence[str]]

    def alternatives(self, kind: str) -> str:
        """Make one regular expression of the words of a kind, longest first, with a space for any white space."""
        longest_first = sorted(self.words[kind], key=lambda word: (-len(word), word))
        return "|".join(word_pattern(word) for word in longest_first)


def word_pattern(word: str) -> str:
    """Make a regular expression of a word of a list, for Python and for polars."""
    escaped = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+").replace(r"\-", "-").replace("'", "['’]")
    return escaped + r"\w*" * word.endswith("*")


def compile_words(words: Iterable[str]) -> re.Pattern[str]:
    """Compile an expression for any of the words of a list, whole and in either case."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(word_pattern, words))})(?!\w)", re.IGNORECASE)


def read_vocabulary(table: pl.DataFrame) -> Vocabulary:
    """Read a table with `language`, `kind` and `pattern`.

    Raises:
        ValueError: if a kind is not known, or a pattern cannot be read.
    """
    unknown = set(table["kind"]) - PHRASE_KINDS.keys() - WORD_KINDS
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no kind of phrase; known are {sorted(PHRASE_KINDS.keys() | WORD_KINDS)}")
    phrases = table.filter(pl.col("kind").is_in(list(PHRASE_KINDS)))
    words = table.filter(pl.col("kind").is_in(sorted(WORD_KINDS)))
    lists = {str(language): _lists(rows) for (language,), rows in words.group_by("language")}
    by_kind = {kind: _lists(words).get(kind, ()) for kind in sorted(WORD_KINDS)}
    common = [word for of_language in lists.values() for kind in COMMON_KINDS for word in of_language.get(kind, ())]
    return Vocabulary(
        phrases=Phrases(
            phrases, lists=lists, common=frozenset(common), kinds={kind: by_kind[kind] for kind in LOOKED_FOR}
        ),
        words=by_kind,
    )


def _lists(table: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    lists: dict[str, dict[str, None]] = {}
    for kind, pattern in table.select("kind", "pattern").iter_rows():
        lists.setdefault(kind, {}).update(dict.fromkeys(pattern.lower().split("|")))
    return {kind: tuple(words) for kind, words in lists.items()}
