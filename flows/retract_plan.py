"""What a retraction takes away: every record that carries the text, wherever it came from.

The text is that of the records which were named. Others carry it where at least half of its passages stand in them
(see `flows.withdrawals`), and go with them, their headlines and deks too; what else they say is no sign of the text.
Records that quote less of it stay. Passages that several other articles have as well are those of a form: nothing goes
for the sake of these alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.retract_places import find_begun, find_places, noted_texts, read_held, staged_ids
from flows.run import Progress, WritingRun
from flows.withdrawals import LOADED_TEXT, RETRACTED, SHARED, Withdrawals, bodies, carrying_rows
from transforms.ops_schema import QUARANTINE, RETRACTED_TEXTS
from transforms.probes import Probes, digest_passages, find_in_texts, read_probes
from transforms.schema import ARTICLE_REDIRECTS
from transforms.urls import canonicalize_urls
from warehouse.lake import Lake
from warehouse.raw_store import RawStore

FIELDS = ("body", "headline", "dek")
"""Fields that a text is known by."""

_TEXT_KEY = ("field", "match_key", "body_chars", "passages")

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
_BODIES = f"""
    SELECT row_number() OVER () AS row, coalesce(article_id, record_id) AS article_id, record_id,
        {LOADED_TEXT} AS text
    FROM records LEFT JOIN (
        SELECT * FROM record_articles_history
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
    ) USING (record_id)
"""
_OTHERS = f"""
    SELECT record_id, {LOADED_TEXT} AS text
    FROM records ANTI JOIN read_parquet($records) USING (record_id)
    UNION ALL
    SELECT record_id, text FROM spans ANTI JOIN read_parquet($records) USING (record_id)
"""
_LOADED = """
    SELECT record_id, match_key, headline, source, drop_sha256
    FROM records SEMI JOIN read_parquet($records) USING (record_id) ORDER BY record_id
