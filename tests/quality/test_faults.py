"""Faults of sources are noticed, and sound drops raise no alarm; `make quality-faults` measures all kinds.

These are a handful of kinds at 30 %, after a week of one source; no target is any lower here.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from clean_drops import Drop, Source, articles_of, clean_files
from crew import Crew
from drop_sources import TEXTS, WIRE
from fault_cases import STRANGERS, Case, Measured, Plan, drops, measure
from fault_kinds import Extent, Fate, Kind, Scene, spoil
from fault_runs import Alarm
from faults import HELD_OUT, HELD_OUT_HOMES, HOMES, KINDS, LAST_DAY, figures_of, report
from figures import missed

SHARE = 0.3
CHOSEN = ("body renamed", "dates in the future", "empty bodies", "block pages")
DELIVERED = [kind for kind in (*KINDS, *HELD_OUT) if kind.name != "source silent"]
SOURCES = {source.name: source for home in (*HOMES, *HELD_OUT_HOMES) for source in home}


@pytest.fixture(scope="module")
def plan(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    assert shared_data.is_dir()
    return Plan(tmp_path_factory.mktemp("faults"), LAST_DAY, history=5, clean=2)


@pytest.fixture(scope="module")
def measured(plan: Plan) -> Measured:
    kinds = [replace(kind, shares=(SHARE,)) for kind in KINDS if kind.name in CHOSEN]
    return measure([(WIRE,)], plan, kinds, workers=1)


def scene(kind: Kind, plan: Plan) -> Scene:
    source = SOURCES[kind.source]
    drop = drops(source, plan)[-1]
    strangers = articles_of(STRANGERS[source.name], at=drop.at, count=20)
    return Scene(drop, strangers, random.Random(kind.name))  # noqa: S311 -- chooses what is spoilt


def records_of(source: Source, plan: Plan) -> list[str]:
    return [str(row) for drop in drops(source, plan) for row in [*drop.rows, *drop.spare]]


@pytest.mark.long
def test_faults_are_noticed(measured: Measured) -> None:
    assert [(case.kind.name, case.error) for case in measured.cases if not case.has_right_code] == []
    assert len(measured.cases) == len(CHOSEN)


@pytest.mark.long
def test_sound_drops_raise_no_critical_incident(measured: Measured) -> None:
    assert len(measured.clean) == 2
    assert [alarm for told in measured.clean for alarm in told.opened if alarm.severity == "critical"] == []


@pytest.mark.long
def test_the_report_names_what_was_said(measured: Measured) -> None:
    text = "\n".join(report(measured))
    assert all(name in text for name in CHOSEN)
    assert "missing_body*" in text


@pytest.mark.parametrize("kind", DELIVERED, ids=lambda kind: kind.name)
def test_a_kind_spoils_its_share_of_a_drop_and_no_more(kind: Kind, plan: Plan) -> None:
    sound = clean_files(scene(kind, plan).drop)
    for share in kind.shares:
        spoilt = spoil(kind, scene(kind, plan), share=share)
        assert spoilt == spoil(kind, scene(kind, plan), share=share)
        touched = sum(sound.get(name) != content for name, content in spoilt.files.items())
        assert touched > 0
        if kind.extent is not Extent.DELIVERY and len(spoilt.files) == len(sound):
            assert touched <= max(1, spoilt.records)


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_no_record_is_delivered_twice(source: Source, plan: Plan) -> None:
    records = records_of(source, plan)
    assert len(records) == len(set(records))


def test_a_record_for_each_file_where_the_source_has_it_so(plan: Plan) -> None:
    drop = drops(TEXTS, plan)[-1]
    assert len(clean_files(drop)) == len(drop.rows)


def test_files_hold_the_records_of_a_drop_in_order(plan: Plan) -> None:
    drop = drops(WIRE, plan)[-1]
    assert [row for rows in drop.in_files() for row in rows] == list(drop.rows)
    assert len(Drop(WIRE, drop.at, drop.rows[:3]).in_files()) == 3


def a_case(fate: Fate, *severities: str, held_back: int = 0, is_refused: bool = False) -> Case:
    kind = replace(KINDS[0], fate=fate, codes=frozenset({"right"}))
    alarms: Sequence[Alarm] = [Alarm("wire", "right", severity, "") for severity in severities]
    return Case(kind, SHARE, 10, 10, alarms, held_back, is_refused)


@pytest.mark.parametrize(
    ("case", "is_right"),
    [
        (a_case(Fate.LOADED, "warning"), True),
        (a_case(Fate.LOADED, "critical"), False),
        (a_case(Fate.LOADED, "warning", "critical", held_back=1), True),
        (a_case(Fate.LOADED, "critical", held_back=6), False),
        (a_case(Fate.LOADED, "critical", is_refused=True), False),
        (a_case(Fate.HELD_BACK, "critical", held_back=5), True),
        (a_case(Fate.HELD_BACK, "warning", held_back=4), False),
        (a_case(Fate.HELD_BACK, "critical", is_refused=True), True),
        (a_case(Fate.EITHER, "warning"), True),
        (a_case(Fate.EITHER, "critical"), False),
        (a_case(Fate.EITHER, "critical", held_back=10), True),
        (a_case(Fate.HARMLESS, "warning"), True),
        (a_case(Fate.HARMLESS, "warning", held_back=1), False),
    ],
)
def test_a_fault_is_taken_as_seriously_as_it_is(case: Case, is_right: bool) -> None:
    assert case.has_right_severity == is_right


def test_a_kind_counts_as_noticed_if_all_its_shares_are() -> None:
    alarm = Alarm("wire", "right", "warning", "")
    kinds = [replace(kind, fate=Fate.LOADED) for kind in KINDS[:2]]
    cases = [Case(kind, share, 10, 10, [alarm]) for kind in kinds for share in (0.3, 1.0)]
    measured = Measured([], [], [], [*cases[:-1], replace(cases[-1], alarms=[])])
    assert figures_of(measured)[0].measured == 0.5
    assert len(missed(figures_of(measured)[:1])) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_calls_are_answered_in_order(workers: int) -> None:
    with Crew(workers) as crew:
        assert crew.run([(abs, (-number,)) for number in range(5)]) == list(range(5))
        assert crew.run([]) == []


def test_calls_beside_one_that_ends_its_process_are_answered() -> None:
    with Crew(2) as crew:
        assert crew.run([(abs, (-1,)), (os._exit, (3,)), (abs, (-2,))]) == [1, None, 2]
