"""What a kind of fault is, and how a part of a drop is spoilt by it.

A kind is one function, which makes of a sound record, line or file what a broken scraper, exporter or feed would have
delivered instead, with what is right to be said about it. `Extent` says what of a drop the function is applied to, and
so what a share of it is.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from clean_drops import Article, Drop, Row

SHARES = (0.05, 0.3, 1.0)
"""Shares of a drop that are spoilt."""


class Extent(StrEnum):
    """What a share of a drop is.

    RECORDS: records, chosen at random. WHOLE_FILES: all records of some of its files, for what happens to a file.
    LINES: records, as they stand in a file. FILES: files, as bytes. DELIVERY: all, and the function is told the share,
    or whatever it makes of it.
    """

    RECORDS = "records"
    WHOLE_FILES = "records of files"
    LINES = "lines"
    FILES = "files"
    DELIVERY = "delivery"


class Fate(StrEnum):
    """What is right to become of spoilt records.

    LOADED: they are worth having, so they come in, and a warning is right. HELD_BACK: they are no articles, or cannot
    be read; at least half of them are held back, or the batch is refused. EITHER: both can be argued for; what is
    called critical has to be held back. HARMLESS: they can be read without any loss, so nothing needs to be said;
    such kinds count for no target, but nothing may be held back.
    """

    LOADED = "loaded"
    HELD_BACK = "held back"
    EITHER = "either"
    HARMLESS = "harmless"


@dataclass
class Scene:
    """What a fault may draw on: the drop, articles in another language, and chance."""

    drop: Drop
    strangers: Sequence[Article]
    rng: random.Random

    @property
    def names(self) -> dict[str, str]:
        """Names that the source has for our fields."""
        return dict(self.drop.source.names)

    def get(self, row: Row, name: str) -> Any:
        """Return what a record has for one of our fields."""
        return row.get(self.names[name])

    def body(self, row: Row) -> str:
        """Return the body of a record."""
        return str(row[self.names["body"]])

    def put(self, row: Row, **values: Any) -> Row:
        """Return a record with other values of our fields, of those that the source gives at all."""
        own = {self.names[name]: value for name, value in values.items() if name in self.names}
        return row | own

    def other(self, row: Row) -> Row:
        """Return another record of the drop."""
        while (chosen := self.rng.choice(self.drop.rows)) is row:
            pass
        return chosen


OfRecord = Callable[[Row, Scene], Row | Sequence[Row]]
OfBytes = Callable[[bytes, Scene], bytes]
OfDelivery = Callable[[Sequence[Row], float, Scene], Sequence[Row]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: What is wrong.
        source: Name of the source whose drop is spoilt.
        extent: What the function is applied to.
        spoil: The function.
        fate: What is right to become of the records.
        codes: Rules any of which says what is wrong.
        reason: Why these, and why that fate.
        shares: Shares at which it is a fault.
    """

    name: str
    source: str
    extent: Extent
    spoil: Callable[..., Any]
    fate: Fate
    codes: frozenset[str]
    reason: str
    shares: Sequence[float] = SHARES


@dataclass(frozen=True)
class Spoilt:
    """A spoilt drop.

    Attributes:
        files: Its files by name.
        records: How many of its records are touched.
        parts: How many parts of it can be held back at least: a file that cannot be read counts as one.
    """

    files: dict[str, bytes] = field(repr=False)
    records: int
    parts: int


def codes(names: str) -> frozenset[str]:
    """Return the codes of rules, given in one text."""
    return frozenset(names.split())


def spoil(kind: Kind, scene: Scene, *, share: float) -> Spoilt:
    """Return the drop with a share of it spoilt."""
    if kind.extent is Extent.DELIVERY:
        rows = kind.spoil(scene.drop.rows, share, scene)
        drop = Drop(scene.drop.source, scene.drop.at, rows)
        touched = math.ceil(share * len(scene.drop.rows))
        return Spoilt(_files(drop, drop.in_files() if rows else []), touched, touched)
    parts = scene.drop.in_files()
    if kind.extent in {Extent.WHOLE_FILES, Extent.FILES}:
        return _spoil_files(kind, scene, parts, chosen=_choose(len(parts), share, scene.rng))
    return _spoil_records(kind, scene, parts, chosen=_choose(len(scene.drop.rows), share, scene.rng))


def _choose(count: int, share: float, rng: random.Random) -> set[int]:
    return set(rng.sample(range(count), max(1, round(share * count))))


def _files(drop: Drop, parts: Iterable[Sequence[Row]]) -> dict[str, bytes]:
    return {drop.file_name(number): drop.source.write(rows).content for number, rows in enumerate(parts)}


def _spoil_files(kind: Kind, scene: Scene, parts: Sequence[Sequence[Row]], *, chosen: set[int]) -> Spoilt:
    records = sum(len(parts[number]) for number in chosen)
    if kind.extent is Extent.WHOLE_FILES:
        spoilt = [
            [one for row in rows for one in _listed(kind.spoil(row, scene))] if number in chosen else rows
            for number, rows in enumerate(parts)
        ]
        return Spoilt(_files(scene.drop, spoilt), records, records)
    files = _files(scene.drop, parts)
    for number in chosen:
        name = scene.drop.file_name(number)
        files[name] = kind.spoil(files[name], scene)
    return Spoilt(files, records, len(chosen))


def _spoil_records(kind: Kind, scene: Scene, parts: Sequence[Sequence[Row]], *, chosen: set[int]) -> Spoilt:
    picked = {id(scene.drop.rows[number]) for number in chosen}
    files = {}
    number = 0
    for rows in parts:
        for content in _contents(kind, scene, rows, picked=picked):
            files[scene.drop.file_name(number)] = content
            number += 1
    return Spoilt(files, len(picked), len(picked))


def _contents(kind: Kind, scene: Scene, rows: Sequence[Row], *, picked: set[int]) -> list[bytes]:
    """Return what is written of the records of a file: one file, or one a record where the source has it so."""
    source = scene.drop.source
    if kind.extent is Extent.LINES:
        pieces = source.write(rows)
        lines = [
            kind.spoil(line, scene) if id(row) in picked else line for row, line in zip(rows, pieces.lines, strict=True)
        ]
        return [pieces.head + pieces.between.join(lines) + pieces.tail]
    spoilt = [one for row in rows for one in (_listed(kind.spoil(row, scene)) if id(row) in picked else [row])]
    groups = [spoilt] if source.files else [[row] for row in spoilt]
    return [source.write(group).content for group in groups]


def _listed(made: Row | Sequence[Row]) -> Sequence[Row]:
    return [made] if isinstance(made, dict) else made
