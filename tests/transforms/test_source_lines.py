"""Lines that a source repeats: what is noted of a body, which lines are the same, and what is taken out."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.source_lines import LINES, REMOVED_LINES, holds_line, line_keys, sight_lines
from transforms.structure import comparison_key

PROSE = "The council met on Monday to settle the question of the bridge, and went home without an answer to it. " * 3
LINE = "Sign up for our newsletter"


def sighted(*blocks: str, removed: tuple[str, ...] = ()) -> list[str]:
    bodies = pl.DataFrame({"record_id": ["r_1"], "body": ["\n\n".join(blocks)]})
    lines = pl.DataFrame([("r_1", line) for line in removed], schema=REMOVED_LINES, orient="row")
    found = sight_lines(bodies, removed=lines)
    assert found.schema == LINES
    return found["line"].to_list()


def keys(*lines: str) -> list[str | None]:
    return line_keys(pl.Series(lines, dtype=pl.String)).to_list()


def test_lines_at_the_ends_are_noted_whatever_their_shape() -> None:
    assert sighted("The first.", "The second.", *["A third one in the middle."] * 3, "a.", "b.", "c.", "d.") == [
        *("The first.", "The second."),
        *("a.", "b.", "c.", "d."),
    ]


def test_lines_between_them_are_noted_where_they_are_no_sentence() -> None:
    middle = [PROSE, LINE, "He said so.", PROSE]
    assert sighted(PROSE, PROSE, *middle, PROSE, PROSE, PROSE, PROSE) == [LINE]


def test_prose_is_no_line() -> None:
    assert sighted(PROSE, "x" * 251, LINE, "x" * 250) == [LINE, "x" * 250]


def test_record_has_ten_lines_at_most_those_at_its_ends_first() -> None:
    found = sighted("first", "second", *(f"item {number}" for number in range(20)), "w", "x", "y", "z")
    assert found == ["first", "second", "w", "x", "y", "z", "item 0", "item 1", "item 2", "item 3"]


def test_record_notes_a_line_once_in_its_smallest_form() -> None:
    assert sighted("Read more", PROSE, "READ MORE!", "Read, more") == ["READ MORE!"]


def test_line_without_letters_or_digits_is_not_noted() -> None:
    assert sighted("* * *", PROSE, "———") == []


def test_lines_that_were_taken_out_are_noted_too() -> None:
    assert sighted("first", PROSE, removed=(LINE,)) == ["first", LINE]


def test_keys_are_those_that_are_stored() -> None:
    """Of sha256sum, for `readmore`, `читайтетакже` and `first`."""
    assert keys("Read more", "READ – MORE!", "Читайте также", "ﬁrst", "first", " * ") == [
        *["07148204dc5110c2"] * 2,
        "9eb344bb43ed4c37",
        *["a7937b64b8caa58f"] * 2,
        None,
    ]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_lines_have_one_key_where_they_compare_as_equal(lines: list[str]) -> None:
    given_lines = pl.Series("line", lines, dtype=pl.String)
    compared = given_lines.to_frame().select(comparison_key(pl.col("line"))).to_series().to_list()
    found = line_keys(given_lines).to_list()
    assert [key is None for key in found] == [text == "" for text in compared]
    assert len(set(found)) == len(set(compared))


@pytest.mark.parametrize(("body", "is_held"), [(LINE.upper(), True), (f"{PROSE}\n\n{LINE}!", True), (PROSE, False)])
def test_bodies_that_hold_a_line_are_found(body: str, is_held: bool) -> None:
    bodies = pl.DataFrame({"record_id": ["r_1", "r_2"], "body": [body, None]})
    found = holds_line(bodies, keys=[key for key in keys(LINE) if key])
    assert found["record_id"].to_list() == ["r_1"] * is_held
