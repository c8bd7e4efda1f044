"""Homes with a history of clean drops, and cases: a copy of one of them, in which a spoilt drop comes in.

Worked on in several processes, each with a validation engine of its own; `Plan` holds what they all have to know.
"""

import logging
import random
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from clean_drops import Drop, Source, articles_of, days_until, drops_of
from crew import Crew
from fault_kinds import Fate, Kind, Scene, spoil
from fault_runs import ORDER, Alarm, Told, build_home, copy_home, day_after, take_in, take_in_clean
from labelled_texts import SEED

STRANGERS = defaultdict(lambda: "si", wire="ta", pages="ta", export="en", api="en")
"""Language of the articles that a source delivers when it delivers those of another one."""

STRANGERS_COUNT = 400

SILENT_DAYS = {0.3: 2, 1.0: 5}
"""Days that a silence lasts."""

SILENCE = "source silent"


@dataclass(frozen=True)
class Plan:
    """What is delivered.

    Attributes:
        folder: Where the homes are made.
        last: Day of the drops that are spoilt.
        history: Days of clean drops before the clean runs.
        clean: Days of clean runs, up to the day before `last`.
    """

    folder: Path
    last: datetime
    history: int
    clean: int


@dataclass(frozen=True)
class Case:
    """A kind of fault at a share, and what was said of it.

    Attributes:
        kind: The kind.
        share: Share of the drop that is spoilt.
        spoilt: Number of records concerned.
        parts: Number of records or files concerned, whichever is held back where all are.
        alarms: Incidents of the source that the sound drop does not have, or not as grave.
        held_back: Records held back for reasons for which fewer of the sound drop are.
        is_refused: Whether the batch was refused.
        error: What the program died of.
    """

    kind: Kind
    share: float
    spoilt: int = 0
    parts: int = 0
    alarms: Sequence[Alarm] = ()
    held_back: int = 0
    is_refused: bool = False
    error: str | None = None

    @property
    def is_noticed(self) -> bool:
        """Whether anything was said."""
        return bool(self.alarms)

    @property
    def has_right_code(self) -> bool:
        """Whether it was the right thing."""
        return any(alarm.rule in self.kind.codes for alarm in self.alarms)

    @property
    def severity(self) -> str:
        """The gravest of the severities."""
        return max((alarm.severity for alarm in self.alarms), key=ORDER.index, default="")

    @property
    def has_right_severity(self) -> bool:
        """Whether the fault was taken as seriously as it should be, and no more.

        Whatever is called critical has to be held back. Where records are to be held back, at least half of them are;
        where they are to be loaded, at least half of them are; `Fate` says which.
        """
        held_back = self.spoilt if self.is_refused else self.held_back
        if self.severity == "critical" and held_back <= 0:
            return False
        if self.kind.fate is Fate.HELD_BACK:
            return held_back >= self.parts / 2
        if self.kind.fate is Fate.HARMLESS:
            return held_back <= 0
        return self.kind.fate is Fate.EITHER or held_back <= self.spoilt / 2


@cache
def drops(source: Source, plan: Plan, *, days_after: int = 0) -> list[Drop]:
    """Return the drops of a source, up to the day of the spoilt ones, or some days after."""
    count = plan.history + plan.clean + 1 + days_after
    return drops_of(source, days=days_until(day_after(plan.last, days_after), count=count))


def build(sources: Sequence[Source], plan: Plan) -> list[Told]:
    """Make the home of some sources, with all their drops but the last; return what each run said, by time.

    Days of the history are a run each, and clean runs have one drop.
    """
    logging.disable(logging.CRITICAL)
    days = list(zip(*(drops(source, plan)[:-1] for source in sources), strict=True))
    single = sorted((drop for day in days[plan.history :] for drop in day), key=lambda drop: drop.at)
    return build_home(_home(sources, plan), [*days[: plan.history], *((drop,) for drop in single)])


def _home(sources: Sequence[Source], plan: Plan) -> Path:
    return plan.folder / "-".join(source.name for source in sources)


def run_clean(source: Source, sources: Sequence[Source], plan: Plan) -> Told:
    """Take in the last drop as it is."""
    drop = drops(source, plan)[-1]
    copy = copy_home(_home(sources, plan), plan.folder / f"clean-{source.name}")
    told = take_in_clean(copy, [drop])
    shutil.rmtree(copy)
    return told


