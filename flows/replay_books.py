"""The books of a replay: which rows of the quarantine and of the drops change, so that every drop balances again."""

from dataclasses import dataclass

import polars as pl

from flows.land import DROP_KEY
from flows.load import ConservationError
from flows.quarantine import HELD_BACK, as_quarantine
from flows.reparse import POSITION, SPAN, Concerned, Reparsed
from flows.run import WritingRun
from flows.selection import OPEN, REPLAYED
from flows.validate import BATCH_REFUSED
from transforms.ops_schema import DROPS, QUARANTINE

_SAID = ("reasons", "severity", "detail", *SPAN)
"""What is said of a row: where none of it changes, the row stands."""

_BOOKED = ("records_in", "records_loaded", "records_quarantined", "status")

_ROW = ("quarantine_id", *DROP_KEY, "reasons")


@dataclass(frozen=True)
class Books:
    """What a replay changes.

    Attributes:
        quarantine: Rows to append to QUARANTINE.
        drops: Rows to append to DROPS.
        looked_at: Rows of the quarantine that were looked at again, as they were, with `is_replayed`.
        failed: What is held back of that, as QUARANTINE rows.
        accepted: How many records pass.
    """

    quarantine: pl.DataFrame
    drops: pl.DataFrame
    looked_at: pl.DataFrame
    failed: pl.DataFrame
    accepted: int

    @property
    def has_news(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.quarantine.height or self.drops.height)


def balance(run: WritingRun, concerned: Concerned, reparsed: Reparsed) -> Books:
    """Work out what changes, from what was staged.

    Raises:
        ConservationError: if the parser counted other records in a drop than are loaded, held back or withdrawn.
    """
    is_touched = ~pl.col("drop_no").is_in(list(reparsed.left_alone))
    drops, rows = concerned.drops.filter(is_touched), concerned.rows.filter(is_touched)
    accepted, failed = _accepted(run), _failed(run)
    is_gone = rows.join(reparsed.positions, on=POSITION, how="anti")["quarantine_id"]
    replayed_ids = pl.concat([accepted["quarantine_id"], is_gone])
    is_replayed = (pl.col("status") == OPEN) & pl.col("quarantine_id").is_in(replayed_ids.implode())
    held_before = rows.filter(pl.col("status") != REPLAYED, ~is_replayed)
    held = pl.concat([failed.select(_ROW), held_before.select(_ROW)]).unique("quarantine_id", keep="first")
    booked = _book(drops, reparsed.counts, accepted, held)
    is_looked_at = pl.col("is_chosen") | is_replayed | pl.col("quarantine_id").is_in(failed["quarantine_id"].implode())
    return Books(
        quarantine=pl.concat([_as_replayed(rows.filter(is_replayed), run=run), _news(failed, rows)]),
        drops=_changed(booked, drops, run=run),
        looked_at=rows.filter((pl.col("status") == OPEN) & is_looked_at).with_columns(is_replayed=is_replayed),
        failed=failed,
        accepted=accepted.height,
    )


def _accepted(run: WritingRun) -> pl.DataFrame:
    staged = run.staged("records")
    if not staged:
        return pl.DataFrame(schema={name: pl.String() for name in (*DROP_KEY, "quarantine_id")})
    quarantine_id = pl.col("record_id").str.replace("r_", "q_", literal=True)
    return pl.scan_parquet(staged).select(*DROP_KEY, quarantine_id=quarantine_id).collect()


def _failed(run: WritingRun) -> pl.DataFrame:
    staged = run.staged("held")
    held_back = pl.read_parquet(staged) if staged else pl.DataFrame(schema=dict.fromkeys(HELD_BACK, pl.String()))
    return held_back.pipe(as_quarantine, run=run).cast(QUARANTINE.schema)


def _as_replayed(rows: pl.DataFrame, *, run: WritingRun) -> pl.DataFrame:
    return (
        rows.with_columns(
            status=pl.lit(REPLAYED), noted_at=pl.lit(run.started_at), commit_no=pl.lit(run.commit_no, dtype=pl.Int64)
        )
        .select(QUARANTINE.schema.names())
        .cast(QUARANTINE.schema)
    )


def _news(failed: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of which something else is said than before; a row that was there keeps its run and time."""
    before = rows.select("quarantine_id", "status", "run_id", "quarantined_at", *_SAID)
    both = failed.join(before, on="quarantine_id", how="left", suffix="_before", maintain_order="left")
    is_same = pl.all_horizontal(_is_same(name) for name in ("status", *_SAID))
    news = both.filter(~is_same).with_columns(
        run_id=pl.coalesce("run_id_before", "run_id"),
        quarantined_at=pl.coalesce("quarantined_at_before", "quarantined_at"),
    )
    return news.select(QUARANTINE.schema.names())


def _is_same(name: str) -> pl.Expr:
    return pl.col(name).eq_missing(pl.col(f"{name}_before"))


def _book(drops: pl.DataFrame, counts: pl.DataFrame, accepted: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return the drops with their counts, status, format, encoding and error as of now."""
    of_held = held.group_by(DROP_KEY).agg(
        held=pl.len().cast(pl.Int64), is_refused=pl.col("reasons").list.contains(BATCH_REFUSED).any()
    )
    parsed = counts.select(*DROP_KEY, "format", "encoding", "records_in", "error")
    booked = (
        drops.drop("format", "encoding", "records_in", "error")
        .join(parsed, on=DROP_KEY, how="left")
        .join(accepted.group_by(DROP_KEY).agg(accepted=pl.len().cast(pl.Int64)), on=DROP_KEY, how="left")
        .join(of_held, on=DROP_KEY, how="left")
        .with_columns(
            records_loaded=pl.col("records_loaded") + pl.col("accepted").fill_null(0),
            records_quarantined=pl.col("held").fill_null(0),
        )
        .with_columns(status=drop_status(), error=pl.when(pl.col("records_loaded") == 0).then("error"))
    )
    _check(booked)
    return booked


def drop_status() -> pl.Expr:
    """Return the status of a drop of which something may have come in later, or gone."""
    return (
        pl.when(pl.col("records_quarantined") == 0)
        .then(pl.lit("loaded"))
        .when(pl.col("records_loaded") > 0)
        .then(pl.lit("partly_loaded"))
        .when("is_refused")
        .then(pl.lit("refused"))
        .otherwise(pl.lit("rejected"))
    )


def _check(booked: pl.DataFrame) -> None:
    known = pl.sum_horizontal("records_loaded", "records_quarantined", "records_retracted")
    wrong = booked.filter(pl.col("records_in") != known)
    if wrong.height:
        first = wrong.row(0, named=True)
        raise ConservationError(
            f"{first['uri']}: {first['records_in']} records are in it, but {first['records_loaded']} would be loaded, "
            f"{first['records_quarantined']} held back and {first['records_retracted']} are withdrawn. Nothing was "
            "changed; please report this file."
        )


def _changed(booked: pl.DataFrame, drops: pl.DataFrame, *, run: WritingRun) -> pl.DataFrame:
    """Return the rows of drops whose counts or status are others than before."""
    before = drops.select(*DROP_KEY, *_BOOKED)
    both = booked.join(before, on=DROP_KEY, how="left", suffix="_before", maintain_order="left")
    changed = both.filter(~pl.all_horizontal(_is_same(name) for name in _BOOKED))
    return changed.with_columns(
        noted_at=pl.lit(run.started_at), commit_no=pl.lit(run.commit_no, dtype=pl.Int64)
    ).select(DROPS.schema.names())
