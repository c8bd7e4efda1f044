"""The Prefect flow `ingest`: the steps of `flows.steps`, each as a task.

A run is a handful of tasks, whatever it takes in. The writer's lock and the lake are held by the flow's process, so
tasks pass nothing but the id of the run; retries are off, as the next run takes over what one has left undone. A run
that has nothing to do has no task and no artifact, unless there are alerts to send: that is a task of its own, after
the lock is released. After one that did something, the report is made anew; it is no task, and where it fails, the run
is none the worse. A refused batch is data that failed its checks, not a program that failed: the flow run is completed,
under the name `Refused`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import steps
from flows.alerts.tell import has_something_to_tell, tell_of_news
from flows.prefect_logs import log_stages, log_waiting
from flows.run import Request, Run, Summary
from flows.settings import Settings, load_settings

ARTIFACT_KEY = "copydesk-run"
REPORT_KEY = "copydesk-report"

_Run = TypeVar("_Run", bound=Run)
_Result = TypeVar("_Result")


@flow(name="ingest", retries=0, persist_result=False)
def ingest(  # noqa: PLR0917 -- the parameters of a deployment
    home: str | None = None,
    config: str | None = None,
    paths: list[str] | None = None,
    source: str | None = None,
    zone_of: str | None = None,
    rehash: bool = False,  # noqa: FBT001, FBT002 -- one of them
) -> "dict[str, Any] | State[dict[str, Any]]":
    """Take in what is new; return the figures of the run, as `copydesk ingest --json` prints them.

    Args:
        home: Home folder; by default $COPYDESK_HOME, else ./data.
        config: Settings, if not copydesk.toml of the home folder.
        paths: What to take in; by default the drop zone.
        source: Source of all files, instead of what their place says.
        zone_of: Source whose place in the drop zone is looked at; by default all are.
        rehash: Whether to read files again that the cache knows.
    """
    settings = load_settings(home=_path(home), config=_path(config))
    request = Request(settings, tuple(map(Path, paths or ())), source, rehash, zone_of)
    summary = _take_in(request)
    if has_something_to_tell(settings):
        _alert(settings)
    if summary.status == "refused":
        return Completed(name="Refused", message=_told(summary), data=summary.as_dict())
    return summary.as_dict()


def ingest_on_prefect(request: Request, *, config: Path | None) -> Summary:
    """Run the flow in this process, on the configured API."""
    state = ingest(
        home=str(request.settings.home.root),
        config=None if config is None else str(config.absolute()),
        paths=[str(path.absolute()) for path in request.paths],
        source=request.source,
        zone_of=request.zone_of,
        rehash=request.rehash,
        return_state=True,
    )
    figures: Any = state.result(raise_on_failure=True)
    return Summary(**figures)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _take_in(request: Request) -> Summary:
    planned = steps.plan(request, on_wait=log_waiting)
    if planned.is_empty:
        get_run_logger().info("Nothing new.")
        return steps.watch(request, on_wait=log_waiting)
    with steps.open_staging(request, planned, flow_run_id=flow_run.get_id(), on_progress=log_stages()) as run:
        summary = steps.run_steps(run, perform=_as_task, on_wait=log_waiting)
    if summary.run_id is not None:
        create_table_artifact([summary.as_dict()], key=ARTIFACT_KEY, description=_told(summary))
        _make_report(request.settings)
    return summary


def _alert(settings: Settings) -> None:
    """Tell of what is news, as a task; whether that arrives is no matter of the run."""

    @task(name="alert", cache_policy=NO_CACHE, persist_result=False)
    def perform() -> None:
        tell_of_news(settings, say=get_run_logger().warning)

    perform()


def _make_report(settings: Settings) -> None:
    """Make the report anew, and link to it; readers of the API on other machines see where it lies."""
    from flows.report.write import write_report  # noqa: PLC0415 -- a run with nothing to do needs no templates

    try:
        path = write_report(settings)
    except Exception as error:  # noqa: BLE001 -- what was loaded stays loaded, whatever becomes of the page
        get_run_logger().warning("The report could not be made (%s). Try copydesk report --debug.", error)
        return
    create_link_artifact(path.as_uri(), link_text=str(path), key=REPORT_KEY, description="How the sources are doing")


def _as_task(step: Callable[[_Run], _Result], run: _Run) -> _Result:
    @task(name=step.__name__, cache_policy=NO_CACHE, persist_result=False)
    def perform(run_id: str) -> _Result:  # noqa: ARG001 -- shown beside the task
        return step(run)

    return perform(run.run_id)


def _told(summary: Summary) -> str:
    return (
        f"{summary.run_id} {summary.status}: {summary.records_in:,} records in, {summary.records_loaded:,} loaded, "
        f"{summary.records_quarantined:,} quarantined"
    )
