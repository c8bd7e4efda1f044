"""What each rule on a record asks of it, by the code under which `records.toml` declares the rule.

Decides when a record passes, and how a failure is put into words with the figures that decided. A condition is true
also where there is nothing to judge: a text that is missing is the matter of `missing_body` alone. What cleaning has
noticed on the way (`observations`) is taken from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from expectations.declared import thresholds as declared_thresholds
from expectations.refusals import refusal_phrase, refusal_title
from transforms.markup import REFERENCE
from transforms.prose_signs import (
    capital_share,
    common_word_share,
    cut_off_end,
    dangling_end,
    letter_share,
    mark_share,
    misread_characters,
    numbered_share,
    odd_word_share,
    program_text,
    repeated_share,
)

LEAST_PROSE_CHARS = 200
"""Characters of a body from which on it must look like prose: results and rates are told in a line of figures."""

WIDE_LETTER = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
"""Letters that say about as much as three of an alphabet: a news flash of ten of them is a whole sentence."""

WIDE_LETTER_CHARS = 3

BLOCK_PAGE = "block_page"

OF_ARTICLES = ("external_id", "url", "headline", "dek")
"""Fields one of which an article has, if it has neither text nor authors; error messages have a time and a language."""

PLACEHOLDER = (
    r"(?i)^\W*(?:n/?a|null|none|nil|nan|undefined|unknown|tbd|todo|test|untitled|no title|\[object Object\])\W*$"
)
"""What exporters write where they have nothing; a headline of one such word is none."""

GIVEN_VALUE = r'":(?:"[^"]|[^"n])'
"""Within a JSON object: a value other than null and the empty text."""

ODD_AUTHOR = r"(?i)@\w+\.|https?://|\d{4,}|^\W*(?:n/?a|null|none|undefined|\[object object\])\W*$|[<>{}]"
URL_WITH_HOST = r"(?i)^[a-z][a-z0-9+.-]*:(?://(?:[^\s/@]+@)?(?:[^\s/.]+\.[^\s/]+|localhost|\[[0-9a-f:]+\])|[^\s/]\S*$)"
"""An address has a scheme, and a host with a dot, or is of a kind that has no host, such as `urn:`."""

_OBSERVED = {
    "mojibake_repaired": "Wrongly decoded characters were repaired.",
    "control_characters": "Control characters were taken out of the text.",
    "headline_mismatch": (
        "Headline or dek seem to belong to another text; record_evidence names the words that this one lacks."
    ),
    "ambiguous_date": "Day and month of a date cannot be told apart.",
    "unreadable_date": "A date was given that cannot be read.",
    "language_mismatch": "The declared language is not the detected one.",
    "early_date": "A date lies before 1800.",
    "future_date": "A date lies in the future.",
}
"""Code and finding of each thing that cleaning may notice, and that is a rule as it is."""

Thresholds = Mapping[str, float]
"""Bounds that a source declares, by name; those that it does not are the declared ones."""


class Condition(NamedTuple):
    """What a rule asks.

    Attributes:
        passes: Makes the expression that is true where the record is fine; true also where there is nothing to judge.
        finding: Makes the expression that puts a failure into words, with the figures that decided.
    """

    passes: Callable[[], pl.Expr]
    finding: Callable[[], pl.Expr]


@dataclass(frozen=True)
class Phrases:
    """What conditions look for in a text.

    Attributes:
        block_pages: What a site says when it turns a reader away (see `refusals`).
        common_words: The commonest words of a language, by its code.
    """

    block_pages: Sequence[str] = ()
    common_words: Mapping[str, Sequence[str]] = field(default_factory=dict)


def conditions(thresholds: Thresholds, *, phrases: Phrases) -> Mapping[str, Condition]:
    """Return the condition of every rule that no parser decides, by its code."""
    bounds = {name: bound.value for name, bound in declared_thresholds().items()} | dict(thresholds)
    return {
        **_presence(bounds),
        BLOCK_PAGE: _block_page(bounds, phrases.block_pages),
        **_prose(bounds, phrases.common_words),
        **_damage(bounds),
        **_fields(bounds),
        **{code: Condition(_unobserved(code), _said(finding)) for code, finding in _OBSERVED.items()},
    }


def _said(text: str) -> Callable[[], pl.Expr]:
    return lambda: pl.lit(text)


def _unobserved(code: str) -> Callable[[], pl.Expr]:
    return lambda: ~_is_observed(code)


def _is_observed(code: str) -> pl.Expr:
    return pl.col("observations").list.contains(code).fill_null(value=False)


def _has_text() -> pl.Expr:
    return pl.col("body").str.contains(r"\S").fill_null(value=False)


def _is_article() -> pl.Expr:
    """Whether anything is there that an article has; of an empty row, such as spreadsheets end in, all is missing."""
    has_field = pl.any_horizontal(pl.col(name).is_not_null() for name in OF_ARTICLES)
    is_empty = ~pl.col("extra").str.contains(GIVEN_VALUE).fill_null(value=False)
    return _has_text() | has_field | (pl.col("authors").list.len() > 0) | is_empty


def _presence(bounds: Thresholds) -> Mapping[str, Condition]:
    """What any text must meet; those on a text's shape leave a missing one to `missing_body`."""
    least_chars, least_letters = bounds["min_body_chars"], bounds["min_letter_share"]
    return {
        "missing_body": Condition(lambda: _has_text() | _is_observed(BLOCK_PAGE), _said("The record has no text.")),
        "no_article": Condition(
            lambda: _is_article() | _is_observed(BLOCK_PAGE),
            lambda: pl.format("None of the fields is one that articles have: {}", pl.col("extra").str.head(200)),
        ),
        "body_too_short": Condition(
            lambda: ~_has_text() | (_text_length(least_chars) >= least_chars),
            lambda: pl.format(f"The body has {{}} characters; at least {least_chars:g} are needed.", _body_chars()),
        ),
        "not_prose": Condition(
            lambda: ~_has_text() | (letter_share(pl.col("body")) >= least_letters),
            lambda: pl.format(
                f"Of the characters, {{}}% are letters; at least {least_letters:.0%} are needed.",
                _percent(letter_share(pl.col("body"))),
            ),
        ),
    }


