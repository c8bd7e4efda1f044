"""Structure: what is removed says nothing new, what is labelled stays."""

import polars as pl
import pytest

from transforms.blocks import split_blocks
from transforms.structure import PIECES, find_structure

FIRST = "The harbour board decided on Monday that the night ferry will stop running at the end of the month."
SECOND = "Members of the board said that the hull needs new plates, and that no yard on the coast makes them now."
THIRD = "Islanders point to a bridge of which the first pillar has been standing in the water for eleven years."


def pieces(*blocks: str, headline: str | None = None, dek: str | None = None) -> list[tuple[str, str, str]]:
    texts = {"text": pl.String(), "headline": pl.String(), "dek": pl.String()}
    bodies = pl.DataFrame([("\n\n".join(blocks), headline, dek)], schema=texts, orient="row").with_row_index("row")
    lines = split_blocks(bodies).with_columns(is_above_byline=pl.lit(value=False))
    found = find_structure(lines, bodies)
    assert found.schema == PIECES
    return found.join(lines, on=["row", "block_no"], maintain_order="left").select("kind", "rule", "block").rows()


@pytest.mark.parametrize(
    "line", ["The Last Ferry", "THE LAST FERRY", "The last  ferry.", "“The Last Ferry”", "the-last-ferry"]
)
def test_a_repeated_headline_is_found_whatever_its_case_spaces_and_punctuation(line: str) -> None:
    assert pieces(line, FIRST, headline="The Last Ferry") == [("headline", "repeated_headline", line)]


def test_headline_and_dek_are_found_again_and_again_in_any_order() -> None:
    found = pieces("Dek of it.", "The Last Ferry", "The Last Ferry", FIRST, headline="The Last Ferry", dek="Dek of it")
    assert [rule for _, rule, _ in found] == ["repeated_dek", "repeated_headline", "repeated_headline"]


def test_a_repetition_below_prose_stays() -> None:
    assert pieces(FIRST, "The Last Ferry.", SECOND, headline="The Last Ferry") == []


def test_a_headline_without_letters_repeats_nothing() -> None:
    assert pieces("***", FIRST, headline="—") == []


def test_a_first_line_above_paragraphs_is_the_headline_where_there_is_none() -> None:
    assert pieces("Who Stops the Night Ferry?", FIRST, SECOND) == [
        ("headline", "first_line", "Who Stops the Night Ferry?")
    ]
    assert pieces("Who Stops the Night Ferry?", FIRST, SECOND, headline="Another") == []


@pytest.mark.parametrize(
    "first",
    [
        "The ferry stops.",
        "The ferry stops:",
        "The ferry stops,",
        "It stops …",
        "“It stops.”",
        "ferry_2048x1365.jpg",
        "https://example.com/ferry",
        "* * *",
        "ferry boats on the water",
        " ".join(["Word"] * 21),
    ],
)
def test_a_first_line_that_may_be_prose_or_furniture_stays(first: str) -> None:
    assert pieces(first, FIRST, SECOND) == []


def test_a_first_line_above_one_paragraph_stays() -> None:
    assert pieces("The Last Ferry", FIRST) == []


def test_a_first_line_in_capitals_among_others_is_a_heading() -> None:
    found = pieces("THE FERRY", FIRST, "THE BRIDGE", SECOND)
    assert found == [("heading", "capitals", "THE FERRY"), ("heading", "capitals", "THE BRIDGE")]


def test_a_short_line_between_a_sentence_and_a_paragraph_is_a_heading() -> None:
    assert pieces(FIRST, "Who Pays?", SECOND, "The Bridge", THIRD) == [
        ("heading", "short_line", "Who Pays?"),
        ("heading", "short_line", "The Bridge"),
    ]


def test_a_heading_may_stand_below_a_list_and_above_a_quotation_in_french() -> None:
    quoted = "« Au début cela faisait peur aux enfants. Maintenant ils jouent dans la rue, ils ont oublié. »"
    assert pieces(FIRST, "- Plates for the hull", "Who Pays?", SECOND, "Qui viendra ?", quoted, THIRD) == [
        ("heading", "short_line", "Who Pays?"),
        ("heading", "short_line", "Qui viendra ?"),
    ]


@pytest.mark.parametrize(
    "blocks",
    [
        (FIRST, "- Plates for the hull", "Caulking", "Paint"),
        (FIRST, "The bridge", "Short."),
        (FIRST, SECOND, "Jane Doe"),
        (FIRST, "a fragment of a line", SECOND),
        (FIRST, "- The Bridge", SECOND),
        (FIRST, "THE END"),
        (FIRST, "A <b>Bold</b> Claim", SECOND),
    ],
)
def test_other_short_lines_are_no_headings(blocks: tuple[str, ...]) -> None:
    assert pieces(*blocks) == []


def test_offsets_are_those_of_the_blocks() -> None:
    text = f"The Last Ferry\n\n{FIRST}\n\nWho Pays?\n\n{SECOND}"
    bodies = pl.DataFrame({"row": [4, 9], "text": [text, text], "headline": ["The Last Ferry"] * 2, "dek": ["", None]})
    blocks = split_blocks(bodies.with_columns(pl.col("row").cast(pl.UInt32)))
    assert blocks["row"].to_list() == [4] * 4 + [9] * 4
    for start, end, block in blocks.select("block_start", "block_end", "block").iter_rows():
        assert text[start:end] == block
