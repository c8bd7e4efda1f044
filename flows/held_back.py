"""What is held back, as published: counts, rows, and all there is to know of one of them, down to its bytes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

import polars as pl

from flows.selection import Selection
from seeds.tables import reason_codes
from transforms.ops_schema import DROPS, QUARANTINE
from transforms.parsing import read_content
from warehouse.home import Home
from warehouse.query import read_published
from warehouse.raw_store import RawStore

PIECE_BYTES = 1 << 20
"""Bytes of a record that are in memory at a time."""

_ROWS = f"""
    SELECT quarantine_id, source, reasons, severity, detail, drop_sha256, uri, record_no, byte_start, byte_end,
        status, note, run_id, quarantined_at, noted_at, raw
    FROM (SELECT * FROM {QUARANTINE.name} WHERE {{condition}})
    LEFT JOIN (SELECT source, drop_sha256, uri, uris FROM {DROPS.name}) USING (source, drop_sha256)
    ORDER BY quarantined_at DESC, source, uri, drop_sha256, record_no
"""
_COUNTS = f"""
    SELECT source, reason, count(*) AS records, min(quarantined_at) AS oldest, max(quarantined_at) AS newest
    FROM (SELECT source, unnest(reasons) AS reason, quarantined_at FROM {QUARANTINE.name} WHERE {{condition}})
    GROUP BY source, reason ORDER BY records DESC, source, reason
"""
_TOTAL = f"SELECT count(*) AS records FROM {QUARANTINE.name} WHERE {{condition}}"
_URIS = f"""
    SELECT uris, encoding, format FROM {DROPS.name}
    WHERE (source, drop_sha256) IN (SELECT (source, drop_sha256) FROM {QUARANTINE.name} WHERE {{condition}})
"""


@dataclass(frozen=True)
class HeldBack:
    """One row of the quarantine.

    Attributes:
        row: Its columns, and `uri`.
        drop: `uris`, `encoding` and `format` of its drop.
        reasons: Code, meaning and remedy of each reason.
    """

    row: Mapping[str, Any]
    drop: Mapping[str, Any]
    reasons: tuple[tuple[str, str, str], ...]

    @property
    def has_span(self) -> bool:
        """Whether it is known which bytes of its drop it is."""
        return self.row["byte_start"] is not None and self.row["byte_end"] is not None


def rows_query(selection: Selection) -> str:
    """Return the query for the rows of a selection, the latest first."""
    return _ROWS.format(condition=selection.condition)


def counts_query(selection: Selection) -> str:
    """Return the query for the counts of a selection by source and reason; a row counts for each of its reasons."""
    return _COUNTS.format(condition=selection.condition)


def count(home: Home, selection: Selection) -> int:
    """Count the rows of a selection."""
    return int(read_published(home, _TOTAL.format(condition=selection.condition)).item())


def read_one(home: Home, quarantine_id: str) -> HeldBack:
    """Read a row that is there (see `check_selection`)."""
    selection = Selection((quarantine_id,), status=None)
    row = read_published(home, rows_query(selection)).row(0, named=True)
    drops = read_published(home, _URIS.format(condition=selection.condition))
    known = {code: (meaning, remedy) for code, _, meaning, remedy in reason_codes().iter_rows()}
    reasons = tuple((code, *known.get(code, ("", ""))) for code in row["reasons"])
    return HeldBack(row, drops.row(0, named=True) if drops.height else {}, reasons)


def read_bytes(home: Home, held_back: HeldBack) -> Iterator[bytes]:
    """Yield the bytes of a record as they came, without the compression of its drop; of all of it without a span.

    Raises:
        RawDropError: if the raw store does not have them, or others.
    """
    store = RawStore(home.raw)
    store.check(held_back.row["drop_sha256"])
    with store.open(held_back.row["drop_sha256"]) as stream:
        content = read_content(stream)
        if not held_back.has_span:
            yield from _pieces(content, None)
            return
        for _ in _pieces(content, held_back.row["byte_start"]):
            pass
        yield from _pieces(content, held_back.row["byte_end"] - held_back.row["byte_start"])


def _pieces(content: BinaryIO, size: int | None) -> Iterator[bytes]:
    """Yield the next bytes; all that are left where there is no size."""
    left = size
    while left is None or left > 0:
        piece = content.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
        if not piece:
            return
        left = None if left is None else left - len(piece)
        yield piece


def age_text(moment: datetime) -> str:
    """Return how long ago a moment is, in its largest unit."""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def first_rows(home: Home, selection: Selection, *, limit: int) -> pl.DataFrame:
    """Read the first rows of a selection."""
    return read_published(home, f"{rows_query(selection)} LIMIT {limit}")
