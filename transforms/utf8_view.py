"""A drop read as UTF-8, whatever its encoding, with the way back to its own bytes.

Parsers that split by bytes (JSON, JSON Lines) split the view, and ask it where in the drop a position lies. For UTF-8
the view is the drop itself, unchecked; other encodings are decoded and encoded again, and what does not fit becomes
U+FFFD. The byte-order mark is left out.
"""

import codecs
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

CHUNK_BYTES = 1024 * 1024  # 256 KiB and 4 MiB are 5 % slower on JSON Lines of five-kilobyte articles

PIECE_CHARS = 8 * 1024  # what a question for a position may have to encode again: a record or two

_MARK = "\ufeff"


class Utf8View:
    """The content of `stream` in UTF-8, chunk by chunk."""

    def __init__(self, stream: BinaryIO, *, encoding: str) -> None:
        """Wrap `stream`, which stands at the first byte of the drop."""
        self._stream = stream
        self._encoding = encoding
        self._is_own = codecs.lookup(encoding).name == "utf-8"
        self._mark_bytes = 0
        # Pieces not yet passed by `position`: text, and how many bytes it takes in the view.
        self._pieces: deque[tuple[str, int]] = deque()
        self._passed_view = 0
        self._passed_drop = 0

    @property
    def is_transcoded(self) -> bool:
        """Whether the drop is in another encoding than UTF-8."""
        return not self._is_own

    def chunks(self) -> Iterator[bytes]:
        """Yield the view; never an empty chunk."""
        return self._own_chunks() if self._is_own else self._transcoded_chunks()

    def _own_chunks(self) -> Iterator[bytes]:
        first = self._stream.read(CHUNK_BYTES)
        if first.startswith(codecs.BOM_UTF8):
            self._mark_bytes = len(codecs.BOM_UTF8)
            first = first[self._mark_bytes :]
        if first:
            yield first
        while chunk := self._stream.read(CHUNK_BYTES):
            yield chunk

    def _transcoded_chunks(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._encoding)("replace")
        is_first = True
        has_ended = False
        while not has_ended:
            piece = self._stream.read(CHUNK_BYTES)
            has_ended = not piece
            text = decoder.decode(piece, final=has_ended)
            if is_first and text:
                self._mark_bytes = self._width(_MARK) if text.startswith(_MARK) else 0
                text, is_first = text.removeprefix(_MARK), False
            if text:
                yield b"".join(self._remember(text))

    def _remember(self, text: str) -> Iterator[bytes]:
        for start in range(0, len(text), PIECE_CHARS):
            piece = text[start : start + PIECE_CHARS]
            encoded = piece.encode("utf-8", "replace")
            self._pieces.append((piece, len(encoded)))
            yield encoded

    def position(self, offset: int) -> int:
        """Tell where in the drop a position of the view lies, which falls between two characters.

        Positions must be asked for in rising order. Exact where encoding again what was decoded gives as many bytes:
        always, but for damaged text in encodings of more than one byte.
        """
        if self._is_own:
            return offset + self._mark_bytes
        while self._pieces and offset - self._passed_view >= self._pieces[0][1]:
            text, view_bytes = self._pieces.popleft()
            self._pass(text, view_bytes)
        if self._pieces and offset > self._passed_view:
            text, view_bytes = self._pieces.popleft()
            step = offset - self._passed_view
            before = text.encode("utf-8", "replace")[:step].decode("utf-8", "replace")
            self._pieces.appendleft((text[len(before) :], view_bytes - step))
            self._pass(before, step)
        return self._passed_drop + self._mark_bytes

    def _pass(self, text: str, view_bytes: int) -> None:
        self._passed_view += view_bytes
        self._passed_drop += self._width(text)

    def _width(self, text: str) -> int:
        return len(text.encode(self._encoding, "replace"))
