"""Batches: their bounds, their numbers, their types."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.conform import FieldNames, conform_record
from transforms.raw_batches import BatchBuilder, ParseOptions, excerpt, single_reject
from transforms.raw_schema import RAW_RECORDS, REJECTS

NAMES = FieldNames({})


def a_builder(**options: int) -> BatchBuilder:
    return BatchBuilder(ParseOptions(NAMES, **options))  # type: ignore[arg-type]


def add_record(builder: BatchBuilder, **fields: object) -> None:
    builder.add_record(conform_record(fields, NAMES), byte_start=0, byte_end=10)


def add_reject(builder: BatchBuilder) -> None:
    builder.add_reject("truncated", "why", raw=b"\xff\x00", byte_start=None, byte_end=None)


def test_records_and_rejects_share_one_sequence_of_numbers_over_batches() -> None:
    builder = a_builder()
    add_record(builder, body="a")
    add_reject(builder)
    first = builder.take()
    add_record(builder, body="b")
    (second,) = builder.take_rest()
    assert first.records["record_no"].to_list() == [0]
    assert first.rejects["record_no"].to_list() == [1]
    assert second.records["record_no"].to_list() == [2]
    assert list(builder.take_rest()) == []


@pytest.mark.parametrize("bound", [{"batch_records": 3}, {"batch_bytes": 30}])
def test_a_batch_is_full_at_either_bound(bound: dict[str, int]) -> None:
    builder = a_builder(**bound)
    for _ in range(2):
        add_record(builder)
    assert not builder.is_full
    add_record(builder)
    assert builder.is_full


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_frames_have_the_schema_whatever_is_in_them(rows: int) -> None:
    builder = a_builder()
    for number in range(rows):
        add_record(builder, body="a", authors=["x", "y"][: number % 3] or None)
        add_reject(builder)
    batch = builder.take()
    assert batch.records.schema == RAW_RECORDS
    assert batch.rejects.schema == REJECTS
    assert batch.records["authors"].to_list() == [["x", "y"][: number % 3] or None for number in range(rows)]


@pytest.mark.parametrize("rows", [1, 50])
def test_lone_surrogates_become_replacement_characters(rows: int) -> None:
    builder = a_builder()
    for _ in range(rows):
        add_record(builder, body="a\ud800", authors=["\udfff"], headline="kept é")
    records = builder.take().records
    assert records.select("body", "authors", "headline").unique().rows() == [("a\ufffd", ["\ufffd"], "kept é")]


@given(st.binary(max_size=5000) | st.text(max_size=1000))
def test_an_excerpt_is_short_valid_and_without_nul(raw: bytes | str) -> None:
    text = excerpt(raw)
    assert len(text) <= 500
    assert "\x00" not in text
    text.encode()


def test_a_single_reject_covers_the_drop() -> None:
    (batch,) = single_reject(ParseOptions(NAMES), "no_records", "why", raw=b"abc", byte_end=3)
    assert batch.rejects.rows() == [(0, 0, 3, "no_records", "why", "abc")]
    assert batch.records.equals(pl.DataFrame(schema=RAW_RECORDS))
