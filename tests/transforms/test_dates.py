"""Dates: what is certain is read, what is not is null and says why."""

from datetime import UTC, datetime
from email.utils import format_datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.dates import AMBIGUOUS, UNREADABLE, DateReading, read_dates

PLAIN = DateReading()


def read(text: str | None, reading: DateReading = PLAIN) -> tuple[str | None, str | None]:
    """ISO form of the moment, and the code."""
    at, code = read_dates(pl.Series([text], dtype=pl.String), reading).row(0)
    return (at.isoformat() if at else None), code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-10-09", "2025-10-09T00:00:00+00:00"),
        ("2025-10-09T12:17:00Z", "2025-10-09T12:17:00+00:00"),
        ("2025-10-09t12:17z", "2025-10-09T12:17:00+00:00"),
        (" 2025-10-09 12:17:00.123456789+05:30 ", "2025-10-09T06:47:00.123456+00:00"),
        ("2025-10-09T12:17:00-0330", "2025-10-09T15:47:00+00:00"),
        ("2025-10-09T12:17:00+05:30[Asia/Colombo]", "2025-10-09T06:47:00+00:00"),
        ("2025/1/9", "2025-01-09T00:00:00+00:00"),
        ("20251009", "2025-10-09T00:00:00+00:00"),
        ("20251009T121700Z", "2025-10-09T12:17:00+00:00"),
        ("1759994220", "2025-10-09T07:17:00+00:00"),
        ("1759994220.0", "2025-10-09T07:17:00+00:00"),
        ("1759994220000", "2025-10-09T07:17:00+00:00"),
        ("Thu, 09 Oct 2025 12:17:00 +0530", "2025-10-09T06:47:00+00:00"),
        ("Thu, 09 Oct 2025 12:17:00 EST", "2025-10-09T17:17:00+00:00"),
        ("Thu Oct 09 2025 12:17:00 GMT+0530 (India Standard Time)", "2025-10-09T06:47:00+00:00"),
        ("9 October 2025", "2025-10-09T00:00:00+00:00"),
        ("9th of October, 2025 at 3:04 pm", "2025-10-09T15:04:00+00:00"),
        ("Oct. 9, 2025 12:04 a.m.", "2025-10-09T00:04:00+00:00"),
        ("Thursday, October 9, 2025", "2025-10-09T00:00:00+00:00"),
        ("09-Oct-2025", "2025-10-09T00:00:00+00:00"),
        ("25/12/2026", "2026-12-25T00:00:00+00:00"),
        ("12/25/2026", "2026-12-25T00:00:00+00:00"),
        ("25.12.2026 18:30", "2026-12-25T18:30:00+00:00"),
        ("3.4.2026 10:00", "2026-04-03T10:00:00+00:00"),
        ("03/03/2026", "2026-03-03T00:00:00+00:00"),
        ("9. Oktober 2025", "2025-10-09T00:00:00+00:00"),
        ("9 octobre 2025 à 14:05", "2025-10-09T14:05:00+00:00"),
        ("2025年10月9日", "2025-10-09T00:00:00+00:00"),
    ],
)
def test_common_forms_are_read(text: str, expected: str) -> None:
    assert read(text) == (expected, None)


@pytest.mark.parametrize("text", ["03/04/2026", "3/4/2026 10:00", "03/04/26", "25/12/26", "03.04.26"])
def test_numbers_that_could_be_swapped_are_ambiguous_until_the_source_says(text: str) -> None:
    assert read(text) == (None, AMBIGUOUS)


def test_the_declared_order_decides_between_day_and_month() -> None:
    assert read("03/04/2026", DateReading(date_order="dmy"))[0] == "2026-04-03T00:00:00+00:00"
    assert read("03/04/2026", DateReading(date_order="mdy"))[0] == "2026-03-04T00:00:00+00:00"
    assert read("03/04/69", DateReading(date_order="mdy"))[0] == "1969-03-04T00:00:00+00:00"
    assert read("12/25/2026", DateReading(date_order="dmy"))[0] == "2026-12-25T00:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        *("2024-02-31", "31/02/2024", "2024-13-01", "2025-10-09T25:00", "2025-10-09T12:00:00+99:00"),
        *("0", "12345", "9999-12-31", "1066-10-14", "2025", "March 2024", "yesterday", "2 days ago", "garbage"),
        *("October 9, 2025 12:17 PM IST", "٢٠٢٥-١٠-٠٩", "١٢٣٤٥٦٧٨٩٠", "9" * 400, "May " * 200 + "2024"),
    ],
)
def test_what_names_no_certain_day_is_unreadable(text: str) -> None:
    assert read(text) == (None, UNREADABLE)


@pytest.mark.parametrize("text", [None, "", "  \t"])
def test_no_text_is_no_fault(text: str | None) -> None:
    assert read(text) == (None, None)


def test_dates_without_a_zone_are_in_the_zone_of_the_source() -> None:
    colombo = DateReading(time_zone="Asia/Colombo")
    assert read("2025-10-09 12:00", colombo)[0] == "2025-10-09T06:30:00+00:00"
    assert read("2025-10-09 12:00Z", colombo)[0] == "2025-10-09T12:00:00+00:00"
    assert read("9 octobre 2025 à 12:00", colombo)[0] == "2025-10-09T06:30:00+00:00"


def test_a_time_that_clocks_skip_or_repeat_is_read() -> None:
    berlin = DateReading(time_zone="Europe/Berlin")
    assert read("2025-03-30 02:30", berlin)[0] == "2025-03-30T01:30:00+00:00"
    assert read("2025-10-26 02:30", berlin)[0] == "2025-10-26T00:30:00+00:00"


def test_a_hint_adds_the_month_names_of_a_language() -> None:
    assert read("9. lokakuuta 2025") == (None, UNREADABLE)
    assert read("9. lokakuuta 2025", DateReading(language="fi"))[0] == "2025-10-09T00:00:00+00:00"
    assert read("9 October 2025 noon", DateReading(language="no such language"))[1] is None


moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None)
@given(st.lists(moments, min_size=1, max_size=20))
def test_machine_forms_come_back_as_they_went(moments: list[datetime]) -> None:
    assert read_dates(pl.Series([moment.isoformat() for moment in moments]), PLAIN)["at"].to_list() == moments
    whole = [moment.replace(microsecond=0) for moment in moments]
    assert read_dates(pl.Series([format_datetime(moment) for moment in whole]), PLAIN)["at"].to_list() == whole


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9/:. TZ+-]{1,25}")), max_size=20))
def test_no_text_raises_and_every_text_has_a_date_or_a_code(texts: list[str]) -> None:
    readings = read_dates(pl.Series(texts, dtype=pl.String), PLAIN)
    assert readings.height == len(texts)
    for text, (at, code) in zip(texts, readings.rows(), strict=True):
        assert not text.strip() or (at is None) != (code is None)
