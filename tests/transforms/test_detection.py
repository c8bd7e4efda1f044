"""Formats told from content first, name second."""

import io
import time
import zipfile

import pytest

from seeds.tables import field_aliases
from transforms.conform import FieldNames
from transforms.detection import detect_format
from transforms.formats import Format, detect_binary, format_of_name

IS_KNOWN = FieldNames(field_aliases()).is_known


def detected(text: str | None, name: str, hint: Format | None = None) -> str:
    return detect_format(text, name=name, hint=hint, is_known=IS_KNOWN)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Plain prose.", "article.txt", "text"),
        ("Plain prose.", "article", "text"),
        ("2024-01-01 started", "server.log", "text"),
        ("KEY=value", ".env", "text"),
        ("# Title\n\nProse.", "a.md", "markdown"),
        ("# Title\n\nProse.", "a.txt", "text"),
        ("---\ntitle: x\n---\nProse.", "a.txt", "markdown"),
        ("+++\ntitle = 'x'\n+++\nProse.", "a", "markdown"),
        ("---\nHe said so.\n", "a.txt", "text"),
        ("---\nHe said: so.\nAnd left.", "a.txt", "text"),
        ("<!DOCTYPE html><title>x</title>", "a.csv", "html"),
        ("\n<!-- c --><HTML lang=en>", "a.txt", "html"),
        ('<?xml version="1.0"?>\n<html xmlns="x">', "a", "html"),
        ("<p>Prose</p>", "a.txt", "html"),
        ("<p>Prose</p>", "a.md", "markdown"),
        ("The tag <html> opens a page.", "a.txt", "text"),
        ("<Editor's note>", "a.txt", "text"),
        ('<?xml version="1.0"?><rss version="2.0">', "a.txt", "rss"),
        ('<!DOCTYPE html><rss version="2.0">', "a.txt", "rss"),
        ("<rdf:RDF xmlns:rdf='x'>", "a", "rss"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", "a.html", "atom"),
        ('<?xml version="1.0"?><urlset>', "a", "xml"),
        ("no markup at all", "a.xml", "xml"),
        ('{"a": 1}', "a.txt", "json"),
        ('{"a": 1}', "a", "json"),
        ("[1, 2]", "a", "json"),
        ('[{"a": 1}]', "a.jsonl", "json"),
        ('{\n"a": 1\n}', "a.jsonl", "json"),
        ("*", "a.json", "json"),
        ("<.>", "a.json", "json"),
        ('{"a": 1}\n{"a": 2}', "a.json", "jsonl"),
        ('{"a": 1}\n\n{"a": 2}\n', "a.txt", "jsonl"),
        ('{"a": 1}\n{"a": \n{"a": 3}', "a", "jsonl"),
        ('{"a" 1}\n{"a": 2}\n{"a": 3}', "a", "jsonl"),
        ('[\n{"a": 1},\n{"a": 2}\n]', "a.json", "json"),
        ('{"articles": [\n{"a": 1},\n{"a": 2}\n]}', "a.json", "json"),
        ("[1] A footnote begins this.", "a.txt", "text"),
        ("[Note: {x}] A note begins this.", "a", "text"),
        ('{"Quoted," he said} and so on', "a.txt", "text"),
        ('"Quoted," he said.', "a.txt", "text"),
        ("42", "a", "text"),
        ("a b\nc d", "a.csv", "csv"),
        ("a\tb", "a.tsv", "tsv"),
        ("title,body\nx,y", "a", "csv"),
        ("Title;Body\nx;y", "a.txt", "csv"),
        ("id\ttitle\tbody\n1\tx\ty", "a.txt", "tsv"),
        ("Title, body and soul\nThe rest, in brief.", "a.txt", "text"),
        ("Mr. Text, Mr. Body\nThe rest.", "a.txt", "text"),
        ("not a Parquet file", "a.parquet", "parquet"),
        (None, "a.parquet", "parquet"),
        (None, "a.txt", "binary"),
        (None, "a.json", "binary"),
        (None, "a.xml", "xml"),
        (" \n", "a.txt", "empty"),
        ("", "a.parquet", "empty"),
        ("", "a.json", "json"),
        ("\n", "a.jsonl", "jsonl"),
    ],
)
def test_format_of_text(text: str | None, name: str, expected: str) -> None:
    assert detected(text, name) == expected


def test_a_declared_format_takes_the_place_of_the_suffix() -> None:
    assert detected("a;b\nc;d", "a.txt", hint=Format.CSV) == "csv"
    assert detected('{"a": 1}\n{"b": 2}', "a.txt", hint=Format.CSV) == "jsonl"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.json.gz", Format.JSON),
        ("A.CSV.Zst", Format.CSV),
        ("a.tar.xz", Format.TAR),
        ("a.gz", None),
        ("a", None),
        ("a.2024-01-01", None),
        ("", None),
    ],
)
def test_a_name_promises_a_format_past_its_compression(name: str, expected: Format | None) -> None:
    assert format_of_name(name) == expected


def a_zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "application/epub+zip" if name == "mimetype" else "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"PAR1\x15\x04\x15", "parquet"),
        (b"ARROW1\x00\x00\xff\xff\xff\xff", "arrow"),
        (b"\xff\xff\xff\xff\x60\x02\x00\x00\x10", "arrow"),
        (b"%PDF-1.7\n", "pdf"),
        (b"WARC/1.0\r\n", "warc"),
        (b"filedesc://a.arc 0.0.0.0", "arc"),
        (rb"{\rtf1\ansi", "office"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "image"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image"),
        (b"RIFF\x00\x00\x00\x00WAVE", "media"),
        (b"\x00\x00\x00\x18ftypmp42", "media"),
        (b"name\x00".ljust(257, b"\x00") + b"ustar", "tar"),
        (a_zip("a.txt"), "zip"),
        (a_zip("[Content_Types].xml", "word/document.xml"), "office"),
        (a_zip("mimetype"), "ebook"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"PARE down your spending", None),
        (b"ID3 tags, explained", None),
        (b"PK was here", None),
        (b"", None),
    ],
)
def test_signatures(head: bytes, expected: str | None) -> None:
    assert detect_binary(head) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 60_000,
        "<!DOCTYPE " * 20_000,
        "<!DOCTYPE x [" + "]" * 200_000,
        "[{" * 100_000,
        '{"' + "\\" * 200_000,
        "---\n" + " " * 200_000,
        "---\n" + "\n" * 200_000,
        "---\n" + "- " * 100_000,
        " " * 200_000 + "x",
    ],
)
def test_no_text_takes_long_to_tell(text: str) -> None:
    start = time.perf_counter()
    assert detected(text, "a") in Format
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Summary, Text\nThe council met, and the bridge was repaired.\nThen winter came.", "text"),
        ("title,body\nOne,First.\nTwo,Second.\nbroken\n", "csv"),
        ('title,body\nOne,"First, of\n\nseveral lines."\n', "csv"),
        ("title;body\nOne;First.", "csv"),
    ],
)
def test_a_text_is_a_table_where_most_rows_are_as_wide_as_its_header(text: str, expected: str) -> None:
    assert detected(text, "a.txt") == detected(text, "a") == expected
