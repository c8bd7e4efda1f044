"""Parsing: from drops in the raw store to staged files of clean, checked records.

Records pass through in bounded batches that join the drops of one source: parse, clean, check every row rule, write.
Memory depends on the size of a batch, not on that of a drop or of the run. While one batch is parsed, others are
cleaned and checked in threads: most of that work is done outside the interpreter. How drops are read is decided in
`drop_reader`.
"""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import orjson
import polars as pl

from expectations.engine import preload
from expectations.figures import count_batch
from expectations.record_suite import UNREAD
from expectations.row_rules import CheckedRows, apply_row_rules
from flows.drop_reader import DROP_COUNTS, DropReader, SourceBatch
from flows.extraction_pool import ExtractionPool
from flows.land import DROP_KEY
from flows.quarantine import as_quarantine, failed_rules, unreadable
from flows.rules import accepted_lines, line_rules, published_lines, rules_of
from flows.run import COMPILING, STAGED_COMPRESSION, Run, WritingRun
from flows.withdrawals import Withdrawals, published_withdrawals, withdrawn
from transforms.cleaning import Cleaned, CleaningSettings, clean_records
from transforms.formats import Format
from transforms.markup import TAG
from transforms.schema import RECORDS
from transforms.source_lines import sight_lines

STAGING_THREADS = 2
"""Batches that are cleaned at a time: a quarter faster than one, and three are no faster, on two processors."""


def parse(run: Run) -> None:
    """Stage what becomes of the run's new drops, by source and batch, under the decisions that are published.

    The kinds are `records`, `spans`, `evidence`, `lines`, `quarantine`, `outcomes` of the row rules, `unread` for what
    gave no record, and `figures` of the batch. Also stages `drop_counts`, which holds what the parser itself counted,
    independently of what was staged.
    """
    _parse(run, _Decisions(published_lines(run.settings.home), published_withdrawals(run.settings.home)))


def parse_claimed(run: WritingRun) -> None:
    """Stage what `parse` stages, of a run that is alone: under what is decided in the lake."""
    _parse(run, _Decisions(accepted_lines(run.lake), withdrawn(run.lake)))


def parse_again_if_outdated(run: WritingRun) -> None:
    """Parse what is to be loaded again, where another run took some of it in meanwhile, or something was decided."""
    drops, decisions = _drops_to_parse(run), _Decisions(accepted_lines(run.lake), withdrawn(run.lake))
    parsed = pl.read_parquet(run.path("drop_counts"))
    is_of_drops = drops.select(DROP_KEY).sort(DROP_KEY).equals(parsed.select(DROP_KEY).sort(DROP_KEY))
    if is_of_drops and decisions.concerning(drops) == orjson.loads(_decisions_path(run).read_bytes()):
        return
    for source in parsed["source"].unique():
        shutil.rmtree(run.source_folder(source))
    _parse(run, decisions)


@dataclass(frozen=True)
class _Decisions:
    """What was decided of texts: lines accepted as boilerplate, by source, and texts that were withdrawn."""

    boilerplate: Mapping[str, tuple[str, ...]]
    withdrawals: Withdrawals

    def concerning(self, drops: pl.DataFrame) -> dict[str, object]:
        """Return what concerns some drops, as JSON reads it."""
        lines = {source: list(self.boilerplate.get(source, ())) for source in drops["source"].unique().sort()}
        return {"lines": lines, "withdrawn": self.withdrawals.ids}


def _parse(run: Run, decisions: _Decisions) -> None:
    from transforms.compiled import watch_compilation  # noqa: PLC0415 -- 0.3 s for the compiler, if there is news

    new_drops = _drops_to_parse(run)
    if new_drops.height:
        preload()
    with watch_compilation(lambda: run.on_progress(COMPILING)), ExtractionPool() as pages:
        reader = DropReader(
            run,
            files_total=new_drops.height,
            pages=pages,
            boilerplate=decisions.boilerplate,
            withhold=decisions.withdrawals.withhold,
        )
        stage_all(reader.batches(new_drops), partial(_stage, run, decisions.withdrawals))
    pl.DataFrame(reader.counts, schema=DROP_COUNTS, orient="row").write_parquet(run.path("drop_counts"))
    _decisions_path(run).write_bytes(orjson.dumps(decisions.concerning(new_drops)))


