"""Looking through all that a home folder holds for texts that should not be in it.

Decompresses every drop, opens archives, decodes every column of every data file, and reads everything else byte by
byte: catalog with its free pages, published file, reports, waiting alerts. What cannot be looked into is named. What
lies in the drop zone is not ours.
"""

import codecs
import io
import os
import zipfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard
from numpy.typing import NDArray

from transforms.compression import DAMAGE as DAMAGED_STREAM
from transforms.compression import TRUNCATED, DecompressedStream
from transforms.detection import HEAD_BYTES
from transforms.encodings import GUESSED, SPARSE_SHARE, detect_encoding
from transforms.formats import Format, detect_binary
from transforms.parse_columnar import DAMAGE, ipc_batches, seekable
from transforms.parsing import decompress
from transforms.probes import Probes, find_in_bytes, find_in_texts, read_unread
from warehouse.home import Home
from warehouse.raw_store import RawStore

ROWS_AT_ONCE = 8_192
PIECE_BYTES, OVERLAP_BYTES = 32 << 20, 4 << 10
"""A file is searched piece by piece, each with the end of the one before: a passage may lie across."""

MOST_LAYERS = 3
"""Compressions, one in another, that are taken off."""

MOST_UNPACKED_BYTES = 16 << 30
"""Bytes of an archive that are looked at: a bomb stops here."""

MOST_NESTED = 2
"""Archives, one in another, that are opened."""

_OPAQUE = frozenset(
    {
        *(Format.PDF, Format.ARCHIVE, Format.COMPRESSED, Format.AVRO, Format.ORC, Format.TAR),
        *(Format.WARC, Format.ARC, Format.DATABASE, Format.MEDIA, Format.IMAGE),
    }
)
"""What is compressed, or written, in ways that are not undone here, or may hold what is."""

_RTF_SIGN = rb"{\rtf"

_DAMAGE = (*DAMAGE, *DAMAGED_STREAM, zipfile.BadZipFile, EOFError)

UNREAD_SHARE = 0.1
"""Share of the bytes beyond ASCII that are no UTF-8, from which on a text is in another encoding."""

_BEYOND_ASCII = bytes(range(128, 256))
_ZIP_SIGN = b"PK\x03\x04"
_NOWHERE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Place:
    """A file in which passages stand, and which these are.

    Attributes:
        path: The file.
        part: A column of it, or why some of it could not be looked into; null for its bytes.
        passages: Passages that were found.
        is_searched: Whether all of it was looked at.
    """

    path: Path
    part: str | None
    passages: NDArray[np.int64]
    is_searched: bool = True


class _UnsearchableError(Exception):
    """Some of a drop cannot be looked into; says why."""


def search_drops(
    home: Home, probes: Probes, encodings: Mapping[str, str | None], *, but: Container[str] = ()
) -> Iterator[Place]:
    """Yield the drops in which a passage stands, and those that cannot be looked into.

    `encodings` are those of drops by hash, `but` what is left out.

    Raises:
        RawDropError: if the bytes of a drop are gone.
    """
    store = RawStore(home.raw)
    for path in sorted(path for path in home.raw.glob("??/*.zst") if path.stem not in but):
        passages, why = _NOWHERE, None
        try:
            for piece in _pieces(store, path.stem, encodings.get(path.stem)):
                passages = np.union1d(passages, find_in_bytes(probes, piece))
        except _UnsearchableError as error:
            why = str(error)
        except (zstandard.ZstdError, OSError):
            why = "damaged, or not readable"
        if why is not None or len(passages):
            yield Place(path, why, passages, is_searched=why is None)


def _pieces(store: RawStore, drop_sha256: str, encoding: str | None) -> Iterator[bytes]:
    """Yield the content of a drop as UTF-8, in pieces that overlap, and what archives and files of columns hold.

    Raises:
        _UnsearchableError: at the end, if there is more in it.
    """
    yield from _searched(partial(store.open, drop_sha256), encoding, nested=0, is_ours=store.is_redacted(drop_sha256))


