"""Texts that were withdrawn, when they come again: such a record is set aside before anything else is made of it.

It is looked for in what came and, as cleaning mends what was misread, in what cleaning makes of that.

A record carries a withdrawn text where at least half of its passages stand in it (see `transforms.probes`), in whatever
field. Of a short text, of which there are few passages, a record that is much longer only quotes it. Passages that
other articles have as well do not count; where there are hardly any others, a record carries the text that has nearly
all of them and not much else. Records that were overwritten in the raw store are told by their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from flows.drop_reader import SourceBatch
from flows.unread import Unread
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
"""Passages, one for 40 characters, below which a text is short: a longer record may well hold all of it."""

MOST_LONGER = 2
"""Times the length of a short text up to which a record that holds it is a copy."""

WHOLE_SHARE = 0.9
"""Share of the passages of a text which others share, from which on a record carries it."""

SHARED = "shared"
"""Field of the passages of a body that other articles have as well."""

_SAID = ("headline", "dek", "body", "extra", "url", "external_id", "language")
_LISTED = ("authors", "keywords")

RECORD_TEXT = pl.concat_str(
    *_SAID, *(pl.col(name).list.join("\n") for name in _LISTED), separator="\n", ignore_nulls=True
)
"""All that a record says, as it came."""

LOADED_TEXT = (
    f"concat_ws(chr(10), {', '.join(_SAID)}, {', '.join(f'array_to_string({name}, chr(10))' for name in _LISTED)})"
)
"""All that a record says, as it is loaded: an expression of SQL."""

_IS_COPY = (pl.col("passages") >= LEAST_PASSAGES) | (pl.col("chars") <= MOST_LONGER * pl.col("body_chars"))
_IS_WHOLE = (pl.col("share") >= WHOLE_SHARE) & (pl.col("chars") <= MOST_LONGER * pl.col("body_chars"))
_DETAIL = "its text was withdrawn"


@dataclass(frozen=True)
class Withdrawals:
    """Bodies that were withdrawn, as `bodies` gives them, and the raw store, which knows what was overwritten."""

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
        is_carried = carries(self, batch.records.select(text=RECORD_TEXT)["text"])
        is_carried_unread = self._carried_unread(batch.rejects, batch.source.encoding)
        return _set_aside(
            batch,
            batch.records.with_columns(is_gone=is_carried | _stands_in(overwritten)),
            batch.rejects.with_columns(is_gone=is_carried_unread | _stands_in(overwritten)),
        )

    def withhold_cleaned(self, batch: SourceBatch, cleaned: pl.DataFrame) -> SourceBatch:
        """Move the records that carry a withdrawn text once they are cleaned, as `withhold` does.

        Returns the same batch where there are none.
        """
        if self.texts.is_empty():
            return batch
        known = self.texts.filter(pl.col("passages").list.len() > 0)["match_key"]
        is_carried = carries(self, cleaned.select(text=RECORD_TEXT)["text"])
        gone = cleaned.filter(is_carried | pl.col("match_key").is_in(known.implode()))["record_id"]
        if gone.is_empty():
            return batch
        records = batch.records.with_columns(is_gone=pl.col("record_id").is_in(gone.implode()))
        return _set_aside(batch, records, batch.rejects.with_columns(is_gone=False))

    def _overwritten(self, drops: pl.Series) -> pl.DataFrame:
        found = [
            (drop, number)
            for drop in drops.unique().sort()
            if (redaction := self.store.redaction(drop)) is not None
            for number in redaction.records
        ]
        return pl.DataFrame(found, schema={"drop_sha256": pl.String(), "record_no": pl.Int64()}, orient="row")

    def _carried_unread(self, rejects: pl.DataFrame, hint: str | None) -> pl.Series:
        """Tell which rejects carry a text, by their bytes: an excerpt is only their beginning."""
        rows = rejects.with_row_index("row")
        gone = rows["row"].clear()
        if self.probes.count:
            for (drop_sha256,), of_drop in rows.group_by("drop_sha256", maintain_order=True):
                for some, texts in self._unread.texts(str(drop_sha256), of_drop, hint=hint):
                    gone = gone.append(some.filter(carries(self, texts))["row"])
        return rows["row"].is_in(gone.implode())

    @cached_property
    def _unread(self) -> Unread:
        return Unread(self.store)

    def without_excerpts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows without the excerpts (`raw`) in which a text is quoted."""
        if not self.probes.count:
            return rows
        quoting = find_in_texts(self.probes, rows["raw"])["row"].unique()
        is_quoting = pl.int_range(pl.len()).is_in(quoting.implode())
        return rows.with_columns(raw=pl.when(~is_quoting).then("raw"))


