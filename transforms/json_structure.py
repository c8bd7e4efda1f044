"""Where the values of a JSON text begin and end, found without reading them.

Decides where to cut: at the commas of one array, whatever its size, in bounded memory and linear time. Leaves it to
orjson whether what lies between two cuts is JSON, and never goes on where a cut is in doubt.

Quotes, escapes and brackets are found for a whole chunk at once: a quote is one that no backslash escapes; what lies
after an odd number of quotes is inside a string; the rest is counted.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WHITE_SPACE = b" \t\n\r"
EXCERPT_BYTES = 2000  # kept of a value that is too large

_QUOTE, _COMMA, _OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = b'",[]{}'
_MARKS = bytes(code in b'",[]{}' for code in range(256))
_OPENING = np.zeros(256, np.int8)
_OPENING[[_OPEN_LIST, _OPEN_OBJECT]] = 1
_OPENING[[_CLOSE_LIST, _CLOSE_OBJECT]] = -1
_OPENING_OBJECT = np.zeros(256, np.int8)
_OPENING_OBJECT[_OPEN_OBJECT] = 1
_OPENING_OBJECT[_CLOSE_OBJECT] = -1

Positions = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]


class StructureScanner:
    """Finds the brackets and commas outside strings, chunk after chunk of one text."""

    def __init__(self) -> None:
        """Start outside any string."""
        self.is_in_string = False
        self._is_escaped = False

    def scan(self, chunk: bytes) -> tuple[Positions, Codes]:
        """Give the places in the chunk of `{ } [ ] ,` outside strings, and which of them stands there."""
        if not chunk:
            return np.empty(0, np.int64), np.empty(0, np.uint8)
        chunk = self._without_escapes(chunk)
        places = np.flatnonzero(np.frombuffer(chunk.translate(_MARKS), dtype=bool))
        codes = np.frombuffer(chunk, dtype=np.uint8)[places]
        quotes = codes == _QUOTE
        is_inside = (np.cumsum(quotes) + self.is_in_string) & 1 == 1
        if places.size:
            self.is_in_string = bool(is_inside[-1])
        outside = ~(quotes | is_inside)
        return places[outside], codes[outside]

    def _without_escapes(self, chunk: bytes) -> bytes:
        """Blank escaped quotes and backslashes; pairs of backslashes first, from the left, as escapes are read."""
        if self._is_escaped:
            chunk = b"_" + chunk[1:]
        self._is_escaped = (len(chunk) - len(chunk.rstrip(b"\\"))) % 2 == 1
        if b"\\" in chunk:
            chunk = chunk.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        return chunk


def is_cut_off(text: bytes) -> bool:
    """Tell whether a text ends inside a string, an array or an object."""
    scanner = StructureScanner()
    _, codes = scanner.scan(text)
    return scanner.is_in_string or int(_OPENING[codes].sum(dtype=np.int64)) > 0


class Element(NamedTuple):
    """A value of an array, as it stands between two cuts, without white space around it.

    Attributes:
        start: Where it begins, counted from where the splitter began.
        end: One past its end.
        raw: Its bytes; of a value that is too large, the beginning.
        is_oversize: Whether it is larger than the limit.
        is_last: Whether nothing follows that would show that it is complete, or that another is due.
    """

    start: int
    end: int
    raw: bytes
    is_oversize: bool = False
    is_last: bool = False


class Ending(Enum):
    """How an array ended: by its bracket, by another one, or not at all."""

    CLOSED = "closed"
    DAMAGED = "damaged"
    OPEN = "open"


class ArraySplitter:
    """Cuts an array into its elements, chunk after chunk, beginning after its opening bracket.

    Attributes:
        ending: How the array ended, as far as was seen.
        cut: Where the element begins that is not finished; once the array is closed, where the rest begins.
        pending: What was seen from there on.
    """

    def __init__(self, *, max_bytes: int) -> None:
        """Start with no element seen."""
        self.ending = Ending.OPEN
        self.cut = 0
        self.pending = b""
        self._max_bytes = max_bytes
        self._scanner = StructureScanner()
        self._seen = 0  # bytes of the chunks before this one
        self._depth = 0
        self._object_depth = 0
        self._is_oversize = False

    @property
    def is_in_string(self) -> bool:
        """Whether what was seen ends inside a string."""
        return self._scanner.is_in_string

    def split(self, chunk: bytes) -> Iterator[Element]:
        """Yield the elements that end in this chunk; after the array's end, `pending` holds the rest of the chunk."""
        places, codes = self._scanner.scan(chunk)
        depths = np.cumsum(_OPENING[codes], dtype=np.int64) + self._depth
        object_depths = np.cumsum(_OPENING_OBJECT[codes], dtype=np.int64) + self._object_depth
        if codes.size:
            self._depth, self._object_depth = int(depths[-1]), int(object_depths[-1])
        cuts = np.flatnonzero((depths < 0) | ((depths == 0) & (codes == _COMMA)))
        begin = 0
        for index in cuts.tolist():
            place, is_end = int(places[index]), bool(depths[index] < 0)
            if object_depths[index] != 0 or (is_end and codes[index] != _CLOSE_LIST):
                self.ending = Ending.DAMAGED
                break
            yield self._element(chunk[begin:place], is_last=is_end)
            begin = place + 1
            self.cut = self._seen + begin
            if is_end:
                self.ending = Ending.CLOSED
                break
        self._seen += len(chunk)
        self._keep(chunk[begin:])

    def _element(self, last: bytes, *, is_last: bool) -> Element:
        raw = self.pending + last
        start = self.cut + len(raw) - len(raw.lstrip(WHITE_SPACE))
        end = self._seen + len(last) if self._is_oversize else self.cut + len(raw)
        is_oversize = self._is_oversize or end - start > self._max_bytes
        self.pending, self._is_oversize = b"", False
        if is_oversize:
            return Element(start, end, raw[:EXCERPT_BYTES].strip(WHITE_SPACE), is_oversize=True, is_last=is_last)
        raw = raw.strip(WHITE_SPACE)
        return Element(start, start + len(raw), raw, is_last=is_last)

    def _keep(self, rest: bytes) -> None:
        """Remember what no cut has closed yet, up to the limit."""
        self.pending = self.pending if self._is_oversize else self.pending + rest
        if self.ending is Ending.OPEN and len(self.pending) > self._max_bytes:
            self.pending, self._is_oversize = self.pending[:EXCERPT_BYTES], True


