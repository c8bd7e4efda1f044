"""Exact copies: one article for all, whose content depends on the records alone."""

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.duplicates import MEMBER_COLUMNS, Decisions, match_exact_copies
from transforms.schema import RECORDS

MEMBERS = {name: RECORDS.schema[name] for name in MEMBER_COLUMNS}
STORED = MEMBERS | {"relation": pl.String(), "matched_record_id": pl.String()}
NOTHING_STORED = pl.DataFrame(schema=STORED)
SHOWN = ("article_id", "headline", "dek", "authors", "published_at", "language", "headings", "word_count", "sources")


def members(*rows: dict[str, Any], schema: dict[str, Any] = MEMBERS) -> pl.DataFrame:
    defaults = {"match_key": "k" * 64, "body_sha256": "b", "source": "wire", "authors": [], "headings": []}
    return pl.DataFrame([dict.fromkeys(schema) | defaults | row for row in rows], schema=schema)


def relations(decisions: Decisions) -> dict[str, str]:
    return dict(decisions.record_articles.select("record_id", "relation").iter_rows())


def test_copies_of_one_body_are_one_article_and_others_are_not() -> None:
    rows = [{"record_id": "r_1"}, {"record_id": "r_2"}, {"record_id": "r_3", "match_key": "x" * 64}]
    decisions = match_exact_copies(members(*rows), NOTHING_STORED)
    assert relations(decisions) == {"r_1": "canonical", "r_2": "exact_copy", "r_3": "canonical"}
    assert decisions.articles["record_count"].sort().to_list() == [1, 2]
    [copy] = decisions.record_articles.filter(pl.col("relation") == "exact_copy").rows(named=True)
    assert (copy["matched_record_id"], copy["jaccard"], copy["method"]) == ("r_1", 1.0, "exact_body")


def test_stored_record_gives_way_to_an_earlier_one_and_is_decided_anew() -> None:
    stored = members({"record_id": "r_1", "relation": "canonical", "published_at": None}, schema=STORED)
    decisions = match_exact_copies(members({"record_id": "r_2", "source": "gazette"}), stored)
    assert relations(decisions) == {"r_2": "canonical", "r_1": "exact_copy"}
    assert decisions.articles["is_new"].to_list() == [False]


def test_what_was_decided_before_and_holds_is_not_written_again() -> None:
    stored = members({"record_id": "r_1", "relation": "canonical"}, schema=STORED)
    assert relations(match_exact_copies(members({"record_id": "r_2"}), stored)) == {"r_2": "exact_copy"}


VARIANTS = st.fixed_dictionaries(
    {
        "body_sha256": st.sampled_from("bc"),
        "source": st.sampled_from(["wire", "gazette"]),
        "headline": st.sampled_from([None, "Bridge", "BRIDGE"]),
        "authors": st.lists(st.sampled_from(["Ann", "Bo", "Cy"]), max_size=2),
        "headings": st.lists(st.sampled_from(["One", "Two"]), max_size=1),
        "language": st.sampled_from([None, "en", "de"]),
        "word_count": st.integers(1, 2),
    }
)


@given(st.lists(VARIANTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_content_of_an_article_depends_on_the_records_alone(
    rows: list[dict[str, Any]], shuffled: random.Random
) -> None:
    def articles(order: list[int]) -> list[dict[str, Any]]:
        named = [rows[number] | {"record_id": f"r_{place}"} for place, number in enumerate(order)]
        return match_exact_copies(members(*named), NOTHING_STORED).articles.select(SHOWN).to_dicts()

    order = list(range(len(rows)))
    straight = articles(order)
    shuffled.shuffle(order)
    assert articles(order) == straight


@pytest.mark.parametrize("field", ["headline", "authors", "headings", "language", "word_count"])
def test_every_shown_field_decides_between_copies(field: str) -> None:
    values = {"authors": (["Ann"], ["Bo"]), "headings": (["One"], ["Two"]), "word_count": (1, 2)}.get(field, ("a", "b"))
    shown = [
        match_exact_copies(
            members({"record_id": "r_1", field: first}, {"record_id": "r_2", field: second}), NOTHING_STORED
        ).articles[field]
        for first, second in (values, values[::-1])
    ]
    assert shown[0].to_list() == shown[1].to_list()
