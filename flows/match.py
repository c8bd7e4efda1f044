"""Matching: which article each new record belongs to.

Only records that share a key with a new one are looked at, and never their bodies.
"""

from collections.abc import Sequence

import polars as pl

from flows.run import Progress, Run
from flows.validate import accepted_sources
from transforms.duplicates import MEMBER_COLUMNS, match_exact_copies
from transforms.schema import ARTICLES, RECORD_ARTICLES

_SHARED_KEYS = """
    WITH fresh AS (SELECT DISTINCT match_key FROM read_parquet(?)),
    shared AS (SELECT {columns} FROM records SEMI JOIN fresh USING (match_key)),
    decided AS (
        SELECT record_id, relation, matched_record_id
        FROM record_articles_history SEMI JOIN shared USING (record_id)
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
    )
    SELECT * FROM shared LEFT JOIN decided USING (record_id)
"""


def match(run: Run) -> None:
    """Stage `record_articles` and `articles`, as far as the new records touch them."""
    staged = run.staged("records", sources=accepted_sources(run))
    run.on_progress(Progress("matching"))
    if not staged:
        return
    new = pl.scan_parquet(staged).select(MEMBER_COLUMNS).collect()
    decisions = match_exact_copies(new, _stored_members(run, staged))
    decisions.record_articles.pipe(_decided_by, run=run).write_parquet(run.path(RECORD_ARTICLES.name))
    decisions.articles.pipe(_decided_by, run=run).write_parquet(run.path(ARTICLES.name))


def _stored_members(run: Run, staged: Sequence[object]) -> pl.DataFrame:
    columns = ", ".join(MEMBER_COLUMNS)
    return run.lake.query(_SHARED_KEYS.format(columns=columns), [[str(path) for path in staged]])


def _decided_by(rows: pl.DataFrame, *, run: Run) -> pl.DataFrame:
    return rows.with_columns(
        run_id=pl.lit(run.run_id), decided_at=pl.lit(run.started_at), commit_no=pl.lit(run.commit_no, dtype=pl.Int64)
    )
