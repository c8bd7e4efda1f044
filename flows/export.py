"""Exports: articles as a file for others, with a manifest that says what it is, of which state, and by what right.

An article is exported as one record of it: the canonical one, or, where the source of that may not be exported, the
next that may. A source may be exported where `rights` in copydesk.toml says by what right, or where it is asked for by
name. What was withdrawn is in no table, and so in no export from then on.

File and manifest appear together, in a folder of their own, or not at all. What is exported as JSON Lines or Parquet
can be taken in again.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from warehouse.query import Reader, open_reader

MANIFEST = "manifest.json"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may run (OWASP, "CSV injection")."""

_SOURCES = "SELECT source, count(*) AS records FROM records GROUP BY source ORDER BY source"
_STATE = "SELECT snapshot_id, catalog_id, published_at FROM ops.publication"
_FINISHED = "SELECT finished_at FROM ops.runs WHERE run_id = $run_id"
_ARTICLES = """
    SELECT x.article_id, r.record_id, r.source,
        CAST($rights AS VARCHAR[])[list_position($sources, r.source)] AS rights, r.url, r.headline, r.dek, r.authors,
        r.published_at, r.modified_at, r.language, r.keywords, r.headings, r.body, r.word_count, r.body_sha256, r.flags,
        r.ingested_at, r.run_id
    FROM records AS r INNER JOIN record_articles AS x USING (record_id)
    WHERE list_contains($sources, r.source) AND x.relation <> 'excerpt'
    QUALIFY row_number() OVER (
        PARTITION BY x.article_id
        ORDER BY list_position(['canonical', 'exact_copy', 'near_copy', 'revision'], x.relation), r.record_id
    ) = 1
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
        bytes: Its size.
        sha256: Its digest.
        snapshot_id: Snapshot of the lake that it shows, of `catalog_id`.
        published_at: When that was published (UTC).
        exported_at: When it was exported (UTC).
        version: Version of copydesk.
        where: Condition that the articles meet; null if none.
        since: Run after whose end the runs that took them in have ended; null if none.
        rights: By what right, for each source in it; null where it was asked for by name.
        left_out: Records of each source that may not be exported.
        neutralised: Cells that a spreadsheet would have run, and that have a quote before them; of CSV alone.
        columns: Type of each column, and what it holds.
    """

    format: ExportFormat
    file: str
    articles: int
    bytes: int
    sha256: str
    snapshot_id: int
    catalog_id: str
    published_at: datetime
    exported_at: datetime
    version: str
    where: str | None
    since: str | None
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

    `where` is a condition of SQL on the columns of the export, `since` a run: only what runs took in that
    ended after it.

    Raises:
        UsageError: if the folder holds something, there is no such run, or no source may be exported.
        QueryError: if the condition is none.
        NotPublishedError: if nothing has been published.
        OSError: if the folder cannot be written; nothing is left of it then.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is no empty folder; name another one, so that nothing of before is mixed in.")
    with open_reader(settings.home) as reader:
        rights, left_out = _rights(settings, reader, named)
        sql, parameters = _query(reader, rights, where=where, since=since)
        part = to.with_name(f".{to.name}.part")
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            path = part / f"articles.{format_}"
            articles, neutralised = _WRITERS[format_](reader.scan(sql, parameters), path)
            state = reader.read(_STATE).row(0, named=True)
            done = Exported(
                format=format_,
                file=path.name,
                articles=articles,
                bytes=path.stat().st_size,
                sha256=_digest(path),
                **state,
                exported_at=datetime.now(UTC),
                version=version("copydesk"),
                where=where,
                since=since,
                rights=rights,
                left_out=left_out,
                neutralised=neutralised,
                columns=_columns(reader, sql, parameters),
            )
            (part / MANIFEST).write_text(json.dumps(json_value(asdict(done)), ensure_ascii=False, indent=1), "utf-8")
            with suppress(FileNotFoundError):
                to.rmdir()
            part.rename(to)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return done


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
            f"or name sources with --source: {', '.join(records) or 'there are none'}."
        )
    return allowed, {name: count for name, count in records.items() if name not in allowed}


def _query(
    reader: Reader, rights: Mapping[str, str | None], *, where: str | None, since: str | None
) -> tuple[str, dict[str, Any]]:
    parameters: dict[str, Any] = {"sources": list(rights), "rights": list(rights.values())}
    conditions = []
    if since is not None:
        finished = reader.read(_FINISHED, {"run_id": since})["finished_at"]
        if finished.is_empty():
            raise UsageError(f'There is no run {since!r}; copydesk sql "SELECT run_id FROM ops.runs" lists them.')
        parameters["since"] = finished[0]
        conditions.append("run_id IN (SELECT run_id FROM ops.runs WHERE finished_at > $since)")  # others ran beside it
    if where is not None:
        conditions.append(f"({where}\n)")
    sql = f"SELECT * FROM ({_ARTICLES})" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
    return f"{sql} ORDER BY article_id", parameters


def _columns(reader: Reader, sql: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    comments = dict(reader.read(_COMMENTS).iter_rows()) | {"rights": "By what right the source may be exported."}
    types = reader.read(f"DESCRIBE {sql}", parameters).select("column_name", "column_type").iter_rows()
    return {name: {"type": dtype, "comment": comments.get(name)} for name, dtype in types}


def _write_parquet(frames: Iterator[pl.DataFrame], path: Path) -> tuple[int, int]:
    first = next(frames).to_arrow()
    count = 0
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for frame in frames:
            writer.write_table(frame.to_arrow())
            count += frame.height
    return count, 0


def _write_jsonl(frames: Iterator[pl.DataFrame], path: Path) -> tuple[int, int]:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for frame in frames:
            for row in frame.iter_rows(named=True):
                file.write(json.dumps(json_value(row), ensure_ascii=False) + "\n")
            count += frame.height
    return count, 0


def _write_csv(frames: Iterator[pl.DataFrame], path: Path) -> tuple[int, int]:
    """Write a header and rows, lists as JSON; a cell that a spreadsheet would run has a quote before it."""
    count = neutralised = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
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
            count += frame.height
    return count, neutralised


_WRITERS: Mapping[ExportFormat, Callable[[Iterator[pl.DataFrame], Path], tuple[int, int]]] = {
    ExportFormat.PARQUET: _write_parquet,
    ExportFormat.JSONL: _write_jsonl,
    ExportFormat.CSV: _write_csv,
}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
