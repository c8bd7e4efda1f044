"""What every parser takes and gives: options in, bounded batches of records and rejects out.

Decides when a batch is full and what an excerpt is. Leaves to the parsers what a record is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.conform import FieldNames
from transforms.extraction import BeginExtraction, extract_later
from transforms.formats import Format
from transforms.input_values import LIST_FIELDS, encodable
from transforms.raw_schema import RAW_RECORDS, REJECTS

EXCERPT_CHARS = 500  # enough to recognise a record by; the whole of it is in the raw store
REJECT_BYTES = 1_000  # what a reject weighs towards a full batch: its excerpt, its detail
_EXCERPT_BYTES = 4 * EXCERPT_CHARS  # no code point takes more than four bytes in UTF-8
_FEWEST_TO_FLATTEN = 8  # rows; fewer are faster one by one
_CONFORMED = tuple(RAW_RECORDS)[3:]
_NO_RECORDS = pl.DataFrame(schema=RAW_RECORDS)
_NO_REJECTS = pl.DataFrame(schema=REJECTS)


@dataclass(frozen=True)
class ParseOptions:
    """How to read a drop.

    Attributes:
        names: What input names mean.
        format_hint: Format that the source declares; null leaves it to detection.
        encoding_hint: Encoding that the source declares; null leaves it to detection.
        delimiter_hint: Delimiter of delimited text; null leaves it to detection.
        max_record_bytes: Largest record, in bytes as it lies in the drop. 16 MiB is about three million words: more
            than any article, and small enough to hold a few in memory.
        batch_records: Most records and rejects in a batch. 10,000 make the cost of building a frame vanish.
        batch_bytes: Most bytes of records in a batch, overrun by one record at most. At 8 MiB, or 1,600 articles,
            memory is used again from batch to batch: 64 MiB are a quarter slower.
        begin_extraction: What finds the text of web pages. By default they are worked on in this process, without a
            bound on time and memory.
    """

    names: FieldNames
    format_hint: Format | None = None
    encoding_hint: str | None = None
    delimiter_hint: str | None = None
    max_record_bytes: int = 16 * 1024 * 1024
    batch_records: int = 10_000
    batch_bytes: int = 8 * 1024 * 1024
    begin_extraction: BeginExtraction = extract_later


@dataclass(frozen=True)
class RawBatch:
    """Consecutive records and rejects of one drop.

    Attributes:
        records: Frame of schema `RAW_RECORDS`.
        rejects: Frame of schema `REJECTS`.
    """

    records: pl.DataFrame
    rejects: pl.DataFrame


class BatchBuilder:
    """Collects records and rejects in the order of the file, and numbers them."""

    def __init__(self, options: ParseOptions, *, first_record_no: int = 0) -> None:
        """Start an empty batch."""
        self._options = options
        self._record_no = first_record_no
        self._clear()

    def _clear(self) -> None:
        self._records: list[Mapping[str, object]] = []
        self._positions: list[tuple[int, int | None, int | None]] = []
        self._rejects: list[tuple[int, int | None, int | None, str, str, str]] = []
        self._bytes = 0

    @property
    def record_no(self) -> int:
        """Number that the next record or reject will get."""
        return self._record_no

    @property
    def is_full(self) -> bool:
        """Whether a bound is reached, so that the batch should be taken."""
        count = len(self._records) + len(self._rejects)
        return count >= self._options.batch_records or self._bytes >= self._options.batch_bytes

    def add_record(self, fields: Mapping[str, object], *, byte_start: int | None, byte_end: int | None) -> None:
        """Add a record as `conform_record` gives it."""
        self._records.append(fields)
        self._positions.append((self._record_no, byte_start, byte_end))
        self._record_no += 1
        if byte_start is not None and byte_end is not None:
            self._bytes += byte_end - byte_start
        else:
            self._bytes += len(str(fields.get("body") or "")) + len(str(fields.get("extra") or ""))

    def add_reject(
        self,
        reason: str,
        detail: str,
        *,
        raw: bytes | str,
        byte_start: int | None,
        byte_end: int | None,
    ) -> None:
        """Add what could not become a record; `raw` is cut to an excerpt."""
        self._rejects.append((self._record_no, byte_start, byte_end, reason, encodable(detail), excerpt(raw)))
        self._record_no += 1
        self._bytes += REJECT_BYTES

    def take(self) -> RawBatch:
        """Give out what was collected and start anew; the numbers go on."""
        batch = RawBatch(self._record_frame(), self._reject_frame())
        self._clear()
        return batch

    def take_rest(self) -> Iterator[RawBatch]:
        """Give out the last batch, if there is anything in it."""
        if self._records or self._rejects:
            yield self.take()

    def _record_frame(self) -> pl.DataFrame:
        if not self._records:
            return _NO_RECORDS
        numbers, starts, ends = zip(*self._positions, strict=True)
        columns = {"record_no": numbers, "byte_start": starts, "byte_end": ends}
        for name in _CONFORMED:
            columns[name] = tuple(fields[name] for fields in self._records)
        return pl.DataFrame([_column(name, values) for name, values in columns.items()])

    def _reject_frame(self) -> pl.DataFrame:
        if not self._rejects:
            return _NO_REJECTS
        return pl.DataFrame(self._rejects, schema=REJECTS, orient="row")


def _column(name: str, values: tuple[object, ...]) -> pl.Series:
    """Make a column of `RAW_RECORDS`; lone surrogates, which no UTF-8 text can hold, become U+FFFD."""
    if not any(value is not None for value in values):
        return _null_column(name, len(values))
    make = _list_column if name in LIST_FIELDS else _plain_column
    try:
        return make(name, values)
    except UnicodeEncodeError:
        return make(name, tuple(_encodable(value) for value in values))


def _plain_column(name: str, values: Sequence[object]) -> pl.Series:
    return pl.Series(name, values, dtype=RAW_RECORDS[name])


def _list_column(name: str, values: Sequence[object]) -> pl.Series:
    """Make a column of lists from one of their items: row by row takes polars 7 us, a third of all the parsing."""
    if len(values) < _FEWEST_TO_FLATTEN:
        return _plain_column(name, values)
    lists = [value if isinstance(value, list) else () for value in values]
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(texts) for texts in lists], out=offsets[1:])
    items = pa.array([text for texts in lists for text in texts], pa.large_string())
    is_null = pa.array([value is None for value in values])
    return pl.Series(name, pa.LargeListArray.from_arrays(offsets, items, mask=is_null))


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return encodable(value)
    return [encodable(text) for text in value] if isinstance(value, list) else value


@lru_cache(maxsize=64)  # small drops, of one record each, come by the hundred thousand: 6 us a column saved
def _null_column(name: str, rows: int) -> pl.Series:
    return pl.Series(name, [None] * rows, dtype=RAW_RECORDS[name])


def single_reject(
    options: ParseOptions,
    reason: str,
    detail: str,
    *,
    raw: bytes | str,
    byte_end: int | None,
) -> Iterator[RawBatch]:
    """Give the one batch of a drop that holds nothing but one reject, which covers it whole."""
    builder = BatchBuilder(options)
    builder.add_reject(reason, detail, raw=raw, byte_start=0 if byte_end is not None else None, byte_end=byte_end)
    yield builder.take()


def excerpt(raw: bytes | str) -> str:
    """Show the beginning of what came in: at most 500 code points, valid UTF-8, no NUL."""
    text = raw[:_EXCERPT_BYTES].decode("utf-8", "replace") if isinstance(raw, bytes) else encodable(raw[:EXCERPT_CHARS])
    return text[:EXCERPT_CHARS].replace("\x00", "\ufffd")
