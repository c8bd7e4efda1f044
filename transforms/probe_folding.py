"""Folding bytes to letters, so that a text reads the same however it was written.

What a byte says may be wrapped several times: an entity of HTML within an escape of JSON. Escapes are undone until none
is left, at most `MOST_LAYERS` times: those of JSON, references of HTML by number and by name, hexadecimal bytes as in
addresses (`%C2%A0`) and mail (`=C2=A0`), and UTF-8 that was read as Windows-1252 (`â€”`). NULs are left out, which are
half of the bytes of English in UTF-16. Then each character becomes its letters in lower case, of one width and without
accents (compatibility decomposition, Unicode Standard Annex 15), in UTF-8; one that is no letter, digit or mark becomes
nothing. A byte that is no UTF-8 is taken for Windows-1252.
"""

import html.entities
import string
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.compiled import compiled
from transforms.probe_tags import without_tags

MOST_LAYERS = 4

MOST_LONGER = 3
"""Times its bytes that a text takes as letters at most: a syllable of Hangul is three letters of as many bytes."""

_ASCII, _OF_TWO, _OF_THREE, _CHARACTERS = 0x80, 0x800, 0x10000, 0x110000  # ends of what takes 1, 2, 3, 4 bytes
_TABLED = 0x20000
_IDEOGRAPHS_END = 0x40000
_NO_LETTERS = (
    *(range(0x300, 0x370), range(0x483, 0x48A), range(0x1AB0, 0x1B00), range(0x1DC0, 0x1E00), range(0x20D0, 0x2100)),
    *(range(0xFE20, 0xFE30), range(0x591, 0x5C8), range(0x610, 0x61B), range(0x64B, 0x660), range(0x6D6, 0x6EE)),
    *(range(0x640, 0x641), range(0x670, 0x671), range(0x17B4, 0x17B6), range(0x180B, 0x1810), range(0xFE00, 0xFE10)),
)
"""Marks that combine with any letter; points of Hebrew and Arabic, and the stroke that lengthens a word there; what is
not seen."""
_SURROGATES = (0xD800, 0xDC00, 0xE000)

_ESCAPE, _REFERENCE, _NUMBER, _END = ord("\\"), ord("&"), ord("#"), ord(";")
_NO_DIGIT = 16
_HEX = np.array([int(chr(c), 16) if chr(c) in string.hexdigits else _NO_DIGIT for c in range(256)], np.uint8)
_WIDTHS = np.array([0] * 0xC2 + [2] * 0x1E + [3] * 0x10 + [4] * 0x05 + [0] * 0x0B, np.uint8)
"""Bytes of the character beyond ASCII that begins with a byte; 0 where none does."""
_CONTINUED, _OWN_BITS = 0x80, 0x3F
_IS_SIGN = np.array([chr(code) in "\\&%=\xc3" for code in range(256)], np.bool_)
_MISREAD_FIRST, _MISREAD_LEAST, _MISREAD_MOST = 0xC3, 0x82, 0xB4  # how bytes that begin a character were misread
_LEADS_OF_LATIN = (0xC2, 0xC3)
_TWICE_READ = 0x2123
"""End of the characters that bytes are in Windows-1252."""
_IS_COMMON = np.zeros(_OF_TWO, np.bool_)
"""Whether a character of two bytes is of a script that texts are in: Latin, Greek, Cyrillic, Hebrew, Arabic."""
for _first, _end in ((0, 0x250), (0x370, 0x530), (0x5D0, 0x700)):
    _IS_COMMON[_first:_end] = True
_IS_BYTE_SIGN = np.array([chr(code) in "%=" for code in range(256)], np.bool_)
_SHORTEST_REFERENCE, _LONGEST_REFERENCE = 3, 33
_JSON_SIGNS = np.zeros(256, np.uint8)
_JSON_SIGNS[list(b'"\\/')] = list(b'"\\/')
_JSON_SIGNS[list(b"nrtbf")] = ord(" ")


class Alphabet(NamedTuple):
    """What characters and references are folded to.

    Attributes:
        starts: Where the letters of each character begin in `letters`, and end.
        letters: Letters in UTF-8, at most `MOST_LONGER` times the bytes of the character.
        ascii: Letter of each character of ASCII, or 0.
        names: Digests of the names of references, in ascending order.
        codes: Character of each name.
        bytes: Character of each byte in Windows-1252.
        misread: Byte that a character is in Windows-1252, or ISO 8859-1, where it continues a character in UTF-8.
    """

    starts: NDArray[np.int32]
    letters: NDArray[np.uint8]
    ascii: NDArray[np.uint8]
    names: NDArray[np.uint64]
    codes: NDArray[np.int32]
    bytes: NDArray[np.int32]
    misread: NDArray[np.uint8]