"""

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


@dataclass(frozen=True)
class Plan:
    """What goes.

    Attributes:
        texts: What it is known by, as rows of RETRACTED_TEXTS without `retraction_id`.
        records: Loaded records: `record_id`, `match_key`, `headline`, `source`, `drop_sha256`.
        places: All that is overwritten, held back or loaded: `record_id`, `record_no`, and the drop with its `uri`.
        quoting: Ids of records that quote the text, and stay.
    """

    texts: pl.DataFrame
    records: pl.DataFrame
    places: pl.DataFrame
    quoting: Sequence[str]


def plan_retraction(run: WritingRun, target: str) -> Plan | None:
    """Find all that carries the text of an article, of a record, loaded or held back, or of what has an address.

    None where there is nothing of that name, or not any more. Where the retraction of it was broken off, there may be
    nothing left but what it noted: then this is what goes.

    Raises:
        UsageError: if the retraction of something else was broken off.
    """
    run.on_progress(Progress("looking for the text"))
    noted = noted_texts(run.settings.home, target)
    named, held = _named(run, target), _named_held(run, target)
    if named.is_empty() and held.is_empty():
        if _are_withdrawn(run.lake, noted):
            return None
        texts = noted
    else:
        texts = _digest(pl.concat([_loaded_texts(run, named), _held_texts(run, held)]))
    texts, carrying = _carrying(run, texts, named)
    going = pl.concat([named, carrying, held]).unique()
    others = _digest(_loaded_texts(run, going.filter(~going.is_in(named.implode()))))
    texts = pl.concat([texts, others.filter(pl.col("field") != "body"), noted])
    texts = texts.unique(_TEXT_KEY, maintain_order=True)
    quoting = _quoting(run, texts, going)
    places = find_places(run, Withdrawals(bodies(texts), RawStore(run.settings.home.raw)), going)
    places = pl.concat([places, find_begun(run)]).unique("record_id", maintain_order=True)
    places = _last(places, pl.concat([named, held]))
    at_once = pl.concat([places["record_id"], held]).unique()
    records = run.lake.query(_LOADED, {"records": staged_ids(run, at_once)})
    return Plan(texts, records, places, quoting)


def _are_withdrawn(lake: Lake, texts: pl.DataFrame) -> bool:
    """Tell whether texts, if there are any, stand in the tables as withdrawn."""
    return texts.join(lake.latest(RETRACTED_TEXTS), on=["field", "match_key"], how="anti", nulls_equal=True).is_empty()


def _last(places: pl.DataFrame, targets: pl.Series) -> pl.DataFrame:
    """Put the drops of what was named last: killed before, the same command finds by it what is left."""
    of_targets = places.filter(pl.col("record_id").is_in(targets.implode()))["drop_sha256"]
    return places.sort(pl.col("drop_sha256").is_in(of_targets.implode()), maintain_order=True)


def _named(run: WritingRun, target: str) -> pl.Series:
    """Return the ids of what is loaded under a name; an article that is no more is the one it became part of."""
    address = canonicalize_urls(pl.Series([target])).item()
    named = run.lake.query(_NAMED, {"target": target, "address": address})["record_id"]
    moved = run.lake.latest(ARTICLE_REDIRECTS).filter(article_id=target)["moved_to"].drop_nulls().to_list()
    return _named(run, moved[0]) if named.is_empty() and moved else named


def _named_held(run: WritingRun, target: str) -> pl.Series:
    """Return the ids, as of records, of what is held back under this id."""
    named = target.replace("r_", "q_", 1)
    is_said = ~pl.col("reasons").list.contains(RETRACTED)
    rows = run.lake.latest(QUARANTINE, where="status <> 'replayed'").filter(pl.col("quarantine_id") == named, is_said)
    return rows["quarantine_id"].str.replace("q_", "r_", literal=True).alias("record_id")


def _loaded_texts(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    return run.lake.query(_TEXTS, {"records": staged_ids(run, record_ids)})


def _held_texts(run: WritingRun, record_ids: pl.Series) -> pl.DataFrame:
    """Read what is held back from the raw store, as it came; what was overwritten there says nothing any more."""
    texts = read_held(run, record_ids.filter(~record_ids.is_in(find_begun(run)["record_id"].implode())))
    return texts.select(
        "record_id",
        match_key="record_id",
        body_chars=pl.col("text").str.len_chars().cast(pl.Int64),
        body="text",
        headline=pl.lit(None, dtype=pl.String()),
        dek=pl.lit(None, dtype=pl.String()),
    )


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
    return known.unique(_TEXT_KEY, maintain_order=True)


def _carrying(run: WritingRun, texts: pl.DataFrame, named: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Return the texts, parted from what many articles say, and the loaded records that carry one of them."""
    probes = read_probes(texts["passages"].to_list())
    found = pl.concat([_NOTHING_FOUND, *(_in_bodies(probes, rows) for rows in run.lake.scan(_BODIES, {}))])
    own = found.filter(pl.col("record_id").is_in(named.implode()))["article_id"].unique()
    of_others = found.filter(~pl.col("article_id").is_in(own.implode()))
    common = of_others.group_by("passage").agg(articles=pl.col("article_id").n_unique())
    is_common = np.zeros(probes.count, np.bool_)
    is_common[common.filter(pl.col("articles") >= COMMON_ARTICLES)["passage"].to_numpy()] = True
    texts = _parted(texts, is_common)
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


def _quoting(run: WritingRun, texts: pl.DataFrame, going: pl.Series) -> list[str]:
    """Return the ids of records that have a passage of the texts, not one that many have, and stay."""
    probes = read_probes(texts.filter(pl.col("field") != SHARED)["passages"].to_list())
    quoting: set[str] = set()
    for rows in run.lake.scan(_OTHERS, {"records": staged_ids(run, going)}):
        quoting.update(rows["record_id"].gather(find_in_texts(probes, rows["text"])["row"]))
    return sorted(quoting)


def _parted(texts: pl.DataFrame, is_common: NDArray[np.bool_]) -> pl.DataFrame:
    """Move passages, which are numbered over all texts, to texts of their own."""
    passages = texts.with_row_index("text").explode("passages").filter(pl.col("passages").is_not_null())
    passages = passages.with_columns(is_common=pl.Series(is_common, dtype=pl.Boolean))
    own = passages.filter(~pl.col("is_common")).group_by("text").agg("passages")
    kept = texts.drop("passages").with_row_index("text").join(own, on="text", how="left", maintain_order="left")
    common = passages.filter("is_common", field="body").group_by("text", maintain_order=True)
    shared = common.agg(pl.col("match_key", "body_chars").first(), "passages").with_columns(field=pl.lit(SHARED))
    kept = kept.with_columns(pl.col("passages").fill_null([]))
    return pl.concat([kept.select(texts.columns), shared.select(texts.columns)])
