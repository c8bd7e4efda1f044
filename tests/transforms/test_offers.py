"""What stands beside an offer: taken with it where it is part of it, and kept where it is the article."""

import re

from transforms.lines import Label, Line, Sign
from transforms.offers import take_addressed, take_beside, take_between

OFFER = Label("newsletter", "a phrase")
READER = re.compile(r"\byou\b")
PROSE = "The harbour board decided on Monday that the night ferry will stop running."


def labels(*lines: Line) -> list[str | None]:
    take_beside(lines)
    take_between(lines)
    return [line.label and line.label.rule for line in lines]


def offer() -> Line:
    return Line("Sign up", ends_sentence=False, label=OFFER)


def test_cues_count_beside_an_offer_only() -> None:
    cued = Sign("newsletter", "cues_of_appeals", -1)
    assert labels(Line("The weekly briefing", ends_sentence=False, signs=[cued]), offer())[0] == "cues_of_appeals"
    assert labels(Line("The weekly briefing", ends_sentence=False, signs=[cued]))[0] is None


def test_what_was_taken_for_its_cues_takes_nothing_with_it() -> None:
    cued = [Line(text, ends_sentence=False, signs=[Sign("consent", "cues_of_appeals", -1)]) for text in ("One", "Two")]
    assert labels(offer(), *cued) == ["a phrase", "cues_of_appeals", None]


def test_few_words_inside_an_offer_go_with_it() -> None:
    assert labels(offer(), Line("The Tide Table", ends_sentence=False), offer())[1] == "between"


def test_speech_and_paragraphs_between_offers_stay() -> None:
    assert labels(offer(), Line("“No,” he said.", ends_sentence=True), offer())[1] is None
    assert labels(offer(), Line("The ferry left. " * 10, ends_sentence=True), offer())[1] is None


def test_a_sentence_between_offers_of_two_kinds_stays() -> None:
    thread = Line("Be the first to comment", ends_sentence=False, label=Label("comments", "a phrase"))
    assert labels(offer(), Line(PROSE, ends_sentence=True), thread)[1] is None
    assert labels(offer(), Line(PROSE, ends_sentence=True), offer())[1] == "between"


def test_a_button_between_an_offer_and_other_furniture_goes_below_the_article_only() -> None:
    share = Line("WhatsApp", ends_sentence=False, label=Label("share", "share_bar"))
    assert (
        labels(Line(PROSE, ends_sentence=True), offer(), Line("Continue", ends_sentence=False), share)[2] == "between"
    )
    assert labels(offer(), Line("A night ferry", ends_sentence=False), share)[1] is None


def addressed(*lines: Line) -> list[str | None]:
    take_addressed(lines, READER)
    return [line.label and line.label.rule for line in lines]


def test_lines_that_speak_to_the_reader_go_with_an_offer() -> None:
    spoken = [Line(f"{number} facts that you can trust.", ends_sentence=True) for number in range(2)]
    assert addressed(*spoken, offer()) == ["addresses_reader_beside", "addresses_reader_beside", "a phrase"]


def test_lines_that_speak_to_the_reader_stay_where_the_article_does_or_no_offer_is_near() -> None:
    story = Line("What would you do if the night ferry stopped running, the harbour board asked.", ends_sentence=True)
    plain = Line(PROSE, ends_sentence=True)
    assert addressed(story, plain, Line("Facts you can trust.", ends_sentence=True), offer())[2] is None
    assert addressed(Line("Facts you can trust.", ends_sentence=True), plain, offer())[0] is None
