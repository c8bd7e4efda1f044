"""Dismissing what is held back: somebody has looked at it, and it is to stay where it is.

A dismissed record is still held back, and is counted as such; it is out of the way of whoever looks at what is open,
and no replay takes it in. It can be opened again.
"""

import polars as pl

from flows import steps
from flows.run import NOTHING_PLANNED, Request
from flows.selection import DISMISSED, OPEN, Selection
from flows.settings import Settings
from transforms.ops_schema import QUARANTINE
from warehouse.journal_entry import DISMISS, Entry
from warehouse.publish import is_stale


def dismiss(
    settings: Settings,
    selection: Selection,
    *,
    note: str | None,
    is_dry_run: bool = False,
    repeated: Entry | None = None,
    on_wait: steps.OnWait = lambda _: None,
) -> int:
    """Dismiss the open ones of the selected rows, with a note of why, or open dismissed ones again where it is None.

    Returns the number of rows; they are published in one commit. A dry run only counts.
    """
    status = OPEN if note is None else DISMISSED
    with steps.open_run(Request(settings), NOTHING_PLANNED, purpose=DISMISS, repeated=repeated, on_wait=on_wait) as run:
        if is_stale(settings.home):
            steps.publish(run.lake)
        rows = run.lake.latest(QUARANTINE, where=selection.condition)
        if rows.is_empty() or is_dry_run:
            return rows.height
        path = run.path(QUARANTINE.name)
        rows.with_columns(
            status=pl.lit(status),
            note=pl.lit(note, dtype=pl.String()),
            noted_at=pl.lit(run.started_at),
            commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
        ).write_parquet(path)
        message, entry = f"{status}: {rows.height} rows of the quarantine", run.entry(DISMISS, note=note)
        run.lake.append({QUARANTINE.name: [path]}, message=message, entry=entry)
        steps.publish(run.lake)
        return rows.height
