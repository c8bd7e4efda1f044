"""Metadata of a page: of what it says of itself, the statements that count, each with the place that made it.

Decides which statements are none: an address for a name, a date without a year, an address that is relative to nothing,
a publisher among the authors. Rather null than a guess: of `<time>`, headings, bylines and microdata, which pages also
write around the teasers of other articles, only what does not contradict itself counts. Which place is believed before
which is told by `page_precedence`; dates, languages and bylines are read in cleaning.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from transforms.page_precedence import PRECEDENCE
from transforms.page_statements import Statements, read_statements

LIST_FIELDS = frozenset({"authors", "keywords", "categories"})
_ONE_TRUTH = ("time", "itemprop.", "h1", "a.author", "class.")  # a page also uses them for what it links to
_SEEN = ("itemprop.", "a.", "class.")  # readers see them, with other words around the name

_ADDRESS = re.compile(r"//|\bwww\.|@|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$", re.IGNORECASE)
_HANDLE = re.compile(r"\s+\(?@\w+\)?$")
_YEAR = re.compile(r"(?<!\d)(?:1[6-9]|20|21)\d\d")
_NO_DATE = re.compile(r"^(?:1970-01-01|0001|1900-01-01)")  # zero, as machines write it
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
_NOBODY = frozenset({"admin", "administrator", "author", "unknown", "undefined", "null", "none", "n/a", "anonymous"})
_BY = re.compile(r"^(?:by|von|vom|par|por|door|auteur|author|autor|autore)[:\s]\s*", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")
_LONGEST_NAME = 120  # characters; longer ones are biographies
_LONGEST_BYLINE = 60
_COMMA = re.compile(r"\s*[,;]\s*")
_SITE_SEPARATOR = re.compile(r"\s+[|–—·•»:-]+\s+|\s*\|\s*|:\s+")


@dataclass(frozen=True)
class PageMetadata:
    """What a page says of itself.

    Attributes:
        fields: Fields of a raw record and of its `extra`, by name.
        origins: Place of each of them.
    """

    fields: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)


class _Statement(NamedTuple):
    """A statement, its place, and all others of its page."""

    text: str
    place: str
    page: Statements


_Accept = Callable[[_Statement], Iterable[str]]


def read_metadata(tree: HtmlElement) -> PageMetadata:
    """Read the metadata of a parsed page; the tree stays as it is."""
    page = read_statements(tree)
    found = PageMetadata()
    for name, places in PRECEDENCE.items():
        place, values = _first_accepted(name, places, page)
        if values:
            found.fields[name] = values if name in LIST_FIELDS else values[0]
            found.origins[name] = place
    if page.is_accessible_for_free is not None:
        found.fields["is_accessible_for_free"] = page.is_accessible_for_free
        found.origins["is_accessible_for_free"] = "json_ld.isAccessibleForFree"
    return found


def _first_accepted(name: str, places: Iterable[str], page: Statements) -> tuple[str, list[str]]:
    """Return the first place with something acceptable, and all that counts of what it states."""
    stated = [place for place in places if place in page.by_place]
    for accept in _ACCEPTS.get(name, (_as_stated,)):
        for place in stated:
            values = _accepted(place, page, accept)
            contradicts = len(values) > 1 and place.startswith(_ONE_TRUTH)
            if values and not contradicts:
                return place, values
    return "", []


def _accepted(place: str, page: Statements, accept: _Accept) -> list[str]:
    statements = (_Statement(text, place, page) for text in page.by_place[place])
    return list(dict.fromkeys(value for statement in statements for value in accept(statement)))


def _as_stated(statement: _Statement) -> Iterable[str]:
    yield statement.text


def _headlines(statement: _Statement) -> Iterable[str]:
    """Accept a headline without the name of the site before or behind it; the name alone is none."""
    names = {_squashed(name) for name in (*_houses(statement.page), *_hosts(statement.page), "")}
    text = statement.text
    for separator in reversed([*_SITE_SEPARATOR.finditer(text)]):
        if _squashed(text[separator.end() :]) in names:
            text = text[: separator.start()]
    for separator in _SITE_SEPARATOR.finditer(text):
        if _squashed(text[: separator.start()]) in names:
            text = text[separator.end() :]
            break
    return [text] if _squashed(text) not in names else []


def _squashed(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _houses(page: Statements) -> set[str]:
    """Return the names of the site and of its publisher."""
    places = (*PRECEDENCE["publisher"], *PRECEDENCE["site_name"])
    return {name.casefold() for place in places for name in page.by_place.get(place, ())}


def _hosts(page: Statements) -> Iterable[str]:
    """Give the host of the page, and the part of it that is a name."""
    for place in ("link.canonical", "og:url"):
        for url in page.by_place.get(place, ()):
            host = (_host(url) or "").removeprefix("www.")
            yield from (host, *host.split(".")[-2:-1])


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _names(statement: _Statement) -> Iterable[str]:
    """Accept a name, unless it is an address, nobody, or the publisher; a byline that says more than names is none."""
    name = statement.text
    if statement.place.startswith(_SEEN):
        name = _BY.sub("", name).strip(" ,;:|·")
        if len(name) > _LONGEST_BYLINE or any(map(str.isdigit, name)):
            return
    name = _HANDLE.sub("", name)
    is_name = len(name) <= _LONGEST_NAME and not _ADDRESS.search(name) and any(map(str.isalpha, name))
    if is_name and name.casefold() not in _NOBODY | _houses(statement.page):
        yield name


def _moments(statement: _Statement) -> Iterable[str]:
    if _YEAR.search(statement.text) and not _NO_DATE.search(statement.text):
        yield statement.text


def _iso_moments(statement: _Statement) -> Iterable[str]:
    return _moments(statement) if _ISO.match(statement.text) else ()


def _urls(statement: _Statement) -> Iterable[str]:
    """Accept an absolute web address, and a relative one where the page says what it is relative to."""
    try:
        url = urljoin(statement.page.first("base.href", "og:url") or "", statement.text)
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return
    if is_web:
        yield url


def _languages(statement: _Statement) -> Iterable[str]:
    if _LANGUAGE.fullmatch(statement.text):
        yield statement.text


def _parts(statement: _Statement) -> Iterable[str]:
    """Accept what stands between commas."""
    return filter(None, _COMMA.split(statement.text))


def _houses_stated(statement: _Statement) -> Iterable[str]:
    """Accept a publisher, unless it is the address of a profile."""
    return () if "//" in statement.text or statement.text.startswith("@") else (statement.text,)


_ACCEPTS: Mapping[str, tuple[_Accept, ...]] = MappingProxyType(
    {
        "headline": (_headlines,),
        "authors": (_names,),
        "published_at": (_iso_moments, _moments),
        "modified_at": (_iso_moments, _moments),
        "url": (_urls,),
        "language": (_languages,),
        "keywords": (_parts,),
        "publisher": (_houses_stated,),
    }
)
"""What counts as a statement of a field. A second rule is for pages where the first accepts nothing in any place."""
