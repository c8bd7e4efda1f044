"""Rebuilding what is derived from the records: fingerprints, matches, and the articles that follow from them.

For when copydesk.toml says otherwise what a copy is, or when fingerprints are in doubt. All of it is made anew from the
stored bodies and replaced in one commit; articles keep their ids as far as their records stay together.
"""

from flows import steps
from flows.load import run_row, summarise_changes
from flows.match import PLACED, place
from flows.run import NOTHING_PLANNED, OnProgress, Progress, Request, Summary
from flows.settings import Settings
from transforms.ops_schema import FINGERPRINTS, MATCHES, RUNS
from transforms.schema import RECORDS
from warehouse.journal_entry import REBUILD, Entry
from warehouse.stored_tables import qualified_name


def rebuild_fingerprints(
    settings: Settings,
    *,
    repeated: Entry | None = None,
    on_wait: steps.OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
) -> Summary:
    """Make fingerprints, matches and articles anew; the summary counts articles that were joined and split."""
    steps.prepare(settings.home)
    with steps.open_run(
        Request(settings),
        NOTHING_PLANNED,
        purpose=REBUILD,
        repeated=repeated,
        on_wait=on_wait,
        on_progress=on_progress,
    ) as run:
        with run.lake.commit(f"{REBUILD} {run.run_id}", entry=run.entry(REBUILD, only="fingerprints")):
            stored = run.lake.data_files(RECORDS)
            for table in (FINGERPRINTS, MATCHES):
                run.lake.connection.execute(f"DELETE FROM {qualified_name(table)}")
            on_progress(Progress("matching"))
            if stored:
                place(run, stored, is_stored=True)
            summary = summarise_changes(run)
            run_row(run, summary, kind=REBUILD).write_parquet(run.path(RUNS.name))
            on_progress(Progress("loading"))
            for table in PLACED:
                run.lake.insert(table, run.staged(table.name))
            run.lake.insert(RUNS, [run.path(RUNS.name)])
        steps.publish(run.lake)
        return summary
