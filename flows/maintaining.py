"""Maintenance: what keeps a home folder as quick after a year as on its first day (see `warehouse.maintenance`).

Nothing that readers see changes. It is a handful of commits under the writer's lock, each whole or not at all; killed
between two of them, the next maintenance goes on from there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from flows import steps
from flows.run import OnProgress, Progress
from flows.settings import Settings
from transforms.ops_schema import RETRACTIONS
from warehouse.catalog_file import check_in_use, compact_catalog, refresh_statistics
from warehouse.journal import note_commits
from warehouse.lake import open_lake
from warehouse.maintenance import Merged, expire, merge, remove_orphans
from warehouse.publish import is_stale
from warehouse.superseded import keep_superseded
from warehouse.writer_lock import hold_writer_lock

KIND = "maintain"


@dataclass(frozen=True)
class Maintained:
    """What maintenance came to: merged tables, snapshots given up, files deleted, bytes that the disk has again."""

    merged: Sequence[Merged]
    snapshots_expired: int
    files_removed: int
    bytes_freed: int
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """Return it as `copydesk maintain --json` prints it."""
        return asdict(self)


def maintain(
    settings: Settings, *, on_wait: steps.OnWait = lambda _: None, on_progress: OnProgress = lambda _: None
) -> Maintained:
    """Give up old snapshots, merge small files, remove what belongs to nothing, and publish.

    Raises:
        NotPublishedError: if nothing was ever taken in.
        MaintenanceError: if a table would not be what it was; nothing of it has changed then.
    """
    home, started_at = settings.home, datetime.now(UTC)
    check_in_use(home, "maintain")
    with steps.be_at_work(home), hold_writer_lock(home.writer_lock, purpose=KIND, on_wait=on_wait):
        before = _bytes_kept(settings)
        with open_lake(home) as lake:
            note_commits(lake)
            on_progress(Progress("giving up old snapshots"))
            now = datetime.now(UTC)  # others may have committed while this waited for them
            if is_stale(home):  # a snapshot that was succeeded long ago may have been opened just now
                keep_superseded(home, until=now + settings.maintenance.kept_for)
            expired = expire(lake, before=now - settings.maintenance.kept_for, now=now)
            on_progress(Progress("merging files"))
            merged = merge(lake)
            has_withdrawn = not lake.latest(RETRACTIONS).is_empty()
            steps.publish(lake)
        on_progress(Progress("removing files"))
        removed = remove_orphans(home, now=now)
        if has_withdrawn:
            refresh_statistics(home)
        compact_catalog(home, at_any_share=has_withdrawn)
        return Maintained(
            merged=merged,
            snapshots_expired=len(expired),
            files_removed=removed,
            bytes_freed=before - _bytes_kept(settings),
            seconds=round((datetime.now(UTC) - started_at).total_seconds(), 3),
        )


def _bytes_kept(settings: Settings) -> int:
    home = settings.home
    return sum(path.stat().st_size for path in (home.catalog, *home.lake.rglob("*.parquet")))
