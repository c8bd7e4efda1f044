"""The life of an incident: one per source and rule, opened by a failure and resolved by a run in which the rule holds.

Decides what becomes of an incident; leaves what of it is news to `news`, and telling people to orchestration. Muting is
done by people, and ends at a moment that they name. Until then a muted incident goes on counting and stays muted: that
its rule held is noted in `resolved_at` alone, and no longer when it fails again. The first run after that moment in
which its rule is judged opens or resolves it like any other.
"""

import hashlib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from expectations.declared import Severity
from transforms.ops_schema import INCIDENTS

ID_DIGITS = 20
"""Hexadecimal digits of the fingerprint in an id: 80 bits, as in the ids of records."""

SourceRule = tuple[str, str]
"""Name of a source and code of a rule."""

Incident = dict[str, Any]
"""A row of INCIDENTS."""

_UNMUTED: Incident = {"muted_until": None, "note": None}


@dataclass(frozen=True)
class Failure:
    """A rule of warning or critical severity that failed for a source in a run; `sample` is the id of a record."""

    source: str
    rule: str
    severity: Severity
    message: str
    sample: str | None = None


def fingerprint(source: str, rule: str) -> str:
    """Return what makes two failures the same incident."""
    return hashlib.sha256(f"{source}\0{rule}".encode("utf-8", "surrogatepass")).hexdigest()


def update_incidents(
    current: pl.DataFrame,
    failures: Iterable[Failure],
    passed: AbstractSet[SourceRule],
    *,
    run_id: str,
    noted_at: datetime,
    commit_no: int,
) -> pl.DataFrame:
    """Return the INCIDENTS rows to append: opened, counted once more, opened again, resolved, or quiet while muted.

    `current` are the latest rows of the sources concerned. `passed` are the rules that held in this run and had
    something to judge; a rule that also failed has failed. An incident that nothing happened to has no row.
    """
    known = {str(row["fingerprint"]): row for row in current.iter_rows(named=True)}
    failed = {(failure.source, failure.rule): failure for failure in failures}
    changed = [
        _counted(known.get(fingerprint(*key)), failure, noted_at=noted_at) for key, failure in sorted(failed.items())
    ] + [
        _held(known[mark], noted_at=noted_at)
        for mark in map(_fingerprint_of, sorted(passed - failed.keys()))
        if mark in known and _is_changed_by_holding(known[mark], noted_at=noted_at)
    ]
    stamp = {"run_id": run_id, "noted_at": noted_at, "commit_no": commit_no}
    return pl.DataFrame([row | stamp for row in changed], schema=INCIDENTS.schema)


def is_muted(incident: Incident, *, at: datetime) -> bool:
    """Whether nobody is to be told of the incident at this moment."""
    return bool(incident["status"] == "muted" and incident["muted_until"] and incident["muted_until"] > at)


def mute(incident: Incident, *, until: datetime, reason: str) -> Incident:
    """Return the incident muted; whether it lasts stands in `resolved_at` meanwhile."""
    return incident | {"status": "muted", "muted_until": until, "note": reason}


def unmute(incident: Incident) -> Incident:
    """Return the incident as it would be if it had not been muted."""
    status = "open" if incident["resolved_at"] is None else "resolved"
    return incident | _UNMUTED | {"status": status}


def _fingerprint_of(key: SourceRule) -> str:
    return fingerprint(*key)


def _counted(incident: Incident | None, failure: Failure, *, noted_at: datetime) -> Incident:
    """Return the incident with one more occurrence, new or not."""
    before = incident or _unseen(failure, noted_at=noted_at)
    kept = {} if is_muted(before, at=noted_at) else _UNMUTED | {"status": "open"}
    return before | {
        **kept,
        "severity": str(failure.severity),
        "last_seen_at": noted_at,
        "resolved_at": None,
        "occurrences": before["occurrences"] + 1,
        "message": failure.message,
        "sample": failure.sample,
    }


def _is_changed_by_holding(incident: Incident, *, noted_at: datetime) -> bool:
    if is_muted(incident, at=noted_at):
        return incident["resolved_at"] is None
    return bool(incident["status"] != "resolved")


def _held(incident: Incident, *, noted_at: datetime) -> Incident:
    """Return the incident after a run in which its rule held; one that is muted stays so."""
    kept = {} if is_muted(incident, at=noted_at) else _UNMUTED | {"status": "resolved"}
    return incident | {**kept, "resolved_at": incident["resolved_at"] or noted_at}


def _unseen(failure: Failure, *, noted_at: datetime) -> Incident:
    """Return an incident that has not occurred yet."""
    mark = fingerprint(failure.source, failure.rule)
    return {
        "incident_id": f"i_{mark[:ID_DIGITS]}",
        "fingerprint": mark,
        "source": failure.source,
        "rule": failure.rule,
        "status": "open",
        "first_seen_at": noted_at,
        "occurrences": 0,
        **_UNMUTED,
    }
