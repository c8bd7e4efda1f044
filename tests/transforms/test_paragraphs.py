"""Paragraphs: what a line break means."""

import textwrap

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.paragraphs import normalize_whitespace, split_paragraphs

BOARD = (
    "The night ferry to the islands will stop running at the end of the month, after forty years in which it was "
    "late on most days and missed on none, the harbour board decided on Monday evening."
)
HULL = (
    "Members of the board said that they had little choice. The hull needs new plates, the only yard that still makes "
    "them has closed, and the insurers will not wait for another one to open somewhere else on the coast."
)
BRIDGE = (
    "Islanders are not convinced. They point to the bridge that was promised to them in the same hall, by other "
    "members of the same board, and of which the first pillar has been standing in the water for eleven years."
)
PROSE = (BOARD, HULL, BRIDGE)


def paragraphs(text: str) -> list[str]:
    return str(split_paragraphs(normalize_whitespace(pl.Series([text]))).item()).split("\n\n")


@pytest.mark.parametrize("width", [60, 72, 80, 100])
def test_hard_wrapped_prose_is_joined(width: int) -> None:
    assert paragraphs("\n\n".join(textwrap.fill(paragraph, width) for paragraph in PROSE)) == list(PROSE)


def test_without_blank_lines_each_line_is_a_paragraph() -> None:
    assert paragraphs("\n".join(PROSE)) == list(PROSE)


def test_a_single_break_between_long_lines_is_a_paragraph_break() -> None:
    assert paragraphs(f"{PROSE[0]}\n{PROSE[1]}\n\nWho Pays\n{PROSE[2]}") == [PROSE[0], PROSE[1], "Who Pays", PROSE[2]]


def test_short_lines_and_list_items_of_a_wrapped_document_keep_their_breaks() -> None:
    wrapped = "\n\n".join(textwrap.fill(paragraph, 72) for paragraph in PROSE)
    item = textwrap.fill(f"- {PROSE[0]}", 72)
    read = paragraphs(f"Who Pays\n{wrapped}\n{item}\n{item}")
    assert read == ["Who Pays", *PROSE, f"- {PROSE[0]}", f"- {PROSE[0]}"]


def test_verse_is_not_joined() -> None:
    verse = ["The tide comes in,", "the tide goes out again,", "and no one", "ever asks the tide about it,", "so."]
    assert paragraphs("\n".join(verse) + "\n\n" + "\n".join(verse)) == verse * 2


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (" a \r\n\r\n\t b\u00a0\u00a0c \n\n\n\n d ", "a\n\nb c\n\nd"),
        ("a\rb\x0bc\x0cd\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
        ("a\u3000b\u2009c\u202fd", "a b c d"),
        ("a\u200bb\u200cc\u200dd", "a\u200bb\u200cc\u200dd"),
        ("\n \u00a0\n", ""),
        ("a \u00a0\n\u00a0 \n b", "a\n\nb"),
    ],
)
def test_white_space_is_normalized(raw: str, text: str) -> None:
    assert normalize_whitespace(pl.Series([raw])).item() == text


@given(st.text(st.sampled_from("ab -\n\t\r\u00a0\u2028"), max_size=60))
def test_only_white_space_changes_and_a_second_time_nothing(text: str) -> None:
    once = "\n\n".join(paragraphs(text))
    assert once.split() == text.split()
    assert "\n\n".join(paragraphs(once)) == once


def test_documents_are_judged_one_by_one() -> None:
    wrapped = "\n\n".join(textwrap.fill(paragraph, 72) for paragraph in PROSE)
    listed = "Fish\nBread\nOil\nSalt\n\nWine"
    texts = pl.Series([listed, wrapped, None, wrapped, listed], dtype=pl.String)
    joined, split = "\n\n".join(PROSE), listed.replace("\n\n", "\n").replace("\n", "\n\n")
    assert split_paragraphs(texts).to_list() == [split, joined, None, joined, split]
