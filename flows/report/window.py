"""The stretch of time that a report looks at: its bins, and the shorter stretches that a reader can choose."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

Bin = Literal["day", "week", "month"]

DAYS = 90
"""Days that a report looks at unless told otherwise: a quarter shows what is usual."""

MOST_DAYS_BY_DAY, MOST_DAYS_BY_WEEK = 92, 732
"""About a hundred bins at most: more can neither be drawn on a phone nor told apart."""

CHOICES = (7, 30, 90, 365, 1095)
"""Days that can be looked at instead of all, as far as the bins allow."""

LEAST_CHOICE = {"day": 1, "week": 28, "month": 90}
"""Fewer days would be a bar or two."""


@dataclass(frozen=True)
class Window:
    """What a report looks at.

    Attributes:
        now: When the report is made (UTC).
        bin: The unit by which things are added up.
        starts: Starts of the stretches that can be chosen, the earliest (all of it) first; each is the start of a bin.
    """

    now: datetime
    bin: Bin
    starts: tuple[datetime, ...]

    @property
    def since(self) -> datetime:
        """Start of the whole."""
        return self.starts[0]

    def days(self, start: datetime) -> int:
        """Days since a start, today included."""
        return (self.now.date() - start.date()).days + 1

    def bins(self) -> list[datetime]:
        """Return the start of each bin, and in the end that of the next one."""
        starts = [self.since]
        while starts[-1] <= self.now:
            starts.append(_next(starts[-1], self.bin))
        return starts


def window_of(now: datetime, *, days: int) -> Window:
    """Return the window of the last so many days, widened to whole bins."""
    unit: Bin = "day" if days <= MOST_DAYS_BY_DAY else "week" if days <= MOST_DAYS_BY_WEEK else "month"
    choices = [choice for choice in CHOICES if LEAST_CHOICE[unit] <= choice < days]
    starts = {_floor(now - timedelta(days=choice - 1), unit) for choice in (*choices, days)}
    return Window(now, unit, tuple(sorted(starts)))


def _floor(moment: datetime, unit: Bin) -> datetime:
    """Return the start of the bin that a moment lies in; weeks begin on Monday."""
    day = moment.astimezone(UTC).date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    if unit == "month":
        day = day.replace(day=1)
    return datetime.combine(day, time(), UTC)


def _next(start: datetime, unit: Bin) -> datetime:
    longest = {"day": 1, "week": 7, "month": 31}[unit]
    return _floor(start + timedelta(days=longest), unit)
