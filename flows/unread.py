"""The bytes of what no parser could read, for whoever has to know what they say."""

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from transforms.parsing import read_content
from warehouse.raw_store import RawStore

MOST_READ = 16 << 20
"""Bytes that are read of what is no record: a text is no longer."""


def unread_texts(store: RawStore, drop_sha256: str, rejects: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
    """Yield rejects of a drop, some at a time, and what they say, as far as it is text.

    `rejects` has `byte_start` and `byte_end`, from front to back.

    Raises:
        RawDropError: if the bytes are not there.
    """
    with store.open(drop_sha256) as stream:
        spans = _SpanReader(read_content(stream))
        texts: list[str] = []
        first = held = 0
        for number, (start, end) in enumerate(rejects.select("byte_start", "byte_end").iter_rows(), start=1):
            texts.append(spans.read(start or 0, end).decode("utf-8", "replace"))
            held += len(texts[-1])
            if held > MOST_READ or number == rejects.height:
                yield rejects[first:number], pl.Series(texts, dtype=pl.String)
                texts, first, held = [], number, 0


class _SpanReader:
    """Reads spans of a stream from front to back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0

    def read(self, start: int, end: int | None) -> bytes:
        """Return the bytes of a span, cut to `MOST_READ`; of one without an end, those from its start on."""
        while self._at < start and (skipped := self._stream.read(min(start - self._at, MOST_READ))):
            self._at += len(skipped)
        found = self._stream.read(MOST_READ if end is None else min(end - start, MOST_READ))
        self._at += len(found)
        return found
