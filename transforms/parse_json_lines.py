"""JSON Lines to raw records.

Decides that a line is a record, and a bad line one reject. White space around a line is not part of it, blank lines are
none. Lines end with a line feed; JSON has no line feed inside a value, so that no line can swallow another.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transforms.json_structure import EXCERPT_BYTES, WHITE_SPACE, Element
from transforms.json_values import add_json_record, fault_of
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch
from transforms.utf8_view import Utf8View


def parse_json_lines(stream: BinaryIO, *, encoding: str, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the records and rejects of JSON Lines; positions are bytes of `stream`."""
    view = Utf8View(stream, encoding=encoding)
    builder = BatchBuilder(options)
    for line in _split_lines(view.chunks(), max_bytes=options.max_record_bytes):
        if line.is_oversize or not add_json_record(builder, line, view=view, names=options.names):
            _reject(builder, line, view=view, options=options)
        if builder.is_full:
            yield builder.take()
    if builder.record_no == 0:
        builder.add_reject("no_records", "the file is blank", raw=b"", byte_start=0, byte_end=0)
    yield from builder.take_rest()


def _reject(builder: BatchBuilder, line: Element, *, view: Utf8View, options: ParseOptions) -> None:
    if line.is_oversize:
        reason, detail = "oversize_record", f"a line of more than {options.max_record_bytes:,} bytes"
    else:
        reason, detail = fault_of(line.raw, is_last=line.is_last, is_transcoded=view.is_transcoded)
    start, end = view.position(line.start), view.position(line.end)
    builder.add_reject(reason, detail, raw=line.raw, byte_start=start, byte_end=end)


def _split_lines(chunks: Iterator[bytes], *, max_bytes: int) -> Iterator[Element]:
    """Yield the lines that are not blank; `is_last` marks one that no line feed ends."""
    start = 0  # of the line that is not complete yet
    tail = b""  # of it, what was seen
    skipped = 0  # of it, bytes dropped because it is too large
    for chunk in chunks:
        lines = chunk.split(b"\n")
        lines[0] = tail + lines[0]
        tail = lines.pop()
        for line in lines:
            end = start + len(line) + skipped
            if line and (element := _line(line, start, end, max_bytes=max_bytes)):
                yield element
            start, skipped = end + 1, 0
        if len(tail) > max_bytes:
            skipped += len(tail) - len(tail[:EXCERPT_BYTES])
            tail = tail[:EXCERPT_BYTES]
    if element := _line(tail, start, start + len(tail) + skipped, max_bytes=max_bytes):
        yield element._replace(is_last=True)


def _line(line: bytes, start: int, end: int, *, max_bytes: int) -> Element | None:
    """Trim a line; null if nothing is left. A line too large is cut, white space and all."""
    if end - start > max_bytes:
        return Element(start, end, line[:EXCERPT_BYTES], is_oversize=True)
    trimmed = line.strip(WHITE_SPACE)
    if len(trimmed) != len(line):
        start += len(line) - len(line.lstrip(WHITE_SPACE))
    return Element(start, start + len(trimmed), trimmed) if trimmed else None
