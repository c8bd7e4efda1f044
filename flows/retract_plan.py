"""What a retraction takes away: every record that carries the text, wherever it came from.

The text is that of the records which were named. Others carry it where at least half of its passages stand in them
(see `flows.withdrawals`); what they say goes with them. Records that quote less of it stay, and the passages that they
quote are no sign of it any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.drop_reader import parse_options
from flows.land import DROP_KEY
from flows.run import Progress, WritingRun
from flows.withdrawals import RETRACTED, Withdrawals, bodies, carries, carrying_rows
from transforms.identity import drop_key
from transforms.ops_schema import DROPS, QUARANTINE, RETRACTED_TEXTS
from transforms.parsing import parse_drop, read_content
from transforms.probes import Probes, digest_passages, find_in_texts, read_probes
from transforms.urls import canonicalize_urls
from warehouse.proof import search_drops
from warehouse.raw_store import RawStore

FIELDS = ("body", "headline", "dek")
"""Fields that a text is known by."""

_NAMED = """
    WITH now AS (
        SELECT record_id, article_id FROM record_articles_history
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
    )
    SELECT record_id FROM records LEFT JOIN now USING (record_id)
    WHERE $target IN (record_id, article_id, url, canonical_url) OR $address = canonical_url
"""
_TEXTS = """
    SELECT record_id, match_key, body_chars, body, headline, dek
    FROM records SEMI JOIN read_parquet($records) USING (record_id) ORDER BY record_id
"""
_BODIES = """
    SELECT row_number() OVER () AS row, coalesce(article_id, record_id) AS article_id, record_id,
        concat_ws(chr(10), body, extra) AS text
    FROM records LEFT JOIN (
        SELECT * FROM record_articles_history
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
    ) USING (record_id)
"""
_OTHERS = """
    SELECT record_id, concat_ws(chr(10), body, headline, dek, extra) AS text
    FROM records ANTI JOIN read_parquet($records) USING (record_id)
    UNION ALL
    SELECT record_id, text FROM spans ANTI JOIN read_parquet($records) USING (record_id)
"""
_LOADED = """
    SELECT record_id, match_key, headline, source, drop_sha256
    FROM records SEMI JOIN read_parquet($records) USING (record_id) ORDER BY record_id
