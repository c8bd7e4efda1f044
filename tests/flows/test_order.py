"""Commutativity: neither the order of records nor how files divide them shows in the articles."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.run import Summary

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]

ARTICLES = """
    SELECT article_id, a.headline, a.dek, a.authors, a.published_at, a.language, a.body, a.sources, a.record_count,
        r.external_id, r.url, list_sort(list((x.relation, m.external_id)))
    FROM articles a
    JOIN records r ON r.record_id = a.canonical_record_id
    JOIN record_articles x USING (article_id)
    JOIN records m ON m.record_id = x.record_id
    GROUP BY ALL ORDER BY ALL
"""

RECORDS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([None, "2026-01-02", "2026-03-04T05:06:07Z"]),
        st.sampled_from(["Bridge", "BRIDGE AGAIN", None]),
        st.sampled_from(["", "  ", "!"]),
    ),
    min_size=1,
    max_size=8,
)


@given(records=RECORDS, shuffled=st.randoms(use_true_random=False), drops=st.integers(1, 3), at_once=st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_articles_depend_on_neither_order_nor_split(
    records: list[tuple[int, str | None, str | None, str]],
    shuffled: random.Random,
    drops: int,
    at_once: bool,
    tmp_path_factory: pytest.TempPathFactory,
    ingest: Ingest,
    query: Query,
    a_record: Any,
    write_lines: Any,
) -> None:
    folder = tmp_path_factory.mktemp("order")
    rows = [
        a_record(number, id=f"n{position}", published_at=date, headline=headline)
        | {"body": a_record(number)["body"] + tail}
        for position, (number, date, headline, tail) in enumerate(records)
    ]
    ingest(write_lines(folder / "whole" / "wire" / "all.jsonl", rows), into=folder / "whole")

    shuffled.shuffle(rows)
    parts = [rows[start::drops] for start in range(drops) if rows[start::drops]]
    paths = [write_lines(folder / "split" / "wire" / f"{n}.jsonl", part) for n, part in enumerate(parts)]
    for named in [paths] if at_once else [[path] for path in paths]:
        ingest(*named, into=folder / "split")
    assert query(ARTICLES, folder / "split") == query(ARTICLES, folder / "whole")


def test_matching_in_parts_gives_the_same_articles(
    ingest: Ingest, query: Query, a_record: Any, write_lines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [a_record(number % 20, id=f"n{number}") for number in range(50)]
    drops = [write_lines(tmp_path / "wire" / f"{part}.jsonl", rows[part::2]) for part in range(2)]
    for drop in drops:
        ingest(drop, into=tmp_path / "whole")
    monkeypatch.setattr("flows.match.PARTITION_RECORDS", 10)
    parts = [ingest(drop, into=tmp_path / "parts") for drop in drops]
    assert [part.articles_new for part in parts] == [10, 10]
    assert query(ARTICLES, tmp_path / "parts") == query(ARTICLES, tmp_path / "whole")
