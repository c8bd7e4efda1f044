"""Overwriting records in the raw store, and making sure that all others are read as they were.

The drop is parsed before and after: every record that stays has its number, its bytes and its content. Otherwise
nothing is changed. A compressed drop that breaks off still does so, behind what could be read of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from flows.drop_reader import parse_stored
from flows.extraction_pool import ExtractionPool
from flows.land import DROP_KEY
from flows.run import Run, WritingRun
from flows.withdrawals import RETRACTED
from transforms.compression import DAMAGE, broken_end, compressing, find_compression
from transforms.detection import HEAD_BYTES
from transforms.formats import Format
from transforms.ops_schema import DROPS
from transforms.parse_columnar import DAMAGE as DAMAGED_COLUMNS
from transforms.parse_columnar import seekable
from transforms.parsing import find_break, read_content
from transforms.raw_batches import RawBatch
from transforms.redaction import redact_arrow, redact_parquet, redact_spans, redact_whole
from warehouse.raw_store import RawStore

_LINED = frozenset({Format.JSON, Format.JSONL, Format.CSV, Format.TSV})
_PLACE = ("record_no", "byte_start", "byte_end")
_COLUMNAR = {Format.PARQUET: redact_parquet, Format.ARROW: redact_arrow}


class RedactionError(Exception):
    """Records cannot be overwritten without changing how others are read; nothing was changed."""


@dataclass(frozen=True)
class Layout:
    """How a drop is read: format, encoding, a row per record or reject with its bytes and a digest; and what goes."""

    format: Format
    encoding: str
    rows: pl.DataFrame
    numbers: frozenset[int]


@dataclass(frozen=True)
class Reading:
    """How a source reads a drop: by its settings, and the name of the file; and which of its records go."""

    source: str
    uri: str
    numbers: frozenset[int]


def redact_records(run: WritingRun, rows: pl.DataFrame, *, new_drops: pl.DataFrame | None = None) -> None:
    """Overwrite records in the raw store: `source`, `drop_sha256`, `record_no`.

    Every source that delivered the same bytes, also one of `new_drops`, must read all other records as before.

    Raises:
        RedactionError: if one of them would not; nothing was changed then.
        RawDropError: if the bytes are not there.
    """
    for redacted in prepare_redactions(run, rows, new_drops=new_drops):
        redacted.put(RawStore(run.settings.home.raw))


@dataclass(frozen=True)
class Redacted:
    """A drop as it is to be: what takes its place, and which of its records are overwritten there."""

    drop_sha256: str
    numbers: frozenset[int]
    content: Path

    def put(self, store: RawStore) -> None:
        """Put it in place."""
        store.redact(self.drop_sha256, self.numbers, self.content)


def prepare_redactions(run: WritingRun, rows: pl.DataFrame, *, new_drops: pl.DataFrame | None = None) -> list[Redacted]:
    """Make of all drops what is to take their place, as `redact_records` would, and change nothing."""
    return [
        rewrite_drop(run, str(sha256), _readings(run, of_drop, new_drops))
        for (sha256,), of_drop in rows.group_by("drop_sha256", maintain_order=True)
    ]


def _readings(run: WritingRun, rows: pl.DataFrame, new_drops: pl.DataFrame | None) -> list[Reading]:
    columns = (*DROP_KEY, "uri")
    known = run.lake.latest(DROPS).select(columns)
    drops = known if new_drops is None else pl.concat([known, new_drops.select(columns)])
    numbers = rows.group_by("source").agg("record_no")
    drops = drops.unique(DROP_KEY, keep="first", maintain_order=True)
    of_drop = drops.join(rows, on="drop_sha256", how="semi").join(numbers, on="source", how="left").sort("source")
    return [
        Reading(source, uri, frozenset(of_source or ()))
        for source, uri, of_source in of_drop.select("source", "uri", "record_no").iter_rows()
    ]


def rewrite_drop(run: Run, drop_sha256: str, readings: Sequence[Reading]) -> Redacted:
    """Write a drop anew, without what its records said, in the staging folder.

    Raises:
        RedactionError: if others would not be read as they were, or it cannot be written anew as it is damaged.
        RawDropError: if the bytes are not there.
    """
    store = RawStore(run.settings.home.raw)
    redacted = run.folder / f"redacted-{drop_sha256}"
    try:
        before = [_layout(run, one, store.open(drop_sha256)) for one in readings]
        with store.open(drop_sha256) as stream:
            compression = find_compression(stream.read(HEAD_BYTES))
        with store.open(drop_sha256) as stream, redacted.open("wb") as sink:
            with compressing(sink, compression) as target:
                _write(read_content(stream), target, before)
            if compression is not None:
                with store.open(drop_sha256) as again:
                    broken = find_break(again)
                sink.write(b"" if broken is None else broken_end(compression, broken))
        after = [_layout(run, one, redacted.open("rb")) for one in readings]
    except (*DAMAGE, *DAMAGED_COLUMNS) as error:
        raise RedactionError(
            f"{readings[0].uri} (drop {drop_sha256[:12]}) cannot be overwritten ({error}). Nothing was changed."
        ) from error
    if not all(map(_is_kept, before, after)):
        raise RedactionError(
            f"Records of {readings[0].uri} (drop {drop_sha256[:12]}) cannot be overwritten without changing how the "
            "others are read. Nothing was changed; please report this file."
        )
    return Redacted(drop_sha256, frozenset(number for one in readings for number in one.numbers), redacted)


def _is_kept(before: Layout, after: Layout) -> bool:
    """Tell whether all that stays has its number, its bytes and its content."""
    stays = ~pl.col("record_no").is_in(list(before.numbers))
    is_in_place = before.format not in _LINED or before.rows.select(_PLACE).equals(after.rows.select(_PLACE))
    return is_in_place and before.rows.filter(stays).equals(after.rows.filter(stays))


def _layout(run: Run, reading: Reading, stream: BinaryIO) -> Layout:
    with stream, ExtractionPool() as pages:
        parsed = parse_stored(run.settings, stream, {"source": reading.source, "uri": reading.uri}, pages=pages)
        rows = pl.concat([_digested(part) for raw in parsed.batches for part in _parts(raw)])
    return Layout(parsed.format, parsed.encoding or "utf-8", rows.sort("record_no"), reading.numbers)


def _parts(raw: RawBatch) -> Iterator[pl.DataFrame]:
    yield raw.records
    yield raw.rejects.drop("detail")  # its words may be other ones behind what was overwritten


def _digested(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(*_PLACE, digest=pl.struct(pl.all()).hash())


def _write(content: BinaryIO, sink: BinaryIO, layouts: Sequence[Layout]) -> None:
    """Write the content of a drop as it is to be, whichever way it is read."""
    going = [layout for layout in layouts if layout.numbers]
    redact, numbers = _COLUMNAR.get(going[0].format), {number for layout in going for number in layout.numbers}
    is_whole = set(going[0].rows["record_no"]) == numbers
    if redact is not None and not is_whole:
        redact(cast("BinaryIO", seekable(content)), numbers, sink)  # it has been parsed, and is not too large
        return
    spans = pl.concat(
        layout.rows.filter(pl.col("record_no").is_in(list(layout.numbers))).select("byte_start", "byte_end")
        for layout in going
    ).unique()
    if spans["byte_end"].null_count() or not all(layout.format in _LINED for layout in going):
        chunks = redact_whole(content)
    else:
        chunks = redact_spans(content, spans.rows(), format_=going[0].format, encoding=going[0].encoding)
    for chunk in chunks:  # noqa: FURB122 -- the writer of zstd has no writelines
        sink.write(chunk)


def redact_withheld(run: WritingRun, drops: pl.DataFrame, *, kind: str) -> None:
    """Overwrite what was set aside as withdrawn, as staged rows of a kind tell; `drops` has the drops with `uri`.

    What cannot be overwritten is left: the other records are loaded all the same, and the proof names the drop.
    """
    staged = run.staged(kind)
    if not staged:
        return
    is_withdrawn = pl.col("reasons").list.contains(RETRACTED)
    rows = pl.scan_parquet(staged).filter(is_withdrawn).select(*DROP_KEY, "record_no").collect()
    store = RawStore(run.settings.home.raw)
    for (sha256,), of_drop in rows.group_by("drop_sha256", maintain_order=True):
        left = of_drop.filter(pl.col("record_no").is_in(list(store.came_back(str(sha256), of_drop["record_no"]))))
        redact_where_possible(run, left, new_drops=drops)


def redact_where_possible(run: WritingRun, rows: pl.DataFrame, *, new_drops: pl.DataFrame | None = None) -> int:
    """Overwrite records, but not in drops that cannot be written anew; return how many were overwritten."""
    done = 0
    for _, of_drop in rows.group_by("drop_sha256", maintain_order=True):
        with suppress(RedactionError):
            redact_records(run, of_drop, new_drops=new_drops)
            done += of_drop.height
    return done
