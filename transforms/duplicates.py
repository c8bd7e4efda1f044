"""Which records are one article: who stands for it, and how each other record is related to that one.

Decides from content alone: never from the order of arrival, never from `record_id`. Records whose bodies have one
match key are one text; texts are gathered into stars around the best (see `transforms.relations`). What is best is
said by `rank`, and makes the canonical record of an article too.
"""

import polars as pl

from transforms.dates import EARLY, EPOCHS
from transforms.relations import Thresholds, gather_stars

MEMBER_COLUMNS = (
    *("record_id", "match_key", "published_at", "body_sha256", "source", "external_id", "url", "canonical_url"),
    *("headline", "dek", "authors", "language", "headings", "word_count", "body_chars", "boilerplate_chars"),
    *("ingested_at", "flags"),
)
"""What has to be known of a record to place it: no bodies."""

FORMER_COLUMNS = pl.Schema(
    {
        "was_article": pl.String(),
        "was_relation": pl.String(),
        "was_match": pl.String(),
        "was_jaccard": pl.Float64(),
    }
)
"""Where a record was placed before; null for a new one."""

LENGTH_CLASS = 1.25
"""Texts whose lengths differ by less than about a quarter count as equally complete: a footer that was not recognised
is no merit."""

BOILERPLATE_CLASS = 0.1
"""Shares of boilerplate that differ by less count as equal."""

EXACT, NEAR, OPENING, SHARED_ID = "exact_body", "shingles", "opening", "shared_id"
COPY_OF_REVISION = "copy_of_revision"
"""Methods of a match."""

COPIES = ("exact_copy", "near_copy", "revision", "excerpt")

IDS = ("external_id", "canonical_url")
"""What a source tells its texts apart by."""


def fits_text() -> pl.Expr:
    """Whether a record's headline is not known to be that of another article."""
    return ~pl.col("flags").list.contains("headline_mismatch")


def credible_date() -> pl.Expr:
    """Publication time; null where it is in the future, before there were newspapers, or one that stands for none."""
    date = pl.col("published_at")
    return pl.when(date >= EARLY, ~date.is_in(EPOCHS), ~pl.col("flags").list.contains("future_date")).then(date)


def rank() -> tuple[pl.Expr, ...]:
    """By what records are sorted, the best first, with nulls last.

    Complete text; a headline that fits; known fields; little boilerplate; published early. What follows makes the
    choice one of content: records that are equal in all of it are interchangeable, but for `record_id`, which makes
    their choice repeatable.
    """
    length = pl.max_horizontal("word_count", pl.lit(1)).log(LENGTH_CLASS).floor()
    has_headline = pl.col("headline").is_not_null() & fits_text()
    known = (
        (pl.col("authors").list.len() > 0).cast(pl.Int8)
        + credible_date().is_not_null().cast(pl.Int8)
        + pl.col("dek").is_not_null().cast(pl.Int8)
    )
    removed = pl.col("boilerplate_chars") / (pl.col("boilerplate_chars") + pl.col("body_chars"))
    rest = ("published_at", "body_sha256", "source", "external_id", "url", "headline", "dek", "authors", "headings")
    return (
        -length,
        ~has_headline,
        -known,
        (removed.fill_nan(0) / BOILERPLATE_CLASS).floor(),
        credible_date(),
        *(pl.col(name) for name in (*rest, "language", "word_count", "match_key", "record_id")),
    )


