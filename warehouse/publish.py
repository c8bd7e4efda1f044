"""The published file: views over the Parquet files of one snapshot, swapped in by rename.

Any DuckDB client opens `warehouse.duckdb` read-only, with no extension and no lock: it holds nothing but views, and
for each stored table a macro that names its files in a snapshot. A session that has it open keeps its snapshot; the
next one to open it sees the next. Files of the lake are never changed, only joined by others, so an old snapshot stays
whole.

A history shows the row of the highest `commit_no` by key; of proposed lines those are not shown that too few articles
hold, or that are not among the most frequent of their source. `articles`, as all views that show more than a stored
table, is a file in `sql/`.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb

from seeds.tables import reason_codes
from transforms.columns import Column, Table
from transforms.dates import EARLY, EPOCHS
from transforms.ops_schema import INCIDENTS
from transforms.schema import ARTICLE_FIELDS, ARTICLES, BOILERPLATE_CANDIDATES, STORED
from transforms.source_lines import LEAST_ARTICLES, MOST_PROPOSED, PROPOSED
from warehouse.catalog_file import LakeState, files_of_snapshot, lake_state, latest_snapshot
from warehouse.checksums import note_checksums
from warehouse.database import first_line, named_files, quoted, unreadable_file
from warehouse.errors import CatalogError, HomeNotWritableError, WarehouseError
from warehouse.files import names_in
from warehouse.home import Home
from warehouse.journal import note_commits
from warehouse.lake import Lake
from warehouse.search_index import update_index
from warehouse.stored_tables import SQL_TYPES, schema_and_name, stored_name
from warehouse.views import comments_of, read_views

_SHOWN_ONLY = {
    ARTICLE_FIELDS.name: f"WHERE article_id IN (SELECT article_id FROM {ARTICLES.name} WHERE record_count > 1)",
    BOILERPLATE_CANDIDATES.name: (
        f"WHERE status <> '{PROPOSED}' OR articles >= {LEAST_ARTICLES} "
        f"QUALIFY status <> '{PROPOSED}' OR row_number() "
        f"OVER (PARTITION BY source, status ORDER BY articles DESC, line_key) <= {MOST_PROPOSED}"
    ),
}
"""Which of the rows that count in a history are shown; all, by default."""

_STATUS_NOW = (
    "CASE WHEN status <> 'muted' OR muted_until > now() THEN status WHEN resolved_at IS NULL THEN 'open' "
    "ELSE 'resolved' END"
)
"""Status of an incident, a mute that has ended left aside: it stands in the row until a run judges the rule again."""

_CREDIBLE = f"""
    CASE
        WHEN epoch_us(moment) BETWEEN epoch_us(TIMESTAMP '{EARLY:%F}') AND epoch_us(ingested_at) + 86_400_000_000
            AND epoch_us(moment) NOT IN ({", ".join(f"epoch_us(TIMESTAMP '{epoch:%F}')" for epoch in EPOCHS)})
        THEN moment
    END
"""
"""A date that can be: not before there were newspapers, not in the future, and none that programs write for none."""


def publish(lake: Lake) -> None:
    """Publish the newest snapshot: readers that open the file from now on see it, whole, and can search it.

    What was committed since the last time is entered into the journal before, and what a killed process left half made
    is removed; the caller has the writer's lock.

    Raises:
        HomeNotWritableError: if the file cannot be written; the one that there is stays.
    """
    home = lake.home
    remove_leftovers(home)
    note_commits(lake)
    fresh = home.root / f".{home.published.name}.{os.getpid()}.part"
    try:
        write_views(lake, fresh)
        fresh.replace(home.published)
    except (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException, OSError) as error:
        for left in home.root.glob(f"{fresh.name}*"):
            left.unlink()
        if unreadable_file(error):
            raise
        raise HomeNotWritableError(
            f"{home.published} cannot be written ({first_line(error)}); make room and run copydesk publish. Readers "
            "see what was published before."
        ) from error
    with suppress(OSError, sqlite3.Error, WarehouseError):  # noted by the next one then
        note_checksums(home)
    if not home.is_within_another:
        with suppress(OSError, ValueError, duckdb.Error, WarehouseError):  # behind then, as search and doctor say
            update_index(lake)


def write_views(lake: Lake, path: Path, *, at: int | None = None) -> None:
    """Write a file of views over a snapshot, by default the newest."""
    snapshot = latest_snapshot(lake.home) if at is None else at
    files = {} if snapshot is None else files_of_snapshot(lake.home, snapshot)
    path.write_bytes(_views_of_nothing())
    lists = (_rows(table, files.get(schema_and_name(stored_name(table)), ())) for table in STORED.values())
    _execute(path, (*lists, _publication(lake.home, at=at)))


@cache
def _views_of_nothing() -> bytes:
    """Return a file of all views, with their comments, over tables without rows.

    It is made once a process: to make it takes several times as long as to name the files in it.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        path = Path(folder) / "views.duckdb"
        _execute(path, _views())
        return path.read_bytes()


def _execute(path: Path, statements: Iterable[str]) -> None:
    """Execute statements in one transaction, and have them in the file; one by one they take half as long again."""
    with duckdb.connect(str(path)) as published:
        published.execute(";\n".join(("BEGIN", *statements, "COMMIT")))
        published.execute("CHECKPOINT")  # as the connection closes, nobody would be told that it failed


