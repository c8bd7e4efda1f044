"""Delimited text: dialects, headers, and rows whose quotes can be read in two ways."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeds.tables import field_aliases
from transforms.conform import FieldNames
from transforms.csv_dialect import SAMPLE_BYTES, find_dialect
from transforms.csv_rows import STRAY, UNCLOSED
from transforms.parse_csv import parse_csv
from transforms.raw_batches import ParseOptions

NAMES = FieldNames(field_aliases())

Row = dict[str, Any]


def parsed(
    drop: bytes | str, *, encoding: str = "utf-8", delimiter: str | None = None, names: FieldNames = NAMES, **more: int
) -> list[Row]:
    """Give records and rejects in the order of the file."""
    stream = io.BytesIO(drop.encode(encoding) if isinstance(drop, str) else drop)
    batches = parse_csv(stream, encoding=encoding, delimiter=delimiter, options=ParseOptions(names, **more))
    rows = [row for batch in batches for row in (*batch.records.to_dicts(), *batch.rejects.to_dicts())]
    rows.sort(key=lambda row: row["record_no"])
    assert [row["record_no"] for row in rows] == list(range(len(rows)))
    return rows


def told(drop: bytes | str, **more: Any) -> list[object]:
    """Give the body of each record, the reason of each reject."""
    return [row.get("reason", row.get("body")) for row in parsed(drop, **more)]


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        ("id,body\n1,a\n2,b\n", ["a", "b"]),
        ("id,body\r\n1,a\r\n2,b", ["a", "b"]),
        ("id,body\r1,a\r2,b\r", ["a", "b"]),
        ("\ufeffid,body\n1,a\n", ["a"]),
        ("id;body\n1;a, b\n2;c\n", ["a, b", "c"]),
        ("id\tbody\n1\ta, b; c\n", ["a, b; c"]),
        ("id|body\n1|a\n", ["a"]),
        ("sep=^\nid^body\n1^a,b;c|d\n", ["a,b;c|d"]),
        ('id,body\n1,"a\n\nb"\n2,c\n', ["a\n\nb", "c"]),
        ('id,body\n1,"a\r\nb"\r\n', ["a\r\nb"]),
        ('id,body\n1,"say ""no"""\n', ['say "no"']),
        ('id,body\n1,""\n2,\n', ["", ""]),
        ("id,body\n\n1,a\n   \n\n2,b\n\n", ["a", "b"]),
        ("id,body\n1, a \n", [" a "]),
        ("id,body\n1,a\\\n", ["a\\"]),
        ("id,body\n", ["no_records"]),
        ("", ["no_records"]),
        ("\n\n", ["no_records"]),
    ],
)
def test_well_formed_files(drop: str, expected: list[object]) -> None:
    assert told(drop) == expected


@pytest.mark.parametrize(
    ("drop", "expected", "detail"),
    [
        ("id,body\n1,a,b\n2,c\n", ["malformed_csv", "c"], "3 cells where the header has 2"),
        ("body\na, b\nc\n", ["malformed_csv", "c"], "2 cells where the header has 1"),
        ("id,body\n1\n2,c\n", ["malformed_csv", "c"], "1 cells where the header has 2"),
        ('id,body\n1,"a\n2,b\n3,c\n', ["malformed_csv", "b", "c"], UNCLOSED),
        ('id,body\n1,a "quoted" word\n2,b\n', ["malformed_csv", "b"], STRAY),
        ('id,body\n1,"a" b\n2,c\n', ["malformed_csv", "c"], STRAY),
        ('id,body\n1, "a, b"\n2,c\n', ["malformed_csv", "c"], STRAY),
        ('id,body\n1,"say \\"no\\""\n2,c\n', ["malformed_csv", "c"], STRAY),
        ("id,body\n1,a\0\0\0\0\n2,b\n", ["undecodable", "b"], "bytes that do not fit the encoding of the drop"),
        (b"id,body\n1,a\xff\xff\n2,b\n", ["undecodable", "b"], "bytes that do not fit the encoding of the drop"),
    ],
)
def test_bad_row_is_set_aside_and_the_next_one_is_read(drop: str | bytes, expected: list[object], detail: str) -> None:
    assert told(drop) == expected
    [reject] = [row for row in parsed(drop) if "reason" in row]
    assert reject["detail"] == detail
    content = drop.encode() if isinstance(drop, str) else drop
    assert content[reject["byte_start"] : reject["byte_end"]].decode("utf-8", "replace") == reject["raw"].replace(
        "\ufffd", "\0" if isinstance(drop, str) else "\ufffd"
    )


def test_broken_row_of_one_column_is_set_aside_whole() -> None:
    assert told('body\n"a\nb" c\nd\n') == ["malformed_csv", "d"]


def test_too_large_a_row_is_set_aside_and_the_next_one_is_read() -> None:
    drop = f'id,body\n1,{"a" * 50_000}\n2,b\n3,"{"c " * 30_000}"\n4,d\n'
    assert told(drop, max_record_bytes=10_000) == ["oversize_record", "b", "oversize_record", "d"]


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        ("headline,body\nA,b\n", [{"headline": "A", "body": "b"}]),
        ("Datum,BODY\n1,b\n", [{"body": "b", "extra": '{"Datum":"1"}'}]),
        ("body,body\na,b\n", [{"body": "a", "extra": '{"body_2":"b"}'}]),
        ("body,\na,b\n", [{"body": "a", "extra": '{"column_2":"b"}'}]),
        ("alpha,beta\na,b\n", [{"extra": '{"alpha":"a","beta":"b"}'}]),
    ],
)
def test_header_names_the_columns(drop: str, expected: list[Row]) -> None:
    found = [{name: row[name] for name in row if row[name] is not None} for row in parsed(drop)]
    assert [{name: value for name, value in row.items() if name in expected[0]} for row in found] == expected


