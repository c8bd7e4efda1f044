"""Parquet and Arrow IPC (file and stream) to raw records.

Decides how columns become fields: a column of text that alone feeds a text field is taken as it is; the rest goes row
by row through `conform`, which reads moments as ISO 8601, decimals as text, bytes as UTF-8 or else Base64, NaN as null.
What could be read before a damage is kept, and the rest is one reject. Rows have no byte span.

Every batch is validated before it is touched: Arrow trusts offsets and text encodings in a file, and a wrong offset
would be read from foreign memory.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.conform import LIST_FIELDS, conform_record
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch, single_reject
from transforms.schema import REJECTS

HELD_BYTES = 1024 * 1024 * 1024
"""Most bytes held in memory of a drop that can only be read from front to back, as compressed ones; both formats are
read from their end."""
ARROW_FILE_MAGIC = b"ARROW1\x00\x00"

_DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, MemoryError)


def parse_parquet(stream: BinaryIO, *, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the rows of a Parquet file."""
    source = _seekable(stream)
    if source is None:
        return _too_large(options)
    return _parse_tables(_parquet_batches(source, options), options=options)


def parse_arrow(stream: BinaryIO, *, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the rows of an Arrow IPC file or stream; of a file that was cut off, the batches that are whole."""
    source = _seekable(stream)
    if source is None:
        return _too_large(options)
    return _parse_tables(_arrow_batches(source, options), options=options)


def _seekable(stream: BinaryIO) -> BinaryIO | pa.BufferReader | None:
    """Give a stream that can be read from its end; null where it is too large to be held."""
    if stream.seekable() and not isinstance(stream, io.BytesIO):
        return stream
    held = stream.read(HELD_BYTES + 1)
    return pa.BufferReader(held) if len(held) <= HELD_BYTES else None


def _too_large(options: ParseOptions) -> Iterator[RawBatch]:
    detail = f"more than {HELD_BYTES:,} bytes once decompressed: this format is compressed inside; send it as it is"
    return single_reject(options, "oversize_record", detail, raw=b"", byte_end=None)


def _parquet_batches(source: BinaryIO | pa.BufferReader, options: ParseOptions) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(source) as file:
        row_bytes = sum(file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups))
        rows = min(options.batch_records, options.batch_bytes * file.metadata.num_rows // max(row_bytes, 1))
        for batch in file.iter_batches(batch_size=max(rows, 1)):
            batch.validate(full=True)
            yield batch


def _arrow_batches(source: BinaryIO | pa.BufferReader, options: ParseOptions) -> Iterator[pa.RecordBatch]:
    for batch in _ipc_batches(source):
        batch.validate(full=True)  # before anything else: the size of an invalid batch already crashes
        rows = min(options.batch_records, options.batch_bytes * batch.num_rows // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, max(rows, 1)):
            yield batch.slice(start, max(rows, 1))


def _ipc_batches(source: BinaryIO | pa.BufferReader) -> Iterator[pa.RecordBatch]:
    """Read the file format as the stream that it is inside: its index at the end adds nothing, and may be missing."""
    if source.read(len(ARROW_FILE_MAGIC)) != ARROW_FILE_MAGIC:
        source.seek(0)
    with pa.ipc.open_stream(source) as batches:
        yield from batches


def _parse_tables(batches: Iterator[pa.RecordBatch], *, options: ParseOptions) -> Iterator[RawBatch]:
    builder = BatchBuilder(options)
    try:
        for batch in batches:
            if batch.num_rows:
                yield _without_oversize(_raw_batch(batch, builder, options=options), options=options)
    except _DAMAGE as error:
        detail = f"unreadable after {builder.record_no:,} rows: {' '.join(str(error).split())[:300]}"
        builder.add_reject("malformed_parquet", detail, raw=b"", byte_start=None, byte_end=None)
    if builder.record_no == 0:
        builder.add_reject("no_records", "the file has no rows", raw=b"", byte_start=None, byte_end=None)
    yield from builder.take_rest()


def _raw_batch(batch: pa.RecordBatch, builder: BatchBuilder, *, options: ParseOptions) -> RawBatch:
    names = _distinct(batch.schema.names)
    single = options.names.plan(tuple(names)).single
    columns = dict(zip(names, batch.columns, strict=True))
    whole = {
        target: pl.Series(target, columns.pop(source).cast(pa.large_string()))
        for target, source in single
        if _is_text(columns[source].type) and target not in LIST_FIELDS
    }
    for row in _rows(columns, count=batch.num_rows):
        builder.add_record(conform_record(row, options.names), byte_start=None, byte_end=None)
    raw = builder.take()
    return RawBatch(raw.records.with_columns(**whole), raw.rejects)


def _distinct(names: Iterable[str]) -> list[str]:
    """Number the columns that share a name, so that none hides another."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _is_text(dtype: pa.DataType) -> bool:
    if pa.types.is_dictionary(dtype):
        return _is_text(dtype.value_type)
    return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype))


def _rows(columns: dict[str, pa.Array], *, count: int) -> Iterator[dict[str, object]]:
    names = tuple(columns)
    values = [_values(column) for column in columns.values()]
    if not values:
        return iter([{} for _ in range(count)])
    return (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))


def _values(column: pa.Array) -> list[object]:
    """Give Python values; of moments that Python cannot hold, the text that Arrow gives them."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # Python knows no nanoseconds
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return list(column.cast(pa.string()).to_pylist())


def _without_oversize(batch: RawBatch, *, options: ParseOptions) -> RawBatch:
    """Turn rows whose body is larger than a record may be into rejects of the same number."""
    is_oversize = pl.col("body").str.len_bytes() > options.max_record_bytes
    oversize = batch.records.filter(is_oversize)
    if oversize.is_empty():
        return batch
    rejects = oversize.select(
        "record_no",
        "byte_start",
        "byte_end",
        reason=pl.lit("oversize_record"),
        detail=pl.lit(f"a body of more than {options.max_record_bytes:,} bytes"),
        raw=pl.col("body").str.slice(0, 500).str.replace_all("\x00", "\ufffd", literal=True),
    )
    return RawBatch(
        batch.records.filter(is_oversize.fill_null(value=False).not_()),
        pl.concat([batch.rejects, rejects.cast(REJECTS)]),
    )
