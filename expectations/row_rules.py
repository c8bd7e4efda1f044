"""What must be true of each record on its own, and what becomes of a record that fails.

Decides which records are kept, which are held back and with which reasons, and which warnings a kept record carries.
A record is judged by its own content and its source's thresholds alone: whatever needs other records is a table rule.
Leaves noticing what cleaning saw on the way (`observations`) to cleaning, and asserting the outcomes to `suites`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from expectations.refusals import refusal_phrase

PROSE_SAMPLE_CHARS = 2_000
"""Characters in which letters are counted: the whole of most articles (median 1,100 in 20,000 news articles), at a
third of the cost of reading all of the long ones."""

WIDE_LETTER = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
"""Letters that say about as much as three of an alphabet: a news flash of ten of them is a whole sentence."""

WIDE_LETTER_CHARS = 3

CUT_OFF_CHARS = 60
"""How much of the end of a body is searched for a sign that it was cut off."""

CUT_OFF_END = (
    r"(?i)(?:\[\s*(?:…|\.{3}|\+\d+ chars)\s*\]|[\p{L}\p{N},]\s?(?:…|\.{3})|continue reading|read more)[\s.…→»>]*$"
)
"""Ends of a text that a feed or an API cut off. An ellipsis inside the closing quotation mark is a way of speaking."""

BLOCK_PAGE = "block_page"

IDENTITY = ("record_id", "source", "drop_sha256")
HELD_BACK = ("record_id", "record_no", "drop_sha256", "source", "byte_start", "byte_end")


class Severity(StrEnum):
    """What a failed rule does, mildest first.

    Of a row rule: recorded; the record is flagged; the record is held back. Of a table rule: recorded; an incident;
    the batch is refused.
    """

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class RowRule:
    """A statement about one record.

    Attributes:
        code: Stable code of the failure.
        column: Column the rule looks at.
        severity: What a failure does.
        passes: Makes the expression that is true where the record is fine; true also where there is nothing to judge.
        finding: Makes the expression that puts a failure into words, with the figures that decided.
        reason: Why the rule, and why this bound.
    """

    code: str
    column: str
    severity: Severity
    passes: Callable[[], pl.Expr]
    finding: Callable[[], pl.Expr]
    reason: str


@dataclass(frozen=True)
class RowThresholds:
    """Bounds of the row rules; a source may declare its own.

    Attributes:
        min_body_chars: Characters a body must have, ideographs, kana and Hangul counting three. The shortest of 20,000
            news articles, the caption of a picture, has 10; `undefined` and `[deleted]` have 9.
        min_letter_share: Share of letters and combining marks among the characters of a body that are not space. The
            lowest of those articles is 0.63, a report of exchange rates; half of that leaves room for tables of
            results.
        block_page_max_chars: Characters up to which a text may be a refusal by the site. Such pages have 50 to 700;
            an article that reports on one is seldom shorter than this bound.
    """

    min_body_chars: float = 10
    min_letter_share: float = 0.3
    block_page_max_chars: float = 1_000


@dataclass(frozen=True)
class CheckedRows:
    """Records after the row rules; `accepted` and `rejected` together are the records that came in.

    Attributes:
        accepted: Records as they came, without `observations`, with `flags`: the codes of failed warnings, sorted.
        rejected: HELD_BACK columns, `reasons` (codes of all failed critical rules), `severity` and `detail`.
        outcomes: IDENTITY columns and one Boolean column per rule, true where the record passed; all records.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    outcomes: pl.DataFrame


def row_rules(thresholds: RowThresholds, *, block_phrases: Sequence[str]) -> tuple[RowRule, ...]:
    """Return the rules for the records of one source.

    `block_phrases` are what a site says when it turns a reader away (see `refusals`).
    """
    return (*_text_rules(thresholds), _block_page(thresholds, block_phrases), _truncated_body(), *_observation_rules())


def with_severities(rules: Sequence[RowRule], severities: Mapping[str, Severity]) -> tuple[RowRule, ...]:
    """Return the rules with the severities that a source declares, by code."""
    return tuple(replace(rule, severity=severities.get(rule.code, rule.severity)) for rule in rules)


