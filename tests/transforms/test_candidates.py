"""Candidates: pairs that may be copies, whatever came first and however it came."""

import random

import polars as pl
import pytest

from transforms import candidates
from transforms.candidates import find_candidates
from transforms.fingerprints import fingerprint


def some_words(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)  # noqa: S311 -- a repeatable choice
    return [f"w{draw.randrange(10**6)}" for _ in range(count)]


def article(seed: int, *, count: int = 300) -> str:
    return " ".join(some_words(count, seed))


@pytest.fixture(scope="module")
def texts() -> pl.Series:
    """Forty articles; of the first ten a copy with a footer, the first half, and one with every tenth word changed."""
    originals = [article(number) for number in range(40)]
    footers = [f"{text} {article(99, count=40)}" for text in originals[:10]]
    halves = [" ".join(text.split()[:150]) for text in originals[:10]]
    changed = [" ".join(w if i % 10 else f"x{i}" for i, w in enumerate(text.split())) for text in originals[:10]]
    return pl.Series([*originals, *footers, *halves, *changed])


def pairs_of(new: pl.DataFrame, stored: pl.DataFrame) -> set[frozenset[str]]:
    names = pl.concat([stored.get_column("name"), new.get_column("name")])
    found = find_candidates(new.drop("name"), stored.drop("name")).pairs
    return {
        frozenset(pair) for pair in zip(new["name"].gather(found["new"]), names.gather(found["other"]), strict=True)
    }


def named(texts: pl.Series) -> pl.DataFrame:
    return fingerprint(texts).with_row_index("name").with_columns(pl.col("name").cast(pl.String))


def test_copies_excerpts_and_edited_versions_are_candidates_and_others_are_not(texts: pl.Series) -> None:
    prints = named(texts)
    expected = {frozenset({str(n), str(copy + n)}) for n in range(10) for copy in (40, 50, 60)}
    found = pairs_of(prints, prints.clear())
    assert expected <= found
    assert {frozenset(str(int(name) % 10 if int(name) >= 40 else int(name)) for name in pair) for pair in found} <= {
        frozenset({str(n)}) for n in range(10)
    }


@pytest.mark.parametrize("stored", [0, 1, 35, 69])
def test_pairs_are_the_same_however_texts_are_split_and_ordered(texts: pl.Series, stored: int) -> None:
    prints = named(texts)
    at_once = pairs_of(prints, prints.clear())
    mixed = prints.sample(fraction=1, shuffle=True, seed=stored)
    earlier, later = mixed[:stored], mixed[stored:]
    assert pairs_of(earlier, earlier.clear()) | pairs_of(later, earlier) == at_once


def test_hashes_put_in_order_in_parts_make_no_difference(texts: pl.Series, monkeypatch: pytest.MonkeyPatch) -> None:
    prints = named(texts)
    at_once = pairs_of(prints[30:], prints[:30])
    monkeypatch.setattr(candidates, "HASHES_AT_A_TIME", 100)
    assert pairs_of(prints[30:], prints[:30]) == at_once


def test_passages_of_too_many_texts_make_no_candidates_and_texts_of_nothing_else_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "MOST_TEXTS", 5)
    template = article(1, count=25)
    form_letters = [f"{template} {article(number, count=20)}" for number in range(10, 20)]
    bare = [f"{template} {number}" for number in range(3)]
    copy = f"{form_letters[0]} again"
    prints = named(pl.Series([*form_letters, *bare, copy]))
    found = find_candidates(prints.drop("name"), prints.drop("name").clear())
    assert {frozenset(pair) for pair in found.pairs.rows()} == {frozenset({0, 13})}
    assert sorted(found.left_out) == [10, 11, 12]


def test_very_short_texts_are_candidates_by_their_only_shingle() -> None:
    prints = named(pl.Series(["Sold out.", "sold OUT", "Closed", ""]))
    assert pairs_of(prints, prints.clear()) == {frozenset({"0", "1"})}
