"""CSV and TSV to raw records.

Decides what a row becomes: a record, or a reject where its quotes can be read in two ways or it has not as many cells
as the header. Cells are taken as they are, neither trimmed nor typed; an empty cell is an empty text. Blank lines are
no rows. What the dialect is, is decided in `csv_dialect`; where rows end, in `csv_rows`.

Source of the grammar: RFC 4180.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transforms.conform import conform_record
from transforms.csv_dialect import SAMPLE_BYTES, Grammar, column_names, find_dialect, is_header
from transforms.csv_rows import Row, RowReader
from transforms.decoding import decode_text, is_binary, is_damaged
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch
from transforms.utf8_view import Utf8View

_VIEW_ENCODING = "utf-8"


def parse_csv(stream: BinaryIO, *, encoding: str, delimiter: str | None, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the records and rejects of delimited text; positions are bytes of `stream`.

    `delimiter` is what the source, or the format, says; null leaves it to detection.
    """
    view = Utf8View(stream, encoding=encoding)
    reader = RowReader(view.chunks(), max_bytes=options.max_record_bytes)
    sample = reader.head(SAMPLE_BYTES)
    dialect = find_dialect(sample, encoding=_VIEW_ENCODING, delimiter=delimiter, names=options.names)
    reader.skip(dialect.preamble_bytes)
    table = _Table(dialect.grammar, view=view, options=options)
    for row in reader.rows(dialect.grammar):
        table.add(row)
        if table.builder.is_full:
            yield table.builder.take()
    if table.builder.record_no == 0:
        detail = "a header and no row" if table.has_header else "the file is blank"
        table.builder.add_reject("no_records", detail, raw=sample, byte_start=0, byte_end=None)
    yield from table.builder.take_rest()


class _Table:
    """The rows of one drop: the first names the columns, or there are no names."""

    def __init__(self, grammar: Grammar, *, view: Utf8View, options: ParseOptions) -> None:
        self.builder = BatchBuilder(options)
        self.has_header = False
        self._columns: tuple[str, ...] = ()
        self._grammar = grammar
        self._view = view
        self._options = options

    def add(self, row: Row) -> None:
        """Add a row as a record or a reject; take the first one as the header if it is one."""
        if row.is_oversize:
            self._reject(row, "oversize_record", f"a row of more than {self._options.max_record_bytes:,} bytes")
        elif row.fault is not None:
            self._reject(row, "malformed_csv", row.fault)
        elif row.raw.strip():
            self._add_cells(row, decode_text(row.raw, _VIEW_ENCODING))

    def _add_cells(self, row: Row, text: str) -> None:
        if is_damaged(text) or is_binary(text):
            self._reject(row, "undecodable", "bytes that do not fit the encoding of the drop")
            return
        cells = self._grammar.split(text)
        if not self._columns and self._is_header(cells):
            return
        if len(cells) != len(self._columns):
            self._reject(row, "malformed_csv", f"{len(cells)} cells where the header has {len(self._columns)}")
            return
        start, end = self._view.position(row.start), self._view.position(row.end)
        record = conform_record(dict(zip(self._columns, cells, strict=True)), self._options.names)
        self.builder.add_record(record, byte_start=start, byte_end=end)

    def _is_header(self, cells: list[str]) -> bool:
        """Learn the columns from the first row; tell whether it was nothing but their names."""
        self.has_header = is_header(cells, self._options.names)
        self._columns = column_names(cells if self.has_header else None, len(cells))
        return self.has_header

    def _reject(self, row: Row, reason: str, detail: str) -> None:
        start, end = self._view.position(row.start), self._view.position(row.end)
        self.builder.add_reject(reason, detail, raw=row.raw, byte_start=start, byte_end=end)