def apply_row_rules(records: pl.DataFrame, *, rules: Sequence[RowRule]) -> CheckedRows:
    """Judge each record by every rule and part the kept from the held back; order is kept in all three frames.

    `records` are cleaned records with `observations`. A rule that cannot tell (null) counts as failed: what is not
    understood is set aside, never absorbed.
    """
    outcomes = records.select(*IDENTITY, *(rule.passes().fill_null(value=False).alias(rule.code) for rule in rules))
    critical = [rule for rule in rules if rule.severity is Severity.CRITICAL]
    is_kept = outcomes.select(pl.all_horizontal(pl.repeat(value=True, n=pl.len()), *_codes(critical))).to_series()
    warnings = [rule for rule in rules if rule.severity is Severity.WARNING]
    flags = outcomes.select(_failed(warnings).alias("flags")).to_series()
    return CheckedRows(
        accepted=records.drop("observations").with_columns(flags).filter(is_kept),
        rejected=_rejected(records.filter(~is_kept), outcomes.filter(~is_kept).select(_codes(critical)), critical),
        outcomes=outcomes,
    )


def _codes(rules: Sequence[RowRule]) -> list[str]:
    return [rule.code for rule in rules]


def _failed(rules: Sequence[RowRule]) -> pl.Expr:
    """List the codes of the failed rules, sorted."""
    codes = [pl.when(~pl.col(code)).then(pl.lit(code)) for code in sorted(_codes(rules))]
    none = pl.repeat(None, n=pl.len(), dtype=pl.String())
    return pl.concat_list(none, *codes).list.drop_nulls()


def _rejected(records: pl.DataFrame, outcomes: pl.DataFrame, critical: Sequence[RowRule]) -> pl.DataFrame:
    """Describe the records that failed a critical rule."""
    findings = [pl.when(~pl.col(rule.code)).then(rule.finding()) for rule in critical]
    nothing = pl.repeat(None, n=pl.len(), dtype=pl.String())
    return pl.concat([records, outcomes], how="horizontal").select(
        *HELD_BACK,
        _failed(critical).alias("reasons"),
        pl.lit(str(Severity.CRITICAL)).alias("severity"),
        pl.concat_str(nothing, *findings, separator=" ", ignore_nulls=True).alias("detail"),
    )


def _has_text() -> pl.Expr:
    return pl.col("body").str.contains(r"\S").fill_null(value=False)


def _text_rules(thresholds: RowThresholds) -> tuple[RowRule, ...]:
    """Return the rules that any text must meet; those on a text's shape leave a missing one to `missing_body`."""
    return (
        RowRule(
            "missing_body",
            "body",
            Severity.CRITICAL,
            passes=lambda: _has_text() | _is_observed(BLOCK_PAGE),
            finding=lambda: pl.lit("The record has no text."),
            reason="A record needs a body, and nothing but a body.",
        ),
        RowRule(
            "body_too_short",
            "body",
            Severity.CRITICAL,
            passes=lambda: ~_has_text() | (_text_length(thresholds.min_body_chars) >= thresholds.min_body_chars),
            finding=lambda: pl.format(
                f"The body has {{}} characters; at least {thresholds.min_body_chars:g} are needed.", _body_chars()
            ),
            reason="Placeholders such as 'null' or '[deleted]' are no articles, while captions and flashes are.",
        ),
        RowRule(
            "not_prose",
            "body",
            Severity.CRITICAL,
            passes=lambda: ~_has_text() | (_letter_share() >= thresholds.min_letter_share),
            finding=lambda: pl.format(
                f"Of the characters, {{}}% are letters; at least {thresholds.min_letter_share:.0%} are needed.",
                (_letter_share() * 100).round(1),
            ),
            reason="Rules of dashes, figures without words and binary noise have few letters in any script.",
        ),
    )


def _body_chars() -> pl.Expr:
    return pl.col("body").str.len_chars().cast(pl.Int64)


