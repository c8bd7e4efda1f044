"""Probes: a text is found however it is written, and no other text is taken for it."""

import codecs
import html
import json
import quopri
import unicodedata
import urllib.parse
from collections.abc import Callable

import polars as pl
import pytest

from transforms.probes import (
    PASSAGE,
    digest_passages,
    find_in_bytes,
    find_in_texts,
    read_probes,
    read_unread,
    share_carried,
)

ENGLISH = (
    "The council voted on Tuesday to close the library on weekdays, “for the time being”.\n\n"
    "Residents who had gathered outside the town hall said that nobody had asked them about it beforehand."
)
CYRILLIC = "Городской совет проголосовал во вторник за закрытие библиотеки по будням на неопределённое время."
SINHALA = "නගර සභාව අඟහරුවාදා දින පුස්තකාලය සතියේ දිනවල වසා දැමීමට තීරණය කළේ ප්‍රදේශවාසීන්ගේ විරෝධය මධ්‍යයේය."
KOREAN = (
    "시 의회는 화요일에 평일 도서관 운영을 당분간 중단하기로 결정했으며 주민들은 사전에 아무도 묻지 않았다고 말했다."
)
OTHER = "A ferry company has ordered two electric ships which are to be delivered in the spring of next year. " * 9


def misread(text: str) -> str:
    """UTF-8 read as Windows-1252, as programs do it, which give bytes without a character one of ISO 8859-1."""
    bytes_ = (bytes([byte]) for byte in text.encode())
    return "".join(
        byte.decode("latin-1" if byte in {b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"} else "cp1252") for byte in bytes_
    )


WAYS = {
    "UTF-8": str.encode,
    "JSON": lambda text: json.dumps({"a": text}, ensure_ascii=False).encode(),
    "escaped JSON": lambda text: json.dumps({"a": text}).encode(),
    "decimal references": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "hexadecimal references": lambda text: "".join(
        f"&#x{ord(char):X};" if ord(char) > 127 else char for char in text
    ).encode(),
    "markup": lambda text: f"<p>{html.escape(text)}</p>".encode(),
    "capitals of ASCII": lambda text: text.encode().upper(),
    "lines of ten": lambda text: "\r\n".join(text[at : at + 10] for at in range(0, len(text), 10)).encode(),
    "no-break spaces": lambda text: text.replace(" ", "\xa0").encode(),
    "no-break spaces, escaped": lambda text: json.dumps(text.replace(" ", "\xa0")).encode(),
    "narrow spaces": lambda text: text.replace(" ", "\u2009\u202f").encode(),
    "dashes between words": lambda text: text.replace(" ", " — ").encode(),
    "soft hyphens": lambda text: "\xad".join(text).encode(),
    "zero-width spaces, escaped": lambda text: json.dumps("\u200b".join(text)).encode(),
    "every character a reference": lambda text: "".join(f"&#{ord(char)};" for char in text).encode(),
    "named references": lambda text: html.escape(text).replace(" ", "&nbsp;").replace("“", "&ldquo;").encode(),
    "references of references": lambda text: text.replace(" ", "&amp;nbsp;").encode(),
    "links": lambda text: " ".join(f'<a href="/{word}">{word}</a>' for word in text.split()).encode(),
    "links in Markdown": lambda text: " ".join(
        f"[{word}](https://example.org/page_{word})" for word in text.split()
    ).encode(),
    "links in BBCode": lambda text: " ".join(
        f"[url=https://example.org/a]{word}[/url]" for word in text.split()
    ).encode(),
    "attributes with angles": lambda text: " ".join(
        f'<a title="more > of it">{word}</a>' for word in text.split()
    ).encode(),
    "comments": lambda text: text.replace(" ", "<!-- an <b>ad</b> --> ").encode(),
    "ruby": lambda text: text.replace(" ", "<rp>(</rp><rt>reading</rt> ").encode(),
    "strokes and points": lambda text: text.replace(" ", "\u0640\u0670\u20e3\u0489\u180b ").encode(),
    "tags within words": lambda text: "".join(f"<b>{char}</b>" for char in text).encode(),
    "escaped tags in JSON": lambda text: json.dumps(text.replace(" ", "<i> </i>")).replace("<", "\\u003c").encode(),
    "tags as references": lambda text: html.escape(text.replace(" ", "<i> </i>")).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "an attribute": lambda text: f'<meta content="{html.escape(text)}">'.encode(),
    "an address": lambda text: urllib.parse.quote(text).encode(),
    "mail": lambda text: quopri.encodestring(text.encode()),
    "misread": lambda text: misread(text).encode(),
    "misread, and its no-break spaces changed": lambda text: (
        misread(text.replace(" ", "\xa0")).replace("\xa0", " ").encode()
    ),
    "misread twice": lambda text: misread(misread(text)).encode(),
    "marks apart": lambda text: unicodedata.normalize("NFD", text).encode(),
}


@pytest.mark.parametrize("text", [ENGLISH, CYRILLIC, SINHALA, KOREAN], ids=["English", "Russian", "Sinhala", "Korean"])
@pytest.mark.parametrize("way", WAYS)
def test_a_text_is_found_however_it_is_written(text: str, way: str) -> None:
    probes = read_probes([digest_passages(text)])
    content = OTHER.encode() + WAYS[way](text) + OTHER.encode()
    assert len(find_in_bytes(probes, content)) >= probes.count / 2
    assert len(find_in_bytes(probes, OTHER.encode() * 3)) == 0


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be"])
def test_a_text_of_the_west_is_found_in_bytes_that_nobody_can_decode(encoding: str) -> None:
    text = ENGLISH.replace(" ", "\xa0").replace("council", "conseil élu")
    probes = read_probes([digest_passages(text)])
    assert len(find_in_bytes(probes, text.encode(encoding))) >= probes.count / 2


@pytest.mark.parametrize("first", [0xFF21, 0x1D400], ids=["full-width", "mathematical"])
def test_letters_of_another_shape_are_the_same_letters(first: int) -> None:
    probes = read_probes([digest_passages(ENGLISH)])
    shaped = "".join(
        chr(first + ord(char) - ord("A")) if char.isascii() and char.isalpha() else char for char in ENGLISH.upper()
    )
    assert len(find_in_bytes(probes, shaped.encode())) == probes.count


def test_capitals_before_dashes_and_quotation_marks_are_not_misread() -> None:
    text = "DAS CAFÉ— und der Spaß“ in Ö– Ü” und ZÜRICH– kosten nichts, wie der Rat am Abend beschloss."
    probes = read_probes([digest_passages(text)])
    assert len(find_in_bytes(probes, text.translate(dict.fromkeys(map(ord, "—“–”"), " ")).encode())) == probes.count


@pytest.mark.parametrize("text", [CYRILLIC, SINHALA, KOREAN], ids=["Russian", "Sinhala", "Korean"])
def test_every_passage_is_found_where_marks_stand_apart(text: str) -> None:
    probes = read_probes([digest_passages(unicodedata.normalize("NFC", text))])
    assert len(find_in_bytes(probes, unicodedata.normalize("NFD", text).encode())) == probes.count


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("text", [ENGLISH, CYRILLIC, SINHALA, KOREAN], ids=["English", "Russian", "Sinhala", "Korean"])
def test_bytes_that_nobody_could_read_are_read_as_utf_16_where_they_have_nuls(text: str, encoding: str) -> None:
    content = f"{text}\n".replace(" ", "\u3000").encode(encoding)
    probes = read_probes([digest_passages(text)])
    assert len(find_in_bytes(probes, read_unread(content).encode())) == probes.count


def test_what_only_begins_like_an_escape_stays() -> None:
    odd = "100% of AT&T; \\users\\ a < b &#; &#x; &#99999999999; &bogus; \\u12 %4 = \\ud800 \\"
    text = f"{odd} and so the members of the council were told {odd}"
    probes = read_probes([digest_passages(text)])
    for way in (str.encode, WAYS["JSON"], WAYS["markup"]):
        assert len(find_in_bytes(probes, way(text))) == probes.count > 1


def test_passages_do_not_run_on_from_one_text_to_the_next() -> None:
    probes = read_probes([digest_passages("x" * PASSAGE)])
    half = "x" * (PASSAGE - 1)
    found = find_in_texts(probes, pl.Series([half, half, None, "x" * PASSAGE, "x" * 90]))
    assert found.rows() == [(3, 0), (4, 0)]


def test_shares_are_counted_for_each_text_and_row() -> None:
    probes = read_probes([digest_passages(ENGLISH), digest_passages(CYRILLIC)])
    found = find_in_texts(probes, pl.Series([OTHER, ENGLISH, CYRILLIC + ENGLISH, ENGLISH[:44]]))
    shares = share_carried(probes, found)
    assert shares.filter(pl.col("share") == 1).select("row", "text").rows() == [(1, 0), (2, 0), (2, 1)]
    assert shares.filter(pl.col("row") == 3)["share"].item() < 0.5


def test_more_is_found_than_there_was_room_for() -> None:
    probes = read_probes([digest_passages(ENGLISH)])
    found = find_in_texts(probes, pl.Series([ENGLISH] * 3000))
    assert found.height == 3000 * probes.count


def test_a_byte_order_mark_and_a_text_too_short_to_be_found_do_no_harm() -> None:
    assert digest_passages("Too short.") == []
    nothing = read_probes([[]])
    assert len(find_in_bytes(nothing, codecs.BOM_UTF8 + ENGLISH.encode())) == 0
    assert find_in_texts(nothing, pl.Series([], dtype=pl.String)).is_empty()


def test_some_passages_can_be_left_out() -> None:
    probes = read_probes([digest_passages(ENGLISH)])
    is_first = probes.texts < 0
    is_first[0] = True
    assert find_in_bytes(probes.only(is_first), ENGLISH.encode()).tolist() == [0]


@pytest.mark.parametrize("write", [str.encode, lambda text: json.dumps({"body": text}).encode()])
def test_a_text_of_short_lines_is_found(write: Callable[[str], bytes]) -> None:
    poem = "\n".join(f"Line {number} of the poem" for number in range(20))
    probes = read_probes([digest_passages(poem)])
    assert probes.count >= 3
    assert len(find_in_bytes(probes, write(poem))) == probes.count
    assert len(find_in_bytes(probes, write(poem.replace("poem", "song")))) == 0
