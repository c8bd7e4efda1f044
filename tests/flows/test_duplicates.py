"""Duplicates through the whole program: articles that join, split and keep their ids; ids used again; what is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.run import Summary

Ingest = Callable[..., Summary]
Query = Callable[..., list[tuple[Any, ...]]]
Copydesk = Callable[..., tuple[int, str, str]]

WORDS = [
    f"{stem}{end}"
    for stem in "bram corn dell esk fenn garth holm ings jarl kirk".split()
    for end in "oak ash elm yew".split()
]


def passage(number: int, *, sentences: int = 4) -> str:
    """A paragraph that no other number has."""
    lines = (
        f"In {WORDS[(number + line) % 40]} the {WORDS[(7 * number + line) % 40]} of {number * 31 + line} met "
        f"{WORDS[(13 * number + 3 * line) % 40]} and {WORDS[(number * line + 5) % 40]} at the weir"
        for line in range(sentences)
    )
    return ". ".join(lines) + "."


def article(*numbers: int) -> str:
    return "\n\n".join(passage(number) for number in numbers)


@pytest.fixture
def take_in(ingest: Ingest, write_lines: Any, tmp_path: Path) -> Callable[..., Summary]:
    drops = iter(range(100))

    def take(*rows: dict[str, Any], source: str = "wire") -> Summary:
        return ingest(write_lines(tmp_path / source / f"{next(drops)}.jsonl", rows))

    return take


@pytest.mark.long
def test_an_article_that_joins_two_takes_their_records_and_one_id(take_in: Any, query: Query) -> None:
    """The whole is most like neither of its halves at first; a longer one is like both."""
    take_in({"id": "left", "body": article(1, 2, 3, 4, 5)}, {"id": "right", "body": article(4, 5, 6, 7, 8)})
    before = dict(query("SELECT external_id, article_id FROM records JOIN record_articles USING (record_id)"))
    assert len(set(before.values())) == 2
    summary = take_in({"id": "whole", "body": article(1, 2, 3, 4, 5, 6, 7, 8)})
    assert (summary.articles_new, summary.near_copies + summary.other_copies, summary.articles_joined) == (0, 1, 1)
    after = set(query("SELECT article_id, count(*) FROM record_articles GROUP BY ALL"))
    [(kept, count)] = after
    assert count == 3
    [gone] = set(before.values()) - {kept}
    assert query("SELECT article_id, moved_to FROM article_redirects") == [(gone, kept)]
    assert query("SELECT article_id, record_count FROM articles") == [(kept, 3)]
    assert query("SELECT articles_joined FROM ops.runs ORDER BY started_at DESC LIMIT 1") == [(1,)]


@pytest.mark.long
def test_a_chain_that_grows_is_placed_anew_and_keeps_one_id(take_in: Any, query: Query) -> None:
    take_in({"body": article(1, 2, 3, 4, 5)}, {"body": article(3, 4, 5, 6)})
    [(before,)] = query("SELECT article_id FROM articles")
    summary = take_in({"body": article(4, 5, 6, 7)}, {"body": article(5, 6, 7, 8)})
    assert (summary.articles_new + summary.articles_split, summary.articles_joined) == (1, 0)
    assert sorted(count for (count,) in query("SELECT record_count FROM articles")) in ([1, 3], [2, 2])
    assert (before,) in query("SELECT article_id FROM articles")
    assert query("SELECT * FROM record_articles WHERE relation <> 'canonical' AND NOT jaccard >= 0.5") == []


@pytest.mark.long
def test_redirects_lead_to_what_is_there_now(take_in: Any, query: Query) -> None:
    for part in ((1, 2, 3), (3, 4, 5), (1, 2, 3, 4, 5), (5, 6, 7, 8, 9), (1, 2, 3, 4, 5, 6, 7, 8, 9)):
        take_in({"id": str(part), "body": article(*part)})
    assert query("SELECT * FROM article_redirects ANTI JOIN articles ON articles.article_id = moved_to") == []
    assert query("SELECT * FROM articles SEMI JOIN article_redirects USING (article_id)") == []


@pytest.mark.long
def test_a_record_that_leaves_an_article_does_not_take_its_id_along(
    take_in: Any, query: Query, copydesk: Copydesk
) -> None:
    """Accepted lines can leave so little of a text that it is no copy any more."""
    lines = [line for number in range(4) for line in passage(number, sentences=2).split(". ")]
    take_in({"headline": "Lines", "body": "\n\n".join(lines)}, source="a")
    take_in({"dek": "Lines, and more", "body": "\n\n".join([passage(11, sentences=3), *lines])}, source="b")
    assert query("SELECT record_count FROM articles") == [(2,)]
    assert copydesk("boilerplate", "accept", *lines, "--source", "b")[0] == 0
    assert query("SELECT record_count, headline, dek FROM articles ORDER BY ALL") == [
        (1, "Lines", None),
        (1, None, "Lines, and more"),
    ]
    assert query("SELECT count(DISTINCT article_id) FROM record_articles") == [(2,)]
    assert query("SELECT * FROM article_fields SEMI JOIN articles USING (article_id) WHERE rule = 'best_copy'") == []


@pytest.mark.long
def test_a_text_that_was_gone_and_comes_again_finds_its_copies(take_in: Any, query: Query, copydesk: Copydesk) -> None:
    line = "Printed on the island since the year of the great flood."
    take_in({"body": f"{article(1, 2)}\n\n{line}\n\n{article(3)}"}, source="a")
    assert copydesk("boilerplate", "accept", line, "--source", "a")[0] == 0
    take_in({"body": f"{article(1, 2)}\n\n{line}\n\n{article(3, 4)}"}, source="b")
    assert copydesk("boilerplate", "reject", line, "--source", "a")[0] == 0
    assert query("SELECT record_count FROM articles") == [(2,)]
    [(was,)] = query("SELECT jaccard FROM record_articles WHERE jaccard IS NOT NULL")
    assert copydesk("rebuild", "--only", "fingerprints")[0] == 0
    assert query("SELECT jaccard FROM record_articles WHERE jaccard IS NOT NULL") == [(was,)]


@pytest.mark.long
def test_two_stories_that_begin_alike_are_not_joined_by_a_preview(take_in: Any, query: Query) -> None:
    take_in({"body": article(1)}, source="feed")
    take_in({"body": article(1, 2, 3, 4)}, {"body": article(1, 5, 6, 7, 8)})
    assert sorted(query("SELECT relation, count(*) FROM record_articles GROUP BY ALL")) == [
        ("canonical", 2),
        ("excerpt", 1),
    ]


@pytest.mark.long
def test_an_id_that_is_used_for_something_else_is_flagged_and_makes_no_revision(take_in: Any, query: Query) -> None:
    take_in({"id": "7", "body": article(1, 2, 3)})
    take_in({"id": "7", "body": article(4, 5, 6)}, {"id": "8", "body": article(7, 8, 9)})
    flags = dict(query("SELECT body, list_contains(flags, 'id_reused') FROM records"))
    assert [flags[article(*n)] for n in ((1, 2, 3), (4, 5, 6), (7, 8, 9))] == [False, True, False]
    assert query("SELECT count(*) FROM articles") == [(3,)]


@pytest.mark.long
def test_a_text_that_was_changed_under_its_address_is_a_revision(take_in: Any, query: Query) -> None:
    first, second = article(1, 2, 3, 4), article(1, 2, 11, 12, 13)
    take_in({"url": "https://wire.example/a?utm_source=x", "body": first})
    summary = take_in({"url": "https://wire.example/a", "body": second})
    assert summary.other_copies == 1
    [(relation, method, jaccard)] = query(
        "SELECT relation, method, jaccard FROM record_articles WHERE relation <> 'canonical'"
    )
    assert (relation, method) == ("revision", "shared_id")
    assert jaccard < 0.5
    take_in({"url": "https://other.example/a", "body": article(1, 2, 21, 22, 23)}, source="other")
    assert query("SELECT count(*) FROM articles") == [(2,)], "another source's text is no revision"


@pytest.mark.long
def test_a_known_text_that_comes_again_with_an_id_is_a_revision_as_well(take_in: Any, query: Query) -> None:
    first, second = article(1, 2, 3, 4), article(1, 2, 11, 12, 13)
    take_in({"id": "7", "body": first}, {"url": "https://wire.example/b", "body": second})
    assert query("SELECT count(*) FROM articles") == [(2,)]
    take_in({"id": "7", "body": second})
    assert query("SELECT record_count FROM articles") == [(3,)]
    assert query("SELECT flags FROM records WHERE list_contains(flags, 'id_reused')") == []


@pytest.mark.long
def test_an_address_that_all_records_share_says_nothing(take_in: Any, query: Query) -> None:
    rows = [{"url": "https://wire.example/", "body": article(3 * n, 3 * n + 1)} for n in range(210)]
    take_in(*rows)
    assert query("SELECT count(*), count(*) FILTER (list_contains(flags, 'id_reused')) FROM records") == [(210, 0)]


def test_a_blank_id_is_none(take_in: Any, query: Query) -> None:
    take_in(
        {"id": "", "body": article(1, 2, 3)}, {"id": " ", "body": article(3, 4, 5)}, {"id": " 7 ", "body": article(9)}
    )
    assert query("SELECT external_id FROM records ORDER BY record_no") == [(None,), (None,), ("7",)]
    assert query("SELECT count(*) FROM articles") == [(3,)]


@pytest.mark.long
def test_a_preview_of_a_paid_article_is_an_excerpt(take_in: Any, query: Query) -> None:
    take_in({"body": article(1, 2)}, source="feed")
    assert take_in({"body": article(1, 2, 3, 4, 5, 6)}).other_copies == 1
    assert query(
        "SELECT source, relation, method, containment FROM records JOIN record_articles USING (record_id) ORDER BY ALL"
    ) == [
        ("feed", "excerpt", "opening", 1.0),
        ("wire", "canonical", None, None),
    ]


@pytest.mark.long
def test_headline_glued_on_one_copy_does_not_stay_when_its_owner_comes(take_in: Any, query: Query) -> None:
    glued = "Weir keeper leaves after forty years"
    take_in({"headline": glued, "body": article(1, 2, 3)}, source="a")
    take_in({"headline": "Crates met at the weir", "body": article(1, 2, 3) + "\n\nMore at noon."}, source="b")
    take_in({"headline": glued, "body": article(31, 32, 33)}, source="c")
    shown = dict(query("SELECT body, headline FROM articles"))
    assert shown[article(31, 32, 33)] == glued
    [other] = [headline for body, headline in shown.items() if body.startswith(article(1, 2, 3))]
    assert other == "Crates met at the weir"
    rules = query("SELECT rule, others FROM article_fields WHERE field = 'headline' AND len(others) > 0")
    assert [others for _, others in rules] == [[glued]]


@pytest.mark.long
def test_headline_glued_on_one_scrape_gives_way_to_the_line_below_it(
    ingest: Ingest, query: Query, tmp_path: Path
) -> None:
    glued, own = "Weir keeper of Jarl leaves", "The weir at Bramoak holds"
    for source, top in (("a", f"{glued}\n{own}"), ("b", own)):
        (tmp_path / source).mkdir()
        (tmp_path / source / "weir.txt").write_text(f"{top}\n\n{article(1, 2, 3)}")
        ingest(tmp_path / source / "weir.txt")
    assert query("SELECT headline, dek, record_count FROM articles") == [(own, None, 2)]
    chosen = query("SELECT rule, others FROM article_fields WHERE field = 'headline'")
    assert chosen == [("stands_below_another", [glued])]


@pytest.mark.long
def test_rebuild_changes_nothing_that_holds(take_in: Any, query: Query, copydesk: Copydesk) -> None:
    for part in ((1, 2, 3), (3, 4, 5), (1, 2, 3, 4, 5), (7, 8)):
        take_in({"id": str(part), "body": article(*part)})
    tables = ("record_articles", "articles", "article_fields", "article_redirects")
    before = [query(f"SELECT * EXCLUDE (run_id, decided_at) FROM {table} ORDER BY ALL") for table in tables]
    prints = query("SELECT * FROM ops.fingerprints ORDER BY ALL")
    assert copydesk("rebuild", "--only", "fingerprints")[0] == 0
    assert [query(f"SELECT * EXCLUDE (run_id, decided_at) FROM {table} ORDER BY ALL") for table in tables] == before
    assert query("SELECT * FROM ops.fingerprints ORDER BY ALL") == prints
    assert query("SELECT kind FROM ops.runs ORDER BY started_at DESC LIMIT 1") == [("rebuild",)]


@pytest.mark.long
def test_rebuild_counts_every_record_once_where_articles_are_split(
    take_in: Any, query: Query, copydesk: Copydesk, home: Path
) -> None:
    take_in({"body": article(1, 2, 3, 4, 5)}, {"body": article(1, 2, 3, 4, 9)}, {"body": article(1, 2, 3, 8, 9)})
    (home / "copydesk.toml").write_text("[duplicates]\nnear_jaccard = 0.6\n")
    assert copydesk("rebuild", "--only", "fingerprints")[0] == 0
    assert query("SELECT sum(record_count) FROM articles") == query("SELECT count(*) FROM records")
    assert query("SELECT count(*) FROM articles") == query(
        "SELECT count(*) FROM record_articles WHERE relation = 'canonical'"
    )


@pytest.mark.long
def test_rebuild_follows_the_settings(take_in: Any, query: Query, copydesk: Copydesk, home: Path) -> None:
    take_in({"body": article(1, 2, 3, 4)}, {"body": article(1, 2, 3, 5)})
    assert query("SELECT count(*) FROM articles") == [(1,)]
    (home / "copydesk.toml").write_text("[duplicates]\nnear_jaccard = 0.9\n")
    assert copydesk("rebuild", "--only", "fingerprints")[0] == 0
    assert query("SELECT count(*) FROM articles") == [(2,)]
    assert query("SELECT articles_split FROM ops.runs ORDER BY started_at DESC LIMIT 1") == [(1,)]


def test_why_shows_figures_verdict_and_what_differs(take_in: Any, query: Query, copydesk: Copydesk) -> None:
    take_in({"body": article(1, 2, 3, 4)}, {"body": article(1, 2, 9, 3, 4)}, {"body": article(21, 22)})
    [(copy, canonical)] = query("SELECT record_id, matched_record_id FROM record_articles WHERE relation = 'near_copy'")
    [(stranger,)] = query(f"SELECT record_id FROM record_articles WHERE record_id NOT IN ('{copy}', '{canonical}')")
    found = json.loads(copydesk("why", copy, "--json")[1])
    [figures] = query(f"SELECT jaccard FROM record_articles WHERE record_id = '{copy}'")
    assert (found["jaccard"],) == figures
    assert found["verdict"].startswith("near copies: Jaccard similarity 0.")
    assert [row["mark"] for row in found["paragraphs"]] == ["=", "=", ">", "=", "="]
    shown = copydesk("why", copy, stranger)[1]
    assert "not related: Jaccard similarity 0.0" in " ".join(shown.split())
    assert "They are in two articles" in shown
    assert f"{canonical} stands for article" in copydesk("why", canonical)[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["r_0_0"], "There is no record 'r_0_0'; copydesk sql"), (["a", "b", "c"], "3 records are too many")],
)
def test_why_says_what_is_wrong(take_in: Any, copydesk: Copydesk, arguments: list[str], said: str) -> None:
    take_in({"body": article(1)})
    code, _, errors = copydesk("why", *arguments)
    assert (code, said in errors) == (2, True)


def test_duplicates_are_listed_by_source(take_in: Any, copydesk: Copydesk) -> None:
    take_in({"body": article(1, 2, 3)}, {"body": article(1, 2, 3).upper()}, source="a")
    take_in({"body": article(1, 2, 3, 4)}, source="b")
    code, _, errors = copydesk("duplicates", "--source", "c")
    assert (code, "There is no source 'c'; known are a, b." in errors) == (2, True)
    listed = json.loads(copydesk("duplicates", "--source", "a", "--format", "json")[1])
    assert [(row["source"], row["relation"], row["matched_source"]) for row in listed] == [("a", "near_copy", "b")] * 2
    assert json.loads(copydesk("duplicates", "--source", "b", "--format", "json")[1]) == []
    assert copydesk("duplicates", "--relation", "twin")[0] == 2
