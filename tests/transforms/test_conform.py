"""What input fields mean, and that nothing of them is lost."""

import datetime as dt
import itertools
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.conform import FieldNames, conform_record
from transforms.input_values import UNWRITABLE
from transforms.raw_schema import RAW_RECORDS

ALIASES = {"id": "external_id", "title": "headline", "content": "body", "text": "body", "author": "authors"}
ALIASES |= {"date": "published_at", "tags": "keywords"}


def conformed(fields: dict[str, object], mapping: dict[str, str] | None = None) -> dict[str, object]:
    """Give the fields of the raw record that are not null, without where they came from."""
    record = conform_record(fields, FieldNames(ALIASES, mapping or {}))
    assert set(record) == set(RAW_RECORDS) - {"record_no", "byte_start", "byte_end"}
    return {name: value for name, value in record.items() if value is not None and name != "origins"}


def origins(fields: dict[str, object], mapping: dict[str, str] | None = None) -> object:
    return conform_record(fields, FieldNames(ALIASES, mapping or {}))["origins"]


@pytest.mark.parametrize("name", ["title", "Title", " TITLE ", "headline", "Headline"])
def test_names_are_known_regardless_of_case_and_space(name: str) -> None:
    assert conformed({name: "x"}) == {"headline": "x"}


def test_mapping_beats_alias() -> None:
    assert conformed({"title": "x"}, {"Title": "dek"}) == {"dek": "x"}


def test_the_same_input_wins_in_any_order_and_the_others_stay() -> None:
    inputs = {"text": "t", "content": "c", "Content": "C", "body": "b", "mine": "m"}
    for order in itertools.permutations(inputs):
        record = conformed({name: inputs[name] for name in order}, {"mine": "body"})
        assert record["body"] == "m"
        assert json.loads(str(record["extra"])) == {name: inputs[name] for name in inputs if name != "mine"}


def test_the_first_that_is_not_empty_wins() -> None:
    assert conformed({"body": " ", "content": "", "text": "t"}) == {"body": "t"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        (" a\r\n", " a\r\n"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (2.0**60, "1.152921504606847e+18"),
        (Decimal("1.50"), "1.50"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.datetime(2024, 2, 29, 1, tzinfo=dt.UTC), "2024-02-29T01:00:00+00:00"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff", "/w=="),
        ({"rendered": "<p>"}, "<p>"),
        ({"@value": "x"}, "x"),
        ({"name": "x"}, "x"),
        (["only"], "only"),
    ],
)
def test_a_value_is_read_as_text(value: object, text: str) -> None:
    assert conformed({"title": value}) == {"headline": text}


@pytest.mark.parametrize("value", [None, float("nan"), [], {}])
def test_a_value_that_says_nothing_is_null(value: object) -> None:
    assert conformed({"title": value, "author": value}) == {}


@pytest.mark.parametrize("value", [True, ["a", "b"], {"odd": 1}, [["a"]]])
def test_a_value_that_is_no_text_stays_in_extra(value: object) -> None:
    assert conformed({"title": value}) == {"extra": json.dumps({"title": value}, separators=(",", ":"))}


def test_what_a_reading_leaves_out_stays_in_extra() -> None:
    record = conformed({"title": {"rendered": "x", "protected": False}})
    assert record == {"headline": "x", "extra": '{"title":{"rendered":"x","protected":false}}'}


@pytest.mark.parametrize(
    ("value", "authors"),
    [
        ("Jane Doe and John Roe", ["Jane Doe and John Roe"]),
        (["Jane", "John"], ["Jane", "John"]),
        ([{"name": "Jane"}, "John", 3], ["Jane", "John", "3"]),
        ({"name": "Jane"}, ["Jane"]),
    ],
)
def test_authors_become_a_list_and_are_not_split(value: object, authors: list[str]) -> None:
    assert conformed({"author": value}) == {"authors": authors}


def test_it_is_kept_where_each_field_came_from() -> None:
    fields = {"Title": "a", "author": ["b"], "date": "", "published_at": "2026-01-02", "body": "c"}
    assert str(origins(fields)).splitlines() == ["headline=Title", "authors=author", "published_at=published_at"]
    assert origins({"ti\ntle": "a"}, {"ti\ntle": "headline"}) == "headline=ti tle"
    assert origins({"body": "c", "origins": "headline=x"}) is None
    assert conformed({"origins": "x"}) == {"extra": '{"origins":"x"}'}


def test_paragraphs_of_a_body_are_joined() -> None:
    assert conformed({"body": ["a", {"text": "b"}]}) == {"body": "a\n\nb"}


def test_unknown_fields_stay_exactly() -> None:
    assert conformed({"a": "", "b": None, "c": [1, {"d": 2.5}]}) == {"extra": '{"a":"","b":null,"c":[1,{"d":2.5}]}'}


def test_what_json_cannot_hold_is_named() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert conformed({"a": deep, "b": 1}) == {"extra": f'{{"a":"{UNWRITABLE}","b":1}}'}


def test_remembered_plans_are_bounded() -> None:
    names = FieldNames(ALIASES)
    for number in range(2000):
        conform_record({f"field {number}": 1}, names)
    assert len(names._plans) < 1000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*ALIASES, "body", "x", "\ud800"]), VALUES))
def test_any_values_conform_to_types_and_extra_is_json(fields: dict[str, object]) -> None:
    record = conform_record(fields, FieldNames(ALIASES))
    for name, value in record.items():
        if name in {"authors", "keywords"}:
            assert value is None or (isinstance(value, list) and all(isinstance(text, str) for text in value))
        else:
            assert value is None or isinstance(value, str)
    json.loads(str(record["extra"] or "{}"))


@given(st.dictionaries(st.sampled_from([*ALIASES, "body", "x"]), st.text(min_size=1)))
def test_every_text_is_in_a_field_or_in_extra(fields: dict[str, str]) -> None:
    record = conform_record(fields, FieldNames(ALIASES))
    kept = [*json.loads(str(record["extra"] or "{}")).values()]
    kept += [text for name in record if name != "extra" for text in _texts(record[name])]
    assert {text for text in fields.values() if text.strip()} <= set(kept)


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
