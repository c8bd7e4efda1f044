"""Identities made from content: the same input always gets the same id, on every machine and in every version."""

import hashlib

DIGITS = 20
"""Hexadecimal digits of a key: 80 bits, so that a million drops collide with a chance of 1 in 2 trillion."""


def source_key(source: str) -> str:
    """Return a key of a source that is safe as a file name."""
    return _digest("source", source)


def drop_key(source: str, drop_sha256: str) -> str:
    """Return a key of a drop: a source and the hash of its bytes."""
    return _digest("drop", source, drop_sha256)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
