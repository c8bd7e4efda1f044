"""Languages: detected from the text alone, without a network."""

import socket

import polars as pl
import pytest

from transforms import language
from transforms.language import detect_languages, normalize_declared

SAMPLES = {
    "en": "The harbour board decided on Monday that the night ferry will stop running.",
    "de": "Der Hafenrat hat am Montag beschlossen, dass die Nachtfähre nicht mehr fährt.",
    "fr": "Le conseil du port a décidé lundi que le bac de nuit cesserait de naviguer.",
    "ta": "படகுச் சேவையினை ஆரம்பிக்க அனுமதி பெறப்பட்டதைத் தொடர்ந்து கட்டணம் வசூலிக்கப்படும்.",
    "si": "කාලගුණ විද්‍යා දෙපාර්තමේන්තුව විසින් අවවාදාත්මක නිවේදනයක් නිකුත් කර තිබේ.",
    "zh": "港口委员会星期一决定夜间渡轮将于本月底停止运行，岛上的居民对此并不满意，他们说还会继续等待。",
}


def test_languages_are_told_apart_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    language._detector.cache_clear()
    assert detect_languages(pl.Series(list(SAMPLES.values()))).to_list() == list(SAMPLES)


def test_capitals_are_not_taken_for_another_language() -> None:
    assert detect_languages(pl.Series([SAMPLES["en"].upper()])).to_list() == ["en"]


@pytest.mark.parametrize("text", [None, "", "Yes.", "1 2 3 4 5 6 7 8 9 10 11 12 13 14", "*" * 500])
def test_texts_that_say_too_little_stay_undecided(text: str | None) -> None:
    assert detect_languages(pl.Series([text], dtype=pl.String)).to_list() == [None]


def test_line_breaks_do_not_matter() -> None:
    assert detect_languages(pl.Series([SAMPLES["fr"].replace(" ", "\n\n")])).to_list() == ["fr"]


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        *(("en", "en"), ("en-GB", "en"), ("EN_us.utf8", "en"), ("eng", "en"), (" English ", "en"), ("Français", "fr")),
        *(("ger", "de"), ("deu", "de"), ("zh-Hans", "zh"), ("nb", "no"), ("iw", "he"), ("si", "si"), ("farsi", "fa")),
        *(("Klingon", None), ("", None), (None, None), ("42", None)),
    ],
)
def test_declared_languages_are_normalized(declared: str | None, code: str | None) -> None:
    declarations = pl.DataFrame({"declared": [declared]}, schema={"declared": pl.String()})
    assert declarations.select(normalize_declared(pl.col("declared"))).item() == code


def test_every_declared_name_has_one_code_of_two_letters() -> None:
    entries = [entry.split() for entry in language._DECLARED.split("|")]
    names = [name for entry in entries for name in entry]
    assert len(names) == len(set(names))
    assert all(len(entry[0]) == 2 for entry in entries)
