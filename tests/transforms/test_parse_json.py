"""JSON documents: arrays, envelopes, single records, and every way to break them."""

import io
import itertools
import json
import time
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeds.tables import field_aliases
from transforms import utf8_view
from transforms.conform import FieldNames
from transforms.parse_json import parse_json
from transforms.raw_batches import ParseOptions

NAMES = FieldNames(field_aliases())
Row = dict[str, object]


def parsed(document: bytes | str, *, encoding: str = "utf-8", **options: int) -> list[Row]:
    """Give records and rejects in the order of the file, with `raw` and `reason` for rejects."""
    drop = document.encode(encoding) if isinstance(document, str) else document
    batches = parse_json(io.BytesIO(drop), encoding=encoding, options=ParseOptions(NAMES, **options))  # type: ignore[arg-type]
    rows = [row for batch in batches for row in (*batch.records.to_dicts(), *batch.rejects.to_dicts())]
    rows.sort(key=lambda row: row["record_no"])
    assert [row["record_no"] for row in rows] == list(range(len(rows)))
    return rows


def told(document: bytes | str, **options: int) -> list[object]:
    """Give the body of each record, the reason of each reject."""
    return [row.get("reason", row.get("body")) for row in parsed(document, **options)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"body": "a"}', ["a"]),
        ('[{"body": "a"}, {"body": "b"}]', ["a", "b"]),
        ('{"articles": [{"body": "a"}, {"body": "b"}], "count": 2}', ["a", "b"]),
        ('{"count": 1, "Items": [{"body": "a"}]}', ["a"]),
        ('{"meta": {"x": [{"y": 1}]}, "data": {"page": 1, "results": [{"body": "a"}]}}', ["a"]),
        ('{"hits": {"total": 1, "hits": [{"_id": "1", "_source": {"body": "a"}}]}}', ["a"]),
        ('{"data": {"articles": {"edges": [{"node": {"body": "a"}}]}}}', ["a"]),
        ('{"data": [{"id": 1, "attributes": {"body": "a"}}]}', ["a"]),
        ('{"body": "a", "items": [{"body": "b"}]}', ["a"]),
        ('{"items": ["x", "y"]}', [None]),
        ('{"articles": [{"body": "a"}], "posts": [{"body": "b"}, {bad}]}', ["a", "malformed_json"]),
        ('{"articles": [{"body": "a"}], "posts": [{"body": "b"}, {"body": "c"}], "next": 2}', ["a", "b", "c"]),
        ('{"data": {"items": []}, "articles": [{"body": "a"}]}', ["a"]),
        ('{"data": {"items": [{"body": "a"}]}, "articles": [], "news": [ {"body": "b"} ]}', ["a", "b"]),
        ('{"articles": [{"body": "a"}], "links": [{"body": "b"}]}', ["a"]),
        ('{"articles": [{"body": "a", "items": [{"body": "b"}]}]}', ["a"]),
        ('{"body": "a, [b] {c} \\\\"}', ["a, [b] {c} \\"]),
        ('[1, null, "x", [2]]', [None] * 4),
        ("null", [None]),
        ("[]", ["no_records"]),
        ('{"articles": []}', ["no_records"]),
        ("", ["malformed_json"]),
        (" \n", ["malformed_json"]),
        ("*", ["malformed_json"]),
        ('[{"body": "a"}, {bad}, {"body": "c"}]', ["a", "malformed_json", "c"]),
        ('[{"body": "a"}, {"body": NaN}]', ["a", "malformed_json"]),
        ('[{"body": "a"},]', ["a", "malformed_json"]),
        ('[, {"body": "a"}]', ["malformed_json", "a"]),
        ("[,]", ["malformed_json"] * 2),
        ('[{"body": "a"}] // more', ["a", "malformed_json"]),
        ('[{"body": "a"}]]', ["a", "malformed_json"]),
        ('[{"body": "a"}, {"body": ["b"}, {"body": "c"}]', ["a", "truncated"]),
        ('[{"body": "a"}, {"body": "b"]}, {"body": "c"}]', ["a", "malformed_json"]),
        ('[{"body": "a"}, {"body": "b"}}', ["a", "malformed_json"]),
        ('[{"body": "a"}, {"body": "b', ["a", "truncated"]),
        ('[{"body": "a"}, {"body": "b"}', ["a", "b", "truncated"]),
        ('[{"body": "a"}, 12', ["a", "truncated"]),
        ('{"articles": [{"body": "a"}]', ["a", "truncated"]),
        ('{"body": "a', ["truncated"]),
        ("{'body': 'a'}", ["malformed_json"]),
        (b'[{"body": "\xff"}, {"body": "b"}]', ["undecodable", "b"]),
        (b'\xef\xbb\xbf[{"body": "a"}]', ["a"]),
        ('[{"body": "a", "body": "b"}]', ["b"]),
    ],
)
def test_what_a_document_holds(document: bytes | str, expected: list[object]) -> None:
    assert told(document) == expected


