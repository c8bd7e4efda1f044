"""Exports: articles as a file for others, with a manifest that says what it is, of which state, and by what right.

An article is exported as one record of it: the canonical one, or, where the source of that may not be exported or it
does not meet the condition, the next that may and does. A source may be exported where `rights` in copydesk.toml says
by what right, or where it is asked for by name. What was withdrawn is in no table, and so in no export from then on.

File and manifest appear together, in a folder of their own, or not at all. What is exported as JSON Lines or Parquet
can be taken in again, and is the same text then: cleaning recognises it by `body_sha256`.
"""

import csv
import json
import shlex
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from flows.options import UsageError
from flows.settings import Settings
from flows.sql_values import json_value, plain_text
from warehouse.files import sha256_of
from warehouse.query import Reader, open_reader

MANIFEST = "manifest.json"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet may run (OWASP, "CSV injection")."""

_SOURCES = "SELECT source, count(*) AS records FROM records GROUP BY source ORDER BY source"
_STATE = "SELECT snapshot_id, catalog_id, published_at FROM ops.publication"
_FINISHED = "SELECT finished_at FROM ops.runs WHERE run_id = $run_id"
_RECORDS = """
    SELECT x.article_id, r.record_id, r.source,
        CAST($rights AS VARCHAR[])[list_position($sources, r.source)] AS rights, r.url, r.headline, r.dek, r.authors,
        r.published_at, r.modified_at, r.language, r.keywords, r.headings, r.body, r.word_count, r.body_sha256, r.flags,
        r.ingested_at, r.run_id, x.relation
    FROM records AS r INNER JOIN record_articles AS x USING (record_id)
    WHERE list_contains($sources, r.source) AND x.relation <> 'excerpt'
"""
_BEST_OF_ARTICLE = """
    QUALIFY row_number() OVER (
        PARTITION BY article_id
        ORDER BY list_position(['canonical', 'exact_copy', 'near_copy', 'revision'], relation), record_id
    ) = 1
    ORDER BY article_id
"""
_LATER = "(SELECT run_id FROM ops.runs WHERE finished_at > $since)"  # others may have run beside it
_CHANGED = f"""
    SELECT article_id FROM ops.rows_of_articles() WHERE run_id IN {_LATER}
    UNION SELECT article_id FROM record_articles WHERE run_id IN {_LATER}
    UNION SELECT unnest(article_ids) FROM ops.retractions WHERE run_id IN {_LATER}
"""
_COMMENTS = """
    SELECT column_name, any_value(comment) AS comment FROM duckdb_columns()
    WHERE table_name IN ('records', 'record_articles') AND schema_name = 'main' GROUP BY column_name
"""


class ExportFormat(StrEnum):
    """How articles are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True)
class Exported:
    """What an export came to; also its manifest.

    Attributes:
        format: Format of the file.
        file: Its name.
        articles: Articles in it.
        articles_by_source: The same by the source that each is exported from.
        bytes: Its size.
        sha256: Its digest.
        snapshot_id: Snapshot of the lake that it shows, of `catalog_id`.
        published_at: When that was published (UTC).
        exported_at: When it was exported (UTC).
        version: Version of copydesk.
        where: Condition that the articles meet; null if none.
        since: Run after whose end the runs have ended that made or changed them; null if none.
        gone: Ids of articles that changed since that run and are not in the file, as they were withdrawn, belong to
            another article now, or may no longer be exported: who keeps earlier exports has to remove them. Null if
            there is no `since`.
        rights: By what right, for each source in it; null where it was asked for by name.
        left_out: Records of each source that may not be exported.
        neutralised: Cells that a spreadsheet would have run, and that have a quote before them; of CSV alone.
        columns: Type of each column, and what it holds.
    """

    format: ExportFormat
    file: str
    articles: int
    articles_by_source: Mapping[str, int]
    bytes: int
    sha256: str
    snapshot_id: int
    catalog_id: str
    published_at: datetime
    exported_at: datetime
    version: str
    where: str | None
    since: str | None
    gone: Sequence[str] | None
    rights: Mapping[str, str | None]
    left_out: Mapping[str, int]
    neutralised: int
    columns: Mapping[str, Mapping[str, str | None]]


def export(
    settings: Settings,
    to: Path,
    *,
    format_: ExportFormat = ExportFormat.PARQUET,
    where: str | None = None,
    since: str | None = None,
    named: Sequence[str] = (),
) -> Exported:
    """Write the articles of sources that may be exported, or are named, into a new folder.

    `where` is a condition of SQL on the columns of the export, `since` a run: only articles that runs made or changed
    which ended after it.

    Raises:
        UsageError: if the folder holds something or cannot be written, there is no such run, or no source may be
            exported; nothing is left of it then.
        QueryError: if the condition is none.
        NotPublishedError: if nothing has been published.
    """
    to = to.resolve()
    with open_reader(settings.home) as reader:
        rights, left_out = _rights(settings, reader, named)
        sql, parameters = _query(reader, rights, where=where, since=since)
        with _appearing(to) as part:
            path = part / f"articles.{format_}"
            by_source: Counter[str] = Counter()
            neutralised = _WRITERS[format_](_counted(reader.scan(sql, parameters), by_source), path)
            done = Exported(
                format=format_,
                file=path.name,
                articles=by_source.total(),
                articles_by_source=dict(sorted(by_source.items())),
                bytes=path.stat().st_size,
                sha256=sha256_of(path),
                **reader.read(_STATE).row(0, named=True),
                exported_at=datetime.now(UTC),
                version=version("copydesk"),
                where=where,
                since=since,
                gone=None if since is None else _gone(reader, sql, parameters),
                rights={name: right for name, right in rights.items() if name in by_source},
                left_out=left_out,
                neutralised=neutralised,
                columns=_columns(reader, sql, parameters),
            )
            (part / MANIFEST).write_text(json.dumps(json_value(asdict(done)), ensure_ascii=False, indent=1), "utf-8")
    return done


