"""Bylines: split where each part is a name, else left whole."""

import polars as pl
import pytest

from seeds.tables import boilerplate, word_shares
from transforms.boilerplate import text_rules

NAMES = text_rules(boilerplate(), word_shares()).names


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Jane Doe", ["Jane Doe"]),
        ("BY JANE DOE AND JOHN ROE", ["Jane Doe", "John Roe"]),
        ("Written by: Jane Doe", ["Jane Doe"]),
        ("Jane Doe, John Smith and Bob Roe", ["Jane Doe", "John Smith", "Bob Roe"]),
        (
            "Ludwig van Beethoven, Simone de Beauvoir, and Ann-Marie O’Neil",
            ["Ludwig van Beethoven", "Simone de Beauvoir", "Ann-Marie O’Neil"],
        ),
        ("A. Perera & B. Silva", ["A. Perera", "B. Silva"]),
        ("Jane Doe; Staff Writer|Reuters", ["Jane Doe"]),
        ("Smith, John", ["Smith, John"]),
        ("Jane Doe, Reuters", ["Jane Doe"]),
        ("Reuters", []),
        ("Dr. Jane Doe, Professor of Law", ["Jane Doe"]),
        ("Jane Doe in Berlin", ["Jane Doe"]),
        ("Jane Doe. Carrow", ["Jane Doe"]),
        ("Jane Doe | 12 May 2024, 10:30 am", ["Jane Doe"]),
        ("Prof. Ulrich Brendel", ["Ulrich Brendel"]),
        ("Jane Doe, PhD in London", ["Jane Doe"]),
        ("Montag, 12. Mai 2024", []),
        ("April", ["April"]),
        ("May, June", ["May, June"]),
        ("ශ්‍රී පෙරේරා", ["ශ්‍රී පෙරේරා"]),
        ("By Jane Doe @jdoe and JANE DOE", ["Jane Doe"]),
        ("Von Jürgen Tolks und Ulrike Öst", ["Jürgen Tolks", "Ulrike Öst"]),
        ("dpa/Jürgen Tolks", ["Jürgen Tolks"]),
        ("Par Camille Roche et Marc Delpierre (à Montcel)", ["Camille Roche", "Marc Delpierre"]),
        ("Por Julia Mendarte y Ernesto Valcárcel Ruiz", ["Julia Mendarte", "Ernesto Valcárcel Ruiz"]),
        ("Kinga Malec i Robert Dudziński", ["Kinga Malec", "Robert Dudziński"]),
        ("Текст: Кирилл Дубов", ["Кирилл Дубов"]),
        ("بقلم: كريم الدهّان", ["كريم الدهّان"]),
        ("هالة الشمري ونادر العوضي", ["هالة الشمري", "نادر العوضي"]),
        ("Bartholomew Lutz Kane, Jr.", ["Bartholomew Lutz Kane, Jr."]),
        ("Ministry of Trade and Industry", ["Ministry of Trade and Industry"]),
        ("Byron Smith", ["Byron Smith"]),
        ("நா. தினுஷா", ["நா. தினுஷா"]),
        ("Jane Doe and " * 100, ["Jane Doe and " * 100]),
        (";;", []),
        ("", []),
    ],
)
def test_a_byline_gives_its_names(byline: str, names: list[str]) -> None:
    assert NAMES.split(pl.Series([byline])).to_list() == [names]


def test_each_row_keeps_its_own_names() -> None:
    bylines = pl.Series(["By B C", None, "A B and C D", "By B C"])
    assert NAMES.split(bylines).to_list() == [["B C"], None, ["A B", "C D"], ["B C"]]