@cache
def alphabet() -> Alphabet:
    """Return the alphabet of all scripts; characters beyond it are ideographs, or none."""
    spelt = [_spell(chr(code)) for code in range(_TABLED)]
    starts = np.cumsum([0, *map(len, spelt)], dtype=np.int32)
    names = sorted(
        (_digest_name(name.removesuffix(";").encode()), ord(char[0])) for name, char in html.entities.html5.items()
    )
    digests, codes = zip(*dict(names).items(), strict=True)
    of_bytes = [ord(bytes([byte]).decode("cp1252", "replace")) for byte in range(256)]
    misread = np.zeros(_TWICE_READ, np.uint8)
    for byte in range(_CONTINUED, _CONTINUED + _OWN_BITS + 1):
        misread[byte] = byte
        misread[of_bytes[byte] if of_bytes[byte] < _TWICE_READ else byte] = byte
    return Alphabet(
        starts,
        np.frombuffer(b"".join(spelt), np.uint8),
        np.array([*map(ord, (letter or b"\0" for letter in spelt[:_ASCII]))], np.uint8),
        np.array(digests, np.uint64),
        np.array(codes, np.int32),
        np.array(of_bytes, np.int32),
        misread,
    )


def _spell(char: str) -> bytes:
    if unicodedata.category(char) in {"Cn", "Co", "Cs"}:
        return b""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    bare = (part for part in apart if not any(ord(part) in marks for marks in _NO_LETTERS))
    kept = "".join(part for part in bare if part.isalnum() or unicodedata.category(part).startswith("M"))
    return kept.encode()[: MOST_LONGER * len(char.encode())]


def _digest_name(name: bytes) -> int:
    digest = 0
    for byte in name:
        digest = (digest * 257 + byte) % (1 << 64)
    return digest


def fold(content: bytes) -> bytes:
    """Return the letters of a text without its tags; where there is nothing else, those of its tags."""
    data = np.frombuffer(content, np.uint8)
    whole, bare = (np.empty(MOST_LONGER * len(data), np.uint8) for _ in range(2))
    length, bare_length = fold_into(data, alphabet(), whole, bare)
    return bare[: max(bare_length, 0)].tobytes() or whole[:length].tobytes()


@compiled
def fold_into(
    data: NDArray[np.uint8], known: Alphabet, whole: NDArray[np.uint8], bare: NDArray[np.uint8]
) -> tuple[int, int]:
    """Write the letters of a text to `whole`, and without those in tags to `bare`; each has room for the longest.

    Returns how many there are of each; -1 for the latter where there are no tags.
    """
    text = np.empty(len(data), np.uint8)
    length = signs = 0
    for byte in data:
        text[length] = byte
        length += int(byte != 0)
        signs += int(_IS_SIGN[byte])
    layers = MOST_LAYERS if signs else 0
    while layers:
        before, length = length, _unescape(text, length, known)
        layers = layers - 1 if length < before else 0
    folded = _letters(text, length, known, whole)
    untagged = without_tags(text, length)
    return folded, _letters(text, untagged, known, bare) if untagged < length else -1


@compiled
def _unescape(text: NDArray[np.uint8], length: int, known: Alphabet) -> int:
    """Undo one layer of escapes where they stand; return how many bytes are left."""
    at = written = 0
    while at < length:
        byte = text[at]
        code, taken = -1, 0
        if byte == _ESCAPE and at + 1 < length:
            code, taken = _json_escape(text, at, length)
        elif byte == _REFERENCE:
            code, taken = _reference(text, at, length, known)
        elif byte == _MISREAD_FIRST:
            code, taken = _misread(text, at, length, known)
        elif _IS_BYTE_SIGN[byte] and at + 2 < length:
            high, low = _HEX[text[at + 1]], _HEX[text[at + 2]]
            if high < _NO_DIGIT and low < _NO_DIGIT:
                text[written] = high << 4 | low
                written, at = written + 1, at + 3
                continue
        if taken:
            written, at = _encode(code, text, written), at + taken
        else:
            text[written] = byte
            written, at = written + 1, at + 1
    return written


@compiled
def _json_escape(text: NDArray[np.uint8], at: int, length: int) -> tuple[int, int]:
    """Give the character of an escape of JSON, and how many bytes it takes; 0 where it is none."""
    following = text[at + 1]
    if following == ord("u"):
        code = _hex(text, at + 2, length)
        if code < 0:
            return -1, 0
        if _SURROGATES[0] <= code < _SURROGATES[1] and at + 7 < length and text[at + 6] == _ESCAPE:
            low = _hex(text, at + 8, length)
            if _SURROGATES[1] <= low < _SURROGATES[2]:
                return 0x10000 + ((code - _SURROGATES[0]) << 10) + low - _SURROGATES[1], 12
        return code, 6
    sign = int(_JSON_SIGNS[following])
    return (sign, 2) if sign else (-1, 0)


@compiled
def _hex(text: NDArray[np.uint8], at: int, length: int) -> int:
    """Give the number that four hexadecimal digits spell, or -1."""
    if at + 4 > length:
        return -1
    code = 0
    for place in range(at, at + 4):
        digit = int(_HEX[text[place]])
        if digit == _NO_DIGIT:
            return -1
        code = code << 4 | digit
    return code


