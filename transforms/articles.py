"""What an article is called and what it shows: its identity through time, and each field from the record that knows.

Identity is the one thing about an article that the past decides: where records are placed anew, an id stays with the
part that holds most of its former records. Fields depend on the records of the article alone, and on whether a headline
stands on another article too.
"""

import hashlib
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import polars as pl

from transforms.duplicates import credible_date, fits_text

DIGITS = 24
"""Hexadecimal digits of an article id."""

SHOWN = ("headline", "dek", "authors", "published_at", "language", "headings")
"""Fields of an article that are chosen one by one; its text is that of the canonical record."""

REDIRECTS = pl.Schema({"article_id": pl.String(), "moved_to": pl.String()})


class Named(NamedTuple):
    """Placed records with their `article_id`, and what became of former articles.

    Attributes:
        placed: The records.
        redirects: Schema REDIRECTS: articles that are no more.
        split: How many articles are made of records that left others.
    """

    placed: pl.DataFrame
    redirects: pl.DataFrame
    split: int


def likely_ids(match_keys: pl.Series) -> pl.Series:
    """Ids that new articles get, by the match key of their canonical record, where nobody else has them."""
    return pl.select(pl.concat_str(pl.lit("a_"), match_keys.str.head(DIGITS))).to_series()


def name_articles(placed: pl.DataFrame, *, taken: AbstractSet[str], salt: str) -> Named:
    """Give records their `article_id`.

    An id goes to the part with most of its former records; of several ids that go to one part, that of most of its
    records stays, the older one on a tie, and the others redirect to it. A part that gets none has a new one: made from
    its canonical record's text, or from that and `salt` where the id is `taken`.
    """
    parts = placed.select("canonical_record_id").unique(maintain_order=True).with_row_index("part")
    numbered = placed.join(parts, on="canonical_record_id", maintain_order="left")
    former = (
        numbered.drop_nulls("was_article")
        .group_by(article_id="was_article")
        .agg(pl.col("part"), age=pl.col("ingested_at").min())
    )
    claims = (
        former.explode("part")
        .group_by("article_id", "age", "part")
        .len()
        .sort(-pl.col("len").cast(pl.Int64), "part")
        .unique("article_id", keep="first", maintain_order=True)
        .sort(-pl.col("len").cast(pl.Int64), "age", "article_id")
    )
    kept = claims.unique("part", keep="first", maintain_order=True)
    canonical = placed.filter(pl.col("record_id") == pl.col("canonical_record_id")).select(
        "canonical_record_id", "match_key"
    )
    ids = parts.join(canonical, on="canonical_record_id", maintain_order="left").join(
        kept.select("part", "article_id"), on="part", how="left", maintain_order="left"
    )
    nameless = ids.filter(pl.col("article_id").is_null())
    names = [
        name if name not in taken else _salted(key, salt)
        for key, name in zip(nameless["match_key"], likely_ids(nameless["match_key"]), strict=True)
    ]
    new = nameless.select("part", new_id=pl.Series(names, dtype=pl.String))
    named = ids.join(new, on="part", how="left").select("part", article_id=pl.coalesce("article_id", "new_id"))
    moved = claims.join(kept, on="article_id", how="anti").join(named.rename({"article_id": "moved_to"}), on="part")
    left = numbered.filter(pl.col("was_article").is_not_null()).join(new, on="part", how="semi")
    return Named(
        numbered.join(named, on="part", maintain_order="left").drop("part"),
        moved.select(REDIRECTS.names()),
        left["part"].n_unique(),
    )


def _salted(match_key: str, salt: str) -> str:
    return f"a_{hashlib.sha256(f'{match_key} {salt}'.encode()).hexdigest()[:DIGITS]}"


