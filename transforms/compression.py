"""Compressed drops as streams of their content.

Decides which compression a drop has (by its first bytes, never by its name), and what of a broken one can still be
read. Leaves to the parsers what a record is, and to `parsing` how a break is reported.

Compression is taken off once: what is still compressed then is a format like any other, one that is not read.

Memory stays bounded whatever the bytes are. bzip2 and xz are asked for `STRETCH_BYTES` at a time: 242 bytes of bzip2
can spell 300 MB. The two that cannot be asked are fed in pieces of `FEED_BYTES`, from which zstd makes 8 MiB at most
(blocks that repeat one byte) and gzip 256 KiB.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import zstandard

FEED_BYTES = 256
STRETCH_BYTES = 1024 * 1024  # longer than a line is, as a rule; ten times as fast to read as 8 KiB
TRUNCATED = "truncated"
MARK_EVERY = 64  # pieces; remembering where a member stands costs 3 us


class Decompressor(Protocol):
    """What the four libraries agree on: one object per frame (member, stream) of the input."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""

    @property
    def unused_data(self) -> bytes:
        """What followed the end of the frame."""

    def decompress(self, data: bytes, /) -> bytes:
        """Take a piece of the input, give what it spells."""


class _Inflater:
    """Reads a member of gzip, and remembers enough to give what comes before a damage, down to the last byte.

    zlib gives nothing of a piece in which it finds a damage, and a wrong checksum is found with the very last one.
    """

    def __init__(self) -> None:
        self._frame = zlib.decompressobj(wbits=31)
        self._mark()

    def _mark(self) -> None:
        self._marked = self._frame.copy()
        self._since: list[bytes] = []
        self._given = 0

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, /) -> bytes:
        if len(self._since) == MARK_EVERY:
            self._mark()
        content = self._frame.decompress(data)
        self._since.append(data)
        self._given += len(content)
        return content

    def salvage(self, damaged: bytes) -> bytes:
        """Return what the damaged piece holds before the damage."""
        content = bytearray()
        with suppress(zlib.error):
            for byte in b"".join([*self._since, damaged]):
                content += self._marked.decompress(bytes([byte]))
        return bytes(content[self._given :])


@dataclass(frozen=True)
class Compression:
    """A compression: its name, how its frames begin, and what reads one frame."""

    name: str
    signatures: tuple[bytes, ...]
    new_frame: Callable[[], Decompressor]


COMPRESSIONS = (
    Compression("gzip", (b"\x1f\x8b\x08",), _Inflater),
    Compression(
        "zstd",
        # Frames; and skippable frames, which parallel compressors write between them.
        (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + nibble]) + b"\x2a\x4d\x18" for nibble in range(16))),
        lambda: zstandard.ZstdDecompressor().decompressobj(),
    ),
    # "BZh", a digit, and the first bytes of a block or of the empty end: text that begins with BZh is not bzip2.
    Compression(
        "bzip2",
        tuple(b"BZh%d%b" % (level, start) for level in range(1, 10) for start in (b"1A", b"\x17r")),
        bz2.BZ2Decompressor,
    ),
    Compression("xz", (b"\xfd7zXZ\x00",), lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ)),
)

