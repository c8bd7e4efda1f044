"""Parquet and Arrow files: their types, their damages."""

import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seeds.tables import field_aliases
from transforms import parse_columnar
from transforms.conform import FieldNames
from transforms.parse_columnar import DECODED_BYTES, parse_arrow, parse_parquet
from transforms.raw_batches import ParseOptions
from transforms.raw_schema import RAW_RECORDS, REJECTS

NAMES = FieldNames(field_aliases())
Row = dict[str, object]


def write_parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=10, compression="none")
    return file.getvalue()


def write_arrow_file(table: pa.Table) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    return file.getvalue()


def write_arrow_stream(table: pa.Table) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    return file.getvalue()


WRITERS = {"parquet": write_parquet, "file": write_arrow_file, "stream": write_arrow_stream}
each_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def parsed(drop: bytes, **options: int) -> list[Row]:
    """Give records and rejects in the order of the file."""
    parse = parse_parquet if drop.startswith(b"PAR1") else parse_arrow
    batches = list(parse(io.BytesIO(drop), options=ParseOptions(NAMES, **options)))  # type: ignore[arg-type]
    assert all(batch.records.schema == RAW_RECORDS and batch.rejects.schema == REJECTS for batch in batches)
    rows = [row for batch in batches for row in (*batch.records.to_dicts(), *batch.rejects.to_dicts())]
    rows.sort(key=lambda row: row["record_no"])
    assert [row["record_no"] for row in rows] == list(range(len(rows)))
    return rows


def articles(count: int) -> pa.Table:
    numbers = range(count)
    return pa.table(
        {"id": numbers, "title": [f"t{n}" for n in numbers], "text": [f"Text {n} é" * 20 for n in numbers]},
    )


@each_writer
def test_columns_become_fields(write: Callable[[pa.Table], bytes]) -> None:
    rows = parsed(write(articles(25)))
    assert [row["external_id"] for row in rows] == [str(number) for number in range(25)]
    assert [row["headline"] for row in rows] == [f"t{number}" for number in range(25)]
    assert [row["body"] for row in rows] == [f"Text {number} é" * 20 for number in range(25)]
    assert {row["byte_start"] for row in rows} == {None}


@each_writer
def test_batches_are_bounded(write: Callable[[pa.Table], bytes]) -> None:
    drop = write(articles(25))
    parse = parse_parquet if drop.startswith(b"PAR1") else parse_arrow
    batches = list(parse(io.BytesIO(drop), options=ParseOptions(NAMES, batch_records=4)))
    assert max(batch.records.height for batch in batches) <= 4
    assert sum(batch.records.height for batch in batches) == 25


@each_writer
def test_a_table_without_rows_has_no_records(write: Callable[[pa.Table], bytes]) -> None:
    assert [row["reason"] for row in parsed(write(articles(0)))] == ["no_records"]


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (dt.datetime(2024, 2, 29, 1, tzinfo=dt.UTC), pa.timestamp("ns", "UTC"), "2024-02-29T01:00:00+00:00"),
        (dt.datetime(2024, 2, 29, 1), pa.timestamp("ms"), "2024-02-29T01:00:00"),  # noqa: DTZ001 - naive on purpose
        (dt.date(2024, 2, 29), pa.date32(), "2024-02-29"),
        (Decimal("1.50"), pa.decimal128(9, 2), "1.50"),
        (b"caf\xc3\xa9", pa.binary(), "café"),
        (b"\xff\xfe", pa.binary(), "//4="),
        (1.0, pa.float64(), "1"),
        (float("nan"), pa.float32(), None),
        ("x", pa.dictionary(pa.int8(), pa.string()), "x"),
        ("x", pa.large_string(), "x"),
        (None, pa.null(), None),
        ({"rendered": "x"}, pa.struct([("rendered", pa.string())]), "x"),
    ],
)
def test_values_become_text(value: object, dtype: pa.DataType, text: str | None) -> None:
    table = pa.table({"published_at": pa.array([value], pa.string() if pa.types.is_dictionary(dtype) else dtype)})
    (row,) = parsed(write_arrow_stream(table.cast(pa.schema([("published_at", dtype)]))))
    assert row["published_at"] == text


def test_a_moment_that_python_cannot_hold_costs_no_other_row() -> None:
    moments, edits = pa.timestamp("us"), pa.struct([("at", pa.timestamp("us")), ("by", pa.string())])
    far = 4 * 10**17
    columns = {
        "body": ["One.", "Two."],
        "dates": pa.array([[0, far], None], pa.list_(moments)),
        "edits": pa.array([{"at": far, "by": "Ann"}, None], edits),
    }
    rows = parsed(write_parquet(pa.table(columns)))
    assert [row["body"] for row in rows] == ["One.", "Two."]
    extra = json.loads(str(rows[0]["extra"]))
    assert extra["edits"] == {"at": "14645-06-30 15:06:40.000000", "by": "Ann"}
    assert extra["dates"][1] == "14645-06-30 15:06:40.000000"


def test_moments_that_python_cannot_hold_are_kept_as_text() -> None:
    far = pa.array([10**18], pa.int64()).cast(pa.timestamp("s"))
    (row,) = parsed(write_arrow_stream(pa.table({"date": far, "body": ["x"]})))
    assert row["body"] == "x"


def test_nested_and_unknown_columns_stay_in_extra() -> None:
    table = pa.table({"authors": [["a", "b"]], "x": [{"y": [1.5, None]}], "z": [dt.date(2024, 1, 1)]})
    (row,) = parsed(write_parquet(table))
    assert row["authors"] == ["a", "b"]
    assert json.loads(str(row["extra"])) == {"x": {"y": [1.5, None]}, "z": "2024-01-01"}


