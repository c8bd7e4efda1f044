"""What analysts were promised: no table, column or type changes unless the changelog says so."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from warehouse.home import Home

Query = Callable[..., list[tuple[Any, ...]]]
Tables = Mapping[str, Mapping[str, str]]
"""Types of columns by name, by table."""

COLUMNS = """
    SELECT if(schema_name = 'main', '', schema_name || '.') || table_name, column_name, data_type FROM duckdb_columns()
    WHERE NOT internal AND schema_name IN ('main', 'ops')
"""


def untold(promised: Tables, found: Tables, changelog: str) -> Iterator[str]:
    """Yield tables, and columns as `table.column`, that changed since the last release and are not named as such."""
    news = changelog.partition("## Unreleased")[2].partition("\n## ")[0]
    for table in sorted(promised.keys() | found.keys()):
        before, now = promised.get(table), found.get(table)
        if before is None or now is None:
            changed = [table]
        else:
            columns = sorted(before.keys() | now.keys())
            changed = [f"{table}.{name}" for name in columns if before.get(name) != now.get(name)]
        yield from (name for name in changed if f"`{name}`" not in news)


def test_published_columns_are_those_of_the_last_release_or_told_of(
    samples: Home, query: Query, repository: Path
) -> None:
    """`contract.json` has the tables of the last release; it changes with a release alone."""
    found: dict[str, dict[str, str]] = {}
    for table, column, dtype in query(COLUMNS, samples.root):
        found.setdefault(table, {})[column] = dtype
    promised = json.loads((repository / "tests" / "flows" / "contract.json").read_text("utf-8"))
    assert list(untold(promised, found, (repository / "CHANGELOG.md").read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        ({"records": {"body": "VARCHAR"}}, "", []),
        ({"records": {"body": "VARCHAR", "mood": "VARCHAR"}}, "", ["records.mood"]),
        ({"records": {"body": "VARCHAR", "mood": "VARCHAR"}}, "- `records.mood` is new.", []),
        ({"records": {"body": "BLOB"}}, "", ["records.body"]),
        ({"records": {}}, "", ["records.body"]),
        ({}, "", ["records"]),
        ({"records": {"body": "VARCHAR"}, "moods": {"mood": "VARCHAR"}}, "", ["moods"]),
        ({"records": {"body": "BLOB"}}, "## 0.1.0\n\n`records.body`", ["records.body"]),
    ],
)
def test_a_change_that_nobody_was_told_of_is_found(now: Tables, told: str, expected: list[str]) -> None:
    changelog = f"# Changelog\n\n## Unreleased\n\n{told}\n\n## 0.0.9\n\n`moods`\n"
    assert list(untold({"records": {"body": "VARCHAR"}}, now, changelog)) == expected


def test_the_dictionary_has_every_table_and_column(
    samples: Home, query: Query, copydesk: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, said, _ = copydesk("docs", "--home", samples.root)
    assert code == 0
    lines = said.splitlines()
    for table, column, dtype in query(COLUMNS, samples.root):
        section = lines[lines.index(f"## {table}") :]
        assert any(line.startswith(f"| `{column}` | {dtype} | ") and line[-4:] != "|  |" for line in section), column
    assert copydesk("docs", "--home", samples.root, "--to", tmp_path / "dictionary.md")[0] == 0
    code, _, told = copydesk("docs", "--home", samples.root, "--to", tmp_path)
    assert (code, "cannot be written (Is a directory)" in told) == (2, True)
    assert (tmp_path / "dictionary.md").read_text("utf-8") == said
