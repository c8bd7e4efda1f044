"""Faults of forms and fields that no rule was made for.

Kept apart: no rule is to be fitted to them, and they are measured now and then. Kinds, sources and most of the texts
are others than those of the faults that are measured every day.
"""

import html
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from clean_drops import Row
from fault_kinds import Extent, Fate, Kind, Scene, codes
from right_codes import ALIKE, DATES, FIELDS, HEADLINES, HELD_BACK, LENGTHS, SHORT, UNLIKE, UNREADABLE, VOLUME

NOT_FOUND = (
    "<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Page not found</h1>"
    "<p>The page you are looking for may have been moved, renamed or deleted. Try the search, or go to the home page."
    "</p><!-- /story/{number} --></body></html>"
)
MOVED = (
    "<html><head><title>301 Moved Permanently</title></head><body><h1>Moved Permanently</h1>"
    '<p>The document has moved <a href="https://www.crawl.example/?from={number}">here</a>.</p></body></html>'
)
SITE = "Portal | News, Sport and Weather from across the Island"


def xml_instead(content: bytes, _: Scene) -> bytes:
    """Deliver RSS under the name of the JSON file."""
    items = "".join(
        f"<item><title>{html.escape(item['title'])}</title><link>{html.escape(item['url'])}</link>"
        f"<description>{html.escape(item['content_text'])}</description></item>\n"
        for item in json.loads(content)["items"]
    )
    return f'<?xml version="1.0"?>\n<rss version="2.0"><channel><title>Portal</title>\n{items}</channel></rss>'.encode()


def deeper_envelope(content: bytes, _: Scene) -> bytes:
    items = json.loads(content)["items"]
    wrapped = {
        "data": {"feed": {"edges": [{"cursor": str(number), "node": item} for number, item in enumerate(items)]}}
    }
    return json.dumps(wrapped, ensure_ascii=False).encode()


def error_answer(_: bytes, scene: Scene) -> bytes:
    number = scene.rng.randint(10**8, 10**9)
    message = "Rate limit exceeded. Retry after 3600 seconds."
    return json.dumps({"error": {"code": 429, "message": message, "request": f"r-{number}"}}).encode()


def keys_with_spaces(row: Row, _: Scene) -> Row:
    return {f"{name} ": value for name, value in row.items()}


def excel_date(row: Row, scene: Scene) -> Row:
    published = datetime.fromisoformat(str(scene.get(row, "published_at"))).replace(tzinfo=UTC)
    return scene.put(
        row, published_at=round((published - datetime(1899, 12, 30, tzinfo=UTC)).total_seconds() / 86400, 5)
    )


def joined(rows: Sequence[Row], share: float, scene: Scene) -> Sequence[Row]:
    """Put the bodies of the first so many records into one."""
    count = max(2, round(share * len(rows)))
    body = "\n\n".join(scene.body(row) for row in rows[:count])
    return [scene.put(rows[0], body=body), *rows[count:]]


def one_a_paragraph(row: Row, scene: Scene) -> list[Row]:
    paragraphs = [text for text in scene.body(row).split("\n\n") if text.strip()]
    return [scene.put(row, body=text) for text in paragraphs]


def not_found(_: bytes, scene: Scene) -> bytes:
    return NOT_FOUND.format(number=scene.rng.randint(10**5, 10**6)).encode()


def moved(_: bytes, scene: Scene) -> bytes:
    return MOVED.format(number=scene.rng.randint(10**5, 10**6)).encode()


def shifted(row: Row, _: Scene) -> Row:
    """Move the values by one column, from the one with numbers on."""
    names, values = list(row), list(row.values())
    return dict(zip(names, values[-1:] + values[:-1], strict=True))


def quotes_doubled(line: bytes, _: Scene) -> bytes:
    return line.replace(b'"', b'""')


def mixed_line_ends(content: bytes, _: Scene) -> bytes:
    lines = content.split(b"\n")
    ends = [b"\r", b"\r\n", b"\n"]
    return b"".join(line + ends[number % 3] for number, line in enumerate(lines[:-1])) + lines[-1]


def tabs_expanded(content: bytes, _: Scene) -> bytes:
    return content.expandtabs(8)


def site_for_headline(row: Row, scene: Scene) -> Row:
    return scene.put(row, headline=SITE)


def home_page_url(row: Row, scene: Scene) -> Row:
    return scene.put(row, url="https://www.portal.example/")


def one_author(row: Row, scene: Scene) -> Row:
    return scene.put(row, authors="Portal Staff Writer")


def scraped_at(row: Row, scene: Scene) -> Row:
    return scene.put(row, published_at=scene.drop.at.isoformat())


