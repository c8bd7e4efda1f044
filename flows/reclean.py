"""Cleaning records again, from their bytes in the raw store: in one commit, or not at all.

Takes the records of a source that a decision on its lines concerns, makes of them what an ingest under that decision
would have made, and puts that in their place: text, spans, evidence, noted lines, articles. A record keeps its run and
its time: it came in then. Its dates are judged as of the run that took in its drop, which is an earlier one where the
record was replayed. What was held back stays held back.

Nothing is changed where a record would no longer meet a critical rule: it was accepted, and to take it away is not what
a decision on a line is for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.drop_reader import DropBatch, Gathered, SourceBatch, body_format, join_batches, parse_options
from flows.learn import Recount, propose
from flows.load import ConservationError, run_row
from flows.match import PLACED, place
from flows.parse import clean_and_check, rows_to_load, write_staged
from flows.run import Progress, Summary, WritingRun
from transforms.ops_schema import DROPS, LINE_SIGHTINGS, RUNS
from transforms.parsing import parse_drop
from transforms.raw_batches import RawBatch
from transforms.schema import BOILERPLATE_CANDIDATES, RECORD_EVIDENCE, RECORDS, SPANS
from transforms.source_lines import LINES, MOST_LINE_CHARS, holds_line
from warehouse.journal_entry import RECLEAN
from warehouse.publish import publish
from warehouse.raw_store import RawStore
from warehouse.replace import replace_rows

NAMED = 3
"""Records that a refusal names at most."""

_TEXTS = f"""
    WITH of_source AS (SELECT record_id, body FROM records WHERE source = $source)
    SELECT record_id, body FROM of_source
    UNION ALL
    SELECT record_id, text FROM spans SEMI JOIN of_source USING (record_id)
    WHERE action = 'remove' AND length(text) <= {4 * MOST_LINE_CHARS}
"""
"""Bodies, and pieces that another rule removed: an accepted line may come first."""

_SIGHTED = """
    SELECT DISTINCT record_id FROM ops.line_sightings
    WHERE source = $source AND line_key IN (SELECT unnest($keys))
"""
_RECORDS = """
    SELECT source, record_id, drop_sha256, record_no, run_id, ingested_at, match_key, body_sha256, body_chars
    FROM records SEMI JOIN read_parquet($records) USING (record_id)
