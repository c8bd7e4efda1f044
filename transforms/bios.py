"""Short biographies at the end of an article, and the names that they are about.

A biography begins with the name of a person and says within a dozen words what that person does. So does many a
sentence of prose; but a person whom the article writes about is named in it before, and its author is not.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from transforms.bylines import AND, NameReader, unique
from transforms.signals import LONGEST_LINE
from transforms.voices import Voices

ROLE_CHARS = 110
"""How far behind the name the role is looked for."""
NEAR_CHARS = 40
"""How near behind "was" or a comma the role begins; further on it may be somebody else's."""
SPACE_CHARS = 2
"""Where letters have no case, nothing but white space stands between a name and the role."""
MOST_BIOS_KEPT = 4096
"""More than a paper has authors, and a few megabytes."""
MOST_WORDS = 7
"""Words of a name with its titles."""

_BULLET = re.compile(r"^[\s•*·\-–—|]+")
_HEADING = re.compile(
    r"^(?:about the authors?|über (?:den autor|die autorin)|zur person|à propos de l[’']auteure?|"
    r"sobre (?:el autor|la autora)|o autor(?:ze|ce)|об авторе|عن الكاتبة?)\s*[:.\n]\s*",
    re.IGNORECASE,
)
_SENTENCE_START = re.compile(r"(?:(?<=[.!?»”\"])|(?<=[.!?]\s)|(?<=[•|\n]))\s*(?=[^\W\d_a-z])")
_ASIDE = re.compile(r"^\s*\([^()]{1,60}\)")
_COMPANION = re.compile(rf"^\s*(?:{AND})(?:\s+[^\W\d_a-zß-ÿа-яё][\w.’'-]*){{2,3}}(?=\s+[a-zß-ÿа-яё]|\s*[,—–-])")
"""A second person, of whom the same is said."""
_PAST = re.compile(r"\s*(?:was|were|war|fut|était|fue|era|był|była|был|была|كان)\b")
_CLAUSE = re.compile(r"\s*[,،]")
_OTHER_PAST = re.compile(
    r",\s+\w+ed\b|\b(?:wins|was|were|had|will|would|wurde|wird|hatte|a été|sera|fue|será|został|została|будет|было)\b"
)


class Bio(NamedTuple):
    """A person and what is said of them."""

    name: str
    rest: str


class BioReader:
    """Reads biographies with the words of a vocabulary."""

    def __init__(self, names: NameReader, voices: Voices) -> None:
        """Take roles and titles from `names`, and words for speech from `voices`."""
        self._names = names
        self._voices = voices
        self._leading = lru_cache(MOST_BIOS_KEPT)(self._read_leading)  # asked for more than once, and recur

    def is_bio(self, line: str, text: str) -> bool:
        """Whether a line below the last paragraph is a biography of somebody whom `text` does not write about."""
        if len(line) > LONGEST_LINE:
            return False
        bio = self._leading(line)
        if bio is None or self._voices.quoting.search(line):
            return False
        surname = bio.name.split()[-1]
        return surname not in text and surname.upper() not in text

    def names(self, line: str) -> list[str]:
        """Names of the persons that a biography, or several in one line, are about."""
        bios = (self._leading(sentence) for sentence in _SENTENCE_START.split(_HEADING.sub("", line)))
        return unique([bio.name for bio in bios if bio is not None])

    def _read_leading(self, sentence: str) -> Bio | None:
        """The person with whom a sentence begins, if it goes on to say what that person does."""
        words = _BULLET.sub("", _HEADING.sub("", sentence)).split(maxsplit=MOST_WORDS)
        for count in range(self._names.name_length(words[:MOST_WORDS]), 1, -1):
            name = self._names.person(" ".join(words[:count]).rstrip(",،:"))
            if name is None:
                continue
            rest = " ".join(words[count:])
            if words[count - 1][-1] in ",،:":
                rest = f", {rest}"
            rest = _ASIDE.sub("", _COMPANION.sub("", f" {rest}"))
            if self._says_role(rest, is_cased=name != name.lower() or name != name.upper()):
                return Bio(name, rest)
        return None

    def _says_role(self, rest: str, *, is_cased: bool) -> bool:
        role = self._names.role.search(rest[:ROLE_CHARS])
        if role is None:
            return False
        if _PAST.match(rest) or _CLAUSE.match(rest):
            return role.start() <= NEAR_CHARS and _OTHER_PAST.search(rest, role.end()) is None
        return self._names.after_name.match(rest) is not None or (not is_cased and role.start() <= SPACE_CHARS)
