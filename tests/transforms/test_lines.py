"""What a line tells about itself."""

import pytest

from transforms.lines import Line


@pytest.mark.parametrize(
    "text", ["Подписка «Листок Плюс» на год", "Support “Open River” today", "Wspieraj „Nowy Bieg” co miesiąc"]
)
def test_the_name_of_a_paper_is_no_speech(text: str) -> None:
    assert not Line(text, ends_sentence=False).holds_speech


@pytest.mark.parametrize(
    "text", ["«Подписка», — сказал он", "“Support us,” she said", "He called it “a ferry” once", "«اشتركوا معنا»، قال"]
)
def test_what_somebody_says_is_speech(text: str) -> None:
    assert Line(text, ends_sentence=False).holds_speech
