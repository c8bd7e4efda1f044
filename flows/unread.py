"""The bytes of what no parser could read, for whoever has to know what they say."""

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from transforms.parsing import find_encoding, read_content
from transforms.probes import read_unread
from transforms.raw_batches import EXCERPT_CHARS
from warehouse.raw_store import RawStore

MOST_READ = 16 << 20
"""Bytes that are read of what is no record: a text is no longer."""


class Unread:
    """Reads what rejects say. Of a drop whose rejects come batch by batch, nothing is read twice."""

    def __init__(self, store: RawStore) -> None:
        """Open nothing yet."""
        self._store = store
        self._drop_sha256 = ""
        self._encoding: str | None = None
        self._spans: _SpanReader | None = None

    def texts(
        self, drop_sha256: str, rejects: pl.DataFrame, *, hint: str | None
    ) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """Yield rejects of a drop, some at a time, and what they say, as far as it is text.

        They are decoded as the drop is, by its content and the encoding that its source declares (`hint`).

        `rejects` has `record_no`, `byte_start`, `byte_end` and the excerpt `raw`, from front to back. Where a format
        has no places, the excerpt is all that is known of one of several.

        Raises:
            RawDropError: if the bytes are not there.
        """
        texts: list[str] = []
        first = held = 0
        columns = rejects.select("record_no", "byte_start", "byte_end", "raw")
        for number, (record_no, start, end, raw) in enumerate(columns.iter_rows(), start=1):
            is_whole = raw is not None and len(raw) < EXCERPT_CHARS
            is_known = is_whole or (end is None and (record_no > 0 or rejects.height > 1))
            texts.append((raw or "") if is_known else self._read(drop_sha256, start or 0, end, hint))
            held += len(texts[-1])
            if held > MOST_READ or number == rejects.height:
                yield rejects[first:number], pl.Series(texts, dtype=pl.String)
                texts, first, held = [], number, 0

    def _read(self, drop_sha256: str, start: int, end: int | None, hint: str | None) -> str:
        if self._spans is None or drop_sha256 != self._drop_sha256 or start < self._spans.at:
            if drop_sha256 != self._drop_sha256:
                with self._store.open(drop_sha256) as stream:
                    self._encoding = find_encoding(read_content(stream), hint=hint)
            self._drop_sha256 = drop_sha256
            self._spans = _SpanReader(read_content(self._store.open(drop_sha256)))
        content = self._spans.read(start, end)
        return read_unread(content) if self._encoding is None else content.decode(self._encoding, "replace")


class _SpanReader:
    """Reads spans of a stream from front to back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.at = 0

    def read(self, start: int, end: int | None) -> bytes:
        """Return the bytes of a span, cut to `MOST_READ`; of one without an end, those from its start on."""
        while self.at < start and (skipped := self._stream.read(min(start - self.at, MOST_READ))):
            self.at += len(skipped)
        found = self._stream.read(MOST_READ if end is None else min(end - start, MOST_READ))
        self.at += len(found)
        return found
