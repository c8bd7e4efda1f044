"""Parsing: from drops in the raw store to staged files of clean, checked records.

Records pass through in bounded batches that join the drops of one source: parse, clean, check every row rule, write.
Memory depends on the size of a batch, not on that of a drop or of the run. While one batch is parsed, others are
cleaned and checked in threads: most of that work is done outside the interpreter. Web pages are worked on in processes
of their own; while one is, the drops behind it are opened, so that all processes have a page.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

import numpy as np
import polars as pl

from expectations.engine import preload
from expectations.row_rules import CheckedRows, apply_row_rules
from expectations.table_rules import count_batch
from flows.extraction_pool import ExtractionPool
from flows.quarantine import as_quarantine, failed_rules, unreadable
from flows.rules import accepted_lines, line_rules, rules_of
from flows.run import COMPILING, STAGED_COMPRESSION, Progress, Run
from flows.settings import SourceSettings
from seeds.tables import field_aliases
from transforms.cleaning import Cleaned, CleaningSettings, clean_records
from transforms.conform import FieldNames
from transforms.formats import Format
from transforms.identity import drop_key
from transforms.parsing import ParsedDrop, parse_drop
from transforms.raw_batches import ParseOptions, RawBatch
from transforms.schema import RECORDS
from transforms.source_lines import sight_lines
from warehouse.raw_store import RawStore

STAGING_THREADS = 2
"""Batches that are cleaned at a time: a quarter faster than one, and three are no faster, on two processors."""

BATCH_RECORDS = 4_000
BATCH_BYTES = 24 << 20
"""A batch of five-kilobyte articles is 20 MB; larger ones are no faster (see `make bench`)."""

DROPS_AHEAD = 4
"""Drops opened for each process that works on pages: one in work, and some for when it is done with that."""

DROP_COUNTS = pl.Schema(
    {
        "source": pl.String(),
        "drop_sha256": pl.String(),
        "format": pl.String(),
        "encoding": pl.String(),
        "records_in": pl.Int64(),
        "rejects": pl.Int64(),
        "error": pl.String(),
    }
)
"""What parsing found in a drop; `error` is the first reject of a drop that gave no record at all."""


@dataclass(frozen=True)
class DropBatch:
    """Consecutive records and rejects of one drop; `body_format` says how cleaning has to read the bodies."""

    drop: Mapping[str, str]
    body_format: str
    raw: RawBatch


@dataclass(frozen=True)
class _OpenDrop:
    """A drop whose format is known, and whose records have not been read."""

    drop: Mapping[str, str]
    stream: BinaryIO
    parsed: ParsedDrop

    @property
    def is_page(self) -> bool:
        """Whether it is being worked on by another process."""
        return self.parsed.format is Format.HTML


@dataclass(frozen=True)
class SourceBatch:
    """Records and rejects of one source, with the identity of their drops, ready to be cleaned and staged.

    `boilerplate` are the accepted lines of the source.
    """

    source: SourceSettings
    number: int
    records: pl.DataFrame
    rejects: pl.DataFrame
    boilerplate: Sequence[str] = ()


def parse(run: Run) -> None:
    """Stage what becomes of the run's new drops, by source and batch.

    The kinds are `records`, `spans`, `evidence`, `lines`, `quarantine`, `outcomes` of the row rules, and `figures` of
    the batch. Also stages `drop_counts`, which holds what the parser itself counted, independently of what was staged.
    """
    from transforms.compiled import watch_compilation  # noqa: PLC0415 -- 0.3 s for the compiler, if there is news

    new_drops = pl.read_parquet(run.path("new_drops")).filter(pl.col("drop_sha256").is_not_null())
    if new_drops.height:
        preload()
    with (
        watch_compilation(lambda: run.on_progress(COMPILING)),
        ExtractionPool() as pages,
        ThreadPoolExecutor(max_workers=STAGING_THREADS) as pool,
    ):
        reader = _DropReader(run, files_total=new_drops.height, pages=pages)
        under_way: deque[Future[None]] = deque()
        for batch in reader.batches(new_drops):
            if len(under_way) == STAGING_THREADS:
                under_way.popleft().result()
            under_way.append(pool.submit(_stage, run, batch))
        for staged in under_way:
            staged.result()
    pl.DataFrame(reader.counts, schema=DROP_COUNTS, orient="row").write_parquet(run.path("drop_counts"))


class _DropReader:
    """Reads drops one after the other, joining what belongs to one source into batches, and counts as it goes."""

    def __init__(self, run: Run, *, files_total: int, pages: ExtractionPool) -> None:
        self.counts: list[tuple[object, ...]] = []
        self._run = run
        self._files_total = files_total
        self._pages = pages
        self._records = 0
        self._store = RawStore(run.settings.home.raw)
        self._boilerplate = accepted_lines(run.lake)

    def batches(self, drops: pl.DataFrame) -> Iterator[SourceBatch]:
        """Yield the batches of all drops; the drops stand in order of source."""
        for (name,), of_source in drops.group_by("source", maintain_order=True):
            source = self._run.settings.source(str(name))
            options = replace(parse_options(source), begin_extraction=self._pages.begin)
            boilerplate = self._boilerplate.get(source.name, ())
            number, gathered = 0, Gathered()
            for opened in self._opened(of_source.iter_rows(named=True), options):
                for batch in self._read(opened.drop, opened.parsed):
                    gathered.add(batch)
                    if gathered.is_full:
                        yield join_batches(source, number, gathered.batches, boilerplate=boilerplate)
                        number, gathered = number + 1, Gathered()
            if gathered.batches:
                yield join_batches(source, number, gathered.batches, boilerplate=boilerplate)

    def _opened(self, drops: Iterable[Mapping[str, str]], options: ParseOptions) -> Iterator["_OpenDrop"]:
        """Yield each drop opened, in order; behind a page that is being worked on, others are opened meanwhile."""
        ahead: deque[_OpenDrop] = deque()
        try:
            for drop in drops:
                ahead.append(self._open(drop, options))
                while ahead and (not ahead[0].is_page or self._is_far_enough(ahead)):
                    yield ahead[0]
                    ahead.popleft().stream.close()
            while ahead:
                yield ahead[0]
                ahead.popleft().stream.close()
        finally:
            for opened in ahead:
                opened.stream.close()

    def _is_far_enough(self, ahead: Sized) -> bool:
        return len(ahead) >= DROPS_AHEAD * self._pages.processes or self._pages.is_full

    def _open(self, drop: Mapping[str, str], options: ParseOptions) -> "_OpenDrop":
        stream = self._store.open(drop["drop_sha256"])
        return _OpenDrop(drop, stream, parse_drop(stream, name=drop["uri"].rpartition("/")[2], options=options))

    def _read(self, drop: Mapping[str, str], parsed: ParsedDrop) -> Iterator[DropBatch]:
        """Yield a drop's records and rejects; count them when the drop ends."""
        records_in, rejects, error = 0, 0, None
        for raw in parsed.batches:
            records_in += raw.records.height + raw.rejects.height
            if rejects == 0 and raw.rejects.height:
                error = raw.rejects["detail"][0]
            rejects += raw.rejects.height
            yield DropBatch(drop, body_format(parsed), raw)
        is_whole = rejects == records_in
        format_ = str(parsed.format)
        self.counts.append(
            (
                drop["source"],
                drop["drop_sha256"],
                format_,
                parsed.encoding,
                records_in,
                rejects,
                error if is_whole else None,
            )
        )
        self._records += records_in
        self._run.on_progress(Progress("parsing", len(self.counts), self._files_total, self._records))


