"""Figures beside their targets, and the table that they are printed in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HEADER = f"  {'':<44}{'of':>9}{'measured':>11}{'target':>10}"


@dataclass(frozen=True)
class Figure:
    """What was measured.

    Attributes:
        name: What the figure says.
        of: How many things were looked at; with none, no target is met.
        measured: A share, or a count.
        at_least: Least value that will do, if it is a matter of that.
        at_most: Greatest value that will do, if it is a matter of that.
    """

    name: str
    of: int
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure is as good as it has to be; one without a target is for information."""
        if self.at_least is None and self.at_most is None:
            return True
        is_enough = self.at_least is None or self.measured >= self.at_least
        return self.of > 0 and is_enough and (self.at_most is None or self.measured <= self.at_most)

    def line(self) -> str:
        """Return a row of the table."""
        bound, sign = (self.at_most, "<=") if self.at_least is None else (self.at_least, ">=")
        target = "" if bound is None else f"{sign} {bound:g}"
        missed = "" if self.is_met else "  missed"
        return f"  {self.name:<44}{self.of:>9,}{self.measured:>11.4g}{target:>10}{missed}"


def share(found: Sequence[bool], name: str, *, at_least: float | None = None) -> Figure:
    """Return the share of what was found."""
    return Figure(name, len(found), sum(found) / len(found) if found else float("nan"), at_least=at_least)


def missed(figures: Iterable[Figure]) -> list[str]:
    """Return the rows of the figures that are not as good as they have to be."""
    return [figure.line() for figure in figures if not figure.is_met]


def table(title: str, figures: Iterable[Figure]) -> str:
    """Return a table."""
    return "\n".join([f"{title}\n{_HEADER}", *(figure.line() for figure in figures)])
