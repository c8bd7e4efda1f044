"""Where texts that are withdrawn lie in the raw store, and what a retraction that was killed has done to it."""

import json
from collections.abc import Iterator, Mapping

import polars as pl

from flows.drop_reader import parse_stored
from flows.extraction_pool import ExtractionPool
from flows.land import DROP_KEY
from flows.options import UsageError
from flows.run import Progress, WritingRun
from flows.unread import Unread
from flows.withdrawals import RECORD_TEXT, RETRACTED, Withdrawals, carries
from transforms.identity import drop_key
from transforms.ops_schema import DROPS, QUARANTINE, RETRACTED_TEXTS, RETRACTIONS
from warehouse.errors import RawDropError
from warehouse.files import write_synced
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.proof import search_drops
from warehouse.raw_store import RawStore

_PLACES = pl.DataFrame(schema={**dict.fromkeys(("record_id", *DROP_KEY, "uri"), pl.String()), "record_no": pl.Int64()})
_HELD = pl.DataFrame(schema={"record_id": pl.String(), "text": pl.String()})
_DROPS_OF = """
    SELECT DISTINCT drop_sha256 FROM records SEMI JOIN read_parquet($records) USING (record_id)
"""


def find_places(run: WritingRun, withdrawals: Withdrawals, going: pl.Series) -> pl.DataFrame:
    """Return where the records lie that go, and others that carry a text: `record_id`, `record_no`, drop and `uri`."""
    encodings = dict(run.lake.latest(DROPS).select("drop_sha256", "encoding").iter_rows())
    run.on_progress(Progress("looking through the raw store"))
    searched = search_drops(run.settings.home, withdrawals.probes, encodings)
    holding = {place.path.stem for place in searched if len(place.passages)}
    holding.update(run.lake.query(_DROPS_OF, {"records": staged_ids(run, going)})["drop_sha256"])
    holding.update(held_rows(run, going)["drop_sha256"])
    found = []
    for drop in _drops(run.lake, pl.Series(sorted(holding), dtype=pl.String)):
        for entries in _entries(run, drop):
            is_going = pl.col("record_id").is_in(going.implode()) | carries(withdrawals, entries["text"])
            found.append(entries.filter(is_going).select(_PLACES.columns))
    return pl.concat([_PLACES, *found])


