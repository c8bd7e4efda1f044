"""What is found in real pages stays as good as it was, and no worse than trafilatura with its best settings."""

import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def measured(shared_data: Path, repository: Path) -> dict[str, Any]:
    measure = runpy.run_path(str(repository / "tests" / "quality" / "extraction.py"))["measure_extraction"]
    return dict(measure(shared_data / "extraction"))


def test_text_is_no_worse_than_that_of_trafilatura(measured: dict[str, Any]) -> None:
    assert measured["copydesk"].f1 >= measured["trafilatura"].f1
    assert measured["copydesk"].f1 >= 0.935


@pytest.mark.parametrize(("name", "exact", "most_wrong"), [("title", 155, 45), ("author", 72, 15), ("date", 155, 14)])
def test_metadata_keep_their_quality(measured: dict[str, Any], name: str, exact: int, most_wrong: int) -> None:
    outcomes = measured["copydesk"].outcomes[name]
    assert outcomes["exact"] >= exact
    assert outcomes["wrong"] <= most_wrong
    assert outcomes["wrong"] < measured["trafilatura"].outcomes[name]["wrong"]
