"""Looking through all that a home folder holds for texts that should not be in it.

Decompresses every drop, decodes every column of every data file, and reads everything else byte by byte: catalog with
its free pages, published file, reports, waiting alerts. What lies in the drop zone is not ours.
"""

from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.parse_columnar import DAMAGE, ipc_batches
from transforms.parsing import read_content
from transforms.probes import Probes, find_in_bytes, find_in_texts
from warehouse.home import Home
from warehouse.raw_store import RawStore

ROWS_AT_ONCE = 8_192
COLUMNAR_SIGNS = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")


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
        found = find_in_bytes(probes, read_text(store, path.stem, encodings.get(path.stem)))
        if len(found):
            yield Place(path, None, found)


def read_text(store: RawStore, drop_sha256: str, encoding: str | None) -> bytes:
    """Return the content of a drop as UTF-8; of a file of columns all that its columns hold."""
    with store.open(drop_sha256) as stream:
        content = read_content(stream).read()
    if content.startswith(COLUMNAR_SIGNS):
        return content + _texts_of_columns(content)
    return content if encoding in {None, "utf-8"} else content.decode(str(encoding), "replace").encode()


def search_files(home: Home, probes: Probes) -> Iterator[Place]:
    """Yield all other files in which a passage stands."""
    for path in sorted(home.root.rglob("*")):
        is_ours = path.is_file() and not path.is_relative_to(home.landing)
        if not is_ours or (path.is_relative_to(home.raw) and path.suffix == ".zst"):
            continue
        if len(found := find_in_bytes(probes, path.read_bytes())):
            yield Place(path, None, found)
        if path.suffix == ".parquet":
            yield from _search_columns(path, probes)


def _search_columns(path: Path, probes: Probes) -> Iterator[Place]:
    with pq.ParquetFile(path) as file:
        for name in file.schema_arrow.names:
            found = [np.empty(0, np.int64)]
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name]):
                found += [find_in_texts(probes, texts)["passage"].to_numpy() for texts in _texts(batch.column(0))]
            if len(passages := np.unique(np.concatenate(found))):
                yield Place(path, name, passages)


def _texts_of_columns(content: bytes) -> bytes:
    """Return all text of a Parquet or Arrow file, a line each, as far as it can be read."""
    lines: list[bytes] = []
    with suppress(*DAMAGE):
        for batch in _batches(content):
            for column in batch.columns:
                lines += [line for texts in _texts(column) for line in texts.drop_nulls().cast(pl.Binary)]
    return b"\n".join(lines)


def _batches(content: bytes) -> Iterator[pa.RecordBatch]:
    source = pa.BufferReader(content)
    if content.startswith(COLUMNAR_SIGNS[0]):
        yield from pq.ParquetFile(source).iter_batches(batch_size=ROWS_AT_ONCE)
    else:
        yield from ipc_batches(source)


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
