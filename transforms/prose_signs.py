"""Signs that a text is not what prose looks like: cut off, misread, without the words of its language.

Decides what each sign is, as an expression on a column of bodies. Leaves what a sign means for the record to the rules.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from transforms.text_repair import MISREAD

PROSE_SAMPLE_CHARS = 2_000
"""Characters in which letters are counted: the whole of most articles (median 1,100 in 20,000 news articles), at a
third of the cost of reading all of the long ones."""

SAMPLE_CHARS = 800
"""Characters in which common words are counted: over a hundred words of any language."""

LEAST_WORDS = 40
"""Words without which the share of common ones says nothing: a flash may do without articles."""

_SPACE = r"[ \n]"
"""White space of a clean text; to look for `\\s`, in all scripts, takes four times as long."""

_CUT_OFF_CHARS = 60
"""How much of the end of a body is searched for a sign that it was cut off."""

_CUT_OFF_END = (
    r"(?i)(?:\[\s*(?:…|\.{3}|\+\d+ chars)\s*\]|[\p{L}\p{N},]\s?(?:…|\.{3})|continue reading|read more)[\s.…→»>]*$"
)
"""Ends of a text that a feed or an API cut off. An ellipsis inside the closing quotation mark is a way of speaking."""

_OPEN_END = r"[\p{L}\p{M}\p{N},;(\[{/&–—-]$"
"""Ends of a text that are no end of a sentence, in any script: a letter, a digit, a comma, an open bracket."""


def cut_off_end(body: pl.Expr) -> pl.Expr:
    """Tell whether the text says at its end that it goes on elsewhere."""
    return body.str.tail(_CUT_OFF_CHARS).str.contains(_CUT_OFF_END).fill_null(value=False)


def open_end(body: pl.Expr) -> pl.Expr:
    """Tell whether the text ends in the middle of a sentence, or without the mark that would end one."""
    return body.str.tail(1).str.contains(_OPEN_END).fill_null(value=False)


def dangling_end(body: pl.Expr, language: pl.Expr, common_words: Mapping[str, Sequence[str]]) -> pl.Expr:
    """Tell whether the last word is one that needs another behind it: an article, a preposition, a comma."""
    tail = body.str.tail(_CUT_OFF_CHARS)
    dangling = tail.str.contains(r"[,(\[{]$")
    for code, words in common_words.items():
        dangling |= (language == code) & tail.str.contains(rf"(?i)[\p{{L}},]\s+(?:{'|'.join(words)})$")
    return dangling.fill_null(value=False)


def misread_characters(body: pl.Expr) -> pl.Expr:
    """Tell whether characters that stand for an error, or look like a wrong decoding, are left."""
    return body.str.contains(f"\ufffd|{MISREAD}").fill_null(value=False)


def common_word_share(body: pl.Expr, language: pl.Expr, common_words: Mapping[str, Sequence[str]]) -> pl.Expr:
    """Return the share of a language's commonest words in the beginning; null where that is short or unknown."""
    sample = body.str.head(SAMPLE_CHARS)
    words = _word_count(sample)
    found = pl.lit(None, dtype=pl.UInt32())
    for code, common in common_words.items():
        # Between word boundaries, so that one boundary serves two words.
        found = (
            pl.when(language == code)
            .then(sample.str.count_matches(rf"(?i)\b(?:{'|'.join(common)})\b"))
            .otherwise(found)
        )
    return pl.when(words >= LEAST_WORDS).then(found / words)


_ODD_WORD = (
    r"\p{Latin}[\p{Cyrillic}\p{Greek}]|[\p{Cyrillic}\p{Greek}]\p{Latin}|\p{Ll}\d+\p{Ll}"
    r"|[\p{L}\p{M}--\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]{40,}"
)
"""Within a word: letters of two alphabets, a digit between small letters, or forty letters of a script with spaces."""

_NUMBERED = r"^\s*\d+[.:)]?\s"

