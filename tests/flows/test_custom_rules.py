"""Rules of users are asked of each batch before it is loaded; one that cannot be asked fails, and none can do harm."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli import DONE, REFUSED, WRONG_USAGE
from warehouse.batch_query import find_failing_rows
from warehouse.query import QueryError

INCIDENTS = "SELECT source, rule, severity, message FROM ops.incidents ORDER BY ALL"
MARKERS = "-- reason: Notes of the desk must not be printed.\nSELECT record_id FROM records WHERE body LIKE '%[TK]%'\n"

AddRule = Callable[[str, str], Path]


@pytest.fixture
def add_rule(home: Path) -> AddRule:
    def add(name: str, text: str) -> Path:
        path = home / "expectations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return add


@pytest.fixture
def drop(tmp_path: Path, a_record: Any, write_lines: Any) -> Path:
    """Three records of the gazette, one with a note of the desk."""
    records = [
        a_record(0),
        a_record(1, body=a_record(1)["body"] + " [TK]"),
        a_record(2, headline="ALL IN CAPITALS HERE"),
    ]
    path: Path = write_lines(tmp_path / "gazette" / "a.jsonl", records)
    return path


def test_a_query_that_returns_rows_is_an_incident_with_one_of_them(
    add_rule: AddRule, copydesk: Any, drop: Path, query: Any
) -> None:
    add_rule("desk_markers.sql", MARKERS)
    assert copydesk("ingest", drop)[0] == DONE
    assert query(INCIDENTS) == [("gazette", "desk_markers", "warning", "1 of 3 rows failed desk_markers.")]
    assert query("SELECT body LIKE '%[TK]%' FROM records JOIN ops.incidents ON record_id = sample") == [(True,)]


def test_a_critical_query_refuses_the_batch(add_rule: AddRule, copydesk: Any, drop: Path, query: Any) -> None:
    add_rule("desk_markers.sql", "-- severity: critical\n" + MARKERS)
    assert copydesk("ingest", drop)[0] == REFUSED
    assert query("SELECT count(*) FROM ops.quarantine WHERE reasons = ['batch_refused']") == [(3,)]


@pytest.mark.long
def test_a_rule_holds_for_the_sources_that_it_names(add_rule: AddRule, copydesk: Any, drop: Path, query: Any) -> None:
    add_rule("desk_markers.sql", "-- sources: wire*, post\n" + MARKERS)
    copydesk("ingest", drop)
    assert query(INCIDENTS) == []
    copydesk("ingest", drop, "--source", "wire-2")
    assert [row[:2] for row in query(INCIDENTS)] == [("wire-2", "desk_markers")]


def test_an_expectation_of_great_expectations_is_asked_of_the_columns_it_names(
    add_rule: AddRule, copydesk: Any, drop: Path, query: Any
) -> None:
    kwargs = "kwargs = { column = 'headline', regex = '^[A-Z ]{12,}$' }\n"
    add_rule("capitals.toml", f"reason = 'Old system.'\ntype = 'expect_column_values_to_not_match_regex'\n{kwargs}")
    copydesk("ingest", drop)
    assert query(INCIDENTS) == [("gazette", "capitals", "warning", "1 of 3 rows failed capitals.")]
    assert query("SELECT headline FROM records JOIN ops.incidents ON record_id = sample") == [("ALL IN CAPITALS HERE",)]
    assert query("SELECT column_name, evaluated FROM ops.validations WHERE suite = 'custom'") == [("headline", 3)]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("broken.sql", "-- reason: x\nSELECT nope FROM records\n", "broken.sql cannot be asked: Binder Error"),
        ("etc.sql", "-- reason: x\nSELECT * FROM read_text('/etc/hostname')\n", "etc.sql cannot be asked: Permission"),
        pytest.param(
            "nope.toml",
            "reason = 'x'\ntype = 'expect_column_values_to_be_unique'\nkwargs = { column = 'nope' }\n",
            "nope.toml cannot be asked: Great Expectations cannot ask",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "odd.toml",
            "reason = 'x'\ntype = 'expect_the_moon'\n",
            "odd.toml cannot be asked: Great Expectations",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_rule_that_cannot_be_asked_fails_and_says_why(
    add_rule: AddRule, copydesk: Any, drop: Path, query: Any, name: str, text: str, told: str
) -> None:
    add_rule(name, text)
    assert copydesk("ingest", drop)[0] == DONE
    [(_, rule, _, message)] = query(INCIDENTS)
    assert (rule, message[: len(told)]) == (name.partition(".")[0], told)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bare.sql", "SELECT 1\n", "has no reason"),
        ("missing_body.sql", MARKERS, "cannot name a rule"),
        ("Bad-Name.sql", MARKERS, "cannot name a rule"),
        ("odd.toml", "reason = 'x'\ntype = 'drop table'\n", "type must name an expectation"),
        ("odd.toml", "reason = 'x'\ntype = 'expect_x'\nfoo = 1\n", "'foo' is no key of a rule"),
        ("odd.toml", "reason = ", "docs/expectations.md"),
        ("odd.sql", "-- reason: x\n-- severity: fatal\nSELECT 1\n", "'fatal' is not a valid Severity"),
        ("run.py", "# reason: x\n", "set python = true under [expectations]"),
        (
            "evaluated.toml",
            "reason = 'x'\ntype = 'expect_x'\nkwargs = { column = 'dek', row_condition = '@pd.x' }\n",
            "row_condition is run as a program",
        ),
        ("list.toml", "reason = 'x'\ntype = 'expect_x'\nkwargs = { column_list = 5 }\n", "must be a list of columns"),
        ("misspelt.sql", "-- reason: x\n-- severty: critical\nSELECT 1\n", "'severty' is no key of a rule"),
    ],
)
def test_a_file_that_is_no_rule_stops_an_ingest_before_it_begins(
    add_rule: AddRule, copydesk: Any, drop: Path, home: Path, name: str, text: str, told: str
) -> None:
    path = add_rule(name, text)
    code, _, errors = copydesk("ingest", drop)
    assert code == WRONG_USAGE
    assert str(path) in errors.replace("\n", "")
    assert told in errors.replace("\n", "")
    assert not (home / "warehouse.duckdb").exists()


def test_a_program_runs_only_where_the_settings_allow_it(
    add_rule: AddRule, copydesk: Any, drop: Path, home: Path, query: Any
) -> None:
    start = "# reason: x\nimport polars as pl\ndef failing(records):\n"
    program = start + "    return records.filter(pl.col('{}') != 'Bridge 0')\n"
    add_rule("first_only.py", program.format("headline"))
    add_rule("failing_too.py", program.format("nope"))
    (home / "copydesk.toml").write_text("[expectations]\npython = true\n")
    assert copydesk("ingest", drop)[0] == DONE
    messages = {rule: message for _, rule, _, message in query(INCIDENTS)}
    assert messages["first_only"] == "2 of 3 rows failed first_only."
    assert messages["failing_too"].startswith("failing_too.py cannot be asked: ColumnNotFoundError")


def test_examples_of_the_document_are_rules_that_hold(
    add_rule: AddRule, copydesk: Any, drop: Path, home: Path, query: Any, repository: Path
) -> None:
    document = (repository / "docs" / "expectations.md").read_text("utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", document, re.DOTALL)
    (sql,) = [text for kind, text in blocks if kind == "sql"]
    toml, settings = (text for kind, text in blocks if kind == "toml")
    (program,) = [text for kind, text in blocks if kind == "python"]
    for name, text in (("desk_markers.sql", sql), ("headline_case.toml", toml), ("two_names.py", program)):
        add_rule(name, text)
    (home / "copydesk.toml").write_text(settings)
    copydesk("ingest", drop)
    asked = "SELECT expectation, unexpected FROM ops.validations WHERE suite = 'custom' ORDER BY ALL"
    assert query(asked) == [("desk_markers", 1), ("headline_case", 1)]


def test_checking_a_file_asks_all_rules_and_writes_nothing(
    add_rule: AddRule, copydesk: Any, drop: Path, home: Path
) -> None:
    add_rule("desk_markers.sql", "-- severity: critical\n" + MARKERS)
    before = sorted(home.rglob("*"))
    code, output, _ = copydesk("expectations", "check", drop)
    assert code == REFUSED
    assert "desk_markers" in output
    assert "The batch of gazette would be refused" in output
    assert sorted(home.rglob("*")) == before


@pytest.mark.long
def test_checking_a_file_compares_it_with_the_past(
    copydesk: Any, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    for day in range(5):
        records = [a_record(100 * day + number) for number in range(20)]
        copydesk("ingest", write_lines(tmp_path / "gazette" / f"{day}.jsonl", records))
    renamed = [{"heading": "x", "body": a_record(900 + number)["body"]} for number in range(20)]
    code, output, _ = copydesk("expectations", "check", write_lines(tmp_path / "gazette" / "new.jsonl", renamed))
    assert code == DONE
    assert {"headline_fill_rate_change", "fields_vanished", "fields_appeared"} <= set(re.findall(r"\w+", output))


def test_rules_are_listed_and_explained(add_rule: AddRule, copydesk: Any) -> None:
    add_rule("desk_markers.sql", MARKERS)
    _, listed, _ = copydesk("expectations", "list")
    assert {"missing_body", "volume_change", "drop_missing", "desk_markers"} <= set(re.findall(r"\w+", listed))
    _, shown, _ = copydesk("expectations", "show", "desk_markers")
    assert "Notes of the desk must not be printed." in shown
    assert copydesk("expectations", "show", "nope")[0] == WRONG_USAGE


def test_a_query_that_never_ends_is_ended() -> None:
    endless = "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range + b.range = 3"
    with pytest.raises(QueryError, match=r"more than 0\.2 s"):
        find_failing_rows(endless, {}, seconds=0.2)
