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
    SELECT a.headline, a.dek, a.authors, a.published_at, a.language, a.body, a.sources, a.record_count,
        r.external_id, r.url, list_sort(list((x.relation, m.external_id)))
    FROM articles a
    JOIN records r ON r.record_id = a.canonical_record_id
    JOIN record_articles x USING (article_id)
    JOIN records m ON m.record_id = x.record_id
    GROUP BY ALL ORDER BY ALL
"""

PARTITION = """
    SELECT a.headline, a.authors, a.published_at, a.body, a.sources, a.record_count, r.url,
        list_sort(list((x.relation, x.jaccard, x.containment, x.method, m.url)))
    FROM articles a
    JOIN records r ON r.record_id = a.canonical_record_id
    JOIN record_articles x USING (article_id)
    JOIN records m ON m.record_id = x.record_id
    GROUP BY ALL ORDER BY ALL
"""

UNPROVEN = """
    SELECT x.* FROM record_articles x
    JOIN records r USING (record_id)
    LEFT JOIN records c ON c.record_id = x.matched_record_id
    LEFT JOIN ops.matches m
        ON m.one_key = least(r.match_key, c.match_key) AND m.other_key = greatest(r.match_key, c.match_key)
    WHERE x.relation <> 'canonical' AND r.match_key IS DISTINCT FROM c.match_key AND coalesce(m.containment, 0) < 0.3
"""
"""Records that were not compared with the one that stands for their article, or have too little in common with it."""

SENTENCES = [
    f"On the {number}th day the {word} of the {place} came ashore with {number * 7} crates and a {thing}."
    for number, (word, place, thing) in enumerate(
        (word, place, thing)
        for word in ("pilots", "widows")
        for place in ("northern quay", "salt mill", "old custom house")
        for thing in ("lantern", "ledger", "caged thrush", "broken oar")
    )
]
CHAINED = st.lists(
    st.tuples(st.integers(0, 14), st.sampled_from([4, 8, 9]), st.sampled_from(["1", "2", None]), st.booleans()),
    min_size=2,
    max_size=9,
)
"""Texts of some sentences in a row, so that each overlaps with the next; the id, and whether the first is left out."""

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
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.mark.long
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


@pytest.mark.long
@given(chained=CHAINED, shuffled=st.randoms(use_true_random=False), drops=st.integers(1, 4))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_texts_that_chain_end_in_the_same_articles_in_any_order(
    chained: list[tuple[int, int, str | None, bool]],
    shuffled: random.Random,
    drops: int,
    tmp_path_factory: pytest.TempPathFactory,
    ingest: Ingest,
    query: Query,
    write_lines: Any,
) -> None:
    folder = tmp_path_factory.mktemp("chains")
    rows = [
        {"id": id_, "url": f"https://wire.example/{number}", "headline": "Crates ashore" if is_first else None}
        | {"body": "\n\n".join(SENTENCES[start : start + length])}
        for number, (start, length, id_, is_first) in enumerate(chained)
    ]
    ingest(write_lines(folder / "whole" / "wire" / "all.jsonl", rows), into=folder / "whole")
    shuffled.shuffle(rows)
    for number in range(drops):
        if part := rows[number::drops]:
            ingest(write_lines(folder / "split" / "wire" / f"{number}.jsonl", part), into=folder / "split")
    assert query(PARTITION, folder / "split") == query(PARTITION, folder / "whole")
    assert query(UNPROVEN, folder / "split") == []
    placed = "SELECT record_id FROM record_articles SEMI JOIN articles USING (article_id)"
    lost = f"SELECT record_id FROM records ANTI JOIN ({placed}) USING (record_id)"
    assert query(lost, folder / "split") == []
