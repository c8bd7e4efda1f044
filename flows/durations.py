"""Lengths of time and moments as people write them: `90m`, `7d`, `every 15m`, `2026-12-31T18:00`."""

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"(?P<count>\d{1,6})\s?(?P<unit>[smhdw])")
_INTERVAL = re.compile(r"every (?P<length>[1-9]\d{0,5}\s?[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_duration(text: str) -> timedelta | None:
    """Return how long `7d` is: a number, and s, m, h, d or w; null where the text is no such length."""
    found = _DURATION.fullmatch(text.strip())
    return None if found is None else timedelta(**{_UNITS[found["unit"]]: int(found["count"])})


def interval_length(text: str) -> timedelta | None:
    """Return how long `every 15m` is; null where the text is no interval."""
    found = _INTERVAL.fullmatch(text)
    return None if found is None else read_duration(found["length"])


def read_moment(text: str) -> datetime | None:
    """Return the moment of an ISO date or time, which is UTC unless it says more; null where the text is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
