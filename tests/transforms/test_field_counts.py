"""What a source gives is counted by field and kind; what says nothing counts as missing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from transforms.conform import FieldNames, conform_record
from transforms.field_counts import MOST_FIELDS, MOST_SHAPES, OTHER_FIELDS, FieldCounts


def counted(*records: dict[str, Any]) -> dict[tuple[str | None, str | None], int]:
    counts = FieldCounts()
    for record in records:
        counts.add(tuple(record), record.values())
    return {(field, kind): number for field, kind, number in counts.frame().iter_rows()}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Bridge", "text"),
        ("1763700000", "digits"),
        (1763700000, "number"),
        (0, "number"),
        (1.5, "number"),
        (Decimal("1.5"), "number"),
        (False, "truth"),
        (["a"], "list"),
        ({"a": 1}, "object"),
        (datetime(2026, 1, 1, tzinfo=UTC), "moment"),
        (b"a", "bytes"),
        (object(), "other"),
    ],
)
def test_a_value_has_a_kind(value: object, kind: str) -> None:
    assert counted({"title": value}) == {(None, None): 1, ("title", kind): 1}


@pytest.mark.parametrize("nothing", [None, "", [], {}, ()])
def test_a_field_that_says_nothing_is_missing(nothing: object) -> None:
    assert counted({"title": nothing, "body": "x"}) == {(None, None): 1, ("body", "text"): 1}


def test_records_add_up_by_field_and_kind() -> None:
    assert counted({"a": "x"}, {"a": 1}, {"a": "y", "b": "z"}) == {
        (None, None): 3,
        ("a", "text"): 2,
        ("a", "number"): 1,
        ("b", "text"): 1,
    }


def test_a_source_with_a_name_of_its_own_for_each_record_is_counted_in_bounds() -> None:
    many = MOST_FIELDS + 2 * MOST_SHAPES
    found = counted(*({f"field {number}": "x"} for number in range(many)))
    assert len(found) == MOST_FIELDS + 2
    assert (found[None, None], found[OTHER_FIELDS, "text"]) == (many, many - MOST_FIELDS)


def test_a_name_that_no_text_can_hold_is_counted_too() -> None:
    assert counted({"\ud800": "x"}) == {(None, None): 1, ("?", "text"): 1}


def test_conforming_a_record_counts_it() -> None:
    names = FieldNames({"title": "headline"})
    conform_record({"title": "Bridge", "section": "news"}, names)
    assert {field for field, _, _ in names.counts.frame().iter_rows()} == {None, "title", "section"}
