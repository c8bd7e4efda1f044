"""Probes: digests of passages of a text, by which it is found wherever it lies, and which do not tell it.

A passage is `PASSAGE` folded bytes in a row: ASCII letters in lower case, digits, and bytes beyond ASCII. What lies
between them does not count (spaces, punctuation, brackets of tags, the NULs of UTF-16), so that a passage is found in
JSON, CSV and HTML as in plain text. Of each passage there is a digest for every way in which UTF-8 may write it (as it
is, or by JSON's or HTML's escapes); text in another encoding is decoded first. They are looked for by a rolling hash
(Karp and Rabin 1987, "Efficient randomized pattern-matching algorithms"), a polynomial modulo 2^64, in one pass for all
texts at a time.

Chosen are passages of plain letters, which all encodings write alike, as far as there are enough of them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

PASSAGE: Final = 24
"""Folded bytes of a passage: five English words; shorter ones are phrases that others use."""

PIECE_CHARS = 40
"""Characters that a passage is taken from."""

MOST_PASSAGES = 48
"""Passages of a text at the most, evenly spread over it."""

FEWEST_PLAIN = 16
"""Passages of plain letters below which others are taken as well."""

BASE: Final = np.uint64(0x9E3779B97F4A7C15)
MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_MAP_BITS: Final = 18
_ASCII: Final = 128
SHIFT: Final = np.uint64(64 - _MAP_BITS)

_PLAIN = re.compile(rf"[A-Za-z0-9 ]{{{PASSAGE},}}")


def _folded() -> NDArray[np.uint8]:
    kept = [ord(char.lower()) if char.isalnum() else 0 for char in map(chr, range(_ASCII))]
    return np.array([*kept, *range(_ASCII, 256)], np.uint8)


FOLD = _folded()


@dataclass(frozen=True)
class Probes:
    """What to look for.

    Attributes:
        keys: Digests, in ascending order.
        passages: Passage of each digest.
        texts: Text of each passage, by its number.
    """

    keys: NDArray[np.uint64]
    passages: NDArray[np.int64]
    texts: NDArray[np.int64]

    @cached_property
    def is_possible(self) -> NDArray[np.bool_]:
        """Whether there are digests of which some bits are those of its place."""
        found = np.zeros(1 << _MAP_BITS, np.bool_)
        found[((self.keys * MIX) >> SHIFT).astype(np.int64)] = True
        return found

    @property
    def count(self) -> int:
        """Number of passages."""
        return len(self.texts)

    def only(self, wanted: NDArray[np.bool_]) -> "Probes":
        """Return the probes of some passages, given as one truth for each; their numbers stay."""
        is_wanted = wanted[self.passages]
        return Probes(self.keys[is_wanted], self.passages[is_wanted], self.texts)


def digest_passages(text: str) -> list[str]:
    """Return the passages of a text, each as its digests in hexadecimal with spaces between.

    A text of fewer than `PASSAGE` letters has no passage.
    """
    digests = map(_digests, _pieces(text))
    return list(dict.fromkeys(" ".join(sorted(of_piece)) for of_piece in digests if of_piece))


def read_probes(texts: Sequence[Sequence[str]]) -> Probes:
    """Return the probes of texts, which are given by their passages as `digest_passages` writes them."""
    keys: list[int] = []
    passages: list[int] = []
    numbers: list[int] = []
    for number, of_text in enumerate(texts):
        for passage in of_text:
            digests = passage.split(" ")
            keys += [int(digest, 16) for digest in digests]
            passages += [len(numbers)] * len(digests)
            numbers.append(number)
    found = np.array(keys, np.uint64)
    order = np.argsort(found, kind="stable")
    return Probes(found[order], np.array(passages, np.int64)[order], np.array(numbers, np.int64))


def find_in_bytes(probes: Probes, content: bytes) -> NDArray[np.int64]:
    """Return the passages that stand in `content`, in ascending order."""
    from transforms.probe_scan import scan  # noqa: PLC0415 -- 0.3 s for the compiler

    data = np.frombuffer(content, np.uint8)
    return np.unique(scan(probes, data, np.array([0, len(data)], np.int64))[1])


def find_in_texts(probes: Probes, texts: pl.Series) -> pl.DataFrame:
    """Return which passages stand in which of the texts, or binary values: `row`, `passage`, each pair once."""
    from transforms.letters import text_buffers  # noqa: PLC0415 -- 0.3 s for the compiler
    from transforms.probe_scan import scan  # noqa: PLC0415 -- the same

    rows, passages = scan(probes, *text_buffers(texts.fill_null(b"" if texts.dtype == pl.Binary else "")))
    return pl.DataFrame({"row": rows, "passage": passages}).unique().sort("row", "passage")


def share_carried(probes: Probes, found: pl.DataFrame) -> pl.DataFrame:
    """Return for each row of `find_in_texts` and text how many of its passages stand there: `row`, `text`, `share`."""
    passages = np.bincount(probes.texts, minlength=1)
    texts = found.with_columns(text=pl.Series(probes.texts, dtype=pl.Int64).gather(found["passage"]))
    counted = texts.group_by("row", "text").agg(found=pl.len())
    of_text = pl.Series(passages, dtype=pl.Int64).gather(counted["text"])
    return counted.with_columns(passages=of_text, share=pl.col("found") / of_text).sort("row", "text")


def _pieces(text: str) -> list[str]:
    """Choose what passages are taken from: evenly spread, of plain letters where there are enough of them."""
    plain = list(_cut(run.group() for run in _PLAIN.finditer(text)))
    if len(plain) < FEWEST_PLAIN:
        plain += _cut(text.splitlines())
    if not plain:
        plain += _cut([text])  # a poem, or a list
    pieces = list(dict.fromkeys(plain))
    step = max(len(pieces) / MOST_PASSAGES, 1)
    return [pieces[int(number * step)] for number in range(min(len(pieces), MOST_PASSAGES))]


def _cut(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for start in range(0, len(line), PIECE_CHARS):
            piece = line[start : start + PIECE_CHARS]
            if len(_fold(piece.encode())) >= PASSAGE:
                yield piece


def _digests(piece: str) -> set[str]:
    """Digest the first passage of a piece in every way in which it may be written."""
    references = "".join(char if char.isascii() else f"&#x{ord(char):x};" for char in piece)
    written = (piece, json.dumps(piece), piece.encode("ascii", "xmlcharrefreplace").decode(), references)
    return {f"{_digest(_fold(text.encode())[:PASSAGE]):016x}" for text in written}


def _fold(content: bytes) -> bytes:
    folded: NDArray[np.uint8] = FOLD[np.frombuffer(content, np.uint8)]
    return folded[folded > 0].tobytes()


def _digest(passage: bytes) -> int:
    digest = 0
    for byte in passage:
        digest = (digest * int(BASE) + byte) % (1 << 64)
    return digest
