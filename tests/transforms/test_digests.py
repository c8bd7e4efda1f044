"""Digests: equal for copies, different for different texts."""

import hashlib
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.digests import DIGESTS, digest_bodies
from transforms.text_repair import BEYOND_PLAIN


def digest(*bodies: str | None, beyond_plain: bool | None = None) -> pl.DataFrame:
    texts = pl.Series(bodies, dtype=pl.String)
    flagged = texts.str.contains(BEYOND_PLAIN) if beyond_plain is None else pl.Series([beyond_plain] * len(bodies))
    return digest_bodies(texts, is_beyond_plain=flagged)


clean_texts = st.text(st.sampled_from("abcXYZ019 é’“–-.,ßÄ漢字ไทยகி"), max_size=60).map(
    lambda text: " ".join(text.split())
)


@given(clean_texts)
def test_the_match_key_is_of_the_folded_body(body: str) -> None:
    folded = " ".join(body.lower().split())
    folded = re.sub("[\u2018\u2019\u201c\u201d'\"]", "'", folded)
    folded = re.sub(r" *[-\u2010\u2013\u2014][ \u2010\u2013\u2014-]*", "-", folded).strip(" ")
    assert digest(body)["match_key"].to_list() == [hashlib.sha256(folded.encode()).hexdigest()]


@given(st.text(st.sampled_from("abcXYZ019 ’“″–-—…‼€«.,()'\"\n"), max_size=60))
def test_plain_bodies_come_out_the_same_on_the_long_way(body: str) -> None:
    text = "\n\n".join(" ".join(line.split()) for line in body.split("\n") if line.split())
    assert digest(text).equals(digest(text, beyond_plain=True))


@pytest.mark.parametrize(
    "copy",
    [
        "IT’S THE “MAYOR’S” CAFÉ - 20 € A DAY",
        "It's the \"mayor's\" café—20 € a day",
        "It’s the\n\n«mayor’s» café – 20\u00a0€ a day",
    ],
)
def test_copies_that_differ_in_case_quotes_dashes_and_breaks_share_a_key(copy: str) -> None:
    keys = digest("It’s the “mayor’s” café – 20 € a day", copy)["match_key"]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Prices rose by 1.2 percent", "Prices rose by 12 percent"),
        ("It was -5 degrees", "It was 5 degrees"),
        ("Written in C++ today", "Written in C today"),
        ("Section 10 1", "Section 101"),
        ("It is late 2", "It is late 21"),
        ("It costs $5", "It costs £5"),
        ("It is 6'2\" tall", "It is 62 tall"),
        ("About 10⁵ of them", "About 105 of them"),
        ("-5 degrees", "5 degrees"),
        ("sıkıldım", "sikildim"),
        ("in Maßen", "in Massen"),
        ("கா", "கி"),
    ],
)
def test_texts_that_say_something_else_have_another_key(one: str, other: str) -> None:
    assert digest(one, other)["match_key"].n_unique() == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", 0),
        ("One two – three’s well-known 4x4.", 5),
        ("One.\n\nTwo", 2),
        ("— * —", 0),
        ("Café naïve", 2),
        ("தமிழ் நாடு", 2),
        ("今天天气很好。OK then", 8),
        ("ไทย", 3),
        ("한국어 문장", 2),
    ],
)
def test_words_stand_between_spaces_but_for_scripts_that_have_none(body: str, words: int) -> None:
    assert digest(body)["word_count"].to_list() == [words]


def test_a_null_body_measures_nothing() -> None:
    digests = digest(None, "a")
    assert digests.schema == DIGESTS
    assert digests.row(0) == (0, 0, None, None)


def test_length_is_in_code_points_and_the_hash_of_utf_8() -> None:
    body_chars, _, body_sha256, _ = digest("né👍").row(0)
    assert (body_chars, body_sha256) == (3, hashlib.sha256("né👍".encode()).hexdigest())


@pytest.mark.parametrize("hostile", ["word - " + '" ' * 500_000, "- " * 500_000, "-" * 1_000_000, "' - \" " * 200_000])
def test_folding_costs_linear_time(hostile: str) -> None:
    assert digest(hostile)["match_key"].to_list() == digest(hostile, beyond_plain=True)["match_key"].to_list()
