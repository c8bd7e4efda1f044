"""Matching texts: which distinct texts are copies of one another, new ones and stored ones.

Fingerprints of all texts are looked through, bodies are read only of texts that may be copies. What is found is staged
as rows of `ops.fingerprints` and `ops.matches`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.run import STAGED_COMPRESSION, WritingRun
from transforms.candidates import find_candidates
from transforms.fingerprints import fingerprint
from transforms.ops_schema import FINGERPRINTS, MATCHES
from transforms.relations import relate
from transforms.schema import RECORDS
from transforms.similarity import compare

COMPARED_PAIRS = 50_000
"""Pairs whose texts are in memory at a time: at most 100,000 texts."""

MOST_OF_ID = 200
"""Texts up to which a source may give one id or address for them to be compared as revisions: an address that stands in
every record (of a feed, of a front page) says nothing."""

REUSED = "id_reused"

_SIDES = ("one", "other")
_PAIR = ("one_key", "other_key")

_IDS = """
    SELECT source, 'id' AS kind, external_id AS id, match_key, record_id, ingested_at FROM {records}
    WHERE external_id IS NOT NULL
    UNION ALL
    SELECT source, 'url', canonical_url, match_key, record_id, ingested_at FROM {records}
    WHERE canonical_url IS NOT NULL
"""
_SHARED_IDS = f"""
    WITH given AS ({_IDS.format(records="read_parquet($staged)")}),
    stored AS (
        SELECT * FROM ({_IDS.format(records="records")})
        SEMI JOIN given USING (source, kind, id) ANTI JOIN given USING (record_id)
    ),
    texts AS (
        SELECT source, kind, id, match_key, min(ingested_at) AS since
        FROM (FROM given UNION ALL FROM stored) GROUP BY ALL
    ),
    shared AS (
        SELECT source, kind, id FROM texts GROUP BY ALL HAVING count(*) BETWEEN 2 AND {MOST_OF_ID}
    ),
    pairs AS (
        SELECT ours.record_id, least(ours.match_key, texts.match_key) AS one_key,
            greatest(ours.match_key, texts.match_key) AS other_key, texts.since <= ours.ingested_at AS is_earlier
        FROM given AS ours JOIN shared USING (source, kind, id) JOIN texts USING (source, kind, id)
        WHERE ours.match_key <> texts.match_key
    )
    SELECT DISTINCT record_id, one_key, other_key, is_earlier, known.one_key IS NOT NULL AS is_known
    FROM pairs LEFT JOIN ops.matches AS known USING (one_key, other_key)
"""


@dataclass(frozen=True)
class MatchedTexts:
    """What came of matching texts.

    Attributes:
        new: `match_key` of the texts that were not known.
        matches: Schema of `MATCHES`: the pairs that were found now.
        left_out: How many texts are made up of passages that too many share.
        reused: Records whose id or address stands for an altogether different text as well.
    """

    new: pl.DataFrame
    matches: pl.DataFrame
    left_out: int
    reused: pl.Series


def match_texts(
    run: WritingRun, staged: list[Path], folder: Path, *, gone: pl.DataFrame | None, is_stored: bool
) -> MatchedTexts:
    """Match the texts of `staged` records with each other and with all that are stored; stage what was found.

    Where these replace stored ones, `gone` has the `match_key` of texts that are left without a record, and an id is
    reused by what came later. Where what is staged `is_stored`, all records are, and what was known of their texts
    counts for nothing.
    """
    new = _fingerprint_new(run, staged, is_stored=is_stored)
    is_looked_through = new.height and not is_stored
    stored = run.lake.rows(FINGERPRINTS).select(new.columns).collect() if is_looked_through else new.clear()
    new.join(stored, on="match_key", how="anti").write_parquet(folder / f"{FINGERPRINTS.name}-0.parquet")
    stored = stored.join(new, on="match_key", how="anti")  # a text whose records are gone may come again
    stored = stored if gone is None else stored.join(gone, on="match_key", how="anti")
    candidates = find_candidates(new, stored)
    alike = candidates.pairs.select(one="other", other=pl.col("new") + stored.height)
    sharing = run.lake.query(_SHARED_IDS, {"staged": [str(path) for path in staged]})
    unknown = sharing.filter(~pl.col("is_known"))
    keys = pl.concat([stored.select("match_key"), new.select("match_key")])
    with_ids = pl.concat([unknown.select(match_key=side) for side in _PAIR]).unique(maintain_order=True)
    # Where no text is new, nothing is read of those that are stored.
    keys = pl.concat([keys, with_ids.join(keys, on="match_key", how="anti")]).with_row_index("text")
    pairs = _join_pairs(alike, unknown, keys)
    compared = pl.concat([pl.DataFrame(schema=MATCHES.schema), *_compare_all(run, staged, pairs, keys)])
    compared.write_parquet(folder / f"{MATCHES.name}-0.parquet")
    later = unknown if gone is None else unknown.filter("is_earlier")
    reused = later.join(compared, on=_PAIR, how="anti").get_column("record_id").unique()
    return MatchedTexts(new.select("match_key"), compared, len(candidates.left_out), reused)


def _fingerprint_new(run: WritingRun, staged: list[Path], *, is_stored: bool) -> pl.DataFrame:
    """Fingerprint the texts that are not known, each once."""
    given = pl.scan_parquet(staged).select("match_key")
    stored = given.clear() if is_stored else run.lake.rows(RECORDS).select("match_key")
    known = stored.join(given, on="match_key", how="semi").unique().collect()
    found = [pl.DataFrame(schema=FINGERPRINTS.schema)]
    for path in staged:
        texts = pl.read_parquet(path, columns=["match_key", "body"]).unique("match_key", maintain_order=True)
        unknown = texts.join(known, on="match_key", how="anti", maintain_order="left")
        found.append(unknown.select("match_key").hstack(fingerprint(unknown.get_column("body"))))
        known = pl.concat([known, unknown.select("match_key")])
    return pl.concat(found)


def _join_pairs(alike: pl.DataFrame, sharing: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Join the pairs by fingerprint and those by id, each once, with `shares_id`: numbers of texts, in their order."""
    by_id = sharing.select(_PAIR).unique()
    for side in _SIDES:
        by_id = by_id.join(keys.rename({"match_key": f"{side}_key", "text": side}), on=f"{side}_key")
    ordered = by_id.select(one=pl.min_horizontal(_SIDES), other=pl.max_horizontal(_SIDES), shares_id=pl.lit(value=True))
    pairs = alike.join(ordered, on=_SIDES, how="full", coalesce=True)
    return pairs.with_columns(pl.col("shares_id").fill_null(value=False)).sort(_SIDES)


