"""What goes with an offer because it stands next to it: more words for the reader, and the few words in between.

An offer is what speaks to the reader: a paywall, a newsletter, consent, an appeal for money, the invitation to comment.
Its lines seldom say all what they are ("The Tide Table", "Weekdays at 6"), but they stand together.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from transforms.appeals import APPEAL, APPEAL_RULES
from transforms.lines import Label, Line

ADDRESSED = "addresses_reader_beside"

MOST_CHARS_BESIDE = 100
"""A longer line is a paragraph, whatever stands above it."""
MOST_CHARS_BETWEEN, MOST_LINES_BETWEEN = 100, 2
"""Of what stands inside an offer: names, prices, a sentence on what the letter is about."""
MOST_CHARS_ADDRESSED, MOST_LINES_ADDRESSED = 120, 3
"""Of what speaks to the reader beside an offer; more may be the article."""
MOST_CHARS_OF_BUTTON = 30
"""Of what stands alone between two pieces of furniture of which one is no offer: buttons."""

_OFFERS = frozenset({"paywall", "newsletter", "consent", "comments"})
_MAY_BE_OFFERS = _OFFERS | {"other_boilerplate", "share"}
_LOOSE_RULES = APPEAL_RULES | {ADDRESSED}


def take_beside(lines: Sequence[Line]) -> None:
    """Label lines with cues of appeals above or below an offer."""
    for position, line in enumerate(lines):
        asking = [sign for sign in line.signs if sign.rule in APPEAL_RULES]
        if not asking or line.label is not None or len(line.text) > MOST_CHARS_BESIDE or line.holds_speech:
            continue
        around = [other for other in lines[max(position - 1, 0) : position + 2] if _is_known(other)]
        for sign in asking:
            kinds = _MAY_BE_OFFERS if sign.rule == APPEAL else _OFFERS
            if any(_is_one_of(other, kinds) for other in around):
                line.take(sign)


def take_addressed(lines: Sequence[Line], reader: re.Pattern[str]) -> None:
    """Label lines that speak to the reader above or below an offer, where the article speaks to nobody."""
    offers = [at for at, line in enumerate(lines) if _is_known(line) and (_is_offer(line) or _asks(line, reader))]
    spoken = {position for offer in offers for position in _spoken_beside(lines, offer, reader)}
    rest = (line for at, line in enumerate(lines) if line.is_prose and at not in spoken)
    if spoken and not any(reader.search(line.text) for line in rest):
        for position in spoken:
            lines[position].label = Label("other_boilerplate", ADDRESSED)


def _spoken_beside(lines: Sequence[Line], offer: int, reader: re.Pattern[str]) -> Iterator[int]:
    """Yield where lines above and below an offer speak to the reader, up to the first that does not."""
    for way in (-1, 1):
        for at in range(offer + way, offer + way * (MOST_LINES_ADDRESSED + 1), way):
            if not (0 <= at < len(lines) and _may_speak(lines[at]) and reader.search(lines[at].text)):
                break
            yield at


def _asks(line: Line, reader: re.Pattern[str]) -> bool:
    """Whether a line was taken for a phrase that may ask for money, and speaks to the reader."""
    return line.is_labelled("other_boilerplate") and reader.search(line.text) is not None


def _may_speak(line: Line) -> bool:
    is_short = line.count == 1 and len(line.text) <= MOST_CHARS_ADDRESSED
    return line.label is None and is_short and not line.holds_speech


def _is_offer(line: Line) -> bool:
    """Whether a line is labelled as an offer; an appeal for money has a kind with other things."""
    is_appeal = line.is_labelled("other_boilerplate") and bool(line.rules & APPEAL_RULES)
    return is_appeal or _is_one_of(line, _OFFERS)


def _is_known(line: Line) -> bool:
    """Whether a line has its label by more than cues: articles on cookies would go line by line."""
    return line.label is not None and line.label.rule not in _LOOSE_RULES


def take_between(lines: Sequence[Line]) -> None:
    """Label the few words between two lines of an offer, and a lone button between one and other furniture."""
    labelled = [number for number, line in enumerate(lines) if line.label is not None]
    for above, below in pairwise(labelled):
        between, label = lines[above + 1 : below], lines[above].label
        if label is None or not 0 < len(between) <= MOST_LINES_BETWEEN:
            continue
        ends = (lines[above], lines[below])
        is_below_prose = any(line.is_prose for line in lines[:above])
        if _are_inside(between, ends) or (is_below_prose and _is_button_beside(between, ends)):
            for line in between:
                line.label = Label(label.kind, "between")


def _are_inside(between: Sequence[Line], ends: tuple[Line, Line]) -> bool:
    """Whether lines stand between two lines of offers, and are no story."""
    above, below = ends
    is_alike = above.label is not None and below.is_labelled(above.label.kind)
    return all(map(_is_offer, ends)) and not any(_may_be_story(line, is_alike=is_alike) for line in between)


def _is_button_beside(between: Sequence[Line], ends: tuple[Line, Line]) -> bool:
    """Whether a line is a lone button between an offer and other furniture."""
    is_beside = any(map(_is_offer, ends)) and all(_is_one_of(line, _MAY_BE_OFFERS) for line in ends)
    return is_beside and len(between) == 1 and _may_be_button(between[0])


def _may_be_button(line: Line) -> bool:
    return line.is_title_like and len(line.text) <= MOST_CHARS_OF_BUTTON and not line.holds_speech


def _is_one_of(line: Line, kinds: frozenset[str]) -> bool:
    return line.label is not None and line.label.kind in kinds


def _may_be_story(line: Line, *, is_alike: bool) -> bool:
    """Whether a line between offers may be the article: a sentence between two that are not alike is."""
    return line.holds_speech or len(line.text) > MOST_CHARS_BETWEEN or (line.reads_like_prose and not is_alike)