def test_file_without_a_header_is_read_by_the_numbers_of_its_columns() -> None:
    rows = parsed("7,The council met. It agreed.\n8,Another text.\n")
    assert [row["extra"] for row in rows] == [
        '{"column_1":"7","column_2":"The council met. It agreed."}',
        '{"column_1":"8","column_2":"Another text."}',
    ]
    mapped = FieldNames(field_aliases(), {"column_2": "body"})
    assert told("alpha,beta\ngamma,delta\n", names=mapped) == ["beta", "delta"]


def test_declared_delimiter_beats_detection_and_one_that_cannot_be_is_none() -> None:
    drop = "id;dek;headline,body\n1;2;3,4\n"
    assert parsed(drop)[0]["external_id"] == "1"
    assert [row["extra"] for row in parsed(drop, delimiter=",")] == ['{"id;dek;headline":"1;2;3"}']
    for impossible in ('"', "::", "\n", "é"):
        assert told("id,body\n1,a\n", delimiter=impossible) == ["a"]


def test_commas_in_prose_do_not_outvote_the_semicolons_of_the_header() -> None:
    drop = "id;headline;body\n" + "1;A, b, c;d, e, f, g, h\n" * 20
    assert find_dialect(drop.encode(), encoding="utf-8", delimiter=None, names=NAMES).grammar.delimiter == ";"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252", "shift_jis"])
def test_positions_are_bytes_of_the_drop_in_its_encoding(encoding: str) -> None:
    bodies = {"cp1252": ["Zürich", "a\nb"], "shift_jis": ["日本", "a\nb"]}.get(encoding, ["Zürich 日本 😀", "a\nb"])
    mark = "\ufeff" if encoding.startswith("utf") else ""
    drop = (f"{mark}id,body\n" + "".join(f'{number},"{body}"\n' for number, body in enumerate(bodies))).encode(encoding)
    rows = parsed(drop, encoding=encoding)
    assert [row["body"] for row in rows] == bodies
    assert [drop[row["byte_start"] : row["byte_end"]].decode(encoding) for row in rows] == [
        f'{number},"{body}"' for number, body in enumerate(bodies)
    ]


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\ufffd", exclude_categories=["Cc", "Cs"]), max_size=8
)
QUOTED_CELLS = st.lists(st.sampled_from(['"', ",", ";", "\n", "\r", "\t", " ", "x", "'", "\\"]), max_size=6).map(
    "".join
)
TABLES = st.lists(st.tuples(CELLS | QUOTED_CELLS, CELLS | QUOTED_CELLS), min_size=1, max_size=8)


@given(TABLES, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_the_standard_library_writes_is_read_back_and_each_span_is_its_row(
    table: list[tuple[str, str]], delimiter: str, line_end: str
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("headline", "body"), *table])
    drop = file.getvalue().encode()
    rows = parsed(drop)
    assert [(row["headline"], row["body"]) for row in rows] == table
    for row, cells in zip(rows, table, strict=True):
        [read] = csv.reader(
            io.StringIO(drop[row["byte_start"] : row["byte_end"]].decode(), newline=""), delimiter=delimiter
        )
        assert tuple(read) == cells


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b"\xff", b" "])).map(b"".join)
)
def test_any_bytes_end_in_rows_that_cover_what_is_not_blank(drop: bytes) -> None:
    rows = parsed(drop)
    assert rows
    covered = bytearray(drop)
    for row in rows:
        covered[row["byte_start"] : row["byte_end"]] = b" " * ((row["byte_end"] or len(drop)) - row["byte_start"])
    left = bytes(covered).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert sum(bool(line.strip()) for piece in left for line in piece.split(b"\r")) <= 2, "a header, a sep= line"


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_rows_are_the_same_however_the_stream_is_cut(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = 'id,body\r\n1,"a\r\nb ""c"""\r\n2,d "e\r\n3,"f\r\n4,g\r\n'
    expected = parsed(drop)
    monkeypatch.setattr("transforms.utf8_view.CHUNK_BYTES", size)
    assert parsed(drop) == expected


def test_drop_larger_than_the_sample_is_read_whole() -> None:
    body = "All of it is prose, with a comma.\n" * 30
    count = 3 * SAMPLE_BYTES // len(body)
    drop = "id,body\n" + "".join(f'{number},"{body}"\n' for number in range(count))
    assert told(drop, batch_records=50) == [body] * count


@pytest.mark.parametrize("hostile", ['"' * 200_001, ',"' * 100_000, '"\n' * 100_000 + '"', "a," * 200_000])
def test_hostile_quoting_costs_linear_time(hostile: str) -> None:
    assert told("id,body\n" + hostile)


def test_two_readers_agree_on_every_well_formed_file_of_the_corpus(shared_data: Path) -> None:
    agreed = 0
    for path in sorted((shared_data / "malformed").rglob("*.csv")):
        rows = parsed(path.read_bytes())
        if any("reason" in row for row in rows):
            continue
        expected = [cells for cells in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")) if cells]
        assert len(rows) in {len(expected) - 1, len(expected)}, path.name
        agreed += 1
    assert agreed
