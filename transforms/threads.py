"""Threads of comments below an article: where one begins, and that it goes on to the end.

A thread begins with a heading ("3 comments"), or with the first of several marks that only threads have: a time, a
button, a vote, or the name of a reader who "says". What readers write looks like prose; that marks come again every few
lines tells it apart. Marks of time alone are those of a live ticker or a list of results: they need a date and, at the
same distance from each, a name; or else a button, a vote or a reader who says.
"""

import re
from collections.abc import Sequence

from transforms.lines import MOST_BUTTON_CHARS, Label, Line
from transforms.signals import READER_ACTS, READER_SAYS, SAYS, TIMESTAMP

MOST_GAP = 6
"""Lines of a comment between one mark and the next."""
LEAST_MARKS = 2
"""A single one may stand in prose by chance."""
MOST_SHARE = 0.4
"""A heading alone makes a thread of what follows only if that is short beside the article."""
MOST_ALIAS_CHARS, MOST_ALIAS_WORDS = 40, 4
"""Of what a reader is called, which need not be a name as in bylines."""
MOST_NAME_DISTANCE = 4
"""Lines from the name of a reader to the mark below: what is written may stand between."""
LONGEST_COMMENT = 600
"""Characters of a line in a thread that no button or vote marks."""
MOST_BEGINNINGS = 20
"""Lines that are tried as the beginning of a thread: real pages have one or two."""

_SAYS = f"{SAYS}|said|wrote|writes|schrieb|a écrit|escribió|написал"
_MARK = re.compile(
    r"^[^.!?؟]{0,60}(?:\b\d{1,2}[:.h]\d{2}\b|\b\d{4}\b|\b(?:ago|vor|hace|il y a|temu|назад)\b|منذ|قبل)[^.!?؟]{0,30}$"
    rf"|^@\w+|^[\W\d]*\d[\W\d]*$|\b(?:{_SAYS})\s*:?$"
)
_MARKS = frozenset({TIMESTAMP, READER_SAYS, READER_ACTS})
_MAY_BE_MARKS = frozenset({"comments", "share", "other_boilerplate"})
_DATED = re.compile(
    r"\b(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\d{1,2}\.?\s(?:de\s)?[^\W\d_]{3,}|[^\W\d_]{3,}\s\d{1,2}(?![\d:])|"
    r"\b(?:ago|vor|hace|il y a|temu|назад|today|yesterday|heute|gestern|hoy|ayer|hier|dzisiaj|dziś|wczoraj|"
    r"сегодня|вчера)\b|منذ|قبل|اليوم|أمس",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"^(?=\S*[^\W\d_])(?:\S*[_\d]\S*|[a-zß-ÿа-яё]\S{3,})\s.{0,12}\d{1,2}[./-]\d{1,2}\b.{0,8}\d{1,2}[:.h]\d{2}\b"
)
"""What no person is called, and a day and a time."""
_CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}(?:\s?(?:uhr|hrs?|[ap]\.?m\b|gmt|utc|cest?|мск))?", re.IGNORECASE)
_INITIAL_AT_END = re.compile(r"\s[^\W\d_]\.$")


def take_threads(lines: Sequence[Line]) -> None:
    """Label a thread of comments, from its heading or first mark to the end of the text."""
    first_prose = next((number for number, line in enumerate(lines) if line.is_prose), len(lines))
    starts = [number for number in range(first_prose + 1, len(lines)) if _may_begin(lines[number])]
    for start in starts[:MOST_BEGINNINGS]:
        if _is_thread(lines, start) or (lines[start].is_labelled("comments") and _is_appendix(lines, start)):
            for line in lines[start - _name_distance(lines, start) :]:
                if line.label is None or line.label.kind == "other_boilerplate":
                    line.label = Label("comments", "thread")
            return


def _may_begin(line: Line) -> bool:
    if line.label is not None and line.label.kind not in _MAY_BE_MARKS:
        return False
    return line.is_labelled("comments") or (bool(line.signs) and bool(line.rules & _MARKS))


def _is_thread(lines: Sequence[Line], start: int) -> bool:
    """Whether marks come again and again down to the end, and are more than times."""
    is_single = READER_SAYS in lines[start].rules and len(lines) - start <= MOST_GAP
    gap = marks = 0
    for line in lines[start:]:
        is_mark = line.label is not None or bool(line.rules & _MARKS) or bool(_MARK.search(line.text))
        marks += is_mark
        gap = 0 if is_mark else gap + line.count
        if gap > MOST_GAP:
            return False
    return marks >= (1 if is_single else LEAST_MARKS) and _is_written_by_readers(lines, start)


def _is_written_by_readers(lines: Sequence[Line], start: int) -> bool:
    """Whether the marks are more than the times of a ticker."""
    if any(line.is_labelled("comments") or line.rules & {READER_SAYS, READER_ACTS} for line in lines[start:]):
        return True
    if sum(_SIGNED.match(line.text) is not None for line in lines[start:]) >= LEAST_MARKS:
        return True
    is_dated = _DATED.search(_CLOCK.sub("", lines[start].text)) is not None and not lines[start].is_list_item
    is_short = all(len(line.text) <= LONGEST_COMMENT for line in lines[start:])
    return is_dated and is_short and _name_distance(lines, start) > 0


def _is_appendix(lines: Sequence[Line], start: int) -> bool:
    """Whether what follows is short beside what stands above, and has lines of a few words."""
    above, below = lines[:start], lines[start + 1 :]
    is_short = sum(len(line.text) for line in below) <= MOST_SHARE * sum(len(line.text) for line in above)
    return is_short and any(line.is_title_like and len(line.text) <= MOST_BUTTON_CHARS // 2 for line in below)


def _name_distance(lines: Sequence[Line], start: int) -> int:
    """How many lines above its first mark a thread begins: at a name, right above or as far as above the next mark."""
    if _is_name(lines[start - 1]):
        return 1
    same = lines[start].rules & _MARKS
    marks = (n for n in range(start + 1, len(lines)) if lines[n].rules & same or (not same and lines[n].label))
    following = next(marks, None)
    if following is None or _is_other_furniture(lines[start - 1]):
        return 0
    for distance in range(2, min(MOST_NAME_DISTANCE, following - start, start) + 1):
        above = lines[start - distance]
        if _is_name(above) and _is_name(lines[following - distance]):
            return distance
        if _is_other_furniture(above):
            break
    return 0


def _is_other_furniture(line: Line) -> bool:
    return line.label is not None and line.label.kind != "other_boilerplate"


def _is_name(line: Line) -> bool:
    """Whether it could be the name of a reader: a few words that are no sentence."""
    is_short = len(line.text) <= MOST_ALIAS_CHARS and len(line.text.split()) <= MOST_ALIAS_WORDS
    is_statement = line.ends_sentence and _INITIAL_AT_END.search(line.text) is None
    return line.label is None and is_short and not is_statement and not line.rules & _MARKS
