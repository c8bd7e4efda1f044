"""Dates as sources write them, to UTC.

Decides which forms are read and when a date is not: one whose day and month could be swapped is `ambiguous_date`,
anything else without a certain day `unreadable_date`. The forms of machines and of English prose are read by pattern;
`dateparser` reads the rest, month names in other languages above all, but only where there is a month name and a
four-digit year: it would guess at numbers, and read "yesterday" by the clock.

Leaves to the caller what to do with a date that was not read.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import polars as pl

from transforms.columns import INSTANT
from transforms.date_forms import (
    ENDS_IN_UNKNOWN_ZONE,
    EPOCH,
    HAS_FOUR_DIGITS,
    MONTH_MAY_BE_NAMED,
    MONTH_NUMBERS,
    NAMED_MONTH_FORMS,
    PARTS,
    YEAR_FIRST_FORMS,
    YEAR_LAST_FORM,
    ZONE_MINUTES,
)

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

AMBIGUOUS = "ambiguous_date"
UNREADABLE = "unreadable_date"
DateOrder = Literal["dmy", "mdy"]

EARLIEST_YEAR = 1600  # the first newspapers
LATEST_YEAR = 2200  # later years are placeholders: 2999, 9999
EARLY = datetime(1800, 1, 1, tzinfo=UTC)
"""Dates before are read, and worth a look: an archive has them, and a wrong epoch or century."""
EPOCHS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC), datetime(1899, 12, 30, tzinfo=UTC))
"""What programs write where they have no date: the first moment of Unix, of databases and of spreadsheets."""
MONTHS = 12
NOON = 12
MOST_DIGITS_OF_SECONDS = 10
TWO_DIGIT_PIVOT = 69  # as POSIX: 69 is 1969, 68 is 2068
FARTHEST_OFFSET_MINUTES = 15 * 60  # UTC+14 is in use
LONGEST_DATE = 60  # characters; with weekday, month, zone and its name in brackets a date has 57

_DAY_FIRST = """ar bg ca cs da de el es et fi fr gl he hi hr id is it ka kk lv mk ms nb nl nn no pl pt ro ru sk sl sq
sr sv ta te th tr uk ur uz vi"""
DAY_FIRST = frozenset(_DAY_FIRST.split())
"""Languages in whose locales (CLDR 45) the day stands before the month where the year stands last; English is none."""

COMMON_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "ar", "zh", "ja")
"""Whose month names are read without a hint. Each language costs time on texts that are no date."""

READINGS = pl.Schema({"at": INSTANT, "code": pl.String()})


@dataclass(frozen=True)
class DateReading:
    """How the dates of a source are read.

    Attributes:
        time_zone: IANA name of the zone of dates that name none.
        date_order: Whether 03/04/2026 is in April (`dmy`) or in March (`mdy`); null where the source has not said.
        language: ISO 639-1 code of the language that month names may be in, besides English; null for the common ones.
    """

    time_zone: str = "UTC"
    date_order: DateOrder | None = None
    language: str | None = None


def read_dates(texts: pl.Series, reading: DateReading) -> pl.DataFrame:
    """Read dates: a frame of schema `READINGS`, row for row; the code is null where all is well or there is no text.

    Each distinct text is read once.
    """
    stripped = pl.DataFrame({"text": texts.str.strip_chars().replace("", None)})
    distinct = stripped.unique().drop_nulls()
    read = _read_distinct(distinct.get_column("text"), reading)
    return stripped.join(read, on="text", how="left", maintain_order="left").select(READINGS.names())


def read_dates_by_language(texts: pl.Series, languages: pl.Series, reading: DateReading) -> pl.DataFrame:
    """Read dates as `read_dates` does, ambiguous ones day first where the language of the text has no other order."""
    read = read_dates(texts, reading)
    is_day_first = (read.get_column("code") == AMBIGUOUS) & languages.is_in(sorted(DAY_FIRST))
    if not is_day_first.fill_null(value=False).any():
        return read
    day_first = read_dates(texts, replace(reading, date_order="dmy"))
    return read.with_row_index("row").select(
        pl.when(is_day_first.fill_null(value=False)).then(day_first.get_column(name)).otherwise(name).alias(name)
        for name in READINGS.names()
    )


def _read_distinct(texts: pl.Series, reading: DateReading) -> pl.DataFrame:
    """Try one form after the other on what is still unread."""
    left = texts.to_frame("text")
    done = [pl.DataFrame(schema={"text": pl.String(), **READINGS})]
    for read_form in _FORMS:
        if left.is_empty():
            break
        found = read_form(left, reading).filter(pl.col("at").is_not_null() | pl.col("code").is_not_null())
        done.append(found.select("text", *READINGS))
        left = left.join(found, on="text", how="anti")
    done.append(left.select("text", at=pl.lit(None, INSTANT), code=pl.lit(UNREADABLE)))
    in_range = pl.col("at").is_null() | pl.col("at").dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR)
    return pl.concat(done).with_columns(
        at=pl.when(in_range).then("at"), code=pl.when(in_range).then("code").otherwise(pl.lit(UNREADABLE))
    )


def _read_epoch(texts: pl.DataFrame, _: DateReading) -> pl.DataFrame:
    digits = pl.col("text").str.extract(EPOCH)
    number = digits.cast(pl.Int64)
    microseconds = (
        pl.when(digits.str.len_bytes() > MOST_DIGITS_OF_SECONDS).then(number * 1_000).otherwise(number * 1_000_000)
    )
    return texts.with_columns(at=microseconds.cast(INSTANT), code=pl.lit(None, pl.String))


def _read_year_first(texts: pl.DataFrame, reading: DateReading) -> pl.DataFrame:
    return pl.concat([texts.pipe(_extract, form) for form in YEAR_FIRST_FORMS]).pipe(_assemble, reading)


def _read_named_month(texts: pl.DataFrame, reading: DateReading) -> pl.DataFrame:
    parts = pl.concat([texts.pipe(_extract, form) for form in NAMED_MONTH_FORMS])
    number = (
        pl.col("month")
        .str.to_lowercase()
        .str.head(3)
        .replace_strict(MONTH_NUMBERS, default=None, return_dtype=pl.Int64)
    )
    return parts.with_columns(month=number.cast(pl.String)).pipe(_assemble, reading)


def _read_year_last(texts: pl.DataFrame, reading: DateReading) -> pl.DataFrame:
    """Tell day from month by size, else by the order that the source declares, else by full stops, else not at all.

    No locale of the CLDR puts the month before the day with full stops between them.
    """
    parts = texts.pipe(_extract, YEAR_LAST_FORM)
    first, second = pl.col("first_number").cast(pl.Int64), pl.col("second_number").cast(pl.Int64)
    is_short = pl.col("year").str.len_bytes() == len("26")
    is_stopped = pl.col("text").str.contains(r"^\d{1,2}\.") & pl.lit(reading.date_order is None)
    is_certain = ~is_short & ((first > MONTHS) | (second > MONTHS) | (first == second) | is_stopped)
    says_day_first = pl.lit(reading.date_order == "dmy") | is_stopped
    day_is_first = (first > MONTHS) | ((second <= MONTHS) & says_day_first)
    century = pl.when(pl.col("year").cast(pl.Int64) < TWO_DIGIT_PIVOT).then(pl.lit("20")).otherwise(pl.lit("19"))
    dated = parts.with_columns(
        year=pl.when(is_short).then(century + pl.col("year")).otherwise("year"),
        day=pl.when(day_is_first).then("first_number").otherwise("second_number"),
        month=pl.when(day_is_first).then("second_number").otherwise("first_number"),
        is_known=is_certain | pl.lit(reading.date_order is not None),
    )
    ambiguous = dated.filter(~pl.col("is_known")).select("text", at=pl.lit(None, INSTANT), code=pl.lit(AMBIGUOUS))
    known = dated.filter("is_known").pipe(_assemble, reading).select("text", "at", "code")
    return pl.concat([known, ambiguous])


def _extract(texts: pl.DataFrame, form: str) -> pl.DataFrame:
    """Take the texts of a form apart: one column of text per part; texts of other forms are left out."""
    parts = texts.select("text", parts=pl.col("text").str.extract_groups(form)).unnest("parts")
    missing = [pl.lit(None, pl.String).alias(name) for name in PARTS if name not in parts.columns]
    return parts.filter(pl.col("year").is_not_null()).with_columns(missing).select("text", *PARTS)


def _assemble(parts: pl.DataFrame, reading: DateReading) -> pl.DataFrame:
    """Put the parts of a date together; a day, time or offset that no calendar has gives null."""
    local = pl.format(
        "{}-{}-{} {}:{}:{}.{}",
        "year",
        _two_digits(pl.col("month")),
        _two_digits(pl.col("day")),
        _two_digits(_hour_of_day()),
        _two_digits(pl.col("minute")),
        _two_digits(pl.col("second")),
        pl.col("fraction").fill_null("0").str.pad_end(6, "0").str.head(6),
    ).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    offset = _offset_minutes()
    has_zone = pl.col("zone").is_not_null() | pl.col("offset").is_not_null()
    zoned = pl.when(offset.abs() < FARTHEST_OFFSET_MINUTES).then(local - pl.duration(minutes=offset))
    at = pl.when(has_zone).then(zoned.dt.replace_time_zone("UTC")).otherwise(_to_utc(local, reading.time_zone))
    return parts.select("text", at=at, code=pl.lit(None, pl.String))


def _two_digits(number: pl.Expr) -> pl.Expr:
    return number.fill_null("0").str.zfill(2)


def _hour_of_day() -> pl.Expr:
    hour = pl.col("hour").cast(pl.Int64)
    half = pl.col("half").str.to_lowercase()
    is_morning_12, is_afternoon = (half == "a") & (hour == NOON), (half == "p") & (hour < NOON)
    return pl.when(is_morning_12).then(0).when(is_afternoon).then(hour + NOON).otherwise(hour).cast(pl.String)


def _offset_minutes() -> pl.Expr:
    """Minutes east of UTC; a numeric offset beats a name, as in GMT+0530."""
    digits = pl.col("offset").str.replace_all(r"\D", "").str.pad_end(4, "0")
    minutes = digits.str.head(2).cast(pl.Int64) * 60 + digits.str.tail(2).cast(pl.Int64)
    signed = pl.when(pl.col("offset").str.starts_with("-")).then(-minutes).otherwise(minutes)
    named = pl.col("zone").str.to_lowercase().replace_strict(ZONE_MINUTES, default=None, return_dtype=pl.Int64)
    return pl.coalesce(signed, named)


def _to_utc(local: pl.Expr, time_zone: str) -> pl.Expr:
    """Read a local time: the earlier one where clocks were set back, an hour on where they skipped it."""

    def at(time: pl.Expr) -> pl.Expr:
        zoned = time.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        return zoned.dt.convert_time_zone("UTC")

    return pl.coalesce(at(local), at(local + pl.duration(hours=1)))


def _read_other(texts: pl.DataFrame, reading: DateReading) -> pl.DataFrame:
    """Read with `dateparser`; Python per distinct text, 1 to 10 ms each."""
    text = pl.col("text")
    candidates = texts.filter(
        text.str.contains(MONTH_MAY_BE_NAMED)
        & text.str.contains(HAS_FOUR_DIGITS)
        & ~text.str.contains(ENDS_IN_UNKNOWN_ZONE)
        & (text.str.len_chars() <= LONGEST_DATE)
    )
    read = [_read_prose_date(text, reading) for text in candidates.get_column("text")]
    return pl.concat([candidates, pl.DataFrame(read, schema=READINGS, orient="row")], how="horizontal")


def _read_prose_date(text: str, reading: DateReading) -> tuple[datetime | None, str | None]:
    orders: tuple[DateOrder, ...] = (reading.date_order,) if reading.date_order else ("dmy", "mdy")
    moments = {_parse_prose_date(text, replace(reading, date_order=order)) for order in orders}
    return (moments.pop(), None) if len(moments) == 1 else (None, AMBIGUOUS)


def _parse_prose_date(text: str, reading: DateReading) -> datetime | None:
    try:
        moment = _date_parser(reading).get_date_data(text).date_obj
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None  # what the library raises on texts that only look like dates
    return moment.astimezone(UTC) if moment is not None else None


@lru_cache(maxsize=64)  # two per source
def _date_parser(reading: DateReading) -> "DateDataParser":
    """Make a parser that needs day, month and year, and never looks at the clock."""
    from dateparser.data.languages_info import language_order  # noqa: PLC0415 -- slow, and rarely needed
    from dateparser.date import DateDataParser  # noqa: PLC0415 -- the same

    hinted = [reading.language] if reading.language in language_order else []
    settings = {
        "PARSERS": ["absolute-time"],
        "REQUIRE_PARTS": ["day", "month", "year"],
        "DATE_ORDER": str(reading.date_order).upper(),
        "TIMEZONE": reading.time_zone,
        "TO_TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": True,
    }
    return DateDataParser(languages=[*dict.fromkeys([*hinted, *COMMON_LANGUAGES])], settings=settings)


_FORMS = (_read_epoch, _read_year_first, _read_named_month, _read_year_last, _read_other)
