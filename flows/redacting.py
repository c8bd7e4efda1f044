"""Overwriting records in the raw store, and making sure that all others are read as they were.

The drop is parsed before and after: every record that stays has its number, its bytes and its content. Otherwise
nothing is changed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

import polars as pl

from flows.drop_reader import parse_options
from flows.land import DROP_KEY
from flows.run import Run
from flows.withdrawals import RETRACTED
from transforms.compression import compressing, find_compression
from transforms.detection import HEAD_BYTES
from transforms.formats import Format
from transforms.parse_columnar import seekable
from transforms.parsing import parse_drop, read_content
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
    """How a drop is read: its format and encoding, and a row per record or reject with its bytes and a digest."""

    format: Format
    encoding: str
    rows: pl.DataFrame


def redact_drop(run: Run, drop: Mapping[str, str], numbers: Collection[int]) -> None:
    """Overwrite records of a drop (`source`, `drop_sha256`, `uri`) in the raw store.

    Raises:
        RedactionError: if others would not be read as they were.
        RawDropError: if the bytes are not there.
    """
    store = RawStore(run.settings.home.raw)
    before = _layout(run, drop, store.open(drop["drop_sha256"]))
    redacted = run.folder / "redacted"
    with store.open(drop["drop_sha256"]) as stream:
        compression = find_compression(stream.read(HEAD_BYTES))
    with (
        store.open(drop["drop_sha256"]) as stream,
        redacted.open("wb") as sink,
        compressing(sink, compression) as target,
    ):
        _write(read_content(stream), target, before, numbers)
    stays = ~pl.col("record_no").is_in(list(numbers))
    after = _layout(run, drop, redacted.open("rb"))
    is_in_place = before.format not in _LINED or before.rows.select(_PLACE).equals(after.rows.select(_PLACE))
    if not is_in_place or not before.rows.filter(stays).equals(after.rows.filter(stays)):
        raise RedactionError(
            f"Records of {drop['uri']} (drop {drop['drop_sha256'][:12]}) cannot be overwritten without changing how "
            "the others are read. Nothing was changed; please report this file."
        )
    store.redact(drop["drop_sha256"], numbers, redacted)


def _layout(run: Run, drop: Mapping[str, str], stream: BinaryIO) -> Layout:
    with stream:
        options = parse_options(run.settings.source(drop["source"]))
        parsed = parse_drop(stream, name=drop["uri"].rpartition("/")[2], options=options)
        rows = pl.concat([_digested(part) for raw in parsed.batches for part in _parts(raw)])
    return Layout(parsed.format, parsed.encoding or "utf-8", rows.sort("record_no"))


def _parts(raw: RawBatch) -> Iterator[pl.DataFrame]:
    yield raw.records
    yield raw.rejects


def _digested(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(*_PLACE, digest=pl.struct(pl.all()).hash())


def _write(content: BinaryIO, sink: BinaryIO, layout: Layout, numbers: Collection[int]) -> None:
    """Write the content of a drop as it is to be."""
    if redact := _COLUMNAR.get(layout.format):
        redact(cast("BinaryIO", seekable(content)), numbers, sink)  # it has been parsed, and is not too large
        return
    spans = layout.rows.filter(pl.col("record_no").is_in(list(numbers))).select("byte_start", "byte_end").unique()
    if layout.format not in _LINED or spans["byte_end"].null_count():
        chunks = redact_whole(content)
    else:
        chunks = redact_spans(content, spans.rows(), format_=layout.format, encoding=layout.encoding)
    for chunk in chunks:  # noqa: FURB122 -- the writer of zstd has no writelines
        sink.write(chunk)


def redact_withheld(run: Run, drops: pl.DataFrame, *, kind: str) -> None:
    """Overwrite what was set aside as withdrawn, as staged rows of a kind tell; `drops` has the drops with `uri`."""
    staged = run.staged(kind)
    if not staged:
        return
    is_withdrawn = pl.col("reasons").list.contains(RETRACTED)
    rows = pl.scan_parquet(staged).filter(is_withdrawn).select(*DROP_KEY, "record_no").collect()
    store = RawStore(run.settings.home.raw)
    for (sha256,), of_drop in rows.group_by("drop_sha256"):
        redaction = store.redaction(str(sha256))
        numbers = set(of_drop["record_no"]) - set(redaction.records if redaction else ())
        if numbers:
            drop = drops.join(of_drop, on=DROP_KEY, how="semi").select(*DROP_KEY, "uri").row(0, named=True)
            redact_drop(run, drop, numbers)