def _searched(
    opened: Callable[[], BinaryIO], encoding: str | None, *, nested: int, is_ours: bool = False
) -> Iterator[bytes]:
    """Yield what a file holds. One that is ours (`is_ours`) was written anew: nothing lies behind where it breaks."""
    with opened() as stream:
        content, layers = _unpacked(stream)
        head = content.peek(HEAD_BYTES)[:HEAD_BYTES]
        format_ = detect_binary(head)
        yield from _overlapping(content, encoding, is_text=format_ is None)
    if layers:
        with opened() as stream:  # what stands there in the clear, in its header or behind its end
            yield from _overlapping(stream)
    is_archive = head.startswith(_ZIP_SIGN)
    if format_ in _OPAQUE or head.startswith(_RTF_SIGN) or (is_archive and nested == MOST_NESTED):
        raise _UnsearchableError(f"a file of the kind {format_}")
    if nested == 0 and format_ is None and encoding is None and head and detect_encoding(head) is None:
        raise _UnsearchableError("bytes that are no text, and of no format that is known")
    if is_archive or format_ in {Format.PARQUET, Format.ARROW}:
        with opened() as stream:
            source = seekable(_unpacked(stream)[0])
            if source is None:
                raise _UnsearchableError("too large once decompressed")
            yield from (
                _members(source, nested=nested)
                if is_archive
                else _columns(source, is_parquet=format_ is Format.PARQUET)
            )
    for broken in (layer.broken for layer in layers if not is_ours):
        if broken is not None and broken.reason != TRUNCATED:
            raise _UnsearchableError(f"{broken.detail}, and nobody knows what is behind")


def _unpacked(stream: BinaryIO) -> tuple[io.BufferedReader, Sequence[DecompressedStream]]:
    """Take off the compressions of a drop, one after the other, and return what does so."""
    layers = []
    for _ in range(MOST_LAYERS):
        content = decompress(stream)
        stream = content.stream
        layers += [] if content.decompressed is None else [content.decompressed]
    return io.BufferedReader(cast("io.RawIOBase", stream), HEAD_BYTES), layers


def _overlapping(content: BinaryIO, encoding: str | None = None, *, is_text: bool = False) -> Iterator[bytes]:
    """Yield content in pieces, as its bytes are and, where it is not in UTF-8, as they were read.

    That may be wrong: what is text is read in other ways, too.
    """
    decoder = None if encoding in {None, "utf-8"} else codecs.getincrementaldecoder(encoding)("replace")
    before = read_before = b""
    while piece := content.read(PIECE_BYTES):
        before = before[-OVERLAP_BYTES:] + piece
        yield before
        if is_text:
            yield from _other_readings(before)
        if decoder is not None:
            read_before = read_before[-OVERLAP_BYTES:] + decoder.decode(piece).encode()
            yield read_before


def _other_readings(content: bytes) -> Iterator[bytes]:
    """Yield a text as UTF-16 where it has NULs, and in every encoding of news where it is in no Latin script."""
    if b"\0" in content:
        yield read_unread(content).encode()
        return
    beyond = len(content) - len(content.translate(None, _BEYOND_ASCII))
    unread = len(content) - len(content.decode("utf-8", "ignore").encode())
    if unread > beyond * UNREAD_SHARE and beyond > len(content) * SPARSE_SHARE:
        yield from (content.decode(encoding, "replace").encode() for encoding in GUESSED)


def _members(source: BinaryIO, *, nested: int) -> Iterator[bytes]:
    """Yield what the members of a zip archive hold, office documents and e-books among them."""
    unsearched = None
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_UNPACKED_BYTES:
                raise _UnsearchableError("an archive that is too large once unpacked")
            for member in archive.infolist():
                try:
                    opened = partial(archive.open, member)
                    yield from _searched(cast("Callable[[], BinaryIO]", opened), None, nested=nested + 1)
                except _UnsearchableError as error:
                    unsearched = error
    except _DAMAGE as error:
        raise _UnsearchableError(f"an archive that cannot be opened ({error})") from error
    if unsearched is not None:
        raise unsearched