def _set_aside(batch: SourceBatch, records: pl.DataFrame, rejects: pl.DataFrame) -> SourceBatch:
    """Move the records with `is_gone` to the rejects, and let these say nothing."""
    gone = [rows.filter("is_gone").select(_withheld(batch.rejects.columns)) for rows in (records, rejects)]
    return replace(
        batch,
        records=records.filter(~pl.col("is_gone")).drop("is_gone"),
        rejects=pl.concat([rejects.filter(~pl.col("is_gone")).drop("is_gone"), *gone]),
    )


def carries(withdrawals: Withdrawals, texts: pl.Series) -> pl.Series:
    """Tell which of the texts carry one that was withdrawn."""
    found = find_in_texts(withdrawals.probes, texts)
    lengths = texts.str.len_chars().cast(pl.Int64).gather(found["row"])
    rows = carrying_rows(withdrawals, found.with_columns(chars=lengths))
    return pl.Series(range(len(texts)), dtype=pl.Int64).is_in(rows.implode())


def carrying_rows(withdrawals: Withdrawals, found: pl.DataFrame) -> pl.Series:
    """Return the rows that carry a text, of which passages are found (`row`, `passage`, `chars` of the row)."""
    return _held(withdrawals, found).filter(~pl.col("is_shared") | _IS_WHOLE)["row"].unique()


def holding_rows(withdrawals: Withdrawals, found: pl.DataFrame) -> pl.Series:
    """Return the rows that hold half of a text, also those that do not go with it, as others share its passages."""
    return _held(withdrawals, found)["row"].unique()


def _held(withdrawals: Withdrawals, found: pl.DataFrame) -> pl.DataFrame:
    shares = share_carried(withdrawals.probes, found)
    lengths = found.group_by("row").agg(pl.col("chars").first())
    texts = withdrawals.texts.select("body_chars", "is_shared", "own_passages").with_row_index("text")
    both = shares.join(lengths, on="row").join(texts.cast({"text": pl.Int64}), on="text")
    both = both.join(_own_found(withdrawals, found), on=("row", "text"), how="left")
    has_own = pl.col("own_found").fill_null(0) >= CARRIED_SHARE * pl.col("own_passages")
    return both.filter(pl.col("share") >= CARRIED_SHARE, _IS_COPY, has_own)


def _own_found(withdrawals: Withdrawals, found: pl.DataFrame) -> pl.DataFrame:
    """Count for each row and text the passages that are the text's own: they come before those that others share."""
    numbers = pl.Series(withdrawals.probes.texts, dtype=pl.Int64)
    texts = pl.DataFrame({"text": numbers}).with_row_index("passage").cast({"passage": pl.Int64})
    own = withdrawals.texts.select("own_passages").with_row_index("text").cast({"text": pl.Int64})
    place = pl.int_range(pl.len()).over("text")
    is_own = texts.join(own, on="text", maintain_order="left").filter(place < pl.col("own_passages"))
    return found.join(is_own, on="passage").group_by("row", "text").agg(own_found=pl.len())


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
    """Return the texts that are bodies, in an order of their own: rows of RETRACTED_TEXTS, and two columns.

    Where a body has too few passages of its own (`own_passages`), those that others share follow them (`is_shared`).
    """
    key = ["match_key", "body_chars"]
    shared = texts.filter(pl.col("field") == SHARED).group_by(key).agg(shared=pl.col("passages").explode().unique())
    own = texts.filter(pl.col("field") == "body").join(shared, on=key, how="left").sort(key)
    is_shared = (pl.col("passages").list.len() < LEAST_PASSAGES) & pl.col("shared").is_not_null()
    return own.with_columns(
        own_passages=pl.col("passages").list.len().cast(pl.Int64),
        passages=pl.when(is_shared).then(pl.concat_list("passages", "shared")).otherwise("passages"),
        is_shared=is_shared,
    ).drop("shared")


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