"""

MOST_READ = 16 << 20
"""Bytes that are read of what is no record: a text is no longer."""

COMMON_ARTICLES = 3
"""Other articles from which on a passage is a phrase of a source, or of a form such as a weather report."""

_NOTHING_FOUND = pl.DataFrame(
    schema={
        "row": pl.Int64(),
        "record_id": pl.String(),
        "article_id": pl.String(),
        "chars": pl.Int64(),
        "passage": pl.Int64(),
    }
)


_POSITION = pl.DataFrame(
    schema={**dict.fromkeys(("record_id", *DROP_KEY, "uri"), pl.String()), "record_no": pl.Int64()}
)


@dataclass(frozen=True)
class Plan:
    """What goes.

    Attributes:
        texts: What it is known by, as rows of RETRACTED_TEXTS without `retraction_id`.
        records: Loaded records: `record_id`, `match_key`, `headline`, `source`, `drop_sha256`.
        positions: All that is overwritten, held back or loaded: `record_id`, `record_no`, and the drop with its `uri`.
        quoting: Ids of records that quote the text, and stay.
    """

    texts: pl.DataFrame
    records: pl.DataFrame
    positions: pl.DataFrame
    quoting: Sequence[str]


def plan_retraction(run: WritingRun, target: str) -> Plan | None:
    """Find all that carries the text of an article, of a record, loaded or held back, or of what has an address.

    None where there is nothing of that name, or not any more.
    """
    run.on_progress(Progress("looking for the text"))
    named, held = _named(run, target), _named_held(run, target)
    if named.is_empty() and held.is_empty():
        return None
    texts = _digest(pl.concat([_loaded_texts(run, named), _held_texts(run, held)]))
    texts, carrying = _carrying(run, texts, named)
    going = pl.concat([named, carrying, held]).unique()
    texts = pl.concat([texts, _digest(_loaded_texts(run, going))]).unique(["field", "passages"], maintain_order=True)
    quoted, quoting = _quoted(run, texts, going)
    texts = _without(texts, quoted)
    begun = _begun(run)
    positions = pl.concat([_positions(run, texts, going), begun]).unique("record_id", maintain_order=True)
    positions = _last(positions, pl.concat([named, held]))
    at_once = pl.concat([positions["record_id"], held]).unique()
    records = run.lake.query(_LOADED, {"records": _staged_ids(run, at_once)})
    return Plan(texts, records, positions, quoting)


def _named(run: WritingRun, target: str) -> pl.Series:
    address = canonicalize_urls(pl.Series([target])).item()
    return run.lake.query(_NAMED, {"target": target, "address": address})["record_id"]


def _named_held(run: WritingRun, target: str) -> pl.Series:
    """Return the ids, as of records, of what is held back under this id."""
    named = target.replace("r_", "q_", 1)
    is_said = ~pl.col("reasons").list.contains(RETRACTED)
    rows = run.lake.latest(QUARANTINE, where="status <> 'replayed'").filter(pl.col("quarantine_id") == named, is_said)
    return rows["quarantine_id"].str.replace("q_", "r_", literal=True).alias("record_id")


def _loaded_texts(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    return run.lake.query(_TEXTS, {"records": _staged_ids(run, record_ids)})


def _held_texts(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    """Read what is held back from the raw store, as it came; what was overwritten there says nothing any more."""
    record_ids = record_ids.filter(~record_ids.is_in(_begun(run)["record_id"].implode()))
    rows = _held_rows(run, record_ids)
    found = [
        entries.filter(pl.col("record_id").is_in(record_ids.implode()))
        for drop in _drops(run, rows["drop_sha256"].unique())
        for entries in _entries(run, drop)
    ]
    schema = {"record_id": pl.String(), "text": pl.String()}
    texts = pl.concat([pl.DataFrame(schema=schema), *(entries.select(*schema) for entries in found)])
    return texts.select(
        "record_id",
        match_key="record_id",
        body_chars=pl.col("text").str.len_chars().cast(pl.Int64),
        body="text",
        headline=pl.lit(None, dtype=pl.String()),
        dek=pl.lit(None, dtype=pl.String()),
    )


def _held_rows(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    """Return the rows of the quarantine for records that are held back."""
    is_meant = pl.col("quarantine_id").str.replace("q_", "r_", literal=True).is_in(record_ids.implode())
    return run.lake.latest(QUARANTINE).filter(is_meant)


def _digest(texts: pl.DataFrame) -> pl.DataFrame:
    """Return what texts are known by, each once."""
    rows = [
        (field, row["match_key"], row["body_chars"], digest_passages(row[field]))
        for row in texts.iter_rows(named=True)
        for field in FIELDS
        if row[field] is not None
    ]
    columns = [name for name in RETRACTED_TEXTS.schema if name != "retraction_id"]
    known = pl.DataFrame(rows, schema={name: RETRACTED_TEXTS.schema[name] for name in columns}, orient="row")
    return known.unique(["field", "passages"], maintain_order=True)


def _carrying(run: WritingRun, texts: pl.DataFrame, named: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Return the texts without what many articles say, and the loaded records that carry one of them."""
    probes = read_probes(texts["passages"].to_list())
    found = pl.concat([_NOTHING_FOUND, *(_in_bodies(probes, rows) for rows in run.lake.scan(_BODIES, {}))])
    own = found.filter(pl.col("record_id").is_in(named.implode()))["article_id"].unique()
    of_others = found.filter(~pl.col("article_id").is_in(own.implode()))
    common = of_others.group_by("passage").agg(articles=pl.col("article_id").n_unique())
    is_common = np.zeros(probes.count, np.bool_)
    is_common[common.filter(pl.col("articles") >= COMMON_ARTICLES)["passage"].to_numpy()] = True
    texts = _without(texts, is_common)
    withdrawn = Withdrawals(bodies(texts), RawStore(run.settings.home.raw))
    found = pl.concat([_NOTHING_FOUND, *(_in_bodies(withdrawn.probes, rows) for rows in run.lake.scan(_BODIES, {}))])
    rows = carrying_rows(withdrawn, found)
    return texts, found.filter(pl.col("row").is_in(rows.implode()))["record_id"].unique()


def _in_bodies(probes: Probes, rows: pl.DataFrame) -> pl.DataFrame:
    found = find_in_texts(probes, rows["text"])
    chars = rows["text"].str.len_chars().cast(pl.Int64).alias("chars")
    return pl.DataFrame([rows["row"], rows["record_id"], rows["article_id"], chars])[found["row"]].hstack(
        found.select("passage")
    )


def _quoted(run: WritingRun, texts: pl.DataFrame, going: pl.Series) -> tuple[NDArray[np.bool_], list[str]]:
    """Tell which passages stand in records that stay, and return the ids of these."""
    probes = read_probes(texts["passages"].to_list())
    is_quoted = np.zeros(probes.count, np.bool_)
    quoting: set[str] = set()
    for rows in run.lake.scan(_OTHERS, {"records": _staged_ids(run, going)}):
        found = find_in_texts(probes, rows["text"])
        is_quoted[found["passage"].to_numpy()] = True
        quoting.update(rows["record_id"].gather(found["row"]))
    return is_quoted, sorted(quoting)


def _without(texts: pl.DataFrame, is_quoted: NDArray[np.bool_]) -> pl.DataFrame:
    """Return the texts without some of their passages, which are numbered over all of them."""
    passages = texts.with_row_index("text").explode("passages").filter(pl.col("passages").is_not_null())
    own = passages.filter(~pl.Series(is_quoted, dtype=pl.Boolean)).group_by("text").agg("passages")
    kept = texts.drop("passages").with_row_index("text").join(own, on="text", how="left", maintain_order="left")
    return kept.with_columns(pl.col("passages").fill_null([])).select(texts.columns)


