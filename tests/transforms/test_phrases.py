"""Phrase patterns: what each element of a pattern means, and that looking up loses no match."""

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeds.tables import boilerplate
from transforms.phrases import Phrases, Row, compile_pattern
from transforms.vocabulary import PHRASE_KINDS, read_vocabulary

LISTS = {"network": ("facebook", "whatsapp"), "call": ("join", "subscribe")}


def phrases(*patterns: str) -> Phrases:
    rows = pl.DataFrame({"language": "en", "kind": "share", "pattern": patterns})
    return Phrases(rows, lists={"en": LISTS}, common=frozenset({"the", "this"}))


def matches(pattern: str, line: str) -> bool:
    return phrases(pattern).find(asked([line])).matches.height > 0


def asked(lines: Sequence[str]) -> pl.DataFrame:
    schema = {"line": pl.String(), "is_asked": pl.Boolean()}
    return pl.DataFrame([(line, True) for line in lines], schema, orient="row").with_row_index("id")


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("unlimited access", "Enjoy UNLIMITED, access!"),
        ("subscri* … access", "A subscription gives you full access"),
        ("^ read more", "→ Read more: the tide"),
        ("^ share on $", "Share on"),
        ("^ # comments", "12 comments"),
        ("^ # comments", "1,204 comments"),
        ("^ join our @network channel|group", "Join our WhatsApp group"),
        ("^ @call … newsletter", "Subscribe to the weekly newsletter"),
        ("^ log in now|$", "Log in"),
        ("^ e-mail address", "E-mail address"),
        ("^ don't miss", "Don’t miss"),
        ("^ mehr … wärme", "Mehr über Wärme"),
        ("подпишитесь на ещё", "Подпишитесь на еще"),
        ("^ اشترك في النشرة", "إشترك في النشره"),
        ("^ buy us coffee", "❤️ Buy us coffee"),
    ],
)
def test_a_pattern_matches(pattern: str, line: str) -> None:
    assert matches(pattern, line)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("unlimited access", "unlimited and free access"),
        ("^ read more", "They read more"),
        ("^ share on $", "Share on Monday"),
        ("subscri* … access", "access by subscription"),
        ("^ join our @network", "Join our club"),
        ("unlimited … access", "unlimited " + "and so on " * 6 + "access"),
        ("post", "postal"),
    ],
)
def test_a_pattern_holds_back(pattern: str, line: str) -> None:
    assert not matches(pattern, line)


@pytest.mark.parametrize("pattern", ["…", "^ $", "a*", "^ @unknown words", "of"])
def test_a_pattern_that_cannot_be_looked_for_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"word|list|stem"):
        compile_pattern(Row("en", "share", pattern), lists=LISTS, common=frozenset({"the", "this"}))


def test_a_match_says_how_much_of_the_line_it_covers() -> None:
    lines = asked(["Share", "Share this", "Now share this"])
    found = phrases("^ share $", "^ share this", "share this").find(lines)
    assert found.matches.select("id", "weight").rows() == [(0, 2), (1, 1), (1, 0), (2, 0)]


def test_no_pattern_stands_in_the_table_twice() -> None:
    rows = boilerplate().select("language", "kind", "pattern")
    assert rows.filter(rows.is_duplicated()).rows() == []


def test_every_row_of_the_table_matches_its_own_example() -> None:
    table = boilerplate().filter(pl.col("kind").is_in(list(PHRASE_KINDS))).with_row_index("id")
    lines = table.select("id", line="example", is_asked=True)
    found = read_vocabulary(boilerplate()).phrases.find(lines).matches
    rules = table.select("id", "example", rule=pl.format("{}: {}", "language", "pattern"))
    assert rules.join(found, on=["id", "rule"], how="anti").select("rule", "example").rows() == []


@given(st.lists(st.sampled_from(["Join", "our", "WhatsApp", "group", "read", "more", "–", "Ä", "❤️"]), max_size=8))
def test_looking_up_finds_what_comparing_all_finds(words: list[str]) -> None:
    line = " ".join(words)
    patterns = ("^ join our @network", "our whatsapp … group", "^ read more $", "whatsapp")
    compared = [
        compile_pattern(Row("en", "share", pattern), lists=LISTS).regex.search(
            " " + " ".join(word.lower() for word in words if word[0].isalnum()) + " "
        )
        is not None
        for pattern in patterns
    ]
    assert [matches(pattern, line) for pattern in patterns] == compared
