"""When a source is due, by what it declares or by when it came before, and when it is overdue.

Decides from the times of past deliveries how long a source may be silent. Runs within minutes of each other are one
delivery, so that a backfill teaches nothing. A source that rests at night and at weekends is silent for long now and
then: the longest gap but one of the last four weeks decides, as one may be an outage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

LEAST_GAP = timedelta(minutes=10)
"""Deliveries closer together than this are one."""

LEAST_GAPS = 7
"""Gaps without which nothing is learnt: a week of a daily source, its weekend included."""

WINDOW = timedelta(days=28)
"""How far back gaps are looked at, where there are enough: four weekends."""

MOST_DELIVERIES = 1_000
"""Deliveries of a source that are looked at: four weeks of an hourly one."""

PATIENCE = 1.5
"""How many times the longest usual gap a source may be silent; what is declared is waited for as long."""

PATIENCE_IRREGULAR = 3.0
"""The same of a source that comes when it comes: of gaps that chance makes, one in a thousand is as long."""

REGULAR_SHARE = 0.6
"""Share of the gaps that are about as long as the middle one, of a source that is regular."""

_ABOUT = 0.25

_MANY_HOURS = 48


@dataclass(frozen=True)
class Due:
    """When a source was last heard of, and how long it may be silent."""

    last: datetime
    patience: timedelta
    is_declared: bool

    def is_overdue(self, now: datetime) -> bool:
        """Whether it has been silent for longer than it may."""
        return now - self.last > self.patience

    def message(self, now: datetime) -> str:
        """Say how overdue it is."""
        basis = "as declared" if self.is_declared else "going by when it came before"
        return (
            f"Nothing has come for {_span_text(now - self.last)}, since {self.last:%Y-%m-%d %H:%M} UTC; it was due "
            f"within {_span_text(self.patience)}, {basis}."
        )


def when_due(deliveries: Sequence[datetime], *, expected: timedelta | None) -> Due | None:
    """Return when a source is due; null where that is neither declared nor to be learnt.

    `expected` is the longest time between two deliveries that the source declares.
    """
    ordered = sorted(deliveries)
    if not ordered:
        return None
    if expected is not None:
        return Due(ordered[-1], expected * PATIENCE, is_declared=True)
    gaps = [(later, later - sooner) for sooner, later in pairwise(ordered) if later - sooner >= LEAST_GAP]
    lately = [gap for at, gap in gaps if at > ordered[-1] - WINDOW]
    usual = lately if len(lately) >= LEAST_GAPS else [gap for _, gap in gaps[-LEAST_GAPS:]]
    if len(usual) < LEAST_GAPS:
        return None
    return Due(ordered[-1], sorted(usual)[-2] * _patience(usual), is_declared=False)


def _patience(gaps: Sequence[timedelta]) -> float:
    middle = median(gap.total_seconds() for gap in gaps)
    like_it = sum(abs(gap.total_seconds() - middle) <= _ABOUT * middle for gap in gaps)
    return PATIENCE if like_it >= REGULAR_SHARE * len(gaps) else PATIENCE_IRREGULAR


def _span_text(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours < _MANY_HOURS else f"{hours / 24:.1f} days"
