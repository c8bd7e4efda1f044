"""Reading drops: from the raw store to batches that join the records of one source, ready to be cleaned.

Decides how much makes a batch, and which drops are opened ahead: behind a web page that is being worked on in a process
of its own, others are, so that all processes have a page. Counts what the parser finds, independently of what becomes
of it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from expectations.figures import count_fields
from flows.extraction_pool import ExtractionPool
from flows.run import STAGED_COMPRESSION, Progress, Run
from flows.settings import Settings
from flows.source_settings import SourceSettings
from seeds.tables import field_aliases
from transforms.conform import FieldNames
from transforms.extraction import BeginExtraction, extract_later
from transforms.formats import Format
from transforms.identity import drop_key
from transforms.parsing import ParsedDrop, parse_drop
from transforms.raw_batches import ParseOptions, RawBatch
from warehouse.raw_store import RawStore

BATCH_RECORDS = 4_000
BATCH_BYTES = 24 << 20
"""A batch of five-kilobyte articles is 20 MB; larger ones are no faster (see `make bench`)."""

DROPS_AHEAD = 4
"""Drops opened for each process that works on pages: one in work, and some for when it is done with that."""

POSITION = ("record_no", "byte_start", "byte_end")
"""Where a record lies in its drop."""

DROP_COUNTS = pl.Schema(
    {
        "source": pl.String(),
        "drop_sha256": pl.String(),
        "format": pl.String(),
        "encoding": pl.String(),
        "has_mark": pl.Boolean(),
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


class DropReader:
    """Reads drops one after the other, joining what belongs to one source into batches, and counts as it goes."""

    def __init__(
        self,
        run: Run,
        *,
        files_total: int,
        pages: ExtractionPool,
        boilerplate: Mapping[str, tuple[str, ...]],
        withhold: Callable[[SourceBatch], SourceBatch] = lambda batch: batch,
    ) -> None:
        self.counts: list[tuple[object, ...]] = []
        self._run = run
        self._files_total = files_total
        self._pages = pages
        self._records = 0
        self._store = RawStore(run.settings.home.raw)
        self.fields: list[Path] = []
        self._boilerplate = boilerplate
        self._withhold = withhold

    def batches(
        self, drops: pl.DataFrame, *, wanted: Mapping[tuple[object, ...], pl.DataFrame] | None = None
    ) -> Iterator[SourceBatch]:
        """Yield the batches of all drops; the drops stand in order of source.

        Where `wanted` has the POSITION of records by source and `drop_sha256`, nothing else is yielded.
        """
        for (name,), of_source in drops.group_by("source", maintain_order=True):
            source = self._run.settings.source(str(name))
            options = parse_options(source, begin_extraction=self._pages.begin)
            boilerplate = self._boilerplate.get(source.name, ())
            number, gathered = 0, Gathered()
            for opened in self._opened(of_source.iter_rows(named=True), options):
                for batch in self._read(opened.drop, opened.parsed):
                    gathered.add(batch if wanted is None else _only(batch, wanted))
                    if gathered.is_full:
                        yield self._withhold(join_batches(source, number, gathered.batches, boilerplate=boilerplate))
                        number, gathered = number + 1, Gathered()
            if gathered.batches:
                yield self._withhold(join_batches(source, number, gathered.batches, boilerplate=boilerplate))
            self._stage_fields(source.name, options)

    def _stage_fields(self, source: str, options: ParseOptions) -> None:
        fields = count_fields(options.names.counts.frame(), source=source)
        folder = self._run.source_folder(source)
        folder.mkdir(exist_ok=True)
        self.fields.append(folder / f"figures-fields{len(self.fields):05}.parquet")
        fields.write_parquet(self.fields[-1], compression=STAGED_COMPRESSION)

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
        return _OpenDrop(drop, stream, parse_drop(stream, name=_file_name(drop), options=options))

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
        self.counts.append(
            (
                drop["source"],
                drop["drop_sha256"],
                str(parsed.format),
                parsed.encoding,
                parsed.has_mark,
                records_in,
                rejects,
                error if is_whole else None,
            )
        )
        self._records += records_in
        self._run.on_progress(Progress("parsing", len(self.counts), self._files_total, self._records))


def _only(batch: DropBatch, wanted: Mapping[tuple[object, ...], pl.DataFrame]) -> DropBatch:
    """Leave out what is not wanted; what lies elsewhere than it did is another record."""
    of_drop = wanted[batch.drop["source"], batch.drop["drop_sha256"]]
    kept = batch.raw.records.join(of_drop, on=POSITION, how="semi", nulls_equal=True, maintain_order="left")
    return replace(batch, raw=RawBatch(kept, batch.raw.rejects.clear()))


def parse_stored(settings: Settings, stream: BinaryIO, drop: Mapping[str, str], *, pages: ExtractionPool) -> ParsedDrop:
    """Parse the bytes of a drop (`source`, `uri`) as its source reads them."""
    options = parse_options(settings.source(drop["source"]), begin_extraction=pages.begin)
    return parse_drop(stream, name=_file_name(drop), options=options)


def _file_name(drop: Mapping[str, str]) -> str:
    return drop["uri"].rpartition("/")[2]


def parse_options(source: SourceSettings, *, begin_extraction: BeginExtraction = extract_later) -> ParseOptions:
    """Return how the files of a source are read."""
    names = FieldNames(aliases=field_aliases(), mapping=source.field_mapping)
    options = ParseOptions(
        names=names,
        format_hint=source.format,
        encoding_hint=source.encoding,
        delimiter_hint=source.delimiter,
        batch_records=BATCH_RECORDS,
        batch_bytes=BATCH_BYTES,
        begin_extraction=begin_extraction,
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
        rows = batch.raw.records.height + batch.raw.rejects.height
        if rows == 0:
            return
        self.batches.append(batch)
        self._rows += rows
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