def _percent(share: pl.Expr) -> pl.Expr:
    return (share * 100).round(1)


def _body_chars() -> pl.Expr:
    return pl.col("body").str.len_chars().cast(pl.Int64)


def _text_length(bound: float) -> pl.Expr:
    """Length with wide letters weighted; they are counted only where they can matter, below `bound`."""
    short = pl.when(_body_chars() < bound).then("body")
    extra = short.str.count_matches(WIDE_LETTER).fill_null(0).cast(pl.Int64) * (WIDE_LETTER_CHARS - 1)
    return _body_chars() + extra


def _block_page(bounds: Thresholds, block_pages: Sequence[str]) -> Condition:
    longest = bounds["block_page_max_chars"]
    short_headline = pl.when((_body_chars() <= longest).fill_null(value=True)).then("headline")
    refusal = pl.coalesce(
        refusal_phrase(pl.col("body"), block_pages, max_chars=longest), refusal_title(short_headline, block_pages)
    )
    refused = pl.format(
        "The text, {} characters long, or its headline says what a site says instead of an article: '{}'.",
        _body_chars().fill_null(0),
        refusal,
    )
    return Condition(
        lambda: refusal.is_null() & ~_is_observed(BLOCK_PAGE),
        lambda: pl.coalesce(refused, pl.lit("All of the text asks for consent or a subscription.")),
    )


