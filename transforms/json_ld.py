"""JSON-LD of a page: from the text of its script blocks to what they say of the article.

Decides which of the things that a page describes is its article, and how much broken JSON is mended: comments and CDATA
around it, character references, commas before a closing bracket, control characters, something behind the end. What
is still no JSON says nothing. Leaves to `page_metadata` which statement counts where several places make one.

Source: schema.org, types under `CreativeWork`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

Node = Mapping[str, Any]

_ARTICLE_TYPES = ("article", "blogposting", "report")  # ends of names: `ReviewNewsArticle`, `LiveBlogPosting`
_PAGE_TYPES = frozenset({"webpage", "itempage", "creativework", "discussionforumposting", "socialmediaposting"})
_NO_ARTICLE = 3
_NESTING = ("@graph", "mainEntity", "mainEntityOfPage", "hasPart")
_WRAPPING = re.compile(r"(?:\s|//|/\*|\*/|<!--|<!\[CDATA\[)*+")
_NEEDLESS_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', re.DOTALL)
_DEEPEST_NESTING = 4  # a graph in a list in a page; deeper down are comments and related things
_MOST_NODES = 500

_NAME_MEMBERS = ("name", "@value", "legalName", "alternateName")
_NAME_PARTS = ("givenName", "additionalName", "familyName")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_blocks(blocks: Sequence[str]) -> list[Node]:
    """Return the things that JSON-LD blocks describe, each with the ones it wraps, in order."""
    nodes: list[Node] = []
    for block in blocks:
        for node in _nodes(_loaded(block), depth=0):
            if len(nodes) == _MOST_NODES:
                return nodes
            nodes.append(node)
    return nodes


def _loaded(block: str) -> object:
    """Return the value of a block, mended where it has to be; null where it is past mending."""
    text = _WRAPPING.sub("", block, count=1)
    try:
        return _decoded(text)
    except (ValueError, RecursionError):
        pass
    mended = _NEEDLESS_COMMA.sub(r"\1", unescape(text) if "&quot;" in text or "&#34;" in text else text)
    try:
        return _decoded(mended)
    except (ValueError, RecursionError):
        return None


def _decoded(text: str) -> object:
    """Decode the JSON value that a text begins with; line breaks and other controls in strings are let through."""
    return json.JSONDecoder(strict=False).raw_decode(text)[0]


def _nodes(value: object, *, depth: int) -> Iterator[Node]:
    if depth > _DEEPEST_NESTING:
        return
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item, depth=depth + 1)
    elif isinstance(value, dict):
        yield value
        for name in _NESTING:
            yield from _nodes(value.get(name), depth=depth + 1)


def find_article(nodes: Sequence[Node]) -> Node:
    """Return the article that a page is about: news before other articles before the page itself; empty where none is.

    Of several of one rank the first counts; those that follow are what the page links to.
    """
    found = min(nodes, key=_rank, default={})
    return found if _rank(found) < _NO_ARTICLE else {}


def _rank(node: Node) -> int:
    types = types_of(node)
    if any(name.endswith("newsarticle") for name in types):
        return 0
    if any(name.endswith(_ARTICLE_TYPES) for name in types):
        return 1
    return _NO_ARTICLE - 1 if _PAGE_TYPES.intersection(types) else _NO_ARTICLE


def types_of(node: Node) -> list[str]:
    """Return the names of a thing's types in lower case, without the address of the vocabulary."""
    return [name.rpartition("/")[2].rpartition(":")[2].lower() for name in texts(node.get("@type"))]


def texts(value: object) -> list[str]:
    """Return the texts of a property: a text, the name of a thing, or a list of either; references are resolved."""
    if isinstance(value, str):
        text = " ".join(unescape(value).split())
        return [text] if text else []
    if isinstance(value, list):
        return [text for item in value if not isinstance(item, list) for text in texts(item)]
    if isinstance(value, dict):
        return next((found for name in _NAME_MEMBERS if (found := texts(value.get(name)))), [])
    return [str(value)] if isinstance(value, int) and not isinstance(value, bool) else []


def persons(value: object, *, nodes: Sequence[Node]) -> list[str]:
    """Return the names under `author`, which may be texts, things, references to things, or a list of these."""
    return [name for item in (value if isinstance(value, list) else [value]) for name in _person(item, nodes)]


def _person(value: object, nodes: Sequence[Node]) -> list[str]:
    if not isinstance(value, dict):
        return texts(value)
    if value.keys() <= {"@id", "@type"}:
        referred = (node for node in nodes if node.get("@id") == value.get("@id") and node is not value)
        value = next((node for node in referred if len(node) > len(value)), value)
    parts = [part for name in _NAME_PARTS for part in texts(value.get(name))]
    return texts(value) or ([" ".join(parts)] if parts else [])


def addresses(value: object) -> list[str]:
    """Return the addresses of a property: texts, or things that have one."""
    if isinstance(value, dict):
        return [text for name in ("@id", "url") for text in texts(value.get(name))]
    return texts(value) if isinstance(value, str) else []


def truth(value: object) -> bool | None:
    """Read a truth value as publishers write it: `true`, "False", "https://schema.org/True"; null for anything else."""
    if isinstance(value, bool):
        return value
    [text] = texts(value)[:1] or [""]
    return _TRUTH.get(text.rpartition("/")[2].lower())