@compiled
def _reference(text: NDArray[np.uint8], at: int, length: int, known: Alphabet) -> tuple[int, int]:
    """Give the character of a reference of HTML, and how many bytes it takes; 0 where it is none."""
    end = at + 1
    while end < min(length, at + _LONGEST_REFERENCE) and text[end] != _END and text[end] != _REFERENCE:
        end += 1
    if end - at < _SHORTEST_REFERENCE or end >= length or text[end] != _END:
        return -1, 0
    if text[at + 1] == _NUMBER:
        is_hex = text[at + 2] | 0x20 == ord("x")
        base, code = 16 if is_hex else 10, 0
        for place in range(at + 2 + is_hex, end):
            digit = int(_HEX[text[place]])
            if digit >= base or code > _CHARACTERS:
                return -1, 0
            code = code * base + digit
        return code, end + 1 - at
    digest = np.uint64(0)
    for place in range(at + 1, end):
        digest = digest * np.uint64(257) + np.uint64(text[place])
    found = np.searchsorted(known.names, digest)
    if found < len(known.names) and known.names[found] == digest:
        return int(known.codes[found]), end + 1 - at
    return -1, 0


@compiled
def _misread(text: NDArray[np.uint8], at: int, length: int, known: Alphabet) -> tuple[int, int]:
    """Give the character whose bytes in UTF-8 were read as one each, and how many bytes they take; 0 if there is none.

    A capital with an accent before a dash or quotation mark is not taken for one of a rare script.
    """
    if at + 1 >= length or not _MISREAD_LEAST <= text[at + 1] <= _MISREAD_MOST:
        return -1, 0
    lead = int(text[at + 1]) + 0x40
    if lead in _LEADS_OF_LATIN and at + 2 < length and text[at + 2] == ord(" "):  # it was a no-break space
        return (lead & 1) << 6 | ord("\xa0"), 3
    width, end = int(_WIDTHS[lead]), at + 2
    code = lead & (0x7F >> width)
    for _ in range(1, width):
        following, taken = _decode(text, end, length)
        if taken == 0 or following >= _TWICE_READ or known.misread[following] == 0:
            return -1, 0
        code, end = code << 6 | int(known.misread[following]) & _OWN_BITS, end + taken
    return (code, end - at) if code >= _OF_TWO or _IS_COMMON[code] else (-1, 0)


@compiled
def _encode(code: int, text: NDArray[np.uint8], at: int) -> int:
    """Write a character in UTF-8, or a space where it is none, and return where the next one goes."""
    if 0 <= code < _ASCII:
        text[at] = code
        return at + 1
    if code < _OF_TWO:
        text[at], text[at + 1] = 0xC0 | code >> 6, _CONTINUED | code & _OWN_BITS
        return at + 2
    if code < _OF_THREE and not _SURROGATES[0] <= code < _SURROGATES[2]:
        text[at], text[at + 1] = 0xE0 | code >> 12, _CONTINUED | code >> 6 & _OWN_BITS
        text[at + 2] = _CONTINUED | code & _OWN_BITS
        return at + 3
    if _OF_THREE <= code < _CHARACTERS:
        text[at], text[at + 1] = 0xF0 | code >> 18, _CONTINUED | code >> 12 & _OWN_BITS
        text[at + 2], text[at + 3] = _CONTINUED | code >> 6 & _OWN_BITS, _CONTINUED | code & _OWN_BITS
        return at + 4
    text[at] = ord(" ")
    return at + 1


@compiled
def _letters(text: NDArray[np.uint8], length: int, known: Alphabet, folded: NDArray[np.uint8]) -> int:
    """Write the letters of a text, and return how many bytes they take."""
    at = written = 0
    while at < length:
        if text[at] < _ASCII:
            folded[written] = known.ascii[text[at]]
            written += int(known.ascii[text[at]] != 0)
            at += 1
            continue
        code, width = _decode(text, at, length)
        if width == 0:
            code, width = int(known.bytes[text[at]]), 1
        if code < _TABLED:
            for place in range(known.starts[code], known.starts[code + 1]):
                folded[written] = known.letters[place]
                written += 1
        elif code < _IDEOGRAPHS_END:
            written = _encode(code, folded, written)
        at += width
    return written


@compiled
def _decode(text: NDArray[np.uint8], at: int, length: int) -> tuple[int, int]:
    """Give the character that begins at a byte, and how many it takes; 0 where it is no UTF-8."""
    width = int(_WIDTHS[text[at]])
    if width == 0 or at + width > length:
        return 0, 0
    code = int(text[at]) & (0x7F >> width)
    for place in range(at + 1, at + width):
        if text[place] & ~_OWN_BITS != _CONTINUED:
            return 0, 0
        code = code << 6 | int(text[place]) & _OWN_BITS
    return code, width