"""


_BY_RECORD = {RECORDS: "records", SPANS: "spans", RECORD_EVIDENCE: "evidence", LINE_SIGHTINGS: "lines"}
"""Tables whose rows belong to a record, and the kind under which these are staged."""


_OF_RUN = ("ingested_at", "run_id", "judged_at")


class RefusedError(Exception):
    """Records would no longer meet a critical rule; nothing was changed."""


@dataclass(frozen=True)
class Change:
    """A change of the accepted lines of a source.

    Attributes:
        source: The source.
        boilerplate: All its accepted lines from now on.
        begun: Keys of the lines that are removed from now on.
        ended: Keys of those that are removed no more.
        decisions: Rows of `boilerplate_candidates` that hold what was decided; their figures are not read.
    """

    source: str
    boilerplate: Sequence[str]
    begun: Sequence[str]
    ended: Sequence[str]
    decisions: pl.DataFrame


@dataclass(frozen=True)
class Recleaned:
    """Records whose body changed, articles that these belonged to, and one of them with its length before and after."""

    records: int
    articles: int
    example: tuple[str, int, int] | None


def reclean(run: WritingRun, change: Change, *, is_dry_run: bool) -> Recleaned:
    """Clean again what a change concerns, and commit it with the decisions; stop short of that in a dry run.

    Raises:
        RefusedError: if a record would no longer meet a critical rule.
        ConservationError: if a record is not found again in its drop.
    """
    replaced = _find_records(run, change)
    for batch, of_run in _read_again(run, replaced, change):
        _stage(run, batch, of_run)
    recleaned = _compare(run, replaced, change.source)
    if not is_dry_run:
        run.on_progress(Progress("matching"))
        _decide(run, change)
        run.on_progress(Progress("loading"))
        _commit(run, change)
    return recleaned


def _find_records(run: WritingRun, change: Change) -> pl.DataFrame:
    """Find the records that hold a line, or held it; also staged, as `replaced`."""
    found = [pl.DataFrame(schema={"record_id": pl.String()})]
    of_source = {"source": change.source}
    if change.begun:
        found += [holds_line(texts, keys=change.begun) for texts in run.lake.scan(_TEXTS, of_source)]
    if change.ended:
        found.append(run.lake.query(_SIGHTED, of_source | {"keys": list(change.ended)}))
    path = run.path("replaced")
    pl.concat(found).unique().write_parquet(path)
    runs = run.lake.latest(RUNS).select("run_id", judged_at="started_at")
    drops = (
        run.lake.latest(DROPS)
        .join(runs, on="run_id", how="left")
        .select("source", "drop_sha256", "uri", judged_at=pl.coalesce("judged_at", "received_at"))
    )
    records = run.lake.query(_RECORDS, {"records": str(path)}).join(drops, on=["source", "drop_sha256"], how="left")
    replaced = records.sort("ingested_at", "run_id", "uri", "drop_sha256", "record_no")
    replaced.write_parquet(path)
    return replaced


def _read_again(run: WritingRun, replaced: pl.DataFrame, change: Change) -> Iterator[tuple[SourceBatch, pl.DataFrame]]:
    """Yield batches of the records to replace, with the rows of these: all of one run, and judged as of one time."""
    source, number = run.settings.source(change.source), 0
    for of_run in replaced.partition_by(_OF_RUN, maintain_order=True):
        for gathered in _gather(run, of_run):
            yield join_batches(source, number, gathered.batches, boilerplate=change.boilerplate), of_run
            number += 1


def _gather(run: WritingRun, of_run: pl.DataFrame) -> Iterator[Gathered]:
    """Yield parsed batches of the records of one run, enough to be cleaned at a time."""
    gathered, records = Gathered(), 0
    for of_drop in of_run.partition_by("drop_sha256", maintain_order=True):
        run.on_progress(Progress("cleaning again", records=records))
        for batch in _parse_again(run, of_drop):
            gathered.add(batch)
            if gathered.is_full:
                yield gathered
                gathered = Gathered()
        records += of_drop.height
    if gathered.batches:
        yield gathered


def _parse_again(run: WritingRun, of_drop: pl.DataFrame) -> Iterator[DropBatch]:
    """Parse a drop as it was parsed when it came, and keep the records named in `of_drop`."""
    drop = of_drop.select("source", "drop_sha256", "uri").row(0, named=True)
    options = parse_options(run.settings.source(drop["source"]))
    with RawStore(run.settings.home.raw).open(drop["drop_sha256"]) as stream:
        parsed = parse_drop(stream, name=drop["uri"].rpartition("/")[2], options=options)
        for raw in parsed.batches:
            records = raw.records.join(of_drop, on="record_no", how="semi")
            if records.height:
                yield DropBatch(drop, body_format(parsed), RawBatch(records, raw.rejects.clear()))


def _stage(run: WritingRun, batch: SourceBatch, of_run: pl.DataFrame) -> None:
    ingested_at, run_id, judged_at = of_run.select(_OF_RUN).row(0)
    cleaned, checked = clean_and_check(batch, now=judged_at)
    if checked.rejected.height:
        first = checked.rejected.head(NAMED)
        named = "; ".join(f"{record_id}: {detail}" for record_id, detail in first.select("record_id", "detail").rows())
        raise RefusedError(
            f"Records of {batch.source.name} would no longer meet a critical rule ({named}). Nothing was changed; "
            "leave the line as it is, or change the rule for this source in copydesk.toml."
        )
    accepted = checked.accepted.with_columns(
        run_id=pl.lit(run_id), ingested_at=pl.lit(ingested_at).cast(RECORDS.schema["ingested_at"])
    )
    write_staged(run, batch, rows_to_load(cleaned, accepted))


def _compare(run: WritingRun, replaced: pl.DataFrame, source: str) -> Recleaned:
    """Hold what was staged against what is stored."""
    staged = run.staged("records", sources=[source])
    if not staged:
        staged = [_empty(run, "records", RECORDS.schema)]
    now = pl.scan_parquet(staged).select("record_id", now_sha256="body_sha256", now_chars="body_chars").collect()
    lost = replaced.join(now, on="record_id", how="anti")
    if lost.height or now.height != replaced.height:
        raise ConservationError(
            f"{lost.height:,} records of {source} are not found again in their drops, among them "
            f"{lost['record_id'].first()!s}. Nothing was changed; see whether the settings of {source} have changed."
        )
    both = replaced.join(now, on="record_id").sort("record_id")
    changed = both.filter(pl.col("body_sha256") != pl.col("now_sha256"))
    example = changed.select("record_id", "body_chars", "now_chars").row(0) if changed.height else None
    return Recleaned(changed.height, changed["match_key"].n_unique(), example)


def _decide(run: WritingRun, change: Change) -> None:
    """Stage where the records belong now, and what the lines of the source count now."""
    replaced, decisions = run.path("replaced"), run.path("decisions")
    if staged := run.staged("records", sources=[change.source]):
        place(run, staged, replaced=replaced)
    change.decisions.write_parquet(decisions)
    no_lines = _empty(run, "lines", {**LINES, **LINE_SIGHTINGS.schema})
    lines = run.staged("lines", sources=[change.source])
    propose(run, lines or [no_lines], recount=Recount(change.source, decisions, replaced))


def _empty(run: WritingRun, kind: str, schema: "pl.Schema | dict[str, pl.DataType]") -> Path:
    """Stage a file without rows, for queries that read files."""
    path = run.path(f"no_{kind}")
    pl.DataFrame(schema=schema).write_parquet(path)
    return path


def _commit(run: WritingRun, change: Change) -> None:
    run_row(run, Summary(run.run_id, "done", seconds=run.seconds()), kind=RECLEAN).write_parquet(run.path(RUNS.name))
    replaced, decided = run.path("replaced"), change.decisions
    entry = run.entry(RECLEAN, source=change.source, status=decided["status"][0], lines=decided["line"].to_list())
    with run.lake.commit(f"{RECLEAN} {run.run_id}", entry=entry):
        for table, kind in _BY_RECORD.items():
            replace_rows(run.lake, table, run.staged(kind, sources=[change.source]), replaced=replaced)
        for table in PLACED:
            run.lake.insert(table, run.staged(table.name))
        for table in (BOILERPLATE_CANDIDATES, RUNS):
            run.lake.insert(table, [run.path(table.name)])
    publish(run.lake)
