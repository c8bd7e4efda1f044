"""Idempotence: a drop that comes again, or a run that was killed and started anew, leaves no trace."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.run import Request, Summary
from flows.settings import load_settings
from warehouse.home import Home

Ingest = Callable[..., Summary]
KillAt = Callable[..., None]
Query = Callable[..., list[tuple[Any, ...]]]

POINTS = {
    "while files are stored": ("warehouse.raw_store:RawStore", "put", "after", 2),
    "before ledgers are written": ("warehouse.raw_store:RawStore", "record_delivery", "before", 1),
    "after landing": ("flows.steps", "land", "after", 1),
    "while parsing": ("flows.parse", "clean_and_check", "before", 2),
    "after parsing": ("flows.steps", "parse", "after", 1),
    "after claiming": ("flows.steps", "claim", "after", 1),
    "before matching": ("flows.steps", "match", "before", 1),
    "before the commit": ("warehouse.lake:Lake", "append", "before", 1),
    "in the middle of the commit": ("warehouse.lake:Lake", "insert", "after", 3),
    "between commit and publication": ("flows.load", "publish", "before", 1),
    "after publication": ("flows.load", "write_known_files", "before", 1),
}

SHOWN_ANYWAY = ("in the middle of the commit",)

CONTENT = """
    SELECT source, external_id, records.headline, records.body, relation, a.article_id, record_count
    FROM records JOIN record_articles USING (record_id) JOIN articles a USING (article_id) ORDER BY ALL
"""
DROPS = """
    SELECT drop_sha256, uris, source, status, records_in, records_loaded, records_quarantined
    FROM ops.drops ORDER BY ALL
"""
HELD_BACK = "SELECT quarantine_id, drop_sha256, record_no, reasons, detail FROM ops.quarantine ORDER BY ALL"


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> list[Path]:
    """Three drops of two sources, with a copy and a bad line among them."""
    folder = tmp_path_factory.mktemp("drops")
    return [
        write_lines(folder / "gazette" / "one.jsonl", [a_record(1), a_record(2), "nonsense"]),
        write_lines(folder / "gazette" / "two.jsonl", [a_record(2), a_record(3)]),
        write_lines(folder / "wire" / "three.jsonl", [a_record(1, published_at="2026-01-02"), {"body": ""}]),
    ]


@pytest.fixture(scope="module")
def begun(drops: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the first drop."""
    home = tmp_path_factory.mktemp("begun")
    steps.ingest(Request(load_settings(home=home), tuple(drops[:1])))
    return home


@pytest.fixture(scope="module")
def undisturbed(drops: list[Path], begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the first drop, and then the others."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(begun, home)
    steps.ingest(Request(load_settings(home=home), tuple(drops)))
    return home


def state_of(home: Path) -> list[tuple[str, bytes]]:
    """The catalog and the data files."""
    paths = [home / "catalog.sqlite", *sorted((home / "lake").rglob("*.parquet"))]
    return [(str(path), path.read_bytes()) for path in paths]


def content_of(query: Query, home: Path) -> list[Any]:
    return [query(sql, home) for sql in (CONTENT, DROPS, HELD_BACK)]


def test_same_drops_again_change_nothing(drops: list[Path], ingest: Ingest, query: Query, home: Path) -> None:
    ingest(*drops)
    stored = state_of(home)
    again = [ingest(*drops), ingest(*reversed(drops), rehash=True), ingest(*(path.parent for path in drops))]
    assert {summary.status for summary in again} == {"nothing_new"}
    assert query("SELECT count(*) FROM ops.runs") == [(1,)]
    assert state_of(home) == stored, "a run with nothing new writes nothing to the lake"


def test_same_bytes_under_another_path_add_a_uri_and_nothing_else(
    drops: list[Path], ingest: Ingest, query: Query, tmp_path: Path
) -> None:
    ingest(*drops)
    before = query("SELECT count(*) FROM records")
    copy = tmp_path / "gazette" / "copy.jsonl"
    copy.parent.mkdir()
    copy.write_bytes(drops[0].read_bytes())
    assert ingest(copy).status == "nothing_new"
    assert query("SELECT uris FROM ops.drops WHERE uri LIKE '%one.jsonl'") == [(sorted(map(str, (drops[0], copy))),)]
    assert query("SELECT count(*) FROM records") == before
    assert query("SELECT count(*) FROM ops.runs") == [(1,)]
    assert ingest(copy).status == "nothing_new"


@pytest.mark.long
def test_new_path_of_known_bytes_is_noted_beside_new_drops(
    drops: list[Path], ingest: Ingest, query: Query, tmp_path: Path
) -> None:
    ingest(drops[0])
    copy = tmp_path / "gazette" / "copy.jsonl"
    copy.parent.mkdir()
    copy.write_bytes(drops[0].read_bytes())
    assert ingest(copy, drops[1]).drops == 1
    assert query("SELECT len(uris) FROM ops.drops ORDER BY uri") == [(2,), (1,)]
    assert query("SELECT sum(records_loaded) FROM ops.drops") == query("SELECT count(*) FROM records")


@pytest.mark.long
def test_same_bytes_from_another_source_are_a_drop_of_their_own(
    drops: list[Path], ingest: Ingest, query: Query
) -> None:
    ingest(drops[1])
    assert ingest(drops[1], source="mirror").exact_copies == 2
    assert query("SELECT source, count(*) FROM records GROUP BY ALL ORDER BY ALL") == [("gazette", 2), ("mirror", 2)]
    assert query("SELECT DISTINCT sources, record_count FROM articles") == [(["gazette", "mirror"], 2)]


@pytest.mark.parametrize(
    "point", [*SHOWN_ANYWAY, *(pytest.param(one, marks=pytest.mark.long) for one in POINTS if one not in SHOWN_ANYWAY)]
)
def test_kill_at_any_point_is_made_good_by_the_next_run(
    point: str,
    drops: list[Path],
    begun: Path,
    begin_with: Callable[[Path], None],
    undisturbed: Path,
    ingest: Ingest,
    query: Query,
    home: Path,
    kill_at: KillAt,
) -> None:
    begin_with(begun)
    before = content_of(query, home)

    kill_at(POINTS[point], "ingest", *drops, "--home", home)
    assert content_of(query, home) in (before, content_of(query, undisturbed)), "readers never see a part of a run"

    ingest(*drops)
    assert content_of(query, home) == content_of(query, undisturbed)
    assert ingest(*drops).status == "nothing_new"
    assert leftovers(Home(home)) == []


@pytest.mark.long
def test_commit_that_was_not_published_is_published_by_a_run_that_finds_nothing(
    drops: list[Path], ingest: Ingest, query: Query, home: Path, tmp_path: Path, kill_at: KillAt
) -> None:
    ingest(*drops[:1])
    kill_at(POINTS["between commit and publication"], "ingest", *drops, "--home", home)
    assert query("SELECT count(*) FROM ops.runs") == [(1,)]
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert ingest(nothing).status == "nothing_new"
    assert query("SELECT count(*) FROM ops.runs") == [(2,)]


def leftovers(home: Home) -> list[str]:
    """Half-made files of any kind."""
    return [
        path
        for folder, _, files in os.walk(home.root)
        for path in (os.path.join(folder, name) for name in files)  # noqa: PTH118 -- os.walk gives text
        if path.endswith(".part") or home.staging in Path(path).parents
    ]
