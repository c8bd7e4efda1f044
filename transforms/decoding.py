"""Bytes to text that may be damaged: always some text, and a judgement whether it is worth keeping.

Decides how bytes are read that do not fit their encoding, and when a text is so full of characters that nobody can
read that it counts as undecodable. Leaves to `encodings` which encoding to try, to cleaning the few bad characters of
a text that is kept.
"""

UNREADABLE_SHARE = 0.01
"""More than this share of unreadable characters makes a text undecodable. Prose in a wrong single-byte or UTF-8
reading has 3 % and more of them in French or German; a text with a scratch has fewer than one in a hundred."""
UNREADABLE_SPARED = 1  # one bad byte in a headline of forty characters is a scratch, too

_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20)])
_BYTE_ORDER_MARK = "\ufeff"


def decode_text(text: bytes, encoding: str) -> str:
    """Decode without ever raising: what does not fit becomes U+FFFD, an encoding that does not exist UTF-8.

    A byte-order mark at the beginning is dropped.
    """
    try:
        return text.decode(encoding).removeprefix(_BYTE_ORDER_MARK)
    except (LookupError, ValueError):
        return _decode_damaged(text, encoding).removeprefix(_BYTE_ORDER_MARK)


def _decode_damaged(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding, "replace")
    except (LookupError, ValueError):  # a few codecs of the standard library refuse to replace
        return text.decode("utf-8", "replace")


def is_damaged(text: str) -> bool:
    """Tell whether a text holds too many U+FFFD, whoever put them there."""
    return "\ufffd" in text and _exceeds(text.count("\ufffd"), text)


def is_binary(text: str) -> bool:
    """Tell whether a text holds too many NULs and other control characters that no writer types."""
    encoded = text.encode("utf-8", "surrogatepass")  # six times as fast as a pattern: no other character has such bytes
    return _exceeds(len(encoded) - len(encoded.translate(None, _CONTROLS)), text)


def _exceeds(unreadable: int, text: str) -> bool:
    return unreadable > UNREADABLE_SPARED + len(text) * UNREADABLE_SHARE
