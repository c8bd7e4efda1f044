"""Figures behind the charts, as the page's script reads them.

Columns, not rows: a year of fifty sources is a fifth of the size. Sources, bins and periods are numbers; what is shown
of the figures, the script adds up for the sources and the stretch of time that are chosen.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from expectations.figures import FILLED_FIELDS
from flows.report.facts import Facts
from flows.report.sources import COUNTED


def chart_figures(facts: Facts, sources: Sequence[str]) -> Mapping[str, Any]:
    """Return what the charts need.

    `bins` are starts in milliseconds, with the end of the last one behind them. Each row of `batches` is a source in a
    bin; its fields are how many records had them. Each row of `shared` is a pair of sources in a period, which is a
    number of the `starts` that had passed.
    """
    window = facts.window
    bins = window.bins()
    of_source = {name: index for index, name in enumerate(sources)}
    return {
        "unit": window.bin,
        "bins": list(map(_milliseconds, bins)),
        "starts": list(map(_milliseconds, window.starts)),
        "fields": list(FILLED_FIELDS),
        "batches": _columns(_in_bins(facts.batches, bins), of_source),
        "shared": _columns(facts.shared, of_source),
    }


def _in_bins(batches: pl.DataFrame, bins: Sequence[datetime]) -> pl.DataFrame:
    """Add up the batches of each source in each bin."""
    of_bin = {start: number for number, start in enumerate(bins)}
    filled = [(pl.col(field) * pl.col("records_accepted")).sum().round().cast(pl.Int64) for field in FILLED_FIELDS]
    return (
        batches.filter("is_in_window")
        .group_by("source", "bin_start")
        .agg(pl.col(*COUNTED, "records_accepted").sum(), *filled)
        .with_columns(bin=pl.col("bin_start").replace_strict(of_bin, return_dtype=pl.Int64))
        .drop("bin_start")
        .sort("source", "bin")
    )


def _columns(rows: pl.DataFrame, of_source: Mapping[str, int]) -> Mapping[str, list[int]]:
    names = [name for name in ("source", "other_source") if name in rows.columns]
    numbered = rows.with_columns(pl.col(names).replace_strict(of_source, return_dtype=pl.Int64))
    return numbered.to_dict(as_series=False)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
