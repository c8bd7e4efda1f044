"""Twenty thousand real articles in three scripts, as JSON Lines with the names their source gives the fields."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from flows.run import Summary

DECLARED = """
[sources.lk]
fields = { headline = "description", url = "url_metadata", published_at = "time_ut", external_id = "doc_id" }
"""
ARTICLES = 20_000


def test_every_article_comes_in_and_none_is_lost(
    shared_data: Path, home: Path, tmp_path: Path, ingest: Callable[..., Summary], query: Callable[..., Any]
) -> None:
    news = pl.read_parquet(shared_data / "news" / "lk_news_20k.parquet")
    home.mkdir()
    (home / "copydesk.toml").write_text(DECLARED)
    drop = tmp_path / "lk" / "news.jsonl"
    drop.parent.mkdir()
    news.write_ndjson(drop)

    summary = ingest(drop)

    assert summary.records_in == news.height == ARTICLES
    assert summary.records_in == summary.records_loaded + summary.records_quarantined
    loaded = query("SELECT external_id, url, headline IS NOT NULL, published_at IS NOT NULL FROM records ORDER BY ALL")
    held_back = query("SELECT drop_sha256, record_no, byte_start, byte_end FROM ops.quarantine")
    content = drop.read_bytes()
    not_loaded = {json.loads(content[start:end])["doc_id"] for *_, start, end in held_back}
    assert {row[0] for row in loaded} | not_loaded == set(news["doc_id"])
    assert dict(zip(news["doc_id"], news["url_metadata"], strict=True)).items() >= {row[:2] for row in loaded}
    assert sum(row[3] for row in loaded) == len(loaded)
