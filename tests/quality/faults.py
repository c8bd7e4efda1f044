"""Measure how well a run notices what is wrong with a drop, and how often it says so of drops that are sound.

    python tests/quality/faults.py [--held-out] [--only TEXT] [--workers N]

Real news is delivered by six sources (`drop_sources`), a clean drop a day for three weeks. Then, in a copy of their
home for each case, one more drop comes in, of which 5, 30 or 100 % is spoilt by one kind of fault (`fault_kinds`). It
is noticed if the run opens an incident of warning or critical severity that the same drop does not when it is sound,
or makes one graver; incidents of the days before do not count. Which codes and which severity are right stands with
each kind. The last days of each source are the clean runs: what they open is a false alarm.

Ends with exit code 1 where a target is missed.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import faults_of_bodies
import faults_of_fields
import faults_of_files
import faults_of_texts
import faults_of_values
import held_out_forms
import held_out_texts
from clean_drops import Source
from drop_sources import AGENCY, API, EXPORT, PAGES, TEXTS, WIRE
from fault_cases import Case, Measured, Plan, measure
from fault_kinds import Fate, Kind
from fault_runs import Told
from figures import Figure, missed, table
from held_out_sources import CRAWL, EDITED, EXTRACTION, GAZETTE, GOV, PORTAL
from labelled_texts import NEWS

KINDS: tuple[Kind, ...] = (
    *faults_of_files.KINDS,
    *faults_of_fields.KINDS,
    *faults_of_values.KINDS,
    *faults_of_texts.KINDS,
    *faults_of_bodies.KINDS,
)

HELD_OUT: tuple[Kind, ...] = (*held_out_forms.KINDS, *held_out_texts.KINDS)

HOMES: Sequence[Sequence[Source]] = ((WIRE, TEXTS, PAGES), (EXPORT, API))
"""Sources that share a home folder."""

HELD_OUT_HOMES: Sequence[Sequence[Source]] = ((PORTAL, GOV), (GAZETTE, CRAWL))

LAST_DAY = datetime(2026, 3, 18, tzinfo=UTC)
"""Day of the drops that are spoilt, a Wednesday; its day of the month is no month."""

HISTORY, CLEAN = 15, 5
"""Days of clean drops before the clean runs, and days of these."""

AGENCY_HISTORY = 11
"""The same of the source with the largest drops: there are no more articles."""

LEAST_NOTICED = 24 / 25
"""Of the kinds, those noticed at 30 % and above."""

LEAST_NOTICED_EARLY = 18 / 25
"""Of the kinds, those noticed at 5 %."""

MOST_WARNINGS = 1
"""In 30 clean runs."""


def measure_faults(kinds: Sequence[Kind], *, workers: int) -> Measured:
    """Take in all drops; large ones in a home of their own, after the others."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), LAST_DAY, HISTORY, CLEAN)
        measured = measure(HOMES, plan, kinds, workers=workers)
        large = measure([[AGENCY]], replace(plan, history=AGENCY_HISTORY), [], workers=1)
    return replace(measured, history=[*measured.history, *large.history], clean=[*measured.clean, *large.clean])


