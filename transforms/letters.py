"""Which characters make up words, and how compiled code reads them from the bytes of an Arrow column."""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
import polars as pl
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from transforms.compiled import compiled
from transforms.words import fold_characters

PARTS, SKIPPED = 0, 0xFFFFFFFF
"""Values of characters that part words, and of those that do not count; any other is a letter."""

LOOKED_UP = 0x20000
"""Characters whose case and class are in a table; beyond are ideographs, up to `SIGNS_FROM`, and then signs."""

SIGNS_FROM = 0x40000

# A view of a text in Arrow: its length and, as three numbers, the text itself, or its first bytes, buffer and place.
_VIEW_NUMBERS, _VIEW_BYTES, _INLINE_BYTES = 4, 16, 12
_NO_LETTERS = (range(0xD800, 0xE000), range(0x1F000, 0x1FB00))  # surrogates, and pictures
_LEADS_OF_TWO, _LEADS_OF_THREE, _LEADS_OF_FOUR = 0x80, 0xE0, 0xF0  # of bytes in a character of UTF-8


@cache
def alphabet() -> NDArray[np.uint32]:
    """Which letter each character is in a word, as `words.fold_characters` has it."""
    codes = [code for code in range(LOOKED_UP) if not any(code in signs for signs in _NO_LETTERS)]
    folded = fold_characters(pl.Series([chr(code) for code in codes]))
    letters = np.full(LOOKED_UP, PARTS, np.uint32)
    letters[codes] = [SKIPPED if not spelt else PARTS if spelt == " " else ord(spelt[0]) for spelt in folded]
    return letters


def text_buffers(texts: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of texts, or of binary values, that are not null, in one piece, and where each begins and ends."""
    array = texts.rechunk().to_arrow()
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data or b"", np.uint8), starts


class TextColumn:
    """Texts, or binary values, that are not null, read where they lie: a text may be in any of many buffers.

    Copying them into one piece takes longer than reading them.

    Attributes:
        addresses: Where the bytes of each text begin in memory, as long as this object lives.
        lengths: How many bytes each has.
    """

    def __init__(self, texts: pl.Series) -> None:
        self._array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        _, views, *data = self._array.buffers()
        rows = np.frombuffer(views, np.int32).reshape(-1, _VIEW_NUMBERS)[self._array.offset :][: len(self._array)]
        self.lengths = rows[:, 0].astype(np.int64)
        of_rows = views.address + _VIEW_BYTES * (self._array.offset + np.arange(len(rows), dtype=np.int64))
        bases = np.array([buffer.address for buffer in data] or [0], np.int64)
        is_inline = self.lengths <= _INLINE_BYTES
        buffer_no = np.where(is_inline, 0, rows[:, 2])
        self.addresses = np.where(is_inline, of_rows + rows.itemsize, bases[buffer_no] + rows[:, 3])


def _make_pointer(_context: object, address: Any) -> Any:  # noqa: ANN401 -- types of the compiler
    """Make a pointer of an address, in compiled code."""

    def generate(_target: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


_pointer = cast("Callable[[int], Any]", intrinsic(_make_pointer))


@compiled
def text_at(address: int, length: int) -> NDArray[np.uint8]:
    """Give the bytes of a text of a `TextColumn`."""
    return carray(_pointer(address), (length,), dtype=np.uint8)


@compiled
def numbers_at(address: int, count: int) -> NDArray[np.uint32]:
    """Give the numbers in a binary value of a `TextColumn`."""
    return carray(_pointer(address), (count,), dtype=np.uint32)


@compiled
def letter_of(code: int, letters: NDArray[np.uint32]) -> int:
    """Give the letter that a character is in a word, or whether it is none."""
    if code < LOOKED_UP:
        return int(letters[code])
    return code if code < SIGNS_FROM else PARTS


@compiled
def decode(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Give the character that begins at a byte of UTF-8, and where the next one does."""
    lead = int(text[at])
    if lead < _LEADS_OF_TWO:
        return lead, at + 1
    width = 2 + (lead >= _LEADS_OF_THREE) + (lead >= _LEADS_OF_FOUR)
    code = lead & (0x7F >> width)
    for following in range(at + 1, at + width):
        code = code << 6 | int(text[following]) & 0x3F
    return code, at + width
