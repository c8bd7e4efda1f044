"""An export holds what may leave the house, says what it is, and can be taken in again."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import steps
from flows.boilerplate import Verdict, decide
from flows.export import MANIFEST, ExportFormat, export, write_csv
from flows.options import UsageError
from flows.retract import retract
from flows.run import Request
from flows.settings import load_settings
from warehouse.home import Home
from warehouse.query import QueryError

Query = Callable[..., list[tuple[Any, ...]]]
Ingest = Callable[..., Any]
WriteLines = Callable[..., Path]
Copydesk = Callable[..., tuple[int, str, str]]

ALL = ("broken", "harbor-review", "policy-mirror", "wire-exports")


RIGHTS = '[sources.agency]\nrights = "CC BY 4.0"\n'


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, write_lines: WriteLines, a_record: Any) -> Home:
    """One article of both sources, and one of each alone."""
    folder = tmp_path_factory.mktemp("delivered")
    drops = (
        write_lines(folder / "blog" / "a.jsonl", [a_record(1), a_record(2, headline='=cmd|"/c calc"!A0')]),
        write_lines(folder / "agency" / "b.jsonl", [a_record(1), a_record(3, headline="@sum(A1)", dek="Plain.")]),
    )
    steps.ingest(Request(load_settings(home=folder / "home"), drops))
    return Home(folder / "home")


@pytest.fixture
def loaded(delivered: Home, home: Path, begin_with: Callable[[Path], None]) -> Path:
    """The home of the test, where the rights of the agency are known."""
    begin_with(delivered.root)
    (home / "copydesk.toml").write_text(RIGHTS)
    return home


def rows_of(folder: Path, format_: ExportFormat) -> list[dict[str, Any]]:
    path = folder / f"articles.{format_}"
    if format_ is ExportFormat.PARQUET:
        return pl.read_parquet(path).to_dicts()
    if format_ is ExportFormat.JSONL:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("format_", ExportFormat)
def test_only_sources_with_known_rights_are_exported(format_: ExportFormat, loaded: Path, tmp_path: Path) -> None:
    done = export(load_settings(home=loaded), tmp_path / "out", format_=format_)
    rows = rows_of(tmp_path / "out", format_)
    assert sorted((row["source"], row["rights"], row["headline"].lstrip("'")) for row in rows) == [
        ("agency", "CC BY 4.0", "@sum(A1)"),
        ("agency", "CC BY 4.0", "Bridge 1"),
    ]
    assert (done.articles, done.rights, done.left_out) == (2, {"agency": "CC BY 4.0"}, {"blog": 2})


def test_a_source_that_is_named_is_exported_too(loaded: Path, tmp_path: Path) -> None:
    (loaded / "copydesk.toml").write_text(f"{RIGHTS}[sources.blog]\nrights = 'Unknown'\n")
    assert export(load_settings(home=loaded), tmp_path / "known").articles == 2
    done = export(load_settings(home=loaded), tmp_path / "out", named=["blog"])
    rows = rows_of(tmp_path / "out", ExportFormat.PARQUET)
    assert len(rows) == len({row["article_id"] for row in rows}) == 3
    assert {row["source"] for row in rows} == {"agency", "blog"}
    assert (done.rights, done.left_out) == ({"agency": "CC BY 4.0", "blog": None}, {})


def test_cells_that_a_spreadsheet_would_run_are_text(loaded: Path, tmp_path: Path) -> None:
    done = export(load_settings(home=loaded), tmp_path / "out", format_=ExportFormat.CSV, named=["blog"])
    rows = rows_of(tmp_path / "out", ExportFormat.CSV)
    assert sorted(row["headline"] for row in rows) == ['\'=cmd|"/c calc"!A0', "'@sum(A1)", "Bridge 1"]
    assert [row["dek"] for row in rows if row["headline"] == "'@sum(A1)"] == ["Plain."]
    assert done.neutralised == 2
    assert {row["authors"] for row in rows} == {"[]"}


def test_the_manifest_says_what_the_file_is(loaded: Path, tmp_path: Path, query: Query) -> None:
    export(load_settings(home=loaded), tmp_path / "out", where="language = 'en'")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text("utf-8"))
    content = (tmp_path / "out" / manifest["file"]).read_bytes()
    assert (manifest["sha256"], manifest["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (manifest["articles"], manifest["where"]) == (2, "language = 'en'")
    assert query("SELECT snapshot_id, catalog_id FROM ops.publication") == [
        (manifest["snapshot_id"], manifest["catalog_id"])
    ]
    assert manifest["columns"]["body"]["type"] == "VARCHAR"
    assert [name for name, column in manifest["columns"].items() if not column["comment"]] == []
    assert list(manifest["columns"]) == list(rows_of(tmp_path / "out", ExportFormat.PARQUET)[0])


def test_a_condition_chooses_among_the_records_of_an_article(loaded: Path, tmp_path: Path) -> None:
    """Of the article of both, the canonical record is the agency's."""
    settings = load_settings(home=loaded)
    done = export(settings, tmp_path / "out", where="source = 'blog'", named=["blog"])
    assert sorted(row["headline"] for row in rows_of(tmp_path / "out", ExportFormat.PARQUET)) == [
        '=cmd|"/c calc"!A0',
        "Bridge 1",
    ]
    assert (done.articles, done.articles_by_source, done.rights) == (2, {"blog": 2}, {"blog": None})


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_cell_that_begins_with_a_sign_of_a_formula_has_a_quote_before_it(sign: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"headline": [f"{sign}1+1", f"1{sign}1"]})
    assert write_csv(iter([frame]), tmp_path / "a.csv") == 1
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["headline"], [f"'{sign}1+1"], [f"1{sign}1"]]


