"""A line of a text while it is being decided what it is: its text, the signs it bears, and its label.

Decides what reads like prose and what like a title; which sign counts is decided by those who ask.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from transforms.paragraphs import LIST_ITEM

LEAST_PROSE_CHARS = 60
"""A sentence as long as this reads like prose."""
MOST_TITLE_CHARS = 160
"""A longer line reads like prose even where it is no sentence."""
MOST_BUTTON_CHARS = 60
"""Of a button, or the heading of a list: a few words."""
MOST_NAMES_QUOTED = 2
"""Names of papers in one line; who sets more in quotation marks quotes."""

_LIST_ITEM = re.compile(LIST_ITEM)
_QUESTION = re.compile(r"[?!؟？！][\"”’»)]*$")
_QUOTE = re.compile(r"[\"“”„«»‘「]")
_QUOTED_NAME = re.compile(r"[\"“„«‘](?!\d)[^\W_a-zа-яё][^\"“”„«»‘.!?,:;]{1,30}[\"”“»’](?!\s?[,،:;–—-])")
"""What stands in quotation marks as the name of a paper does: a few words, the first with a capital."""


class Sign(NamedTuple):
    """A sign that a line bears, and how sure it is (see `signals`)."""

    kind: str
    rule: str
    weight: int


class Label(NamedTuple):
    """What a line is, and the rule that decided."""

    kind: str
    rule: str


@dataclass(slots=True)
class Line:
    """A line of a text, what was seen in it, and what it is found to be.

    Paragraphs in a row in which nothing was seen come as one line, with `count` of them.
    """

    text: str
    ends_sentence: bool
    number: int = 0
    lines_below: int = 0
    count: int = 1
    signs: Sequence[Sign] = ()
    label: Label | None = None
    reads_like_prose: bool = field(init=False)

    def __post_init__(self) -> None:
        """Look at its length once."""
        chars = len(self.text)
        self.reads_like_prose = chars > MOST_TITLE_CHARS or (chars >= LEAST_PROSE_CHARS and self.ends_sentence)

    @property
    def is_list_item(self) -> bool:
        """Whether it begins with a bullet or a number."""
        return _LIST_ITEM.match(self.text) is not None

    @property
    def is_title_like(self) -> bool:
        """Whether it could be a headline or a button: short, and no sentence."""
        return len(self.text) <= MOST_TITLE_CHARS and not self.ends_sentence

    @property
    def may_be_headline(self) -> bool:
        """Whether it could be a headline: what `is_title_like`, or a short question."""
        return self.is_title_like or (len(self.text) <= MOST_TITLE_CHARS and _QUESTION.search(self.text) is not None)

    @property
    def is_prose(self) -> bool:
        """Whether it reads like a paragraph that nothing marks as furniture."""
        return self.label is None and self.reads_like_prose

    @property
    def holds_speech(self) -> bool:
        """Whether somebody is quoted in it: more than the name of a paper."""
        return _QUOTE.search(_QUOTED_NAME.sub("", self.text, count=MOST_NAMES_QUOTED)) is not None

    @property
    def begins_with_speech(self) -> bool:
        """Whether it is a sentence that begins with what somebody says."""
        return self.ends_sentence and _QUOTE.match(self.text) is not None

    @property
    def rules(self) -> set[str]:
        """Rules by which it bears signs."""
        return {sign.rule for sign in self.signs}

    def is_labelled(self, kind: str) -> bool:
        """Whether it was found to be of this kind."""
        return self.label is not None and self.label.kind == kind

    def take(self, sign: Sign | None) -> None:
        """Label the line by a sign, unless it has a label."""
        if sign is not None and self.label is None:
            self.label = Label(sign.kind, sign.rule)
