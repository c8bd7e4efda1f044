"""The steps of an ingest, in order: plan, land, parse, claim, validate, match, load, publish.

Each step takes an open run, reads what earlier steps staged, and stages what later ones need. They run one after the
other in this process (`ingest`), or as tasks of a Prefect flow (`flows.ingest`); nothing here knows which. Nothing
that readers see changes before `load`, which makes one commit, and `publish`, which shows it.

Any number of runs land and parse at a time. From `claim` on a run holds the writer's lock, and is alone; what another
one has changed meanwhile is noticed there.
"""

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from flows.custom import custom_rules
from flows.land import claim, has_news, land
from flows.load import load, record_new_paths
from flows.match import match
from flows.missing import newly_missing
from flows.parse import parse, parse_again_if_outdated
from flows.run import NOTHING_PLANNED, OnProgress, Plan, Request, Run, Summary, WritingRun
from flows.validate import validate
from flows.watch import note_missing
from warehouse import publish as publishing
from warehouse.catalog_file import check_not_lost, latest_snapshot
from warehouse.errors import HomeNotWritableError
from warehouse.home import Home
from warehouse.journal_entry import Entry
from warehouse.lake import Lake, open_lake
from warehouse.landing import SETTLE_SECONDS, SourceNames, ZoneRules, read_known_files, scan, unknown_files
from warehouse.query import read_published
from warehouse.raw_store import RawStore
from warehouse.writer_lock import Holder, hold_writer_lock, share_lock

OnWait = Callable[[Holder | None], None]

_Run = TypeVar("_Run", bound=Run)
_Result = TypeVar("_Result")


class Perform(Protocol):
    """Takes a step of a run."""

    def __call__(self, step: Callable[[_Run], _Result], run: _Run) -> _Result:
        """Return what the step returns."""


NOTHING_NEW = Summary(run_id=None, status="nothing_new")

_KNOWN_DROPS = "SELECT source, drop_sha256, uri, status, error FROM ops.drops"


def ingest(request: Request, *, on_wait: OnWait = lambda _: None, on_progress: OnProgress = lambda _: None) -> Summary:
    """Take in what is new, in this process.

    Raises:
        WarehouseError: if the home folder cannot be used; nothing has changed then.
    """
    return take_in(request, plan(request, on_wait=on_wait), on_wait=on_wait, on_progress=on_progress)


def take_in(
    request: Request, planned: Plan, *, on_wait: OnWait = lambda _: None, on_progress: OnProgress = lambda _: None
) -> Summary:
    """Take in what was planned, in this process; what another run took in since then is no news any more."""
    if planned.is_empty:
        return watch(request, on_wait=on_wait)
    with open_staging(request, planned, on_progress=on_progress) as run:
        return run_steps(run, perform=_directly, on_wait=on_wait)


def watch(request: Request, *, on_wait: OnWait = lambda _: None) -> Summary:
    """Note which sources have fallen silent, where there is nothing else to do."""
    if not newly_missing(request.settings):
        return NOTHING_NEW
    with open_run(request, NOTHING_PLANNED, purpose="watch", on_wait=on_wait) as run:
        note_missing(run, newly_missing(request.settings))
    return NOTHING_NEW


def run_steps(run: Run, *, perform: Perform, on_wait: OnWait = lambda _: None) -> Summary:
    """Let `perform` take each step of a run in turn; where there is no news, only new paths are noted."""
    perform(land, run)
    perform(parse, run)
    with write(run, purpose="ingest", on_wait=on_wait) as writing:
        perform(claim, writing)
        if not has_news(writing):
            return record_new_paths(writing)
        for step in (parse_again_if_outdated, validate, match):
            perform(step, writing)
        return perform(load, writing)


def _directly(step: Callable[[_Run], _Result], run: _Run) -> _Result:
    return step(run)


