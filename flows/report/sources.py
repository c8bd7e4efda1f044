"""How each source is doing: one word for it, and the figures beside it.

Whether something is wrong with what it delivers is what its open incidents say; a muted incident says nothing. Whether
it is silent is asked anew, as a page may be made when no run has been for long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import polars as pl

from flows.missing import due_of
from flows.report.facts import Facts
from flows.settings import Settings

NEVER_DELIVERED = "declared, and never delivered"

COUNTED = ("records_in", "records_loaded", "records_quarantined")


class State(StrEnum):
    """How a source is doing, the most urgent first."""

    CRITICAL = "critical"
    SILENT = "silent"
    WARNING = "warning"
    OK = "ok"


@dataclass(frozen=True)
class SourceRow:
    """One source.

    Attributes:
        index: Its number, by which everything else on the page refers to it.
        name: As it was delivered under.
        state: The word.
        silence: Why it counts as silent; null where it does not.
        severities: Of its open incidents and of what failed last.
        last_drop_at: Of its latest drop; null where there never was one.
        last_run: Its latest batch: a row of `sql/batches.sql`; null where there is none.
        in_window: Sums of COUNTED over the window.
        incidents: Open incidents by severity.
    """

    index: int
    name: str
    state: State
    silence: str | None
    severities: tuple[str, ...]
    last_drop_at: datetime | None
    last_run: Mapping[str, Any] | None
    in_window: Mapping[str, int]
    incidents: Mapping[str, int]

    @property
    def rank(self) -> int:
        """Place of its state in the order of urgency."""
        return list(State).index(self.state)


def read_sources(facts: Facts, settings: Settings) -> list[SourceRow]:
    """Return every source that delivered anything or is declared, by name."""
    deliveries = dict(facts.batches.group_by("source").agg("started_at").iter_rows())
    frames = (facts.batches, facts.drops, facts.incidents, facts.failing, facts.held_back, facts.shared)
    delivering = {name for frame in frames for name in frame["source"]}
    names = sorted({*settings.sources, *delivering})
    drops = {row["source"]: row for row in facts.drops.iter_rows(named=True)}
    latest = {row["source"]: row for row in facts.batches.iter_rows(named=True)}  # the last one of each stays
    sums = facts.batches.filter("is_in_window").group_by("source").agg(pl.col(COUNTED).sum())
    in_window = {row["source"]: row for row in sums.iter_rows(named=True)}
    open_ones = _severities(facts.incidents.filter(status="open"))
    failing = _severities(facts.failing)
    return [
        _row(
            index,
            name,
            drop=drops.get(name),
            last_run=latest.get(name),
            in_window=in_window.get(name, dict.fromkeys(COUNTED, 0)),
            open_ones=open_ones.get(name, []),
            failing=failing.get(name, []),
            silence=_silence(settings, name, deliveries.get(name, []), facts.window.now)
            if name in delivering
            else NEVER_DELIVERED,
        )
        for index, name in enumerate(names)
    ]


def _severities(findings: pl.DataFrame) -> dict[str, list[str]]:
    return dict(findings.group_by("source").agg("severity").iter_rows())


def _row(
    index: int,
    name: str,
    *,
    drop: Mapping[str, Any] | None,
    last_run: Mapping[str, Any] | None,
    in_window: Mapping[str, int],
    open_ones: list[str],
    failing: list[str],
    silence: str | None,
) -> SourceRow:
    return SourceRow(
        index=index,
        name=name,
        state=_state(open_ones, is_silent=silence is not None),
        silence=silence,
        severities=tuple(sorted({*open_ones, *failing})),
        last_drop_at=None if drop is None else drop["last_drop_at"],
        last_run=last_run,
        in_window=in_window,
        incidents={severity: open_ones.count(severity) for severity in (State.CRITICAL, State.WARNING)},
    )


def _state(open_ones: list[str], *, is_silent: bool) -> State:
    if State.CRITICAL in open_ones:
        return State.CRITICAL
    if is_silent:
        return State.SILENT
    return State.WARNING if open_ones else State.OK


def _silence(settings: Settings, source: str, deliveries: Sequence[datetime], now: datetime) -> str | None:
    """Say for how long a source has delivered nothing, where that is longer than it should be."""
    due = due_of(settings, source, deliveries)
    return due.message(now) if due is not None and due.is_overdue(now) else None
