"""Markup and character references in fields that should hold plain text.

Decides what is plainly HTML and what only looks like it, and undoes escaping once, never twice: `&amp;lt;` becomes
`&lt;`, which stays. A reference counts only with its semicolon and a name that HTML knows, so `AT&T`, `R&D;` and
`?a=1&copy=2` stay as they are. Finding the article in a whole page is the business of the HTML parser.
"""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5

import lxml.html
import polars as pl
from lxml.etree import ErrorTypes, LxmlError, _Element

from transforms.text_repair import change_where

REFERENCE = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_REFERENCE = re.compile(REFERENCE)

_BLOCK_NAMES = (
    "address|article|aside|blockquote|caption|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|li|"
    "main|nav|ol|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
)
_INLINE_NAMES = "a|abbr|b|big|cite|code|em|font|i|iframe|img|small|span|strike|strong|sub|sup|u"
_TAG_END = r"(?:\s[^<>]*)?/?>"
TAG = rf"(?i)</?(?:br|script|style|{_BLOCK_NAMES}|{_INLINE_NAMES}){_TAG_END}"
_BREAKING_TAG = rf"(?i)</?(?:br|{_BLOCK_NAMES}){_TAG_END}"
LEAST_BREAKING_TAGS = 3
"""A text that does not begin with a tag is HTML from three block tags on: prose about HTML names one or two."""

_BLOCK = re.compile(_BLOCK_NAMES)
_UNSEEN = frozenset({"script", "style", "noscript", "template", "head", "iframe", "object", "svg", "math"})


def unescape_references(texts: pl.Series) -> pl.Series:
    """Turn character references into the characters they stand for, once."""
    return change_where(texts, texts.str.contains(REFERENCE), _unescape_all)


def _unescape_all(texts: pl.Series) -> pl.Series:
    """Python per row, only for texts that hold a reference: 10 us each."""
    return pl.Series([_REFERENCE.sub(_character, text) for text in texts], dtype=pl.String)


def _character(reference: re.Match[str]) -> str:
    # `html.unescape` also reads the beginning of an unknown name: `&notit;` would become `¬it;`.
    name = reference[0][1:]
    return unescape(reference[0]) if name[0] == "#" else html5.get(name, reference[0])


def strip_tags(texts: pl.Series) -> pl.Series:
    """Take the tags out of a headline or another text of one line."""
    return change_where(
        texts,
        texts.str.contains(TAG),
        lambda tagged: tagged.str.replace_all(_BREAKING_TAG, " ").str.replace_all(TAG, ""),
    )


def is_html(text: pl.Expr) -> pl.Expr:
    """Tell whether a text is plainly HTML: it begins with a tag, or holds several that make blocks."""
    begins_with_tag = text.str.contains(rf"^\s*{_BREAKING_TAG}") | text.str.contains(rf"(?s)^\s*{TAG}.*{TAG}")
    return begins_with_tag | (text.str.count_matches(_BREAKING_TAG) >= LEAST_BREAKING_TAGS)


def html_to_text(texts: pl.Series) -> pl.Series:
    """Turn HTML fragments into text with a blank line between blocks; what yields no text stays as it is.

    Python per row, only for texts that are plainly HTML.
    """
    return pl.Series([fragment_text(text) or text for text in texts], dtype=pl.String)


def fragment_text(fragment: str) -> str:
    """Return the text of an HTML fragment with a blank line between blocks; empty where there is none."""
    parser = lxml.html.HTMLParser(huge_tree=True)  # or else libxml2 leaves out what is deep or long, without a word
    try:
        # libxml2 stops reading at a NUL.
        root = lxml.html.fragment_fromstring(fragment.replace("\0", ""), create_parent="div", parser=parser)
    except (LxmlError, ValueError, AssertionError):
        return ""
    if any(entry.type == ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        return _without_markup(fragment)
    return "".join(_pieces(root)).strip()


def _without_markup(fragment: str) -> str:
    """Take the tags out of what is nested more deeply than any reader goes; each stands for a break."""
    return unescape(re.sub(r"<[^<>]*>", "\n\n", fragment)).strip()


def _pieces(root: _Element) -> Iterator[str]:
    """Give text and breaks in reading order; white space in the source of a fragment means a space."""
    opened = lxml.etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in opened:
        name = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if name in _UNSEEN:
                opened.skip_subtree()
                continue
            yield _break(name)
            yield _flowing(element.text)
            continue
        if event == "end" and name not in _UNSEEN:
            yield _break(name) if name != "br" else ""
        yield _flowing(element.tail)


def _break(name: str) -> str:
    if name == "br":
        return "\n"
    return "\n\n" if _BLOCK.fullmatch(name) else ""


def _flowing(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""