def place_records(members: pl.DataFrame, matches: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Place records among each other.

    Args:
        members: MEMBER_COLUMNS, and what else is to be kept; all records of all texts that are related by `matches`.
        matches: Columns of `ops.matches` that say which texts are related; those of texts without records are left out.
        thresholds: From which figures on texts are copies.

    Returns:
        The members, canonical ones first, then by rank, with `canonical_record_id`, `relation`, `matched_record_id`,
        `jaccard`, `containment` and `method`, as in `record_articles`.
    """
    ranked = members.sort(*rank(), nulls_last=True)
    texts = ranked.select("match_key").unique(maintain_order=True).with_row_index("text")
    pairs = _number(_number(matches, texts, "one"), texts, "other")
    centre = texts.select(gather_stars(texts.height, pairs)).to_series()
    canonical = ranked.unique("match_key", keep="first", maintain_order=True).select(
        "match_key", *(pl.col(name).alias(f"canonical_{name}") for name in ("record_id", "source", *IDS))
    )
    of_texts = texts.with_columns(canonical.drop("match_key")[centre], centre_key=texts.get_column("match_key")[centre])
    figures = _either_way(matches).rename({"other_key": "centre_key"})
    placed = ranked.join(of_texts, on="match_key", maintain_order="left").join(
        figures, on=["match_key", "centre_key"], how="left", maintain_order="left"
    )
    placed = placed.with_columns(is_revision=_is_revision(thresholds)).with_columns(_relation()).pipe(_with_figures)
    not_canonical = pl.col("relation") != "canonical"
    kept = [name for name in placed.columns if name not in {"text", "centre_key", "is_revision", *figures.columns[2:]}]
    return placed.sort(not_canonical, maintain_order=True).select(kept)


def is_moved() -> pl.Expr:
    """Whether a record is new, or is placed otherwise than before."""
    return (
        pl.col("was_article").is_null()
        | (pl.col("article_id") != pl.col("was_article"))
        | (pl.col("relation") != pl.col("was_relation"))
        | pl.col("matched_record_id").ne_missing(pl.col("was_match"))
        | pl.col("jaccard").ne_missing(pl.col("was_jaccard"))
    )


def count_copies(placed: pl.DataFrame) -> dict[str, int]:
    """Count new records by how they are related to the rest of their article; those that make a new one are none.

    A new record that takes the place of a canonical one counts as what that is to it now.
    """
    is_new = pl.col("was_article").is_null()
    took_over = is_new & (pl.col("relation") == "canonical") & ~is_new.all().over("article_id")
    former = pl.col("relation").filter(pl.col("was_relation") == "canonical", pl.col("relation") != "canonical")
    kind = pl.when(took_over).then(former.first().over("article_id").fill_null("near_copy")).otherwise("relation")
    kinds = placed.select(is_new=is_new, kind=kind).filter("is_new", pl.col("kind") != "canonical")
    return {str(name): count for name, count in kinds.group_by("kind").len().iter_rows()}


def _number(matches: pl.DataFrame, texts: pl.DataFrame, side: str) -> pl.DataFrame:
    return matches.join(texts.rename({"match_key": f"{side}_key", "text": side}), on=f"{side}_key")


def _either_way(matches: pl.DataFrame) -> pl.DataFrame:
    """Give each pair from the side of either text: `match_key` has `own_shingles`, and is the shorter or not."""
    figures = ("shared", "is_near", "is_excerpt")
    return pl.concat(
        matches.select(
            pl.col(f"{mine}_key").alias("match_key"),
            pl.col(f"{theirs}_key").alias("other_key"),
            pl.col(f"{mine}_shingles").alias("own_shingles"),
            (pl.col(f"{mine}_shingles") < pl.col(f"{theirs}_shingles")).alias("is_shorter"),
            *(pl.col(name).alias(f"pair_{name}") for name in ("jaccard", "containment")),
            *figures,
        )
        for mine, theirs in (("one", "other"), ("other", "one"))
    )


def _is_revision(thresholds: Thresholds) -> pl.Expr:
    shares_id = (pl.col("source") == pl.col("canonical_source")) & pl.any_horizontal(
        (pl.col(name) == pl.col(f"canonical_{name}")).fill_null(value=False) for name in IDS
    )
    return shares_id & (pl.col("pair_containment") >= thresholds.revision_containment)


def _relation() -> pl.Expr:
    is_same_text = pl.col("match_key") == pl.col("centre_key")
    return (
        pl.when(pl.col("record_id") == pl.col("canonical_record_id"))
        .then(pl.lit("canonical"))
        .when(is_same_text)
        .then(pl.lit("exact_copy"))
        .when("is_revision")
        .then(pl.lit("revision"))
        .when(pl.col("is_excerpt") & pl.col("is_shorter"))
        .then(pl.lit("excerpt"))
        .when("is_near")
        .then(pl.lit("near_copy"))
        .otherwise(pl.lit("revision"))  # a copy of a revision
        .alias("relation")
    )


def _with_figures(placed: pl.DataFrame) -> pl.DataFrame:
    relation = pl.col("relation")
    methods = dict(zip(COPIES, (EXACT, NEAR, SHARED_ID, OPENING), strict=True))
    method = relation.replace_strict(methods, default=None, return_dtype=pl.String())
    is_exact = relation == "exact_copy"
    is_copy_of_revision = (relation == "revision") & ~pl.col("is_revision")
    return placed.with_columns(
        matched_record_id=pl.when(relation != "canonical").then("canonical_record_id"),
        jaccard=pl.when(is_exact).then(1.0).when(relation != "canonical").then("pair_jaccard"),
        containment=pl.when(is_exact)
        .then(1.0)
        .when(relation != "canonical")
        .then(pl.col("shared") / pl.col("own_shingles")),
        method=pl.when(is_copy_of_revision).then(pl.lit(COPY_OF_REVISION)).otherwise(method),
    )
