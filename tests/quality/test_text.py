"""Plain text is cleaned as well as it was; the floors only go up. `make quality-text` prints all figures."""

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

RECALL = {
    "author_bio": 0.87,
    "caption": 0.86,
    "comments": 0.89,
    "consent": 0.92,
    "donation": 0.90,
    "image_credit": 0.95,
    "image_file": 0.98,
    "navigation": 0.93,
    "newsletter": 0.90,
    "paywall": 0.93,
    "related": 0.94,
    "share": 0.95,
}
HELD_OUT_RECALL = 0.74
RIGHT_OF_28 = {"headline": 26, "dek": 26, "authors": 21, "headings": 22}


@pytest.fixture(scope="module")
def measures(repository: Path) -> dict[str, Any]:
    return runpy.run_path(str(repository / "tests" / "quality" / "text.py"))


@pytest.fixture(scope="module")
def furniture(measures: dict[str, Any]) -> pl.DataFrame:
    found: pl.DataFrame = measures["measure_furniture"]()
    return found


def recall(found: pl.DataFrame) -> float:
    return float(found["found"].sum() / found["lines"].sum())


def test_furniture_of_every_kind_is_found(furniture: pl.DataFrame) -> None:
    assert {kind: recall(furniture.filter(kind=kind)) >= floor for kind, floor in RECALL.items()} == dict.fromkeys(
        RECALL, True
    )


def test_furniture_that_no_phrase_was_written_after_is_found(furniture: pl.DataFrame) -> None:
    assert recall(furniture.filter(is_held_out=True)) >= HELD_OUT_RECALL


def test_paragraphs_beside_furniture_stay(furniture: pl.DataFrame) -> None:
    assert furniture["paragraphs_lost"].sum() <= 2


def test_articles_are_taken_apart_as_people_did(measures: dict[str, Any]) -> None:
    outcomes = measures["measure_articles"]()
    assert outcomes["prose removed"] == 0
    assert outcomes["furniture kept"] <= 10
    assert {name: outcomes[f"{name} right"] >= floor for name, floor in RIGHT_OF_28.items()} == dict.fromkeys(
        RIGHT_OF_28, True
    )


def test_paragraphs_about_such_things_stay(measures: dict[str, Any]) -> None:
    assert measures["measure_prose"]()["removed"] <= 6


def test_prose_of_real_news_stays(measures: dict[str, Any], shared_data: Path) -> None:
    counts = measures["measure_news"](shared_data / "news" / "lk_news_20k.parquet")
    assert counts["others removed"] <= counts["paragraphs"] / 4_000
    assert counts["deks"] <= counts["paragraphs"] / 2_500


def test_headlines_of_other_articles_are_flagged_and_hardly_any_others(
    measures: dict[str, Any], shared_data: Path
) -> None:
    shares = measures["measure_headlines"](shared_data / "news" / "lk_news_20k.parquet")
    assert shares["own flagged"] <= 0.005
    assert shares["swapped flagged"] >= 0.57
