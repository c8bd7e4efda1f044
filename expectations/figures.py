"""Figures of a batch: what the rules on batches look at, and what later runs are compared with.

Decides which figures are taken and what each is a share of. What adds up is counted batch by batch, as records are
parsed, so that no article is read twice; what needs all records at once (repetitions, medians) is taken from the few
columns that it needs. A figure of several things has a row for each, its `item`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import polars as pl

from expectations.row_rules import CheckedRows
from transforms.prose_signs import open_end

FILLED_FIELDS = ("headline", "dek", "authors", "published_at", "language", "url")
"""Fields whose fill rate is a figure; `body` is not among them, as a record without one is held back."""

FEWEST_ALIKE = 5
"""Records with one text, headline, address or line that are a repetition: two or three are chance, or a correction."""

MOST_LINES = 20
"""Lines of a source that are figures, the most frequent."""

LEAST_LINE_SHARE = 0.02
"""Share of a batch that holds a line before it is a figure."""

FIGURES = pl.Schema({"source": pl.String(), "figure": pl.String(), "item": pl.String(), "value": pl.Float64()})
"""A figure of a source; `item` is null where it is one of the source as a whole."""


RIDDLED = 0.01
"""Repairs to a character of a body above which they are no accident: with one in each word there are fifteen times as
many, and an editor's stray mark or two are fewer."""

REPEATED_COLUMNS = (
    *("source", "match_key", "external_id", "canonical_url", "headline", "authors", "published_at", "body_chars"),
)
"""Columns of the loaded records of which it is counted what repeats, or taken what is usual."""


class Delivered(NamedTuple):
    """What a run has of its records.

    Attributes:
        counts: Counts of all batches (`FIGURES`).
        drops: `source`, `encoding`, `has_mark`, `format` and `records_in` of each drop.
        records: REPEATED_COLUMNS of what is loaded.
        lines: `source`, `line_key`, `line` and `match_key` of the lines noted of it.
        outcomes: Outcomes of the row rules.
        stored: `match_key` of what was loaded before.
    """

    counts: pl.DataFrame
    drops: pl.DataFrame
    records: pl.LazyFrame
    lines: pl.LazyFrame
    outcomes: pl.LazyFrame
    stored: pl.LazyFrame


class Share(NamedTuple):
    """A figure that is a share: of what is counted under `part`, and of what under `whole`."""

    part: str
    whole: str


SHARES: Mapping[str, Share] = {
    "quarantined_share": Share("records_quarantined", "records_in"),
    "flagged_share": Share("records_flagged", "records_loaded"),
    **{f"{field}_fill_rate": Share(f"{field}_filled", "records_loaded") for field in FILLED_FIELDS},
    "unfinished_share": Share("unfinished", "records_loaded"),
    "repaired_share": Share("repaired", "records_loaded"),
    "riddled_share": Share("riddled", "records_loaded"),
    "boilerplate_share": Share("with_boilerplate", "records_loaded"),
    "markup_share": Share("with_markup", "records_in"),
    "language_share": Share("in_language", "records_loaded"),
    "encoding_share": Share("in_encoding", "records_in"),
    "format_share": Share("in_format", "records_in"),
    "field_share": Share("with_field", "records_read"),
    "field_kind_share": Share("with_field_kind", "records_read"),
    "duplicated_share": Share("duplicated", "records_loaded"),
    "repeated_id_share": Share("repeated_ids", "records_loaded"),
    "repeated_body_share": Share("most_alike_bodies", "records_loaded"),
    "repeated_headline_share": Share("most_alike_headlines", "records_loaded"),
    "repeated_url_share": Share("most_alike_urls", "records_loaded"),
    "repeated_author_share": Share("most_alike_authors", "records_loaded"),
    "repeated_date_share": Share("most_alike_dates", "records_loaded"),
    "line_share": Share("with_line", "records_loaded"),
}

KEPT_COUNTS = ("records_in", "records_loaded", "records_quarantined", "records_flagged", "records_read")
"""Counts that are figures themselves; the others are there for the shares."""

NO_ITEM = pl.lit(None, dtype=pl.String())


