"""Figures add up over batches, are shares of what they say, and cover what repeats, what is usual and what is new."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.declared import bound_declarations, change_declarations
from expectations.figures import (
    FEWEST_ALIKE,
    FIGURES,
    SHARES,
    add_up,
    count_batch,
    count_drops,
    count_fields,
    count_lines,
    count_repeated_records,
    count_repetitions,
    source_figures,
    take_amounts,
)
from expectations.row_rules import CheckedRows
from transforms.field_counts import FieldCounts
from transforms.schema import RECORDS

Check = Callable[..., CheckedRows]
NOW = datetime(2026, 1, 2, tzinfo=UTC)

RECORD = st.sampled_from(
    [
        {},
        {"body": None},
        {"body": "And then it…", "headline": None},
        {"authors": ["Ada Poe"], "url": "https://gazette.example/1"},
        {"authors": None, "language": "en"},
    ]
)


def figures_of(*batches: CheckedRows, unreadable: int = 0) -> Mapping[str, float | None]:
    counted = pl.concat([count_batch(batch, source="gazette", unreadable=unreadable) for batch in batches])
    outcomes = pl.concat([batch.outcomes for batch in batches]).lazy()
    figures = source_figures(add_up(counted), [count_repeated_records(outcomes)])
    return {figure if item is None else f"{figure} {item}": value for _, figure, item, value in figures.iter_rows()}


def test_figures_of_a_batch_are_those_that_its_rows_show(check: Check) -> None:
    batch = check({}, {"body": None}, {"authors": ["Ada Poe"], "headline": None}, {"body": "And then it…"})
    counted = count_batch(batch, source="gazette", unreadable=2, with_markup=3)
    assert dict(counted.select("figure", "value").iter_rows()) == {
        "records_in": 6,
        "records_quarantined": 3,
        "records_loaded": 3,
        "records_flagged": 1,
        "headline_filled": 2,
        "dek_filled": 0,
        "authors_filled": 1,
        "published_at_filled": 0,
        "language_filled": 0,
        "url_filled": 0,
        "unfinished": 0,
        "repaired": 0,
        "riddled": 0,
        "with_boilerplate": 0,
        "with_markup": 3,
    }
    assert set(counted["source"]) == {"gazette"}


def test_shares_are_of_what_came_in_or_was_loaded(check: Check) -> None:
    figures = figures_of(check({}, {"body": None}, {"headline": None}, {"body": "And then it…"}))
    assert figures["quarantined_share"] == 1 / 4
    assert figures["flagged_share"] == 1 / 3
    assert figures["headline_fill_rate"] == 2 / 3


@pytest.mark.long
@settings(deadline=None)
@given(rows=st.lists(RECORD, min_size=1, max_size=9), cut=st.integers(0, 9))
def test_figures_do_not_depend_on_how_records_are_batched(
    check: Check, rows: list[dict[str, object]], cut: int
) -> None:
    numbered = [row | {"record_id": f"r_{number}"} for number, row in enumerate(rows)]
    assert figures_of(check(*numbered[:cut]), check(*numbered[cut:])) == figures_of(check(*numbered))


def test_a_record_read_in_two_batches_is_seen(check: Check) -> None:
    batch = check({"record_id": "r_1"}, {"record_id": "r_2"})
    assert figures_of(batch)["repeated_record_ids"] == 0
    assert figures_of(batch, check({"record_id": "r_1"}))["repeated_record_ids"] == 1


def test_a_source_of_which_nothing_could_be_read_has_no_fill_rates(check: Check) -> None:
    figures = figures_of(check(), unreadable=1)
    assert (figures["records_in"], figures["quarantined_share"]) == (1, 1)
    assert {"headline_fill_rate", "flagged_share"}.isdisjoint(figures)


def values(figures: pl.DataFrame) -> dict[Any, float]:
    return {figure if item is None else (figure, item): value for _, figure, item, value in figures.iter_rows()}


def loaded(*rows: Mapping[str, Any]) -> pl.LazyFrame:
    return pl.LazyFrame([{"source": "gazette"} | dict(row) for row in rows], schema=RECORDS.schema)


def test_sources_come_sorted_whatever_the_order_of_batches(check: Check) -> None:
    counts = [count_batch(check({}, source=source), source=source, unreadable=0) for source in "bab"]
    figures = source_figures(add_up(pl.concat(counts)))
    assert figures.schema == FIGURES
    assert figures.filter(pl.col("figure") == "records_in").select("source", "value").rows() == [("a", 1), ("b", 2)]


def test_texts_that_came_before_are_duplicates_whether_in_this_run_or_stored() -> None:
    records = loaded(*({"match_key": key} for key in ("a", "a", "b", "c")))
    counts = values(count_repetitions(records, stored=pl.LazyFrame({"match_key": ["c", "c", "d"]})))
    assert counts["duplicated"] == 2


def test_an_identifier_or_else_an_address_that_comes_again_is_repeated() -> None:
    rows = [{"external_id": "1", "canonical_url": f"u{number}"} for number in range(2)] + [{"canonical_url": "u"}] * 2
    assert values(count_repetitions(loaded(*rows), stored=loaded().select("match_key")))["repeated_ids"] == 2


def test_only_what_many_records_share_is_a_repetition() -> None:
    few = [{"match_key": "a", "headline": "News"}] * (FEWEST_ALIKE - 1)
    counts = values(count_repetitions(loaded(*few), stored=loaded().select("match_key")))
    assert (counts["most_alike_bodies"], counts["most_alike_headlines"]) == (0, 0)
    counts = values(count_repetitions(loaded(*few, few[0]), stored=loaded().select("match_key")))
    assert (counts["most_alike_bodies"], counts["most_alike_headlines"]) == (FEWEST_ALIKE, FEWEST_ALIKE)


def test_the_busiest_byline_counts_and_unsigned_records_are_nobodys() -> None:
    signed = [{"authors": ["Ada Poe", "Bo Ek"]}] * FEWEST_ALIKE + [{"authors": ["Ada Poe"]}] * 2 + [{"authors": []}] * 9
    counts = values(count_repetitions(loaded(*signed), stored=loaded().select("match_key")))
    assert counts["most_alike_authors"] == FEWEST_ALIKE


def test_a_text_with_a_repair_in_each_word_is_riddled_and_one_with_a_stray_one_is_repaired(check: Check) -> None:
    batch = check({"body_chars": 900, "repairs": 2}, {"body_chars": 900, "repairs": 150}, {"body_chars": 900})
    figures = figures_of(batch)
    assert (figures["repaired_share"], figures["riddled_share"]) == (2 / 3, 1 / 3)


def test_amounts_are_of_length_and_age_and_a_date_ahead_is_of_no_age() -> None:
    dates = (NOW - timedelta(hours=6), NOW - timedelta(hours=4), NOW + timedelta(hours=9), None)
    records = loaded(*({"body_chars": 100 * number, "published_at": at} for number, at in enumerate(dates)))
    amounts = {"median_body_chars": 150, "longest_body_chars": 300, "median_age_hours": 4}
    assert values(take_amounts(records, now=NOW)) == amounts


def test_lines_count_the_distinct_texts_that_hold_them() -> None:
    sighted = [("Sign up here.", "1", f"text {number}") for number in range(FEWEST_ALIKE)] + [("One", "2", "text 1")]
    lines = pl.LazyFrame(sighted, schema=["line", "line_key", "match_key"], orient="row").with_columns(
        source=pl.lit("a")
    )
    totals = pl.DataFrame({"source": ["a"], "records_loaded": [50.0]})
    counts = values(count_lines(lines.with_columns(source=pl.lit("a")), loaded=totals))
    assert counts == {("with_line", "Sign up here."): FEWEST_ALIKE}


def test_fields_and_their_kinds_are_shares_of_the_records_read() -> None:
    fields = FieldCounts()
    fields.add(("title", "time"), ("A", 12))
    fields.add(("title", "time"), ("B", "12"))
    figures = values(source_figures(count_fields(fields.frame(), source="a")))
    assert figures["records_read"] == 2
    assert (figures["field_share", "title"], figures["field_kind_share", "time: digits"]) == (1, 0.5)


def test_a_byte_order_mark_makes_an_encoding_of_its_own() -> None:
    drops = pl.DataFrame(
        {
            "source": "a",
            "encoding": ["utf-8", "utf-8"],
            "has_mark": [True, False],
            "format": "csv",
            "records_in": [3, 1],
        }
    )
    assert values(count_drops(drops)) == {
        ("in_encoding", "utf-8 with a byte-order mark"): 3,
        ("in_encoding", "utf-8"): 1,
        ("in_format", "csv"): 4,
    }


def test_every_rule_looks_at_a_figure_that_is_taken() -> None:
    amounts = ("records_in", "repeated_record_ids", "median_body_chars", "longest_body_chars", "median_age_hours")
    taken = {*SHARES, *amounts}
    assert {rule.figure for rule in (*bound_declarations().values(), *change_declarations().values())} <= taken
    assert all(SHARES[rule.figure].whole == rule.of for rule in change_declarations().values() if rule.unit == "share")
