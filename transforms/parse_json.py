"""JSON documents to raw records.

Decides what the records of a document are: the elements of an array at its root; the elements of the lists in an
envelope, such as `{"articles": [...]}` or `{"data": {"results": [...]}}`; else the document itself. What an envelope
says beside its lists belongs to no record and is left out.

A list is split and read element by element, so that its size does not matter and a fault costs one element. Where the
splitter can no longer tell elements apart, the rest of the document is one reject. JSON is read strictly.
"""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import orjson

from transforms.json_structure import WHITE_SPACE, ArraySplitter, Element, Ending, find_lists, is_cut_off
from transforms.json_values import add_json_record, conform_value, fault_of
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch
from transforms.utf8_view import Utf8View

ENVELOPE_MEMBERS = frozenset(
    {
        *("articles", "stories", "news", "posts", "entries", "items", "documents", "docs", "records", "rows"),
        *("results", "result", "response", "data", "hits", "edges", "feed", "value"),
    }
)
"""Members that lead to the list of records."""
ENVELOPE_DEPTH = 4  # brackets open at the list: GraphQL has data, a field, and edges around it


def parse_json(stream: BinaryIO, *, encoding: str, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the records and rejects of a JSON document; positions are bytes of `stream`."""
    return _DocumentReader(stream, encoding=encoding, options=options).batches()


class _DocumentReader:
    """Reads one document, front to back."""

    def __init__(self, stream: BinaryIO, *, encoding: str, options: ParseOptions) -> None:
        self._options = options
        self._view = Utf8View(stream, encoding=encoding)
        self._builder = BatchBuilder(options)
        self._seen = 0  # bytes of the view that were read
        self._chunks = self._counted(self._view.chunks())

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._seen += len(chunk)
            yield chunk

    def batches(self) -> Iterator[RawBatch]:
        first = next((chunk for chunk in self._chunks if chunk.strip(WHITE_SPACE)), b"")
        origin = self._seen - len(first)
        start = first.lstrip(WHITE_SPACE)
        if not start:
            self._reject("malformed_json", "the file is blank", b"", 0, self._seen)
        elif start.startswith(b"["):
            place = len(first) - len(start) + 1
            yield from self._array(first[:place], first[place:], origin=origin)
        else:
            yield from self._value(first, origin=origin)
        yield from self._builder.take_rest()

    def _value(self, first: bytes, *, origin: int) -> Iterator[RawBatch]:
        """Read a document that is no array: an envelope, or one record."""
        limit = self._options.max_record_bytes
        parts, size = [first], len(first)
        while size <= limit and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            size += len(chunk)
        text = b"".join(parts)
        place = self._place_of_list(text)
        if place is not None:
            yield from self._array(text[:place], text[place:], origin=origin)
        elif size > limit:
            self._skip_rest()
            self._reject("oversize_record", f"one value of more than {limit:,} bytes", text, origin, self._seen)
        else:
            raw = text.strip(WHITE_SPACE)
            start = origin + len(text) - len(text.lstrip(WHITE_SPACE))
            self._add(Element(start, start + len(raw), raw, is_last=True))

    def _place_of_list(self, text: bytes) -> int | None:
        """Find the list of an envelope; an object that has a body is a record, whatever lists it holds."""
        if not text.lstrip(WHITE_SPACE).startswith(b"{"):
            return None
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
        else:
            if conform_value(value, self._options.names)["body"] is not None:
                return None
        return next((place for place, _ in find_lists(text, ENVELOPE_MEMBERS, max_depth=ENVELOPE_DEPTH)), None)

    def _array(self, before: bytes, rest: bytes, *, origin: int) -> Iterator[RawBatch]:
        """Read the elements of the array that opens at the end of `before`, then what follows it."""
        splitter = ArraySplitter(max_bytes=self._options.max_record_bytes)
        start = origin + len(before)
        for chunk in chain([rest], self._chunks):
            yield from self._elements(splitter, chunk, start=start)
            if splitter.ending is not Ending.OPEN:
                break
        yield from self._end_array(splitter, before, start=start)

    def _elements(self, splitter: ArraySplitter, chunk: bytes, *, start: int) -> Iterator[RawBatch]:
        """Add the elements that end in a chunk of an array that began at `start`."""
        for element in splitter.split(chunk):
            if element.raw or not element.is_last or self._builder.record_no > 0:
                self._add(element._replace(start=start + element.start, end=start + element.end, is_last=False))
            if self._builder.is_full:
                yield self._builder.take()

    def _end_array(self, splitter: ArraySplitter, before: bytes, *, start: int) -> Iterator[RawBatch]:
        cut = start + splitter.cut
        match splitter.ending:
            case Ending.CLOSED:
                yield from self._check_frame(before, splitter.pending, cut=cut)
            case Ending.DAMAGED:
                self._skip_rest()
                self._reject("malformed_json", "brackets do not match", splitter.pending, cut, self._seen)
            case Ending.OPEN:
                self._end_open_array(splitter.pending, cut=cut)

    def _check_frame(self, before: bytes, after: bytes, *, cut: int) -> Iterator[RawBatch]:
        """Hold what stands around a list to be JSON too, by reading it around an empty list; read its other lists."""
        parts, size = [after], len(after)
        for chunk in self._chunks:
            if size <= self._options.max_record_bytes:
                parts.append(chunk)
                size += len(chunk)
        after = b"".join(parts)
        frame = before + b"]" + after
        try:
            orjson.loads(frame)
        except orjson.JSONDecodeError as error:
            limit = self._options.max_record_bytes
            reason, detail = "malformed_json", f"around the list: {error}"
            if size > limit:
                reason, detail = (
                    "oversize_record",
                    f"more than {limit:,} bytes follow the first list; deliver lists apart",
                )
            elif is_cut_off(frame):
                reason, detail = "truncated", "the drop ends after its list"
            self._reject(reason, detail, after, cut, self._seen)
            return
        yield from self._other_lists(frame, after=len(before), origin=cut - len(before) - 1)
        if self._builder.record_no == 0:
            self._reject("no_records", "the list is empty", before, 0, self._seen)

    def _other_lists(self, frame: bytes, *, after: int, origin: int) -> Iterator[RawBatch]:
        """Read the lists of records that follow the first one; `frame` begins at `origin`, if from `after` on."""
        if not frame.lstrip(WHITE_SPACE).startswith(b"{"):
            return
        for place, end in find_lists(frame, ENVELOPE_MEMBERS, max_depth=ENVELOPE_DEPTH):
            if place > after and frame[place:end].strip(WHITE_SPACE):
                splitter = ArraySplitter(max_bytes=self._options.max_record_bytes)
                yield from self._elements(splitter, frame[place : end + 1], start=origin + place)

    def _end_open_array(self, pending: bytes, *, cut: int) -> None:
        """Keep a last object that is complete; tell that the list is not."""
        raw = pending.strip(WHITE_SPACE)
        start = cut + len(pending) - len(pending.lstrip(WHITE_SPACE))
        # A number or a word could go on behind the end; a bracket or a quote could not.
        if raw.endswith((b"}", b"]", b'"')) and self._add_record(Element(start, start + len(raw), raw)):
            start, raw = self._seen, b""
        self._reject("truncated", "the drop ends inside its list", raw, start, self._seen)

    def _skip_rest(self) -> None:
        for _ in self._chunks:
            pass

    def _add(self, element: Element) -> None:
        if element.is_oversize:
            detail = f"one value of more than {self._options.max_record_bytes:,} bytes"
            self._reject("oversize_record", detail, element.raw, element.start, element.end)
        elif not self._add_record(element):
            reason, detail = fault_of(element.raw, is_last=element.is_last, is_transcoded=self._view.is_transcoded)
            self._reject(reason, detail, element.raw, element.start, element.end)

    def _add_record(self, element: Element) -> bool:
        return add_json_record(self._builder, element, view=self._view, names=self._options.names)

    def _reject(self, reason: str, detail: str, raw: bytes, start: int, end: int) -> None:
        position = self._view.position
        self._builder.add_reject(reason, detail, raw=raw, byte_start=position(start), byte_end=position(end))
