"""Placing records: one article for related texts, whose canonical record depends on the records alone."""

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.duplicates import FORMER_COLUMNS, MEMBER_COLUMNS, count_copies, is_moved, place_records
from transforms.ops_schema import MATCHES
from transforms.relations import Thresholds
from transforms.schema import RECORDS

MEMBERS = pl.Schema({name: RECORDS.schema[name] for name in MEMBER_COLUMNS} | dict(FORMER_COLUMNS))
UNMATCHED = pl.DataFrame(schema=MATCHES.schema)
FIGURES = ("relation", "matched_record_id", "jaccard", "containment", "method")


def members(*rows: dict[str, Any]) -> pl.DataFrame:
    defaults = {
        "match_key": "k",
        "body_sha256": "b",
        "source": "wire",
        "word_count": 300,
        "body_chars": 2000,
        "authors": [],
        "headings": [],
        "flags": [],
        "boilerplate_chars": 0,
    }
    numbered = ({"record_id": f"r_{number}"} | row for number, row in enumerate(rows))
    return pl.DataFrame([dict.fromkeys(MEMBERS) | defaults | row for row in numbered], schema=MEMBERS)


def match(one: str, other: str, **figures: Any) -> dict[str, Any]:
    usual = {"one_shingles": 300, "other_shingles": 300, "shared": 240, "jaccard": 0.67, "containment": 0.8}
    kinds = {"is_near": True, "is_excerpt": False, "shares_id": False}
    return dict.fromkeys(MATCHES.schema) | usual | kinds | {"one_key": one, "other_key": other} | figures


def place(*rows: dict[str, Any], matches: tuple[dict[str, Any], ...] = ()) -> dict[str, tuple[Any, ...]]:
    placed = place_records(members(*rows), pl.DataFrame(matches, schema=MATCHES.schema), Thresholds())
    return {record: tuple(rest) for record, *rest in placed.select("record_id", *FIGURES).iter_rows()}


def test_records_of_one_text_are_exact_copies() -> None:
    assert place({"published_at": None}, {"source": "gazette"}, {"match_key": "x"}) == {
        "r_1": ("canonical", None, None, None, None),
        "r_0": ("exact_copy", "r_1", 1.0, 1.0, "exact_body"),
        "r_2": ("canonical", None, None, None, None),
    }


def test_related_texts_are_one_article_with_the_figures_of_the_pair() -> None:
    placed = place({"match_key": "a", "word_count": 400}, {"match_key": "b"}, matches=(match("a", "b"),))
    assert placed["r_1"] == ("near_copy", "r_0", 0.67, 0.8, "shingles")


def test_an_excerpt_says_how_much_of_it_stands_in_its_whole() -> None:
    figures = {"one_shingles": 100, "other_shingles": 400, "shared": 95, "jaccard": 0.23, "containment": 0.95}
    pair = match("a", "b", **figures, is_near=False, is_excerpt=True)
    placed = place({"match_key": "a", "word_count": 102}, {"match_key": "b", "word_count": 402}, matches=(pair,))
    assert placed["r_0"] == ("excerpt", "r_1", 0.23, 0.95, "opening")


@pytest.mark.parametrize(
    ("ids", "relation"),
    [
        ({"external_id": "7"}, "revision"),
        ({"canonical_url": "https://a.example/x"}, "revision"),
        ({"external_id": "7", "source": "other"}, "near_copy"),
    ],
)
def test_another_text_under_the_same_id_of_a_source_is_a_revision(ids: dict[str, Any], relation: str) -> None:
    first = {"match_key": "a", "word_count": 400, "external_id": "7", "canonical_url": "https://a.example/x"}
    placed = place(first, {"match_key": "b", **ids}, matches=(match("a", "b"),))
    assert placed["r_1"][0] == relation


