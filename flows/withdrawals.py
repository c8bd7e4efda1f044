"""Texts that were withdrawn, when they come again: such a record is set aside before anything else is made of it.

A record carries a withdrawn text where at least half of its passages stand in it (see `transforms.probes`). Of a short
text, of which there are few passages, a record that is much longer only quotes it. Records that were overwritten in the
raw store are told by their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from flows.drop_reader import SourceBatch
from transforms.ops_schema import RETRACTED_TEXTS
from transforms.probes import Probes, find_in_texts, read_probes, share_carried
from warehouse.errors import NotPublishedError
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.query import QueryError, read_published
from warehouse.raw_store import RawStore

RETRACTED = "retracted"
"""Reason that no rule can lift."""

CARRIED_SHARE = 0.5
"""Share of the passages of a text from which on a record carries it; who quotes an article quotes less."""

LEAST_PASSAGES = 8
"""Passages, of 40 characters each, below which a text is short: a longer record may well hold all of it."""

MOST_LONGER = 2
"""Times the length of a short text up to which a record that holds it is a copy."""

LEAST_IN_EXCERPT = 3
"""Passages of one text in the excerpt of what could not be read, from which on that is set aside."""

_DETAIL = "its text was withdrawn"


@dataclass(frozen=True)
class Withdrawals:
    """Bodies that were withdrawn: rows of RETRACTED_TEXTS, and the raw store, which knows what was overwritten."""

    texts: pl.DataFrame
    store: RawStore

    @property
    def ids(self) -> list[str]:
        """Retractions, in order."""
        return self.texts["retraction_id"].unique().sort().to_list()

    @cached_property
    def probes(self) -> Probes:
        """What the bodies are found by."""
        return read_probes(self.texts["passages"].to_list())

    def withhold(self, batch: SourceBatch) -> SourceBatch:
        """Move the records that carry a withdrawn text to the rejects, and leave nothing of these to be seen."""
        overwritten = self._overwritten(pl.concat([batch.records["drop_sha256"], batch.rejects["drop_sha256"]]))
        if self.texts.is_empty() and overwritten.is_empty():
            return batch
        texts = batch.records.select(text=pl.concat_str("body", "extra", separator="\n", ignore_nulls=True))
        is_carried = texts.select(carries(self, pl.Series(texts["text"]))).to_series()
        records = batch.records.with_columns(is_gone=is_carried | _stands_in(overwritten))
        rejects = batch.rejects.with_columns(is_gone=self._is_excerpt(batch.rejects["raw"]) | _stands_in(overwritten))
        gone = pl.concat(
            [rows.filter("is_gone").select(_withheld(batch.rejects.columns)) for rows in (records, rejects)]
        )
        return replace(
            batch,
            records=records.filter(~pl.col("is_gone")).drop("is_gone"),
            rejects=pl.concat([rejects.filter(~pl.col("is_gone")).drop("is_gone"), gone]),
        )

    def _overwritten(self, drops: pl.Series) -> pl.DataFrame:
        found = [
            (drop, number)
            for drop in drops.unique().sort()
            if (redaction := self.store.redaction(drop)) is not None
            for number in redaction.records
        ]
        return pl.DataFrame(found, schema={"drop_sha256": pl.String(), "record_no": pl.Int64()}, orient="row")

    def _is_excerpt(self, excerpts: pl.Series) -> pl.Series:
        found = share_carried(self.probes, find_in_texts(self.probes, excerpts))
        rows = found.filter((pl.col("found") >= LEAST_IN_EXCERPT) | (pl.col("share") == 1))["row"]
        return pl.Series(range(len(excerpts)), dtype=pl.Int64).is_in(rows.implode())


def carries(withdrawals: Withdrawals, texts: pl.Series) -> pl.Series:
    """Tell which of the texts carry one that was withdrawn."""
    found = find_in_texts(withdrawals.probes, texts)
    lengths = texts.str.len_chars().cast(pl.Int64).gather(found["row"])
    rows = carrying_rows(withdrawals, found.with_columns(chars=lengths))
    return pl.Series(range(len(texts)), dtype=pl.Int64).is_in(rows.implode())


def carrying_rows(withdrawals: Withdrawals, found: pl.DataFrame) -> pl.Series:
    """Return the rows that carry a text, of which passages are found (`row`, `passage`, `chars` of the row)."""
    shares = share_carried(withdrawals.probes, found)
    lengths = found.group_by("row").agg(pl.col("chars").first())
    own = withdrawals.texts.select(body_chars="body_chars").with_row_index("text").cast({"text": pl.Int64})
    both = shares.join(lengths, on="row").join(own, on="text")
    is_long = pl.col("passages") >= LEAST_PASSAGES
    is_copy = is_long | (pl.col("chars") <= MOST_LONGER * pl.col("body_chars"))
    return both.filter(pl.col("share") >= CARRIED_SHARE, is_copy)["row"].unique()


def withdrawn(lake: Lake) -> Withdrawals:
    """Return what was withdrawn, as it stands in the lake."""
    return Withdrawals(bodies(lake.latest(RETRACTED_TEXTS)), RawStore(lake.home.raw))


def published_withdrawals(home: Home) -> Withdrawals:
    """Return what was withdrawn, as published; nothing where nothing was, or by a version without it."""
    try:
        texts = read_published(home, f"SELECT * FROM {RETRACTED_TEXTS.name}")
    except (NotPublishedError, QueryError):
        texts = pl.DataFrame(schema=RETRACTED_TEXTS.schema)
    return Withdrawals(bodies(texts), RawStore(home.raw))


def bodies(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the texts that are bodies, in an order of their own."""
    return texts.filter(pl.col("field") == "body").sort("match_key", "body_chars")


def _stands_in(overwritten: pl.DataFrame) -> pl.Expr:
    positions = overwritten.select(pl.struct("drop_sha256", "record_no").alias("position"))["position"]
    return pl.struct("drop_sha256", "record_no").is_in(positions.implode())


def _withheld(columns: Sequence[str]) -> Sequence[pl.Expr]:
    said = {
        "reason": pl.lit(RETRACTED),
        "detail": pl.lit(_DETAIL),
        "raw": pl.lit(None, dtype=pl.String()),
    }
    return [said[name].alias(name) if name in said else pl.col(name) for name in columns]
