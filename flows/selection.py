"""Which rows of the quarantine a command means: those that are named, or those that have something in common.

A selection becomes a condition of SQL, which the published file and the lake both understand.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flows.durations import read_duration
from flows.options import UsageError, check_source
from flows.settings import Settings
from seeds.tables import reason_codes
from transforms.ops_schema import QUARANTINE, RUNS
from warehouse.database import quoted
from warehouse.query import read_published

OPEN, REPLAYED, DISMISSED = STATUSES = ("open", "replayed", "dismissed")
ALL = "all"

MOST_DAYS = 36_500
"""A hundred years: an age beyond it is a slip, and dates do not go back as far as some."""

_ID = re.compile(r"q_[0-9a-f]+_\d+")
_RUNS = f"SELECT run_id FROM {RUNS.name}"


@dataclass(frozen=True)
class Selection:
    """What is meant; `None` leaves a property open.

    Attributes:
        ids: Rows by quarantine_id; none means any.
        source: Source that delivered it.
        reason: Code that stands among the reasons.
        run_id: Run that held it back.
        before: Held back before this moment.
        after: Held back at this moment or later.
        status: Status of the row.
    """

    ids: tuple[str, ...] = ()
    source: str | None = None
    reason: str | None = None
    run_id: str | None = None
    before: datetime | None = None
    after: datetime | None = None
    status: str | None = OPEN

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the status is asked for."""
        return any((self.ids, self.source, self.reason, self.run_id, self.before, self.after))

    @property
    def condition(self) -> str:
        """Condition on rows of the quarantine."""
        parts = [f"quarantine_id IN ({', '.join(map(quoted, self.ids))})"] if self.ids else []
        equal = {"source": self.source, "run_id": self.run_id, "status": self.status}
        parts += [f"{name} = {quoted(value)}" for name, value in equal.items() if value is not None]
        if self.reason is not None:
            parts.append(f"list_contains(reasons, {quoted(self.reason)})")
        if self.before is not None:
            parts.append(f"quarantined_at < {_instant(self.before)}")
        if self.after is not None:
            parts.append(f"quarantined_at >= {_instant(self.after)}")
        return " AND ".join(parts) or "true"


def _instant(moment: datetime) -> str:
    return f"CAST({quoted(moment.isoformat())} AS TIMESTAMPTZ)"


def read_age(text: str | None, *, option: str) -> datetime | None:
    """Return the moment that lies as long ago as the text says, such as '12h' or '7d'."""
    if text is None:
        return None
    age = read_duration(text)
    if age is None or age > timedelta(days=MOST_DAYS):
        raise UsageError(f"{option} {text!r} is no age; write a number and s, m, h, d or w, such as '12h' or '7d'.")
    return datetime.now(UTC) - age


def check_selection(selection: Selection, settings: Settings) -> None:
    """Make sure that what is named exists.

    Raises:
        UsageError: if it does not; the message says what does.
        NotPublishedError: if nothing has been published.
    """
    _check_ids(selection.ids, settings)
    if selection.status not in {None, *STATUSES}:
        raise UsageError(f"{selection.status!r} is no status; {', '.join(STATUSES)} and {ALL} are.")
    if selection.source is not None:
        check_source(selection.source, settings)
    reasons = sorted(reason_codes().filter(kind="reason")["code"])
    if selection.reason is not None and selection.reason not in reasons:
        raise UsageError(f"{selection.reason!r} is no reason; known are {', '.join(reasons)}.")
    if selection.run_id is not None and selection.run_id not in set(read_published(settings.home, _RUNS)["run_id"]):
        raise UsageError(f"There is no run {selection.run_id!r}; ops.runs names those there are.")


def _check_ids(ids: Sequence[str], settings: Settings) -> None:
    named = tuple(name for name in ids if _ID.fullmatch(name))
    wanted = Selection(named, status=None).condition if named else "false"
    known = read_published(settings.home, f"SELECT quarantine_id FROM {QUARANTINE.name} WHERE {wanted}")
    unknown = sorted(set(ids) - set(known["quarantine_id"]))
    if unknown:
        others = f", nor of {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
        raise UsageError(
            f"The quarantine has no row {unknown[0]!r}{others}; copydesk quarantine list --status all shows its rows."
        )
