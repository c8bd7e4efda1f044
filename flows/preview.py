"""What a file would become, without writing anything: how it is read, its first records, and what would be held back.

The file goes through the same parsing, cleaning and row rules as in a run. Rules on a whole batch are left out, as a
file is not all that its source delivers.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.drop_reader import DropBatch, body_format, join_batches, parse_options
from flows.parse import clean_and_check
from flows.quarantine import failed_rules, unreadable
from flows.rules import published_lines
from flows.settings import Settings
from transforms.parsing import parse_drop
from warehouse.landing import SourceNames

RECORDS_SHOWN = 3
HELD_BACK_SHOWN = 10


@dataclass
class Preview:
    """What would become of a file; `first_records` and `first_held_back` are rows as dictionaries."""

    path: Path
    source: str
    format: str
    encoding: str | None
    mapping: Mapping[str, str] = field(default_factory=dict)
    records_in: int = 0
    records_held_back: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    first_records: list[dict[str, Any]] = field(default_factory=list)
    first_held_back: list[dict[str, Any]] = field(default_factory=list)


def preview(path: Path, *, settings: Settings, source: str | None = None) -> Preview:
    """Read a file as a run would, and tell what would become of it.

    Raises:
        OSError: if it cannot be read.
    """
    names = SourceNames(settings.home.landing, settings.places, forced=source)
    of_source = settings.source(names.of_folder(path.absolute().parent))
    options = parse_options(of_source)
    boilerplate = published_lines(settings.home).get(of_source.name, ())
    drop = {"drop_sha256": ""}
    with path.open("rb") as stream:
        parsed = parse_drop(stream, name=path.name, options=options)
        seen = Preview(path, of_source.name, str(parsed.format), parsed.encoding)
        for raw in parsed.batches:
            drop_batch = DropBatch(drop, body_format(parsed), raw)
            batch = join_batches(of_source, 0, [drop_batch], boilerplate=boilerplate)
            _, checked = clean_and_check(batch, now=datetime.now(UTC))
            _count(seen, checked.accepted, pl.concat([failed_rules(checked, batch.records), unreadable(batch.rejects)]))
    seen.mapping = options.names.met
    return seen


def _count(seen: Preview, accepted: pl.DataFrame, held_back: pl.DataFrame) -> None:
    seen.records_in += accepted.height + held_back.height
    seen.records_held_back += held_back.height
    seen.flags.update(accepted["flags"].explode(empty_as_null=False))
    seen.reasons.update(held_back["reasons"].explode())
    seen.first_records += accepted.head(RECORDS_SHOWN - len(seen.first_records)).to_dicts()
    first = held_back.sort("record_no").head(HELD_BACK_SHOWN - len(seen.first_held_back))
    seen.first_held_back += first.to_dicts()
