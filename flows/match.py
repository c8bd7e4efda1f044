"""Matching: which article each new record belongs to.

Only records that share a key with a new one are looked at, and never their bodies. Where records are replaced, those
that share a key with what they were are looked at as well: an article that loses its last record is left with none,
and is not shown.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from string import hexdigits

import polars as pl

from flows.learn import propose
from flows.run import Progress, Run
from flows.validate import accepted_sources
from transforms.duplicates import MEMBER_COLUMNS, emptied_articles, match_exact_copies
from transforms.schema import ARTICLES, RECORD_ARTICLES

PARTITION_RECORDS = 100_000
"""Most new records matched at a time: 160 MB, whatever the number of records."""

HEX = hexdigits[:16]

REPLACED = pl.Schema({"record_id": pl.String(), "match_key": pl.String()})
"""What has to be known of a record that is replaced."""

_SHARED_KEYS = """
    WITH touched AS (SELECT DISTINCT match_key FROM read_parquet($files) WHERE starts_with(match_key, $digits)),
    shared AS (SELECT {columns} FROM records SEMI JOIN touched USING (match_key)),
    decided AS (
        SELECT record_id, relation, matched_record_id
        FROM record_articles_history SEMI JOIN shared USING (record_id)
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
    )
    SELECT * FROM shared LEFT JOIN decided USING (record_id)
"""


def match(run: Run) -> None:
    """Stage `record_articles` and `articles`, as far as the new records touch them, and lines that now recur."""
    accepted = accepted_sources(run)
    staged = run.staged("records", sources=accepted)
    run.on_progress(Progress("matching"))
    if not staged:
        return
    place(run, staged)
    propose(run, run.staged("lines", sources=accepted))


def place(run: Run, staged: list[Path], *, replaced: Path | None = None) -> None:
    """Stage `record_articles` and `articles`, as far as the records of `staged` files touch them.

    `replaced` is a file of `record_id` and `match_key`, as they were, of records that the staged ones replace.
    """
    folder = run.folder / "matched"
    folder.mkdir()
    new = pl.scan_parquet(staged).select(MEMBER_COLUMNS)
    before = pl.DataFrame(schema=REPLACED) if replaced is None else pl.read_parquet(replaced, columns=list(REPLACED))
    files = [*staged, *([] if replaced is None else [replaced])]
    for digits in _partitions(int(new.select(pl.len()).collect().item())):
        members = new.filter(pl.col("match_key").str.starts_with(digits)).collect()
        stored = _stored_members(run, files, digits).join(before, on="record_id", how="anti")
        decisions = match_exact_copies(members, stored)
        left = before.filter(pl.col("match_key").str.starts_with(digits))["match_key"]
        articles = pl.concat([decisions.articles, emptied_articles(decisions.articles, left)], how="diagonal")
        for name, rows in ((RECORD_ARTICLES.name, decisions.record_articles), (ARTICLES.name, articles)):
            rows.pipe(_decided_by, run=run).write_parquet(folder / f"{name}-{digits}.parquet")


def _partitions(records: int) -> Iterator[str]:
    """Yield the first digits of the keys to match at a time; keys are digests, so that parts are of one size."""
    count = 0
    while records > PARTITION_RECORDS * len(HEX) ** count:
        count += 1
    return map("".join, product(HEX, repeat=count))


def _stored_members(run: Run, files: Sequence[Path], digits: str) -> pl.DataFrame:
    query = _SHARED_KEYS.format(columns=", ".join(MEMBER_COLUMNS))
    return run.lake.query(query, {"files": [str(path) for path in files], "digits": digits})


def _decided_by(rows: pl.DataFrame, *, run: Run) -> pl.DataFrame:
    return rows.with_columns(
        run_id=pl.lit(run.run_id), decided_at=pl.lit(run.started_at), commit_no=pl.lit(run.commit_no, dtype=pl.Int64)
    )
