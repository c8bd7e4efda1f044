"""The example queries answer what they say, over the sample drops; the answers were read off the files."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from warehouse.home import Home

Query = Callable[..., list[tuple[Any, ...]]]
Rows = list[tuple[Any, ...]]

FIRST_WEEK = 2
"""Articles of the wire that are dated 25 and 26 September 2024."""

EXPECTED: dict[str, Callable[[Rows], bool]] = {
    # The water meters are dated 5 November, 6:30, in the mirror, and 6 November, 6:00, on the wire.
    "who-is-first": lambda rows: rows == [("policy-mirror", 1, 23.5)],
    # The mirror shares the cables with the review, and three articles with the wire; the review one with the wire.
    "only-here": lambda rows: (
        rows
        == [
            ("broken", 10, 10, 100.0),
            ("wire-exports", 15, 11, 73.0),
            ("harbor-review", 4, 2, 50.0),
            ("policy-mirror", 6, 2, 33.0),
        ]
    ),
    "stories-that-one-source-missed": lambda rows: (
        [(row[0], row[1]) for row in rows]
        == [
            ("What the Water Meter Knows", ["policy-mirror", "wire-exports"]),
            ("Note: bestanden, sofern es rollt", ["policy-mirror", "wire-exports"]),
            ("Beans on loan", ["policy-mirror", "wire-exports"]),
        ]
    ),
    "silent-days": lambda rows: (
        {row[0] for row in rows} <= {"broken", "wire-exports"} and all(row[4] >= 2 for row in rows)
    ),
    # Three of the longest articles are by one or two authors each.
    "most-words": lambda rows: [row[0] for row in rows][:3] == ["Margit Halloran", "Annika Rosdahl", "Tomas Ybarren"],
    "held-back": lambda rows: [(row[1], row[2]) for row in rows][:2] == [("no_records", 3), ("unsupported_format", 3)],
    "other-headlines": lambda rows: (
        ("Two timetables", ["wire-exports: Late, on purpose", "wire-exports: The boat that waits"]) in rows
    ),
    "paragraphs-that-changed": lambda rows: {row[0] for row in rows} == {"broken"},
    "per-week": lambda rows: rows[0][1:4] == ("wire-exports", 2, FIRST_WEEK) and len(rows) == len(set(rows)),
    "flagged": lambda rows: (
        [row[:3] for row in rows]
        == [
            ("broken", "ambiguous_date", 1),
            ("broken", "future_date", 1),
            ("broken", "unreadable_date", 1),
            ("harbor-review", "headline_mismatch", 1),
            ("wire-exports", "language_mismatch", 1),
            ("wire-exports", "mojibake_repaired", 1),
        ]
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_query_answers_its_question(name: str, samples: Home, query: Query, repository: Path) -> None:
    sql = (repository / "docs" / "queries" / f"{name}.sql").read_text("utf-8")
    assert sql.startswith("-- ")
    assert "?" in sql.splitlines()[0]
    rows = query(sql, samples.root)
    assert EXPECTED[name](rows), rows


def test_every_example_query_is_tested(repository: Path) -> None:
    assert {path.stem for path in (repository / "docs" / "queries").glob("*.sql")} == EXPECTED.keys()


def test_a_query_is_read_from_standard_input(samples: Home, repository: Path) -> None:
    path = repository / "docs" / "queries" / "only-here.sql"
    command = [Path(sys.executable).with_name("copydesk"), "sql", "-", "--format", "csv", "--home", samples.root]
    with path.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[:2] == ["source,articles,own_articles,own_percent", "broken,10,10,100.0"]
