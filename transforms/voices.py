"""Who speaks in a line, and to whom: words for the reader and the publisher, and of those who say something.

Decides by which words a voice is known; what a line is that holds one is decided by those who ask.
"""

import re
from functools import cached_property

from transforms.vocabulary import Vocabulary, compile_words


class Voices:
    """Expressions made of the words of a vocabulary, each compiled when it is first needed."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take words for the reader and for speech from `vocabulary`."""
        self._words = vocabulary.words

    @cached_property
    def to_reader(self) -> re.Pattern[str]:
        """What speaks to the reader or of the publisher."""
        return compile_words(self._words["reader"])

    @cached_property
    def quoting(self) -> re.Pattern[str]:
        """What tells that a person is quoted."""
        return compile_words(self._words["speech"])

    @cached_property
    def telling(self) -> re.Pattern[str]:
        """What tells that somebody says, or does, what a line is about."""
        return compile_words((*self._words["speech"], *self._words["reported"]))
