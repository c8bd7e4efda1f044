"""Bounds on what one source delivered in a run.

Decides which bounds a source is held to: those declared in `batches.toml`, changed as the source declares by code. Only
a rule that is critical refuses a batch. The defaults refuse nothing on account of what the records are like, and say
nothing about small drops or about fields that a source does not have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from expectations.declared import BoundDeclaration, Severity, bound_declarations


@dataclass(frozen=True)
class TableRule:
    """A bound on a figure of one source in one run.

    Attributes:
        code: Stable code of the rule.
        figure: Figure it looks at; one that was not taken (a share of nothing) passes.
        side: Whether the figure must be at least, or at most, the bound.
        bound: The bound, in the unit of the figure; shares are 0 to 1.
        severity: What a failure does.
        reason: Why the rule, and why this bound.
    """

    code: str
    figure: str
    side: Literal["at least", "at most"]
    bound: float
    severity: Severity
    reason: str

    def message(self, observed: float) -> str:
        """Put a failure into words."""
        return f"{self.figure} is {figure_text(observed)}; {self.side} {figure_text(self.bound)} is expected."


def figure_text(value: float) -> str:
    """Write a count in full, and a share to six decimals."""
    return f"{round(value, 6):.15g}"


@dataclass(frozen=True)
class TableRuleChange:
    """What a source declares about a table rule; `None` keeps the default."""

    severity: Severity | None = None
    bound: float | None = None


def table_rules(changes: Mapping[str, TableRuleChange]) -> tuple[TableRule, ...]:
    """Return the rules for one source: the defaults, changed as it declares by code."""
    declared = (_rule(code, bound) for code, bound in bound_declarations().items())
    return tuple(_changed(rule, changes.get(rule.code, TableRuleChange())) for rule in declared)


def _rule(code: str, declared: BoundDeclaration) -> TableRule:
    side: Literal["at least", "at most"] = "at most" if declared.at_least is None else "at least"
    bound = declared.at_most if declared.at_least is None else declared.at_least
    if bound is None:
        raise ValueError(f"batches.toml: bounds.{code} has neither at_least nor at_most")
    return TableRule(code, declared.figure, side, bound, declared.severity, declared.reason)


def _changed(rule: TableRule, change: TableRuleChange) -> TableRule:
    return replace(
        rule,
        severity=rule.severity if change.severity is None else change.severity,
        bound=rule.bound if change.bound is None else change.bound,
    )