def find_lists(text: bytes, names: frozenset[str], *, max_depth: int) -> Iterator[tuple[int, int]]:
    """Find, in a text that begins with an object, the lists of records of an envelope, in order.

    They are the arrays of objects, and empty arrays, that are reached through members of these names alone.

    Yields:
        The place after the opening bracket of each, and that of its closing one, or the end of a text that lacks it.
    """
    places, codes = StructureScanner().scan(text)
    depths = np.cumsum(_OPENING[codes], dtype=np.int64)
    is_open = (codes == _OPEN_LIST) | (codes == _OPEN_OBJECT)
    closings = [np.flatnonzero(~is_open & (codes != _COMMA) & (depths == depth)) for depth in range(max_depth)]
    # What opens at each depth is reached through named members as long as no other bracket lies in between.
    depth_named = 1
    for index in np.flatnonzero(is_open & (depths <= max_depth)).tolist()[1:]:
        depth = int(depths[index])
        depth_named = min(depth_named, depth - 1)
        if depth_named < depth - 1 or _member_name(text, places, index) not in names:
            continue
        place = int(places[index]) + 1
        if codes[index] == _OPEN_OBJECT:
            depth_named = depth
        elif text[place : place + EXCERPT_BYTES].lstrip(WHITE_SPACE)[:1] in {b"{", b"]"}:
            closing = closings[depth - 1]
            after = int(np.searchsorted(closing, index))
            yield place, int(places[closing[after]]) if after < closing.size else len(text)


def _member_name(text: bytes, places: Positions, index: int) -> str:
    """Read the name of the member whose value opens at a place: it follows the comma or brace before it."""
    before = text[int(places[index - 1]) + 1 : int(places[index])].strip(WHITE_SPACE)
    name = before.removesuffix(b":").strip(WHITE_SPACE)
    return name[1:-1].decode("utf-8", "replace").lower() if before.endswith(b":") else ""
