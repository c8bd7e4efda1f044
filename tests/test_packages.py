"""The folders are the packages of one distribution."""

import importlib
import json
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["flows", "transforms", "expectations", "seeds", "warehouse"])
def test_name_resolves_to_this_distribution(name: str, repository: Path) -> None:
    """An installed package with one of these names would be found instead, or ours in its place."""
    assert packages_distributions().get(name, ["copydesk"]) == ["copydesk"]
    installed = json.loads(distribution("copydesk").read_text("direct_url.json") or "{}")
    assert installed["url"] == repository.as_uri()
    assert importlib.import_module(name).__path__ == [str(repository / name)]
