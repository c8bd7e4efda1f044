"""What is shown of a change is short, and shows what changed."""

from flows.text_changes import MOST_LINES, SAME_CHARS, VALUE_CHARS, compare_paragraphs, cut_lines

LONG = "word " * 200


def test_paragraphs_that_go_come_or_change_stand_between_those_that_stay() -> None:
    before, after = "one\n\ntwo\n\nthree\n\nfour\n\nfive", "one\n\ntwo\n\nfour\n\nfive!\n\nsix"
    lines = ["@@ -2,4 +2,4 @@", " two", "-three", " four", "-five", "+five!", "+six"]
    assert compare_paragraphs(before, after) == lines


def test_bodies_that_are_the_same_have_no_difference() -> None:
    assert compare_paragraphs(LONG, LONG) == []


def test_what_changes_late_in_a_long_paragraph_is_shown() -> None:
    header, gone, came = compare_paragraphs(f"{LONG}old", f"{LONG}new")
    assert header == "@@ -1,1 +1,1 @@"
    assert (gone, came) == (f"-…{LONG[-SAME_CHARS:]}old", f"+…{LONG[-SAME_CHARS:]}new")


def test_lines_and_their_number_are_bounded() -> None:
    before, after = ("\n\n".join(f"{mark}{number} {LONG}" for number in range(100)) for mark in "ab")
    lines = list(cut_lines(compare_paragraphs(before, after)))
    assert (len(lines), lines[-1]) == (MOST_LINES + 1, "… 171 more lines")
    assert max(map(len, lines)) <= VALUE_CHARS + 2
