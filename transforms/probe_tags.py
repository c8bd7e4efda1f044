"""Leaving out of a text what is markup: tags of HTML and BBCode, comments, readings of ruby, targets of Markdown links.

Each search for an end stops where another beginning stands, or after `_LONGEST_TAG` bytes, so that none is quadratic.
"""

import numpy as np
from numpy.typing import NDArray

from transforms.compiled import compiled

_ASCII = 0x80
_OPENING, _CLOSING = ord("<"), ord(">")
_BRACKET, _BRACKET_CLOSING, _PARENTHESIS, _PARENTHESIS_CLOSING = map(ord, "[]()")
_EXCLAMATION, _HYPHEN, _SLASH, _EQUALS, _R = map(ord, "!-/=r")
_IS_QUOTE = np.array([chr(code) in "\"'" for code in range(256)], np.bool_)
_OF_RUBY = (ord("t"), ord("p"))
_IS_OPENING = np.array([chr(code) in "<[]" for code in range(256)], np.bool_)
_LONGEST_TAG, _LONGEST_NAME = 2048, 16
_IN_TAGS = np.array([chr(code).isalpha() or chr(code) in "/!?" for code in range(_ASCII)], np.bool_)


@compiled
def without_tags(text: NDArray[np.uint8], length: int) -> int:
    """Leave tags, comments and targets of links out where they stand; return how many bytes are left."""
    at = written = 0
    while at < length:
        end = _end_of_tag(text, at, length) if _IS_OPENING[text[at]] and at + 1 < length else 0
        if end:
            at = end
            continue
        text[written] = text[at]
        written, at = written + 1, at + 1
    return written


@compiled
def _end_of_tag(text: NDArray[np.uint8], at: int, length: int) -> int:
    """Tell where a tag ends, or the target of a link in Markdown, that begins at a sign; 0 if none does."""
    if text[at] == _BRACKET_CLOSING:
        return _behind(text, at, length, _PARENTHESIS_CLOSING, _BRACKET_CLOSING) if text[at + 1] == _PARENTHESIS else 0
    return _end_of_bbcode(text, at, length) if text[at] == _BRACKET else _end_of_html(text, at, length)


@compiled
def _end_of_bbcode(text: NDArray[np.uint8], at: int, length: int) -> int:
    """Tell where a tag such as [url=…] or [/url] ends."""
    is_tag = text[at + 1] == _SLASH
    for place in range(at + 1, min(length, at + _LONGEST_NAME)):
        if text[place] == _EQUALS:
            is_tag = place > at + 1
        if text[place] >= _ASCII or not _IN_TAGS[text[place]]:
            break
    return _behind(text, at, length, _BRACKET_CLOSING, _BRACKET) if is_tag else 0


@compiled
def _end_of_html(text: NDArray[np.uint8], at: int, length: int) -> int:
    """Tell where a tag or comment ends, and behind a tag of ruby the reading of the word."""
    first = text[at + 1]
    if first >= _ASCII or not _IN_TAGS[first]:
        return 0
    end = _behind_comment(text, at, length) if first == _EXCLAMATION else _behind_attributes(text, at, length)
    end = end or _behind(text, at, length, _CLOSING, _OPENING)
    if end and first | 0x20 == _R and text[at + 2] | 0x20 in _OF_RUBY and not _IN_TAGS[text[at + 3] & 0x7F]:
        while end < length and text[end] != _OPENING:
            end += 1
    return end


@compiled
def _behind_comment(text: NDArray[np.uint8], at: int, length: int) -> int:
    """Tell where a comment ends; 0 where none begins or ends."""
    if at + 3 >= length or text[at + 2] != _HYPHEN or text[at + 3] != _HYPHEN:
        return 0
    for place in range(at + 6, min(length, at + _LONGEST_TAG)):
        if text[place] == _CLOSING and text[place - 1] == _HYPHEN and text[place - 2] == _HYPHEN:
            return place + 1
    return 0


@compiled
def _behind(text: NDArray[np.uint8], at: int, length: int, closing: int, opening: int) -> int:
    """Tell where a sign ends, before another one opens; 0 where it does not come."""
    for place in range(at + 1, min(length, at + _LONGEST_TAG)):
        if text[place] == closing:
            return place + 1
        if text[place] == opening:
            return 0
    return 0


@compiled
def _behind_attributes(text: NDArray[np.uint8], at: int, length: int) -> int:
    """Tell where a tag ends in whose quotes anything may stand; 0 where its quotes do not pair."""
    quote = 0
    for place in range(at + 1, min(length, at + _LONGEST_TAG)):
        byte = text[place]
        if quote:
            quote = 0 if byte == quote else quote
        elif _IS_QUOTE[byte] and text[place - 1] == _EQUALS:
            quote = int(byte)
        elif byte == _CLOSING:
            return place + 1
        elif byte == _OPENING:
            return 0
    return 0
