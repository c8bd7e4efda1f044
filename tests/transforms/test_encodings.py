"""Encodings told from samples of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.encodings import Encoding, codec_name, detect_encoding

FRENCH = "L’été dernier, la ministre a déclaré que la réforme « était nécessaire » ; l’Assemblée a voté. " * 20
RUSSIAN = "Министр заявил, что реформа необходима для развития экономики страны. " * 5
POLISH = "Minister oświadczył, że reforma jest konieczna dla rozwoju gospodarki. Sejm zagłosował późno. " * 20
JAPANESE = "首相は月曜日、経済政策の見直しを発表した。市場はこの決定を歓迎している。" * 5
CHINESE = "总理周一宣布了经济改革计划,市场对此表示欢迎。" * 5
ENGLISH = "The minister announced the reform on Monday. " * 5


def detected(sample: bytes, hint: str | None = None) -> Encoding:
    encoding = detect_encoding(sample, hint=hint)
    assert encoding is not None
    return encoding


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ENGLISH, "utf-8"),
        (RUSSIAN, "utf-8"),
        (ENGLISH, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        (ENGLISH, "utf-32-le"),
        (RUSSIAN, "utf-32-be"),
        ('{"a": "é"}', "utf-16-le"),
    ],
)
def test_unicode_without_a_mark_is_no_guess(text: str, name: str) -> None:
    assert detected(text.encode(name)) == Encoding(name)


@pytest.mark.parametrize("name", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_decides(name: str) -> None:
    mark = "\ufeff".encode(name)
    assert detected(mark + "é".encode(name), hint="cp1252") == Encoding(name, bom_bytes=len(mark))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FRENCH, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (POLISH, "cp1250"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (CHINESE, "gb18030"),
        ("Café", "cp1252"),
    ],
)
def test_other_encodings_are_guessed(text: str, name: str) -> None:
    sample = text.encode(name)
    encoding = detected(sample)
    assert encoding.is_guess
    assert sample.decode(encoding.name) == text


@pytest.mark.parametrize(
    "head",
    [
        b'<?xml version="1.0" encoding="ISO-8859-2"?>',
        b"<html><head><META charset = iso-8859-2>",
        b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">',
    ],
)
def test_a_declaration_in_the_document_decides(head: bytes) -> None:
    assert detected(head + POLISH.encode("iso8859_2", "replace")) == Encoding("iso8859-2")


def test_a_declaration_that_cannot_be_true_is_passed_over() -> None:
    assert detected(b"caf\xe9", hint="utf-8").name == "cp1252"
    assert detected("<meta charset=utf-16> é".encode()).name == "utf-8"


def test_the_source_beats_the_document() -> None:
    assert detected(b"<meta charset=koi8-r> \xd0\xd1", hint="cp1251").name == "cp1251"


def test_utf_8_with_a_few_broken_characters_is_utf_8() -> None:
    assert detected("éàü".encode() + b"\xff" + "éàü".encode()).name == "utf-8"


def test_a_stray_zero_makes_no_utf_16() -> None:
    assert detected(b"abc \x00 def, and so on for a while, so that one zero does not weigh much" * 3).name == "utf-8"


@pytest.mark.parametrize("sample", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", bytes(range(256)), b"\x00" * 50])
def test_binary_has_no_encoding(sample: bytes) -> None:
    assert detect_encoding(sample) is None


@pytest.mark.parametrize("name", ["rot13", "hex", "no such thing", "", "utf-8\x00"])
def test_what_is_no_text_encoding_has_no_codec(name: str) -> None:
    assert codec_name(name) is None


@pytest.mark.parametrize(("name", "codec"), [("latin-1", "cp1252"), ("UTF-8-sig", "utf-8"), ("utf-16", "utf-16-le")])
def test_a_codec_is_what_is_meant(name: str, codec: str) -> None:
    assert codec_name(name) == codec


@given(st.binary(max_size=300), st.none() | st.sampled_from(["utf-8", "utf-16", "cp1252", "idna", "undefined"]))
def test_no_bytes_raise_and_every_name_is_a_codec(sample: bytes, hint: str | None) -> None:
    encoding = detect_encoding(sample, hint=hint)
    if encoding is not None:
        assert isinstance(sample[encoding.bom_bytes :].decode(encoding.name, "replace"), str)