def _compare_all(
    run: WritingRun, staged: list[Path], pairs: pl.DataFrame, keys: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    key = keys.get_column("match_key")
    for some in pairs.iter_slices(COMPARED_PAIRS):
        of_sides = [key.gather(some.get_column(side)).alias(side) for side in _SIDES]
        named = pl.DataFrame([*of_sides, some.get_column("shares_id")]).select(
            "shares_id", one_key=pl.min_horizontal(_SIDES), other_key=pl.max_horizontal(_SIDES)
        )
        texts = _bodies(run, staged, named)
        row = texts.select("match_key").with_row_index("row")
        for side in _SIDES:
            of_side = row.rename({"match_key": f"{side}_key", "row": side})
            named = named.join(of_side, on=f"{side}_key", maintain_order="left")
        compared = named.select(*_PAIR, "shares_id").hstack(compare(texts.get_column("body"), named))
        related = relate(compared, run.settings.duplicates)
        yield related.with_columns(run_id=pl.lit(run.run_id)).select(MATCHES.schema.names()).cast(MATCHES.schema)


def _bodies(run: WritingRun, staged: list[Path], pairs: pl.DataFrame) -> pl.DataFrame:
    """Read the bodies of the texts of pairs: `match_key`, `body`."""
    keys = pl.concat([pairs.get_column(side) for side in _PAIR]).unique()
    of_run = (
        pl.scan_parquet(staged)
        .select("match_key", "body")
        .filter(pl.col("match_key").is_in(keys.implode()))
        .unique("match_key", maintain_order=False)
        .collect()
    )
    wanted = pl.DataFrame({"match_key": keys}).join(of_run, on="match_key", how="anti").get_column("match_key")
    if wanted.is_empty():
        return of_run
    of_texts = pl.col("match_key").is_in(wanted.implode())
    stored = run.lake.rows(RECORDS).filter(of_texts).select(of_run.columns).collect()
    return pl.concat([of_run, stored.unique("match_key", maintain_order=False)])


def flag_reused(staged: list[Path], reused: pl.Series) -> None:
    """Put the flag of a reused id on staged records."""
    if reused.is_empty():
        return
    is_reused = pl.col("record_id").is_in(reused.implode())
    flags = (
        pl.when(is_reused).then(pl.concat_list("flags", pl.lit(REUSED)).list.unique().list.sort()).otherwise("flags")
    )
    for path in staged:
        records = pl.read_parquet(path)
        if records.select(is_reused.any()).item():
            records.with_columns(flags=flags).write_parquet(path, compression=STAGED_COMPRESSION)