def test_a_value_that_is_no_object_is_kept_in_extra() -> None:
    assert [row["extra"] for row in parsed('["x", 1]')] == ['{"value":"x"}', '{"value":1}']


def test_a_record_too_large_is_one_reject_with_its_span() -> None:
    document = '[{"body": "a"}, {"body": "%s"}, {"body": "c"}]' % ("x" * 500)
    rows = parsed(document, max_record_bytes=100)
    assert told(document, max_record_bytes=100) == ["a", "oversize_record", "c"]
    assert document[rows[1]["byte_start"] : rows[1]["byte_end"]] == document.split(", ")[1]  # type: ignore[misc]


def test_a_record_of_many_chunks_is_never_held_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8_view, "CHUNK_BYTES", 64)
    document = '[{"body": "a"}, {"body": "%s"} , {"body": "c"}]' % ("x" * 5000)
    rows = parsed(document, max_record_bytes=100)
    assert [row.get("reason", row.get("body")) for row in rows] == ["a", "oversize_record", "c"]
    assert document[rows[1]["byte_start"] : rows[1]["byte_end"]].strip() == document.split(", ")[1].strip()  # type: ignore[misc]


def test_a_document_larger_than_a_record_may_be_is_an_envelope_or_a_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8_view, "CHUNK_BYTES", 64)
    padding = "x" * 500
    assert told(f'{{"body": "{padding}"}}', max_record_bytes=100) == ["oversize_record"]
    assert told(f'{{"pad": "{padding}", "items": [{{"body": "a"}}]}}', max_record_bytes=100) == ["oversize_record"]
    envelope = ", ".join(['{"body": "a"}'] * 50)
    assert told(f'{{"items": [{envelope}], "more": 1}}', max_record_bytes=100) == ["a"] * 50
    assert told(f'{{"items": [{{"body": "a"}}], "news": [{envelope}]}}', max_record_bytes=100) == [
        "a",
        "oversize_record",
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "cp1252"])
def test_spans_are_bytes_of_the_drop_in_its_own_encoding(encoding: str) -> None:
    document = '[{"body": "é…"}, {"body": "b"}]'
    drop = document.encode(encoding)
    rows = parsed(document, encoding=encoding)
    assert [row["body"] for row in rows] == ["é…", "b"]
    spans = [drop[row["byte_start"] : row["byte_end"]].decode(encoding) for row in rows]  # type: ignore[misc]
    assert spans == ['{"body": "é…"}', '{"body": "b"}']


def test_bytes_that_do_not_fit_the_encoding_reject_their_record_alone() -> None:
    document = '[{"body": "?"}, {"body": "b"}]'.encode("utf-16-le").replace(b"?\x00", b"\x00\xd8")
    batches = parse_json(io.BytesIO(document), encoding="utf-16-le", options=ParseOptions(NAMES))
    (batch,) = batches
    assert batch.rejects["reason"].to_list() == ["undecodable"]
    assert batch.records["body"].to_list() == ["b"]


