"""Bylines: split where each part is a name, else left whole."""

import polars as pl
import pytest

from transforms.bylines import split_names


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Jane Doe", ["Jane Doe"]),
        ("BY JANE DOE AND JOHN ROE", ["JANE DOE", "JOHN ROE"]),
        ("Written by: Jane Doe", ["Jane Doe"]),
        ("Jane Doe, John Smith and Bob Roe", ["Jane Doe", "John Smith", "Bob Roe"]),
        (
            "Ludwig van Beethoven, Simone de Beauvoir, and Ann-Marie O’Neil",
            ["Ludwig van Beethoven", "Simone de Beauvoir", "Ann-Marie O’Neil"],
        ),
        ("A. Perera & B. Silva", ["A. Perera", "B. Silva"]),
        ("Jane Doe; Staff Writer|Reuters", ["Jane Doe", "Staff Writer", "Reuters"]),
        ("Smith, John", ["Smith, John"]),
        ("Jane Doe, Reuters", ["Jane Doe, Reuters"]),
        ("Martin Luther King, Jr.", ["Martin Luther King, Jr."]),
        ("Ministry of Trade and Industry", ["Ministry of Trade and Industry"]),
        ("Byron Smith", ["Byron Smith"]),
        ("நா. தினுஷா", ["நா. தினுஷா"]),
        ("Jane Doe and " * 100, ["Jane Doe and " * 100]),
        (";;", []),
        ("", []),
    ],
)
def test_a_byline_gives_its_names(byline: str, names: list[str]) -> None:
    assert split_names(pl.Series([byline])).to_list() == [names]


def test_each_row_keeps_its_own_names() -> None:
    bylines = pl.Series(["By B C", None, "A B and C D", "By B C"])
    assert split_names(bylines).to_list() == [["B C"], None, ["A B", "C D"], ["B C"]]
