"""The phrases by which sites turn readers away are found in any dress, and only where they are said."""

import polars as pl
import pytest

from expectations.refusals import refusal_phrase, refusal_title
from seeds.tables import read_table


def said(text: str | None, *phrases: str, max_chars: float = 1_000) -> str | None:
    texts = pl.DataFrame({"body": [text]}, schema={"body": pl.String()})
    return texts.select(refusal_phrase(pl.col("body"), phrases, max_chars=max_chars)).item()


@pytest.mark.parametrize(
    "row", read_table("block_pages", "language", "pattern", "example").rows(), ids=lambda row: f"{row[0]}: {row[1]}"
)
def test_each_phrase_of_the_table_is_found_in_its_example(row: tuple[str, str, str]) -> None:
    _, phrase, example = row
    assert said(example, phrase)


def test_case_punctuation_and_line_breaks_do_not_matter() -> None:
    assert said("You DON’T\n\nhave — permission!", "you don't have permission") == "you don t have permission"


def test_marks_bind_a_phrase_to_start_and_end() -> None:
    assert said("Access denied.", "^access denied$")
    assert not said("Access denied to refugees", "^access denied$")
    assert not said("He was access denied", "^access denied$")


def test_a_longer_text_says_nothing() -> None:
    assert said("x" * 20 + " are you a robot", "are you a robot", max_chars=36)
    assert not said("x" * 20 + " are you a robot", "are you a robot", max_chars=35)


@pytest.mark.parametrize(
    ("headline", "is_refusal"),
    [
        ("ACCESS DENIED", True),
        ("404: Not Found | The Gazette", True),
        ("404 Not Found - Gazette - News", True),
        ("Access denied to refugees", False),
        ("Gazette | Access denied", False),
        ("404", False),
        ("", False),
        (None, False),
    ],
)
def test_a_headline_is_a_refusal_if_it_says_nothing_else(headline: str | None, *, is_refusal: bool) -> None:
    headlines = pl.DataFrame({"headline": [headline]}, schema={"headline": pl.String()})
    found = headlines.select(refusal_title(pl.col("headline"), ["^access denied$", "^404 not found", "^404$"])).item()
    assert (found is not None) == is_refusal


@pytest.mark.parametrize("text", [None, "", "$^"])
def test_texts_without_words_say_nothing(text: str | None) -> None:
    assert said(text, "^$ 404", "are you a robot") is None


def test_no_phrases_find_nothing() -> None:
    assert said("Access denied") is None
