"""From the bytes of a drop to its raw records: the one way in to all parsers.

Decides which compression, encoding and format a drop has, and which parser reads it. Every drop gives at least one
record or reject; records and rejects together are numbered from 0 without a gap. No bytes make it raise.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from transforms.compression import Break, DecompressedStream, WholeLines, find_compression
from transforms.detection import HEAD_BYTES, detect_format
from transforms.encodings import UTF_8, Encoding, detect_encoding
from transforms.formats import READ_FORMATS, Format, detect_binary
from transforms.parse_columnar import parse_arrow, parse_parquet
from transforms.parse_csv import parse_csv
from transforms.parse_html import parse_html
from transforms.parse_json import parse_json
from transforms.parse_json_lines import parse_json_lines
from transforms.parse_markdown import parse_markdown
from transforms.parse_text import parse_text
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch, single_reject

_WHOLE_FORMATS = frozenset({Format.TEXT, Format.MARKDOWN, Format.HTML})  # one record a file


@dataclass(frozen=True)
class ParsedDrop:
    """What a drop is, and what it holds.

    Attributes:
        format: Format, by content first.
        encoding: Python codec that its text is read with; null for formats that are no text.
        batches: Its records and rejects in the order of the file; read them once.
        has_mark: Whether it begins with a byte-order mark.
    """

    format: Format
    encoding: str | None
    batches: Iterator[RawBatch]
    has_mark: bool = False


@dataclass(frozen=True)
class Content:
    """A drop without its compression.

    Attributes:
        stream: All of it, from the first byte on.
        head: Its first bytes, up to `HEAD_BYTES`.
        decompressed: What takes off the compression, and knows of a break; null where there is none.
    """

    stream: BinaryIO
    head: bytes
    decompressed: DecompressedStream | None = None


def parse_drop(stream: BinaryIO, *, name: str, options: ParseOptions) -> ParsedDrop:
    """Parse a drop, which `stream` gives from its first byte on, and whose file has this name."""
    content = decompress(stream)
    format_ = detect_binary(content.head)
    encoding = None
    if format_ is None:
        encoding = _detect_encoding(content.head, options.encoding_hint)
        text = None if encoding is None else _decode_head(content.head, encoding)
        is_known = options.names.is_known
        is_whole = len(content.head) < HEAD_BYTES
        format_ = detect_format(text, name=name, hint=options.format_hint, is_known=is_known, is_whole=is_whole)
    if format_ not in READ_FORMATS:
        return ParsedDrop(format_, None, _unread(content, format_, options))
    if format_ in {Format.PARQUET, Format.ARROW}:
        return ParsedDrop(format_, None, _parse_columnar(content, format_, options))
    encoding = encoding or UTF_8
    batches = _parse_text_format(content, format_, encoding, options)
    return ParsedDrop(format_, encoding.name, batches, has_mark=encoding.bom_bytes > 0)


def read_content(stream: BinaryIO) -> BinaryIO:
    """Take the compression off a drop: byte spans count from the first byte of what this gives."""
    return decompress(stream).stream


def find_break(stream: BinaryIO) -> Break | None:
    """Tell why the content of a compressed drop ends early; null where it does not."""
    content = decompress(stream)
    while content.stream.read(HEAD_BYTES):
        pass
    return content.decompressed.broken if content.decompressed is not None else None


def decompress(stream: BinaryIO) -> Content:
    """Take one compression off, if there is any; where it breaks is known once the stream has been read."""
    content = _peek(stream)
    compression = find_compression(content.head)
    if compression is None:
        return content
    decompressed = DecompressedStream(content.stream, compression)
    content = _peek(io.BufferedReader(decompressed))
    return Content(content.stream, content.head, decompressed)


def _peek(stream: BinaryIO) -> Content:
    """Read the head, and put it back."""
    start = stream.tell() if stream.seekable() else None
    head = _read_up_to(stream, HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return Content(io.BytesIO(head), head)
    if start is not None:
        stream.seek(start)
        return Content(stream, head)
    return Content(io.BufferedReader(_Rejoined(head, stream)), head)


def _read_up_to(stream: BinaryIO, size: int) -> bytes:
    """Read as much as there is, up to `size`: a single call may give less."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Rejoined(io.RawIOBase):
    """A head that was read, and the stream that goes on behind it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        count = self._head.readinto(buffer)
        if count == 0:
            piece = self._rest.read(len(buffer))
            count = len(piece)
            buffer[:count] = piece
        return count


def find_encoding(content: BinaryIO, *, hint: str | None) -> str | None:
    """Tell as what the content of a drop is decoded, by its first bytes; null where it is no text."""
    found = _detect_encoding(_read_up_to(content, HEAD_BYTES), hint)
    return found.name if found is not None else None


def _detect_encoding(head: bytes, hint: str | None) -> Encoding | None:
    is_whole = len(head) < HEAD_BYTES
    sample = head if is_whole else head[: head.rfind(b"\n") + 1] or head
    return detect_encoding(sample, hint=hint)


def _decode_head(head: bytes, encoding: Encoding) -> str:
    return head[encoding.bom_bytes :].decode(encoding.name, "replace")


def _unread(content: Content, format_: Format, options: ParseOptions) -> Iterator[RawBatch]:
    """Reject a drop that no parser is for."""
    broken = content.decompressed.broken if content.decompressed else None
    if broken is not None and format_ in {Format.EMPTY, Format.BINARY}:
        reason, detail = broken.reason, broken.detail
    elif format_ is Format.EMPTY:
        reason, detail = "no_records", "the file is empty" if not content.head else "the file is blank"
    elif format_ is Format.BINARY:
        reason, detail = "undecodable", "bytes that are no text in any encoding, and no format that is known"
    else:
        reason, detail = "unsupported_format", f"{format_} is recognised, but not read"
    size = len(content.head) if len(content.head) < HEAD_BYTES else None
    return single_reject(options, reason, detail, raw=content.head, byte_end=size)


def _parse_columnar(content: Content, format_: Format, options: ParseOptions) -> Iterator[RawBatch]:
    parse = parse_parquet if format_ is Format.PARQUET else parse_arrow
    return parse(content.stream, options=options)


def _parse_text_format(
    content: Content,
    format_: Format,
    encoding: Encoding,
    options: ParseOptions,
) -> Iterator[RawBatch]:
    if format_ in _WHOLE_FORMATS:
        return _parse_whole(content, format_, encoding, options)
    if format_ is Format.JSON:
        return _parse_document(content, encoding, options)
    if content.decompressed is not None:
        return _parse_compressed_lines(content.stream, content.decompressed, format_, encoding, options)
    return _parse_lines(content.stream, format_, encoding, options)


def _parse_whole(
    content: Content,
    format_: Format,
    encoding: Encoding,
    options: ParseOptions,
) -> Iterator[RawBatch]:
    """Parse a format of one record a file; of one that was cut off, nothing is worth keeping."""
    text = _read_up_to(content.stream, options.max_record_bytes + 1)
    broken = content.decompressed.broken if content.decompressed else None
    if len(text) > options.max_record_bytes:
        detail = f"a file of more than {options.max_record_bytes:,} bytes"
        return single_reject(options, "oversize_record", detail, raw=text, byte_end=None)
    if broken is not None:
        return single_reject(options, broken.reason, broken.detail, raw=text, byte_end=len(text))
    if format_ is Format.HTML:
        return parse_html(text, encoding=encoding.name, options=options)
    parse = parse_markdown if format_ is Format.MARKDOWN else parse_text
    return parse(text, encoding=encoding.name, options=options)


def _parse_lines(
    stream: BinaryIO,
    format_: Format,
    encoding: Encoding,
    options: ParseOptions,
) -> Iterator[RawBatch]:
    if format_ is Format.JSONL:
        return parse_json_lines(stream, encoding=encoding.name, options=options)
    delimiter = options.delimiter_hint or ("\t" if format_ is Format.TSV else None)
    return parse_csv(stream, encoding=encoding.name, delimiter=delimiter, options=options)


def _parse_compressed_lines(
    stream: BinaryIO,
    decompressed: DecompressedStream,
    format_: Format,
    encoding: Encoding,
    options: ParseOptions,
) -> Iterator[RawBatch]:
    """Parse the lines before a break, if there is one, and reject the rest."""
    lines = WholeLines(stream, decompressed)
    count = 0
    for batch in _parse_lines(io.BufferedReader(lines), format_, encoding, options):
        if decompressed.broken is None or batch.rejects["reason"].to_list() != ["no_records"]:
            count = _next_number(batch)
            yield batch
    if decompressed.broken is not None:
        end = lines.given + len(lines.remainder)
        yield _break_reject(decompressed.broken, options, count, raw=lines.remainder, span=(lines.given, end))


def _parse_document(content: Content, encoding: Encoding, options: ParseOptions) -> Iterator[RawBatch]:
    """Parse a JSON document, and tell of a break that the parser did not run into itself."""
    batch = None
    for batch in parse_json(content.stream, encoding=encoding.name, options=options):
        yield batch
    broken = content.decompressed.broken if content.decompressed else None
    if batch is not None and broken is not None:
        number = _next_number(batch)
        if number - 1 not in batch.rejects["record_no"]:
            yield _break_reject(broken, options, number, raw=b"", span=(None, None))


def _next_number(batch: RawBatch) -> int:
    numbers = [*batch.records["record_no"].tail(1), *batch.rejects["record_no"].tail(1)]
    return int(max(numbers)) + 1


def _break_reject(
    broken: Break,
    options: ParseOptions,
    number: int,
    *,
    raw: bytes,
    span: tuple[int | None, int | None],
) -> RawBatch:
    builder = BatchBuilder(options, first_record_no=number)
    builder.add_reject(broken.reason, broken.detail, raw=raw, byte_start=span[0], byte_end=span[1])
    return builder.take()