def test_a_copy_of_a_revision_is_one_too() -> None:
    pair = match("a", "b", jaccard=0.3, shared=150, containment=0.5, is_near=False, shares_id=True)
    first = {"match_key": "a", "word_count": 400, "external_id": "7"}
    placed = place(first, {"match_key": "b", "external_id": "7"}, {"match_key": "b", "source": "z"}, matches=(pair,))
    assert [placed[name][0] for name in ("r_1", "r_2")] == ["revision", "revision"]
    assert [placed[name][4] for name in ("r_1", "r_2")] == ["shared_id", "copy_of_revision"]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"word_count": 500}, {"word_count": 300, "headline": "Tide", "authors": ["Ann"]}),
        ({"headline": "Tide"}, {"headline": "Tide", "flags": ["headline_mismatch"], "authors": ["Ann"]}),
        ({"headline": "Tide"}, {"authors": ["Ann"], "dek": "It turned"}),
        ({"authors": ["Ann"]}, {"boilerplate_chars": 0}),
        ({"boilerplate_chars": 0, "source": "z"}, {"boilerplate_chars": 900, "source": "a"}),
        ({"published_at": 1}, {"published_at": 2}),
        ({"published_at": 2}, {"published_at": 1, "flags": ["future_date"]}),
        ({"published_at": 2}, {"published_at": 0}),
        ({"published_at": 2, "flags": ["early_date"]}, {"published_at": -(10**16)}),
    ],
)
def test_better_record_stands_for_the_article(better: dict[str, Any], worse: dict[str, Any]) -> None:
    for rows in ((better, worse), (worse, better)):
        [canonical] = [record for record, found in place(*rows).items() if found[0] == "canonical"]
        assert rows[int(canonical[2:])] == better


VARIANTS = st.fixed_dictionaries(
    {
        "match_key": st.sampled_from("abcd"),
        "body_sha256": st.sampled_from("bc"),
        "source": st.sampled_from(["wire", "gazette"]),
        "external_id": st.sampled_from([None, "1", "2"]),
        "headline": st.sampled_from([None, "Bridge", "BRIDGE"]),
        "word_count": st.sampled_from([80, 90, 300]),
    }
)
PAIRS = st.sets(st.sampled_from(["ab", "bc", "cd", "ad"]))
CONTENT = [name for name in MEMBERS if name not in {"record_id", "ingested_at"}]


@settings(deadline=None)
@given(st.lists(VARIANTS, min_size=1, max_size=7), PAIRS, st.randoms(use_true_random=False))
def test_articles_depend_on_the_records_alone(
    rows: list[dict[str, Any]], pairs: set[str], shuffled: random.Random
) -> None:
    matches = [match(one, other, is_near=one < "c", shares_id=True) for one, other in sorted(pairs)]

    def articles(order: list[int]) -> set[tuple[str, ...]]:
        mixed = members(*(rows[number] | {"record_id": f"r_{place}"} for place, number in enumerate(order)))
        placed = place_records(mixed, pl.DataFrame(matches, schema=MATCHES.schema), Thresholds())
        content = placed.select("canonical_record_id", "relation", row=pl.struct(CONTENT).struct.json_encode())
        texts = dict(zip(placed["record_id"], content["row"], strict=True))
        return {
            tuple(sorted(f"{texts[first]} {relation} {row}" for _, relation, row in of_article.iter_rows()))
            for (first,), of_article in content.group_by("canonical_record_id")
        }

    order = list(range(len(rows)))
    straight = articles(order)
    shuffled.shuffle(order)
    assert articles(order) == straight


def test_what_was_decided_before_and_holds_is_not_moved() -> None:
    former = {"was_article": "a_1", "was_relation": "canonical"}
    placed = place_records(members(former, {"headline": None, "source": "z"}), UNMATCHED, Thresholds())
    moved = placed.with_columns(article_id=pl.lit("a_1")).filter(is_moved())
    assert moved["record_id"].to_list() == ["r_1"]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"source": "z"}, {"exact_copy": 1}),
        ({"headline": "Tide"}, {"exact_copy": 1}),
        ({"match_key": "x"}, {}),
    ],
    ids=["follows", "takes over", "another article"],
)
def test_new_records_are_counted_by_what_they_are_to_the_article(new: dict[str, Any], expected: dict[str, int]) -> None:
    former = {"was_article": "a_1", "was_relation": "canonical"}
    placed = place_records(members(former, new), UNMATCHED, Thresholds())
    assert count_copies(placed.with_columns(article_id=pl.col("canonical_record_id"))) == expected
