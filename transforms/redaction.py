"""Overwriting records in the content of a drop, so that all that stays is found where it was.

Text is overwritten at equal length: a record of JSON by an object, a row of delimited text by a word, so that it and
all that follow keep their number and their bytes. Where a file is one record, all of it is overwritten. Rows of Parquet
and Arrow files lose the values of all columns, and the file is written anew.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.formats import Format

Span = tuple[int, int]

CHUNK_BYTES: Final = 1 << 20

_AROUND: Mapping[Format, tuple[str, str]] = {
    Format.JSON: ('{"":"', '"}'),
    Format.JSONL: ('{"":"', '"}'),
    Format.CSV: ("", ""),
    Format.TSV: ("", ""),
}
"""What stands around the filling of a record, by the formats whose files hold several."""

_ARROW_MAGIC = b"ARROW1"


def redact_spans(stream: BinaryIO, spans: Collection[Span], *, format_: Format, encoding: str) -> Iterator[bytes]:
    """Yield a text with some of its bytes overwritten; `spans` do not overlap."""
    at = 0
    for start, end in sorted(spans):
        yield from _chunks(stream, start - at)
        read = sum(len(chunk) for chunk in _chunks(stream, end - start))
        yield filler(read, format_=format_, encoding=encoding)
        at = end
    yield from _chunks(stream, None)


def redact_whole(stream: BinaryIO) -> Iterator[bytes]:
    """Yield one letter for each byte of a drop."""
    for chunk in _chunks(stream, None):
        yield b"x" * len(chunk)


def filler(length: int, *, format_: Format, encoding: str) -> bytes:
    """Return so many bytes that are one record of the format, from the first to the last, and tell nothing."""
    opening, closing = _AROUND[format_]
    chars = length // len("x".encode(encoding)) - len(opening) - len(closing)
    text = f"{opening}{'x' * chars}{closing}" if chars >= 0 else "{}" if opening else ""
    return text.encode(encoding)[:length].ljust(length, b" ")


def redact_parquet(source: BinaryIO, rows: Collection[int], sink: BinaryIO) -> None:
    """Copy a Parquet file without the values of some rows, which are counted over all its row groups."""
    with pq.ParquetFile(source) as file:
        schema = _decoded(file.schema_arrow)
        with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            first = 0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                writer.write_table(_without(table, rows, first, schema), row_group_size=max(table.num_rows, 1))
                first += table.num_rows


def redact_arrow(source: BinaryIO, rows: Collection[int], sink: BinaryIO) -> None:
    """Copy an Arrow IPC file or stream, as the same of the two, without the values of some rows."""
    is_file = source.read(len(_ARROW_MAGIC)) == _ARROW_MAGIC
    source.seek(0)
    with (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source) as reader:
        table = reader.read_all()
    schema = _decoded(table.schema)
    with (pa.ipc.new_file if is_file else pa.ipc.new_stream)(sink, schema) as writer:
        writer.write_table(_without(table, rows, 0, schema))


def _without(table: pa.Table, rows: Collection[int], first: int, schema: pa.Schema) -> pa.Table:
    """Return a table without the values of the rows, the first of which has a number."""
    places = [None if number in rows else number - first for number in range(first, first + table.num_rows)]
    return table.cast(schema).take(pa.array(places, pa.int64()))


def _decoded(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which any value may be missing, and none stands in a dictionary that all rows share."""
    return pa.schema([pa.field(field.name, _plain(field.type), metadata=field.metadata) for field in schema])


def _plain(dtype: pa.DataType) -> pa.DataType:
    """Return a type whose values stand in their rows alone: views and dictionaries share what others keep."""
    if pa.types.is_dictionary(dtype) or pa.types.is_run_end_encoded(dtype):
        return _plain(dtype.value_type)
    if pa.types.is_string_view(dtype):
        return pa.large_string()
    if pa.types.is_binary_view(dtype):
        return pa.large_binary()
    return _plain_within(dtype) if pa.types.is_nested(dtype) else dtype


def _plain_within(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in dtype])
    if pa.types.is_map(dtype):
        return pa.map_(_plain(dtype.key_type), _plain(dtype.item_type))
    if pa.types.is_fixed_size_list(dtype):
        return pa.list_(_plain(dtype.value_type), dtype.list_size)
    if pa.types.is_list(dtype):
        return pa.list_(_plain(dtype.value_type))
    return pa.large_list(_plain(dtype.value_type)) if pa.types.is_large_list(dtype) else dtype


def _chunks(stream: BinaryIO, length: int | None) -> Iterator[bytes]:
    """Yield so many of the next bytes of a stream, or all."""
    left = length
    while (left is None or left > 0) and (chunk := stream.read(min(left or CHUNK_BYTES, CHUNK_BYTES))):
        yield chunk
        left = None if left is None else left - len(chunk)
