"""Threads of comments below an article: where one begins, and that it goes on to the end.

A thread begins with a heading ("3 comments"), or with the first of several marks that only threads have: a time, or the
name of a reader who "says". What readers write looks like prose; that marks come again every few lines tells it apart.
"""

import re
from collections.abc import Sequence

from transforms.lines import MOST_BUTTON_CHARS, Label, Line
from transforms.signals import READER_SAYS, TIMESTAMP

MOST_GAP = 6
"""Lines of a comment between one mark and the next."""
LEAST_MARKS = 2
MOST_SHARE = 0.4
"""A heading alone makes a thread of what follows only if that is short beside the article."""
MOST_NAME_CHARS = 40
MOST_BEGINNINGS = 20
"""Lines that are tried as the beginning of a thread: real pages have one or two."""

_SAYS = "says|said|wrote|writes|schrieb|schreibt|sagt|a écrit|dit|dice|escribió|pisze|napisał|пишет|написал"
_MARK = re.compile(
    r"^[^.!?]{0,60}(?:\b\d{1,2}[:.h]\d{2}\b|\b\d{4}\b|\b(?:ago|vor|hace|il y a|temu|назад)\b|منذ|قبل)[^.!?]{0,30}$"
    rf"|^@\w+|^[\W\d]*\d[\W\d]*$|\b(?:{_SAYS})\s*:?$"
)


def take_threads(lines: Sequence[Line]) -> None:
    """Label a thread of comments, from its heading or first mark to the end of the text."""
    first_prose = next((number for number, line in enumerate(lines) if line.is_prose), len(lines))
    starts = [number for number in range(first_prose + 1, len(lines)) if _may_begin(lines[number])]
    for start in starts[:MOST_BEGINNINGS]:
        if _is_thread(lines, start) or (lines[start].is_labelled("comments") and _is_appendix(lines, start)):
            for line in lines[_with_name(lines, start) :]:
                if line.label is None or line.label.kind == "other_boilerplate":
                    line.label = Label("comments", "thread")
            return


def _may_begin(line: Line) -> bool:
    if line.label is not None:
        return line.label.kind == "comments"
    return bool(line.signs) and bool(line.rules & {TIMESTAMP, READER_SAYS})


def _is_thread(lines: Sequence[Line], start: int) -> bool:
    """Whether marks come again and again down to the end."""
    is_single = READER_SAYS in lines[start].rules and len(lines) - start <= MOST_GAP
    gap = marks = 0
    for line in lines[start:]:
        is_mark = line.label is not None or bool(line.rules & {TIMESTAMP, READER_SAYS}) or bool(_MARK.search(line.text))
        marks += is_mark
        gap = 0 if is_mark else gap + line.count
        if gap > MOST_GAP:
            return False
    return marks >= (1 if is_single else LEAST_MARKS)


def _is_appendix(lines: Sequence[Line], start: int) -> bool:
    """Whether what follows is short beside what stands above, and has lines of a few words."""
    above, below = lines[:start], lines[start + 1 :]
    is_short = sum(len(line.text) for line in below) <= MOST_SHARE * sum(len(line.text) for line in above)
    return is_short and any(line.is_title_like and len(line.text) <= MOST_BUTTON_CHARS // 2 for line in below)


def _with_name(lines: Sequence[Line], start: int) -> int:
    """Where a thread begins: a mark such as a time has the name of the reader above it."""
    above = lines[start - 1]
    is_name = above.label is None and len(above.text) <= MOST_NAME_CHARS and not above.ends_sentence
    return start - 1 if is_name else start