def stage_all(batches: Iterable[SourceBatch], stage: Callable[[SourceBatch], None]) -> None:
    """Stage batches in threads, while those that follow are parsed."""
    with ThreadPoolExecutor(max_workers=STAGING_THREADS) as pool:
        under_way: deque[Future[None]] = deque()
        for batch in batches:
            if len(under_way) == STAGING_THREADS:
                under_way.popleft().result()
            under_way.append(pool.submit(stage, batch))
        for staged in under_way:
            staged.result()


def _drops_to_parse(run: Run) -> pl.DataFrame:
    return pl.read_parquet(run.path("new_drops")).filter(pl.col("drop_sha256").is_not_null())


def _decisions_path(run: Run) -> Path:
    return run.folder / "decisions.json"


def _stage(run: Run, withdrawals: Withdrawals, batch: SourceBatch) -> None:
    """Clean and check a batch, and write what came of it."""
    batch, cleaned, checked = clean_withhold_and_check(batch, withdrawals, now=run.started_at)
    held_back = pl.concat([failed_rules(checked, batch.records), unreadable(batch.rejects)])
    accepted = checked.accepted.with_columns(run_id=pl.lit(run.run_id), ingested_at=pl.lit(run.started_at))
    frames = {
        **rows_to_load(cleaned, accepted),
        "quarantine": withdrawals.without_excerpts(held_back).pipe(as_quarantine, run=run),
        "outcomes": checked.outcomes,
        "unread": batch.rejects.select(UNREAD.names()),
        "figures": count_figures(batch, checked),
    }
    write_staged(run, batch, frames)


def count_figures(batch: SourceBatch, checked: CheckedRows) -> pl.DataFrame:
    """Count a batch of which all was judged (see `count_batch`)."""
    with_markup = int(batch.records.select(_came_as_markup().sum()).item())
    return count_batch(checked, source=batch.source.name, unreadable=batch.rejects.height, with_markup=with_markup)


def _came_as_markup() -> pl.Expr:
    """Tell which texts hold tags though their format is none of pages."""
    body = pl.when((pl.col("body_format") == Format.TEXT) & pl.col("body").str.contains("<", literal=True)).then("body")
    return body.str.contains(TAG).fill_null(value=False)


def rows_to_load(cleaned: Cleaned, accepted: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Return what is loaded of `accepted` records, by kind: `records`, `spans`, `evidence`, and `lines` to be noted.

    `accepted` has `run_id` and `ingested_at`.
    """
    removed = cleaned.removed_lines.join(accepted, on="record_id", how="semi")
    of_records = accepted.select("record_id", "source", "match_key")
    lines = sight_lines(accepted, removed=removed)
    return {
        "records": accepted.select(RECORDS.schema.names()),
        "spans": cleaned.spans.join(accepted, on="record_id", how="semi"),
        "evidence": cleaned.evidence.join(accepted, on="record_id", how="semi"),
        "lines": lines.join(of_records, on="record_id", how="left", maintain_order="left"),
    }


def write_staged(run: Run, batch: SourceBatch, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write frames of a batch to the staging folder, a file for each kind."""
    folder = run.source_folder(batch.source.name)
    folder.mkdir(exist_ok=True)
    for kind, rows in frames.items():
        rows.write_parquet(folder / f"{kind}-{batch.number:05}.parquet", compression=STAGED_COMPRESSION)


def clean_and_check(batch: SourceBatch, *, now: datetime) -> tuple[Cleaned, CheckedRows]:
    """Clean the records of a batch, and judge them by the row rules of their source."""
    source = batch.source
    settings = CleaningSettings(source.time_zone, source.date_order, source.language, tuple(batch.boilerplate))
    cleaned = clean_records(batch.records, settings=settings, rules=line_rules(), now=now)
    return cleaned, apply_row_rules(cleaned.records, rules=rules_of(source).rows)


def clean_withhold_and_check(
    batch: SourceBatch, withdrawals: Withdrawals, *, now: datetime
) -> tuple[SourceBatch, Cleaned, CheckedRows]:
    """Clean and judge a batch; return what is left of it without records that turn out to carry a withdrawn text."""
    cleaned, checked = clean_and_check(batch, now=now)
    left = withdrawals.withhold_cleaned(batch, cleaned.records)
    return (batch, cleaned, checked) if left is batch else (left, *clean_and_check(left, now=now))
