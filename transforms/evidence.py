"""Where the fields of a record come from: one row for each field that has a value, and each reason to doubt one.

Decides what an origin is: the name or place under which a source gave the value, else `body`, with the rule that found
it there. Where nobody gave a value and no rule is sure, there is no value, and no row.
"""

import polars as pl

from transforms.raw_schema import DATE_FIELDS, EVIDENCE_FIELDS
from transforms.schema import RECORD_EVIDENCE

FOUND_FIELDS = ("headline", "dek", "authors", *DATE_FIELDS)
BODY = "body"
LANGUAGE_RULE = "language_detector"
MISMATCH_RULE = "headline_mismatch"
_BETWEEN_NAMES = "; "

_COLUMNS = ("record_id", "field", "value", "origin", "rule")


def gather_evidence(records: pl.DataFrame) -> pl.DataFrame:
    """Gather the evidence for records: a frame of schema `RECORD_EVIDENCE`, sorted by record.

    Besides the fields, `records` have `record_no`, `origins`, `declared_language`, a rule for each of
    `FOUND_FIELDS`, `mismatch_score`, `missing_words` and `is_headline_doubtful`.
    """
    numbered = records.with_row_index("row")
    found = [
        _given(numbered),
        *(_found_in_body(numbered, field, f"{field}_rule") for field in FOUND_FIELDS),
        _detected_language(numbered),
        _doubts(numbered),
    ]
    return pl.concat(found).sort("row", "field", maintain_order=True).select(RECORD_EVIDENCE.schema.names())


def _value(field: str) -> pl.Expr:
    if field == "authors":
        return pl.when(pl.col("authors").list.len() > 0).then(pl.col("authors").list.join(_BETWEEN_NAMES))
    if field == "language":
        return pl.col("declared_language")
    if field in DATE_FIELDS:
        return pl.col(field).dt.to_string("iso:strict")
    return pl.col(field)


def _given(records: pl.DataFrame) -> pl.DataFrame:
    """Fields that the source gave, or the page."""
    places = (
        records.select("row", place=pl.col("origins").str.split("\n"))
        .explode("place")
        .drop_nulls()
        .with_columns(pl.col("place").str.split_exact("=", 1).struct.rename_fields(["field", "origin"]))
        .unnest("place")
    )
    values = pl.concat(
        records.select("row", "record_id", field=pl.lit(field), value=_value(field)).drop_nulls("value")
        for field in EVIDENCE_FIELDS
    )
    given = values.join(places, on=["row", "field"]).with_columns(rule=pl.lit(None, pl.String))
    return given.select("row", *_COLUMNS)


def _found_in_body(records: pl.DataFrame, field: str, rule: str) -> pl.DataFrame:
    found = records.filter(pl.col(rule).is_not_null())
    return found.select("row", "record_id", field=pl.lit(field), value=_value(field), origin=pl.lit(BODY), rule=rule)


def _detected_language(records: pl.DataFrame) -> pl.DataFrame:
    detected = records.filter(pl.col("language").is_not_null())
    return detected.select(
        "row",
        "record_id",
        field=pl.lit("language"),
        value="language",
        origin=pl.lit(BODY),
        rule=pl.lit(LANGUAGE_RULE),
    )


def _doubts(records: pl.DataFrame) -> pl.DataFrame:
    """Headlines that seem to belong to another text, with the words that this one lacks."""
    return records.filter("is_headline_doubtful").select(
        "row",
        "record_id",
        field=pl.lit("headline"),
        value=pl.col("missing_words").list.join(", "),
        origin=pl.lit(BODY),
        rule=pl.format("{} {}", pl.lit(MISMATCH_RULE), pl.col("mismatch_score").round(1)),
    )
