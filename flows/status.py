"""How things stand: what is in the warehouse, what the last runs did, what is held back, what is wrong."""

from dataclasses import dataclass

import polars as pl

from warehouse.errors import CatalogError
from warehouse.home import Home
from warehouse.publish import is_stale
from warehouse.query import read_published
from warehouse.writer_lock import Holder, read_holder

_COUNTS = """
    SELECT 'records' AS table_name, count(*) AS row_count FROM records
    UNION ALL SELECT 'articles', count(*) FROM articles
    UNION ALL SELECT 'ops.drops', count(*) FROM ops.drops
    UNION ALL SELECT 'ops.quarantine (open)', count(*) FROM ops.quarantine WHERE status = 'open'
    UNION ALL SELECT 'ops.incidents (open)', count(*) FROM ops.incidents WHERE status = 'open'
"""
_RUNS = """
    SELECT run_id, status, started_at, drops, records_in, records_loaded, records_quarantined, articles_new, seconds
    FROM ops.runs ORDER BY started_at DESC, run_id DESC LIMIT 5
"""
_HELD_BACK = """
    SELECT source, reason, count(*) AS records
    FROM (SELECT source, unnest(reasons) AS reason FROM ops.quarantine WHERE status = 'open')
    GROUP BY ALL ORDER BY records DESC, source, reason LIMIT 10
"""
_INCIDENTS = """
    SELECT source, rule, severity, occurrences, last_seen_at, message
    FROM ops.incidents WHERE status = 'open' ORDER BY severity, last_seen_at DESC, source, rule LIMIT 10
"""


@dataclass(frozen=True)
class Status:
    """How things stand.

    Attributes:
        counts: `table_name`, `row_count`.
        runs: The last five rows of `ops.runs`, newest first.
        held_back: Reasons of the open quarantine: `source`, `reason`, `records`.
        incidents: Ten open incidents, critical ones first, then the latest.
        holder: Who writes now; null where nobody does.
        is_stale: Whether there is a commit that the published file does not show; null where the catalog cannot be
            read.
    """

    counts: pl.DataFrame
    runs: pl.DataFrame
    held_back: pl.DataFrame
    incidents: pl.DataFrame
    holder: Holder | None
    is_stale: bool | None


def read_status(home: Home) -> Status:
    """Read how things stand in a home folder.

    Raises:
        NotPublishedError: if nothing was ever ingested here.
    """
    counts, runs, held_back, incidents = (
        read_published(home, query) for query in (_COUNTS, _RUNS, _HELD_BACK, _INCIDENTS)
    )
    try:
        is_behind = is_stale(home)
    except CatalogError:
        is_behind = None
    return Status(counts, runs, held_back, incidents, holder=read_holder(home.writer_lock), is_stale=is_behind)