def run_case(kind: Kind, share: float, sources: Sequence[Source], plan: Plan, sound: Told) -> Case:
    """Take in the last drop, spoilt; `sound` is what was said of it as it should be."""
    logging.disable(logging.CRITICAL)
    (source,) = (source for source in sources if source.name == kind.source)
    copy = copy_home(_home(sources, plan), plan.folder / f"case-{kind.name}-{share}")
    try:
        if kind.name == SILENCE:
            return _run_silence(kind, share, source, sources, plan, copy=copy)
        return _run_spoilt(kind, share, source, plan, sound=sound, copy=copy)
    except Exception as error:  # noqa: BLE001 -- whatever it dies of is a result
        return Case(kind, share, error=f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(copy)


def _run_spoilt(kind: Kind, share: float, source: Source, plan: Plan, *, sound: Told, copy: Path) -> Case:
    drop = drops(source, plan)[-1]
    strangers = articles_of(STRANGERS[source.name], at=drop.at, count=STRANGERS_COUNT)
    rng = random.Random(f"{SEED} {kind.name} {share}")  # noqa: S311 -- chooses what is spoilt
    spoilt = spoil(kind, Scene(drop, strangers, rng), share=share)
    told = take_in(copy, {source.name: spoilt.files}, at=drop.at)
    return Case(
        kind,
        share,
        spoilt.records,
        spoilt.parts,
        alarms=news(told, sound),
        held_back=(told.held_back - sound.held_back).total(),
        is_refused=told.is_refused,
    )


def _run_silence(
    kind: Kind, share: float, source: Source, sources: Sequence[Source], plan: Plan, *, copy: Path
) -> Case:
    """Let another source deliver for some days, while this one does not."""
    days = SILENT_DAYS[share]
    (other,) = (other for other in sources if other.name == "texts")
    going_on = drops(other, plan, days_after=max(SILENT_DAYS.values()))[plan.history + plan.clean :][:days]
    told = [take_in_clean(copy, [drop]) for drop in going_on]
    alarms = {alarm.rule: alarm for one in told for alarm in one.failed if alarm.source == source.name}
    return Case(kind, share, days * source.per_day, alarms=list(alarms.values()))


def news(told: Told, sound: Told) -> list[Alarm]:
    """Return what was said of a spoilt drop that was not said of the sound one, or less gravely."""
    before = {alarm.rule: ORDER.index(alarm.severity) for alarm in sound.failed if alarm.source == sound.source}
    own = [alarm for alarm in told.failed if alarm.source == told.source]
    return [alarm for alarm in own if ORDER.index(alarm.severity) > before.get(alarm.rule, 0)]


@dataclass(frozen=True)
class Measured:
    """What all runs said.

    Attributes:
        history: Runs of the history, by home and time.
        clean: Clean runs.
        last: The last drops, as they should be.
        cases: The spoilt ones.
    """

    history: Sequence[Told]
    clean: Sequence[Told]
    last: Sequence[Told]
    cases: Sequence[Case]


def measure(homes: Sequence[Sequence[Source]], plan: Plan, kinds: Sequence[Kind], *, workers: int) -> Measured:
    """Build the homes, and run all cases."""
    used = {kind.source for kind in kinds}
    home_of = {source.name: sources for sources in homes for source in sources}
    with Crew(workers) as crew:
        built = crew.run([(build, (sources, plan)) for sources in homes])
        sources = [source for of_home in homes for source in of_home if source.name in used]
        last = crew.run([(run_clean, (source, home_of[source.name], plan)) for source in sources])
        if None in built or None in last:
            raise RuntimeError("A process ended abruptly while it took in clean drops; look for what ended it.")
        cases = _run_cases(crew, kinds, plan, home_of=home_of, sound={told.source: told for told in last})
    told = [one for of_home in built for one in of_home]
    first = day_after(plan.last, -plan.clean)
    return Measured([one for one in told if one.at < first], [one for one in told if one.at >= first], last, cases)


def _run_cases(
    crew: Crew,
    kinds: Sequence[Kind],
    plan: Plan,
    *,
    home_of: Mapping[str, Sequence[Source]],
    sound: Mapping[str, Told],
) -> list[Case]:
    cases = [(kind, share) for kind in kinds for share in kind.shares]
    ran = crew.run([(run_case, (kind, share, home_of[kind.source], plan, sound[kind.source])) for kind, share in cases])
    return [
        Case(kind, share, error="it ended its process") if case is None else case
        for (kind, share), case in zip(cases, ran, strict=True)
    ]
