"""What an ingest makes of drops, as whoever queries the published file sees it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows import steps
from flows.run import Request
from flows.settings import load_settings

_PLACED = """
    SELECT coalesce(r.external_id, parse_filename(d.uri, true)) AS key, r.source, r.record_id, r.headline, r.body,
        x.article_id, x.relation, x.matched_record_id, x.jaccard, x.containment, x.method,
        a.canonical_record_id, a.headline AS article_headline, a.body AS article_body
    FROM records AS r
    JOIN record_articles AS x USING (record_id)
    JOIN articles AS a USING (article_id)
    JOIN (SELECT source, drop_sha256, unnest(uris) AS uri FROM ops.drops) AS d USING (source, drop_sha256)
    ORDER BY r.source, key, r.record_id
"""


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write records, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), "utf-8")
    return path


def place(home: Path, *runs: Sequence[Path]) -> pl.DataFrame:
    """Ingest drops into a home folder, in one run after another, and return each record with its article.

    `key` is the external id, or else the name of the file without its suffix; `article_headline` and `article_body`
    are those that the article shows.
    """
    for paths in runs:
        steps.ingest(Request(load_settings(home=home), tuple(paths)))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as published:
        return published.execute(_PLACED).pl()


def merged_pairs(placed: pl.DataFrame) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each two records of one article."""
    for _, records in placed.group_by("article_id", maintain_order=True):
        yield from combinations(records.unique("record_id", maintain_order=True).iter_rows(named=True), 2)
