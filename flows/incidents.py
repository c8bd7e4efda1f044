"""Incidents for people: which there are, all that is known of one, and keeping one quiet for a time.

Muting is one commit of one row, under the writer's lock; muting again with the same end and reason commits nothing. A
mute that has ended stands in the row until a run judges the rule again; whoever reads is told what holds now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from expectations.incidents import Incident, mute, unmute
from flows import steps
from flows.durations import read_duration, read_moment
from flows.evidence import Failed, query_of, query_of_incident
from flows.options import UsageError
from flows.run import NOTHING_PLANNED, Request, WritingRun
from flows.settings import Settings
from flows.steps import OnWait
from seeds.tables import reason_codes
from transforms.ops_schema import INCIDENTS
from warehouse.catalog_file import check_in_use
from warehouse.database import quoted
from warehouse.home import Home
from warehouse.journal_entry import MUTE, Entry
from warehouse.publish import is_stale
from warehouse.query import read_published

MOST_MUTED = timedelta(days=366)
"""A fault that nobody wants to hear of for longer is a rule to be changed."""

MOST_REASON_CHARS = 500

STATUSES = ("open", "resolved", "muted")


_RUNS = """
    SELECT run_id, checked_at, success, severity, evaluated, unexpected, observed FROM ops.validations
    WHERE source = {source} AND expectation = {rule} ORDER BY checked_at DESC LIMIT 10
"""
_SAMPLE_RECORD = "SELECT * EXCLUDE (body), left(body, 300) AS body FROM records WHERE record_id = {sample}"
_SAMPLE_HELD_BACK = "SELECT * FROM ops.quarantine WHERE quarantine_id = 'q_' || substr({sample}, 3)"

_LAST_FAILURE = """
    SELECT source, run_id, suite, expectation AS rule, column_name, severity, EXISTS (
        SELECT 1 FROM ops.validations AS refused WHERE refused.source = v.source AND refused.run_id = v.run_id
        AND refused.suite <> 'records' AND refused.severity = 'critical' AND NOT refused.success
    ) AS is_refused
    FROM ops.validations AS v JOIN ops.runs AS r USING (run_id)
    WHERE source = {source} AND expectation = {rule} AND NOT v.success AND r.kind = 'ingest'
    ORDER BY v.checked_at DESC, run_id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Named:
    """An incident by its id, or by source and rule."""

    incident_id: str | None = None
    source: str | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        by_pair = self.source is not None and self.rule is not None
        if by_pair == (self.incident_id is not None) or (self.source is None) != (self.rule is None):
            raise UsageError("Name an incident by its id, or by --source and --rule; copydesk incidents list has them.")

    def __str__(self) -> str:
        return repr(self.incident_id) if self.incident_id is not None else f"{self.rule!r} of {self.source!r}"

    @property
    def columns(self) -> Mapping[str, str]:
        """Columns of the incident that are known, with their values."""
        named = {"incident_id": self.incident_id, "source": self.source, "rule": self.rule}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Decided:
    """The incident after a decision, and whether that changed anything."""

    incident: Incident
    is_news: bool


@dataclass(frozen=True)
class Shown:
    """All that is known of an incident.

    Attributes:
        incident: Its row, with the status that holds now.
        meaning: What the rule means, by `meaning` and `remedy`; empty for a rule that the reference table lacks.
        sample: The record, or what was held back, that the incident names; empty where it names none.
        runs: The last runs that judged the rule.
        query: SQL that shows what failed the rule when it last failed.
    """

    incident: Incident
    meaning: Mapping[str, Any]
    sample: Mapping[str, Any]
    runs: pl.DataFrame
    query: str

    def as_dict(self) -> dict[str, Any]:
        """Return everything as one object."""
        return {
            **self.incident,
            **self.meaning,
            "sample_row": self.sample or None,
            "runs": self.runs.to_dicts(),
            "query": self.query,
        }


def read_end(duration: str | None, until: str | None, *, now: datetime) -> datetime:
    """Return when a mute ends, a whole minute: after a duration such as 7d, or at an ISO date or time, UTC by default.

    Raises:
        UsageError: unless exactly one is given, and lies between now and `MOST_MUTED` from now.
    """
    if (duration is None) == (until is None):
        raise UsageError("A mute needs an end: --for 7d (m, h, d or w), or --until 2026-12-31.")
    end = _after(duration, now) if duration is not None else _moment(str(until))
    if not now < end <= now + MOST_MUTED + timedelta(minutes=1):
        raise UsageError(f"A mute ends between now and {MOST_MUTED.days} days from now, not at {end.isoformat()}.")
    return end


def _after(text: str, now: datetime) -> datetime:
    length = read_duration(text)
    if not length:
        raise UsageError(f"{text!r} is no duration; write a number and m, h, d or w, such as 7d.")
    try:
        return (now + length + timedelta(seconds=59)).replace(second=0, microsecond=0)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _moment(text: str) -> datetime:
    moment = read_moment(text)
    if moment is None:
        raise UsageError(f"{text!r} is no date; write it as 2026-12-31 or 2026-12-31T18:00+01:00.")
    return moment


