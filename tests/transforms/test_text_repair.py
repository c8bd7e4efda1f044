"""Repair: what is damaged is mended, what is not is not touched."""

import sys
import unicodedata

import polars as pl
import pytest

from transforms.spans import apply_edits
from transforms.text_repair import (
    BEYOND_PLAIN,
    CONTROL_CHARACTER,
    MOJIBAKE,
    NFC_CAN_CHANGE,
    SIGNS_OF_DAMAGE,
    change_where,
    find_edits,
    repair_texts,
)

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def matching(pattern: str) -> set[str]:
    characters = pl.Series(EVERY_CHARACTER)
    return set(characters.filter(characters.str.contains(pattern)))


def test_every_character_that_nfc_can_change_is_known() -> None:
    changed = {character for character in EVERY_CHARACTER if not unicodedata.is_normalized("NFC", character)}
    combining = {character for character in EVERY_CHARACTER if unicodedata.combining(character)}
    hangul = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    assert changed | combining | hangul <= matching(NFC_CAN_CHANGE)


def test_plain_characters_need_no_repair_and_no_normal_form() -> None:
    plain = set(EVERY_CHARACTER) - matching(BEYOND_PLAIN)
    assert not plain & matching(f"{NFC_CAN_CHANGE}|{SIGNS_OF_DAMAGE}")


def test_plain_characters_have_no_letters_or_digits_but_those_of_ascii() -> None:
    plain = set(EVERY_CHARACTER) - matching(BEYOND_PLAIN)
    folded = [unicodedata.normalize("NFKC", character) for character in plain if not character.isascii()]
    assert not any(part.isalnum() for text in folded for part in text)


@pytest.mark.parametrize("codec", ["latin-1", "cp1252", "cp1250", "cp1257", "mac-roman", "cp437"])
@pytest.mark.parametrize("text", ["It is the mayor’s café – again", "São Paulo: 20 £ für Ñandú", "naïve façade…"])
def test_text_read_in_a_wrong_code_page_is_mended(text: str, codec: str) -> None:
    damaged = text.encode().decode(codec)
    assert repair_texts(pl.Series([damaged])).texts.to_list() == [text]


@pytest.mark.parametrize("codec", ["cp1251", "cp1253"])
def test_cyrillic_and_greek_read_in_their_old_code_pages_are_mended(codec: str) -> None:
    text = {"cp1251": "Привет, как дела сегодня", "cp1253": "Ελληνικά νέα"}[codec]
    damaged = "".join(bytes([byte]).decode(codec) for byte in text.encode())
    assert repair_texts(pl.Series([damaged])).texts.to_list() == [text]


@pytest.mark.parametrize(
    "text",
    [
        "“Straight” and ‘curly’ 'quotes' stay",
        "ﬁne ﬂow, ＷＩＤＥ, x² … &amp; <b>",
        "Le « café » d’été à Âge-Île",
        "Україна: Рік і вік, ґанок",
        "a\r\nb\x0cc\u2028d",
        "क्षत्रिय, தமிழ், ශ්‍රී",
        "DÜSSELDORF, ŽIŽEK, ÅÄÖ",
    ],
)
def test_text_that_is_not_damaged_is_not_touched(text: str) -> None:
    assert find_edits(text) == []
    assert repair_texts(pl.Series([text])).texts.to_list() == [text]


def test_control_characters_go_and_joiners_stay() -> None:
    repaired = repair_texts(pl.Series(["a\x00b\x1fc\ufeffd\u202ee\u2066f\u200dg\u200ch\u200fi\tj\nk"]))
    assert repaired.texts.to_list() == ["abcdef\u200dg\u200ch\u200fi\tj\nk"]
    assert repaired.rows_with(CONTROL_CHARACTER) == [0]
    assert repaired.rows_with(MOJIBAKE) == []


def test_edits_are_no_wider_than_what_differs() -> None:
    text = "The mayorâ€™s \x00cafÃ© is open"
    edits = find_edits(text)
    assert [(text[edit.start : edit.end], edit.replacement) for edit in edits] == [
        ("â€™", "’"),
        ("\x00", ""),
        ("Ã©", "é"),
    ]
    assert apply_edits(text, edits) == "The mayor’s café is open"


def test_lines_that_are_not_damaged_stay_beside_lines_that_are() -> None:
    assert repair_texts(pl.Series(["Ã¡lvaro\nÃ by itself: Â½"])).texts[0].startswith("álvaro\n")


def test_nulls_stay_null() -> None:
    texts = pl.Series([None, "a\x00", None, "b"], dtype=pl.String)
    assert repair_texts(texts).texts.to_list() == [None, "a", None, "b"]


def test_only_marked_texts_are_changed() -> None:
    texts = pl.Series(["a", "b", None, "c"], dtype=pl.String)
    mask = pl.Series([True, False, None, True])
    assert change_where(texts, mask, lambda marked: marked + "!").to_list() == ["a!", "b", None, "c!"]


def test_a_repair_ends_with_its_line() -> None:
    text = "\x80\rÃ \x0bdonâ€™t"
    edits = find_edits(text)
    assert not any(mark in text[edit.start : edit.end] for edit in edits for mark in "\r\x0b")
    assert [edit.replacement for edit in edits] == ["€", "’"]
