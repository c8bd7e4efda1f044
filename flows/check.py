"""What a run would say of a file: every rule on it, asked as in a run, with nothing written.

The file counts as all that its source delivers in a run, and is compared with the past that is published.
"""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from expectations.figures import Delivered, count_fields, take_figures
from expectations.record_suite import UNREAD
from expectations.suites import Outcomes, Validated, validate_run
from flows.custom import ask_custom_rules, custom_rules
from flows.drop_reader import DropBatch, SourceBatch, body_format, join_batches, parse_options
from flows.parse import clean_and_check, count_figures, rows_to_load
from flows.rules import published_lines, rules_of
from flows.settings import Settings
from flows.validate import PAST, past_by_source
from transforms.parsing import parse_drop
from transforms.schema import RECORDS
from warehouse.errors import NotPublishedError
from warehouse.home import Home
from warehouse.landing import SourceNames
from warehouse.query import QueryError, read_published

_RUN = "check"


def check_file(path: Path, *, settings: Settings, source: str | None = None) -> Validated:
    """Ask every rule of a file.

    Raises:
        OSError: if it cannot be read.
        CustomRuleError: if a rule of the user is none.
    """
    names = SourceNames(settings.home.landing, settings.places, forced=source)
    name = names.of_folder(path.absolute().parent)
    now = datetime.now(UTC)
    rules = custom_rules(settings)
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        counts, drops = _stage(path, Path(folder), settings=settings, source=name, now=now)
        staged = {kind: sorted(Path(folder).glob(f"{kind}-*.parquet")) for kind in ("records", "spans", "lines")}
        outcomes, unread = (pl.scan_parquet(f"{folder}/{kind}-*.parquet") for kind in ("outcomes", "unread"))
        records, lines = pl.scan_parquet(staged["records"]), pl.scan_parquet(staged["lines"])
        stored = _published(settings.home, "SELECT match_key FROM records", {"match_key": pl.String()}).lazy()
        figures = take_figures(Delivered(counts, drops, records, lines, outcomes, stored), now=now)
        return validate_run(
            Outcomes(outcomes, unread, figures),
            checks={name: rules_of(settings.source(name))},
            past=past_by_source(_past(settings.home, name)),
            more=ask_custom_rules(rules, {name: staged}),
            run_id=_RUN,
            checked_at=now,
        )


def _stage(
    path: Path, folder: Path, *, settings: Settings, source: str, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write what the file becomes, and return its counts, and what is counted of the drop."""
    options = parse_options(settings.source(source))
    counts, records_in = [], 0
    with path.open("rb") as stream:
        parsed = parse_drop(stream, name=path.name, options=options)
        boilerplate = published_lines(settings.home).get(source, ())
        for number, raw in enumerate(parsed.batches):
            drop = DropBatch({"drop_sha256": ""}, body_format(parsed), raw)
            batch = join_batches(settings.source(source), number, [drop], boilerplate=boilerplate)
            counts.append(_stage_batch(batch, folder, now=now))
            records_in += batch.records.height + batch.rejects.height
    counts.append(count_fields(options.names.counts.frame(), source=source))
    drop_counts = {
        "source": [source],
        "encoding": [parsed.encoding],
        "has_mark": [parsed.has_mark],
        "format": [str(parsed.format)],
        "records_in": [records_in],
    }
    return pl.concat(counts), pl.DataFrame(drop_counts, schema_overrides={"encoding": pl.String()})


def _stage_batch(batch: SourceBatch, folder: Path, *, now: datetime) -> pl.DataFrame:
    cleaned, checked = clean_and_check(batch, now=now)
    accepted = checked.accepted.with_columns(
        run_id=pl.lit(_RUN), ingested_at=pl.lit(now).cast(RECORDS.schema["ingested_at"])
    )
    frames: Mapping[str, pl.DataFrame] = {
        **rows_to_load(cleaned, accepted),
        "outcomes": checked.outcomes,
        "unread": batch.rejects.select(UNREAD.names()),
    }
    for kind, rows in frames.items():
        rows.write_parquet(folder / f"{kind}-{batch.number:05}.parquet")
    return count_figures(batch, checked)


def _past(home: Home, source: str) -> pl.DataFrame:
    return _published(
        home, PAST, {"source": pl.String()}, parameters={"sources": [source], "weekday": datetime.now(UTC).isoweekday()}
    )


def _published(
    home: Home, sql: str, schema: Mapping[str, pl.DataType], *, parameters: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Read from the published file; nothing where nothing was published, or by an older version."""
    try:
        return read_published(home, sql, parameters)
    except (NotPublishedError, QueryError):
        return pl.DataFrame(schema=schema)
