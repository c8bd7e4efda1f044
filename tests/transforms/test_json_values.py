"""One JSON text: read strictly, and nothing of it lost."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.json_values import read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]), st.booleans())
def test_what_the_standard_library_writes_is_read_back(
    value: object, separators: tuple[str, str], is_ascii: bool
) -> None:
    assert read_json(json.dumps(value, separators=separators, ensure_ascii=is_ascii).encode()) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":1,"a":2}', {"a": 2, "a (1)": 1}),
        ('{"a":1,"b":0,"a":2,"a":3}', {"a": 3, "b": 0, "a (1)": 1, "a (2)": 2}),
        ('{"x":{"a":1,"a":2}}', {"x": {"a": 2, "a (1)": 1}}),
        ('{"id":123456789012345678901234567}', {"id": 123456789012345678901234567}),
        ('{"id": 18446744073709551617, "n": 1.5}', {"id": 18446744073709551617, "n": 1.5}),
        ('{"a" : 1,"a":2}', {"a": 2, "a (1)": 1}),
        ('{"ids":[1, [123456789012345678901234567]]}', {"ids": [1, [123456789012345678901234567]]}),
        ("[123456789012345678901234567]", [123456789012345678901234567]),
        ('[{"a":1,"a":2}]', [{"a": 2, "a (1)": 1}]),
        ('{"a":"\\ud83d"}', {"a": "\ud83d"}),
        ('{"a":"said \\"no\\": twice"}', {"a": 'said "no": twice'}),
    ],
)
def test_nothing_is_lost(text: str, expected: object) -> None:
    assert read_json(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"a":NaN}',
        '{"a":-Infinity,"b":{}}',
        '{"a":01}',
        '{"a":"\\ud83d"',
        "{'a':1}",
        '{"a":"\t\\ud83d"}',
        '{"a":1,}',
        "",
    ],
)
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text.encode())


def test_plain_records_are_read_by_the_fast_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", None)
    record = {"id": "n1", "date": 1_700_000_000, "body": "Text."}
    assert read_json(orjson.dumps(record)) == read_json(json.dumps(record).encode()) == record
