"""Digests: what one commit changed for one route, as the JSON object that docs/alerts.md describes.

Its id is made from run, commit and route, so that a digest sent twice is known by it. Texts are bounded, and hold no
character that a terminal or a mail would act on; names of sources and messages come from outside.
"""

import hashlib
import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from expectations.news import Event, News, severity_rank
from warehouse.home import Home

Digest = dict[str, Any]
"""A digest as it is sent."""

VERSION = 1
"""Version of the form; grows when a field is removed, or means something else."""

MOST_INCIDENTS = 500
"""Incidents in a digest at most; the worst come first, and `left_out` counts the others."""

MOST_TEXT_CHARS = 500
MOST_NAME_CHARS = 200

INCIDENTS, TEST = "incidents", "test"
"""Kinds of digests."""


def safe_text(text: str | None, *, most: int = MOST_TEXT_CHARS) -> str:
    """Return a text in one line, bounded, with � for characters that do not show."""
    shown = (text or "")[: most + 1]
    line = "".join(char if char.isprintable() else " " if char.isspace() else "�" for char in shown)
    return line if len(line) <= most else f"{line[:most]}…"


def make_digest(news: Sequence[News], *, commit_no: int, route: str, home: Home) -> Digest:
    """Return the digest of what a commit changed."""
    worst_first = sorted(news, key=_place)
    run_id = str(news[0].incident["run_id"])
    entries = [_entry(one, home) for one in worst_first[:MOST_INCIDENTS]]
    counts = Counter(str(one.event) for one in news)
    return {
        "version": VERSION,
        "kind": INCIDENTS,
        "digest_id": _digest_id(run_id, str(commit_no), route),
        "route": route,
        "home": str(home.root),
        "run_id": run_id,
        "noted_at": max(one.incident["noted_at"] for one in news).isoformat(),
        "severity": max((one.incident["severity"] for one in news), key=severity_rank),
        "counts": {str(event): counts[str(event)] for event in Event},
        "incidents": entries,
        "left_out": len(news) - len(entries),
    }


def trial_digest(*, route: str, home: Home, now: datetime) -> Digest:
    """Return a digest without incidents, by which a route is tried out."""
    return {
        "version": VERSION,
        "kind": TEST,
        "digest_id": _digest_id(TEST, now.isoformat(), route),
        "route": route,
        "home": str(home.root),
        "run_id": None,
        "noted_at": now.isoformat(),
        "severity": "warning",
        "counts": {str(event): 0 for event in Event},
        "incidents": [],
        "left_out": 0,
    }


def incidents_command(digest: Digest) -> str:
    """Return the command that lists open incidents."""
    return f"copydesk incidents list --home {shlex.quote(digest['home'])}"


def _place(news: News) -> tuple[object, ...]:
    incident = news.incident
    is_over = news.event is Event.RESOLVED
    return is_over, -severity_rank(incident["severity"]), incident["source"], incident["rule"]


def _entry(news: News, home: Home) -> dict[str, Any]:
    incident = news.incident
    return {
        "event": str(news.event),
        "incident_id": incident["incident_id"],
        "source": safe_text(incident["source"], most=MOST_NAME_CHARS),
        "rule": safe_text(incident["rule"], most=MOST_NAME_CHARS),
        "severity": incident["severity"],
        "message": safe_text(incident["message"]),
        "occurrences": incident["occurrences"],
        "first_seen_at": incident["first_seen_at"].isoformat(),
        "last_seen_at": incident["last_seen_at"].isoformat(),
        "sample": None if incident["sample"] is None else safe_text(incident["sample"], most=MOST_NAME_CHARS),
        "command": f"copydesk incidents show {incident['incident_id']} --home {shlex.quote(str(home.root))}",
    }


def _digest_id(*parts: str) -> str:
    return f"d_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:20]}"