def read_reason(text: str) -> str:
    """Return the reason for a mute in one line.

    Raises:
        UsageError: if there is none, or too long a one.
    """
    reason = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not reason or len(reason) > MOST_REASON_CHARS:
        raise UsageError(f"--reason needs a text of 1 to {MOST_REASON_CHARS} characters: others will ask why.")
    return reason


def mute_incident(
    settings: Settings,
    named: Named,
    *,
    until: datetime,
    reason: str,
    repeated: Entry | None = None,
    on_wait: OnWait = lambda _: None,
) -> Decided:
    """Have nobody told of an incident until a moment; publish that.

    Raises:
        UsageError: if there is no such incident.
    """
    muted = partial(mute, until=until, reason=reason)
    return _decide(settings, named, muted, repeated=repeated, on_wait=on_wait)


def unmute_incident(
    settings: Settings, named: Named, *, repeated: Entry | None = None, on_wait: OnWait = lambda _: None
) -> Decided:
    """Have people told of an incident again; publish that.

    Raises:
        UsageError: if there is no such incident.
    """

    def unmuted(found: Incident) -> Incident:
        return unmute(found) if found["muted_until"] else found

    return _decide(settings, named, unmuted, repeated=repeated, on_wait=on_wait)


def _decide(
    settings: Settings,
    named: Named,
    change: Callable[[Incident], Incident],
    *,
    repeated: Entry | None,
    on_wait: OnWait,
) -> Decided:
    check_in_use(settings.home, "look into")
    steps.prepare(settings.home)
    with steps.open_run(Request(settings), NOTHING_PLANNED, purpose=MUTE, repeated=repeated, on_wait=on_wait) as run:
        if is_stale(settings.home):
            steps.publish(run.lake)
        incident = _find(run.lake.latest(INCIDENTS), named)
        changed = change(incident)
        if changed == incident:
            return Decided(incident, is_news=False)
        _commit(run, changed)
        return Decided(changed, is_news=True)


def _commit(run: WritingRun, incident: Incident) -> None:
    row = incident | {"noted_at": run.started_at, "commit_no": run.commit_no}
    staged = run.path(INCIDENTS.name)
    pl.DataFrame([row], schema=INCIDENTS.schema).write_parquet(staged)
    decided = {name: incident[name] for name in ("source", "rule", "muted_until", "note")}
    message = f"{incident['status']} incident {incident['incident_id']}"
    run.lake.append({INCIDENTS.name: [staged]}, message=message, entry=run.entry(MUTE, **decided))
    steps.publish(run.lake)


def _find(incidents: pl.DataFrame, named: Named) -> Incident:
    found = incidents.filter(pl.col(name) == value for name, value in named.columns.items())
    if found.is_empty():
        raise UsageError(f"There is no incident {named}; copydesk incidents list --status all shows all.")
    return found.row(0, named=True)


def list_query(*, source: str | None, rule: str | None, status: str, columns: str) -> str:
    """Return the SQL that lists incidents, open ones first, then the latest first; `status` may be `all`."""
    wanted = {"source": source, "rule": rule, "status": None if status == "all" else status}
    conditions = [f"{name} = {quoted(value)}" for name, value in wanted.items() if value is not None]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"SELECT {columns} FROM {INCIDENTS.name} {where} "
        "ORDER BY status <> 'open', severity <> 'critical', last_seen_at DESC, source, rule"
    )


def show_incident(home: Home, incident_id: str) -> Shown:
    """Gather all that is known of an incident.

    Raises:
        UsageError: if there is no such incident.
    """
    check_in_use(home, "look into")
    listed = list_query(source=None, rule=None, status="all", columns="*")
    incident = _find(read_published(home, listed), Named(incident_id))
    values = {name: quoted(incident[name]) for name in ("source", "rule")}
    runs = read_published(home, _RUNS.format(**values))
    failed = read_published(home, _LAST_FAILURE.format(**values))
    return Shown(
        incident=incident,
        meaning=_meaning(incident["rule"]),
        sample=_sample(home, incident["sample"]),
        runs=runs,
        query=query_of(Failed(**failed.row(0, named=True))) if failed.height else query_of_incident(incident_id),
    )


def _meaning(rule: str) -> Mapping[str, Any]:
    found = reason_codes().filter(pl.col("code") == rule).select("meaning", "remedy")
    return found.row(0, named=True) if found.height else {}


def _sample(home: Home, sample: str | None) -> Mapping[str, Any]:
    """Return the record that an incident names, loaded or held back."""
    if sample is None:
        return {}
    for query in (_SAMPLE_RECORD, _SAMPLE_HELD_BACK):
        found = read_published(home, query.format(sample=quoted(sample)))
        if found.height:
            return found.row(0, named=True)
    return {}
