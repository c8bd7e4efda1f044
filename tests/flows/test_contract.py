"""What analysts were promised: no published table, view, column or type changes unless the changelog says so.

`contract.json` has all of them as the last release promised them; before the first, as they were when it was last made.
A change leaves it as it is, and is told under `### Columns` of `## Unreleased` in CHANGELOG.md, in a line of this form:

    - added `records.mood`
    - removed `articles.dek`
    - changed `records.body` to BLOB

A table or view that comes or goes is one such line, as in "- added `syndication`". Nothing else stands there.
A release makes it anew, of any home folder: `python tests/flows/test_contract.py HOME > tests/flows/contract.json`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.home import Home

Query = Callable[..., list[tuple[Any, ...]]]
Tables = Mapping[str, Mapping[str, str]]
"""Types of columns by name, by table."""

COLUMNS = """
    SELECT if(schema_name = 'main', '', schema_name || '.') || table_name AS name, column_name, data_type
    FROM duckdb_columns() WHERE NOT internal ORDER BY name, column_index
"""


def published(rows: list[tuple[Any, ...]]) -> Tables:
    """Gather what COLUMNS finds by table."""
    found: dict[str, dict[str, str]] = {}
    for table, column, dtype in rows:
        found.setdefault(table, {})[column] = dtype
    return found


def changes(promised: Tables, found: Tables) -> Iterator[str]:
    """Yield a line for each difference, in the form in which the changelog tells it."""
    for table in sorted(promised.keys() | found.keys()):
        if table not in found:
            yield f"- removed `{table}`"
        elif table not in promised:
            yield f"- added `{table}`"
        else:
            yield from _changed_columns(table, promised[table], found[table])


def _changed_columns(table: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for column in sorted(before.keys() | now.keys()):
        if column not in now:
            yield f"- removed `{table}.{column}`"
        elif column not in before:
            yield f"- added `{table}.{column}`"
        elif before[column] != now[column]:
            yield f"- changed `{table}.{column}` to {now[column]}"


def faults(promised: Tables, found: Tables, changelog: str) -> list[str]:
    """Return lines that `### Columns` of `## Unreleased` lacks, and those in it that are not so."""
    expected = list(changes(promised, found))
    told = [line for line in _section("### Columns", _section("## Unreleased", changelog)).splitlines() if line]
    missing = [f"missing: {line}" for line in expected if line not in told]
    return missing + [f"not so: {line}" for line in told if line not in expected]


def _section(heading: str, text: str) -> str:
    """Return what stands between a heading and the next of its level or above; nothing where it is not there."""
    level = heading.index(" ")
    found = re.search(rf"^{heading}$(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_published_columns_are_those_promised_or_told_of(samples: Home, query: Query, repository: Path) -> None:
    promised = json.loads((repository / "tests" / "flows" / "contract.json").read_text("utf-8"))
    found = published(query(COLUMNS, samples.root))
    assert faults(promised, found, (repository / "CHANGELOG.md").read_text("utf-8")) == []


RECORDS = {"body": "VARCHAR", "dek": "VARCHAR"}
MOODS = {"mood": "VARCHAR"}
PROMISED = {"records": RECORDS, "moods": MOODS}
CHANGES = [
    ({"records": RECORDS | {"mood": "VARCHAR"}, "moods": MOODS}, "- added `records.mood`"),
    ({"records": {"body": "VARCHAR"}, "moods": MOODS}, "- removed `records.dek`"),
    ({"records": RECORDS | {"body": "BLOB"}, "moods": MOODS}, "- changed `records.body` to BLOB"),
    (PROMISED | {"ops.moods": MOODS}, "- added `ops.moods`"),
    ({"records": RECORDS}, "- removed `moods`"),
]


@pytest.mark.parametrize(("now", "line"), CHANGES)
def test_a_change_has_to_be_told_among_the_columns_of_what_is_unreleased(now: Tables, line: str) -> None:
    assert faults(PROMISED, now, f"## Unreleased\n\n### Columns\n\n{line}\n\n### Added\n\n- Much.\n") == []
    for changelog in (
        f"## Unreleased\n\n### Added\n\n{line}\n",
        f"## Unreleased\n\n### Columns\n\n### Fixed\n\n{line}\n",
        f"## Unreleased\n\n### Columns\n\n## 0.0.9\n\n{line}\n",
        f"## Unreleased\n\n## 0.0.9\n\n### Columns\n\n{line}\n",
        f"## Columns\n\n{line}\n",
    ):
        assert faults(PROMISED, now, changelog) == [f"missing: {line}"]


@pytest.mark.parametrize(("now", "line"), CHANGES)
def test_a_change_has_to_be_told_as_what_it_is(now: Tables, line: str) -> None:
    _, name, rest = line.split("`")
    others = [
        f"- `{name}`",
        f"- renamed `{name}`",
        f"- changed `{name}` to DATE",
        f"- New: `{name}`{rest}",
        f"{line} too",
    ]
    others += [other for _, other in CHANGES if other != line]
    for other in others:
        told = f"## Unreleased\n\n### Columns\n\n{other}\n"
        assert faults(PROMISED, now, told) == [f"missing: {line}", f"not so: {other}"]
        assert faults(PROMISED, PROMISED, told) == [f"not so: {other}"]


def test_each_of_several_changes_has_its_line() -> None:
    now = {"records": {"body": "BLOB", "mood": "VARCHAR"}, "views": MOODS}
    columns = ["- added `records.mood`", "- changed `records.body` to BLOB", "- removed `records.dek`"]
    lines = [*columns, "- added `views`", "- removed `moods`"]
    assert faults(PROMISED, now, "\n".join(["## Unreleased", "### Columns", *lines])) == []
    assert faults(PROMISED, now, "\n".join(["## Unreleased", "### Columns", *columns])) == [
        f"missing: {line}" for line in reversed(lines[3:])
    ]
    assert faults(PROMISED, PROMISED, "## Unreleased\n\n### Added\n") == []


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


if __name__ == "__main__":
    with duckdb.connect(str(Home(Path(sys.argv[1])).published), read_only=True) as connection:
        tables = published(connection.execute(COLUMNS).fetchall())
    sys.stdout.write(json.dumps(tables, indent=2) + "\n")
