"""Figures of a run beside those that are usual for its source.

Decides what is usual, from the source's own past: the median of its last runs, and how far they lie from it (the median
absolute deviation, which a few bad runs do not move). Decides from how many runs on anything can be said. Leaves which
figures are compared, and how much a change must be to be worth telling, to `batches.toml`.

Shares are counts out of so many records: five of a hundred may be chance where five hundred of ten thousand are not. A
share is unusual where so many records would come about by chance in fewer than one run of a thousand, if the greatest
usual share were the true one. Amounts are compared by their logarithm, so that half and double are the same
distance, and must also lie beyond what nearly all past runs had: a weekday with few articles is no fault of a source
that has one every week. Where a source has enough runs on the same day of the week, amounts are compared with those.

Source: Rousseeuw and Croux (1993), Alternatives to the Median Absolute Deviation, for the factor 1.4826.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from expectations.declared import ChangeDeclaration, Direction, Severity, change_declarations
from expectations.table_rules import TableRuleChange, figure_text

MOST_RUNS = 30
"""Past runs that are looked at, the latest: a source that has changed for good is usual again after half as many."""

LEAST_RUNS = 5
"""Past runs without which nothing is said of shares: a median of fewer moves with each of them."""

LEAST_AMOUNT_RUNS = 8
"""Past runs without which nothing is said of amounts: a week, and the day that it began with."""

LEAST_WEEKDAY_RUNS = 6
"""Weeks in which there was a run on this day of the week from which on an amount is compared with those alone."""

MOST_WEEKDAY_RUNS = 10
"""Past runs on the same day of the week that are looked at besides."""

DEVIATIONS = 3.0
"""Deviations from the median that are usual."""

MAD_SCALE = 1.4826
"""Median absolute deviation of a normal distribution to its standard deviation."""

CHANCE = 0.001
"""Chance of a count below which it is no chance."""

MANY = 500
"""Expected counts from which on a normal distribution is as good, and the sum of the other would underflow."""

RARE = 0.1
"""Rates up to which counts are Poisson: above, their variance is too great by a tenth and more."""

NORMAL_QUANTILE = 3.09
"""Standard deviations beyond which a normal distribution has `CHANCE` left."""

LEAST_RATE = 0.002
"""Least usual share: what was never seen in a few hundred records may still come once."""

NEVER = 0.001
"""Share in all past records up to which a thing counts as never seen before."""

WIDE_RANGE = 10
"""Past runs from which on the highest and the lowest are left out of the range that they had."""


@dataclass(frozen=True)
class ChangeRule:
    """A comparison of a figure with the past; the fields are those of `ChangeDeclaration`, as a source has them."""

    code: str
    declared: ChangeDeclaration
    severity: Severity
    least_change: float


@dataclass(frozen=True)
class Judged:
    """What came of one comparison.

    Attributes:
        surprise: How much the figure differs, of what is usual; up to 1 is usual. Null where nothing can be said.
        message: What was found, or why nothing can be said.
        value: The figure; null where there is none.
        item: Thing of a figure of several that differs the most; null where there is but one.
    """

    surprise: float | None
    message: str
    value: float | None = None
    item: str | None = None


@dataclass(frozen=True)
class Past:
    """Past runs of one source.

    Attributes:
        figures: Figure to run to item to value.
        days: Run to its day.
    """

    figures: Mapping[str, Mapping[str, Mapping[str | None, float]]]
    days: Mapping[str, date]

    def value(self, run: str, figure: str, item: str | None = None) -> float:
        """Return a figure of a run, 0 where it had none."""
        return self.figures.get(figure, {}).get(run, {}).get(item, 0.0)


def change_rules(changes: Mapping[str, TableRuleChange]) -> tuple[ChangeRule, ...]:
    """Return the comparisons for one source: the declared ones, changed as it declares by code."""
    return tuple(
        ChangeRule(
            code,
            declared,
            declared.severity if (change := changes.get(code, TableRuleChange())).severity is None else change.severity,
            declared.least_change if change.bound is None else change.bound,
        )
        for code, declared in change_declarations().items()
    )


def read_past(past: pl.DataFrame) -> Past:
    """Arrange past figures of one source: `run_id`, `figure`, `item`, `value`, `noted_at`."""
    figures: dict[str, dict[str, dict[str | None, float]]] = {}
    for run, figure, item, value in past.select("run_id", "figure", "item", "value").iter_rows():
        figures.setdefault(figure, {}).setdefault(run, {})[item] = value
    days = past.select("run_id", pl.col("noted_at").dt.date()).unique().iter_rows()
    return Past(figures, dict(days))


def judge_changes(
    rules: Sequence[ChangeRule], figures: pl.DataFrame, past: Past, *, now: datetime
) -> Mapping[str, Judged]:
    """Compare the figures of one source (`figure`, `item`, `value`) with its past, rule by rule."""
    today: dict[str, dict[str | None, float]] = {}
    for figure, item, value in figures.select("figure", "item", "value").iter_rows():
        today.setdefault(figure, {})[item] = value
    return {
        rule.code: (
            _judge_amount(rule, today, past, weekday=now.isoweekday())
            if rule.declared.unit == "amount"
            else _judge_share(rule, today, past)
        )
        for rule in rules
    }


def _too_little(runs: int, needed: int) -> Judged:
    return Judged(None, f"Too little history: {runs} of {needed} runs.")


def _judge_amount(
    rule: ChangeRule, today: Mapping[str, Mapping[str | None, float]], past: Past, *, weekday: int
) -> Judged:
    figure = rule.declared.figure
    value = today.get(figure, {}).get(None)
    by_run = {run: items[None] for run, items in past.figures.get(figure, {}).items() if None in items}
    if value is None:
        return Judged(None, "There is no such figure in this run.")
    if len(by_run) < LEAST_AMOUNT_RUNS:
        return _too_little(len(by_run), LEAST_AMOUNT_RUNS)
    same_day = {run: amount for run, amount in by_run.items() if past.days[run].isoweekday() == weekday}
    is_weekly = len({past.days[run] for run in same_day}) >= LEAST_WEEKDAY_RUNS
    usual = list((same_day if is_weekly else by_run).values())
    records = min(
        today.get("records_in", {}).get(None, 1.0), _median([past.value(run, "records_in") for run in by_run])
    )
    return _amount_surprise(rule, value, usual, records=max(records, 1.0))


def _amount_surprise(rule: ChangeRule, value: float, usual: Sequence[float], *, records: float) -> Judged:
    """Compare an amount with usual ones; each was taken of about so many records."""
    logs = sorted(math.log1p(amount) for amount in usual)
    middle, own = _median(logs), math.log1p(value)
    distance, margin = own - middle, math.log(rule.least_change) / DEVIATIONS
    spread = max(MAD_SCALE * _median([abs(log - middle) for log in logs]), margin)
    cut = int(len(logs) >= WIDE_RANGE)
    reach = logs[-1 - cut] - middle if distance > 0 else middle - logs[cut]
    beyond = max(DEVIATIONS * math.sqrt(spread**2 * (1 + 1 / len(logs)) + 1 / records), reach + margin)
    is_asked = rule.declared.direction == "both" or (rule.declared.direction == "up") == (distance > 0)
    message = (
        f"{rule.declared.figure} is {figure_text(value)}; {figure_text(round(math.expm1(middle), 3))} is usual "
        f"(median of {len(logs)} runs, {figure_text(round(math.expm1(logs[0]), 3))} to "
        f"{figure_text(round(math.expm1(logs[-1]), 3))})."
    )
    return Judged(abs(distance) / beyond if is_asked else 0.0, message, value)


def _judge_share(rule: ChangeRule, today: Mapping[str, Mapping[str | None, float]], past: Past) -> Judged:
    """Compare each item of a share; the one that differs the most is told."""
    declared, of = rule.declared, rule.declared.of or ""
    records = today.get(of, {}).get(None, 0.0)
    now = today.get(declared.figure, {})
    runs = [run for run, items in past.figures.get(of, {}).items() if items.get(None, 0.0) > 0]
    if None in now:  # a figure of the source as a whole, which older versions may not have taken
        runs = [run for run in runs if None in past.figures.get(declared.figure, {}).get(run, {})]
    if records == 0:
        return Judged(None, "There is nothing to take a share of in this run.")
    if len(runs) < LEAST_RUNS:
        return _too_little(len(runs), LEAST_RUNS)
    before = {item for items in past.figures.get(declared.figure, {}).values() for item in items}
    wholes = [past.value(run, of) for run in runs]
    usual = {item: _usual([past.value(run, declared.figure, item) for run in runs], wholes) for item in {*now, *before}}
    judged = [
        _share_surprise(rule, item, now.get(item, 0.0), records, usual=usual[item])
        for item in sorted(usual, key=lambda item: item or "")
    ]
    return max(
        judged, key=lambda one: one.surprise or 0.0, default=Judged(0.0, f"{declared.figure} is 0, as usual.", 0.0)
    )


@dataclass(frozen=True)
class _Usual:
    """What past runs had of a share.

    Attributes:
        shares: One for each run.
        middle: Their median.
        spread: Their standard deviation, from the median absolute deviation.
        pooled: The share in all records of all runs together.
    """

    shares: Sequence[float]
    middle: float
    spread: float
    pooled: float

    @property
    def complement(self) -> "_Usual":
        """What they had of all else."""
        return _Usual([1 - share for share in self.shares], 1 - self.middle, self.spread, 1 - self.pooled)


def _usual(shares: Sequence[float], wholes: Sequence[float]) -> _Usual:
    middle = _median(shares)
    spread = MAD_SCALE * _median([abs(share - middle) for share in shares])
    pooled = sum(share * whole for share, whole in zip(shares, wholes, strict=True)) / sum(wholes)
    return _Usual(shares, middle, spread, pooled)


def _share_surprise(rule: ChangeRule, item: str | None, share: float, records: float, *, usual: _Usual) -> Judged:
    direction, least = rule.declared.direction, rule.least_change
    surprise = 0.0
    if _asks(direction, "up", usual.pooled):
        surprise = _one_sided(share, records, usual, least_change=least)
    if _asks(direction, "down", usual.pooled):
        surprise = max(surprise, _one_sided(1 - share, records, usual.complement, least_change=least))
    name = rule.declared.figure if item is None else f"{rule.declared.figure} of {item!r}"
    message = (
        f"{name} is {_percent(share)}; {_percent(usual.middle)} is usual (median of {len(usual.shares)} runs, "
        f"{_percent(min(usual.shares))} to {_percent(max(usual.shares))})."
    )
    return Judged(surprise, message, share, item)


def _asks(direction: Direction, side: str, pooled: float) -> bool:
    """Whether a rule of this direction looks at this side."""
    if direction == "new":
        return side == "up" and pooled <= NEVER
    return direction in {side, "both"}


def _one_sided(share: float, records: float, usual: _Usual, *, least_change: float) -> float:
    """Return how much more a share is than usual: above 1 where it is no chance, and worth telling."""
    if share <= usual.middle:
        return 0.0
    rate = usual.middle + max(DEVIATIONS * usual.spread, 2 * (usual.pooled - usual.middle), LEAST_RATE)
    return min(share * records / chance_count(min(rate, 1.0), records), (share - usual.middle) / least_change)


def chance_count(rate: float, records: float) -> float:
    """Return the greatest count that comes about by chance, of so many records, where this rate is the true one.

    Poisson where the rate is small, and normal where it is not, or many are expected.
    """
    expected = rate * records
    if expected > MANY or rate > RARE:
        return expected + NORMAL_QUANTILE * math.sqrt(expected * (1 - rate)) + 0.5
    count, probability = 0, math.exp(-expected)
    total = probability
    while 1 - total > CHANCE:
        count += 1
        probability *= expected / count
        total += probability
    return float(count) + 0.5


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _percent(share: float) -> str:
    return f"{round(100 * share, 1):g} %"