def _text_length(bound: float) -> pl.Expr:
    """Length with wide letters weighted; they are counted only where they can matter, below `bound`."""
    short = pl.when(_body_chars() < bound).then("body")
    extra = short.str.count_matches(WIDE_LETTER).fill_null(0).cast(pl.Int64) * (WIDE_LETTER_CHARS - 1)
    return _body_chars() + extra


def _letter_share() -> pl.Expr:
    """Share of letters among the characters that are not space; combining marks are letters, as Tamil needs them."""
    sample = pl.col("body").str.head(PROSE_SAMPLE_CHARS)
    visible = sample.str.len_chars().cast(pl.Int64) - sample.str.count_matches(r"\s").cast(pl.Int64)
    return 1 - sample.str.count_matches(r"[^\p{L}\p{M}\s]").cast(pl.Int64) / visible


def _block_page(thresholds: RowThresholds, phrases: Sequence[str]) -> RowRule:
    refusal = refusal_phrase(pl.col("body"), phrases, max_chars=thresholds.block_page_max_chars)
    refused = pl.format(
        "The text, {} characters long, says what a site says instead of an article: '{}'.", _body_chars(), refusal
    )
    return RowRule(
        BLOCK_PAGE,
        "body",
        Severity.CRITICAL,
        passes=lambda: refusal.is_null() & ~_is_observed(BLOCK_PAGE),
        finding=lambda: pl.coalesce(refused, pl.lit("All of the text asks for consent or a subscription.")),
        reason="A scraper that was turned away delivers the refusal as if it were the article.",
    )


def _is_observed(code: str) -> pl.Expr:
    return pl.col("observations").list.contains(code).fill_null(value=False)


def _truncated_body() -> RowRule:
    return RowRule(
        "truncated_body",
        "body",
        Severity.WARNING,
        passes=lambda: ~pl.col("body").str.tail(CUT_OFF_CHARS).str.contains(CUT_OFF_END).fill_null(value=False),
        finding=lambda: pl.format("The body ends in '{}'.", pl.col("body").str.tail(CUT_OFF_CHARS)),
        reason="Feeds and APIs cut bodies off and say so at the end; 8 of 20,000 news articles end like this.",
    )


_OBSERVATIONS = (
    (
        "mojibake_repaired",
        "body",
        "Wrongly decoded characters were repaired.",
        "A repair is a guess, and tells that the encoding of the source should be named.",
    ),
    (
        "headline_mismatch",
        "headline",
        "Headline or dek seem to belong to another text; record_evidence names the words that this one lacks.",
        "Scrapers put the headline of one article on top of another; nothing else tells.",
    ),
    (
        "ambiguous_date",
        "published_at",
        "Day and month of a date cannot be told apart.",
        "A guess would be wrong for half of such dates, and nobody would see it.",
    ),
    (
        "unreadable_date",
        "published_at",
        "A date was given that cannot be read.",
        "A text without its date is still worth having.",
    ),
    (
        "language_mismatch",
        "language",
        "The declared language is not the detected one.",
        "The body decides; the declaration is often that of the site's menus.",
    ),
    (
        "early_date",
        "published_at",
        "A date lies before 1800.",
        "An archive may be that old; more often a century, a calendar or an epoch is wrong.",
    ),
    (
        "future_date",
        "published_at",
        "A date lies in the future.",
        "A wrong clock or time zone; articles under embargo are rare, and worth a look too.",
    ),
    (
        "markup_left",
        "body",
        "HTML markup is left in the body.",
        "Readable, but it counts as words and hides copies.",
    ),
)
"""Code, column, finding and reason of each thing that cleaning may notice."""


def _observation_rules() -> tuple[RowRule, ...]:
    """Return one rule for each thing that cleaning may notice."""
    return tuple(
        _observed(code, column, finding=finding, reason=reason) for code, column, finding, reason in _OBSERVATIONS
    )


def _observed(code: str, column: str, *, finding: str, reason: str) -> RowRule:
    return RowRule(
        code,
        column,
        Severity.WARNING,
        passes=lambda: ~_is_observed(code),
        finding=lambda: pl.lit(finding),
        reason=reason,
    )
