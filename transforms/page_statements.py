"""What a page says of itself, by the place where it says so: `og:title`, `json_ld.headline`, `link.canonical`.

Decides where to look, and gives every place a name that is kept as evidence. Nothing is judged here: which place counts
for a field, and which statements are none, is decided in `page_metadata`.

The tree is only read. It must be read before an extractor prunes it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lxml.etree import XPath
from lxml.html import HtmlElement

from transforms.json_ld import Node, addresses, find_article, persons, read_blocks, texts, truth, types_of

MOST_STATEMENTS = 64  # of one place; a page with more is a list of other pages
LONGEST_STATEMENT = 2_000  # characters; longer ones are texts

_READ_TAGS = ("html", "base", "meta", "link", "script", "title", "h1", "time", "a")
_ARTICLE_TEXTS = (
    "headline",
    "name",
    "alternativeHeadline",
    "datePublished",
    "dateCreated",
    "dateModified",
    "description",
    "inLanguage",
    "articleSection",
    "license",
    "publisher",
)
_BYLINE_CLASSES = frozenset({"author", "author-name", "byline", "fn", "p-author"})  # of templates, and of microformats
_BYLINES = XPath(  # by attribute: half the time of asking every element
    './/@class[contains(., "author") or contains(., "byline") or contains(., "fn")]/parent::*[not(self::meta)] | '
    './/@itemprop[. = "author"]/parent::*[not(self::meta)]'
)
_SUMMARY_TAGS = ("p", "div", "h2", "h3", "h4")
_SUMMARY_NAME = re.compile(
    r"(?<![a-z])(?:dek|deck|description|lead|leadtext|lede|standfirst|subhead|subheadline|subtitle|summary)(?![a-z])",
    re.IGNORECASE,
)
_SEEN_TEXTS = XPath("descendant-or-self::text()[not(parent::style or parent::script)]")
_OG_PREFIXES = ("og:", "article:", "book:", "twitter:")


@dataclass(frozen=True)
class Statements:
    """What a page says of itself.

    Attributes:
        by_place: Statements by place, in the order of the page; none is blank or repeated.
        is_accessible_for_free: Whether it can be read without paying; null where the page does not say.
    """

    by_place: dict[str, list[str]]
    is_accessible_for_free: bool | None

    def first(self, *places: str) -> str | None:
        """Return the first statement of the first of these places that makes one."""
        return next((self.by_place[place][0] for place in places if place in self.by_place), None)


def read_statements(tree: HtmlElement) -> Statements:
    """Collect what a page says of itself from its markup: 1 ms for a page of 150 kB."""
    stated: dict[str, list[str]] = {}
    blocks: list[str] = []
    for element in _BYLINES(tree):
        for place in _byline_places(element):
            _state(stated, place, _seen_text(_name_in(element)))
    for element in tree.iter(*_READ_TAGS):
        if element.tag == "script":
            blocks += _json_ld(element)
            continue
        for place, statement in _READERS[element.tag](element):
            _state(stated, place, statement)
    nodes = read_blocks(blocks)
    article = find_article(nodes)
    for place, statement in _of_article(article, nodes):
        _state(stated, place, statement)
    return Statements(stated, truth(article.get("isAccessibleForFree")))


def marks_summary(tree: HtmlElement, description: str) -> bool:
    """Tell whether readers see a description in an element that is named a summary: `article-dek`, `leadText`."""
    return any(
        _SUMMARY_NAME.search(f"{element.get('class')} {element.get('itemprop')}")
        and without_cut(element.text_content()) == without_cut(description)
        for element in tree.iter(*_SUMMARY_TAGS)
    )


def without_cut(text: str) -> str:
    """Leave out the dots at which a description is cut off, and white space that nobody sees."""
    return " ".join(text.split()).rstrip(" .…")


def _state(stated: dict[str, list[str]], place: str, statement: str | None) -> None:
    text = " ".join((statement or "").split())
    known = stated.setdefault(place, []) if text else []
    if text and len(text) <= LONGEST_STATEMENT and text not in known and len(known) < MOST_STATEMENTS:
        known.append(text)


def _json_ld(script: HtmlElement) -> list[str]:
    kind = (script.get("type") or "").partition(";")[0].strip().lower()
    return [script.text] if kind == "application/ld+json" and script.text else []


Found = Iterator[tuple[str, str | None]]


def _of_article(article: Node, nodes: Sequence[Node]) -> Found:
    for name in _ARTICLE_TEXTS:
        yield from ((f"json_ld.{name}", text) for text in texts(article.get(name)))
    yield from (("json_ld.author", name) for name in persons(article.get("author"), nodes=nodes))
    yield from (("json_ld.publisher", name) for name in persons(article.get("publisher"), nodes=nodes))
    yield from (("json_ld.keywords", text) for text in texts(article.get("keywords")))
    yield from (("json_ld.mainEntityOfPage", url) for url in addresses(article.get("mainEntityOfPage")))
    yield from (("json_ld.url", url) for url in addresses(article.get("url")))
    for node in nodes:
        if "website" in types_of(node):
            yield from (("json_ld.WebSite", text) for text in texts(node))


def _html(element: HtmlElement) -> Found:
    yield "html.lang", element.get("lang") or element.get("xml:lang")


def _base(element: HtmlElement) -> Found:
    yield "base.href", element.get("href")


def _meta(element: HtmlElement) -> Found:
    content = element.get("content")
    if not content:
        return
    if element.get("itemprop"):
        yield f"itemprop.{element.get('itemprop').strip()}", content
    if element.get("http-equiv"):
        yield f"meta.{element.get('http-equiv').lower()}", content
    name = (element.get("property") or element.get("name") or "").strip().lower()
    if name:
        is_graph = name.startswith(_OG_PREFIXES)
        yield name if is_graph else f"meta.{name.replace(':', '.')}", content  # `dc:date` and `dc.date` are one


def _link(element: HtmlElement) -> Found:
    kinds = (element.get("rel") or "").lower().split()
    yield from ((f"link.{kind}", element.get("href")) for kind in kinds if kind in {"canonical", "license"})


def _title(element: HtmlElement) -> Found:
    parent = element.getparent()
    if parent is None or parent.tag in {"head", "html", "body"}:  # an image in SVG has a title, too
        yield "title", element.text


def _h1(element: HtmlElement) -> Found:
    yield "h1", _seen_text(element)


def _seen_text(element: HtmlElement) -> str:
    """Return the text of an element as a reader sees it: without styles and scripts that stand in it."""
    return " ".join(_SEEN_TEXTS(element))


def _byline_places(element: HtmlElement) -> Iterator[str]:
    if element.get("itemprop") == "author":
        yield "itemprop.author"
    yield from (f"class.{name}" for name in (element.get("class") or "").split() if name in _BYLINE_CLASSES)


def _name_in(element: HtmlElement) -> HtmlElement:
    """Return the name within a byline, where it is marked as one."""
    return next((child for child in element.iterdescendants() if child.get("itemprop") == "name"), element)


def _time(element: HtmlElement) -> Found:
    moment = element.get("datetime")
    yield "time", moment
    if element.get("itemprop"):
        yield f"itemprop.{element.get('itemprop')}", moment
    if element.get("pubdate") is not None:
        yield "time.pubdate", moment


def _a(element: HtmlElement) -> Found:
    rel = element.get("rel")
    if not rel:
        return
    kinds = rel.lower().split()
    if "license" in kinds:
        yield "a.license", element.get("href")
    for kind in ("author", "category", "tag"):
        if kind in kinds:
            yield f"a.{kind}", element.text_content()
            break


_READERS: dict[str, Callable[[HtmlElement], Found]] = {
    "html": _html,
    "base": _base,
    "meta": _meta,
    "link": _link,
    "title": _title,
    "h1": _h1,
    "time": _time,
    "a": _a,
}
