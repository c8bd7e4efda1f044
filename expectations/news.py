"""What in the history of incidents is worth telling: opened, opened again, worsened, resolved; by commit.

That an incident counts once more is no news, nor is anything that happens to it while it is muted. What a person
decides is none either, with one exception: an incident found gone while it was muted is resolved for those who were
told of it as soon as it is muted no longer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import polars as pl

from expectations.declared import Severity
from expectations.incidents import Incident

_SEVERITIES = [str(severity) for severity in Severity]


class Event(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class News:
    """What happened to an incident, and the incident after it."""

    event: Event
    incident: Incident


def severity_rank(severity: str) -> int:
    """Return the place of a severity among all, mildest first."""
    return _SEVERITIES.index(severity)


def news_by_commit(history: pl.DataFrame, *, since: int) -> Iterator[tuple[int, list[News]]]:
    """Yield the commits after `since` that have news, in order.

    `history` are INCIDENTS rows: all that were written after `since`, and of these incidents the last one before.
    """
    latest: dict[str, Incident] = {}
    rows = history.sort("commit_no", "source", "rule").iter_rows(named=True)
    for commit_no, changed in groupby(rows, key=lambda row: int(row["commit_no"])):
        found = []
        for incident in changed:
            event = _event(latest.get(incident["incident_id"]), incident)
            latest[incident["incident_id"]] = incident
            if event is not None:
                found.append(News(event, incident))
        if commit_no > since and found:
            yield commit_no, found


def _event(before: Incident | None, after: Incident) -> Event | None:
    """Return what is news in a change of an incident; None where nothing is."""
    if after["status"] == "muted":
        return None
    if after["status"] == "resolved":
        return Event.RESOLVED if before is not None and before["status"] != "resolved" else None
    if before is None:
        return Event.OPENED
    if after["occurrences"] == before["occurrences"]:
        return None
    if before["status"] != "open":
        return Event.REOPENED
    is_worse = severity_rank(after["severity"]) > severity_rank(before["severity"])
    return Event.WORSENED if is_worse else None