_PLACEHOLDER = r"\{\{[^{}\n]{1,80}\}\}|\{%[^%\n]{1,80}%\}|<%[^%\n]{1,80}%>|\$\{[\w.]{1,80}\}|\[object \w+\]"
"""What a template engine, or JavaScript, leaves where it found no value."""

_KEY = r"^\s*[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+\s*$"
"""A whole text that is the name of a text, such as `article.body.content`."""

_SERIALISED = r"""^\s*(?:(?:\[\s*)?\{\s*["'][^"'\n]{1,60}["']\s*:|\[\s*["'](?s:.)*["']\s*\]\s*$|[aO]:\d+:[{"])"""
"""A text that begins as an object of JSON, Python or PHP does, or is a list of texts."""

_INDIC = (
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}"
)
"""Scripts that write most of their vowels as combining marks."""

_INDIC_SAMPLE_CHARS = 400
_LEAST_INDIC_LETTERS = 40


def odd_word_share(body: pl.Expr) -> pl.Expr:
    """Return the share of words that a machine misspelt: bad scans, look-alike letters, spaces that are gone."""
    sample = body.str.head(PROSE_SAMPLE_CHARS)
    return sample.str.count_matches(_ODD_WORD) / _word_count(sample)


def letter_share(body: pl.Expr) -> pl.Expr:
    """Return the share of letters among the characters that are not space; combining marks are letters in Tamil."""
    sample = body.str.head(PROSE_SAMPLE_CHARS)
    return 1 - _other_signs(sample) / _visible_chars(sample)


def capital_share(body: pl.Expr) -> pl.Expr:
    """Return the share of capitals among the letters, those of scripts without capitals included."""
    sample = body.str.head(PROSE_SAMPLE_CHARS)
    letters = _visible_chars(sample) - _other_signs(sample)  # to count these few costs a fifth of counting letters
    return sample.str.count_matches(r"\p{Lu}") / letters.cast(pl.Float64)


def _word_count(sample: pl.Expr) -> pl.Expr:
    gaps = sample.str.count_matches(_SPACE).cast(pl.Float64) - sample.str.count_matches("\n\n", literal=True)
    return gaps + 1


def _visible_chars(sample: pl.Expr) -> pl.Expr:
    return sample.str.len_chars().cast(pl.Int64) - sample.str.count_matches(_SPACE).cast(pl.Int64)


def _other_signs(sample: pl.Expr) -> pl.Expr:
    return sample.str.count_matches(r"[^\p{L}\p{M}\s]").cast(pl.Int64)


def program_text(body: pl.Expr) -> pl.Expr:
    """Tell whether the text is what programs hand to each other: data, or a template that nobody filled in."""
    return pl.any_horizontal(
        body.str.contains(pattern).fill_null(value=False) for pattern in (_PLACEHOLDER, _KEY, _SERIALISED)
    )


def mark_share(body: pl.Expr) -> pl.Expr:
    """Return how many combining marks there are to a letter of an Indic script; null where there are few letters."""
    sample = body.str.head(_INDIC_SAMPLE_CHARS)
    letters = sample.str.count_matches(rf"[{_INDIC}--\p{{M}}]")
    marks = sample.str.count_matches(rf"[{_INDIC}&&\p{{M}}]").cast(pl.Float64)
    return pl.when(letters >= _LEAST_INDIC_LETTERS).then(marks / letters)


def numbered_share(body: pl.Expr, *, least_lines: int = 5) -> pl.Expr:
    """Return the share of lines that begin with a number; null where there are few."""
    lines = body.str.split("\n").list.eval(pl.element().filter(pl.element().str.contains(r"\S")))
    count = lines.list.len()
    numbered = lines.list.eval(pl.element().str.contains(_NUMBERED)).list.sum()
    return pl.when(count >= least_lines).then(numbered / count.cast(pl.Float64))


def repeated_share(body: pl.Expr, *, least_lines: int = 6) -> pl.Expr:
    """Return the share of paragraphs that say what another one says; null where there are few."""
    lines = body.str.split("\n\n")
    count = lines.list.len()
    return pl.when(count >= least_lines).then(1 - lines.list.n_unique() / count)
