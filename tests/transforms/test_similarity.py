"""Similarity: the figures are those of the sets of shingles, counted another way."""

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.similarity import compare

TEXTS = st.lists(st.sampled_from(["tide", "ebb", "flood", "boat", "quay"]), max_size=40).map(" ".join)


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + 3]) for at in range(max(len(words) - 2, 1))} if words else set()


def figures(one: str, other: str) -> dict[str, float]:
    return compare(pl.Series([one, other]), pl.DataFrame({"one": [0], "other": [1]})).row(0, named=True)


@settings(deadline=None)  # the first example loads compiled code
@given(TEXTS, TEXTS)
def test_figures_are_those_of_the_sets(one: str, other: str) -> None:
    a, b = shingles(one), shingles(other)
    found = figures(one, other)
    assert (found["one_shingles"], found["other_shingles"], found["shared"]) == (len(a), len(b), len(a & b))
    if a and b:
        assert found["jaccard"] == pytest.approx(len(a & b) / len(a | b))
        assert found["containment"] == pytest.approx(len(a & b) / min(len(a), len(b)))


@pytest.mark.long
@settings(deadline=None)  # the first example loads compiled code
@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_pairs_are_compared_alike_in_any_order_and_company(texts: list[str]) -> None:
    pairs = pl.DataFrame([(a, b) for a in range(len(texts)) for b in range(a)], schema=["one", "other"], orient="row")
    together = compare(pl.Series(texts), pairs)
    backwards = compare(pl.Series(texts), pairs.reverse()).reverse()
    assert together.equals(backwards)
    for row in together.iter_rows(named=True):
        assert figures(texts[row["one"]], texts[row["other"]])["jaccard"] == pytest.approx(row["jaccard"], nan_ok=True)


def numbered(first: int, last: int) -> str:
    return " ".join(f"w{number}" for number in range(first, last))


@pytest.mark.parametrize(
    ("short", "opening"),
    [
        (numbered(0, 80), 1.0),
        ("Dek of five words here " + numbered(0, 80), 0.9),
        (numbered(400, 480), 0.0),
    ],
    ids=["truncated", "dek on top", "from the end"],
)
def test_opening_is_that_of_the_shorter_text_in_that_of_the_longer(short: str, opening: float) -> None:
    assert figures(short, numbered(0, 500))["opening"] == pytest.approx(opening, abs=0.02)
    assert figures(numbered(0, 500), short)["opening"] == pytest.approx(opening, abs=0.02)


def test_nothing_to_compare() -> None:
    assert compare(pl.Series(["a"]), pl.DataFrame(schema={"one": pl.UInt32(), "other": pl.UInt32()})).is_empty()
