"""Lines that bear signs of furniture and are the article: held back alone, taken beside furniture."""

import polars as pl
import pytest

from seeds.tables import boilerplate, word_shares
from transforms.blocks import split_blocks
from transforms.boilerplate import find_boilerplate, text_rules

RULES = text_rules(boilerplate(), word_shares())
FIRST = "The harbour board decided on Monday that the night ferry will stop running at the end of the month."
SECOND = "Members of the board said that the hull needs new plates, and that no yard on the coast makes them now."
ANSWER = "It does not drink, and that is the best I can say of it."


def removed(*blocks: str) -> set[str]:
    texts = pl.DataFrame({"row": [0], "text": ["\n\n".join(blocks)]}, schema={"row": pl.UInt32(), "text": pl.String()})
    lines = split_blocks(texts)
    return set(lines.join(find_boilerplate(lines, RULES).labels, on="id", how="semi")["block"])


@pytest.mark.parametrize(
    "statement",
    [
        "Comments have been closed to the press since Monday.",
        "All donations will be matched by the government until the end of the year.",
        "Terms and conditions apply to love as well.",
        "Anzeige gegen Unbekannt wurde erstattet.",
    ],
)
def test_statement_that_speaks_to_nobody_stays_between_paragraphs(statement: str) -> None:
    assert removed(FIRST, statement, SECOND) == set()


def test_statement_goes_beside_furniture() -> None:
    button, statement = "Accept all cookies", "Terms and conditions apply to love as well."
    assert removed(FIRST, button, statement, SECOND) == {button, statement}


def test_question_stays_above_its_answer_and_goes_without_one() -> None:
    question = "What do you think of the automation?"
    assert removed(FIRST, question, ANSWER, SECOND) == set()
    assert removed(FIRST, SECOND, question) == {question}


def test_interview_is_no_thread_of_comments() -> None:
    interview = ("What do you think of the automation?", ANSWER, "Do you have a story from those years?", "The seal.")
    assert removed(FIRST, *interview, "Will you go back?", "No. Nobody goes back to a rock.") == set()


def test_headline_with_a_label_stays_above_the_byline() -> None:
    assert removed("Opinion: The mole must go", "By Jane Doe", FIRST, SECOND) == {"By Jane Doe"}
    assert removed(FIRST, "Opinion: The mole must go", SECOND) == {"Opinion: The mole must go"}


def test_author_label_is_a_byline_at_the_top_and_a_credit_below() -> None:
    assert removed("Das Wasser steigt", "Autor: Jan Becker", FIRST, SECOND) == {"Autor: Jan Becker"}
    found = find_boilerplate(
        split_blocks(pl.DataFrame({"row": [0], "text": [f"Das Wasser steigt\n\nAutor: Jan Becker\n\n{FIRST}"]})), RULES
    )
    assert found.authors["found_authors"].to_list() == [["Jan Becker"]]


def test_sentence_is_no_heading_for_biographies() -> None:
    sentence = "Edited by his widow, the diaries became a success."
    assert SECOND not in removed(FIRST, FIRST, sentence, SECOND)


def test_paragraphs_that_come_as_one_line_go_together() -> None:
    bio = ("She keeps bees, and they have stung everyone in the street.", "She lives in Holm and cannot swim at all.")
    assert removed(FIRST, SECOND, FIRST, "About the author", *bio) == {"About the author", *bio}
