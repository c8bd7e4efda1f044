"""The rules as they are declared, in `records.toml` and `batches.toml`: severity, bounds, and the reason for each.

Decides nothing about the data: what a rule on a record asks stands in `row_conditions`, which figures there are in
`figures`, and what is usual for a source is judged in `changes`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Direction = Literal["up", "down", "both", "new"]
"""Which way a figure must differ to be told of; `new` is up from nothing at all."""


class Severity(StrEnum):
    """What a failed rule does, mildest first.

    Of a row rule: recorded; the record is flagged; the record is held back. Of a table rule: recorded; an incident;
    the batch is refused.
    """

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Threshold:
    """A bound of a row rule, with the reason for it."""

    value: float
    reason: str


@dataclass(frozen=True)
class RowDeclaration:
    """A rule on a record; `tolerated_share` of a batch may fail it, `decided_by` is null or `parser`."""

    column: str
    severity: Severity
    reason: str
    tolerated_share: float = 0.0
    decided_by: Literal["parser"] | None = None


@dataclass(frozen=True)
class BoundDeclaration:
    """A figure that must be at least, or at most, a value."""

    figure: str
    severity: Severity
    reason: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class ChangeDeclaration:
    """A figure that must be what is usual for its source.

    Attributes:
        figure: Figure it looks at.
        severity: What a failure does.
        reason: Why the rule, and why this bound.
        direction: Which way it must differ.
        least_change: How much it must differ at the least: for shares, in shares; for amounts, as a factor.
        unit: Whether the figure is a share, of the records that `of` counts, or an amount.
        of: Figure that counts what a share is of; null for amounts.
    """

    figure: str
    severity: Severity
    reason: str
    direction: Direction
    least_change: float
    unit: Literal["share", "amount"] = "share"
    of: str | None = None


@dataclass(frozen=True)
class WatchDeclaration:
    """A rule on what did not come."""

    figure: str
    severity: Severity
    reason: str


@cache
def thresholds() -> Mapping[str, Threshold]:
    """Bounds of the row rules, by name."""
    return {name: Threshold(**table) for name, table in _read("records")["thresholds"].items()}


@cache
def row_declarations() -> Mapping[str, RowDeclaration]:
    """Rules on records, by code."""
    return {code: RowDeclaration(**_typed(table)) for code, table in _read("records")["rules"].items()}


@cache
def bound_declarations() -> Mapping[str, BoundDeclaration]:
    """Bounds of figures, by code."""
    return {code: BoundDeclaration(**_typed(table)) for code, table in _read("batches")["bounds"].items()}


@cache
def change_declarations() -> Mapping[str, ChangeDeclaration]:
    """Comparisons of figures with the past of their source, by code."""
    return {code: ChangeDeclaration(**_typed(table)) for code, table in _read("batches")["changes"].items()}


@cache
def watch_declarations() -> Mapping[str, WatchDeclaration]:
    """Rules on what did not come, by code."""
    return {code: WatchDeclaration(**_typed(table)) for code, table in _read("batches")["watch"].items()}


def _typed(table: Mapping[str, Any]) -> dict[str, Any]:
    return {**table, "severity": Severity(table["severity"])}


@cache
def _read(name: str) -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((files("expectations") / f"{name}.toml").read_text("utf-8"))