def _positions(run: WritingRun, texts: pl.DataFrame, going: pl.Series) -> pl.DataFrame:
    """Return where the records lie that go, and others that carry the text."""
    withdrawn = Withdrawals(bodies(texts), RawStore(run.settings.home.raw))
    encodings = dict(run.lake.latest(DROPS).select("drop_sha256", "encoding").iter_rows())
    run.on_progress(Progress("looking through the raw store"))
    holding = {place.path.stem for place in search_drops(run.settings.home, withdrawn.probes, encodings)}
    of_going = set(run.lake.query(_LOADED, {"records": _staged_ids(run, going)})["drop_sha256"])
    of_going |= set(_held_rows(run, going)["drop_sha256"])
    found = []
    for drop in _drops(run, pl.Series(sorted(holding | of_going), dtype=pl.String)):
        for entries in _entries(run, drop):
            is_going = pl.col("record_id").is_in(going.implode()) | carries(withdrawn, entries["text"])
            found.append(entries.filter(is_going).drop("text"))
    return pl.concat([_POSITION, *(entries.select(_POSITION.columns) for entries in found)])


def _begun(run: WritingRun) -> pl.DataFrame:
    """Return what a killed retraction has overwritten and not taken from the tables, as `_positions` does."""
    store = RawStore(run.settings.home.raw)
    found = []
    for drop in _drops(run, pl.Series(store.redacted(), dtype=pl.String)):
        redaction = store.redaction(drop["drop_sha256"])
        found += [{**drop, "record_no": number} for number in (redaction.records if redaction else ())]
    rows = pl.DataFrame(found, schema=_POSITION.schema)
    keys = [drop_key(*drop) for drop in rows.select(DROP_KEY).iter_rows()]
    rows = rows.with_columns(record_id=pl.format("r_{}_{}", pl.Series(keys, dtype=pl.String), "record_no"))
    held = run.lake.latest(QUARANTINE).filter(~pl.col("reasons").list.contains(RETRACTED))
    held_ids = held["quarantine_id"].str.replace("q_", "r_", literal=True)
    loaded = run.lake.query(_LOADED, {"records": _staged_ids(run, rows["record_id"])})["record_id"]
    return rows.filter(pl.col("record_id").is_in(pl.concat([held_ids, loaded]).implode()))


def _last(positions: pl.DataFrame, targets: pl.Series) -> pl.DataFrame:
    """Put the drops of what was named last: killed before, the same command finds by it what is left."""
    of_targets = positions.filter(pl.col("record_id").is_in(targets.implode()))["drop_sha256"]
    return positions.sort(pl.col("drop_sha256").is_in(of_targets.implode()), maintain_order=True)


def _drops(run: WritingRun, hashes: pl.Series) -> Iterator[Mapping[str, str]]:
    drops = run.lake.latest(DROPS).filter(pl.col("drop_sha256").is_in(hashes.implode()))
    yield from drops.select(*DROP_KEY, "uri").sort(DROP_KEY).iter_rows(named=True)


def _entries(run: WritingRun, drop: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield what a drop holds: `record_id`, `record_no`, its drop, and `text`; of what is no record, its bytes."""
    store = RawStore(run.settings.home.raw)
    key = drop_key(drop["source"], drop["drop_sha256"])
    with store.open(drop["drop_sha256"]) as stream, store.open(drop["drop_sha256"]) as again:
        spans = SpanReader(read_content(again))
        options = parse_options(run.settings.source(drop["source"]))
        for raw in parse_drop(stream, name=drop["uri"].rpartition("/")[2], options=options).batches:
            texts = raw.records.select(
                "record_no", text=pl.concat_str("body", "extra", separator="\n", ignore_nulls=True)
            )
            unread = [
                (number, spans.read(start or 0, end).decode("utf-8", "replace"))
                for number, start, end in raw.rejects.select("record_no", "byte_start", "byte_end").iter_rows()
            ]
            rejects = pl.DataFrame(unread, schema=texts.schema, orient="row")
            yield pl.concat([texts, rejects]).with_columns(
                *(pl.lit(value).alias(name) for name, value in drop.items()),
                record_id=pl.format("r_{}_{}", pl.lit(key), "record_no"),
            )


class SpanReader:
    """Reads spans of a stream from front to back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0

    def read(self, start: int, end: int | None) -> bytes:
        """Return the bytes of a span, cut to `MOST_READ`; of one without an end, those from its start on."""
        while self._at < start and (skipped := self._stream.read(min(start - self._at, MOST_READ))):
            self._at += len(skipped)
        found = self._stream.read(MOST_READ if end is None else min(end - start, MOST_READ))
        self._at += len(found)
        return found


def _staged_ids(run: WritingRun, record_ids: pl.Series) -> str:
    """Stage ids for a query that reads files; return the file."""
    path = run.path("named_records")
    record_ids.cast(pl.String).unique().alias("record_id").to_frame().write_parquet(path)
    return str(path)