KINDS = (
    Kind(
        "RSS under a JSON name",
        "portal",
        Extent.FILES,
        xml_instead,
        Fate.HELD_BACK,
        codes(f"{UNREADABLE} {VOLUME} {FIELDS}"),
        "A format that is recognised and not read.",
    ),
    Kind(
        "deeper envelope",
        "portal",
        Extent.FILES,
        deeper_envelope,
        Fate.EITHER,
        codes(f"{UNREADABLE} {VOLUME} {FIELDS}"),
        "Records are there, two levels further down.",
    ),
    Kind(
        "error instead of records",
        "portal",
        Extent.FILES,
        error_answer,
        Fate.HELD_BACK,
        codes(f"{UNREADABLE} {VOLUME} {FIELDS}"),
        "An answer that is no article.",
    ),
    Kind(
        "keys with spaces",
        "portal",
        Extent.WHOLE_FILES,
        keys_with_spaces,
        Fate.HARMLESS,
        codes(f"{HELD_BACK} {VOLUME} {FIELDS}"),
        "The names are the same to any reader.",
    ),
    Kind(
        "dates as Excel has them",
        "portal",
        Extent.RECORDS,
        excel_date,
        Fate.LOADED,
        codes(f"{FIELDS} {DATES}"),
        "The text is sound; the date is a count of days.",
    ),
    Kind(
        "articles joined",
        "portal",
        Extent.DELIVERY,
        joined,
        Fate.LOADED,
        codes(f"{VOLUME} body_length_change longest_body_change headline_mismatch"),
        "All text is there, as one article of many.",
    ),
    Kind(
        "articles in pieces",
        "portal",
        Extent.RECORDS,
        one_a_paragraph,
        Fate.LOADED,
        codes(f"{VOLUME} {SHORT} {ALIKE} flagged_share_change"),
        "All text is there, under the id of its article.",
    ),
    Kind(
        "pages not found",
        "crawl",
        Extent.FILES,
        not_found,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {LENGTHS} {ALIKE} block_page malformed_html"),
        "An error is no article.",
    ),
    Kind(
        "pages moved",
        "crawl",
        Extent.FILES,
        moved,
        Fate.HELD_BACK,
        codes(f"{HELD_BACK} {LENGTHS} {ALIKE} block_page malformed_html"),
        "As above.",
    ),
    Kind(
        "columns shifted",
        "gazette",
        Extent.RECORDS,
        shifted,
        Fate.EITHER,
        codes(
            f"{HELD_BACK} {LENGTHS} {DATES} {HEADLINES} {FIELDS} headline_too_long malformed_url odd_authors {UNLIKE}"
        ),
        "All is there, a column further on.",
    ),
    Kind(
        "quotes doubled",
        "gazette",
        Extent.LINES,
        quotes_doubled,
        Fate.EITHER,
        codes(f"{UNREADABLE} {VOLUME} {LENGTHS}"),
        "Where a text ends cannot be told.",
    ),
    Kind(
        "mixed line ends",
        "gazette",
        Extent.FILES,
        mixed_line_ends,
        Fate.HARMLESS,
        codes(f"{UNREADABLE} {VOLUME}"),
        "The ends of lines are the same to any reader.",
    ),
    Kind(
        "tabs expanded",
        "gazette",
        Extent.FILES,
        tabs_expanded,
        Fate.EITHER,
        codes(f"{UNREADABLE} {VOLUME} {FIELDS} {HEADLINES} {LENGTHS}"),
        "There are no columns any more.",
    ),
    Kind(
        "site name for a headline",
        "portal",
        Extent.RECORDS,
        site_for_headline,
        Fate.LOADED,
        codes(f"repeated_headline repeated_headline_change {HEADLINES}"),
        "The text is sound.",
    ),
    Kind(
        "address of the home page",
        "portal",
        Extent.RECORDS,
        home_page_url,
        Fate.LOADED,
        codes(
            "repeated_url repeated_url_change repeated_id_share_change malformed_url url_fill_rate_change "
            "flagged_share_change id_reused"
        ),
        "The text is sound; one address stands for all.",
    ),
    Kind(
        "one author",
        "gazette",
        Extent.RECORDS,
        one_author,
        Fate.LOADED,
        codes("odd_authors authors_fill_rate_change repeated_author_change"),
        "The text is sound.",
    ),
    Kind(
        "time of the scrape for a date",
        "portal",
        Extent.RECORDS,
        scraped_at,
        Fate.LOADED,
        codes("freshness_change same_date_change"),
        "The text is sound, and less than a day older than it seems.",
    ),
)
