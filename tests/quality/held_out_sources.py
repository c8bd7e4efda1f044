"""Four more sources, for faults that no rule was made for: other articles, other fields and other forms.

`gov` and `crawl` deliver what is not news: posts of a government's site, and web pages of all kinds as they are.
"""

import gzip
import html
import json
import random
import re
from collections.abc import Sequence
from functools import cache

import polars as pl
from clean_drops import Article, Pieces, Row, Source
from drop_sources import COLOMBO, a_byline, as_json, csv_line, first_sentence
from labelled_texts import SHARED_DATA

EDITED = SHARED_DATA / "near_duplicates" / "edited_articles.parquet"
EXTRACTION = SHARED_DATA / "extraction"


@cache
def government_posts() -> list[Row]:
    """Read edited posts; Hugo's shortcodes and most of the front matter are left out."""
    texts = pl.read_parquet(EDITED).sort("article")["text_b"]
    return [_post(number, text) for number, text in enumerate(texts) if text.startswith("---\n")]


def _post(number: int, text: str) -> Row:
    front_matter, body = text.removeprefix("---\n").split("\n---\n", 1)
    title = re.search(r"(?m)^title:\s*(.+(?:\n\s+.+)*)", front_matter)
    headline = " ".join(html.unescape(title[1]).strip("'\"").split()) if title else f"Post {number}"
    cleaned = re.sub(r"\{\{.*?\}\}", "", body, flags=re.DOTALL).strip()
    return _article_row("gov", number, headline, cleaned, url=f"https://gov.example/posts/{number}")


@cache
def real_pages() -> list[Row]:
    """Read real web pages, by the name of their file."""
    paths = sorted((EXTRACTION / "html").glob("*.gz"))
    return [
        _article_row(
            "crawl", number, path.name.split(".")[0], gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        )
        for number, path in enumerate(paths)
    ]


def _article_row(outlet: str, number: int, headline: str, text: str, *, url: str = "") -> Row:
    return {
        "number": number,
        "newspaper_id": outlet,
        "lang": "en",
        "description": headline,
        "text": text,
        "url_metadata": url,
    }


# portal: a JSON feed in two languages


def _portal_row(article: Article, rng: random.Random) -> Row:
    return {
        "id": f"https://portal.example/{article.number}",
        "title": article.headline,
        "summary": first_sentence(article.body) if rng.random() < 0.4 else "",
        "content_text": article.body,
        "date_published": article.published_at.astimezone(COLOMBO).isoformat(),
        "author": a_byline(rng) if rng.random() < 0.95 else "",
        "url": article.url,
        "language": article.language,
    }


def _write_feed(rows: Sequence[Row]) -> Pieces:
    head = b'{"version": "https://jsonfeed.org/version/1.1", "title": "Portal", "items": [\n'
    return Pieces(head, [as_json(row) for row in rows], b",\n", b"\n]}\n")


# gazette: tab-separated text in two languages


def _gazette_row(article: Article, rng: random.Random) -> Row:
    return {
        "Ref": f"GZ-{article.number}",
        "Published": f"{article.published_at:%Y-%m-%d %H:%M:%S}",
        "Headline": article.headline,
        "Byline": a_byline(rng) if rng.random() < 0.6 else "",
        "Words": len(article.body.split()),
        "Link": article.url,
        "Text": article.body,
    }


def _write_tabs(rows: Sequence[Row]) -> Pieces:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [csv_line([row.get(name, "") for name in columns], delimiter="\t") for row in rows]
    return Pieces(csv_line(columns, delimiter="\t") + b"\n", lines, b"\n", b"\n")


# gov: Markdown with front matter


def _gov_row(article: Article, rng: random.Random) -> Row:
    return {
        "title": article.headline,
        "date": article.published_at.isoformat(),
        "author": a_byline(rng) if rng.random() < 0.9 else "",
        "body": article.body,
    }


def _write_markdown(rows: Sequence[Row]) -> Pieces:
    (row,) = rows
    matter = "\n".join(f"{name}: {json.dumps(row[name], ensure_ascii=False)}" for name in row if name != "body")
    return Pieces(f"---\n{matter}\n---\n\n".encode(), [str(row["body"]).encode("utf-8", "surrogatepass")], b"", b"\n")


# crawl: web pages as they are


def _crawl_row(article: Article, _: random.Random) -> Row:
    return {"name": article.headline, "body": article.body}


def _write_as_is(rows: Sequence[Row]) -> Pieces:
    (row,) = rows
    return Pieces(b"", [str(row["body"]).encode("utf-8", "surrogatepass")], b"", b"\n")


PORTAL = Source(
    "portal",
    ("dailyftlk", "adaderanalk", "adalk"),
    per_day=190,
    files=20,
    suffix=".json",
    time=9 * 60 + 30,
    names={
        "external_id": "id",
        "headline": "title",
        "dek": "summary",
        "authors": "author",
        "published_at": "date_published",
        "url": "url",
        "language": "language",
        "body": "content_text",
    },
    row=_portal_row,
    write=_write_feed,
    settings='fields = { body = "content_text", published_at = "date_published" }',
)
GAZETTE = Source(
    "gazette",
    ("tamilmirrorlk", "islandlk"),
    per_day=170,
    files=20,
    suffix=".tsv",
    time=10 * 60 + 10,
    names={
        "external_id": "Ref",
        "headline": "Headline",
        "authors": "Byline",
        "published_at": "Published",
        "url": "Link",
        "body": "Text",
    },
    row=_gazette_row,
    write=_write_tabs,
    settings='fields = { external_id = "Ref" }',
)
GOV = Source(
    "gov",
    ("gov",),
    per_day=34,
    files=None,
    suffix=".md",
    time=7 * 60 + 40,
    names={"headline": "title", "authors": "author", "published_at": "date", "body": "body"},
    row=_gov_row,
    write=_write_markdown,
    pool=government_posts,
)
CRAWL = Source(
    "crawl",
    ("crawl",),
    per_day=10,
    files=None,
    suffix=".html",
    time=8 * 60 + 20,
    names={"body": "body"},
    row=_crawl_row,
    write=_write_as_is,
    pool=real_pages,
)
