"""Noting what did not come: the one thing that a run without any news may write.

It is written where a source has fallen silent since anybody was told, as a run of its own kind, and only then.
"""

from collections.abc import Sequence
from dataclasses import asdict

from expectations.incidents import Failure, update_incidents
from flows.load import run_row
from flows.run import Summary, WritingRun
from transforms.ops_schema import INCIDENTS, RUNS
from warehouse.journal_entry import WATCH
from warehouse.publish import publish


def note_missing(run: WritingRun, missing: Sequence[Failure]) -> None:
    """Commit the incidents of sources that have fallen silent, if any have, and publish them."""
    if not missing:  # another run has noted them while this one waited
        return
    rows = update_incidents(
        run.lake.latest(INCIDENTS),
        missing,
        frozenset(),
        run_id=run.run_id,
        noted_at=run.started_at,
        commit_no=run.commit_no,
    )
    rows.write_parquet(run.path(INCIDENTS.name))
    run_row(run, Summary(run.run_id, "done", seconds=run.seconds()), kind=WATCH).write_parquet(run.path(RUNS.name))
    entry = run.entry(WATCH, missing=[asdict(failure) for failure in missing])
    staged = {table.name: [run.path(table.name)] for table in (INCIDENTS, RUNS)}
    run.lake.append(staged, message=f"{WATCH} {run.run_id}", entry=entry)
    publish(run.lake)
