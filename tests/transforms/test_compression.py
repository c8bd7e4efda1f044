"""Compressed drops: every kind, in pieces, broken, and swollen."""

import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from transforms.compression import DecompressedStream, WholeLines, find_compression

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
LINES = b"".join(b"line %d of a text that is not all the same\n" % number for number in range(5000))

each_kind = pytest.mark.parametrize("kind", COMPRESS)


def open_stream(compressed: bytes) -> DecompressedStream:
    compression = find_compression(compressed)
    assert compression is not None
    return DecompressedStream(io.BytesIO(compressed), compression)


@each_kind
def test_a_kind_is_known_by_its_first_bytes(kind: str) -> None:
    compression = find_compression(COMPRESS[kind](b"")[:20])
    assert compression is not None
    assert compression.name == kind


@pytest.mark.parametrize("head", [b"", b"BZh is a word", b"\x1f\x8b", b"(\xb5", b"PK\x03\x04"])
def test_other_bytes_are_no_compression(head: bytes) -> None:
    assert find_compression(head) is None


@given(st.sampled_from(sorted(COMPRESS)), st.lists(st.binary(max_size=5000), min_size=1, max_size=4))
def test_all_frames_are_read_one_after_the_other(kind: str, contents: list[bytes]) -> None:
    stream = open_stream(b"".join(map(COMPRESS[kind], contents)))
    assert stream.read() == b"".join(contents)
    assert stream.broken is None


@each_kind
def test_padding_after_a_frame_is_no_damage(kind: str) -> None:
    stream = open_stream(COMPRESS[kind](LINES) + bytes(8))
    assert stream.read() == LINES
    assert stream.broken is None


@each_kind
def test_of_a_truncated_drop_the_beginning_is_read(kind: str) -> None:
    compressed = COMPRESS[kind](LINES)
    stream = open_stream(compressed + compressed[: len(compressed) // 2])
    content = stream.read()
    assert content is not None
    assert content.startswith(LINES)
    assert (LINES + LINES).startswith(content)
    assert stream.broken is not None
    assert stream.broken.reason == "truncated"


@each_kind
def test_of_a_damaged_drop_what_came_before_is_read(kind: str) -> None:
    compressed = COMPRESS[kind](LINES)
    damaged = bytearray(compressed)
    damaged[len(damaged) // 2] ^= 0xFF
    stream = open_stream(compressed + bytes(damaged))
    content = stream.read()
    assert content is not None
    assert content.startswith(LINES)
    assert stream.broken is not None
    assert stream.broken.reason == "undecodable"


@given(st.sampled_from(sorted(COMPRESS)), st.data())
def test_no_damage_raises(kind: str, data: st.DataObject) -> None:
    compressed = bytearray(COMPRESS[kind](LINES[:2000]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(6, len(compressed) - 1))
        compressed[place] = data.draw(st.integers(0, 255))
    stream = open_stream(bytes(compressed[: data.draw(st.integers(6, len(compressed)))]))
    assert stream.read() is not None


@each_kind
def test_a_small_drop_that_swells_is_read_in_bounded_memory(kind: str) -> None:
    swollen = 100 * 1024 * 1024
    pieces = {
        "gzip": lambda: gzip.compress(bytes(swollen)),
        "zstd": lambda: zstandard.ZstdCompressor().compress(bytes(swollen)),
        "bzip2": lambda: bz2.compress(bytes(swollen // 20)) * 20,
        "xz": lambda: lzma.compress(bytes(swollen), preset=0),
    }
    stream = open_stream(pieces[kind]())
    buffer = bytearray(64 * 1024)
    size = 0
    tracemalloc.start()
    while count := stream.readinto(buffer):
        size += count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < swollen // 2
    assert size >= swollen - 20


def test_lines_are_cut_where_the_drop_breaks() -> None:
    compressed = gzip.compress(LINES * 40)
    decompressed = open_stream(compressed[:-100])
    lines = WholeLines(io.BufferedReader(decompressed), decompressed)
    content = lines.read()
    assert content is not None
    assert content.endswith(b"\n")
    assert b"\n" not in lines.remainder
    assert lines.given == len(content)
    assert (LINES * 40).startswith(content + lines.remainder)


def test_lines_of_a_whole_drop_are_all_there() -> None:
    decompressed = open_stream(gzip.compress(LINES * 40 + b"no line end"))
    lines = WholeLines(io.BufferedReader(decompressed), decompressed)
    assert lines.read() == LINES * 40 + b"no line end"
    assert lines.remainder == b""
