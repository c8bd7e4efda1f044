"""Copies are found, and different articles left apart, as well as they were; the targets only go up.

Targets stand beside what they are of: `edited_articles`, `all_pairs`, `copy_kinds`, `boilerplate_stories` and
`arrival_orders`. These are short forms; `make quality-duplicates` measures all, and prints it.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from all_pairs import AllPairsQuality, is_explained, measure_all_pairs
from arrival_orders import measure_arrival_orders
from boilerplate_stories import BoilerplateQuality, disputable_pairs, measure_boilerplate_stories, read_stories
from edited_articles import EditedQuality, measure_edited_articles
from exact_shingles import containment, jaccard, overlapping_pairs, shingle_sets, words
from figures import Figure, missed
from planted_copies import PlantedQuality, measure_planted_copies

NEWS = "news/lk_news_20k.parquet"
RENAMED = 2
"""Of the five among all 901 articles, those that the short form has."""
SHARE_BOILERPLATE = 60
POSTED_AGAIN = 20

TEXTS = (
    "The old bridge is shut, and the new bridge is late.",
    "THE OLD BRIDGE is shut; and the new bridge – is early!",
    "the old bridge is shut",
    "ரயில் நிலையம் மூடப்பட்டது என்று அறிவிப்பு",
    "old bridge",
    "old bridge",
    "",
)


@pytest.fixture(scope="module")
def edited(shared_data: Path) -> EditedQuality:
    return measure_edited_articles(shared_data / "near_duplicates" / "edited_articles.parquet", every=3)


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> AllPairsQuality:
    return measure_all_pairs(shared_data / NEWS, articles=1_500)


@pytest.fixture(scope="module")
def planted(shared_data: Path) -> PlantedQuality:
    return measure_planted_copies(shared_data / NEWS, originals=120)


@pytest.fixture(scope="module")
def stories() -> BoilerplateQuality:
    return measure_boilerplate_stories()


@pytest.fixture(scope="module")
def orders(shared_data: Path) -> Sequence[Figure]:
    return measure_arrival_orders(shared_data / NEWS, originals=4, orders=2, most_drops=3)


def test_versions_of_an_edited_article_are_one_article(edited: EditedQuality) -> None:
    assert missed(edited.recall) == []


def test_different_edited_articles_stay_apart(edited: EditedQuality) -> None:
    assert missed(edited.precision) == []


def test_articles_posted_again_under_another_name_are_told_by_their_text(edited: EditedQuality) -> None:
    assert len(edited.reposts) == RENAMED


def test_all_similar_pairs_of_news_are_found(pairs: AllPairsQuality) -> None:
    assert missed(pairs.recall) == []


def test_pairs_of_news_that_are_not_similar_are_one_article_for_a_reason(pairs: AllPairsQuality) -> None:
    assert missed([pairs.explained]) == []


def test_stored_figures_are_exact(pairs: AllPairsQuality) -> None:
    assert missed(pairs.stored) == []


def test_copies_of_every_kind_are_found(planted: PlantedQuality) -> None:
    assert missed(planted.recall) == []


def test_originals_of_copies_stay_apart(planted: PlantedQuality) -> None:
    assert missed(planted.merged) == []


def test_stories_that_share_boilerplate_stay_apart(stories: BoilerplateQuality) -> None:
    assert missed(stories.apart) == []


def test_stories_posted_again_are_found(stories: BoilerplateQuality) -> None:
    assert missed(stories.found) == []


def test_no_story_with_boilerplate_may_be_judged_either_way() -> None:
    told = list(read_stories())
    sharing = [(one, other) for one, other in combinations(told, 2) if one.group == other.group]
    assert sum(one.story == other.story for one, other in sharing) >= POSTED_AGAIN
    different = {(one.story, other.story) for one, other in sharing if one.story != other.story}
    assert len(different) >= SHARE_BOILERPLATE
    assert disputable_pairs(told) == []


def test_articles_are_the_same_in_any_order_of_arrival(orders: Sequence[Figure]) -> None:
    assert missed(orders) == []


def test_all_pairs_are_those_of_plain_sets() -> None:
    sets = shingle_sets(TEXTS)
    plain = [{tuple(row[at : at + 3]) for at in range(max(1, len(row) - 2))} for row in map(words, TEXTS[:-1])]
    shared = {
        (one, other): (len(plain[one] & plain[other]), len(plain[one] | plain[other]))
        for one, other in combinations(range(len(plain)), 2)
        if plain[one] & plain[other]
    }
    found = {row[:2]: row[2:] for row in overlapping_pairs(sets, least=0).rows()}
    assert {pair: similarity for pair, (similarity, _) in found.items()} == {
        pair: both / either for pair, (both, either) in shared.items()
    }
    assert found[0, 2] == (jaccard(sets[2], sets[0]), containment(sets[2], sets[0])) == (3 / 9, 1)
    assert set(overlapping_pairs(sets, least=0.9)["first"]) == {0, 1, 4}


@pytest.mark.parametrize(
    ("one", "other", "explained"),
    [
        (("canonical", None, None), ("near_copy", "r1", 0.9), False),
        (("canonical", None, None), ("excerpt", "r1", 0.3), True),
        (("revision", "r1", 0.3), ("near_copy", "r1", 0.9), True),
        (("near_copy", "r1", 0.6), ("near_copy", "r1", 0.5), True),
        (("near_copy", "r1", 0.6), ("near_copy", "r1", 0.4), False),
        (("near_copy", "r1", 0.6), ("near_copy", "r2", 0.6), False),
    ],
)
def test_what_explains_a_pair(one: Any, other: Any, explained: bool) -> None:
    names = ("relation", "matched_record_id", "jaccard")
    assert is_explained(dict(zip(names, one, strict=True)), dict(zip(names, other, strict=True))) == explained


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("share", 10, 0.9, at_least=0.9), True),
        (Figure("share", 10, 0.8, at_least=0.9), False),
        (Figure("share of nothing", 0, float("nan"), at_least=0.9), False),
        (Figure("count", 10, 0, at_most=0), True),
        (Figure("count", 10, 1, at_most=0), False),
        (Figure("count of nothing", 0, 0, at_most=0), False),
        (Figure("for information", 0, float("nan")), True),
    ],
)
def test_a_target_is_met_by_something_alone(figure: Figure, met: bool) -> None:
    assert (missed([figure]) == []) == met
