"""Six sources of real news: what outlets they have, how much they deliver, which fields they give, and in which form.

No two of them have an outlet in common, but for `agency`, which has a home folder of its own.
"""

import csv
import html
import io
import json
import random
import re
from collections.abc import Sequence
from datetime import timedelta, timezone

from clean_drops import Article, Pieces, Row, Source

COLOMBO = timezone(timedelta(hours=5, minutes=30))

BYLINES = [
    f"{given} {family}"
    for given in ("Anoma", "Ruwan", "Thilini", "Kasun", "Meera", "Farah", "Suresh", "Nadia", "Ishara", "Jehan")
    for family in ("Perera", "Rajah", "Fernando", "Nazeer")
]


def first_sentence(text: str) -> str:
    """Return what an editor might use as a summary."""
    return re.split(r"(?<=[.!?])\s|\n", text, maxsplit=1)[0][:160]


def a_byline(rng: random.Random) -> str:
    """Draw an author."""
    return rng.choice(BYLINES)


# wire: JSON Lines by the hour, few fields


def _wire_row(article: Article, rng: random.Random) -> Row:
    row = {
        "id": f"W{article.number:07}",
        "title": article.headline,
        "text": article.body,
        "published": article.published_at.astimezone(COLOMBO).isoformat(),
    }
    return row | ({"link": article.url} if rng.random() < 0.97 else {})


def as_json(row: Row) -> bytes:
    """Write a record as JSON, on one line."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _write_json_lines(rows: Sequence[Row]) -> Pieces:
    return Pieces(b"", [as_json(row) for row in rows], b"\n", b"\n")


# export: CSV by section, from a content management system


def _export_row(article: Article, rng: random.Random) -> Row:
    return {
        "doc_id": f"{600_000 + article.number}",
        "headline": article.headline,
        "summary": first_sentence(article.body) if rng.random() < 0.6 else "",
        "author": a_byline(rng) if rng.random() < 0.7 else "",
        "date": f"{article.published_at.astimezone(COLOMBO):%d/%m/%Y %H:%M}",
        "url": article.url,
        "section": rng.choice(["local", "world", "sport", "business"]),
        "body": f"{article.headline}\n\n{article.body}",
    }


def csv_line(cells: Sequence[object], *, delimiter: str = ",") -> bytes:
    """Write a row of delimited text, without the end of its line."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return file.getvalue().removesuffix("\r\n").encode("utf-8", "surrogatepass")


def _write_csv(rows: Sequence[Row]) -> Pieces:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [csv_line([row.get(name, "") for name in columns]) for row in rows]
    return Pieces(csv_line(columns) + b"\r\n", lines, b"\r\n", b"\r\n")


# api: pages of JSON in an envelope, many fields


def _api_row(article: Article, rng: random.Random) -> Row:
    published = article.published_at.isoformat().replace("+00:00", "Z")
    return {
        "guid": f"urn:news:{article.number}",
        "title": article.headline,
        "description": first_sentence(article.body) if rng.random() < 0.85 else None,
        "author": [a_byline(rng)] if rng.random() < 0.5 else [],
        "published_at": published,
        "updated": published,
        "url": article.url,
        "language": article.language,
        "content": article.body,
        "tags": rng.sample(["politics", "economy", "cricket", "weather", "courts", "health"], 2),
        "image": {"url": f"https://img.example/{article.number}.jpg", "width": rng.choice([640, 1280])},
        "premium": rng.random() < 0.1,
    }


def _write_envelope(rows: Sequence[Row]) -> Pieces:
    return Pieces(b'{"status": "ok", "articles": [\n', [as_json(row) for row in rows], b",\n", b"\n]}\n")


# texts: a file of plain text for each article


def _text_row(article: Article, rng: random.Random) -> Row:
    author = a_byline(rng) if rng.random() < 0.8 else ""
    return {"headline": article.headline, "author": author, "body": article.body}


