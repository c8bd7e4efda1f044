"""Edits and offsets: what stood where."""

import re
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from transforms.spans import Edit, apply_edits, common_start, locate_pieces


def test_edits_are_applied_in_order() -> None:
    assert apply_edits("abcdef", [Edit(0, 1, "r", ""), Edit(2, 4, "r", "XYZ")]) == "bXYZef"


def test_a_piece_is_found_behind_edits_and_other_white_space() -> None:
    original = "\x00 The  mayorâ€™s\n\nanswer \x00 HERE\x00 end"
    edits = [Edit(0, 1, "r", ""), Edit(12, 15, "r", "’"), Edit(25, 26, "r", ""), Edit(31, 32, "r", "")]
    normalized = "The mayor’s\n\nanswer\n\nHERE\n\nend"
    pieces = [(0, 11), (21, 25)]
    found = locate_pieces(original, edits, normalized=normalized, pieces=pieces)
    assert [original[start:end] for start, end in found] == ["The  mayorâ€™s", "HERE"]


def test_what_was_removed_beside_a_piece_stays_outside() -> None:
    edits = [Edit(2, 3, "r", ""), Edit(7, 8, "r", "")]
    assert locate_pieces("a \x00here\x00 b", edits, normalized="a here b", pieces=[(2, 6)]) == [(3, 7)]


def test_a_piece_may_begin_or_end_with_a_replacement() -> None:
    found = locate_pieces("xx a yy", [Edit(0, 2, "r", "z"), Edit(5, 7, "r", "w")], normalized="z a w", pieces=[(0, 5)])
    assert found == [(0, 7)]


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=8), st.data())
def test_words_are_found_whatever_stands_between_them(words: list[str], data: st.DataObject) -> None:
    gaps = [data.draw(st.sampled_from(["\n", "  ", "\u00a0", " \n\n "])) for _ in words]
    original = "".join(gap + word for gap, word in zip(gaps, words, strict=True))
    normalized = " ".join(words)
    number = data.draw(st.integers(0, len(words) - 1))
    start = len(" ".join([*words[:number], ""]))
    ((found, end),) = locate_pieces(original, [], normalized=normalized, pieces=[(start, start + len(words[number]))])
    assert original[found:end] == words[number]
    assert original[:found].split() == words[:number]


@given(st.text(alphabet="ab", max_size=20), st.text(alphabet="ab", max_size=20), st.text(max_size=20))
def test_common_start_is_that_of_all_characters(text: str, other: str, start: str) -> None:
    pairs = zip(start + text, start + other, strict=False)
    assert common_start(start + text, start + other) == sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)
    )


def test_many_pieces_far_apart_are_found() -> None:
    normalized = "\n\n".join(f"piece {number} stands here" for number in range(500))
    original = normalized.replace("\n\n", "\r\n \r\n" + " " * 300)
    places = [(found.start(), found.end()) for found in re.finditer(r"piece \d+ stands here", normalized)][::7]
    located = locate_pieces(original, (), normalized=normalized, pieces=places)
    assert [original[start:end] for start, end in located] == [normalized[start:end] for start, end in places]