def test_columns_that_share_a_name_are_all_kept() -> None:
    table = pa.table([["a"], ["b"]], names=["body", "body"])
    (row,) = parsed(write_arrow_stream(table))
    assert row["body"] == "a"
    assert json.loads(str(row["extra"])) == {"body (2)": "b"}


def test_a_row_too_large_is_a_reject_in_its_place() -> None:
    table = pa.table({"body": ["a", "x" * 1000, None, "b"]})
    rows = parsed(write_parquet(table), max_record_bytes=100)
    assert [row.get("reason", row.get("body")) for row in rows] == ["a", "oversize_record", None, "b"]


@pytest.mark.parametrize("write", [write_arrow_file, write_arrow_stream])
def test_of_a_file_that_was_cut_off_the_whole_batches_are_kept(write: Callable[[pa.Table], bytes]) -> None:
    drop = write(articles(30))
    rows = parsed(drop[: len(drop) * 2 // 3])
    assert rows[-1]["reason"] == "malformed_parquet"
    assert [row["headline"] for row in rows[:-1]] == [f"t{number}" for number in range(10 * (len(rows) // 10))]
    assert len(rows) > 10


def test_of_a_parquet_file_the_rows_before_a_damage_are_kept() -> None:
    drop = bytearray(write_parquet(articles(30)))
    place = pq.read_metadata(io.BytesIO(bytes(drop))).row_group(2).column(0).data_page_offset
    drop[place : place + 20] = bytes(20)
    rows = parsed(bytes(drop), batch_records=10)
    assert len(rows) == 21
    assert rows[-1]["reason"] == "malformed_parquet"


def test_text_that_is_not_utf_8_never_gets_through() -> None:
    drop = write_arrow_stream(pa.table({"body": ["abcdefghijklmnop"]})).replace(b"abcd", b"\xff\xfe\xfd\xfc")
    assert [row["reason"] for row in parsed(drop)] == ["malformed_parquet"]


@settings(max_examples=300)
@given(st.sampled_from(sorted(WRITERS)), st.data())
def test_no_damage_raises_or_crashes(writer: str, data: st.DataObject) -> None:
    drop = bytearray(WRITERS[writer](articles(12)))
    for _ in range(data.draw(st.integers(0, 4))):
        drop[data.draw(st.integers(8, len(drop) - 1))] = data.draw(st.sampled_from([0, 1, 127, 128, 255]))
    assert parsed(bytes(drop[: data.draw(st.integers(8, len(drop)))]))


def test_corrupt_files_of_the_corpus_are_rejected_and_good_ones_read(shared_data: Path) -> None:
    corpus = shared_data / "malformed" / "parquet"
    read_by_newer_arrow = {"ARROW-GH-43605.parquet"}  # a bit width of zero, once refused
    for path in sorted(corpus.glob("bad/*.parquet")):
        rows = parsed(path.read_bytes())
        assert path.name in read_by_newer_arrow or rows[-1]["reason"] == "malformed_parquet", path.name
    refused = {"incorrect_map_schema.parquet"}  # its map keys may be null
    empty = {"column_chunk_key_value_metadata.parquet"}
    for path in sorted(corpus.glob("good/*.parquet")):
        has_reject = any("reason" in row for row in parsed(path.read_bytes()))
        assert has_reject == (path.name in refused | empty), path.name


def test_value_that_stands_for_many_rows_is_not_multiplied_in_memory() -> None:
    long = "Word. " * 50_000
    table = pa.table({"body": pa.array([long] * 4_000).dictionary_encode()})
    for write, parse in ((write_arrow_file, parse_arrow), (dictionary_parquet, parse_parquet)):
        drop = write(table)
        assert len(drop) < 2 * len(long) + 400_000
        sizes = [batch.records.estimated_size() for batch in parse(io.BytesIO(drop), options=ParseOptions(NAMES))]
        assert max(sizes) <= DECODED_BYTES
        assert sum(sizes) > 4_000 * len(long)


def dictionary_parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, dictionary_pagesize_limit=1 << 30)
    return file.getvalue()


def as_stored(drop: bytes) -> BinaryIO:
    """Give a stream as the raw store does of a large drop: it cannot be rewound."""
    return zstandard.ZstdDecompressor().stream_reader(zstandard.compress(drop))


@pytest.mark.parametrize("held", [10, 100_000])
@each_writer
def test_stream_that_cannot_be_rewound_is_read_through_a_temporary_file(
    write: Callable[[pa.Table], bytes], held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse_columnar, "HELD_BYTES", held)
    drop = write(pa.table({"body": ["a", "b", "c"]}))
    parse = parse_parquet if drop.startswith(b"PAR1") else parse_arrow
    batches = list(parse(as_stored(drop), options=ParseOptions(NAMES)))
    assert [body for batch in batches for body in batch.records["body"]] == ["a", "b", "c"]


@each_writer
def test_bomb_is_one_reject(write: Callable[[pa.Table], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_columnar, "HELD_BYTES", 10)
    monkeypatch.setattr(parse_columnar, "SPOOLED_BYTES", 50)
    drop = write(pa.table({"body": ["a" * 100]}))
    parse = parse_parquet if drop.startswith(b"PAR1") else parse_arrow
    [batch] = parse(as_stored(drop), options=ParseOptions(NAMES))
    assert batch.rejects["reason"].to_list() == ["oversize_record"]