def _views() -> Iterator[str]:
    yield "CREATE SCHEMA ops"
    yield f"CREATE MACRO ops.credible_date(moment, ingested_at) AS {_CREDIBLE}"
    of_files = {view.name: view for view in read_views()}
    for table in STORED.values():
        yield _rows(table, ())
        view = of_files.pop(table.name, None)
        yield from _view(table) if view is None else view.statements()
    yield from _reason_codes()
    for view in of_files.values():
        yield from view.statements()
    columns = "snapshot_id BIGINT, published_at TIMESTAMPTZ, home VARCHAR, catalog_id VARCHAR"
    yield f"CREATE TABLE ops.publication ({columns})"
    yield "COMMENT ON TABLE ops.publication IS 'Which snapshot of the lake these views show.'"
    yield "COMMENT ON COLUMN ops.publication.snapshot_id IS 'Snapshot of the lake.'"
    yield "COMMENT ON COLUMN ops.publication.published_at IS 'When the views were made (UTC).'"
    yield "COMMENT ON COLUMN ops.publication.home IS 'Home folder, as it lay when the views were made.'"
    yield "COMMENT ON COLUMN ops.publication.catalog_id IS 'Catalog of the snapshot: a rebuild makes another one.'"


def published_state(home: Home) -> LakeState | None:
    """Return the state that the published file shows; None where it is absent, damaged, or was made elsewhere."""
    if not home.published.exists():
        return None
    try:
        with duckdb.connect(str(home.published), read_only=True) as published:
            row = published.execute("SELECT catalog_id, snapshot_id, home FROM ops.publication").fetchone()
    except duckdb.Error:
        return None
    return LakeState(row[0], int(row[1])) if row and Path(row[2]).resolve() == home.root.resolve() else None


def is_stale(home: Home) -> bool:
    """Whether there is a snapshot that the published file does not show, or a commit that was broken off."""
    if not home.is_initialised:
        return False
    state = lake_state(home)
    return state is None or state != published_state(home)


def remove_leftovers(home: Home) -> int:
    """Remove half-made published files, lists and entries; the caller must hold the writer's lock."""
    of_root = (home.published, home.superseded, home.withdrawing)
    leftovers = [left for path in of_root for left in home.root.glob(f".{path.name}.*.part*")]
    for folder in (home.journal, home.search):
        leftovers += [folder / name for name in names_in(folder) if name.startswith(".") and name.endswith(".part")]
    for path in leftovers:
        path.unlink()
    return len(leftovers)


def _view(table: Table) -> Iterable[str]:
    yield f"CREATE VIEW {table.name} AS {_select(table)}"
    yield f"COMMENT ON VIEW {table.name} IS {quoted(table.comment)}"
    for name, comment in comments_of(table).items():
        yield f"COMMENT ON COLUMN {table.name}.{name} IS {quoted(comment)}"


def _select(table: Table) -> str:
    shown = [column for column in table.columns if column.name != "commit_no"]
    rows = f"SELECT {', '.join(_shown(column) for column in shown)} FROM {_macro(table)}"
    if table.latest_by:
        key = ", ".join(table.latest_by)
        rows += f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY commit_no DESC) = 1"
    if table.name in _SHOWN_ONLY:
        rows = f"SELECT * FROM ({rows}) {_SHOWN_ONLY[table.name]}"
    if table is INCIDENTS:
        rows = f"SELECT * REPLACE ({_STATUS_NOW} AS status) FROM ({rows})"
    return rows


def _shown(column: Column) -> str:
    return f"CAST({column.name} AS {column.shown_as}) AS {column.name}" if column.shown_as else column.name


def _macro(table: Table) -> str:
    return f"ops.rows_of_{table.name.rpartition('.')[2]}()"


def _rows(table: Table, data_files: Sequence[Path]) -> str:
    """Name the files of a table, and its columns: files that were merged carry one more, those of long ago less."""
    names = ", ".join(column.name for column in table.columns)
    nothing = ", ".join(f"CAST(NULL AS {SQL_TYPES[column.dtype]}) AS {column.name}" for column in table.columns)
    rows = f"SELECT {names} FROM {named_files(data_files)}" if data_files else f"SELECT {nothing} WHERE false"
    return f"CREATE OR REPLACE MACRO {_macro(table)} AS TABLE {rows}"


def _reason_codes() -> Iterable[str]:
    """Show what codes mean, so that a query can say it."""
    columns = {
        "code": "Code, as it stands in reasons, flags and rules.",
        "kind": "reason (a record is held back), flag (it is loaded) or table rule (a source has a fault).",
        "meaning": "What it means.",
        "remedy": "What to do.",
    }
    rows = ", ".join(f"({', '.join(map(quoted, row))})" for row in reason_codes().select(*columns).iter_rows())
    yield f"CREATE VIEW ops.reason_codes AS SELECT * FROM (VALUES {rows}) AS codes ({', '.join(columns)})"
    yield "COMMENT ON VIEW ops.reason_codes IS 'What the codes of rules mean, and what to do; not of your own.'"
    for name, comment in columns.items():
        yield f"COMMENT ON COLUMN ops.reason_codes.{name} IS {quoted(comment)}"


def _publication(home: Home, *, at: int | None) -> str:
    state = lake_state(home)
    if state is None:
        raise CatalogError(f"The catalog {home.catalog} is in use; run copydesk publish when nobody writes.")
    snapshot, now = state.snapshot if at is None else at, datetime.now(UTC)
    named = f"{quoted(str(home.root.absolute()))}, {quoted(state.catalog_id)}"
    return f"INSERT INTO ops.publication VALUES ({snapshot}, '{now.isoformat()}', {named})"
