"""Drops that are one record: plain text, Markdown with its front matter, web pages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeds.tables import field_aliases
from transforms.conform import FieldNames
from transforms.parse_html import parse_html
from transforms.parse_markdown import parse_markdown
from transforms.parse_text import parse_text
from transforms.raw_batches import ParseOptions, RawBatch

OPTIONS = ParseOptions(FieldNames(field_aliases()))
PARSERS: dict[str, Callable[..., Iterator[RawBatch]]] = {
    "text": parse_text,
    "markdown": parse_markdown,
    "html": parse_html,
}

Row = dict[str, Any]


def parsed(kind: str, drop: bytes | str, *, encoding: str = "utf-8") -> Row:
    """Give the one record, or the one reject, that a drop comes to; what is null is left out."""
    data = drop.encode(encoding) if isinstance(drop, str) else drop
    [batch] = PARSERS[kind](data, encoding=encoding, options=OPTIONS)
    [row] = [*batch.records.to_dicts(), *batch.rejects.to_dicts()]
    assert (row["record_no"], row["byte_start"], row["byte_end"]) == (0, 0, len(data))
    return {name: value for name, value in row.items() if value is not None}


def blocks(text: str) -> list[str]:
    """Cut a text at its blank lines; how many there are is for cleaning to settle."""
    return [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize(
    ("drop", "reason"),
    [
        (b"", "no_records"),
        (b" \r\n\t\n", "no_records"),
        (b"\xff\xfe\xfd" * 40, "undecodable"),
        (b"text" + b"\x00\x01\x02" * 40, "undecodable"),
    ],
)
def test_file_that_cannot_be_read_is_one_reject_that_says_why(kind: str, drop: bytes, reason: str) -> None:
    assert parsed(kind, drop)["reason"] == reason


@pytest.mark.parametrize("kind", PARSERS)
@given(noise=st.binary(max_size=400) | st.text(st.sampled_from("#-+*_`<>[]()!|~:\n \t{}%&;a\"'"), max_size=200))
def test_any_bytes_are_one_record_or_one_reject(kind: str, noise: bytes | str) -> None:
    row = parsed(kind, noise)
    assert ("reason" in row) != bool({"body", "headline", "extra"} & row.keys()) or row.keys() <= {
        "record_no",
        "byte_start",
        "byte_end",
    }


def test_plain_text_is_taken_as_it_lies() -> None:
    text = "A Headline\r\n\r\n  Curly “quotes”,\u00a0no-break spaces.\n\n\nComments\n"
    assert parsed("text", text)["body"] == text


YAML_PAGE = """---
title: "The Bridge: A History"
author: [Ann Lee, Bo Chen]
date: 2026-03-01
tags: [roads, councils]
section: Metro
---

# Repeated or not

