"""Which lines of a text are page furniture: paywalls, newsletters, share bars, comments, credits, biographies.

Decides by the signs that single lines bear (`signals`) and by where a line stands. A line with a sure sign goes
wherever it stands. A weaker sign counts only above the first paragraph, below the last one, or beside furniture. What
belongs to a piece of furniture goes with it: the bullets of an offer, the headlines under "Related", the thread under
"Comments".

Removing prose is worse than keeping furniture, so what reads like a paragraph is kept wherever the signs leave a doubt
(`doubts`).
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from transforms.appeals import APPEAL, APPEAL_RULES
from transforms.authorship import take_bios_below
from transforms.bios import BioReader
from transforms.bylines import NameReader
from transforms.doubts import is_answered, is_in_doubt, is_told, may_be_headline
from transforms.lines import MOST_BUTTON_CHARS, Label, Line, Sign
from transforms.offers import take_addressed, take_beside, take_between
from transforms.signals import (
    ADDRESS,
    BYLINE_LABEL,
    BYLINE_LINES,
    LAST_LONG_LINES,
    LIKELY,
    NAME_AND_ROLE,
    POSSIBLE,
    READER_SAYS,
    SURE,
    SURE_CHARS,
    TIMESTAMP,
    WEAK,
)
from transforms.threads import take_threads
from transforms.voices import Voices

MOST_ATTACHED = 12
"""Lines that go with the one above: bullets of an offer, headlines under "Related"."""
MOST_LINK_HEADING_CHARS = 40
"""A longer line is itself one of the links."""
MOST_APPEAL_CHARS = 160
"""A longer one at the end is kept: an article may end in "To register, write to …"."""
MANY_SIGNS = 3
"""A line with this many signs is furniture, however long it is."""

_OF_AUTHORS = frozenset({"author_bio", "byline"})
_OF_THE_END = APPEAL_RULES | {TIMESTAMP, READER_SAYS, ADDRESS}
_TAKES_BULLETS = frozenset({"paywall", "newsletter", "other_boilerplate", "consent", "share", "related"})


def label_lines(lines: Sequence[Line], names: NameReader, bios: BioReader, voices: Voices) -> None:
    """Label the lines of one text, but for bylines."""
    in_doubt = _take_sure(lines, voices)
    before = -1
    while (labelled := sum(line.label is not None for line in lines)) > before:  # one may uncover another at the ends
        before = labelled
        _take_beside_furniture(lines, in_doubt)
        _take_top(lines)
        _take_end(lines, bios, voices)
        take_threads(lines)
        _take_attached(lines)
        take_beside(lines)
        take_addressed(lines, voices.to_reader)
        take_between(lines)
        take_bios_below(lines, names)
        _fill_gaps_below(lines)


def _take_sure(lines: Sequence[Line], voices: Voices) -> dict[int, Sign]:
    """Label lines with sure signs, wherever they stand; give the signs of those that are in doubt, by position."""
    in_doubt: dict[int, Sign] = {}
    is_below_prose = False
    for position, line in enumerate(lines):
        if BYLINE_LABEL in line.rules and line.number < BYLINE_LINES:  # "Autor: Jan Becker" may be a credit below
            line.signs = [sign for sign in line.signs if sign.kind != "image_credit"]
        sign = _sure_sign(line, may_be_bio=is_below_prose and line.lines_below < LAST_LONG_LINES - 1)
        if sign is not None and is_in_doubt(lines, position, sign, voices):
            in_doubt[position] = sign
        elif sign is not None and not is_told(line, sign, voices):
            line.take(sign)
        is_below_prose |= line.is_prose
    return in_doubt


def _take_beside_furniture(lines: Sequence[Line], in_doubt: Mapping[int, Sign]) -> None:
    for position, sign in in_doubt.items():
        around = lines[max(position - 1, 0) : position + 2]
        if position and any(line.label is not None for line in around):
            lines[position].take(sign)


def _sure_sign(line: Line, *, may_be_bio: bool) -> Sign | None:
    """The sign by which a line is furniture; null where it may be prose."""
    signs = [sign for sign in line.signs if sign.weight > WEAK and (may_be_bio or sign.kind != "author_bio")]
    if not signs:
        return None
    surest = _surest(signs)
    if surest.weight == SURE or (len(signs) >= MANY_SIGNS and not line.begins_with_speech):
        return surest
    most_chars = SURE_CHARS if surest.weight == LIKELY else SURE_CHARS // 2
    return surest if len(line.text) <= most_chars and not line.holds_speech else None


def _surest(signs: Iterable[Sign]) -> Sign:
    return max(signs, key=attrgetter("weight"))


def _take_top(lines: Sequence[Line]) -> None:
    """Label lines with any sign above the first paragraph."""
    for position, line in enumerate(lines):
        if line.is_prose:
            break
        sign = next((sign for sign in line.signs if _counts_at_top(sign)), None)
        is_of_text = sign is not None and (is_answered(lines, position) or may_be_headline(lines, position, sign))
        if not (is_of_text or line.begins_with_speech):
            line.take(sign)


def _counts_at_top(sign: Sign) -> bool:
    return sign.kind not in _OF_AUTHORS and sign.rule not in _OF_THE_END


def _take_end(lines: Sequence[Line], bios: BioReader, voices: Voices) -> None:
    """Label lines with any sign below the last paragraph, from the end upwards."""
    prose = [line for line in lines if line.is_prose]
    for position in range(len(lines) - 1, -1, -1):
        line = lines[position]
        if line.label is None and line.signs and position and not is_answered(lines, position):
            sign = _possible_sign(line) or _weak_sign(line, prose, bios, voices)
            if sign is not None and (sign.rule != ADDRESS or _is_beside_furniture(lines, position)):
                line.take(sign)
        if line.is_prose:
            break


def _possible_sign(line: Line) -> Sign | None:
    """The surest sign of a line below the last paragraph, if it is more than weak."""
    surest = _surest(line.signs)
    is_story = len(line.text) > SURE_CHARS and (surest.rule == APPEAL or _is_said_once(line, surest))
    return surest if surest.weight > WEAK and not is_story and not line.begins_with_speech else None


def _weak_sign(line: Line, prose: Sequence[Line], bios: BioReader, voices: Voices) -> Sign | None:
    """The weak sign by which a line is a biography, or speaks to the reader, as none of the paragraphs does."""
    by_rule = {sign.rule: sign for sign in line.signs}
    if not by_rule.keys() & {NAME_AND_ROLE, APPEAL, ADDRESS}:
        return None
    text = " ".join(other.text for other in prose if other is not line and other.is_prose)
    if NAME_AND_ROLE in by_rule and bios.is_bio(line.text, text):
        return by_rule[NAME_AND_ROLE]
    if voices.to_reader.search(text):
        return None
    if APPEAL in by_rule and len(line.text) <= MOST_APPEAL_CHARS and not line.begins_with_speech:
        return by_rule[APPEAL]
    return by_rule.get(ADDRESS)


def _is_beside_furniture(lines: Sequence[Line], position: int) -> bool:
    """Whether a line above or below has its label by more than an appeal."""
    around = lines[position - 1 : position + 2]
    return any(other.label is not None and other.label.rule not in APPEAL_RULES for other in around)


def _is_said_once(line: Line, surest: Sign) -> bool:
    """Whether nothing but one phrase somewhere inside a line speaks for a sign; in a long one it may be chance."""
    is_inside = surest.weight == POSSIBLE and surest.kind not in _OF_AUTHORS
    return is_inside and sum(sign.weight > WEAK for sign in line.signs) == 1


def _take_attached(lines: Sequence[Line]) -> None:
    """Label what goes with the furniture above it: bullets, and headlines under a heading for them."""
    for start, line in enumerate(lines):
        if line.label is None or line.label.kind not in _TAKES_BULLETS:
            continue
        takes_titles = line.is_labelled("related") and len(line.text) <= MOST_LINK_HEADING_CHARS
        for below in lines[start + 1 : start + 1 + MOST_ATTACHED]:
            if below.label is not None or not (below.is_list_item or (takes_titles and below.may_be_headline)):
                break
            below.label = Label(line.label.kind, "attached")


def _fill_gaps_below(lines: Sequence[Line]) -> None:
    """Label what stands below the last paragraph under furniture, if it is no sentence of its own."""
    last_prose = max((number for number, line in enumerate(lines) if line.is_prose), default=len(lines))
    is_below = False
    for line in lines[last_prose + 1 :]:
        if line.label is not None:
            is_below = True
        elif is_below and (line.is_list_item or (line.is_title_like and len(line.text) <= MOST_BUTTON_CHARS)):
            line.label = Label("other_boilerplate", "below_furniture")
