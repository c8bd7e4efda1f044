"""The past: snapshots by number and time, and what an article said when."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, WRONG_USAGE
from flows.run import Summary
from warehouse.home import Home
from warehouse.views import read_views

Copydesk = Callable[..., tuple[int, str, str]]
Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]

COUNT = "SELECT count(*) AS records FROM records"


@pytest.fixture
def two_runs(tmp_path: Path, ingest: Ingest, a_record: Any, write_lines: Any) -> None:
    for number in range(2):
        ingest(write_lines(tmp_path / "wire" / f"{number}.jsonl", [a_record(number)]))


@pytest.mark.usefixtures("two_runs")
def test_snapshots_are_listed_and_asked_by_number_and_time(copydesk: Copydesk, home: Path) -> None:
    snapshots = json.loads(copydesk("history", "--json")[1])
    assert [one["change"][:6] for one in snapshots] == ["ingest", "ingest", "tables", "tables"]
    newest, first = snapshots[0], snapshots[1]

    def counted(at: object) -> Any:
        code, output, errors = copydesk("sql", COUNT, "--format", "json", "--at", str(at))
        assert (code, errors) == (DONE, "")
        return json.loads(output)[0]["records"]

    assert [counted(one["snapshot_id"]) for one in snapshots[:3]] == [2, 1, 0]
    assert counted(first["committed_at"]) == 1
    assert counted(newest["committed_at"]) == 2
    just_before = datetime.fromisoformat(newest["committed_at"]) - timedelta(microseconds=1)
    assert counted(just_before.isoformat()) == 1
    assert counted(datetime.now(UTC).date() + timedelta(days=2)) == 2
    assert copydesk("sql", COUNT, "--format", "json")[1] == copydesk("sql", COUNT, "--format", "json", "--at", "3")[1]
    assert list((home / "staging").iterdir()) == []


@pytest.mark.usefixtures("two_runs")
def test_snapshot_that_is_not_kept_is_wrong_usage(copydesk: Copydesk) -> None:
    for at in ("99", "1999-01-01", "yesterday", ""):
        code, output, errors = copydesk("sql", COUNT, "--at", at)
        assert (code, output, len(errors.strip().splitlines())) == (WRONG_USAGE, "", 1), at


def test_home_without_a_warehouse_has_no_history(copydesk: Copydesk, home: Path) -> None:
    assert copydesk("history")[0] == copydesk("sql", COUNT, "--at", "1")[0] == WRONG_USAGE
    assert not Home(home).is_initialised


def test_versions_of_an_article_say_which_paragraphs_came_and_went(
    tmp_path: Path, ingest: Ingest, query: Query, a_record: Any, write_lines: Any
) -> None:
    opening = a_record(1)["body"]
    middle = a_record(2)["body"]
    ending = "The mayor did not want to say more on Tuesday, and the bridge stays closed until the weekend is over."
    url = {"url": "https://wire.example/bridge", "published_at": "2026-05-01"}
    first = a_record(1, body=f"{opening}\n\n{middle}", **url)
    second = a_record(1, body=f"{opening}\n\n{middle}\n\n{ending}", **url, modified_at="2026-05-02")
    ingest(write_lines(tmp_path / "wire" / "two.jsonl", [second]))
    ingest(write_lines(tmp_path / "wire" / "one.jsonl", [first]))
    impossible = {"published_at": "2199-01-01"}
    ingest(write_lines(tmp_path / "post" / "copy.jsonl", [a_record(1, body=first["body"], **impossible)]))
    rows = query(
        "SELECT source, version_no, said_at::DATE::VARCHAR, paragraphs_added, paragraphs_removed FROM article_versions "
        "ORDER BY source DESC, version_no"
    )
    assert rows[:2] == [("wire", 1, "2026-05-01", None, None), ("wire", 2, "2026-05-02", [ending], [])]
    today = datetime.now(UTC).date().isoformat()
    assert [row[:3] for row in rows[2:]] == [("post", 1, today)], "what no text can say is not believed"
    ingest(write_lines(tmp_path / "wire" / "back.jsonl", [first | {"id": "back", "modified_at": "2026-05-03"}]))
    back = query("SELECT version_no, paragraphs_removed FROM article_versions WHERE source = 'wire' ORDER BY 1")[2:]
    assert back == [(3, [ending])], "what a source returned to is said again"
    assert query("SELECT count(DISTINCT article_id) FROM article_versions") == [(1,)]


def test_every_view_and_each_of_its_columns_is_described(samples: Home, query: Query) -> None:
    for view in read_views():
        of_main = f"schema_name = 'main' AND {{kind}}_name = '{view.name}'"
        described = f"SELECT column_name, comment FROM duckdb_columns() WHERE {of_main.format(kind='table')}"
        assert dict(query(described, samples.root)) == view.columns
        [(comment,)] = query(f"SELECT comment FROM duckdb_views() WHERE {of_main.format(kind='view')}", samples.root)
        assert comment == view.comment