def test_batches_are_bounded() -> None:
    document = json.dumps([{"body": str(number)} for number in range(25)]).encode()
    batches = parse_json(io.BytesIO(document), encoding="utf-8", options=ParseOptions(NAMES, batch_records=10))
    assert [batch.records.height for batch in batches] == [10, 10, 5]


class Endless(io.RawIOBase):
    """An array of this many records, made as it is read."""

    def __init__(self, records: int) -> None:
        self._pieces: Iterator[bytes] = itertools.chain([b"["], itertools.repeat(b'{"body": "a"},', records), [b"1]"])

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return b"".join(itertools.islice(self._pieces, max(size // 14, 1)))


def test_records_come_before_the_array_is_read_to_its_end() -> None:
    batches = parse_json(Endless(10**12), encoding="utf-8", options=ParseOptions(NAMES))  # type: ignore[arg-type]
    assert next(batches).records.height == 10_000


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"items":[' * 50_000,
        b"[" + b"[]" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'["' + b"\\" * 1_000_000,
        b'["' * 100_000,
    ],
    ids=lambda document: repr(document[:12]),
)
def test_no_nesting_is_slow(document: bytes) -> None:
    start = time.perf_counter()
    assert parsed(document)
    assert time.perf_counter() - start < 2


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(VALUES, min_size=1, max_size=8), st.sampled_from([None, 1]), st.integers(1, 50))
def test_spans_cut_out_exactly_the_elements(values: list[object], indent: int | None, chunk_bytes: int) -> None:
    document = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf8_view, "CHUNK_BYTES", chunk_bytes)
        rows = parsed(document)
    cut = [document[row["byte_start"] : row["byte_end"]] for row in rows]  # type: ignore[misc]
    assert [orjson.loads(element) for element in cut] == values
    assert all(element == element.strip() for element in cut)


@given(st.lists(VALUES, min_size=1, max_size=5), st.data())
def test_a_document_cut_anywhere_keeps_the_elements_before_the_cut(values: list[object], data: st.DataObject) -> None:
    document = json.dumps(values).encode()
    cut = data.draw(st.integers(2, len(document) - 1))
    rows = parsed(document[:cut])
    assert rows[-1]["reason"] == "truncated"
    ends = [row["byte_end"] for row in parsed(document)]
    # A number or a word is complete only once something follows it.
    assert sum(end < cut for end in ends) <= len(rows) - 1 <= sum(end <= cut for end in ends)  # type: ignore[operator]


@given(st.binary(max_size=60) | st.text('[]{},:" \\ab1', max_size=60).map(str.encode), st.sampled_from([1, 7, 1000]))
def test_no_bytes_raise_and_strictness_is_that_of_the_standard_library(noise: bytes, chunk_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf8_view, "CHUNK_BYTES", chunk_bytes)
        reasons = {row["reason"] for row in parsed(noise) if "reason" in row}
    assert bool(reasons - {"no_records"}) == (not _is_json(noise))


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text.decode("utf-8-sig"), parse_constant=int)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_elements_of_every_list_lie_at_their_spans(encoding: str) -> None:
    elements = ['{"body": "é"}', '{"body": "b"}', '{"body": "c"}']
    document = f'{{"articles": [{elements[0]}], "n": [1], "posts": [ {elements[1]} , {elements[2]}] }}'
    drop = document.encode(encoding)
    rows = parsed(document, encoding=encoding)
    assert [drop[row["byte_start"] : row["byte_end"]].decode(encoding) for row in rows] == elements  # type: ignore[misc]


def test_any_number_of_lists_costs_linear_time() -> None:
    lists = 20_000
    started = time.monotonic()
    assert len(parsed("{" + ",".join(['"data": [{"body": "a"}]'] * lists) + "}", batch_records=100)) == lists
    assert time.monotonic() - started < 20, "quadratic would be minutes"
