"""The folders are the packages of one distribution."""

import importlib
import json
import subprocess
import sys
import zipfile
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


def test_wheel_holds_every_file_of_the_packages(repository: Path, tmp_path: Path) -> None:
    """Tables, queries, the report's page: what is read at run time is not all Python."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    listed = subprocess.run(
        ["git", "ls-files", "flows", "transforms", "expectations", "seeds", "warehouse"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert set(listed.splitlines()) <= set(zipfile.ZipFile(wheel).namelist())
    assert "flows/report/page.html" in listed