def parse_options(source: SourceSettings) -> ParseOptions:
    """Return how the files of a source are read."""
    names = FieldNames(aliases=field_aliases(), mapping=source.field_mapping)
    options = ParseOptions(
        names=names,
        format_hint=source.format,
        encoding_hint=source.encoding,
        delimiter_hint=source.delimiter,
        batch_records=BATCH_RECORDS,
        batch_bytes=BATCH_BYTES,
    )
    return options if source.max_record_bytes is None else replace(options, max_record_bytes=source.max_record_bytes)


class Gathered:
    """Batches of drops that will be worked on as one."""

    def __init__(self) -> None:
        self.batches: list[DropBatch] = []
        self._rows = 0
        self._bytes = 0

    def add(self, batch: DropBatch) -> None:
        """Add what follows."""
        self.batches.append(batch)
        self._rows += batch.raw.records.height + batch.raw.rejects.height
        self._bytes += int(batch.raw.records.estimated_size())

    @property
    def is_full(self) -> bool:
        """Whether they are enough for one batch."""
        return self._rows >= BATCH_RECORDS or self._bytes >= BATCH_BYTES


def body_format(parsed: ParsedDrop) -> str:
    """Return what cleaning has to know of the format of a drop: pages and Markdown are text already."""
    return str(parsed.format if parsed.format in {Format.HTML, Format.MARKDOWN} else Format.TEXT)


def join_batches(
    source: SourceSettings, number: int, batches: Sequence[DropBatch], *, boilerplate: Sequence[str]
) -> SourceBatch:
    """Join batches of one source, and add source, drop, id and body format to their rows."""
    drops = pl.DataFrame(
        [
            (
                source.name,
                batch.drop["drop_sha256"],
                drop_key(source.name, batch.drop["drop_sha256"]),
                batch.body_format,
            )
            for batch in batches
        ],
        schema=("source", "drop_sha256", "drop_key", "body_format"),
        orient="row",
    )
    return SourceBatch(
        source=source,
        number=number,
        records=_with_drops([batch.raw.records for batch in batches], drops),
        rejects=_with_drops([batch.raw.rejects for batch in batches], drops),
        boilerplate=boilerplate,
    )


def _with_drops(frames: Sequence[pl.DataFrame], drops: pl.DataFrame) -> pl.DataFrame:
    """Join frames, each with the columns of its row of `drops`: once for all, as small drops come by the thousand."""
    number = pl.Series(np.repeat(np.arange(len(frames)), [frame.height for frame in frames]))
    rows = pl.concat(frames).hstack(drops[number])
    return rows.with_columns(record_id=pl.format("r_{}_{}", "drop_key", "record_no")).drop("drop_key")


def _stage(run: Run, batch: SourceBatch) -> None:
    """Clean and check a batch, and write what came of it."""
    cleaned, checked = clean_and_check(batch, now=run.started_at)
    held_back = pl.concat([failed_rules(checked, batch.records), unreadable(batch.rejects)])
    accepted = checked.accepted.with_columns(run_id=pl.lit(run.run_id), ingested_at=pl.lit(run.started_at))
    frames = {
        **rows_to_load(cleaned, accepted),
        "quarantine": held_back.pipe(as_quarantine, run=run),
        "outcomes": checked.outcomes,
        "figures": count_batch(checked, source=batch.source.name, unreadable=batch.rejects.height),
    }
    write_staged(run, batch, frames)


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
