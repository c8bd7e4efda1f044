"""Home folders with a history, and what a run of the program says about one more drop.

Sources deliver for some weeks, each at its time of the day; the clock of the program is set to that time. A case is a
copy of such a home, in which one more drop is taken in. Looks at what is published, and at nothing else.
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from clean_drops import Drop, Source, clean_files, write_files

from flows import steps
from flows.run import Request, Summary
from flows.settings import load_settings

ORDER = ("info", "warning", "critical")
"""Severities, mildest first."""

_INCIDENTS = "SELECT source, rule, severity, status, message, run_id FROM ops.incidents"

Incidents = Mapping[tuple[str, str], Mapping[str, Any]]
"""Rows of `ops.incidents` by source and rule."""


@dataclass(frozen=True)
class Alarm:
    """A failure of which an incident tells."""

    source: str
    rule: str
    severity: str
    message: str


@dataclass(frozen=True)
class Told:
    """What a run said.

    Attributes:
        at: When it was.
        source: Whose drops it took in; several names have a plus between them.
        records_in: How many records it found.
        held_back: How many of them it held back, by all their reasons.
        is_refused: Whether a batch was refused.
        opened: Incidents that were not open before, or became graver.
        failed: Incidents of all that failed, opened or counted once more.
    """

    at: datetime
    source: str
    records_in: int
    held_back: Counter[tuple[str, ...]]
    is_refused: bool
    opened: Sequence[Alarm]
    failed: Sequence[Alarm]


def build_home(home: Path, runs: Sequence[Sequence[Drop]]) -> list[Told]:
    """Take in clean drops, those of a run at the time of the last of them."""
    shutil.rmtree(home, ignore_errors=True)  # of a process that died
    home.mkdir(parents=True)
    sources = {drop.source.name: drop.source for drops in runs for drop in drops}
    (home / "copydesk.toml").write_text("\n".join(map(_declared, sources.values())), "utf-8")
    return [take_in_clean(home, drops) for drops in runs]


def take_in_clean(home: Path, drops: Sequence[Drop]) -> Told:
    """Take in clean drops in one run."""
    files = {drop.source.name: clean_files(drop) for drop in drops}
    return take_in(home, files, at=max(drop.at for drop in drops))


def _declared(source: Source) -> str:
    return f"[sources.{source.name}]\n{source.settings}\n"


def copy_home(home: Path, copy: Path) -> Path:
    """Copy a home folder; what a run never changes, once it is written, is linked."""
    shutil.rmtree(copy, ignore_errors=True)  # of a process that died
    copy.mkdir()
    for path in home.iterdir():
        if path.name in {"raw", "lake"}:
            shutil.copytree(path, copy / path.name, copy_function=os.link)
        elif path.is_file():
            shutil.copy2(path, copy / path.name)
    return copy


def take_in(home: Path, drops: Mapping[str, Mapping[str, bytes]], *, at: datetime) -> Told:
    """Take in the files of some drops, by source, in one run at a time."""
    before = _incidents(home)
    folders = [
        write_files(home / "landing" / source / f"{at:%Y-%m-%d}", files) for source, files in sorted(drops.items())
    ]
    with set_clock(at):
        summary = steps.ingest(Request(load_settings(home=home), tuple(folders)))
    return _told(home, "+".join(sorted(drops)), summary, before=before, at=at)


def _told(home: Path, source: str, summary: Summary, *, before: Incidents, at: datetime) -> Told:
    failed = {
        key: incident
        for key, incident in _incidents(home).items()
        if incident["run_id"] == summary.run_id and incident["status"] == "open"
    }
    opened = [incident for key, incident in failed.items() if _is_news(incident, before.get(key))]
    return Told(
        at=at,
        source=source,
        records_in=summary.records_in,
        held_back=_held_back(home, summary.run_id),
        is_refused=summary.status == "refused",
        opened=[_alarm(incident) for incident in opened],
        failed=[_alarm(incident) for incident in failed.values()],
    )


def _held_back(home: Path, run_id: str) -> Counter[tuple[str, ...]]:
    rows = _read(home, f"SELECT reasons FROM ops.quarantine WHERE run_id = '{run_id}'")
    return Counter(tuple(row["reasons"]) for row in rows)


def _is_news(incident: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    if before is None or before["status"] != "open":
        return True
    return ORDER.index(incident["severity"]) > ORDER.index(before["severity"])


def _alarm(incident: Mapping[str, Any]) -> Alarm:
    return Alarm(*(incident[name] for name in ("source", "rule", "severity", "message")))


def _incidents(home: Path) -> Incidents:
    rows = _read(home, _INCIDENTS)
    return {(row["source"], row["rule"]): row for row in rows}


def _read(home: Path, query: str) -> list[dict[str, Any]]:
    published = home / "warehouse.duckdb"
    if not published.exists():
        return []
    with duckdb.connect(str(published), read_only=True) as connection:
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def set_clock(at: datetime) -> Iterator[None]:
    """Let the program's clock start at a time, and go on from there; files and SQL have the machine's own."""
    offset = at - datetime.now(UTC)

    class Clock(datetime):
        def __new__(cls, *parts: Any, **more: Any) -> datetime:  # type: ignore[misc]  # a time is a plain one
            return datetime(*parts, **more)  # noqa: DTZ001 -- as it was asked for

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + offset

    with ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            if (
                name.startswith(("flows.", "expectations.", "warehouse."))
                and getattr(module, "datetime", None) is datetime
            ):
                patches.enter_context(patch.object(module, "datetime", Clock))
        yield


def day_after(at: datetime, days: int) -> datetime:
    """Return the same time, days later."""
    return at + timedelta(days=days)
