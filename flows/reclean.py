"""Cleaning records again, from their bytes in the raw store: in one commit, or not at all.

Makes of stored records what an ingest under today's rules and settings would have made, and puts that in their place:
text, spans, evidence, noted lines, articles. A record keeps its run and its time: it came in then. Its dates are judged
as of the run that took in its drop, which is an earlier one where the record was replayed. What was held back stays
held back.

Which records, and under which accepted lines, is decided elsewhere (`flows.boilerplate`, `flows.rebuild_text`); so is
what becomes of those that would no longer meet a critical rule, or are not found where they lay: they are named, and
nothing is staged of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from flows.drop_reader import POSITION, DropReader, SourceBatch
from flows.extraction_pool import ExtractionPool
from flows.learn import Recount, propose
from flows.load import run_row, summarise_changes
from flows.match import GONE, PLACED, place
from flows.parse import clean_and_check, rows_to_load, stage_all, write_staged
from flows.run import COMPILING, STAGED_BY_RECORD, Progress, Summary, WritingRun
from transforms.ops_schema import DROPS, FINGERPRINTS, LINE_SIGHTINGS, MATCHES, RUNS
from transforms.schema import BOILERPLATE_CANDIDATES, RECORDS
from transforms.source_lines import LINES
from warehouse.publish import publish
from warehouse.raw_store import RawStore
from warehouse.replace import replace_rows

_RECORDS = """
    SELECT source, record_id, drop_sha256, record_no, byte_start, byte_end, run_id, ingested_at, match_key, body_sha256,
        body_chars
    FROM records SEMI JOIN read_parquet($records) USING (record_id)
"""
_GONE_MATCHES = """
    SELECT one_key, other_key FROM ops.matches
    WHERE one_key IN (SELECT match_key FROM read_parquet($gone))
        OR other_key IN (SELECT match_key FROM read_parquet($gone))
