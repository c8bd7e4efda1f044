"""Results of a query, as people and programs read them."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from flows.sql_output import TABLE_ROWS, OutputFormat, write_result
from warehouse.home import Home
from warehouse.query import run_query

Output = Callable[[str, OutputFormat], str]


@pytest.fixture
def output(samples: Home) -> Output:
    def run(sql: str, output_format: OutputFormat) -> str:
        text = io.StringIO()
        with run_query(samples, sql) as result:
            write_result(result, output_format, text)
        return text.getvalue()

    return run


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("NULL", None),
        ("true", True),
        ("42", 42),
        ("170141183460469231731687303715884105727::HUGEINT", 170141183460469231731687303715884105727),
        ("1.5", 1.5),
        ("sum(2)", 2),
        ("'NaN'::DOUBLE", None),
        ("'say \"hi\" — ünï 😀'", 'say "hi" — ünï 😀'),
        ("['a', NULL]", ["a", None]),
        ("[]::VARCHAR[]", []),
        ("{'a': [1, 2]}", {"a": [1, 2]}),
        ("MAP {'k': 1}", {"k": 1}),
        ("""'{"deep": [1, null]}'::JSON""", {"deep": [1, None]}),
        ("TIMESTAMPTZ '2026-01-02 03:04:05.5+02'", "2026-01-02T01:04:05.500000+00:00"),
        ("TIMESTAMP '2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
        ("DATE '2026-01-02'", "2026-01-02"),
        ("""'{"a": NaN, "b": [1e999]}'::JSON""", {"a": None, "b": [None]}),
        ("'\\xFF'::BLOB", "ff"),
    ],
)
def test_json_keeps_what_sql_knows(output: Output, expression: str, expected: Any) -> None:
    assert json.loads(output(f"SELECT {expression} AS value", OutputFormat.JSON)) == [{"value": expected}]


def test_json_of_no_rows_is_an_empty_array(output: Output) -> None:
    assert json.loads(output("SELECT 1 AS one WHERE false", OutputFormat.JSON)) == []


def test_json_keeps_columns_of_one_name_apart(output: Output) -> None:
    assert json.loads(output("SELECT 1 AS n, 2 AS n, 3 AS n", OutputFormat.JSON)) == [{"n": 1, "n_1": 2, "n_2": 3}]


def test_extra_is_nested_json(output: Output) -> None:
    [row] = json.loads(output("SELECT extra FROM records WHERE extra IS NOT NULL LIMIT 1", OutputFormat.JSON))
    assert isinstance(row["extra"], dict)


def test_csv_round_trips_bodies(output: Output) -> None:
    sql = "SELECT record_id, body, dek, flags FROM records ORDER BY record_id"
    rows = list(csv.DictReader(io.StringIO(output(sql, OutputFormat.CSV))))
    expected = json.loads(output(sql, OutputFormat.JSON))
    assert [row["body"] for row in rows] == [row["body"] for row in expected]
    assert [row["dek"] for row in rows] == [row["dek"] or "" for row in expected]
    assert [json.loads(row["flags"]) for row in rows] == [row["flags"] for row in expected]


def test_table_shows_the_first_rows_and_says_so(output: Output) -> None:
    shown = output(f"SELECT range AS n FROM range({TABLE_ROWS + 1})", OutputFormat.TABLE)
    assert f" {TABLE_ROWS - 1} " in shown
    assert f" {TABLE_ROWS} " not in shown.replace(f"first {TABLE_ROWS} rows", "")
    assert "--format csv" in shown


def test_table_cells_cannot_take_over_the_screen(output: Output) -> None:
    shown = output(
        "SELECT chr(27) || '[31m[bold]red' || chr(7) AS hostile, repeat('x', 5000) AS long", OutputFormat.TABLE
    )
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]red" in shown
    assert shown.count("x") < 400


def test_csv_quotes_a_lone_carriage_return(output: Output) -> None:
    assert output("SELECT 'a' || chr(13) || 'b' AS x, 1 AS y", OutputFormat.CSV) == 'x,y\n"a\rb",1\n'


def test_csv_writes_truths_as_sql_does(output: Output) -> None:
    assert (
        output("SELECT true AS yes, false AS no, NULL AS unknown", OutputFormat.CSV) == "yes,no,unknown\ntrue,false,\n"
    )


def test_rows_too_wide_for_a_table_are_shown_one_by_one(output: Output) -> None:
    shown = output("SELECT * FROM records ORDER BY record_id LIMIT 2", OutputFormat.TABLE)
    assert [line.strip() for line in shown.splitlines() if line.startswith("Row ")] == ["Row 0", "Row 1"]
    assert "│ published_at" in shown


def test_names_of_columns_cannot_steer_the_terminal(output: Output) -> None:
    assert "\x1b" not in output("""SELECT 1 AS "a\x1b[31m" """, OutputFormat.TABLE)
