"""Noting what did not come: the one thing that a run without any news may write.

It is written where a source has fallen silent since anybody was told, as a run of its own kind, and only then.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from expectations.incidents import Failure, update_incidents
from flows.load import run_row
from flows.run import Summary, WritingRun
from transforms.ops_schema import INCIDENTS, RUNS
from warehouse.publish import publish

KIND = "watch"


def note_missing(run: WritingRun, missing: Iterable[Failure]) -> None:
    """Commit the incidents of sources that have fallen silent, and publish them."""
    rows = update_incidents(
        run.lake.latest(INCIDENTS),
        missing,
        frozenset(),
        run_id=run.run_id,
        noted_at=run.started_at,
        commit_no=run.commit_no,
    )
    seconds = round((datetime.now(UTC) - run.started_at).total_seconds(), 3)
    rows.write_parquet(run.path(INCIDENTS.name))
    run_row(run, Summary(run.run_id, "done", seconds=seconds), kind=KIND).write_parquet(run.path(RUNS.name))
    run.lake.append({table.name: [run.path(table.name)] for table in (INCIDENTS, RUNS)}, message=f"{KIND} {run.run_id}")
    publish(run.lake)