def take_figures(delivered: Delivered, *, now: datetime) -> pl.DataFrame:
    """Take all figures of every source (`FIGURES`), sorted by source, figure and item."""
    counts = add_up(delivered.counts)
    loaded = counts.filter(pl.col("figure") == "records_loaded").select("source", records_loaded="value")
    counted = [
        counts,
        count_drops(delivered.drops),
        count_repetitions(delivered.records, stored=delivered.stored),
        count_lines(delivered.lines, loaded=loaded),
    ]
    others = [count_repeated_records(delivered.outcomes), take_amounts(delivered.records, now=now)]
    return source_figures(pl.concat(counted), others)


def count_batch(checked: CheckedRows, *, source: str, unreadable: int, with_markup: int = 0) -> pl.DataFrame:
    """Count one batch, in a frame of schema `FIGURES` whose values add up over batches.

    `unreadable` is how much of the batch the parser could not turn into records, which counts as quarantined;
    `with_markup` how many bodies came as markup.
    """
    accepted = checked.accepted
    counted = accepted.select(
        pl.lit(checked.outcomes.height + unreadable).alias("records_in"),
        pl.lit(checked.rejected.height + unreadable).alias("records_quarantined"),
        pl.len().alias("records_loaded"),
        (pl.col("flags").list.len() > 0).sum().alias("records_flagged"),
        *(_is_filled(field).sum().alias(f"{field}_filled") for field in FILLED_FIELDS),
        open_end(pl.col("body")).sum().alias("unfinished"),
        (pl.col("repairs") > 0).sum().alias("repaired"),
        (pl.col("repairs") > RIDDLED * pl.col("body_chars")).sum().alias("riddled"),
        (pl.col("boilerplate_chars") > 0).sum().alias("with_boilerplate"),
        pl.lit(with_markup).alias("with_markup"),
    ).cast(pl.Float64)
    return pl.concat(
        [
            counted.unpivot(variable_name="figure").select(
                pl.lit(source).alias("source"), "figure", NO_ITEM.alias("item"), "value"
            ),
            _by_item(accepted.select(source=pl.lit(source), item="language"), "in_language"),
        ]
    )


def _is_filled(field: str) -> pl.Expr:
    """Tell whether a field says anything."""
    return pl.col(field).list.len() > 0 if field == "authors" else pl.col(field).is_not_null()


def _by_item(rows: pl.DataFrame, figure: str, *, weight: pl.Expr | None = None) -> pl.DataFrame:
    """Count rows by source and item, those without one left out; `weight` is what each counts, one by default."""
    counted = (
        rows.drop_nulls("item").group_by("source", "item").agg((pl.len() if weight is None else weight).alias("value"))
    )
    return counted.select("source", pl.lit(figure).alias("figure"), "item", pl.col("value").cast(pl.Float64))


def count_fields(fields: pl.DataFrame, *, source: str) -> pl.DataFrame:
    """Turn counted fields (`FIELD_COUNTS`) into a frame of schema `FIGURES`."""
    named = fields.drop_nulls("field").with_columns(source=pl.lit(source))
    kinds = named.with_columns(item=pl.format("{}: {}", "field", "kind"))
    total = fields.filter(pl.col("field").is_null())
    return pl.concat(
        [
            total.select(
                pl.lit(source).alias("source"),
                pl.lit("records_read").alias("figure"),
                NO_ITEM.alias("item"),
                pl.col("records").cast(pl.Float64).alias("value"),
            ),
            _by_item(named.rename({"field": "item"}), "with_field", weight=pl.col("records").sum()),
            _by_item(kinds, "with_field_kind", weight=pl.col("records").sum()),
        ]
    )


def count_drops(drops: pl.DataFrame) -> pl.DataFrame:
    """Count records by encoding and format of drops: `source`, `encoding`, `has_mark`, `format`, `records_in`."""
    records = pl.col("records_in").sum()
    marked = pl.when("has_mark").then(pl.format("{} with a byte-order mark", "encoding")).otherwise("encoding")
    return pl.concat(
        [
            _by_item(drops.with_columns(item=marked), "in_encoding", weight=records),
            _by_item(drops.rename({"format": "item"}), "in_format", weight=records),
        ]
    )