DAMAGE = (OSError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(frozen=True)
class Break:
    """Why the content of a compressed drop ends early.

    Attributes:
        reason: `truncated` where the drop ends inside a frame, `undecodable` where a frame is damaged.
        detail: The break in words.
    """

    reason: str
    detail: str


def compressing(sink: BinaryIO, compression: Compression | None) -> AbstractContextManager[BinaryIO]:
    """Open a stream whose content goes to `sink` in one frame of a compression, or as it is where there is none."""
    if compression is None:
        return nullcontext(sink)
    open_by_name: Mapping[str, Callable[[], object]] = {
        "gzip": lambda: gzip.GzipFile(fileobj=sink, mode="wb", mtime=0),
        "bzip2": lambda: bz2.BZ2File(sink, "wb"),
        "xz": lambda: lzma.LZMAFile(sink, "wb"),  # noqa: SIM115 -- whoever asked closes it
        "zstd": lambda: zstandard.ZstdCompressor().stream_writer(sink, closefd=False),
    }
    return cast("AbstractContextManager[BinaryIO]", open_by_name[compression.name]())


def broken_end(compression: Compression, broken: Break) -> bytes:
    """Return what, behind the last frame of a drop, is met with a break of the same kind."""
    return compression.signatures[0] if broken.reason == TRUNCATED else b"\xff" * FEED_BYTES


def find_compression(head: bytes) -> Compression | None:
    """Recognise a compression by the first bytes of a drop."""
    for compression in COMPRESSIONS:
        if head.startswith(compression.signatures):
            return compression
    return None


class DecompressedStream(io.RawIOBase):
    """The content of a compressed drop, all of its frames one after the other.

    A break does not raise: the content ends with what could still be read, and then `broken` tells why.
    """

    def __init__(self, source: BinaryIO, compression: Compression) -> None:
        """Wrap `source`, which stands at the first byte of the drop."""
        self._compression = compression
        self._contents = _contents(source, compression)
        self._ready = io.BytesIO()
        self._has_ended = False
        self.broken: Break | None = None

    def readable(self) -> bool:
        """Tell that the stream can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer` as far as content is at hand."""
        while not (count := self._ready.readinto(buffer)) and not self._has_ended:
            self._ready = io.BytesIO(self._next_content())
        return count

    def _next_content(self) -> bytes:
        name = self._compression.name
        try:
            content = next(self._contents, None)
        except EOFError:
            self.broken = Break(TRUNCATED, f"the {name} data ends too soon")
        except DAMAGE as error:
            self.broken = Break("undecodable", f"damaged {name} data: {error}")
        else:
            self._has_ended = content is None
            return content or b""
        self._has_ended = True
        return b""


class WholeLines(io.RawIOBase):
    """The content of a compressed drop up to the last line that is whole.

    Of a line longer than `STRETCH_BYTES` the beginning may have been given out before the break was found.

    Attributes:
        given: Bytes given out.
        remainder: Once the content has ended: what was left out, the beginning of a line that a break has cut.
    """

    def __init__(self, source: BinaryIO, decompressed: DecompressedStream) -> None:
        """Wrap `source`, which gives the content of `decompressed`."""
        self._source = source
        self._decompressed = decompressed
        self._ready = io.BytesIO()
        self._held = b""
        self._has_ended = False
        self.given = 0
        self.remainder = b""

    def readable(self) -> bool:
        """Tell that the stream can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer` as far as content is at hand."""
        while not (count := self._ready.readinto(buffer)) and not self._has_ended:
            self._advance()
        self.given += count
        return count

    def _advance(self) -> None:
        """Give out what was held back, once the stretch after it is there."""
        whole, self._held = self._held, self._source.read(STRETCH_BYTES)
        self._has_ended = not self._held
        if self._has_ended and self._decompressed.broken:
            end = whole.rfind(b"\n") + 1
            whole, self.remainder = whole[:end], whole[end:]
        self._ready = io.BytesIO(whole)


def _contents(source: BinaryIO, compression: Compression) -> Iterator[bytes]:
    """Decompress frame after frame.

    Raises:
        EOFError: if the source ends inside a frame.
    """
    frame: Decompressor | None = None
    while piece := source.read(FEED_BYTES):
        while piece:
            if frame is None:
                piece = piece.lstrip(b"\x00")  # padding between frames: gzip on tapes, xz to multiples of four
                frame = compression.new_frame() if piece else None
            if frame is not None:
                yield from _swell(frame, piece)
                piece = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError


def _swell(frame: Decompressor, piece: bytes) -> Iterator[bytes]:
    """Decompress one piece of the input in steps of bounded size."""
    if isinstance(frame, _Inflater):
        try:
            content = frame.decompress(piece)
        except zlib.error:
            yield frame.salvage(piece)
            raise
        yield content
        return
    if not isinstance(frame, bz2.BZ2Decompressor | lzma.LZMADecompressor):
        yield frame.decompress(piece)
        return
    yield frame.decompress(piece, STRETCH_BYTES)
    while not (frame.eof or frame.needs_input):
        yield frame.decompress(b"", STRETCH_BYTES)
