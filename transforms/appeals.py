"""Appeals to the reader in free wording, told by their words: offers, newsletters, donations, consent, comments.

No phrase is known here, only cues: words for what sites offer ("newsletter", "your account"), an opening ("Join",
"Enjoying this?"), words for the reader and the publisher, a price, an arrow. Each is common in prose; many in one line
are not. What somebody says or did speaks against it. Decides how sure the sign is; whether the line goes is decided in
`labels`.
"""

import re
from collections.abc import Iterable

import polars as pl

from transforms.blocks import ENDS_SENTENCE
from transforms.lines import MOST_BUTTON_CHARS
from transforms.vocabulary import CUE_KINDS, Vocabulary
from transforms.words import bare_words

APPEAL = "appeal"
"""Asks the reader for something; a weak one counts below the article or beside furniture."""
CUES = "cues_of_appeals"
"""Speaks of what sites offer; counts beside furniture."""
APPEAL_RULES = frozenset({APPEAL, CUES})
"""Both go by words that stand in prose as well."""

LONGEST_APPEAL = 320
"""Characters: longer lines tell a story before they ask, and hold as many cues by chance."""
MOST_CUES, MOST_WORDS_FOR_READER = 4, 2
"""How many of a kind count."""
MANY_CUES = 3
"""A statement with as many may state the terms of an offer, though it asks for nothing."""
CHARS_PER_POINT = 100
"""Each hundred characters speak against an appeal: the longer a line, the more cues it holds by chance."""
LIKELY_SCORE, POSSIBLE_SCORE, WEAK_SCORE, LEAST_SCORE = 6, 5, 4, 2
"""Of 46,700 lines of real news, 4 of prose reach the first, 1 the second, 20 the third and 450 the last; of lines of
furniture 3, 4, 5 and 8 in ten."""

_OPENS_AS_SPEECH = r"^\W{0,2}[\"“”„«»‘'’–—-]\s?\p{L}"
_QUOTED = r"[\"“”„«»]"
_QUOTED_NAME = r"[\"“„«][\p{Lu}\p{Lo}][^\"“”„«».!?,:;،]{1,30}[\"”“»]"
"""The name of a paper, as some languages write it."""
_COUNTRY = r"\bUS\b|\bU\.S\."
_PRICE = (
    r"(?i)(?:[$€£¥₽]|\b(?:USD|EUR|PLN)\b)\s?\d|"
    r"\d\s?(?:[$€£¥₽]|(?:zł|PLN|euros?|USD|EUR|руб\p{L}*|دولار\p{L}*|يورو)(?:\W|$))"
)
_QUESTION = r"^[^.!?؟:|]*[?؟]$"
"""Nothing but a question, as in an interview."""
_BUTTON = r"[→›»▶►✉📩📨📧👉❤🎁☕🔓🔒🍪🙏☐✔✓]|[>\]]$|!(?:\s|$)"
_FORMAL = r"[^.!?:–—]\s(?:Sie|Ihr|Ihre[mnrs]?|Ihnen)\b"


