"""Figures add up over batches, and default bounds are quiet where nothing is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from expectations.row_rules import CheckedRows, Severity
from expectations.table_rules import (
    BATCH_FIGURES,
    DEFAULTS,
    TableRuleChange,
    count_batch,
    source_figures,
    table_rules,
)

Check = Callable[..., CheckedRows]

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
    outcomes = pl.concat([batch.outcomes for batch in batches])
    return source_figures(counted, outcomes.lazy()).row(0, named=True)


def test_figures_of_a_batch_are_those_that_its_rows_show(check: Check) -> None:
    batch = check({}, {"body": None}, {"authors": ["Ada Poe"], "headline": None}, {"body": "And then it…"})
    assert count_batch(batch, source="gazette", unreadable=2).to_dicts() == [
        {
            "source": "gazette",
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
        }
    ]


def test_shares_are_of_what_came_in_or_was_loaded(check: Check) -> None:
    figures = figures_of(check({}, {"body": None}, {"headline": None}, {"body": "And then it…"}))
    assert figures["quarantined_share"] == 1 / 4
    assert figures["flagged_share"] == 1 / 3
    assert figures["headline_fill_rate"] == 2 / 3


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
    assert (figures["headline_fill_rate"], figures["flagged_share"]) == (None, None)


def test_sources_come_sorted_whatever_the_order_of_batches() -> None:
    batches = pl.DataFrame({"source": ["b", "a", "b"], "records_in": [1, 2, 3]}, schema_overrides=BATCH_FIGURES)
    counts = batches.select(
        *(pl.col(name) if name in batches.columns else pl.lit(0).alias(name) for name in BATCH_FIGURES)
    )
    outcomes = pl.LazyFrame(schema={"source": pl.String(), "record_id": pl.String()})
    assert source_figures(counts, outcomes).select("source", "records_in").rows() == [("a", 2), ("b", 4)]


def test_no_default_refuses_a_batch_for_what_its_records_are_like() -> None:
    assert [rule.code for rule in DEFAULTS if rule.severity is Severity.CRITICAL] == ["repeated_record_ids"]


def test_a_source_changes_bound_and_severity_of_one_rule_and_zero_is_a_bound() -> None:
    changed = {rule.code: rule for rule in table_rules({"quarantined_share": TableRuleChange(Severity.CRITICAL, 0)})}
    assert (changed["quarantined_share"].severity, changed["quarantined_share"].bound) == (Severity.CRITICAL, 0)
    assert [rule for rule in changed.values() if rule.code != "quarantined_share"] == [
        rule for rule in DEFAULTS if rule.code != "quarantined_share"
    ]


def test_a_message_shows_figure_and_bound_in_full() -> None:
    rule = next(rule for rule in DEFAULTS if rule.code == "record_count")
    assert replace(rule, bound=1_234_567).message(1 / 3) == "records_in is 0.333333; at least 1234567 is expected."


def test_every_bound_has_its_reason_and_looks_at_a_figure_that_is_taken(check: Check) -> None:
    assert all(rule.reason for rule in DEFAULTS)
    assert {rule.figure for rule in DEFAULTS} <= set(figures_of(check({})))
