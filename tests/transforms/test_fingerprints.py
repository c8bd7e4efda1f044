"""Fingerprints: a sample that overlaps as the texts do, the same everywhere."""

import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.fingerprints import SAMPLE, WIDTH, fingerprint


def words(count: int, *, seed: int = 0) -> list[str]:
    draw = random.Random(seed)  # noqa: S311 -- a repeatable choice
    return [f"w{draw.randrange(10**6)}" for _ in range(count)]


def sketch(text: str) -> set[int]:
    [packed] = fingerprint(pl.Series([text]))["sketch"]
    return set(np.frombuffer(packed, np.uint32).tolist())


def test_a_fingerprint_is_the_same_on_every_machine_and_in_every_version() -> None:
    texts = pl.Series(["The tide turned at noon and the boats went out again.", "潮目が変わり、船は沖へ出た。", "…"])
    prints = fingerprint(texts)
    assert prints["shingles"].to_list() == [6, 7, 0]
    assert prints["sketch"].bin.encode("hex").to_list() == [
        "09332cf0821a4d3543cc5c2130564fa30a2a9b4ff27fef7e",
        "77a3cf52bc132ad71afc18b598d1a39dfad10897c884b9ce040836fe",
        "",
    ]


@pytest.mark.parametrize("count", [1, 5, 6, 40, 53, 54, 400, 1500, 6000])
def test_sample_is_all_of_a_short_text_and_a_bounded_share_of_a_long_one(count: int) -> None:
    shingles = max(count - WIDTH + 1, 1)
    kept = len(sketch(" ".join(words(count))))
    if shingles <= SAMPLE:
        assert kept == shingles
    else:
        expected = max(SAMPLE, shingles / 32)
        assert abs(kept - expected) < 5 * expected**0.5


def test_samples_overlap_as_the_texts_do() -> None:
    text = words(2000)
    half, whole = sketch(" ".join(text[:1000])), sketch(" ".join(text))
    assert len(whole & half) > 0.4 * len(whole)
    assert not sketch(" ".join(words(2000, seed=1))) & whole


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_a_text_has_its_fingerprint_in_any_company(texts: list[str]) -> None:
    together = fingerprint(pl.Series(texts, dtype=pl.String))
    alone = [fingerprint(pl.Series([text])) for text in texts]
    assert together.rows() == [row for frame in alone for row in frame.rows()]


def test_repeated_shingles_count_once() -> None:
    assert len(sketch("one two three four five six " * 30)) == WIDTH
