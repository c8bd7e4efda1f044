"""Relations: what a pair is by its figures, and stars that do not chain."""

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.relations import Thresholds, gather_stars, relate

FIGURES = {"one_shingles": 300, "other_shingles": 320, "jaccard": 0.1, "containment": 0.2, "opening": 0.0}


EXCERPT = 0.4
"""Below this similarity a pair of `stars` is an excerpt and its whole, which has the lower number."""


def related(**figures: Any) -> list[str]:
    frame = pl.DataFrame([FIGURES | {"shares_id": False} | figures])
    found = relate(frame, Thresholds())
    return [name for name in ("is_near", "is_excerpt", "shares_id") if found[name].any()] if found.height else ["not"]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"jaccard": 0.5}, ["is_near"]),
        ({"jaccard": 0.49}, ["not"]),
        ({"jaccard": 0.7, "one_shingles": 20}, ["not"]),
        ({"jaccard": 0.8, "one_shingles": 20}, ["is_near"]),
        ({"containment": 0.9, "opening": 0.9, "one_shingles": 90}, ["is_excerpt"]),
        ({"containment": 0.9, "opening": 0.1, "one_shingles": 90}, ["not"]),
        ({"containment": 0.9, "opening": 0.9, "one_shingles": 290}, ["not"]),
        ({"containment": 1.0, "opening": 1.0, "one_shingles": 12}, ["not"]),
        ({"containment": 0.7, "opening": 0.9, "one_shingles": 90}, ["not"]),
        ({"containment": 0.3, "shares_id": True}, ["shares_id"]),
        ({"containment": 0.29, "shares_id": True}, ["not"]),
    ],
)
def test_a_pair_is_what_its_figures_say(figures: dict[str, Any], expected: list[str]) -> None:
    assert related(**figures) == expected


def stars(count: int, *pairs: tuple[int, int, float]) -> list[int]:
    schema = {"one": pl.UInt32(), "other": pl.UInt32(), "jaccard": pl.Float64()}
    frame = pl.DataFrame(pairs, schema=schema, orient="row").with_columns(
        containment="jaccard", is_excerpt=pl.col("jaccard") < EXCERPT,
        is_near=pl.col("jaccard") >= EXCERPT, one_shingles=300 - pl.col("one"),
        other_shingles=300 - pl.col("other"),
    )  # fmt: skip
    return gather_stars(count, frame).to_list()


def test_a_chain_is_not_one_article() -> None:
    assert stars(4, (0, 1, 0.6), (1, 2, 0.6), (2, 3, 0.6)) == [1, 1, 1, 3]
    assert stars(5, (0, 1, 0.6), (1, 2, 0.6), (2, 3, 0.6), (3, 4, 0.6)) == [1, 1, 1, 3, 3]


def test_a_text_goes_to_the_one_that_it_is_most_like() -> None:
    pairs = ((0, 4, 0.6), (0, 1, 0.9), (2, 3, 0.9))
    assert stars(5, *pairs, (2, 4, 0.9)) == [0, 0, 2, 2, 2]
    assert stars(5, *pairs, (2, 4, 0.6)) == [0, 0, 2, 2, 0]


def test_the_best_text_stands_for_a_star_if_it_is_related_to_all_of_it() -> None:
    assert stars(3, (0, 1, 0.9), (0, 2, 0.9), (1, 2, 0.9)) == [0, 0, 0]
    assert stars(4, (0, 2, 0.9), (1, 2, 0.9), (1, 3, 0.9), (2, 3, 0.9)) == [2, 2, 2, 2]


def test_an_excerpt_does_not_join_two_wholes() -> None:
    assert stars(3, (0, 2, 0.3), (1, 2, 0.25)) == [0, 1, 0]
    assert stars(4, (0, 2, 0.3), (1, 2, 0.3), (2, 3, 0.9), (0, 3, 0.3)) == [0, 1, 0, 0]


def test_texts_without_relations_stand_for_themselves() -> None:
    assert stars(2) == [0, 1]


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1])), st.randoms())
def test_each_text_is_related_to_the_one_that_stands_for_it(pairs: set[tuple[int, int]], draw: random.Random) -> None:
    weighed = [(one, other, draw.choice([0.5, 0.7, 0.9])) for one, other in sorted(pairs)]
    found = stars(10, *weighed)
    for text, centre in enumerate(found):
        assert found[centre] == centre
        assert centre == text or (centre, text) in pairs or (text, centre) in pairs
    alone = {centre for centre in found if found.count(centre) == 1}
    assert not any(one in alone and other in alone for one, other in pairs), "two related texts are alone"
    turned = [(other, one, weight) if draw.random() < 0.5 else (one, other, weight) for one, other, weight in weighed]
    draw.shuffle(turned)
    assert stars(10, *turned) == found
