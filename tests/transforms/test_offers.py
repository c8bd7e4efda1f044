"""What stands beside an offer: taken with it where it is part of it, and kept where it is the article."""

from transforms.lines import Label, Line, Sign
from transforms.offers import take_beside, take_between

OFFER = Label("newsletter", "a phrase")


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
