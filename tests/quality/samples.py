"""Measure how the sample drops are taken apart, beside what people said of each of their blocks on reading them.

A block is a line of the body that a parser gives. In `data/samples.jsonl` each has its kind, and its first words, which
say that it is the block that was meant.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from labelled_texts import KEPT, clean, lines_of, read_rows, right_fields, spaced

from flows.drop_reader import body_format, parse_options
from flows.source_settings import SourceSettings
from transforms.parsing import parse_drop

DROPS = Path(__file__).parents[2] / "seeds" / "drops"
IS_IN_PLACE = pl.col("kind").is_in(KEPT) == pl.col("is_kept")
IS_OF_KIND = pl.col("kind") == pl.col("found")


@dataclass(frozen=True)
class SampleQuality:
    """What was found in the sample drops.

    Attributes:
        blocks: A row for each block: `path`, `text`, its `kind` by its label, the kind `found`, whether it `is_kept`.
        fields: A row for each of four fields of each drop: `path`, `field` and whether it `is_right`.
    """

    blocks: pl.DataFrame
    fields: pl.DataFrame

    def counts(self) -> pl.DataFrame:
        """Count blocks by kind: all, those kept or removed as they should be, and those whose kind was found."""
        counts = {"blocks": pl.len(), "in_place": IS_IN_PLACE.sum(), "of_kind": IS_OF_KIND.sum()}
        return self.blocks.group_by("kind").agg(**counts).sort("kind")

    def field_counts(self) -> pl.DataFrame:
        """Count drops by field: all, and those where it is right."""
        return self.fields.group_by("field").agg(drops=pl.len(), right=pl.col("is_right").sum()).sort("field")

    def disputes(self) -> Iterator[str]:
        """Yield a line for each block of which people and program say different things."""
        for block in self.blocks.filter(~IS_IN_PLACE | ~IS_OF_KIND).iter_rows(named=True):
            yield "{path}: {kind}, found as {found}: {text}".format(**block)


def measure_samples() -> SampleQuality:
    """Parse and clean the sample drops that are labelled, as a run does."""
    samples = read_rows("samples")
    records = [_parse(DROPS / sample["path"]) for sample in samples]
    cleaned = clean(records)
    blocks: list[Mapping[str, Any]] = []
    fields: list[tuple[str, str, bool]] = []
    for sample, record, found in zip(samples, records, cleaned.records.iter_rows(named=True), strict=True):
        spans = cleaned.spans.filter(pl.col("kind") != "repair", record_id=found["record_id"])
        left = lines_of(found["body"])
        for label, block in zip(sample["blocks"], _blocks(record["body"], spans), strict=True):
            blocks.append({"path": sample["path"], **_labelled(block, *label), "is_kept": block["text"] in left})
        fields += [(sample["path"], name, is_right) for name, is_right in right_fields(sample, found).items()]
    return SampleQuality(pl.DataFrame(blocks), pl.DataFrame(fields, schema=("path", "field", "is_right"), orient="row"))


def _parse(path: Path) -> Mapping[str, Any]:
    """Give the one record of a drop as its parser does."""
    with path.open("rb") as stream:
        parsed = parse_drop(stream, name=path.name, options=parse_options(SourceSettings(name=path.parent.name)))
        [record] = pl.concat(batch.records for batch in parsed.batches).rows(named=True)
    return {**record, "body_format": body_format(parsed)}


def _blocks(body: str, spans: pl.DataFrame) -> Iterator[dict[str, str]]:
    """Yield each block, and its kind by the span that begins it; one that has none counts as a paragraph."""
    kinds = dict(spans.select("char_start", "kind").iter_rows())
    for block in re.finditer(r"\S.*", body):
        yield {"text": spaced(block[0]), "found": kinds.get(block.start(), "paragraph")}


def _labelled(block: Mapping[str, str], kind: str, first_words: str) -> Mapping[str, str]:
    if not block["text"].startswith(first_words):
        raise ValueError(f"the label is of the block {first_words!r}, but it reads {block['text']!r}")
    return {**block, "kind": kind}
