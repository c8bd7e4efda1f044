"""What a site says instead of an article, and finding it in a text.

Decides when a text says one of the known phrases. Leaves the phrases to a reference table, and what becomes of the
record to the row rules.
"""

from collections.abc import Sequence

import polars as pl

_SITE_NAME = r"\s[|\-–—·»]\s.*$"


def refusal_phrase(body: pl.Expr, phrases: Sequence[str], *, max_chars: float) -> pl.Expr:
    """Return the phrase with which `body` turns a reader away; null where it says none or is longer than `max_chars`.

    Only words count, not case or punctuation. In a phrase, a leading ^ stands for the start of the text and a closing
    $ for its end.
    """
    known = _known(phrases)
    is_short = body.str.len_chars() <= max_chars
    is_hinted = _or_empty(body, where=is_short).str.contains_any(_hints(known), ascii_case_insensitive=True)
    words = pl.concat_str(pl.lit("^"), _bare_words(_or_empty(body, where=is_hinted)), pl.lit("$"))
    return words.str.extract_many(known.implode()).list.first().str.strip_chars("^$")


def refusal_title(headline: pl.Expr, phrases: Sequence[str]) -> pl.Expr:
    """Return the phrase that is all of `headline`, but for the name of the site behind a bar or a dash; else null.

    Of an error page, the headline says what it is, and the text below only what to do. A number alone says nothing: it
    may be that of a page, or of a record.
    """
    words = _bare_words(headline.str.replace(_SITE_NAME, ""))
    titles = _known(phrases).str.strip_chars("^$")
    return pl.when(words.is_in(titles.filter(titles.str.contains(r"\p{L}")).implode())).then(words)


def _known(phrases: Sequence[str]) -> pl.Series:
    return pl.Series("phrase", phrases, dtype=pl.String()).to_frame().select(_bare_words(pl.col("phrase")))["phrase"]


def _or_empty(text: pl.Expr, *, where: pl.Expr) -> pl.Expr:
    # Empty, not null: polars brings the text behind a null to lower case as well, which costs as much as all of it.
    return pl.when(where).then(text).otherwise(pl.lit(""))


def _bare_words(text: pl.Expr) -> pl.Expr:
    """Reduce a text to words in lower case, one space apart, and the marks ^ and $."""
    return text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}^$]+", " ").str.strip_chars(" ")


def _hints(phrases: pl.Series) -> pl.Series:
    """Return a word of each phrase that a text must hold to say the phrase, less its first letter, in either case.

    Bringing 20,000 articles to bare words takes 0.8 s; looking for the hints first leaves few of them, in 0.05 s.
    """
    longest = (max(phrase.strip("^$").split(), key=len)[1:] for phrase in phrases)
    hints = sorted({hint for word in longest for hint in (word, word.upper())})
    return pl.Series(hints, dtype=pl.String()).implode()
