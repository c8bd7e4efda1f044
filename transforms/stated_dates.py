"""Dates that a text states about itself above its first paragraph: "Published 12 May 2024", "Aktualisiert am 3.5.2022".

Decides which dates are meant so: those with a year, in lines that are bylines or no part of the text. Which of the two
is meant, publication or the last edit, the words right before a date tell. How a date is read is decided in `dates`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from transforms.date_forms import ZONE_MINUTES
from transforms.vocabulary import Vocabulary

_OF_OTHERS = re.compile(
    r"©|\bcopyright|\b(?:originally|ursprünglich|initialement|originalmente|pierwotnie)\b", re.IGNORECASE
)
"""Tells the date of a right, or of another publication. Two dates in a line are a span of time."""
_HOLDS_DIGITS = re.compile(r"\d\d")
_ZONE = rf"(?:\s*(?:Uhr\b|(?-i:Z|{'|'.join(ZONE_MINUTES).upper()})\b|[+-]\d{{2}}:?\d{{2}}\b))"
# A time in a zone that is not known says less than the day alone.
_TIME = (
    r"(?:T|\W{1,4}(?:at |um |à |a las |o godz\. |в )?)\d{1,2}[:.h]\d{2}(?::\d{2})?"
    rf"(?:\s*[ap]\.?m\.?(?!\w))?(?:{_ZONE}|(?!\s*(?-i:[A-Z]{{2,5}}\b)))"
)


class StatedDates(NamedTuple):
    """The first date of each kind, as it is written; null where the text states none."""

    published_at: str | None
    modified_at: str | None


class DateFinder:
    """Finds dates with the names of months, and the words for an edit, of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take the words from `vocabulary`."""
        months = vocabulary.alternatives("month")
        day = (
            rf"\d{{1,2}}(?:\.|er|st|nd|rd|th)?\s+(?:de\s+)?(?:{months})\.?,?\s+(?:de\s+)?\d{{4}}|"
            rf"\b(?:{months})\.?\s+\d{{1,2}},?\s+\d{{4}}|"
            r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4}"
        )
        self._date = re.compile(rf"(?<!\d)(?:{day})(?!\d)(?:{_TIME})?", re.IGNORECASE)
        edited = vocabulary.alternatives("edited")
        self._edited = re.compile(rf"\b(?:{edited})(?!\w)\W{{0,3}}(?:\w+\W{{1,3}}){{0,2}}$", re.IGNORECASE)

    def find(self, lines: Iterable[str]) -> StatedDates:
        """Find the dates that the lines above a text state."""
        published = modified = None
        for line in filter(_HOLDS_DIGITS.search, lines):
            edits, others = self._dates(line)
            modified = modified or next(iter(edits), None)
            if len(others) == 1 and _OF_OTHERS.search(line) is None:
                published = published or others[0]
        return StatedDates(published, modified)

    def _dates(self, line: str) -> tuple[list[str], list[str]]:
        """The dates of edits in a line, and all others."""
        edits: list[str] = []
        others: list[str] = []
        end = 0
        for date in self._date.finditer(line):
            (edits if self._edited.search(line[end : date.start()]) else others).append(date[0])
            end = date.end()
        return edits, others
