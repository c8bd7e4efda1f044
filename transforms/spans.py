"""Edits of a text: how they are applied, and where a piece of the edited text stood in the original.

Decides what offsets mean: code points, end exclusive. Leaves to others which edits are made.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple


class Edit(NamedTuple):
    """A piece of a text and what takes its place; an empty replacement removes it."""

    start: int
    end: int
    rule: str
    replacement: str


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Apply edits that are sorted and do not overlap.

    >>> apply_edits("one two three", [Edit(0, 4, "cut", ""), Edit(8, 13, "spell", "3")])
    'two 3'
    """
    return "".join(_edited_pieces(text, edits))


def _edited_pieces(text: str, edits: Sequence[Edit]) -> Iterator[str]:
    position = 0
    for edit in edits:
        yield text[position : edit.start]
        yield edit.replacement
        position = edit.end
    yield text[position:]


class _Alignment:
    """Offsets of an edited text to offsets of the original."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        growths = [len(edit.replacement) - (edit.end - edit.start) for edit in edits]
        shifts = accumulate(growths[:-1], initial=0)
        self._starts = [edit.start + shift for edit, shift in zip(edits, shifts, strict=False)]

    def start(self, offset: int) -> int:
        """Where the character at `offset` came from: what was removed just before it stays out."""
        return self._original(offset, bisect_right(self._starts, offset) - 1, inside=0)

    def end(self, offset: int) -> int:
        """One past where the character before `offset` came from: what was removed just after it stays out."""
        return self._original(offset, bisect_left(self._starts, offset) - 1, inside=1)

    def _original(self, offset: int, number: int, *, inside: int) -> int:
        if number < 0:
            return offset
        edit = self._edits[number]
        beyond = offset - self._starts[number] - len(edit.replacement)
        return edit.end + beyond if beyond >= 0 else (edit.start, edit.end)[inside]


def locate_pieces(
    original: str,
    edits: Sequence[Edit],
    *,
    normalized: str,
    pieces: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Find where `pieces` of the normalized text stand in the original; they follow each other, and do not overlap.

    The normalized text is the edited one but for NFC and white space, and neither of these makes or breaks a run
    of characters between white space: the n-th such run of one text is the n-th of the other. A piece begins and ends
    with one.
    """
    edited = apply_edits(original, edits)
    alignment = _Alignment(edits)
    located = []
    position = position_normalized = 0
    for piece_start, piece_end in pieces:
        start = _behind_runs(edited, position, like=normalized[position_normalized:piece_start])
        position = _behind_runs(edited, start, like=normalized[piece_start:piece_end])
        position_normalized = piece_end
        end = start + len(edited[start:position].rstrip())
        located.append((alignment.start(start), alignment.end(end)))
    return located


def _behind_runs(text: str, position: int, *, like: str) -> int:
    """Where, behind as many runs as another text has, the next one begins; the end of the text where there is none.

    `split` finds runs ten times faster than `re`, in windows, so that not all of the text is copied for each piece.
    """
    runs, width = len(like.split()), 2 * len(like) + 64
    while True:
        window = text[position : position + width]
        parts = window.split(None, runs)
        if len(parts) > runs:
            return position + len(window) - len(parts[runs])
        if position + width >= len(text):
            return len(text)
        width *= 2


def common_start(text: str, other: str) -> int:
    """Return how many characters two texts begin with in common; found by halves, as slices compare fastest."""
    same, differing = 0, min(len(text), len(other)) + 1
    while differing - same > 1:
        middle = (same + differing) // 2
        if text[same:middle] == other[same:middle]:
            same = middle
        else:
            differing = middle
    return same
