"""Opening the index of articles to ask it, also where nothing may be written, and telling whether it is damaged."""

import json
import os
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tantivy

from warehouse.database import first_line
from warehouse.files import names_in
from warehouse.search_schema import WORDS, analyzer

_READ_BYTES = 1 << 20


class DamagedIndexError(ValueError):
    """An index is not there, or its files are not as they were written."""


class OpenIndex:
    """An index that can be asked.

    To read one, tantivy writes a lock beside its files; where it cannot, they are linked from a folder that can be
    written to, and that goes with this object.
    """

    index: tantivy.Index

    def __init__(self, folder: Path) -> None:
        """Open the index in a folder.

        Raises:
            DamagedIndexError: if there is none, or it cannot be opened.
        """
        try:
            path = folder if os.access(folder, os.W_OK) else self._linked(folder)
        except OSError as error:
            raise DamagedIndexError(str(error)) from error
        with reading_index():
            self.index = tantivy.Index.open(str(path))
            self.index.register_tokenizer("words", analyzer(tantivy.Tokenizer.regex(WORDS)))

    def _linked(self, folder: Path) -> Path:
        links = Path(tempfile.mkdtemp(prefix="copydesk-"))
        weakref.finalize(self, shutil.rmtree, links, ignore_errors=True)
        for name in names_in(folder):
            if not name.endswith(".lock"):
                (links / name).symlink_to(folder.absolute() / name)
        return links


@contextmanager
def reading_index() -> Iterator[None]:
    """Tell what tantivy raises at damaged files as one error; it may panic, which is no Exception.

    Raises:
        DamagedIndexError: if it does.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise DamagedIndexError(first_line(error)) from error
        raise


@reading_index()
def check_index(folder: Path) -> None:
    """Read the index in a folder from end to end; opening it looks at the ends of its files alone.

    Raises:
        DamagedIndexError: if there is none, or a file is not as it was written.
    """
    OpenIndex(folder)
    for segment in json.loads((folder / "meta.json").read_bytes())["segments"]:
        for path in sorted(folder.glob(f"{segment['segment_id'].replace('-', '')}.*")):
            try:
                is_whole = _is_whole(path)
            except FileNotFoundError:
                continue  # a run put segments together meanwhile
            except OSError as error:
                raise DamagedIndexError(str(error)) from error
            if not is_whole:
                raise DamagedIndexError(f"{path.name} is not as it was written")


def _is_whole(path: Path) -> bool:
    """Hold a file against its footer: JSON with a CRC-32, the length of it, and a number, of four bytes each."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 8, 0))
        length = int.from_bytes(file.read(4), "little")
        left = size - 8 - length
        file.seek(max(left, 0))
        footer = json.loads(file.read(length))
        file.seek(0)
        checksum = 0
        while left > 0:
            checksum = zlib.crc32(file.read(min(left, _READ_BYTES)), checksum)
            left -= _READ_BYTES
    return isinstance(footer, dict) and footer.get("crc") == checksum