def count_repetitions(records: pl.LazyFrame, *, stored: pl.LazyFrame) -> pl.DataFrame:
    """Count what repeats among the loaded records of each source: columns of RECORDS; `stored` is their `match_key`."""
    ids = pl.coalesce("external_id", "canonical_url")
    byline = pl.col("authors").list.join("; ").replace("", None)
    keys = records.select("match_key").unique().collect()
    known = stored.join(keys.lazy(), on="match_key", how="semi").unique().with_columns(is_stored=pl.lit(value=True))
    per_source = (
        records.select(
            *("source", "match_key", "headline", "canonical_url", "published_at"), byline=byline, record_key=ids
        )
        .join(known, on="match_key", how="left")
        .group_by("source")
        .agg(
            duplicated=pl.len() - pl.col("match_key").filter(pl.col("is_stored").is_null()).n_unique(),
            repeated_ids=pl.col("record_key").count() - pl.col("record_key").drop_nulls().n_unique(),
            most_alike_bodies=_most_alike("match_key"),
            most_alike_headlines=_most_alike("headline"),
            most_alike_urls=_most_alike("canonical_url"),
            most_alike_authors=_most_alike("byline"),
            most_alike_dates=_most_alike("published_at"),
        )
        .collect(engine="streaming")
    )
    return _as_figures(per_source)


def count_repeated_records(outcomes: pl.LazyFrame) -> pl.DataFrame:
    """Count the record ids of each source that came before in the same run.

    Costs about 16 bytes of memory per record: ids are told apart by a 64-bit hash, which is not kept.
    """
    repeated = pl.len() - pl.col("record_id").hash().n_unique()
    return _as_figures(outcomes.group_by("source").agg(repeated_record_ids=repeated).collect(engine="streaming"))


def _most_alike(column: str) -> pl.Expr:
    most = pl.col(column).drop_nulls().unique_counts().max().fill_null(0)
    return pl.when(most >= FEWEST_ALIKE).then(most).otherwise(0)


def take_amounts(records: pl.LazyFrame, *, now: datetime) -> pl.DataFrame:
    """Take amounts of the loaded records of each source: usual and greatest length of bodies, usual age of articles."""
    age = (pl.lit(now) - pl.col("published_at")).dt.total_seconds() / 3600
    per_source = records.group_by("source").agg(
        median_body_chars=pl.col("body_chars").median(),
        longest_body_chars=pl.col("body_chars").max(),
        median_age_hours=age.clip(0).median(),
    )
    return _as_figures(per_source.collect(engine="streaming"))


def count_lines(lines: pl.LazyFrame, *, loaded: pl.DataFrame) -> pl.DataFrame:
    """Count the records that hold a line, for the most frequent lines; `loaded` is `source`, `records_loaded`."""
    held = (
        lines.group_by("source", "line_key")
        .agg(value=pl.col("match_key").n_unique().cast(pl.Float64), item=pl.col("line").min())
        .filter(pl.col("value") >= FEWEST_ALIKE)
        .collect(engine="streaming")
        .join(loaded, on="source")
        .filter(pl.col("value") >= LEAST_LINE_SHARE * pl.col("records_loaded"))
    )
    frequent = held.sort("source", "value", "item", descending=[False, True, False]).group_by(
        "source", maintain_order=True
    )
    return frequent.head(MOST_LINES).select("source", pl.lit("with_line").alias("figure"), "item", "value")


def _as_figures(per_source: pl.DataFrame) -> pl.DataFrame:
    values = per_source.select("source", pl.exclude("source").cast(pl.Float64)).unpivot(
        index="source", variable_name="figure"
    )
    return values.drop_nulls("value").select("source", "figure", NO_ITEM.alias("item"), "value")


def add_up(batches: pl.DataFrame) -> pl.DataFrame:
    """Add up counts of batches (`FIGURES`)."""
    return batches.group_by("source", "figure", "item").agg(pl.col("value").sum())


def source_figures(counts: pl.DataFrame, others: Iterable[pl.DataFrame] = ()) -> pl.DataFrame:
    """Turn counts of a run into its figures: counts that are kept, shares, and `others` as they are (`FIGURES`).

    Sorted by source, figure and item. A share of nothing is not there. A source of which nothing was read has counts.
    """
    wholes = counts.filter(pl.col("item").is_null()).select("source", whole="figure", of="value").unique()
    shares = pl.DataFrame(
        [(name, *share) for name, share in SHARES.items()], schema=["name", "figure", "whole"], orient="row"
    )
    shared = (
        counts.join(shares, on="figure")
        .join(wholes, on=["source", "whole"])
        .filter(pl.col("of") > 0)
        .select("source", figure="name", item="item", value=pl.col("value") / pl.col("of"))
    )
    kept = counts.filter(pl.col("figure").is_in(KEPT_COUNTS))
    return pl.concat([kept.select(FIGURES.names()), shared, *others]).cast(FIGURES).sort("source", "figure", "item")
