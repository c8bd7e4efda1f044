"""Everything in a corpus of malformed files, in one run: each is loaded or held back, with a reason that fits."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.run import Request, Summary
from flows.settings import load_settings
from seeds.tables import field_aliases
from transforms.conform import FieldNames
from transforms.parsing import parse_drop
from transforms.raw_batches import ParseOptions

Query = Callable[..., list[tuple[Any, ...]]]

CONTENT_REASONS = {"missing_body", "no_article", "body_too_short", "not_prose", "no_records"}
"""Reasons on account of what a record says, not of how it is written."""

BY_FILE = """
    WITH fates AS (
        SELECT source, drop_sha256, 'loaded' AS reason FROM records
        UNION ALL SELECT source, drop_sha256, unnest(reasons) FROM ops.quarantine
    ),
    paths AS (SELECT source, drop_sha256, unnest(uris) AS uri FROM ops.drops)
    SELECT uri, list(DISTINCT reason) FROM paths JOIN fates USING (source, drop_sha256) GROUP BY uri
"""


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> Path:
    return shared_data / "malformed"


@pytest.fixture(scope="module")
def ingested(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    home = tmp_path_factory.mktemp("malformed")
    return home, steps.ingest(Request(load_settings(home=home), (corpus,)))


@pytest.fixture
def fates(ingested: tuple[Path, Summary], query: Query) -> dict[Path, set[str]]:
    """What became of each file: `loaded`, and reasons."""
    return {Path(uri): set(reasons) for uri, reasons in query(BY_FILE, ingested[0])}


def test_each_distinct_content_is_a_drop_and_each_path_stands_in_uris(
    corpus: Path, ingested: tuple[Path, Summary], query: Query
) -> None:
    files = [path for path in corpus.rglob("*") if path.is_file()]
    contents = {(path.parent.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files}
    home, summary = ingested
    assert summary.status == "done"
    assert summary.drops == len(contents)
    assert summary.records_in == summary.records_loaded + summary.records_quarantined
    assert set(query("SELECT source, drop_sha256 FROM ops.drops", home)) == contents
    assert {uri for (uri,) in query("SELECT unnest(uris) FROM ops.drops", home)} == set(map(str, files))


def test_valid_json_is_held_back_for_its_content_only(corpus: Path, fates: dict[Path, set[str]]) -> None:
    for path in corpus.glob("json/y_*"):
        assert fates[path] <= CONTENT_REASONS | {"loaded"}, path.name


def test_invalid_json_is_malformed_and_nothing_of_it_is_loaded(corpus: Path, fates: dict[Path, set[str]]) -> None:
    for path in corpus.glob("json/n_*"):
        assert "loaded" not in fates[path], path.name
        assert fates[path] & {"malformed_json", "undecodable", "truncated"}, (path.name, fates[path])


def test_feeds_and_web_archives_are_recognised_and_not_read(corpus: Path, fates: dict[Path, set[str]]) -> None:
    for kind in ("feeds", "warc"):
        for path in (corpus / kind).rglob("*"):
            if path.suffix in {".xml", ".gz", ".warc", ".arc"}:
                assert "loaded" not in fates[path], path


def test_bad_parquet_is_rejected_with_a_reason_and_good_is_read(
    corpus: Path, fates: dict[Path, set[str]], ingested: tuple[Path, Summary], query: Query
) -> None:
    unreadable = {path for path, reasons in fates.items() if "malformed_parquet" in reasons}
    assert unreadable & set(corpus.glob("parquet/bad/*"))
    # The one among the good files that neither Arrow nor polars reads: the keys of its map are optional.
    assert unreadable & set(corpus.glob("parquet/good/*")) <= {corpus / "parquet/good/incorrect_map_schema.parquet"}
    for path in corpus.glob("parquet/*/*.parquet"):
        assert fates[path], path.name
    details = query("SELECT detail FROM ops.quarantine WHERE list_contains(reasons, 'malformed_parquet')", ingested[0])
    assert all(detail for (detail,) in details)


def test_awkward_csv_gives_the_expected_values(corpus: Path) -> None:
    for path in corpus.glob("csv/*.csv"):
        with path.open("rb") as stream:
            parsed = parse_drop(stream, name=path.name, options=ParseOptions(FieldNames(field_aliases())))
            rows = [row for batch in parsed.batches for row in batch.records.iter_rows(named=True)]
        expected = json.loads((path.parent / "expected" / path.with_suffix(".json").name).read_text("utf-8"))
        assert [json.loads(row["extra"]) for row in rows] == expected, path.name