@pytest.mark.long
def test_since_a_run_there_is_only_what_came_later(
    loaded: Path, tmp_path: Path, ingest: Ingest, write_lines: WriteLines, a_record: Any, query: Query
) -> None:
    settings, newest = load_settings(home=loaded), "SELECT run_id FROM ops.runs ORDER BY started_at DESC LIMIT 1"
    footer = "More about bridges stands in the annex."
    with_footer = a_record(5, body=f"{a_record(5)['body']}\n\n{footer}")
    [(first,)] = query(newest)
    ingest(write_lines(tmp_path / "agency" / "c.jsonl", [a_record(4), with_footer]))
    assert export(settings, tmp_path / "out", since=first).gone == []
    assert [row["headline"] for row in rows_of(tmp_path / "out", ExportFormat.PARQUET)] == ["Bridge 4", "Bridge 5"]
    [(second,)] = query(newest)
    decide(settings, Verdict("agency", (footer,), "accepted"))
    [(withdrawn,)] = query("SELECT article_id FROM articles WHERE headline = 'Bridge 4'")
    retract(settings, withdrawn, reason="asked for")
    done = export(settings, tmp_path / "changed", since=second)
    [row] = rows_of(tmp_path / "changed", ExportFormat.PARQUET)
    assert (row["headline"], footer in row["body"], done.gone) == ("Bridge 5", False, [withdrawn])
    with pytest.raises(UsageError, match="no run 'run_x'"):
        export(load_settings(home=loaded), tmp_path / "none", since="run_x")


@pytest.mark.long
def test_what_was_withdrawn_is_in_no_export(loaded: Path, tmp_path: Path, query: Query) -> None:
    [(record,)] = query("SELECT record_id FROM records WHERE dek = 'Plain.'")
    retract(load_settings(home=loaded), record, reason="asked for")
    assert export(load_settings(home=loaded), tmp_path / "out").articles == 1


@pytest.mark.parametrize("format_", [ExportFormat.JSONL, ExportFormat.PARQUET])
def test_what_was_exported_can_be_taken_in_again_with_the_same_bodies(
    format_: ExportFormat, samples: Home, home: Path, tmp_path: Path, query: Query
) -> None:
    done = export(load_settings(home=samples.root), tmp_path / "out", format_=format_, named=ALL)
    summary = steps.ingest(Request(load_settings(home=home), (tmp_path / "out" / done.file,), "again"))
    assert (summary.records_in, summary.records_loaded) == (done.articles, done.articles) == (30, 30)
    columns = "SELECT body, headline, dek, authors, published_at, language FROM records ORDER BY ALL"
    before = rows_of(tmp_path / "out", format_)
    after = query(columns)
    assert sorted(row[0] for row in after) == sorted(row["body"] for row in before)
    assert sorted(row[1] or "" for row in after) == sorted(row["headline"] or "" for row in before)
    assert sorted(row[3] for row in after) == sorted(row["authors"] for row in before)