def search_files(home: Home, probes: Probes, *, delivered: Iterable[Path]) -> Iterator[Place]:
    """Yield all other files in which a passage stands; what others deliver, in whatever folder, is theirs."""
    for path in sorted(_files(home.root, apart_from=(home.landing, *delivered))):
        if path.is_relative_to(home.raw) and path.suffix == ".zst":
            continue
        if path.is_relative_to(home.raw) and path.suffix == ".part":  # compressed, and not to its end
            yield Place(path, "half written", _NOWHERE, is_searched=False)
            continue
        with suppress(FileNotFoundError):  # it was there a moment ago
            with path.open("rb") as file:
                found = np.unique(np.concatenate([_NOWHERE, *(find_in_bytes(probes, p) for p in _overlapping(file))]))
            if len(found):
                yield Place(path, None, found)
            if path.suffix == ".parquet":
                yield from _search_columns(home, path, probes)


def _files(root: Path, *, apart_from: Iterable[Path]) -> Iterator[Path]:
    """Yield the files below a folder, also where a folder of it lies elsewhere, once each."""
    seen = {path.resolve() for path in apart_from}
    for folder, folders, names in os.walk(root, followlinks=True):
        if (place := Path(folder).resolve()) in seen:
            folders.clear()
            continue
        seen.add(place)
        yield from (path for name in names if (path := Path(folder, name)).is_file())


def _search_columns(home: Home, path: Path, probes: Probes) -> Iterator[Place]:
    """Yield the columns of a Parquet file in which a passage stands; one that cannot be read may hold any.

    But for one that a run is writing at the moment: it sets aside what was withdrawn before it commits.
    """
    try:
        yield from _in_columns(path, probes)
    except FileNotFoundError:
        raise
    except DAMAGE:
        if not path.is_relative_to(home.staging):
            yield Place(path, "damaged", _NOWHERE, is_searched=False)


def _in_columns(path: Path, probes: Probes) -> Iterator[Place]:
    with pq.ParquetFile(path) as file:
        for name in file.schema_arrow.names:
            found = [_NOWHERE]
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name]):
                found += [find_in_texts(probes, texts)["passage"].to_numpy() for texts in _texts(batch.column(0))]
            if len(passages := np.unique(np.concatenate(found))):
                yield Place(path, name, passages)


def _columns(source: BinaryIO, *, is_parquet: bool) -> Iterator[bytes]:
    """Yield all text of a Parquet or Arrow file, a line each, as far as it can be read."""
    try:
        for batch in _parquet_batches(source) if is_parquet else ipc_batches(source):
            batch.validate(full=True)  # a wrong offset would be followed into foreign memory
            texts = (text for column in batch.columns for text in _texts(column))
            yield b"\n".join(line for text in texts for line in text.drop_nulls().cast(pl.Binary))
    except DAMAGE as error:
        raise _UnsearchableError("damaged columns") from error


def _parquet_batches(source: BinaryIO) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file with their dictionaries: these may hold values that no row has any more."""
    columns = pq.ParquetFile(source).schema
    texts = [column.path for column in map(columns.column, range(len(columns))) if column.physical_type == "BYTE_ARRAY"]
    yield from pq.ParquetFile(source, read_dictionary=texts).iter_batches(batch_size=ROWS_AT_ONCE)


def _texts(array: pa.Array) -> Iterator[pl.Series]:
    """Yield the texts, and binary values, of a column, however deep they lie."""
    array = _unwrapped(array)
    if pa.types.is_struct(array.type):
        for part in array.flatten():
            yield from _texts(part)
    elif pa.types.is_map(array.type):
        yield from _texts(array.keys)
        yield from _texts(array.items)
    elif pa.types.is_nested(array.type):
        yield from _texts(array.flatten())
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        yield pl.Series(array, dtype=pl.String)
    elif pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        yield pl.Series(array, dtype=pl.Binary)


def _unwrapped(array: pa.Array) -> pa.Array:
    """Return the values of an array, those of a dictionary each once, in a type that polars takes."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary
    if pa.types.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(array.type) or pa.types.is_fixed_size_binary(array.type):
        return array.cast(pa.large_binary())
    return array
