"""Probes: digests of passages of a text, by which it is found wherever it lies, and which do not tell it.

A passage is `PASSAGE` bytes of letters and digits in a row, folded to one spelling (see `transforms.probe_folding`).
What lies between them does not count, spaces, punctuation and tags of any kind, so that a passage is found in JSON, CSV
and HTML as in plain text; text in an encoding that is known is decoded first. They are looked for by a rolling hash
(Karp and Rabin 1987, "Efficient randomized pattern-matching algorithms"), a polynomial modulo 2^64, in one pass for all
texts at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

PASSAGE: Final = 24
"""Folded bytes of a passage: five English words; shorter ones are phrases that others use."""

STRIDE = 32
"""Folded bytes from one passage of a line to the next."""

MOST_PASSAGES = 48
"""Passages of a text at the most, evenly spread over it."""

BASE: Final = np.uint64(0x9E3779B97F4A7C15)
MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_MAP_BITS: Final = 18
SHIFT: Final = np.uint64(64 - _MAP_BITS)


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
    """Return the passages of a text, each as its digest in hexadecimal.

    They are taken from its lines, or from all of it where no line is long enough. A text of fewer than `PASSAGE`
    letters has none.
    """
    passages = list(dict.fromkeys(_cut(text.splitlines())) or dict.fromkeys(_cut([text])))  # a poem, or a list
    step = max(len(passages) / MOST_PASSAGES, 1)
    return [_digest(passages[int(number * step)]) for number in range(min(len(passages), MOST_PASSAGES))]


def read_probes(texts: Sequence[Sequence[str]]) -> Probes:
    """Return the probes of texts, which are given by their passages as `digest_passages` writes them."""
    keys: list[int] = []
    passages: list[int] = []
    numbers: list[int] = []
    for number, of_text in enumerate(texts):
        for passage in of_text:
            digests = passage.split(" ")  # earlier versions wrote one for each of several spellings
            keys += [int(digest, 16) for digest in digests]
            passages += [len(numbers)] * len(digests)
            numbers.append(number)
    found = np.array(keys, np.uint64)
    order = np.argsort(found, kind="stable")
    return Probes(found[order], np.array(passages, np.int64)[order], np.array(numbers, np.int64))


def read_unread(content: bytes) -> str:
    """Read bytes that no parser could, to look for passages: as UTF-8 or, where there are NULs, as either UTF-16."""
    encodings = ("utf-16-le", "utf-16-be") if b"\0" in content else ("utf-8",)
    return "\n".join(content.decode(encoding, "replace") for encoding in encodings)


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


def _cut(lines: Iterable[str]) -> Iterator[bytes]:
    from transforms.probe_folding import fold  # noqa: PLC0415 -- 0.3 s for the compiler

    for line in lines:
        letters = fold(line.encode("utf-8", "replace"))
        yield from (letters[at : at + PASSAGE] for at in range(0, len(letters) - PASSAGE + 1, STRIDE))


def _digest(passage: bytes) -> str:
    digest = 0
    for byte in passage:
        digest = (digest * int(BASE) + byte) % (1 << 64)
    return f"{digest:016x}"