OF_BLOG = f"SELECT {', '.join(['source'] * 20)} FROM records WHERE source = 'blog'"


@pytest.mark.parametrize("format_", [ExportFormat.JSONL, ExportFormat.PARQUET])
def test_what_looks_like_markup_or_furniture_is_the_same_text_again(
    format_: ExportFormat, home: Path, tmp_path: Path, query: Query, a_record: Any, ingest: Ingest
) -> None:
    """Markdown and pages may hold as text what in a field of a feed is markup."""
    prose = a_record(1)["body"]
    page = f"# How `&amp;` is taught and learnt\n\n{prose}\n\nBetween `<p>` and `</p>`, and `<li>`, stands &amp;amp;.\n"
    (tmp_path / "school").mkdir()
    (tmp_path / "school" / "a.md").write_text(page, "utf-8")
    ingest(tmp_path / "school" / "a.md")
    columns = "SELECT body, headline, dek, authors, language FROM records WHERE source = "
    before = query(f"{columns} 'school'")
    done = export(load_settings(home=home), tmp_path / "out", format_=format_, named=["school"])
    ingest(tmp_path / "out" / done.file, source="again")
    assert "<p>" in before[0][0]
    assert "&amp;" in before[0][1]
    assert query(f"{columns} 'again'") == before


@pytest.mark.parametrize(
    "where",
    [
        "no_such_column = 1",
        "language = 'en'; SELECT 1",
        "language =",
        "1) OR (SELECT",
        "true) OR (true",
        "true][1] OR [true",
        f"false) UNION ALL ({OF_BLOG}",
        f"false) UNION ALL (SELECT * FROM ({OF_BLOG}) WHERE (true) --",
    ],
)
def test_a_condition_that_is_none_is_told_and_leaves_nothing(where: str, loaded: Path, tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        export(load_settings(home=loaded), tmp_path / "out", where=where)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


@pytest.mark.long
def test_nothing_is_mixed_in_or_left_half(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(home=loaded)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.txt").write_text("of before")
    with pytest.raises(UsageError, match="no empty folder"):
        export(settings, tmp_path / "full")
    (tmp_path / "empty").mkdir()
    done = export(settings, tmp_path / "empty", where="false")
    assert (done.articles, rows_of(tmp_path / "empty", ExportFormat.PARQUET)) == (0, [])
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert export(settings, tmp_path / "link", where="false").articles == 0
    assert sorted(path.name for path in Path().iterdir()) == ["articles.parquet", MANIFEST]
    with pytest.raises(UsageError, match=r"x cannot be written \(Not a directory\)"):
        export(settings, tmp_path / "full" / "old.txt" / "x")
    with monkeypatch.context() as patched:
        patched.setattr("flows.export.sha256_of", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export(settings, tmp_path / "half")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full", "here", "home", "link"]


def test_without_rights_nothing_is_exported(samples: Home, tmp_path: Path) -> None:
    settings = load_settings(home=samples.root)
    with pytest.raises(UsageError, match="broken, harbor-review"):
        export(settings, tmp_path / "out")
    with pytest.raises(UsageError, match="nothing of 'nobody'"):
        export(settings, tmp_path / "out", named=["nobody"])


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_the_command_prints_what_was_left_out(tmp_path: Path, copydesk: Copydesk) -> None:
    code, said, _ = copydesk("export", "--to", tmp_path / "out")
    assert (code, "2 articles of agency (2)" in said, "2 records of blog are left out" in said) == (0, True, True)
    code, said, _ = copydesk("export", "--to", tmp_path / "json", "--format", "jsonl", "--source", "blog", "--json")
    assert json.loads(said) == json.loads((tmp_path / "json" / MANIFEST).read_text("utf-8"))
    assert copydesk("export", "--to", tmp_path / "out")[0] == 2
    assert copydesk("export", "--to", tmp_path / "other", "--where", "nonsense")[0] == 2


def test_sources_are_named_as_a_shell_takes_them(
    tmp_path: Path, ingest: Ingest, write_lines: WriteLines, a_record: Any, copydesk: Copydesk
) -> None:
    ingest(write_lines(tmp_path / "evening post" / "a.jsonl", [a_record(1)]))
    code, _, error = copydesk("export", "--to", tmp_path / "out")
    assert (code, "with --source: 'evening post'." in error) == (2, True)
