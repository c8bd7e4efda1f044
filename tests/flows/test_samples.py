"""What a run makes of the sample drops is what their README says of each."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from warehouse.home import Home

Query = Callable[..., list[tuple[Any, ...]]]

OUTCOME = """
    SELECT uri, format, records_in, records_loaded, records_quarantined, uris FROM ops.drops
"""


def codes_in(cell: str) -> Counter[str]:
    return Counter({code: int(count) for code, count in re.findall(r"`(\w+)` (\d+)", cell)})


@pytest.fixture(scope="module")
def promised(repository: Path) -> dict[str, list[str]]:
    """Cells of the README's table by the name of the file."""
    readme = (repository / "seeds" / "drops" / "README.md").read_text("utf-8")
    table = readme.split("## What should become of each")[1].split("## Duplicates")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    return {name.strip("`*"): cells for name, *cells in rows[2:]}


def test_each_sample_becomes_what_its_readme_says(samples: Home, query: Query, promised: dict[str, list[str]]) -> None:
    drops = {"/".join(Path(uri).parts[-2:]): rest for uri, *rest in query(OUTCOME, samples.root)}
    second_paths = {"/".join(Path(path).parts[-2:]) for *_, uris in drops.values() for path in uris} - drops.keys()
    assert drops.keys() | second_paths == promised.keys() - {"all"}
    for name, (format_, records_in, loaded, quarantined, _) in drops.items():
        cells = promised[name] if promised[name][1] != "0" else promised[name.replace(" (1)", "")]
        assert [format_, str(records_in), str(loaded), str(quarantined)] == cells[:4], name


@pytest.mark.parametrize(
    ("column", "codes"),
    [
        (4, "SELECT uri, unnest(reasons) FROM ops.quarantine JOIN ops.drops USING (source, drop_sha256)"),
        (5, "SELECT uri, unnest(flags) FROM records JOIN ops.drops USING (source, drop_sha256)"),
    ],
)
def test_each_code_stands_where_the_readme_says(
    samples: Home, query: Query, promised: dict[str, list[str]], column: int, codes: str
) -> None:
    found: dict[str, Counter[str]] = {}
    for uri, code in query(codes, samples.root):
        found.setdefault("/".join(Path(uri).parts[-2:]), Counter())[code] += 1
    expected = {name: codes_in(cells[column]) for name, cells in promised.items() if codes_in(cells[column])}
    assert found == expected


def test_totals_are_those_of_the_readme(samples: Home, query: Query, promised: dict[str, list[str]]) -> None:
    [figures] = query("SELECT drops, records_in, records_loaded, records_quarantined FROM ops.runs", samples.root)
    assert [str(figure) for figure in figures[1:]] == promised["all"][1:4]
    assert promised["all"][-1].endswith(f", {figures[0]} drops")


def test_every_table_and_column_has_a_comment(samples: Home, query: Query) -> None:
    for kind in ("views", "columns"):
        rest = "AND NOT internal AND schema_name IN ('main', 'ops')"
        assert query(f"SELECT * FROM duckdb_{kind}() WHERE comment IS NULL {rest}", samples.root) == []
