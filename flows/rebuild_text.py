"""Rebuilding the text of records that older rules cleaned: cleaned again, and replaced in one commit.

A record bears the version of the rules that cleaned it. Those of an older one are cleaned again from the raw store; the
others are left as they are, and so is a record that would no longer meet a critical rule, that is not found again where
it lay in its drop, or whose drop is damaged: it was accepted, keeps its text and its version, and is named.
"""

from dataclasses import dataclass, replace

import polars as pl

from flows import steps
from flows.load import summarise_changes
from flows.reclean import commit_again, place_again, restage
from flows.rules import accepted_lines
from flows.run import NOTHING_PLANNED, OnProgress, Request, Summary, WritingRun
from flows.settings import Settings
from flows.text_changes import CHANGED, DESCRIBED, changed_records, describe
from transforms.cleaning import CLEANING_VERSION
from warehouse.journal_entry import REBUILD
from warehouse.publish import is_stale

_OLDER = """
    SELECT record_id FROM records
    WHERE coalesce(cleaning_version < $version, true) AND coalesce(source = $source, true)
"""

NOTHING_OLDER = Summary(run_id=None, status="nothing_new")


@dataclass(frozen=True)
class RebuiltText:
    """What cleaning again came to.

    Attributes:
        summary: Figures of the run; it has no `run_id` where nothing was written.
        records: Records that were cleaned again, and bear the version of today.
        changes: Those of them that changed: DESCRIBED in a dry run, else CHANGED.
        left_alone: Records that were left as they are: `source`, `record_id` and `why`.
        is_dry_run: Whether nothing was written.
    """

    summary: Summary
    records: int
    changes: pl.DataFrame
    left_alone: pl.DataFrame
    is_dry_run: bool

    @property
    def counts(self) -> pl.DataFrame:
        """How many records change, by `source` and `field`."""
        by_field = self.changes.explode("changed").group_by("source", field="changed").agg(records=pl.len())
        return by_field.sort("source", "records", "field", descending=[False, True, False])

    def as_dict(self) -> dict[str, object]:
        """Return it as `copydesk rebuild --only text --json` prints it; each change only in a dry run."""
        return self.summary.as_dict() | {
            "dry_run": self.is_dry_run,
            "version": CLEANING_VERSION,
            "records": self.records,
            "records_changed": self.changes.height,
            "fields": self.counts.to_dicts(),
            "left_alone": self.left_alone.to_dicts(),
            **({"changes": self.changes.to_dicts()} if self.is_dry_run else {}),
        }


def rebuild_text(
    settings: Settings,
    *,
    source: str | None = None,
    is_dry_run: bool = False,
    on_wait: steps.OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
) -> RebuiltText:
    """Clean again what older rules cleaned, of one source or of all, and publish it; a dry run only looks."""
    steps.prepare(settings.home)
    with steps.open_run(
        Request(settings), NOTHING_PLANNED, purpose=REBUILD, on_wait=on_wait, on_progress=on_progress
    ) as run:
        if is_stale(settings.home):
            steps.publish(run.lake)
        older = run.lake.query(_OLDER, {"version": CLEANING_VERSION, "source": source})
        restaged = restage(run, older, accepted_lines(run.lake))
        left_alone = pl.concat([restaged.refused, restaged.lost])
        if restaged.replaced.is_empty():
            return RebuiltText(NOTHING_OLDER, 0, pl.DataFrame(schema=CHANGED), left_alone, is_dry_run)
        place_again(run, restaged)
        changes = _find_changes(run, is_dry_run=is_dry_run)
        summary = replace(summarise_changes(run), run_id=None) if is_dry_run else commit_again(run, kind=REBUILD)
        return RebuiltText(summary, restaged.replaced.height, changes, left_alone, is_dry_run)


def _find_changes(run: WritingRun, *, is_dry_run: bool) -> pl.DataFrame:
    schema = DESCRIBED if is_dry_run else CHANGED
    found = (describe(some) if is_dry_run else some.select(CHANGED.names()) for some in changed_records(run))
    return pl.concat([pl.DataFrame(schema=schema), *found]).sort("source", "record_id")