"""

_DROP = ("source", "drop_sha256")

LEFT = pl.Schema({"source": pl.String(), "record_id": pl.String(), "why": pl.String()})
"""What is said of a record of which nothing was staged."""

_LOST = pl.format(
    "It is not found again where it lay in its drop; see whether the settings of {} have changed.", "source"
)


@dataclass(frozen=True)
class Restaged:
    """Records that were cleaned again, and lie staged.

    Attributes:
        replaced: What is to be known of these as they are stored; also staged, as `replaced`.
        refused: Records that would no longer meet a critical rule: `source`, `record_id` and `why`.
        lost: Records that are not found again where they lay in their drops, or whose drop is damaged: the same.
    """

    replaced: pl.DataFrame
    refused: pl.DataFrame
    lost: pl.DataFrame


def restage(run: WritingRun, records: pl.DataFrame, boilerplate: Mapping[str, tuple[str, ...]]) -> Restaged:
    """Clean stored records again, given by `record_id`, with the accepted lines of their sources; stage the outcome."""
    from transforms.compiled import watch_compilation  # noqa: PLC0415 -- 0.3 s for the compiler, if there is news

    stored = _find(run, records)
    damaged = _find_damaged(run, stored)
    whole = stored.join(damaged, on="record_id", how="anti", maintain_order="left")
    with watch_compilation(lambda: run.on_progress(COMPILING)), ExtractionPool() as pages:
        reader = DropReader(run, files_total=whole.n_unique(_DROP), pages=pages, boilerplate=boilerplate)
        stage_all(_read_again(reader, whole), partial(_stage, run, whole))
    refused, found = _staged(run, "refused", LEFT), _staged(run, "records", pl.Schema({"record_id": pl.String()}))
    replaced = whole.join(found, on="record_id", how="semi")
    replaced.write_parquet(run.path("replaced"))
    lost = whole.join(found, on="record_id", how="anti").join(refused, on="record_id", how="anti")
    named = pl.concat([damaged, lost.select("source", "record_id", why=_LOST)])
    return Restaged(replaced, refused.sort("source", "record_id"), named.sort("source", "record_id"))


def _find(run: WritingRun, records: pl.DataFrame) -> pl.DataFrame:
    """Return what has to be known of stored records, with the `uri` of their drops and when these are judged as of."""
    path = run.path("found")
    records.write_parquet(path)
    runs = run.lake.latest(RUNS).select("run_id", judged_at="started_at")
    drops = (
        run.lake.latest(DROPS)
        .join(runs, on="run_id", how="left")
        .select(*_DROP, "uri", judged_at=pl.coalesce("judged_at", "received_at"))
    )
    found = run.lake.query(_RECORDS, {"records": str(path)}).join(drops, on=_DROP, how="left")
    return found.sort("judged_at", "source", "uri", "drop_sha256", "record_no")


def _find_damaged(run: WritingRun, stored: pl.DataFrame) -> pl.DataFrame:
    """Find the records (LEFT) whose drops do not have the bytes that were delivered: others would make another text."""
    run.on_progress(Progress("checking the raw store"))
    damaged = RawStore(run.settings.home.raw).find_damaged(stored["drop_sha256"].unique())
    why = pl.DataFrame(list(damaged.items()), {"drop_sha256": pl.String(), "why": pl.String()}, orient="row")
    return stored.join(why, on="drop_sha256").select(LEFT.names())


def _read_again(reader: DropReader, stored: pl.DataFrame) -> Iterator[SourceBatch]:
    """Yield batches of the records, with numbers of their own: each judged as of one time, and of one source."""
    number = 0
    for of_time in stored.partition_by("judged_at", maintain_order=True):
        drops = of_time.select(*_DROP, "uri").unique(maintain_order=True)
        wanted = of_time.select(*_DROP, *POSITION).partition_by(_DROP, as_dict=True, include_key=False)
        for batch in reader.batches(drops, wanted=wanted):
            yield replace(batch, number=number)
            number += 1


def _stage(run: WritingRun, stored: pl.DataFrame, batch: SourceBatch) -> None:
    of_batch = stored.join(batch.records, on="record_id", how="semi")
    judged_at: datetime = of_batch["judged_at"][0]
    cleaned, checked = clean_and_check(batch, now=judged_at)
    of_run = of_batch.select("record_id", "run_id", pl.col("ingested_at").cast(RECORDS.schema["ingested_at"]))
    accepted = checked.accepted.join(of_run, on="record_id", how="left", maintain_order="left")
    refused = checked.rejected.select("source", "record_id", why="detail")
    write_staged(run, batch, {**rows_to_load(cleaned, accepted), "refused": refused})


def _staged(run: WritingRun, kind: str, schema: pl.Schema) -> pl.DataFrame:
    """Return columns of all that was staged of a kind."""
    paths = run.staged(kind)
    return pl.scan_parquet(paths).select(*schema).collect() if paths else pl.DataFrame(schema=schema)


def place_again(run: WritingRun, restaged: Restaged, *, decisions: pl.DataFrame | None = None) -> None:
    """Stage where the records belong now, and what the lines of their sources count now.

    `decisions` are rows of `boilerplate_candidates` that hold what was decided; their figures are not read.
    """
    replaced, decided = run.path("replaced"), run.path("decisions")
    run.on_progress(Progress("matching"))
    if restaged.replaced.height:
        place(run, run.staged("records"), replaced=replaced)
    news = pl.DataFrame(schema=BOILERPLATE_CANDIDATES.schema) if decisions is None else decisions
    news.write_parquet(decided)
    sources = pl.concat([restaged.replaced["source"], news["source"]]).unique().to_list()
    propose(run, run.staged("lines") or [_no_lines(run)], recount=Recount(sources, decided, replaced))


def _no_lines(run: WritingRun) -> Path:
    """Stage a file without rows, for a query that reads files."""
    path = run.path("no_lines")
    pl.DataFrame(schema={**LINES, **LINE_SIGHTINGS.schema}).write_parquet(path)
    return path


def commit_again(run: WritingRun, *, kind: str, entry: str | None = None) -> Summary:
    """Put what is staged in the place of what was, and publish it; `entry` is for the journal."""
    run.on_progress(Progress("loading"))
    summary = summarise_changes(run)
    run_row(run, summary, kind=kind).write_parquet(run.path(RUNS.name))
    with run.lake.commit(f"{kind} {run.run_id}", entry=entry):
        for table, staged in STAGED_BY_RECORD.items():
            replace_rows(run.lake, table, run.staged(staged), replaced=run.path("replaced"))
        forget_gone(run)
        for table in PLACED:
            run.lake.insert(table, run.staged(table.name))
        for table in (BOILERPLATE_CANDIDATES, RUNS):
            run.lake.insert(table, [path for path in [run.path(table.name)] if path.exists()])
    publish(run.lake)
    return summary


def forget_gone(run: WritingRun) -> None:
    """Remove what was known of texts that no record has any more: a passage of theirs would count for two texts."""
    gone, matches = run.path(GONE), run.path("gone_matches")
    if gone.exists():
        run.lake.query(_GONE_MATCHES, {"gone": str(gone)}).write_parquet(matches)
        replace_rows(run.lake, FINGERPRINTS, [], replaced=gone, key="match_key")
        replace_rows(run.lake, MATCHES, [], replaced=matches, key="one_key, other_key")
