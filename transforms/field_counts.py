"""Which fields a source gives, and of what kind: counted as records are read, so that a change of either is noticed.

A field counts where it says something: null, empty text and empty lists are the same as a field that is missing. A
text of nothing but digits is a kind of its own, as tables have no other way to give a number.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal

import polars as pl

FIELD_COUNTS = pl.Schema({"field": pl.String(), "kind": pl.String(), "records": pl.Int64()})
"""Records that have something in a field, by the kind of it; the row without field and kind counts all records."""

MOST_SHAPES = 1_000
"""Distinct shapes of records held before they are added up: a source has a few, a hostile one has one per record."""

MOST_FIELDS = 500
"""Fields counted under their own names; the others of a source are no schema that anyone could read."""

OTHER_FIELDS = "(other fields)"

TEXT, DIGITS = "text", "digits"

_KINDS = (
    (str, TEXT),
    (bool, "truth"),
    ((int, float, Decimal), "number"),
    ((list, tuple, set, frozenset), "list"),
    (Mapping, "object"),
    ((date, time), "moment"),
    (bytes, "bytes"),
)


class FieldCounts:
    """Counts the fields of one source."""

    def __init__(self) -> None:
        self._shapes: Counter[tuple[tuple[str, ...], tuple[object, ...]]] = Counter()
        self._fields: Counter[tuple[str, str]] = Counter()
        self._names: set[str] = set()
        self._records = 0

    def add(self, names: tuple[str, ...], values: Iterable[object]) -> None:
        """Count one record; costs 1 us, so that it can stand on the way of every record."""
        shape = tuple(
            [
                (DIGITS if value.isdecimal() else str) if type(value) is str and value else _type(value)
                for value in values
            ]
        )
        self._shapes[names, shape] += 1
        if len(self._shapes) > MOST_SHAPES:
            self._add_up()

    def add_texts(self, name: str, *, records: int) -> None:
        """Count a column of texts, of which so many say something; its rows are counted by `add`."""
        if records:
            self._fields[self._known(name), TEXT] += records

    def frame(self) -> pl.DataFrame:
        """Return what was counted, in a frame of schema `FIELD_COUNTS`."""
        self._add_up()
        rows = [(name, kind, records) for (name, kind), records in sorted(self._fields.items())]
        return pl.DataFrame([(None, None, self._records), *rows], schema=FIELD_COUNTS, orient="row")

    def _add_up(self) -> None:
        for (names, shape), records in self._shapes.items():
            self._records += records
            for name, held in zip(names, shape, strict=True):
                if held is not None:
                    self._fields[self._known(name), _kind(held)] += records
        self._shapes.clear()

    def _known(self, name: str) -> str:
        name = str(name).encode("utf-8", "replace").decode()
        if name in self._names or len(self._names) < MOST_FIELDS:
            self._names.add(name)
            return name
        return OTHER_FIELDS


def _type(value: object) -> type | None:
    """Return the type of a value that says something."""
    is_something = bool(value) or (value is not None and value == 0)
    return type(value) if is_something else None


def _kind(held: object) -> str:
    if held is DIGITS:
        return DIGITS
    return next((kind for types, kind in _KINDS if isinstance(held, type) and issubclass(held, types)), "other")
