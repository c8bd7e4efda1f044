"""Articles: ids that stay where most of their records are, and fields from the record that knows."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from transforms.articles import Named, choose_fields, describe_articles, name_articles
from transforms.duplicates import FORMER_COLUMNS, MEMBER_COLUMNS
from transforms.schema import RECORDS

PLACED = (
    {name: RECORDS.schema[name] for name in MEMBER_COLUMNS}
    | dict(FORMER_COLUMNS)
    | {"canonical_record_id": pl.String(), "relation": pl.String()}
)


def placed(*parts: str, **columns: Any) -> pl.DataFrame:
    """Records that were of the article named by a letter, or of none (`-`), in parts of the first one each."""
    rows = [
        {
            **dict.fromkeys(PLACED),
            "record_id": f"r_{part}{place}",
            "match_key": f"{part:0>24}{place}",
            "was_article": None if was == "-" else was,
            "canonical_record_id": f"r_{part}0",
            "ingested_at": datetime(2026, 1, 1 + ord(was) % 28, tzinfo=UTC),
            **columns,
        }
        for part, of_part in enumerate(parts)
        for place, was in enumerate(of_part)
    ]
    return pl.DataFrame(rows, schema=PLACED)


def names(named: Named) -> list[str]:
    by_part = named.placed.group_by("canonical_record_id", maintain_order=True).agg(pl.col("article_id").unique())
    return [name for [name] in by_part["article_id"]]


NEW = ["a_" + f"{part:0>24}" for part in range(3)]


@pytest.mark.parametrize(
    ("parts", "expected", "redirects", "split"),
    [
        (["-"], [NEW[0]], [], 0),
        (["A-"], ["A"], [], 0),
        (["AAB"], ["A"], [("B", "A")], 0),
        (["AB"], ["A"], [("B", "A")], 0),
        (["AA", "A-"], ["A", NEW[1]], [], 1),
        (["A", "A"], ["A", NEW[1]], [], 1),
        (["ABB", "A"], ["B", NEW[1]], [("A", "B")], 1),
        (["AAAB", "BC", "-"], ["A", "C", NEW[2]], [("B", "A")], 0),
    ],
)
def test_an_id_stays_with_most_of_its_records(
    parts: list[str], expected: list[str], redirects: list[tuple[str, str]], split: int
) -> None:
    named = name_articles(placed(*parts), taken=frozenset(), salt="run")
    assert names(named) == expected
    assert named.redirects.rows() == redirects
    assert named.split == split


def test_a_name_that_was_given_away_is_not_given_again() -> None:
    [name] = names(name_articles(placed("-"), taken=frozenset([NEW[0]]), salt="run"))
    assert name not in {*NEW, None}
    assert names(name_articles(placed("-"), taken=frozenset([NEW[0]]), salt="later")) != [name]


def describe(*rows: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Describe an article of some records, by rank; gives its row, and rule and other values of each field."""
    defaults = {
        "source": "wire",
        "authors": [],
        "headings": [],
        "flags": [],
        "word_count": 9,
        "relation": "near_copy",
        "canonical_record_id": "r_0",
        "article_id": "a",
        "is_elsewhere": False,
    }
    schema = {**PLACED, "article_id": pl.String(), "is_elsewhere": pl.Boolean()}
    numbered = [
        dict.fromkeys(schema)
        | defaults
        | {"record_id": f"r_{place}"}
        | ({} if place else {"relation": "canonical"})
        | row
        for place, row in enumerate(rows)
    ]
    frame = pl.DataFrame(numbered, schema=schema)
    fields = choose_fields(frame)
    chosen = {field: (rule, others) for field, rule, others in fields.select("field", "rule", "others").iter_rows()}
    return describe_articles(frame, fields).row(0, named=True), chosen


def test_fields_come_from_the_best_record_that_knows_them() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    article, fields = describe(
        {"headline": "Tide", "language": "en"},
        {"headline": "Tide", "dek": "It turned", "authors": ["Ann"], "published_at": noon, "headings": ["Ebb"]},
        {"authors": ["A. Nobody"], "published_at": noon.replace(hour=9)},
    )
    assert (article["headline"], article["dek"], article["authors"], article["headings"]) == (
        *("Tide", "It turned"),
        *(["Ann"], ["Ebb"]),
    )
    assert article["published_at"] == noon.replace(hour=9)
    assert fields["headline"] == ("canonical", [])
    assert fields["authors"] == ("best_copy", ["A. Nobody"])
    assert fields["published_at"][0] == "earliest"


def test_headline_of_most_sources_is_shown() -> None:
    article, fields = describe(
        {"headline": "Market day"},
        {"headline": "The tide turns", "source": "b"},
        {"headline": "THE TIDE TURNS!", "source": "c"},
    )
    assert article["headline"] == "The tide turns"
    assert fields["headline"] == ("most_sources", ["Market day", "THE TIDE TURNS!"])


def test_headline_that_stands_on_another_article_is_not_shown_where_there_is_another() -> None:
    glued = {"headline": "Market day", "is_elsewhere": True}
    article, fields = describe(glued, {"headline": "The tide turns"})
    assert article["headline"] == "The tide turns"
    assert fields["headline"] == ("stands_nowhere_else", ["Market day"])
    assert describe(glued)[0]["headline"] == "Market day"


@pytest.mark.parametrize("below", [{"dek": "The Tide Turns."}, {"headings": ["THE TIDE TURNS", "Ebb"]}])
def test_headline_above_the_one_of_a_copy_is_not_shown(below: dict[str, Any]) -> None:
    article, fields = describe({"headline": "Market day", **below}, {"headline": "The tide turns"})
    assert (article["headline"], article["dek"]) == ("The tide turns", None)
    assert fields["headline"] == ("stands_below_another", ["Market day"])
    beside = describe({"headline": "Market day", **below}, {"headline": "The tide is late"})
    assert beside[1]["headline"] == ("canonical", ["The tide is late"])


def test_headline_and_dek_that_do_not_fit_the_text_are_never_shown() -> None:
    wrong = {"headline": "Market day", "dek": "Stalls", "flags": ["headline_mismatch"]}
    article, fields = describe(wrong)
    assert (article["headline"], article["dek"]) == (None, None)
    assert fields["headline"] == ("none", ["Market day"])


def test_headings_are_not_those_of_an_older_text() -> None:
    assert describe({}, {"headings": ["Ebb"], "relation": "revision"})[0]["headings"] == []


def test_date_in_the_future_is_not_shown() -> None:
    late = datetime(2199, 1, 1, tzinfo=UTC)
    assert describe({"published_at": late, "flags": ["future_date"]})[0]["published_at"] is None


def test_an_article_of_one_record_shows_what_that_says() -> None:
    frame = placed("-", headline="Tide", authors=["Ann"], headings=[], flags=[], word_count=9, source="wire")
    named = name_articles(frame, taken=frozenset(), salt="run").placed
    [article] = describe_articles(named, choose_fields(named.clear().with_columns(is_elsewhere=True))).rows(named=True)
    assert (article["headline"], article["authors"], article["record_count"], article["is_new"]) == (
        "Tide",
        ["Ann"],
        1,
        True,
    )
