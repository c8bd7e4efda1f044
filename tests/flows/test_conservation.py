"""Conservation: the books balance for every drop and every run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import steps
from flows.load import ConservationError
from flows.run import Run, Summary

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]

GOOD, BAD = "good", "bad"

NUMBERS = """
    WITH numbered AS (
        SELECT drop_sha256, record_no FROM records UNION ALL SELECT drop_sha256, record_no FROM ops.quarantine
    )
    SELECT count(DISTINCT record_no), max(record_no) + 1 FROM numbered GROUP BY drop_sha256
"""

BAD_RECORDS = (
    {"headline": "No text"},
    {"body": ""},
    {"body": "null"},
    {"body": "- " * 40},
    {"body": "Access denied. You don't have permission to access this page on this server."},
)
BAD_LINES = ("{", '{"body": "cut', "nonsense", '"unclosed', "}")

RECORDS = st.lists(
    st.one_of(
        st.integers(0, 5).map(lambda number: (GOOD, {"body": f"The council met again to repair bridge {number}."})),
        st.sampled_from(BAD_RECORDS).map(lambda record: (BAD, record)),
    ),
    min_size=1,
    max_size=6,
)
LINES = st.lists(
    st.one_of(RECORDS.map(lambda records: records[0]), st.sampled_from(BAD_LINES).map(lambda line: (BAD, line)))
)
FILES = st.lists(
    st.one_of(
        RECORDS.map(lambda records: ("json", records)),
        LINES.filter(bool).map(lambda lines: ("jsonl", lines)),
        st.sampled_from([("txt", [(BAD, "")]), ("json", [(BAD, "[]")]), ("png", [(BAD, "\x89PNG\r\n\x1a\n")])]),
    ),
    min_size=1,
    max_size=4,
)


def content(kind: str, records: list[tuple[str, Any]]) -> bytes:
    if len(records) == 1 and isinstance(records[0][1], str) and kind != "jsonl":
        return records[0][1].encode("latin-1")
    texts = [record if isinstance(record, str) else json.dumps(record) for _, record in records]
    return (f"[{','.join(texts)}]" if kind == "json" else "\n".join(texts) + "\n").encode()


@given(files=FILES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_record_is_loaded_or_held_back(
    files: list[tuple[str, list[tuple[str, Any]]]],
    tmp_path_factory: pytest.TempPathFactory,
    ingest: Ingest,
    query: Query,
) -> None:
    folder = tmp_path_factory.mktemp("drops")
    home = folder / "home"
    written = {folder / f"{number}.{kind}": (kind, records) for number, (kind, records) in enumerate(files)}
    for path, (kind, records) in written.items():
        path.write_bytes(content(kind, records))
    distinct = {path.read_bytes(): records for path, (_, records) in written.items()}
    good = sum(fate == GOOD for records in distinct.values() for fate, _ in records)
    bad = sum(fate == BAD for records in distinct.values() for fate, _ in records)

    summary = ingest(*written, into=home)

    assert (summary.drops, summary.records_loaded, summary.records_quarantined) == (len(distinct), good, bad)
    assert summary.records_in == good + bad
    assert query("SELECT count(*) FROM records", home) == [(good,)]
    assert query("SELECT count(*) FROM record_articles", home) == [(good,)]
    assert query("SELECT count(*) FROM ops.quarantine", home) == [(bad,)]
    [totals] = query("SELECT sum(records_in), sum(records_loaded), sum(records_quarantined) FROM ops.drops", home)
    assert totals == (good + bad, good, bad)
    wrong = "SELECT uri FROM ops.drops WHERE records_in <> records_loaded + records_quarantined + records_retracted"
    assert query(wrong, home) == []
    assert all(count == last for count, last in query(NUMBERS, home)), "records of a drop are numbered without a gap"


def test_run_whose_books_do_not_balance_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, ingest: Ingest, query: Query, a_record: Any, write_lines: Any, tmp_path: Path
) -> None:
    ingest(write_lines(tmp_path / "good.jsonl", [a_record(1)]))
    checked = steps.validate

    def validate_and_lose_one(run: Run) -> None:
        checked(run)
        for path in run.staged("records"):
            pl.read_parquet(path).head(1).write_parquet(path)

    monkeypatch.setattr(steps, "validate", validate_and_lose_one)
    with pytest.raises(
        ConservationError, match=r"two\.jsonl: 2 records came in, but 1 would be loaded and 0 held back"
    ):
        ingest(write_lines(tmp_path / "two.jsonl", [a_record(2), a_record(3)]))
    assert query("SELECT count(*) FROM records") == [(1,)]
    assert query("SELECT count(*) FROM ops.runs") == [(1,)]
