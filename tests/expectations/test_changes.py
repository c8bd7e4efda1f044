"""What is usual for a source is nobody's alarm, and what is not is told, whatever its size, weekday or past outages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.changes import (
    CHANCE,
    LEAST_AMOUNT_RUNS,
    LEAST_RUNS,
    ChangeRule,
    Judged,
    chance_count,
    change_rules,
    judge_changes,
    read_past,
)
from expectations.declared import Severity, change_declarations
from expectations.table_rules import TableRuleChange

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
Items = Mapping[str | None, float]


def rule(code: str) -> ChangeRule:
    return next(one for one in change_rules({}) if one.code == code)


def judge(
    code: str, past: Sequence[Mapping[str, Items]], today: Mapping[str, Items], *, now: datetime | None = None
) -> Judged:
    """Judge figures beside those of a run a day, the first on a Monday."""
    rows = [
        (f"run_{day}", figure, item, value, MONDAY + timedelta(days=day))
        for day, figures in enumerate(past)
        for figure, items in figures.items()
        for item, value in items.items()
    ]
    columns = {
        "run_id": pl.String(),
        "figure": pl.String(),
        "item": pl.String(),
        "value": pl.Float64(),
        "noted_at": pl.Datetime("us", "UTC"),
    }
    figures = [(figure, item, value) for figure, items in today.items() for item, value in items.items()]
    judged = judge_changes(
        [rule(code)],
        pl.DataFrame(figures, schema=["figure", "item", "value"], orient="row", schema_overrides={"item": pl.String()}),
        read_past(pl.DataFrame(rows, schema=columns, orient="row")),
        now=now or MONDAY + timedelta(days=len(past)),
    )
    return judged[code]


def is_told(judged: Judged) -> bool:
    return judged.surprise is not None and judged.surprise > 1


def volumes(*records: float) -> list[dict[str, Items]]:
    return [{"records_in": {None: count}} for count in records]


def filled(rates: Sequence[float], *, records: float) -> list[dict[str, Items]]:
    return [{"records_loaded": {None: records}, "headline_fill_rate": {None: rate}} for rate in rates]


STEADY = (400, 430, 380, 410, 390, 450, 370, 405, 395, 420)


@pytest.mark.parametrize(("records", "told"), [(200, True), (1200, True), (0, True), (330, False), (520, False)])
def test_half_and_three_times_as_many_records_are_told_and_a_quarter_more_is_not(records: float, *, told: bool) -> None:
    assert is_told(judge("volume_change", volumes(*STEADY), {"records_in": {None: records}})) == told


def test_a_day_of_the_week_with_few_articles_is_usual_once_it_has_come() -> None:
    week = (400, 420, 390, 410, 405, 90, 80)
    assert not is_told(judge("volume_change", volumes(*week, *week), {"records_in": {None: 85}}))


def test_with_enough_weeks_a_day_is_compared_with_its_like() -> None:
    weeks = (400, 420, 390, 410, 405, 90, 80) * 6
    monday, saturday = MONDAY + timedelta(days=42), MONDAY + timedelta(days=47)
    assert is_told(judge("volume_change", volumes(*weeks), {"records_in": {None: 85}}, now=monday))
    assert not is_told(judge("volume_change", volumes(*weeks), {"records_in": {None: 85}}, now=saturday))


def test_an_outage_in_the_past_does_not_hide_the_next_one() -> None:
    assert is_told(judge("volume_change", volumes(*STEADY, 3), {"records_in": {None: 5}}))


def test_a_source_whose_volume_is_all_over_the_place_raises_nothing() -> None:
    past = (30, 900, 120, 2500, 60, 700, 15, 300, 1200)
    assert not is_told(judge("volume_change", volumes(*past), {"records_in": {None: 40}}))


def test_with_too_little_history_it_says_so_and_stays_quiet() -> None:
    judged = judge("volume_change", volumes(*STEADY[: LEAST_AMOUNT_RUNS - 1]), {"records_in": {None: 1}})
    assert (judged.surprise, judged.message) == (None, "Too little history: 7 of 8 runs.")
    judged = judge("headline_fill_rate_change", filled([1] * (LEAST_RUNS - 1), records=50), filled([0], records=50)[0])
    assert (judged.surprise, judged.message) == (None, "Too little history: 4 of 5 runs.")


FEWER = [(0.95, 400, True), (0.7, 40, True), (0.99, 400, False), (0.95, 20, False), (1, 400, False)]


@pytest.mark.parametrize(("rate", "records", "told"), FEWER)
def test_a_field_that_fewer_records_fill_is_told_unless_by_chance(rate: float, records: float, *, told: bool) -> None:
    past, today = filled([1.0] * 8, records=400), filled([rate], records=records)[0]
    assert is_told(judge("headline_fill_rate_change", past, today)) == told


def test_a_field_that_is_filled_now_and_then_may_go_on_so() -> None:
    past = filled([0.5, 0.62, 0.41, 0.55, 0.48, 0.66, 0.52], records=60)
    assert not is_told(judge("headline_fill_rate_change", past, filled([0.42], records=60)[0]))
    assert is_told(judge("headline_fill_rate_change", past, filled([0.0], records=60)[0]))


def test_a_fill_rate_that_rises_is_no_fault() -> None:
    past = filled([0.2] * 9, records=400)
    assert not is_told(judge("headline_fill_rate_change", past, filled([1.0], records=400)[0]))


def signed(*shares: float | None, records: float = 200) -> list[dict[str, Items]]:
    """Runs with the share of the busiest author; none where a version did not take it yet."""
    loaded: dict[str, Items] = {"records_loaded": {None: records}}
    return [loaded if share is None else loaded | {"repeated_author_share": {None: share}} for share in shares]


BUSIEST = (0.09, 0.06, 0.12, 0.07, 0.1, 0.08)


@pytest.mark.parametrize(("share", "told"), [(0.13, False), (0.35, True), (1.0, True)])
def test_an_author_of_many_more_records_than_anyone_usually_has_is_told(share: float, *, told: bool) -> None:
    assert is_told(judge("repeated_author_change", signed(*BUSIEST), signed(share)[0])) == told


def test_a_source_that_one_author_writes_alone_raises_nothing() -> None:
    assert not is_told(judge("repeated_author_change", signed(*[1.0] * 6), signed(1.0)[0]))


def test_runs_of_versions_that_did_not_take_a_figure_are_no_past_of_it() -> None:
    judged = judge("repeated_author_change", signed(*[None] * 9, *BUSIEST[:2]), signed(0.9)[0])
    assert (judged.surprise, judged.message) == (None, "Too little history: 2 of 5 runs.")


@pytest.mark.parametrize(("longest", "told"), [(60_000, False), (130_000, True)])
def test_one_text_as_long_as_many_is_told(longest: float, *, told: bool) -> None:
    lengths = (16_000, 19_000, 31_000, 17_500, 21_000, 24_000, 18_500, 22_000, 20_000)
    past: list[dict[str, Items]] = [
        {"records_in": {None: 200.0}, "longest_body_chars": {None: length}} for length in lengths
    ]
    today: dict[str, Items] = {"records_in": {None: 150.0}, "longest_body_chars": {None: longest}}
    assert is_told(judge("longest_body_change", past, today)) == told


def languages(**shares: float) -> dict[str, Items]:
    return {"records_loaded": {None: 300.0}, "language_share": dict(shares)}


def test_a_language_that_was_never_there_is_told_by_name() -> None:
    judged = judge("language_mix_change", [languages(en=1.0)] * 6, languages(en=0.9, de=0.1))
    assert is_told(judged)
    assert judged.item == "de"
    assert judged.message == "language_share of 'de' is 10 %; 0 % is usual (median of 6 runs, 0 % to 0 %)."


def test_the_other_language_of_a_source_is_not_told() -> None:
    past = [languages(en=share, ta=1 - share) for share in (0.5, 0.6, 0.45, 0.55, 0.5, 0.65)]
    assert not is_told(judge("language_mix_change", past, languages(en=0.42, ta=0.58)))


def fields(**shares: float) -> dict[str, Items]:
    return {"records_read": {None: 300.0}, "field_share": dict(shares)}


def test_a_field_that_appears_or_vanishes_is_told_and_a_rare_one_is_not() -> None:
    past = [fields(title=1.0, correction=0.003)] * 6
    assert judge("fields_appeared", past, fields(title=1.0, section=1.0)).item == "section"
    assert is_told(judge("fields_appeared", past, fields(title=1.0, section=1.0)))
    assert not is_told(judge("fields_appeared", past, fields(title=1.0, correction=0.01)))
    assert not is_told(judge("fields_appeared", past, fields(title=1.0, erratum=0.004)))
    assert is_told(judge("fields_vanished", past, fields(headline=1.0)))
    assert not is_told(judge("fields_vanished", past, fields(title=1.0)))


def test_a_source_may_ask_for_more_or_less() -> None:
    changed = {one.code: one for one in change_rules({"volume_change": TableRuleChange(Severity.CRITICAL, 10)})}
    assert (changed["volume_change"].severity, changed["volume_change"].least_change) == (Severity.CRITICAL, 10)
    assert replace(changed["volume_change"], severity=Severity.WARNING, least_change=1.8) == rule("volume_change")
    assert set(changed) == set(change_declarations())


@given(rate=st.floats(0, 1), records=st.integers(1, 400))
def test_more_than_the_chance_count_comes_about_as_seldom_as_promised(rate: float, records: int) -> None:
    """Against the binomial distribution itself, by exact fractions of integers."""
    least = math.floor(chance_count(rate, records)) + 1
    tail = sum(
        math.comb(records, count) * rate**count * (1 - rate) ** (records - count) for count in range(least, records + 1)
    )
    assert tail <= 3 * CHANCE  # as a normal distribution is no binomial one where few are expected


@settings(deadline=None)
@given(rates=st.lists(st.floats(0, 1), min_size=LEAST_RUNS, max_size=12), records=st.integers(1, 5000))
def test_what_was_always_so_is_never_told(rates: list[float], records: int) -> None:
    past = filled(rates, records=records)
    assert not is_told(judge("headline_fill_rate_change", past, filled([median(rates)], records=records)[0]))