First *paragraph* with a [link](https://example.org/a?b=c) and `code`.

- one
- two

> Quoted.

![A picture](bridge.jpg)

| a | b |
|---|---|
| 1 | 2 |
"""


def test_front_matter_becomes_fields_and_markdown_becomes_text() -> None:
    row = parsed("markdown", YAML_PAGE)
    assert row["headline"] == "The Bridge: A History"
    assert row["authors"] == ["Ann Lee", "Bo Chen"]
    assert row["published_at"] == "2026-03-01"
    assert row["keywords"] == ["roads", "councils"]
    assert row["extra"] == '{"section":"Metro"}'
    assert blocks(row["body"])[:2] == ["Repeated or not", "First paragraph with a link and code."]
    assert not re.search(r"[*`\[\]#>|]|https?:|bridge\.jpg", row["body"])
    assert all(piece in row["body"] for piece in ("one", "two", "Quoted."))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("# Head\n\nText.", {"headline": "Head", "body": "Text."}),
        ("Head\n====\n\nText.", {"headline": "Head", "body": "Text."}),
        ("## Section\n\nText.", {"body": "Section\n\nText."}),
        ("Text.\n\n# Later", {"body": "Text.\n\nLater"}),
        ("---\ntitle: Front\n---\n# Head\n\nText.", {"headline": "Front", "body": "Head\n\nText."}),
        ("---\ntitle:\n---\n# Head\n\nText.", {"headline": "Head", "body": "Text."}),
        ('+++\ntitle = "Front"\ndate = 2026-03-01T10:00:00Z\n+++\nText.', {"headline": "Front", "body": "Text."}),
        ("---\r\ntitle: Front\r\n---\r\nText.", {"headline": "Front", "body": "Text."}),
        ("---\ntitle: Front\n...\nText.", {"headline": "Front", "body": "Text."}),
        ("---\nJust a line between rules.\n---\nText.", {"body": "Just a line between rules.\n\nText."}),
        ("Text.\n\n---\n\ntitle: no front matter\n\n---", {"body": "Text.\n\ntitle: no front matter"}),
        ("A < B & C &amp; D", {"body": "A < B & C & D"}),
        ("{{< figure src=x >}}\n\nText.", {"body": "{{< figure src=x >}}\n\nText."}),
        ('Go [there]({{< ref "a b.md" >}} "There") now.', {"body": "Go there now."}),
        ("---\ntitle: Ebb: a study\n---\nText.", {"headline": "Ebb: a study", "body": "Text."}),
        ("---\ntitle: Front\ndate: 2024-02-30\n---\nText.", {"headline": "Front", "body": "Text."}),
        ("---\ntitle: Front\ndate: 2024-01-01 25:00:00\n---\nText.", {"headline": "Front", "body": "Text."}),
        ("---\ntitle: 'The quay's end'\nx: 1\n---\nText.", {"headline": "The quay's end", "body": "Text."}),
    ],
)
def test_small_pages(page: str, expected: dict[str, str]) -> None:
    row = parsed("markdown", page)
    found = {name: blocks(row[name]) for name in ("headline", "body") if name in row}
    assert found == {name: blocks(text) for name, text in expected.items()}


@pytest.mark.parametrize(
    ("front_matter", "detail"),
    [
        ("---\nx:\n  y: a: b\n---\n", "the front matter is no YAML: mapping values are not allowed here at line 3"),
        ("---\n\tx: [\n---\n", "the front matter is no YAML: found character '\\t'"),
        ("---\na: &x [1]\nb: [*x, *x]\n---\n", "an alias stands in it"),
        ("---\nx: !!python/object:os.system {}\n---\n", "could not determine a constructor"),
        ("---\nx: !!bool maybe\n---\n", "the front matter is no YAML"),
        ("---\nx: !!timestamp foo\n---\n", "the front matter is no YAML"),
        ("---\nx: !!int ''\n---\n", "the front matter is no YAML"),
        ("---\nx: !!float {}\n---\n", "the front matter is no YAML"),
        ("---\nx: " + "[" * 5_000 + "\n---\n", "the front matter is no YAML"),
        ("+++\ntitle = Front\n+++\n", "the front matter is no TOML: Invalid value"),
    ],
)
def test_front_matter_that_is_none_sets_the_file_aside(front_matter: str, detail: str) -> None:
    row = parsed("markdown", front_matter + "Text.")
    assert row["reason"] == "malformed_markdown"
    assert detail in row["detail"]


BODY = " ".join(["The council met on Tuesday and agreed to repair the old bridge before winter sets in."] * 4)
PAGE = f"""<!doctype html><html lang="en"><head><title>Bridge to be repaired | Gazette</title>
<meta property="og:title" content="Bridge to be repaired"><meta name="author" content="Ann Lee">
<meta property="og:description" content="Work starts in May.">
<meta property="article:published_time" content="2026-03-01">
<link rel="canonical" href="https://gazette.example/bridge"></head><body>
<nav><a href="/">Home</a> <a href="/politics">Politics</a></nav>
<article><h1>Bridge to be repaired</h1><p>{BODY}</p>
<h2>What it costs</h2><p>{BODY.replace("Tuesday", "Friday")}</p></article>
<footer>All rights reserved. Subscribe to our newsletter.</footer></body></html>"""


def test_page_gives_its_main_text_and_what_it_says_of_itself() -> None:
    row = parsed("html", PAGE)
    assert (row["headline"], row["authors"], row["published_at"]) == (
        "Bridge to be repaired",
        ["Ann Lee"],
        "2026-03-01",
    )
    assert (row["dek"], row["url"]) == ("Work starts in May.", "https://gazette.example/bridge")
    assert "Tuesday" in row["body"]
    assert "Friday" in row["body"]
    assert not re.search(r"Politics|rights reserved", row["body"])


@pytest.mark.parametrize(
    "page", ["<html><body></body></html>", "<html><script>var a = 1;</script></html>", "<!doctype html>"]
)
def test_page_without_text_is_set_aside(page: str) -> None:
    assert parsed("html", page)["reason"] == "malformed_html"


def test_page_keeps_where_each_field_was_found() -> None:
    assert parsed("html", PAGE)["origins"].splitlines() == [
        "headline=h1",
        "dek=og:description",
        "authors=meta.author",
        "published_at=article:published_time",
        "language=html.lang",
        "url=link.canonical",
    ]


def test_trafilatura_is_asked_for_headline_and_date_only_where_the_page_states_none() -> None:
    page = f"<html><body><h2>Bridge news</h2><p>{BODY}</p><p>{BODY}</p><p class='date'>2026-03-01</p></body></html>"
    row = parsed("html", page)
    assert row["origins"].splitlines() == ["headline=trafilatura", "published_at=trafilatura"]
    assert (row["headline"], row["published_at"]) == ("Bridge news", "2026-03-01")


DESCRIPTION = "Work on the old bridge starts in May, and the town pays for it."


@pytest.mark.parametrize(
    ("paragraph", "dek"),
    [
        ("<p>{}</p>", None),
        ('<p class="text">{}</p>', None),
        ('<p class="article-dek">{}</p>', DESCRIPTION),
        ('<h2 class="header__leadText">{}</h2>', DESCRIPTION),
        ('<div itemprop="description"><p>{}</p></div>', DESCRIPTION),
        ('<p class="misleading">{}</p>', None),
        ('<p class="lead">{} So it was said on Tuesday.</p>', None),
    ],
)
def test_description_that_begins_the_text_is_a_dek_where_it_is_marked_as_one(paragraph: str, dek: str | None) -> None:
    page = PAGE.replace("Work starts in May.", DESCRIPTION)
    page = page.replace("<p>", paragraph.format(DESCRIPTION) + "<p>", 1)
    assert parsed("html", page).get("dek") == dek


@pytest.mark.parametrize("depth", [200, 300, 2_000, 20_000])
def test_deeply_nested_page_has_its_text(depth: int) -> None:
    style = "<head><style>p { color: red }</style></head>"
    row = parsed("html", f"<html>{style}<body>" + "<div>" * depth + f"{BODY}<!-- hidden --></div>Rock &amp; roll.")
    assert "council met on Tuesday" in row["body"]
    assert not re.search(r"color|hidden|[<>]", row["body"])


def test_page_that_breaks_the_extractor_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("broken")

    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    row = parsed("html", PAGE)
    assert (row["reason"], row["detail"]) == ("malformed_html", "the extractor failed: KeyError: 'broken'")


def test_real_pages_have_headline_date_and_body(shared_data: Path) -> None:
    pairs = pl.read_parquet(shared_data / "near_duplicates" / "edited_articles.parquet")
    pages = pairs.select(pl.concat_list("text_a", "text_b")).to_series().explode()
    rows = [parsed("markdown", page) for page in pages]
    assert [row for row in rows if not {"headline", "published_at", "body"} <= row.keys()] == []