def _write_text(rows: Sequence[Row]) -> Pieces:
    (row,) = rows
    byline = f"By {row['author']}" if row["author"] else ""
    text = "\n\n".join(part for part in (row["headline"], byline, row["body"]) if part)
    return Pieces(b"", [text.encode("utf-8", "surrogatepass")], b"", b"\n")


# pages: saved web pages


def _page_row(article: Article, rng: random.Random) -> Row:
    author = a_byline(rng) if rng.random() < 0.9 else ""
    published = article.published_at.isoformat()
    return {"headline": article.headline, "author": author, "published_at": published, "body": article.body}


def _write_page(rows: Sequence[Row]) -> Pieces:
    (row,) = rows
    headline, author = html.escape(str(row["headline"])), html.escape(str(row["author"]))
    paragraphs = "\n".join(f"<p>{html.escape(text)}</p>" for text in str(row["body"]).split("\n\n"))
    head = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{headline} | The Daily Page</title>\n'
        f'<meta property="og:title" content="{headline}"><meta name="author" content="{author}">\n'
        f'<meta property="article:published_time" content="{row["published_at"]}"></head>\n'
        '<body><nav><a href="/">Home</a> <a href="/news">News</a> <a href="/sport">Sport</a></nav>\n'
    )
    article = f'<article><h1>{headline}</h1>\n<p class="byline">By {author}</p>\n{paragraphs}</article>\n'
    tail = "<footer><p>Copyright The Daily Page. All rights reserved.</p></footer></body></html>\n"
    return Pieces(head.encode(), [article.encode("utf-8", "surrogatepass")], b"", tail.encode())


WIRE = Source(
    "wire",
    ("adaderanalk", "dailyftlk", "islandlk"),
    per_day=215,
    files=20,
    suffix=".jsonl",
    time=5 * 60 + 10,
    names={"external_id": "id", "headline": "title", "body": "text", "published_at": "published", "url": "link"},
    row=_wire_row,
    write=_write_json_lines,
)
TEXTS = Source(
    "texts",
    ("economynextcom",),
    per_day=34,
    files=None,
    suffix=".txt",
    time=6 * 60 + 20,
    names={"headline": "headline", "authors": "author", "body": "body"},
    row=_text_row,
    write=_write_text,
)
PAGES = Source(
    "pages",
    ("dailymirrorlk",),
    per_day=34,
    files=None,
    suffix=".html",
    time=7 * 60 + 5,
    names={"headline": "headline", "authors": "author", "published_at": "published_at", "body": "body"},
    row=_page_row,
    write=_write_page,
)
EXPORT = Source(
    "export",
    ("virakesarilk", "tamilmirrorlk"),
    per_day=290,
    files=20,
    suffix=".csv",
    time=5 * 60 + 40,
    names={
        "external_id": "doc_id",
        "headline": "headline",
        "dek": "summary",
        "authors": "author",
        "published_at": "date",
        "url": "url",
        "body": "body",
    },
    row=_export_row,
    write=_write_csv,
    settings='time_zone = "Asia/Colombo"\ndate_order = "dmy"',
)
API = Source(
    "api",
    ("adaderanasinhalalk", "adalk", "lankadeepalk", "bbccomsinhala"),
    per_day=235,
    files=20,
    suffix=".json",
    time=8 * 60 + 15,
    names={
        "external_id": "guid",
        "headline": "title",
        "dek": "description",
        "authors": "author",
        "published_at": "published_at",
        "url": "url",
        "language": "language",
        "body": "content",
    },
    row=_api_row,
    write=_write_envelope,
)
AGENCY = Source(
    "agency",
    (
        *("adaderanalk", "dailyftlk", "islandlk", "economynextcom", "dailymirrorlk", "colombotelegraphcom"),
        *("virakesarilk", "tamilmirrorlk", "adaderanasinhalalk", "adalk", "lankadeepalk"),
    ),
    per_day=1_150,
    files=1,
    suffix=".jsonl",
    time=4 * 60,
    names=WIRE.names,
    row=_wire_row,
    write=_write_json_lines,
)
