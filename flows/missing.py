"""What did not come: a source that is due and sends nothing fails the rule `drop_missing`.

Decides which sources have to be looked at, and what they declare. When a source is due is decided in
`expectations.cadence`, and what becomes of the failure by whoever asks: a run that takes in others, or `flows.watch`.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

import polars as pl

from expectations.cadence import MOST_DELIVERIES, Due, when_due
from expectations.declared import Severity, watch_declarations
from expectations.incidents import Failure
from flows.durations import interval_length
from flows.settings import Settings
from warehouse.query import QueryError, read_published

RULE = "drop_missing"

Query = Callable[[str], pl.DataFrame]

_DELIVERIES = f"""
    SELECT source, noted_at FROM ops.source_figures WHERE figure = 'records_in'
    QUALIFY row_number() OVER (PARTITION BY source ORDER BY noted_at DESC) <= {MOST_DELIVERIES}
"""
_KNOWN = f"""
    SELECT source FROM ops.incidents
    WHERE rule = '{RULE}' AND (status = 'muted' OR (status = 'open' AND muted_until IS NULL))
"""
_BEGUN = "SELECT min(started_at) AS begun FROM ops.runs"


def find_missing(
    settings: Settings,
    query: Query,
    *,
    now: datetime,
    delivering: AbstractSet[str] = frozenset(),
) -> list[Failure]:
    """Return a failure for each source that is overdue and is not among those `delivering`.

    `query` reads the tables, of the lake or the published ones.
    """
    deliveries: dict[str, list[datetime]] = {}
    for source, noted_at in query(_DELIVERIES).iter_rows():
        deliveries.setdefault(source, []).append(noted_at)
    begun = query(_BEGUN).item()
    expecting = {name for name, source in settings.sources.items() if source.expect is not None}
    return [
        failure
        for source in sorted(deliveries.keys() | expecting)
        if source not in delivering
        for failure in _overdue(settings, source, deliveries.get(source) or [begun or now], now=now)
    ]


def _overdue(settings: Settings, source: str, deliveries: Sequence[datetime], *, now: datetime) -> Iterable[Failure]:
    severity, due = _severity(settings, source), due_of(settings, source, deliveries)
    if severity is not Severity.INFO and due is not None and due.is_overdue(now):
        yield Failure(source, RULE, severity, due.message(now))


def _severity(settings: Settings, source: str) -> Severity:
    declared = settings.source(source).rules.get(RULE)
    return watch_declarations()[RULE].severity if declared is None or declared.severity is None else declared.severity


def due_of(settings: Settings, source: str, deliveries: Sequence[datetime]) -> Due | None:
    """Return when a source is due that came at these times; null where that is neither declared nor to be learnt."""
    expect = settings.source(source).expect
    return when_due(deliveries, expected=None if expect is None else interval_length(expect))


def newly_missing(settings: Settings) -> list[Failure]:
    """Return the sources that have fallen silent since anybody was told, going by the published file."""
    home = settings.home
    if not home.published.exists():
        return []

    def query(sql: str) -> pl.DataFrame:
        return read_published(home, sql)

    try:
        known = set(query(_KNOWN).get_column("source"))
        missing = find_missing(settings, query, now=datetime.now(UTC))
    except QueryError:  # an older version made the file; whoever takes something in is told
        return []
    return [failure for failure in missing if failure.source not in known]