def _prose(bounds: Thresholds, common_words: Mapping[str, Sequence[str]]) -> Mapping[str, Condition]:
    """What a text must look like."""
    body, language = pl.col("body"), pl.col("language")
    letters, common, repeated = (
        bounds[name] for name in ("usual_letter_share", "min_common_word_share", "max_repeated_share")
    )
    common_share = common_word_share(body, language, common_words)
    return {
        "truncated_body": Condition(
            lambda: ~(cut_off_end(body) | dangling_end(body, language, common_words)),
            lambda: pl.format("The body ends in '{}'.", body.str.tail(60)),
        ),
        "many_symbols": Condition(
            lambda: (_body_chars() < LEAST_PROSE_CHARS).fill_null(value=True) | (letter_share(body) >= letters),
            lambda: pl.format(
                f"Of the characters, {{}}% are letters; {letters:.0%} are usual.", _percent(letter_share(body))
            ),
        ),
        "unlike_language": Condition(
            lambda: (common_share >= common).fill_null(value=True),
            lambda: pl.format(
                f"Of the words, {{}}% are common ones of the language; {common:.0%} are usual.", _percent(common_share)
            ),
        ),
        "repeated_lines": Condition(
            lambda: (repeated_share(body) <= repeated).fill_null(value=True),
            lambda: pl.format("Of the paragraphs, {}% say what another one says.", _percent(repeated_share(body))),
        ),
    }


def _damage(bounds: Thresholds) -> Mapping[str, Condition]:
    """What is left of damage after cleaning."""
    body = pl.col("body")
    odd, capitals, numbered, marks = (
        bounds[name] for name in ("max_odd_word_share", "max_capital_share", "max_numbered_share", "min_mark_share")
    )
    is_short = (_body_chars() < LEAST_PROSE_CHARS).fill_null(value=True)
    return {
        "odd_words": Condition(
            lambda: is_short | (odd_word_share(body) <= odd),
            lambda: pl.format(
                "Of the words, {}% mix alphabets or digits, or have no end.", _percent(odd_word_share(body))
            ),
        ),
        "all_capitals": Condition(
            lambda: is_short | (capital_share(body) <= capitals).fill_null(value=True),
            lambda: pl.format("Of the letters, {}% are capitals.", _percent(capital_share(body))),
        ),
        "numbered_lines": Condition(
            lambda: (numbered_share(body) <= numbered).fill_null(value=True),
            lambda: pl.format("Of the lines, {}% begin with a number.", _percent(numbered_share(body))),
        ),
        "marks_lost": Condition(
            lambda: (mark_share(body) >= marks).fill_null(value=True),
            lambda: pl.format(
                f"To a hundred letters there are {{}} combining marks; {100 * marks:g} are the least.",
                _percent(mark_share(body)),
            ),
        ),
        "program_text": Condition(
            lambda: ~program_text(body),
            lambda: pl.format("The text is meant for a program: '{}'.", body.str.head(120)),
        ),
        "mojibake_left": Condition(
            lambda: ~misread_characters(body), _said("Characters are left that could not be read, or were misread.")
        ),
        "markup_left": Condition(
            lambda: ~(_is_observed("markup_left") | body.str.contains(REFERENCE).fill_null(value=False)),
            _said("HTML markup is left in the body."),
        ),
    }


def _fields(bounds: Thresholds) -> Mapping[str, Condition]:
    """What the fields beside the body must look like."""
    longest, longest_author = bounds["max_headline_chars"], bounds["max_author_chars"]
    headline, url = pl.col("headline"), pl.col("url")
    author = pl.element()
    is_odd = author.str.contains(ODD_AUTHOR) | (author.str.len_chars() > longest_author)
    return {
        "headline_too_long": Condition(
            lambda: (headline.str.len_chars() <= longest).fill_null(value=True),
            lambda: pl.format(
                f"The headline has {{}} characters; up to {longest:g} are usual.", headline.str.len_chars()
            ),
        ),
        "placeholder_field": Condition(
            lambda: ~headline.str.contains(PLACEHOLDER).fill_null(value=False),
            lambda: pl.format("The headline says '{}'.", headline),
        ),
        "odd_authors": Condition(
            lambda: ~pl.col("authors").list.eval(is_odd).list.any().fill_null(value=False),
            lambda: pl.format(
                "Among the authors stands what is no name: '{}'.", pl.col("authors").list.join("; ").str.head(200)
            ),
        ),
        "malformed_url": Condition(
            lambda: url.str.contains(URL_WITH_HOST).fill_null(value=True),
            lambda: pl.format("'{}' is no address that leads anywhere.", url.str.head(200)),
        ),
    }