def read_held(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    """Return what records say that are held back, as they came: `record_id`, `text`."""
    found = [
        entries.filter(pl.col("record_id").is_in(record_ids.implode())).select(_HELD.columns)
        for drop in _drops(run.lake, held_rows(run, record_ids)["drop_sha256"].unique())
        for entries in _entries(run, drop)
    ]
    return pl.concat([_HELD, *found])


def held_rows(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    """Return the rows of the quarantine for records that are held back."""
    return run.lake.latest(QUARANTINE).filter(_as_record("quarantine_id").is_in(record_ids.implode()))


def find_begun(run: WritingRun) -> pl.DataFrame:
    """Return what a killed retraction has overwritten and not taken from the tables, as `find_places` does."""
    store = RawStore(run.settings.home.raw)
    found = []
    for drop in _drops(run.lake, pl.Series(store.redacted(), dtype=pl.String)):
        redaction = store.redaction(drop["drop_sha256"])
        found += [{**drop, "record_no": number} for number in (redaction.records if redaction else ())]
    rows = pl.DataFrame(found, schema=_PLACES.drop("record_id").schema)
    keys = [drop_key(*drop) for drop in rows.select(DROP_KEY).iter_rows()]
    rows = rows.with_columns(record_id=pl.format("r_{}_{}", pl.Series(keys, dtype=pl.String), "record_no"))
    held = run.lake.latest(QUARANTINE, where="status <> 'replayed'").filter(~pl.col("reasons").list.contains(RETRACTED))
    loaded = run.lake.query(
        "SELECT record_id FROM records SEMI JOIN read_parquet($records) USING (record_id)",
        {"records": staged_ids(run, rows["record_id"])},
    )
    is_there = pl.concat([held.select(_as_record("quarantine_id"))["quarantine_id"], loaded["record_id"]])
    return rows.filter(pl.col("record_id").is_in(is_there.implode())).select(_PLACES.columns)


def find_again(lake: Lake) -> pl.DataFrame:
    """Return what was withdrawn and stands in the raw store again, as `find_places` does.

    That is so where an older raw store was put in the place of this one. What is damaged, or gone, is left out.
    """
    store = RawStore(lake.home.raw)
    retractions, held = lake.latest(RETRACTIONS), lake.latest(QUARANTINE)
    quarantine_ids = pl.concat(
        [
            retractions["quarantine_ids"].explode().drop_nulls(),
            held.filter(pl.col("reasons").list.contains(RETRACTED))["quarantine_id"],
        ]
    )
    of_records = retractions["record_ids"].explode().drop_nulls()
    record_ids = pl.concat([of_records, quarantine_ids.str.replace("q_", "r_", literal=True)]).unique()
    keys = record_ids.str.extract_groups(r"^r_(?<drop_key>.+)_(?<record_no>\d+)$").struct.unnest()
    numbers = {key: set(map(int, of_drop)) for key, of_drop in keys.group_by("drop_key").agg("record_no").iter_rows()}
    found = []
    for drop in lake.latest(DROPS).select(*DROP_KEY, "uri").sort(DROP_KEY).iter_rows(named=True):
        key = drop_key(drop["source"], drop["drop_sha256"]) if drop["drop_sha256"] else None
        if key in numbers and store.holds(drop["drop_sha256"]):
            try:
                again = store.came_back(drop["drop_sha256"], numbers[key])
            except RawDropError:
                continue
            found += [{**drop, "record_no": number, "record_id": f"r_{key}_{number}"} for number in sorted(again)]
    return pl.DataFrame(found, schema=_PLACES.schema)


def note_texts(home: Home, target: str, texts: pl.DataFrame) -> None:
    """Note what is withdrawn before any of it is overwritten: afterwards nobody could tell."""
    write_synced(home.withdrawing, json.dumps({"target": target, "texts": texts.to_dicts()}).encode())


def noted_texts(home: Home, target: str) -> pl.DataFrame:
    """Return the texts of a retraction that was killed, as rows of RETRACTED_TEXTS without `retraction_id`.

    Raises:
        UsageError: if it was the retraction of something else, which has to be finished first.
    """
    schema = {name: dtype for name, dtype in RETRACTED_TEXTS.schema.items() if name != "retraction_id"}
    try:
        noted = json.loads(home.withdrawing.read_bytes())
    except FileNotFoundError:
        return pl.DataFrame(schema=schema)
    if noted["target"] != target:
        raise UsageError(f"The retraction of {noted['target']} was broken off; run it again first.")
    return pl.DataFrame(noted["texts"], schema=schema)


def _drops(lake: Lake, hashes: pl.Series) -> Iterator[Mapping[str, str]]:
    drops = lake.latest(DROPS).filter(pl.col("drop_sha256").is_in(hashes.implode()))
    yield from drops.select(*DROP_KEY, "uri").sort(DROP_KEY).iter_rows(named=True)


def _entries(run: WritingRun, drop: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield what a drop holds: `record_id`, `record_no`, its drop, and `text`; of what is no record, its bytes."""
    store = RawStore(run.settings.home.raw)
    key = drop_key(drop["source"], drop["drop_sha256"])
    rejects = []
    with store.open(drop["drop_sha256"]) as stream, ExtractionPool() as pages:
        for raw in parse_stored(run.settings, stream, drop, pages=pages).batches:
            yield _entry(raw.records.select("record_no", text=RECORD_TEXT), drop, key)
            rejects.append(raw.rejects.select("record_no", "byte_start", "byte_end", "raw"))
    hint = run.settings.source(drop["source"]).encoding
    for some, texts in Unread(store).texts(drop["drop_sha256"], pl.concat(rejects), hint=hint):
        yield _entry(some.select("record_no", text=texts), drop, key)


def _entry(texts: pl.DataFrame, drop: Mapping[str, str], key: str) -> pl.DataFrame:
    return texts.with_columns(
        *(pl.lit(value).alias(name) for name, value in drop.items()),
        record_id=pl.format("r_{}_{}", pl.lit(key), "record_no"),
    )


def _as_record(quarantine_id: str) -> pl.Expr:
    return pl.col(quarantine_id).str.replace("q_", "r_", literal=True)


def staged_ids(run: WritingRun, record_ids: pl.Series) -> str:
    """Stage ids for a query that reads files; return the file."""
    path = run.path("named_records")
    record_ids.cast(pl.String).unique().alias("record_id").to_frame().write_parquet(path)
    return str(path)
