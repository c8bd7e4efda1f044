"""The format of a drop, from its first bytes and its name.

Decides by content first: signatures of binary formats, then how the text begins. The name decides only between readings
that the content allows: it makes JSON of what does not even look like JSON, CSV or Markdown of what could be prose.
Leaves to the parsers whether the content is well formed, and never calls a recognised format text.
"""

import re
from collections.abc import Callable

import orjson

from transforms.csv_dialect import make_grammar, sample_rows
from transforms.formats import TEXT_FORMATS, Format, format_of_name

HEAD_BYTES = 256 * 1024  # JSON Lines show themselves by their second line, and one article may be 100 KB of HTML
NAME_CHARS = 64  # longest cell that can be a column name
FEWEST_NAMES = 2  # known names in a header: one such word begins many a sentence
FEWEST_OBJECTS = 2  # lines that are objects make JSON Lines; a single one is a document
LINES_LOOKED_AT = 12  # for JSON Lines: one bad line in three would still leave a majority

_XML_PROLOGUE = re.compile(
    r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>\s*)*", re.DOTALL | re.IGNORECASE
)
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)(?=[\s/>])")
_HTML_DOCTYPE = re.compile(r"<!DOCTYPE\s+html\b", re.IGNORECASE)
_HTML_FRAGMENT = frozenset(
    {"article", "main", "section", "header", "div", "p", "h1", "h2", "table", "ul", "title", "meta", "link", "script"}
)
_ROOTS = {
    **dict.fromkeys(("html", "head", "body"), Format.HTML),
    "rss": Format.RSS,
    "rdf": Format.RSS,
    "feed": Format.ATOM,
}
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_JSON_OBJECT = re.compile(rf"\{{\s*(?:{_STRING}\s*:|\}}\s*$)")
_SPREAD_DOCUMENT = re.compile(r'(?:\{[ \t\r]*\n\s*"|\[[ \t\r]*\n)')
_JSON_ARRAY = re.compile(rf"\[\s*\{{\s*(?:{_STRING}\s*:|\}}\s*[,\]])")
_FIELD = re.compile(r"[\w\"'][\w\"'. -]{0,63}[:=]")


def detect_format(
    text: str | None,
    *,
    name: str,
    hint: Format | None,
    is_known: Callable[[str], bool],
    is_whole: bool = True,
) -> Format:
    """Tell the format of a decompressed drop without a signature (see `formats.detect_binary`).

    Args:
        text: Its first `HEAD_BYTES`, decoded, without byte-order mark; null where they are no text.
        name: File name; suffixes of compressions are passed over.
        hint: What the source declares; it takes the place of the name's suffix.
        is_known: Whether a column name means a raw field: tells a table of articles from prose with commas.
        is_whole: Whether nothing comes behind the text: a drop that only begins blank is not empty.
    """
    named = hint or format_of_name(name)
    if text is None:
        return Format.BINARY if named is None or named in TEXT_FORMATS else named
    if not text.strip():
        if is_whole:
            return named if named in {Format.JSON, Format.JSONL} else Format.EMPTY
        return named if named in TEXT_FORMATS else Format.TEXT
    return _detect_markup(text, named) or _detect_json(text, named) or _detect_plain(text, named, is_known)


def _detect_markup(text: str, named: Format | None) -> Format | None:
    """Recognise HTML and XML by the root element, past declarations and comments."""
    if not text.lstrip().startswith("<"):
        return None
    prologue = _XML_PROLOGUE.match(text)
    start = prologue.end() if prologue else 0
    root = _ROOT.match(text, start)
    element = root[2].lower() if root else ""
    if element in _ROOTS:
        return _ROOTS[element]
    if _HTML_DOCTYPE.search(text, 0, start):
        return Format.HTML
    if text.lstrip().startswith("<?xml"):
        return Format.XML
    # Markdown may begin with an HTML element, and JSON or CSV in its name makes a lone tag a mistake in it.
    if element in _HTML_FRAGMENT and "</" in text and named in {None, Format.TEXT, Format.HTML}:
        return Format.HTML
    return None


def _detect_json(text: str, named: Format | None) -> Format | None:
    """Recognise JSON and JSON Lines, whatever the name; where the name promises one of them, nothing else fits."""
    start = text.lstrip()
    promised = named in {Format.JSON, Format.JSONL}
    if not promised and not start.startswith(("{", "[")):
        return None
    if _is_json_lines(start):
        return Format.JSONL
    if named is Format.JSONL:
        return Format.JSON if _is_document(start) else Format.JSONL
    if promised or _JSON_OBJECT.match(start) or _JSON_ARRAY.match(start) or (named is None and _parses(start)):
        return Format.JSON
    return None


def _is_json_lines(text: str) -> bool:
    """Tell whether two or more lines are objects of their own, or at least look so where one of them is damaged."""
    lines = [line for line in map(str.strip, text.split("\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT]) if line]
    objects = [line for line in lines if line.startswith("{") and _JSON_OBJECT.match(line)]
    if len(objects) < FEWEST_OBJECTS:
        return False
    if _parses(lines[0]):
        return lines[1].startswith(("{", "["))
    # The members of an object that is spread over lines do not begin with braces, and its parts end with commas.
    closed = [line for line in objects if line.endswith("}")]
    return lines[0].startswith("{") and len(closed) >= FEWEST_OBJECTS and 2 * len(closed) >= len(lines)


def _is_document(text: str) -> bool:
    """Tell whether a file named as JSON Lines holds one document: an array of objects, or an object over many lines."""
    return bool(_JSON_ARRAY.match(text) or _SPREAD_DOCUMENT.match(text))


def _parses(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _detect_plain(text: str, named: Format | None, is_known: Callable[[str], bool]) -> Format:
    """Settle what neither signature nor markup tells: front matter, a header with known names, else the name."""
    if named is not None and named is not Format.TEXT:
        return named
    if _has_front_matter(text):
        return Format.MARKDOWN
    return _detect_table(text, is_known) or Format.TEXT


def _has_front_matter(text: str) -> bool:
    """Tell whether the text begins with a block of fields between lines of `---` or `+++`."""
    first, _, rest = text.partition("\n")
    fence = first.rstrip()
    if fence not in {"---", "+++"}:
        return False
    lines = rest.split("\n")
    fields = (line for line in lines if line.strip() and not line.startswith("#"))
    return bool(_FIELD.match(next(fields, ""))) and any(line.rstrip() == fence for line in lines)


def _detect_table(text: str, is_known: Callable[[str], bool]) -> Format | None:
    """Recognise a header: short cells, of which two are names that we know, and a second line."""
    header, _, rest = text.partition("\n")
    if not rest.strip() or len(header) > 64 * NAME_CHARS:
        return None
    for delimiter in "\t,;|":
        cells = [cell.strip().strip('"') for cell in header.split(delimiter)]
        if sum(map(is_known, cells)) >= FEWEST_NAMES and all(len(cell) <= NAME_CHARS for cell in cells):
            return _table_if_wide(text, delimiter, width=len(cells))
    return None


def _table_if_wide(text: str, delimiter: str, *, width: int) -> Format | None:
    """Take a text for a table where most rows are as wide as its header: "Summary, Text" may well begin an article."""
    rows = sample_rows(f"{text}\n".encode(), make_grammar(delimiter), encoding="utf-8")[1:]
    if 2 * sum(len(row) == width for row in rows if row != [""]) <= sum(row != [""] for row in rows):
        return None
    return Format.TSV if delimiter == "\t" else Format.CSV
