"""Learning: lines that recur are proposed, whatever came first, and no ingest removes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.run import Summary
from transforms.schema import BOILERPLATE_CANDIDATES
from warehouse.home import Home
from warehouse.lake import open_lake, read_lake
from warehouse.publish import publish

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]
WithLines = Callable[..., dict[str, Any]]

LINE = "The harbour wire has been printed on the island since 1911"

PROPOSED = "SELECT source, line, articles, status FROM boilerplate_candidates ORDER BY ALL"
BY_CONTENT = """
    WITH examples AS (SELECT source, line_key, unnest(examples) AS record_id FROM boilerplate_candidates)
    SELECT c.source, line, articles, status, list_sort(list(external_id[:2]))
    FROM boilerplate_candidates c JOIN examples USING (source, line_key) JOIN records USING (record_id)
    GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture
def with_lines(a_record: Any) -> WithLines:
    """Build a record of three paragraphs with lines between the last two."""

    def build(number: int, *lines: str, **overrides: Any) -> dict[str, Any]:
        prose = [a_record(number * 1_000 + part)["body"] for part in range(3)]
        return a_record(number) | {"body": "\n\n".join([*prose[:2], *lines, prose[2]])} | overrides

    return build


@pytest.mark.long
def test_line_is_proposed_at_its_fifth_article_and_stays_in_every_body(
    ingest: Ingest, query: Query, with_lines: WithLines, write_lines: Any, tmp_path: Path
) -> None:
    copies = [with_lines(0, LINE), with_lines(0, LINE.upper())]
    ingest(write_lines(tmp_path / "wire" / "1.jsonl", [*copies, *(with_lines(number, LINE) for number in range(1, 4))]))
    assert query(PROPOSED) == [], "copies are one article"
    ingest(write_lines(tmp_path / "gazette" / "1.jsonl", [with_lines(5, LINE)]))
    assert query(PROPOSED) == [], "another source is another matter"
    ingest(write_lines(tmp_path / "wire" / "2.jsonl", [with_lines(4, LINE)]))
    assert [row[2:] for row in query(PROPOSED)] == [(5, "proposed")]
    ingest(write_lines(tmp_path / "wire" / "3.jsonl", [with_lines(6, LINE)]))
    assert [row[2:] for row in query(PROPOSED)] == [(6, "proposed")]
    held = "SELECT count(*) FROM records WHERE body ILIKE '%on the island since%'"
    assert query(held) == [(8,)], "an ingest removes none"
    assert query("SELECT count(DISTINCT record_id) FROM ops.line_sightings JOIN records USING (record_id)") == [(8,)]
    [(examples, line)] = query("SELECT examples, line FROM boilerplate_candidates")
    assert len(examples) == 3
    assert line.lower() == LINE.lower()


@pytest.mark.long
def test_proposals_depend_on_neither_order_nor_split(
    ingest: Ingest, query: Query, with_lines: WithLines, write_lines: Any, tmp_path: Path
) -> None:
    forms = sorted([LINE, LINE.upper(), LINE.title(), LINE.lower()])
    records = [
        with_lines(number, form, f"Line {number % 2}", id=f"{number:02}") for form in forms for number in range(11)
    ]
    ingest(write_lines(tmp_path / "whole" / "wire" / "all.jsonl", reversed(records)), into=tmp_path / "whole")
    # The first article by key comes first and in its smallest form, so that its form has to be looked up, and kept.
    by_key = "SELECT external_id FROM records GROUP BY ALL ORDER BY min(match_key)"
    rank = {number: place for place, (number,) in enumerate(query(by_key, tmp_path / "whole"))}
    records = sorted(records, key=lambda record: (records.index(record) // len(rank), rank[record["id"]]))
    for start, end in ((0, 4), (4, 6), (6, 44)):
        path = write_lines(tmp_path / "split" / "wire" / f"{start}.jsonl", records[start:end])
        ingest(path, into=tmp_path / "split")
    whole = query(BY_CONTENT, tmp_path / "whole")
    assert [row[2] for row in whole] == [6, 5, 11]
    assert query(BY_CONTENT, tmp_path / "split") == whole


@pytest.mark.long
def test_two_hundred_lines_are_proposed_for_a_source_the_most_frequent(
    ingest: Ingest, query: Query, with_lines: WithLines, write_lines: Any, home: Path, tmp_path: Path
) -> None:
    def repeating(items: range, articles: int) -> list[dict[str, Any]]:
        """Four lines an item."""
        return [
            with_lines(100 * item + article, *(f"line {number} on {item}" for number in range(4)))
            for item in items
            for article in range(articles)
        ]

    for number, records in enumerate((repeating(range(60), articles=5), repeating(range(60, 70), articles=6))):
        ingest(write_lines(tmp_path / "wire" / f"{number}.jsonl", records))
        with read_lake(Home(home)) as lake:
            assert lake.latest(BOILERPLATE_CANDIDATES).height == 200 + 40 * number, "no more is stored than is needed"
    counts = "SELECT articles, count(*) FROM boilerplate_candidates GROUP BY ALL ORDER BY ALL"
    assert query(counts) == [(5, 160), (6, 40)]


@pytest.mark.long
def test_home_of_a_version_without_proposals_gets_them_with_its_next_run(
    ingest: Ingest, query: Query, with_lines: WithLines, write_lines: Any, home: Path, tmp_path: Path
) -> None:
    ingest(write_lines(tmp_path / "wire" / "1.jsonl", [with_lines(1, LINE)]))
    with open_lake(Home(home)) as lake:
        for name in ("boilerplate_candidates_history", "ops.line_sightings"):
            lake.connection.execute(f"DROP TABLE {name}")
    with duckdb.connect(str(home / "warehouse.duckdb")) as published:
        for name in ("boilerplate_candidates", "ops.line_sightings"):
            published.execute(f"DROP VIEW {name}")
    ingest(write_lines(tmp_path / "wire" / "2.jsonl", [with_lines(number, LINE) for number in range(5)]))
    assert [row[2:] for row in query(PROPOSED)] == [(5, "proposed")]
    with open_lake(Home(home)) as lake:
        publish(lake)
    assert query("SELECT count(*) FROM records") == [(6,)]
