"""What goes with an offer because it stands next to it: more words for the reader, and the few words in between.

An offer is what speaks to the reader: a paywall, a newsletter, consent, an appeal for money, the invitation to comment.
Its lines seldom say all what they are ("The Tide Table", "Weekdays at 6"), but they stand together.
"""

from collections.abc import Sequence
from itertools import pairwise

from transforms.appeals import APPEAL, CUES
from transforms.lines import Label, Line

MOST_CHARS_BESIDE = {APPEAL: 100, CUES: 100}
"""A longer line is a paragraph, whatever stands above it."""
MOST_CHARS_BETWEEN, MOST_LINES_BETWEEN = 100, 2
"""Of what stands inside an offer: names, prices, a sentence on what the letter is about."""

_OFFERS = frozenset({"paywall", "newsletter", "consent", "comments"})
_MAY_BE_OFFERS = _OFFERS | {"other_boilerplate", "share"}


def take_beside(lines: Sequence[Line]) -> None:
    """Label lines with cues of appeals above or below an offer."""
    for position, line in enumerate(lines):
        asking = [sign for sign in line.signs if sign.rule in MOST_CHARS_BESIDE]
        if not asking or line.label is not None or line.holds_speech:
            continue
        around = [other for other in lines[max(position - 1, 0) : position + 2] if _is_known(other)]
        for sign in asking:
            is_short = len(line.text) <= MOST_CHARS_BESIDE[sign.rule]
            kinds = _MAY_BE_OFFERS if sign.rule == APPEAL else _OFFERS
            if is_short and any(_is_one_of(other, kinds) for other in around):
                line.take(sign)


def _is_known(line: Line) -> bool:
    """Whether a line has its label by more than cues: articles on cookies would go line by line."""
    return line.label is not None and line.label.rule not in {CUES, APPEAL}


def take_between(lines: Sequence[Line]) -> None:
    """Label the few words that stand between two lines of an offer."""
    offers = [number for number, line in enumerate(lines) if line.label is not None]
    for above, below in pairwise(offers):
        between, label = lines[above + 1 : below], lines[above].label
        is_inside = _is_one_of(lines[above], _OFFERS) and _is_one_of(lines[below], _OFFERS)
        if label is None or not is_inside or len(between) > MOST_LINES_BETWEEN or any(map(_may_be_story, between)):
            continue
        for line in between:
            line.label = Label(label.kind, "between")


def _is_one_of(line: Line, kinds: frozenset[str]) -> bool:
    return line.label is not None and line.label.kind in kinds


def _may_be_story(line: Line) -> bool:
    return line.holds_speech or len(line.text) > MOST_CHARS_BETWEEN