class AppealReader:
    """Reads appeals with the words of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take cues, openings, and words for the reader and for speech from `vocabulary`."""
        words = vocabulary.words
        self._cues = {word_kind: _literals(words[word_kind]) for word_kind in CUE_KINDS}
        self._all_cues = _series(cue for cues in self._cues.values() for cue in cues)
        self._readers = _series(_literals(words["reader"]))
        self._opening = "^(?:" + "|".join(map(re.escape, _literals((*words["call"], *words["opening"])))) + ")"
        self._later_call = rf"(?i)[.!?:|→»\]]\s+\W*(?:{vocabulary.alternatives('call')})(?:\W|$)"
        self._inner_cues = _series(hint for cue in self._all_cues if cue[0] != " " for hint in _in_either_case(cue))
        self._speech = _series(_literals((*words["speech"], *words["reported"])))

    def find(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Find lines with cues: `id`, `kind`, and `level` from 0 for mere cues to 3 for likely.

        `lines` have `id`, `line`, `chars`, and whether they hold words of each of `CUE_KINDS`.
        """
        holds_inside = pl.col("line").str.contains_any(self._inner_cues.implode(), ascii_case_insensitive=True)
        may_hold = pl.any_horizontal(*CUE_KINDS, holds_inside)
        worth = lines.filter(pl.col("chars") <= LONGEST_APPEAL).filter(may_hold).select("id", "line", "chars")
        keyed = worth.with_columns(key=bare_words(pl.col("line").str.replace_all(_COUNTRY, "")))
        found = keyed.with_columns(cues=_found(self._all_cues)).filter(pl.col("cues").list.len() > 0)
        scored = found.with_columns(**self._measures()).with_columns(score=_score())
        return scored.with_columns(level=_level()).select("id", kind=self._kind(), level="level").drop_nulls("level")

    def _measures(self) -> dict[str, pl.Expr]:
        line = pl.col("line")
        return {
            "readers": _found(self._readers).list.len() + line.str.contains(_FORMAL).cast(pl.UInt32),
            "is_opened": pl.col("key").str.contains(self._opening),
            "calls_later": line.str.contains(self._later_call),
            "is_priced": line.str.contains(_PRICE),
            "is_button": line.str.contains(_BUTTON),
            "is_quoted": line.str.replace_all(_QUOTED_NAME, "").str.contains(_QUOTED),
            "opens_as_speech": line.str.contains(_OPENS_AS_SPEECH),
            "is_question": line.str.contains(_QUESTION),
            "is_speech": pl.col("key").str.contains_any(pl.lit(self._speech.implode())),
        }

    def _kind(self) -> pl.Expr:
        """The kind of which a line holds most cues; of several, the one that `CUE_KINDS` names first."""
        counts = [
            pl.col("cues").list.set_intersection(pl.lit(_series(cues).implode())).list.len()
            for cues in self._cues.values()
        ]
        first = pl.concat_list(counts).list.arg_max()
        return first.replace_strict(dict(enumerate(CUE_KINDS.values())), return_dtype=pl.String)


def _score() -> pl.Expr:
    """Add up what speaks for an appeal and against it."""
    cues = pl.min_horizontal(pl.col("cues").list.len().cast(pl.Int64), MOST_CUES)
    readers = pl.min_horizontal(pl.col("readers").cast(pl.Int64), MOST_WORDS_FOR_READER)
    opened, calls, priced, button = (_points(name) for name in ("is_opened", "calls_later", "is_priced", "is_button"))
    told = 3 * _points("is_speech") + 3 * _points("is_question") + 2 * _points("opens_as_speech")
    against = told + _points("is_quoted") + pl.col("chars") // CHARS_PER_POINT
    return 2 * cues + readers + 2 * opened + calls + priced + button - against


def _points(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64)


def _level() -> pl.Expr:
    """How sure it is that a line asks for something: 0 to 3, null where it is not worth a look."""
    asks = (pl.col("readers") > 0) | pl.col("is_opened") | pl.col("calls_later")
    asks_twice = (
        pl.col("is_opened") | pl.col("calls_later") | pl.col("is_button") | (pl.col("readers") >= MOST_WORDS_FOR_READER)
    )
    is_button = (pl.col("chars") <= MOST_BUTTON_CHARS) & ~pl.col("line").str.contains(ENDS_SENTENCE)
    is_sure = asks_twice & ((pl.col("readers") > 0) | is_button | (pl.col("score") > LIKELY_SCORE))
    is_statement = pl.col("line").str.contains(ENDS_SENTENCE) & ~asks
    is_full_of_cues = (pl.col("cues").list.len() >= MANY_CUES) & ~pl.col("is_speech")
    return (
        pl.when(pl.col("is_speech") & pl.col("opens_as_speech")).then(None)
        .when(is_sure & (pl.col("score") >= LIKELY_SCORE)).then(3)
        .when(is_sure & (pl.col("score") >= POSSIBLE_SCORE)).then(2)
        .when((asks | is_full_of_cues) & (pl.col("score") >= WEAK_SCORE)).then(1)
        .when(~is_statement & (pl.col("score") >= LEAST_SCORE)).then(0)
        .cast(pl.Int64)
    )  # fmt: skip


def _found(literals: pl.Series) -> pl.Expr:
    return pl.col("key").str.extract_many(pl.lit(literals.implode()), overlapping=True).list.unique()


def _series(literals: Iterable[str]) -> pl.Series:
    return pl.Series(sorted(set(literals)), dtype=pl.String())


def _literals(words: Iterable[str]) -> list[str]:
    """Words as bare words hold them; a star at either end stands for more letters."""
    bare = pl.DataFrame({"word": list(words)}).select("word", bare=bare_words(pl.col("word")).str.strip_chars(" "))
    return [
        ("" if word.startswith("*") else " ") + text + ("" if word.endswith("*") else " ")
        for word, text in bare.iter_rows()
    ]


def _in_either_case(part: str) -> tuple[str, ...]:
    return (part,) if part.isascii() else (part, part.upper(), part.capitalize())
