"""JSON Lines: a line is a record, a bad line one reject."""

import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeds.tables import field_aliases
from transforms import utf8_view
from transforms.conform import FieldNames
from transforms.parse_json_lines import parse_json_lines
from transforms.raw_batches import ParseOptions

NAMES = FieldNames(field_aliases())
Row = dict[str, object]


def parsed(drop: bytes, *, encoding: str = "utf-8", **options: int) -> list[Row]:
    """Give records and rejects in the order of the file."""
    batches = parse_json_lines(io.BytesIO(drop), encoding=encoding, options=ParseOptions(NAMES, **options))  # type: ignore[arg-type]
    rows = [row for batch in batches for row in (*batch.records.to_dicts(), *batch.rejects.to_dicts())]
    rows.sort(key=lambda row: row["record_no"])
    assert [row["record_no"] for row in rows] == list(range(len(rows)))
    return rows


def cut(drop: bytes, row: Row) -> bytes:
    return drop[row["byte_start"] : row["byte_end"]]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        (b'{"body": "a"}\n{"body": "b"}\n', ["a", "b"]),
        (b'\xef\xbb\xbf{"body": "a"}\r\n\r\n \t{"body": "b"} ', ["a", "b"]),
        (b'{"body": "a"}\n{bad}\n{"body": "c"}', ["a", "malformed_json", "c"]),
        (b'{"body": "a"}\n{"body": "b\n{"body": "c"}', ["a", "malformed_json", "c"]),
        (b'{"body": "a"} {"body": "b"}\n', ["malformed_json"]),
        (b'{"body": "a"}\n{"body": "b', ["a", "truncated"]),
        (b'{"body": "\xff"}\n{"body": "b"}', ["undecodable", "b"]),
        (b'[1]\n"x"\n3', [None, None, None]),
        (b"[" * 100_000 + b"\n{}", ["malformed_json", None]),
        (b"", ["no_records"]),
        (b"\n \r\n", ["no_records"]),
    ],
    ids=repr,
)
def test_what_lines_hold(drop: bytes, expected: list[object]) -> None:
    assert [row.get("reason", row.get("body")) for row in parsed(drop)] == expected


def test_a_line_too_large_is_one_reject_with_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8_view, "CHUNK_BYTES", 64)
    lines = [b'{"body": "a"}', b'{"body": "%s"}' % (b"x" * 50_000), b'{"body": "c"}', b"y" * 300]
    drop = b"\n".join(lines)
    rows = parsed(drop, max_record_bytes=100)
    assert [row.get("reason") for row in rows] == [None, "oversize_record", None, "oversize_record"]
    assert [cut(drop, row) for row in rows] == lines


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252"])
def test_spans_are_bytes_of_the_drop_in_its_own_encoding(encoding: str) -> None:
    lines = ['{"body": "é…"}', '{"body": "b"}']
    drop = "\n".join(lines).encode(encoding)
    assert [cut(drop, row).decode(encoding) for row in parsed(drop, encoding=encoding)] == lines


def test_batches_are_bounded() -> None:
    drop = b'{"body": "a"}\n' * 25
    batches = parse_json_lines(io.BytesIO(drop), encoding="utf-8", options=ParseOptions(NAMES, batch_records=10))
    assert [batch.records.height for batch in batches] == [10, 10, 5]


@given(
    st.lists(st.dictionaries(st.sampled_from(["body", "title", "x"]), st.text() | st.integers(0, 99)), min_size=1),
    st.sampled_from([b"\n", b"\r\n", b"\n\n"]),
    st.integers(1, 50),
)
def test_records_do_not_depend_on_line_ends_or_chunks(records: list[Row], line_end: bytes, chunk_bytes: int) -> None:
    lines = [orjson.dumps(record) for record in records]
    drop = line_end.join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf8_view, "CHUNK_BYTES", chunk_bytes)
        rows = parsed(drop)
    assert [cut(drop, row) for row in rows] == lines
    assert [row["body"] for row in rows] == [_text(record.get("body")) for record in records]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@given(st.binary(max_size=80))
def test_no_bytes_raise(noise: bytes) -> None:
    assert parsed(noise)
