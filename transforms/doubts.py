"""What bears the signs of furniture and may be the article all the same: statements, answered questions, the headline.

A phrase of furniture stands in prose too ("The site uses cookies to follow its users."). What tells the two apart is
whether a line speaks to the reader, and what stands below it. A line in doubt goes only if furniture stands beside it.
"""

import re
from collections.abc import Sequence

from transforms.appeals import APPEAL
from transforms.lines import LEAST_PROSE_CHARS, Line, Sign
from transforms.signals import BYLINE_LABEL, SURE, WEAK
from transforms.voices import Voices

LEAST_STATEMENT_CHARS = 25
"""A shorter sentence is a button: "Learn more." """
LEAST_HEADLINE_WORDS = 3
"""Fewer are a button, or the name of a section."""

_STATEMENT = re.compile(r"[.。।۔][\"”’»)]*$")
_RIGHTS = re.compile(r"\W*(?:©|\(c\)|copyright)", re.IGNORECASE)
_TO_READER = re.compile(
    r"\b(?:please|bitte|por favor|haz|haga|puede|proszę|prosimy|пожалуйста)\b|يرجى|"
    r"\w\s(?:Sie|Ihr|Ihre[mnrs]?|Ihnen)\b|[£$€]\s?\d|\d\s?[£$€]"
)
_QUESTION = re.compile(r"[?؟？][\"”’»)]*$")
_SENTENCES = re.compile(r"[.!…]\s|[/|]")
_OF_HEADLINES = frozenset({"related", "share", "comments", "other_boilerplate"})
_LABELS = frozenset({"labelled_link", "trail"})
"""Rules of labels that headlines bear as well: "Opinion: The mole must go"."""


def is_told(line: Line, sign: Sign, voices: Voices) -> bool:
    """Whether a line that is not furniture word by word tells what somebody said or says."""
    is_sentence = line.ends_sentence and len(line.text) >= LEAST_PROSE_CHARS
    return sign.weight < SURE and is_sentence and voices.telling.search(line.text) is not None


def is_in_doubt(lines: Sequence[Line], position: int, sign: Sign, voices: Voices) -> bool:
    """Whether a line goes only beside furniture."""
    line = lines[position]
    is_statement = _STATEMENT.search(line.text) is not None and len(line.text) >= LEAST_STATEMENT_CHARS
    speaks = APPEAL in line.rules or _RIGHTS.match(line.text) or _TO_READER.search(line.text)
    speaks_to_nobody = is_statement and not speaks and voices.to_reader.search(line.text) is None
    is_unsure = sign.weight < SURE and (speaks_to_nobody or is_answered(lines, position))
    return is_unsure or may_be_headline(lines, position, sign)


def is_answered(lines: Sequence[Line], position: int) -> bool:
    """Whether a line is a question, and a sentence without a sign stands below it, as in an interview."""
    below = lines[position + 1] if position + 1 < len(lines) else None
    if below is None or _QUESTION.search(lines[position].text) is None:
        return False
    return below.label is None and below.ends_sentence and all(sign.weight <= WEAK for sign in below.signs)


def may_be_headline(lines: Sequence[Line], position: int, sign: Sign) -> bool:
    """Whether a line stands first, above a byline or a paragraph, and is furniture by a label or a loose phrase."""
    line = lines[position]
    is_title = line.may_be_headline and _SENTENCES.search(line.text) is None
    if position or len(lines) == 1 or not is_title or len(line.text.split()) < LEAST_HEADLINE_WORDS:
        return False
    is_above_text = lines[1].is_prose or BYLINE_LABEL in lines[1].rules
    is_loose = sign.kind in _OF_HEADLINES and (sign.weight < SURE or sign.rule in _LABELS)
    return is_above_text and is_loose