def measure_held_out(kinds: Sequence[Kind], *, workers: int) -> Measured:
    """Take in the drops of the sources that are kept apart."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), LAST_DAY, HISTORY, CLEAN)
        return measure(HELD_OUT_HOMES, plan, kinds, workers=workers)


def figures_of(measured: Measured) -> list[Figure]:
    """Return what counts, beside its target."""
    scored = [case for case in measured.cases if case.kind.fate is not Fate.HARMLESS]
    large, small = [case for case in scored if case.share >= 0.3], [case for case in scored if case.share < 0.3]
    noticed = [case for case in scored if case.is_noticed]
    harmless = [case for case in measured.cases if case.kind.fate is Fate.HARMLESS]
    alarms = [alarm for told in measured.clean for alarm in told.opened]
    criticals = sum(alarm.severity == "critical" for alarm in alarms)
    early = [alarm for told in measured.history for alarm in told.opened]
    return [
        _kinds("kinds noticed at 30 % and above", large, "is_noticed", at_least=LEAST_NOTICED),
        _kinds("kinds noticed at 30 % and above, by a right code", large, "has_right_code"),
        _kinds("kinds noticed at 5 %", small, "is_noticed", at_least=LEAST_NOTICED_EARLY),
        _kinds("kinds noticed at 5 %, by a right code", small, "has_right_code"),
        Figure("wrong severities", len(noticed), sum(not case.has_right_severity for case in noticed), at_most=0),
        Figure("harmless faults held back", len(harmless), sum(case.held_back > 0 for case in harmless)),
        Figure(
            "runs that failed", len(measured.cases), sum(case.error is not None for case in measured.cases), at_most=0
        ),
        Figure("clean runs: critical incidents", len(measured.clean), criticals, at_most=0),
        Figure("clean runs: warnings", len(measured.clean), len(alarms) - criticals, at_most=MOST_WARNINGS),
        Figure("runs of the history: incidents", len(measured.history), len(early)),
    ]


def _kinds(name: str, cases: Sequence[Case], quality: str, *, at_least: float | None = None) -> Figure:
    """Return the share of kinds all cases of which are so."""
    kinds = {case.kind.name for case in cases}
    lacking = {case.kind.name for case in cases if not getattr(case, quality)}
    measured = 1 - len(lacking) / len(kinds) if kinds else float("nan")
    return Figure(name, len(kinds), measured, at_least=at_least)


def case_lines(cases: Iterable[Case]) -> Iterator[str]:
    """Yield a line for each case; codes that are right bear a star."""
    yield f"  {'fault':<33}{'source':<9}{'share':>5}{'spoilt':>8}{'held':>6}  {'noticed':<12}{'severity':<17}codes"
    for case in cases:
        held = "all" if case.is_refused else str(case.held_back)
        codes = " ".join(f"{alarm.rule}{'*' * (alarm.rule in case.kind.codes)}" for alarm in case.alarms)
        severity = case.severity + (", wrong" if case.is_noticed and not case.has_right_severity else "")
        said = f"failed: {case.error}" if case.error else codes
        name = case.kind.name if case.share == case.kind.shares[0] else ""
        what = f"  {name:<33}{case.kind.source:<9}{case.share:>5.0%}{case.spoilt:>8}{held:>6}"
        yield f"{what}  {_noticed(case):<12}{severity:<17}{said}".rstrip()


def _noticed(case: Case) -> str:
    if not case.is_noticed:
        return "no"
    return "yes" if case.has_right_code else "wrong code"


def alarm_lines(runs: Iterable[Told]) -> Iterator[str]:
    """Yield a line for each incident that a clean run opened."""
    for told in runs:
        for alarm in told.opened:
            yield (
                f"    {told.at:%a %d %b} {told.source} ({told.records_in} records): "
                f"{alarm.source}, {alarm.severity} {alarm.rule}: {alarm.message}"
            )


def report(measured: Measured) -> Iterator[str]:
    """Yield all that is printed before the figures."""
    yield "what was said of spoilt drops"
    yield from case_lines(measured.cases)
    unnoticed = [f"{case.kind.name} ({case.share:.0%})" for case in measured.cases if _is_unnoticed(case)]
    yield f"\nnot noticed: {', '.join(unnoticed) or 'none'}"
    yield f"\nfalse alarms in {len(measured.clean)} clean runs"
    yield from alarm_lines(measured.clean)
    yield f"\nfalse alarms in {len(measured.history)} runs of the history before"
    yield from alarm_lines(measured.history)
    yield f"\nsound drops that the spoilt ones are compared with: {len(measured.last)}"
    yield from alarm_lines(measured.last)


def _is_unnoticed(case: Case) -> bool:
    return not case.is_noticed and case.kind.fate is not Fate.HARMLESS


def main(arguments: Sequence[str]) -> int:
    """Print the tables; fail where a target is missed."""
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser(description="Measure how well faults are noticed.")
    parser.add_argument("--held-out", action="store_true", help="faults and sources that no rule was made for")
    parser.add_argument("--only", default="", metavar="TEXT", help="only kinds whose name holds this text")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args(arguments)
    absent = [path for path in (NEWS, EDITED, EXTRACTION) if not path.exists()]
    if absent:
        print(f"skipped: {absent[0]} is not there")  # noqa: T201 -- the result
        return 0
    chosen, take = (HELD_OUT, measure_held_out) if options.held_out else (KINDS, measure_faults)
    kinds = [kind for kind in chosen if options.only in kind.name]
    started = time.monotonic()
    measured = take(kinds, workers=options.workers)
    figures = figures_of(measured)
    print(*report(measured), "", table("faults", figures), sep="\n")  # noqa: T201
    print(f"  {time.monotonic() - started:.0f} s")  # noqa: T201
    return int(bool(missed(figures)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
