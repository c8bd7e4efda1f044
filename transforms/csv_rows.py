"""Where the rows of a delimited text begin and end, in a stream, in bounded memory.

Decides what is a row, and what breaks the grammar of `csv_dialect`. Of a row that breaks it the first line is set
aside, and reading goes on at the next line: a quote that never closes does not swallow the rows after it. What a quoted
cell held of further lines is then read as lines of their own, none of which has as many cells as the header, but by
chance; in a file of one column, where every line has, the whole of the row is set aside.
"""

from collections.abc import Iterator
from typing import NamedTuple

from transforms.csv_dialect import LINE_END, Grammar

UNCLOSED = "a quote opens a cell and is never closed"
STRAY = "a quote stands inside a cell that is not quoted, or text stands after a closing quote"

_QUOTE = b'"'


class Row(NamedTuple):
    """A row without its line end; positions are those of the view that was read.

    Attributes:
        start: First byte.
        end: One past the last byte.
        raw: Its bytes; of one that is too large, the first.
        fault: What breaks the grammar; null where nothing does.
        is_oversize: Whether it is larger than a record may be.
    """

    start: int
    end: int
    raw: bytes
    fault: str | None = None
    is_oversize: bool = False


class RowReader:
    """Reads rows from the chunks of a view."""

    def __init__(self, chunks: Iterator[bytes], *, max_bytes: int) -> None:
        """Start at the first byte of the view; a row may have up to `max_bytes`."""
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._buffer = b""
        self._at = 0  # in the buffer: where the next row begins
        self._passed = 0  # in the view: where the buffer begins
        self._has_ended = False

    def head(self, size: int) -> bytes:
        """Return the beginning without passing it, as much as there is up to `size`."""
        while len(self._buffer) < size and not self._has_ended:
            self._read_more()
        return self._buffer[:size]

    def skip(self, size: int) -> None:
        """Pass over bytes of the beginning that are no row."""
        self._at = size

    def rows(self, grammar: Grammar) -> Iterator[Row]:
        """Yield all rows, blank lines too."""
        is_single = True  # until a row of several cells has been seen
        while self._at < len(self._buffer) or self._read_more():
            row = self._next_row(grammar, is_single=is_single)
            if row is not None:
                is_single = is_single and grammar.delimiter.encode() not in row.raw
                yield row

    def _next_row(self, grammar: Grammar, *, is_single: bool) -> Row | None:
        """Take the next row; null where more had to be read first."""
        is_all = self._has_ended or len(self._buffer) - self._at > self._max_bytes
        match = grammar.record.match(self._buffer, self._at)
        if match is not None and (is_all or match.end() < len(self._buffer)):
            return self._take(match.start(1), match.end())
        fault_at = None if match is not None else self._find_fault(grammar)
        if fault_at is None and not is_all:
            self._read_more()
            return None
        if fault_at is None and not self._is_in_quotes(grammar):
            return self._take_oversize()
        fault = UNCLOSED if fault_at is None else STRAY
        line = LINE_END.search(self._buffer, fault_at if fault_at is not None and is_single else self._at)
        end, after = (line.start(), line.end()) if line else (len(self._buffer), len(self._buffer))
        return self._take(end, after, fault=fault)

    def _find_fault(self, grammar: Grammar) -> int | None:
        """Return where the row breaks the grammar; null where it only goes on beyond what was read."""
        at = self._at
        while True:
            end = self._cell_end(grammar, at)
            if end == len(self._buffer) or (end == at and self._buffer[end : end + 1] == _QUOTE):
                return None
            if self._buffer[end : end + 1] != grammar.delimiter.encode():
                return end
            at = end + 1

    def _is_in_quotes(self, grammar: Grammar) -> bool:
        """Whether a row that goes on beyond what was read does so inside a quoted cell."""
        at = self._at
        while (end := self._cell_end(grammar, at)) < len(self._buffer) and self._buffer[end : end + 1] != _QUOTE:
            at = end + 1
        return end < len(self._buffer)

    def _cell_end(self, grammar: Grammar, at: int) -> int:
        cell = grammar.cell.match(self._buffer, at)
        return at if cell is None else cell.end()

    def _take(self, end: int, after: int, *, fault: str | None = None) -> Row:
        start, raw = self._passed + self._at, self._buffer[self._at : end]
        is_oversize = fault is None and len(raw) > self._max_bytes
        self._at = after
        return Row(start, start + len(raw), raw, fault, is_oversize)

    def _take_oversize(self) -> Row:
        """Pass over a line that is too large, keeping its beginning."""
        start, raw = self._passed + self._at, self._buffer[self._at : self._at + self._max_bytes]
        while (line := LINE_END.search(self._buffer, self._at)) is None:
            self._at = len(self._buffer)
            if not self._read_more():
                return Row(start, self._passed + self._at, raw, is_oversize=True)
        self._at = line.end()
        return Row(start, self._passed + line.start(), raw, is_oversize=True)

    def _read_more(self) -> bool:
        """Read a chunk behind what is not yet passed; the last line gets a line end where it has none."""
        if self._has_ended:
            return False
        rest = self._buffer[self._at :]
        self._passed += self._at
        self._at = 0
        chunk = next(self._chunks, None)
        if chunk is None:
            self._has_ended = True
            chunk = b"" if not rest or rest.endswith((b"\n", b"\r")) else b"\n"
        self._buffer = rest + chunk
        return bool(self._buffer)
