"""Parquet and Arrow IPC (file and stream) to raw records.

Decides how columns become fields: a column of text that alone feeds a text field is taken as it is; the rest goes row
by row through `conform`, which reads moments as ISO 8601, decimals as text, bytes as UTF-8 or else Base64, NaN as null.
What could be read before a damage is kept, and the rest is one reject. Rows have no byte span.

Every batch is validated before it is touched: Arrow trusts offsets and text encodings in a file, and a wrong offset
would be read from foreign memory.
"""

import io
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.conform import conform_record
from transforms.input_values import LIST_FIELDS
from transforms.names import distinct_names
from transforms.raw_batches import EXCERPT_CHARS, BatchBuilder, ParseOptions, RawBatch, single_reject
from transforms.raw_schema import REJECTS

HELD_BYTES = 64 * 1024 * 1024
"""Most bytes held in memory of a drop that can only be read from front to back; both formats are read from their end.
A larger one goes through a nameless temporary file."""
SPOOLED_BYTES = 16 * 1024 * 1024 * 1024
"""Most bytes of such a file: a bomb stops here."""
DECODED_BYTES = 1024 * 1024 * 1024
"""What a batch may come to where one value stands for many rows, as in a dictionary: 500 bytes can mean a gigabyte."""
FEWEST_ROWS = 16
"""Rows of a batch, however large one value may be; fewer cost more time than they save memory."""
ARROW_FILE_MAGIC = b"ARROW1\x00\x00"

DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, MemoryError)


def parse_parquet(stream: BinaryIO, *, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the rows of a Parquet file."""
    source = seekable(stream)
    if source is None:
        return _too_large(options)
    return _parse_tables(_parquet_batches(source, options), options=options)


def parse_arrow(stream: BinaryIO, *, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the rows of an Arrow IPC file or stream; of a file that was cut off, the batches that are whole."""
    source = seekable(stream)
    if source is None:
        return _too_large(options)
    return _parse_tables(_arrow_batches(source, options), options=options)


def seekable(stream: BinaryIO) -> BinaryIO | pa.BufferReader | None:
    """Give a stream that can be read from its end; null where it is too large."""
    if stream.seekable() and not isinstance(stream, io.BytesIO):
        return stream
    held = stream.read(HELD_BYTES + 1)
    return pa.BufferReader(held) if len(held) <= HELD_BYTES else _spooled(held, stream)


def _spooled(held: bytes, stream: BinaryIO) -> BinaryIO | None:
    spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 -- goes with the last reader
    while held and spool.tell() <= SPOOLED_BYTES:
        spool.write(held)
        held = stream.read(HELD_BYTES)
    if held:
        spool.close()
        return None
    spool.seek(0)
    return spool


def _too_large(options: ParseOptions) -> Iterator[RawBatch]:
    detail = f"more than {SPOOLED_BYTES:,} bytes once decompressed; split the file"
    return single_reject(options, "oversize_record", detail, raw=b"", byte_end=None)


def _parquet_batches(source: BinaryIO | pa.BufferReader, options: ParseOptions) -> Iterator[pa.RecordBatch]:
    with source, pq.ParquetFile(source) as file:
        groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
        encoded_bytes = sum(group.total_byte_size for group in groups)
        largest = max((group.total_byte_size for group in groups), default=0)  # no value is larger
        rows = _batch_rows(file.metadata.num_rows, encoded_bytes, largest=largest, options=options)
        for batch in file.iter_batches(batch_size=rows):
            batch.validate(full=True)
            yield batch


def _batch_rows(rows: int, encoded_bytes: int, *, largest: int, options: ParseOptions) -> int:
    """Choose how many rows to take at a time, of which one may hold a value as large as `largest`."""
    fitting = options.batch_bytes * rows // max(encoded_bytes, 1)
    careful = max(DECODED_BYTES // max(largest, 1), FEWEST_ROWS)
    return max(min(options.batch_records, fitting, careful), 1)


def _arrow_batches(source: BinaryIO | pa.BufferReader, options: ParseOptions) -> Iterator[pa.RecordBatch]:
    for batch in ipc_batches(source):
        batch.validate(full=True)  # before anything else: the size of an invalid batch already crashes
        is_shared = any(_is_shared(column.type) for column in batch.columns)
        rows = _batch_rows(batch.num_rows, batch.nbytes, largest=batch.nbytes if is_shared else 0, options=options)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _is_shared(dtype: pa.DataType) -> bool:
    """Tell whether one value in memory may stand for many rows."""
    kinds = (pa.types.is_dictionary, pa.types.is_run_end_encoded, pa.types.is_string_view, pa.types.is_nested)
    return any(is_kind(dtype) for is_kind in kinds)


def ipc_batches(source: BinaryIO | pa.BufferReader) -> Iterator[pa.RecordBatch]:
    """Read a file by its index; one that was cut off has none, and is read as the stream that it is inside."""
    with source:
        is_file = source.read(len(ARROW_FILE_MAGIC)) == ARROW_FILE_MAGIC
        if is_file:
            try:
                reader = pa.ipc.open_file(source)
            except pa.ArrowInvalid:
                source.seek(len(ARROW_FILE_MAGIC))
            else:
                yield from map(reader.get_batch, range(reader.num_record_batches))
                return
        else:
            source.seek(0)
        with pa.ipc.open_stream(source) as batches:
            yield from batches


def _parse_tables(batches: Iterator[pa.RecordBatch], *, options: ParseOptions) -> Iterator[RawBatch]:
    builder = BatchBuilder(options)
    try:
        for batch in batches:
            if batch.num_rows:
                yield _without_oversize(_raw_batch(batch, builder, options=options), options=options)
    except DAMAGE as error:
        detail = f"unreadable after {builder.record_no:,} rows: {' '.join(str(error).split())[:300]}"
        builder.add_reject("malformed_parquet", detail, raw=b"", byte_start=None, byte_end=None)
    if builder.record_no == 0:
        builder.add_reject("no_records", "the file has no rows", raw=b"", byte_start=None, byte_end=None)
    yield from builder.take_rest()


def _raw_batch(batch: pa.RecordBatch, builder: BatchBuilder, *, options: ParseOptions) -> RawBatch:
    names = distinct_names(batch.schema.names, pattern="{name} ({number})")
    single = options.names.plan(tuple(names)).single
    columns = dict(zip(names, batch.columns, strict=True))
    whole = {
        target: pl.Series(target, columns.pop(source).cast(pa.large_string()))
        for target, source in single
        if _is_text(columns[source].type) and target not in LIST_FIELDS
    }
    for target, source in single:
        if target in whole:
            options.names.counts.add_texts(source, records=int((whole[target] != "").sum()))
    for row in _rows(columns, count=batch.num_rows):
        builder.add_record(conform_record(row, options.names), byte_start=None, byte_end=None)
    raw = builder.take()
    return RawBatch(raw.records.with_columns(**whole), raw.rejects)


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
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        if isinstance(scalar, pa.StructScalar):
            return {name: _value(member) for name, member in scalar.items()}
        if isinstance(scalar, pa.ListScalar):
            return [_value(member) for member in scalar.values]
        return scalar.cast(pa.string()).as_py()


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
        raw=pl.col("body").str.head(EXCERPT_CHARS).str.replace_all("\x00", "\ufffd", literal=True),
    )
    return RawBatch(
        batch.records.filter(is_oversize.fill_null(value=False).not_()),
        pl.concat([batch.rejects, rejects.cast(REJECTS)]),
    )
