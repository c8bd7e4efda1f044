"""Identities made from content: the same input always gets the same id, on every machine and in every version."""

import hashlib

DIGITS = 20
"""Hexadecimal digits of a key: 80 bits, so that a million drops collide with a chance of 1 in 2 trillion."""


def quarantine_id(record_id: str) -> str:
    """Return the identity of a record in the quarantine: the same, told apart by its first letter."""
    return record_id.replace("r_", "q_", 1)


def source_key(source: str) -> str:
    """Return a key of a source that is safe as a file name."""
    return _digest("source", source)


def drop_key(source: str, drop_sha256: str) -> str:
    """Return a key of a drop: a source and the hash of its bytes."""
    return _digest("drop", source, drop_sha256)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