@contextmanager
def _appearing(to: Path) -> Iterator[Path]:
    """Lend a folder beside another, whose files that one has in the end; a folder that is there stays the same one.

    Raises:
        UsageError: if the folder holds something, or cannot be written.
    """
    try:
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise UsageError(f"{to} is no empty folder; name another one, so that nothing of before is mixed in.")
        part = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}.part")
        part.mkdir(parents=True)
        try:
            yield part
            if to.exists():
                for path in sorted(part.iterdir(), key=lambda path: path.name == MANIFEST):
                    path.rename(to / path.name)
                part.rmdir()
            else:
                part.rename(to)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as error:
        raise UsageError(
            f"{to} cannot be written ({error.strerror or error}); make room, or name another folder."
        ) from error


def _rights(settings: Settings, reader: Reader, named: Sequence[str]) -> tuple[dict[str, str | None], dict[str, int]]:
    """Return the rights of the sources that may be exported, and the records of those that may not."""
    records = dict(reader.read(_SOURCES).iter_rows())
    if unknown := sorted(set(named) - records.keys()):
        raise UsageError(f"There is nothing of {unknown[0]!r}; sources are {', '.join(records) or 'none'}.")
    rights = {name: settings.source(name).rights for name in records}
    allowed = {name: right for name, right in rights.items() if right is not None or name in named}
    if not allowed:
        raise UsageError(
            "No source may be exported, as copydesk.toml says nothing of their rights; set rights in [sources.NAME], "
            f"or name sources with --source: {', '.join(map(shlex.quote, records)) or 'there are none'}."
        )
    return allowed, {name: count for name, count in records.items() if name not in allowed}


def _query(
    reader: Reader, rights: Mapping[str, str | None], *, where: str | None, since: str | None
) -> tuple[str, dict[str, Any]]:
    parameters: dict[str, Any] = {"sources": list(rights), "rights": list(rights.values())}
    conditions = ["true"]
    if where is not None:
        # What closes brackets of one kind too early to add something is wrong between those of another.
        reader.read(f"EXPLAIN SELECT * FROM ({_RECORDS}) WHERE [{where}\n][1]", parameters)
        conditions.append(f"({where}\n)")
    if since is not None:
        finished = reader.read(_FINISHED, {"run_id": since})["finished_at"]
        if finished.is_empty():
            raise UsageError(f'There is no run {since!r}; copydesk sql "SELECT run_id FROM ops.runs" lists them.')
        parameters["since"] = finished[0]
        conditions.append(f"article_id IN ({_CHANGED})")
    chosen = f"SELECT * FROM ({_RECORDS}) WHERE {' AND '.join(conditions)} {_BEST_OF_ARTICLE}"
    return f"SELECT * EXCLUDE (relation) FROM ({chosen})", parameters


def _gone(reader: Reader, sql: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what changed since the run and is not exported."""
    gone = reader.read(
        f"SELECT article_id FROM ({_CHANGED}) EXCEPT SELECT article_id FROM ({sql}) ORDER BY 1", parameters
    )
    return gone["article_id"].to_list()


def _counted(frames: Iterator[pl.DataFrame], by_source: Counter[str]) -> Iterator[pl.DataFrame]:
    """Count the articles of each source on their way."""
    for frame in frames:
        by_source.update(frame["source"].to_list())
        yield frame


def _columns(reader: Reader, sql: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    comments = dict(reader.read(_COMMENTS).iter_rows()) | {"rights": "By what right the source may be exported."}
    types = reader.read(f"DESCRIBE {sql}", parameters).select("column_name", "column_type").iter_rows()
    return {name: {"type": dtype, "comment": comments.get(name)} for name, dtype in types}


def _write_parquet(frames: Iterator[pl.DataFrame], path: Path) -> int:
    first = next(frames).to_arrow()
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for frame in frames:
            writer.write_table(frame.to_arrow())
    return 0


def _write_jsonl(frames: Iterator[pl.DataFrame], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for frame in frames:
            for row in frame.iter_rows(named=True):
                file.write(json.dumps(json_value(row), ensure_ascii=False) + "\n")
    return 0


def write_csv(frames: Iterator[pl.DataFrame], path: Path) -> int:
    """Write a header and rows, lists as JSON; a cell that a spreadsheet would run has a quote before it."""
    neutralised = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)  # whose lines end as RFC 4180 has it: then a lone CR in a cell is quoted, too
        for frame in frames:
            if not file.tell():
                writer.writerow(frame.columns)
            for row in frame.iter_rows():
                cells = [
                    None if value is None else value if isinstance(value, str) else plain_text(value) for value in row
                ]
                is_run = [cell is not None and cell.startswith(FORMULA_SIGNS) for cell in cells]
                neutralised += sum(is_run)
                writer.writerow([f"'{cell}" if runs else cell for cell, runs in zip(cells, is_run, strict=True)])
    return neutralised


_WRITERS: Mapping[ExportFormat, Callable[[Iterator[pl.DataFrame], Path], int]] = {
    ExportFormat.PARQUET: _write_parquet,
    ExportFormat.JSONL: _write_jsonl,
    ExportFormat.CSV: write_csv,
}
