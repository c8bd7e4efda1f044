"""Looking through all that a home folder holds for texts that should not be in it.

Decompresses every drop, decodes every column of every data file, and reads everything else byte by byte: catalog with
its free pages, published file, reports, waiting alerts. What lies in the drop zone is not ours.
"""

import codecs
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.parse_columnar import DAMAGE, ipc_batches, seekable
from transforms.parsing import read_content
from transforms.probes import Probes, find_in_bytes, find_in_texts
from warehouse.home import Home
from warehouse.raw_store import RawStore

ROWS_AT_ONCE = 8_192
PIECE_BYTES, OVERLAP_BYTES = 32 << 20, 4 << 10
"""A drop is searched piece by piece, each with the end of the one before: a passage may lie across."""

PARQUET_SIGN, ARROW_SIGN, ARROW_STREAM_SIGN = b"PAR1", b"ARRO", b"\xff\xff\xff\xff"


@dataclass(frozen=True)
class Place:
    """A file in which passages stand, and which these are; `part` is a column, or null for its bytes."""

    path: Path
    part: str | None
    passages: NDArray[np.int64]


def search_drops(
    home: Home, probes: Probes, encodings: Mapping[str, str | None], *, but: Container[str] = ()
) -> Iterator[Place]:
    """Yield the drops in which a passage stands; `encodings` are those of drops by hash, `but` what is left out.

    Raises:
        RawDropError: if the bytes of a drop cannot be read.
    """
    store = RawStore(home.raw)
    for path in sorted(path for path in home.raw.glob("??/*.zst") if path.stem not in but):
        pieces = (find_in_bytes(probes, piece) for piece in _pieces(store, path.stem, encodings.get(path.stem)))
        found = np.unique(np.concatenate([np.empty(0, np.int64), *pieces]))
        if len(found):
            yield Place(path, None, found)


def _pieces(store: RawStore, drop_sha256: str, encoding: str | None) -> Iterator[bytes]:
    """Yield the content of a drop as UTF-8, in pieces that overlap, and what the columns of a file of columns hold."""
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")("replace")
    is_utf8 = encoding in {None, "utf-8"}
    with store.open(drop_sha256) as stream:
        content, before = read_content(stream), b""
        while piece := content.read(PIECE_BYTES):
            before = before[-OVERLAP_BYTES:] + (piece if is_utf8 else decoder.decode(piece).encode())
            yield before
    with store.open(drop_sha256) as stream:
        content = read_content(stream)
        sign = content.read(len(PARQUET_SIGN))
    if sign in {PARQUET_SIGN, ARROW_SIGN, ARROW_STREAM_SIGN}:
        with store.open(drop_sha256) as stream:
            yield from _texts_of_columns(read_content(stream), is_parquet=sign == PARQUET_SIGN)


def search_files(home: Home, probes: Probes) -> Iterator[Place]:
    """Yield all other files in which a passage stands."""
    for path in sorted(home.root.rglob("*")):
        is_ours = path.is_file() and not path.is_relative_to(home.landing)
        if not is_ours or (path.is_relative_to(home.raw) and path.suffix == ".zst"):
            continue
        with suppress(FileNotFoundError):  # it was there a moment ago
            if len(found := find_in_bytes(probes, path.read_bytes())):
                yield Place(path, None, found)
            if path.suffix == ".parquet":
                yield from _search_columns(home, path, probes)


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
            yield Place(path, "cannot be read", np.empty(0, np.int64))


def _in_columns(path: Path, probes: Probes) -> Iterator[Place]:
    with pq.ParquetFile(path) as file:
        for name in file.schema_arrow.names:
            found = [np.empty(0, np.int64)]
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name]):
                found += [find_in_texts(probes, texts)["passage"].to_numpy() for texts in _texts(batch.column(0))]
            if len(passages := np.unique(np.concatenate(found))):
                yield Place(path, name, passages)


def _texts_of_columns(stream: BinaryIO, *, is_parquet: bool) -> Iterator[bytes]:
    """Yield all text of a Parquet or Arrow file, a line each, as far as it can be read."""
    source = seekable(stream)
    if source is None:
        return  # too large to have been parsed
    with suppress(*DAMAGE):
        batches = pq.ParquetFile(source).iter_batches(batch_size=ROWS_AT_ONCE) if is_parquet else ipc_batches(source)
        for batch in batches:
            texts = (text for column in batch.columns for text in _texts(column))
            yield b"\n".join(line for text in texts for line in text.drop_nulls().cast(pl.Binary))


def _texts(array: pa.Array) -> Iterator[pl.Series]:
    """Yield the texts, and binary values, of a column, however deep they lie."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_struct(array.type):
        for part in array.flatten():
            yield from _texts(part)
    elif pa.types.is_nested(array.type):
        yield from _texts(array.flatten())
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        yield pl.Series(array, dtype=pl.String)
    elif pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        yield pl.Series(array, dtype=pl.Binary)
