"""Which records are one article: exact copies, regardless of case, quotes, dashes and white space.

Decides membership and the canonical record from content alone: never from the order of arrival, never from
`record_id`, so that neither shows in the articles. The canonical record is the earliest by `published_at`; ties break
by `body_sha256`, source, external id, URL and all that an article shows of its record, in that order, and records equal
in all of these are interchangeable.

Loading decides when; what a body's key is, is decided in cleaning (`match_key`).
"""

from dataclasses import dataclass

import polars as pl

from transforms.schema import RECORD_ARTICLES

CANONICAL_ORDER = (
    *("published_at", "body_sha256", "source", "external_id", "url", "headline", "dek"),
    *("authors", "headings", "language", "word_count", "record_id"),
)
"""Earliest first, nulls last; `record_id` only makes the choice among interchangeable records repeatable."""

MEMBER_COLUMNS = (
    *("record_id", "match_key", "published_at", "body_sha256", "source", "external_id", "url", "headline", "dek"),
    *("authors", "language", "headings", "word_count", "ingested_at", "flags"),
)
"""What has to be known of a record to place it: no bodies."""

METHOD = "exact_body"


@dataclass(frozen=True)
class Decisions:
    """Rows to append: `record_articles` that are new or changed, and `articles` that were touched."""

    record_articles: pl.DataFrame
    articles: pl.DataFrame


def match_exact_copies(new: pl.DataFrame, stored: pl.DataFrame) -> Decisions:
    """Place the `new` records among the `stored` ones that share a `match_key` with them.

    Both have MEMBER_COLUMNS; `stored` also has `relation` and `matched_record_id` as decided before. The rows lack
    the columns that say which run decided.
    """
    undecided = pl.lit(None, dtype=pl.String())
    members = pl.concat(
        [
            new.select(*MEMBER_COLUMNS, relation=undecided, matched_record_id=undecided, is_new=True),
            stored.select(*MEMBER_COLUMNS, "relation", "matched_record_id", is_new=False),
        ]
    ).sort("match_key", *CANONICAL_ORDER, nulls_last=True)
    placed = members.with_columns(
        article_id=_article_id(),
        canonical_record_id=pl.col("record_id").first().over("match_key"),
    )
    return Decisions(record_articles=placed.pipe(_changed_memberships), articles=placed.pipe(_articles))


def emptied_articles(articles: pl.DataFrame, keys_left: pl.Series) -> pl.DataFrame:
    """Return a row without records for each article that records left and that `articles`, as decided, lack now.

    `keys_left` are the match keys that these records had.
    """
    left = pl.DataFrame({"match_key": keys_left}).select(article_id=_article_id()).unique().sort("article_id")
    empty = left.join(articles, on="article_id", how="anti")
    return empty.with_columns(record_count=pl.lit(0, dtype=pl.Int64), is_new=pl.lit(value=False))


def _article_id() -> pl.Expr:
    return pl.concat_str(pl.lit("a_"), pl.col("match_key").str.slice(0, 24))


def _changed_memberships(placed: pl.DataFrame) -> pl.DataFrame:
    is_canonical = pl.col("record_id") == pl.col("canonical_record_id")
    decided = placed.select(
        "record_id",
        "article_id",
        pl.when(is_canonical).then(pl.lit("canonical")).otherwise(pl.lit("exact_copy")).alias("relation"),
        pl.when(~is_canonical).then("canonical_record_id").alias("matched_record_id"),
        pl.when(~is_canonical).then(1.0).alias("jaccard"),
        pl.when(~is_canonical).then(1.0).alias("containment"),
        pl.when(~is_canonical).then(pl.lit(METHOD)).alias("method"),
        earlier_relation="relation",
        earlier_match="matched_record_id",
    )
    is_changed = pl.col("relation").ne_missing(pl.col("earlier_relation")) | pl.col("matched_record_id").ne_missing(
        pl.col("earlier_match")
    )
    return decided.filter(is_changed).select(*(name for name in RECORD_ARTICLES.schema if name in decided.columns))


def _articles(placed: pl.DataFrame) -> pl.DataFrame:
    """One row per article from its members, which stand in canonical order; `is_new` where no member was stored.

    Headline and dek are those of the first member that has any which fit its text.
    """
    first = ("canonical_record_id", "authors", "published_at", "language", "headings", "word_count")
    is_fit = ~pl.col("flags").list.contains("headline_mismatch")
    return placed.group_by("article_id", maintain_order=True).agg(
        *(pl.col(name).first() for name in first),
        *(pl.col(name).filter(is_fit).drop_nulls().first() for name in ("headline", "dek")),
        sources=pl.col("source").unique().sort(),
        record_count=pl.len().cast(pl.Int64),
        first_ingested_at=pl.col("ingested_at").min(),
        last_ingested_at=pl.col("ingested_at").max(),
        is_new=pl.col("is_new").all(),
    )