def plan(request: Request, *, on_wait: OnWait = lambda _: None) -> Plan:
    """Find the files that may be news, by name and metadata; read none of them.

    A commit that was never published, because its run was killed, is published first, whatever is found.
    """
    custom_rules(request.settings)  # read here, so that a file that is no rule stops a run before it begins
    home = prepare(request.settings.home)
    check_not_lost(home)
    if publishing.is_stale(home):
        with hold_writer_lock(home.writer_lock, purpose="publish", on_wait=on_wait), open_lake(home) as lake:
            publish(lake)
    names = SourceNames(home.landing, request.settings.places, forced=request.source)
    rules = ZoneRules() if request.paths else ZoneRules(time.time_ns() - SETTLE_SECONDS * 1_000_000_000)
    places = (place for place in request.places if place.exists() or place.is_symlink())
    found = scan(places, home=home, names=names, rules=rules)
    settled = found.filter("is_settled")
    unsettled = found.height - settled.height
    if not home.published.exists():
        return Plan(settled, found.height, unsettled)
    known_files = read_known_files(home)
    known_files = known_files.clear() if request.rehash else known_files
    return Plan(unknown_files(settled, known_files, read_published(home, _KNOWN_DROPS)), found.height, unsettled)


@contextmanager
def open_run(
    request: Request,
    planned: Plan,
    *,
    purpose: str,
    flow_run_id: str | None = None,
    repeated: Entry | None = None,
    on_wait: OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
) -> Iterator[WritingRun]:
    """Hold the writer's lock and an open lake for all of a run; its staging folder goes when the block ends.

    `purpose` is what others are told who wait for the lock. A run that is `repeated` has the id and times that it had.
    """
    with (
        open_staging(request, planned, flow_run_id=flow_run_id, repeated=repeated, on_progress=on_progress) as run,
        write(run, purpose=purpose, on_wait=on_wait) as writing,
    ):
        yield writing


@contextmanager
def open_staging(
    request: Request,
    planned: Plan,
    *,
    flow_run_id: str | None = None,
    repeated: Entry | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Iterator[Run]:
    """Make the staging folder of a run, which goes when the block ends; what killed runs left goes before."""
    home = prepare(request.settings.home)
    if repeated is None:
        started_at = datetime.now(UTC)
        run_id = f"run_{started_at:%Y%m%dT%H%M%S}_{uuid.uuid4().hex[:8]}"
    else:
        started_at, run_id, flow_run_id = repeated.started_at, repeated.run_id, repeated.flow_run_id
    folder = home.staging / run_id
    alone: list[Path] = []
    with be_at_work(home, on_leftovers=lambda _: alone.append(folder)):
        folder.mkdir(parents=True)
        try:
            yield Run(
                run_id=run_id,
                folder=folder,
                started_at=started_at,
                request=request,
                plan=planned,
                flow_run_id=flow_run_id,
                began_alone=bool(alone),
                repeated=repeated,
                on_progress=on_progress,
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def write(run: Run, *, purpose: str, on_wait: OnWait = lambda _: None) -> Iterator[WritingRun]:
    """Hold the writer's lock and an open lake for what a run does within the block."""
    home = run.settings.home
    holding = hold_writer_lock(home.writer_lock, purpose=f"{purpose} {run.run_id}", on_wait=on_wait)
    with holding, open_lake(home) as lake:
        of_run = {one.name: getattr(run, one.name) for one in fields(run)}
        yield WritingRun(**of_run, commit_no=(latest_snapshot(home) or 0) + 1, lake=lake)


def publish(lake: Lake) -> None:
    """Show the newest commit to whoever opens the published file from now on."""
    publishing.publish(lake)


def prepare(home: Home) -> Home:
    """Make the folders of a home folder.

    Raises:
        HomeNotWritableError: if that cannot be done.
    """
    try:
        for folder in (home.landing, home.raw, home.lake, home.staging):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeNotWritableError(
            f"The home folder {home.root} cannot be written ({error.strerror}); make room, mend its permissions, or "
            "name another one with --home."
        ) from error
    return home


@contextmanager
def be_at_work(home: Home, *, on_leftovers: Callable[[list[Path]], object] = lambda _: None) -> Iterator[None]:
    """Keep others from clearing away what lies in the staging folder within the block.

    Where no other run is at work, what killed ones left is cleared away first, and told to `on_leftovers`.
    """
    prepare(home)
    with share_lock(home.staging_lock, when_alone=lambda: on_leftovers(_remove_leftovers(home))):
        yield


def _remove_leftovers(home: Home) -> list[Path]:
    """Clear away what killed runs left, and return it; no run is at work here."""
    left = list(home.staging.iterdir())
    shutil.rmtree(home.staging, ignore_errors=True)
    home.staging.mkdir(exist_ok=True)
    return left + RawStore(home.raw).remove_leftovers()