def describe_articles(placed: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """Describe articles, one row each, from records by rank: with chosen `fields`, else those of the canonical record.

    `is_new` where none of the records was placed before.
    """
    fitting = [pl.when(fits_text()).then(name).alias(name) for name in ("headline", "dek")]
    fitting.append(credible_date().alias("published_at"))
    articles = (
        placed.with_columns(fitting)
        .group_by("article_id", maintain_order=True)
        .agg(
            pl.col("canonical_record_id", "word_count", *SHOWN).first(),
            sources=pl.col("source").unique().sort(),
            record_count=pl.len().cast(pl.Int64),
            first_ingested_at=pl.col("ingested_at").min(),
            last_ingested_at=pl.col("ingested_at").max(),
            is_new=pl.col("was_article").is_null().all(),
        )
    )
    chosen = articles.join(fields, on="article_id", how="semi", maintain_order="left").drop(SHOWN)
    rest = articles.join(fields, on="article_id", how="anti", maintain_order="left")
    return pl.concat([rest, _with_fields(chosen, fields, placed)], how="diagonal")


def choose_fields(placed: pl.DataFrame) -> pl.DataFrame:
    """Choose the fields of articles: `article_id`, `field`, `record_id`, `rule`, `others`, one row for each field.

    `placed` stands by rank, and has `is_elsewhere`: whether the record's headline stands on another article too.

    - headline: of those that fit their text, the one that most sources give; but one under which a copy's headline
      stands, or that stands on another article, only if all are such;
    - dek: the best record's, of those whose headline fits, if it is not the headline of a copy;
    - authors, language, headings: the best record's that knows them; headings are not taken from excerpts or revisions;
    - published_at: the canonical record's, else the earliest, of those that are credible.

    The best is the first by rank.
    """
    fits = fits_text()
    with_copies = placed.pipe(_with_headlines_below)
    by_field = {
        "headline": with_copies.filter(pl.col("headline").is_not_null() & fits).pipe(_by_sources),
        "dek": with_copies.filter(pl.col("dek").is_not_null() & fits & ~pl.col("is_dek_headline")),
        "authors": placed.filter(pl.col("authors").list.len() > 0),
        "published_at": placed.filter(credible_date().is_not_null()).sort(
            pl.col("relation") != "canonical", "published_at", maintain_order=True
        ),
        "language": placed.drop_nulls("language"),
        "headings": placed.filter(
            (pl.col("headings").list.len() > 0) & pl.col("relation").is_in(["canonical", "exact_copy", "near_copy"])
        ),
    }
    return pl.concat(_choose(placed, candidates, field) for field, candidates in by_field.items())


def _said(line: pl.Expr) -> pl.Expr:
    """Give the words of a line, whatever their case and punctuation."""
    return line.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars(" ")


def _with_headlines_below(placed: pl.DataFrame) -> pl.DataFrame:
    """Add whether the line below a record's headline, dek or heading, is the headline of another: `is_above`.

    Where a scraper put the headline of another article on top, the copy that it left alone begins right below.
    """
    said = placed.with_columns(said=_said(pl.col("headline")))
    headlines = said.select("article_id", "said", is_headline=pl.lit(value=True)).drop_nulls().unique()
    below = {"is_dek_headline": pl.col("dek"), "is_heading_headline": pl.col("headings").list.first()}
    for name, line in below.items():
        said = said.with_columns(line=_said(line)).join(
            headlines.rename({"said": "line", "is_headline": name}),
            on=["article_id", "line"],
            how="left",
            maintain_order="left",
        )
        said = said.with_columns((pl.col(name).fill_null(value=False) & (pl.col("line") != pl.col("said"))).alias(name))
    return said.with_columns(is_above=pl.col("is_dek_headline") | pl.col("is_heading_headline")).drop("line")


def _by_sources(records: pl.DataFrame) -> pl.DataFrame:
    """Sort records with headlines: those that are nobody else's first, then by how many sources give them."""
    sources = pl.col("source").n_unique().over("article_id", "said")
    return records.with_columns(sources=sources).sort(
        "is_above", "is_elsewhere", -pl.col("sources").cast(pl.Int64), maintain_order=True
    )


def _choose(placed: pl.DataFrame, candidates: pl.DataFrame, field: str) -> pl.DataFrame:
    """Take the first of the candidates for each article; `others` are the values that are not shown."""
    is_headline = field == "headline"
    below, elsewhere = pl.col("is_above"), pl.col("is_elsewhere")
    chosen = candidates.group_by("article_id", maintain_order=True).agg(
        pl.col("record_id", "relation").first(),
        shown=_as_text(field).first(),
        is_agreed=(pl.col("sources").first() > 1) if is_headline else pl.lit(value=False),
        is_below=(below.any() & ~below.first()) if is_headline else pl.lit(value=False),
        is_only_here=(elsewhere.any() & ~elsewhere.first()) if is_headline else pl.lit(value=False),
    )
    given = (
        placed.select("article_id", value=_as_text(field))
        .drop_nulls()
        .unique(maintain_order=True)
        .join(chosen.select("article_id", "shown"), on="article_id", how="left", maintain_order="left")
        .filter(pl.col("value").ne_missing(pl.col("shown")))
        .group_by("article_id", maintain_order=True)
        .agg(others="value")
    )
    other = "earliest" if field == "published_at" else "best_copy"
    rule = (
        pl.when("is_below")
        .then(pl.lit("stands_below_another"))
        .when("is_only_here")
        .then(pl.lit("stands_nowhere_else"))
        .when(pl.col("relation") == "canonical")
        .then(pl.lit("canonical"))
        .when("is_agreed")
        .then(pl.lit("most_sources"))
        .when(pl.col("record_id").is_not_null())
        .then(pl.lit(other))
        .otherwise(pl.lit("none"))
    )
    articles = placed.select("article_id").unique(maintain_order=True)
    return (
        articles.join(chosen, on="article_id", how="left", maintain_order="left")
        .join(given, on="article_id", how="left", maintain_order="left")
        .select("article_id", "record_id", field=pl.lit(field), rule=rule, others=pl.col("others").fill_null([]))
    )


def _as_text(field: str) -> pl.Expr:
    if field in {"authors", "headings"}:
        return pl.when(pl.col(field).list.len() > 0).then(pl.col(field).list.join("; "))
    return pl.col(field).dt.to_string("iso:strict") if field == "published_at" else pl.col(field)


def _with_fields(articles: pl.DataFrame, fields: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    for field in SHOWN:
        of_field = fields.filter(pl.col("field") == field).select("article_id", "record_id")
        values = of_field.join(placed.select("record_id", field), on="record_id", how="left", maintain_order="left")
        articles = articles.join(values.select("article_id", field), on="article_id", how="left", maintain_order="left")
    return articles.with_columns(pl.col("authors", "headings").fill_null([]))
