"""Markdown to one raw record: front matter to fields, the rest to plain text.

Front matter is a block of YAML between lines of `---`, or of TOML between lines of `+++`, at the top of the file. A
line of YAML that cannot be read by itself, as its text holds a colon or an apostrophe that should have been quoted, or
a date that no calendar has, is taken as it stands. A block that is not what it claims to be even so makes the file a
reject, as nobody can tell where it was meant to end; one that holds no mapping is no front matter, but text between two
rules. The headline is the one of the front matter, else a heading of the first level that the text begins with.

Markdown is rendered to HTML, and that to text, as HTML is the only other thing that Markdown may hold: paragraphs,
headings, list items and rows of tables are blocks, link targets and images are gone. Templating tags (`{{< >}}`,
`{% %}`) are no Markdown and stay, but for those that stand for the target of a link.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import yaml

from transforms.decoding import decode_text
from transforms.markup import fragment_text
from transforms.parse_text import single_record, text_fault
from transforms.raw_batches import ParseOptions, RawBatch, single_reject

if TYPE_CHECKING:
    from markdown_it import MarkdownIt  # 60 ms to import, for drops that may not come
    from markdown_it.token import Token

FRONT_MATTER_CHARS = 64 * 1024
"""Most of a front matter; the YAML reader takes 1 ms for a kilobyte."""

_FRONT_MATTER = re.compile(
    r"\s*(?:---[ \t]*\r?\n(?P<yaml>.*?)^(?:---|\.\.\.)|\+\+\+[ \t]*\r?\n(?P<toml>.*?)^\+\+\+)[ \t]*(?:\r?\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_UNREADABLE = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    RecursionError,
    OverflowError,
)
"""What readers raise at front matter that is none; that of YAML trips over values that do not fit their tags."""

_NAME_AND_TEXT = re.compile(r"(?P<name>[A-Za-z_][\w-]*):[ \t]+(?P<text>[^\s\[{|>&*!#].*)")
_TEMPLATED_TARGET = re.compile(r"(?<=\]\()\s*\{\{[<%][^\n]*?[%>]\}\}")


class _Page(NamedTuple):
    """Front matter, and the Markdown after it."""

    fields: Mapping[str, object]
    text: str


class _FrontMatterError(Exception):
    """The front matter is not what it claims to be."""


def parse_markdown(data: bytes, *, encoding: str, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the record of a Markdown file, or the reject of one that cannot be read."""
    text = decode_text(data, encoding)
    fault = text_fault(text)
    if fault is not None:
        return single_reject(options, *fault, raw=data, byte_end=len(data))
    try:
        page = _split_front_matter(text)
    except _FrontMatterError as error:
        return single_reject(options, "malformed_markdown", str(error), raw=data, byte_end=len(data))
    return single_record(_fields(page, options), options, byte_end=len(data))


def _split_front_matter(text: str) -> _Page:
    found = _FRONT_MATTER.match(text, 0, FRONT_MATTER_CHARS)
    if found is None:
        return _Page({}, text)
    kind, read = ("YAML", _read_yaml) if found["yaml"] is not None else ("TOML", tomllib.loads)
    fields = _read(kind, read, found["yaml"] if found["yaml"] is not None else found["toml"])
    if not isinstance(fields, dict):
        return _Page({}, text)
    return _Page({str(name): value for name, value in fields.items()}, text[found.end() :])


def _read(kind: str, read: Callable[[str], object], block: str) -> object:
    try:
        return read(block)
    except _UNREADABLE as error:
        place = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        line = f" at line {place.line + 2}" if place is not None else ""
        raise _FrontMatterError(f"the front matter is no {kind}: {problem}{line}") from error


class _PlainLoader(yaml.SafeLoader):
    """Reads YAML without aliases, of which a few lines can mean gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(problem="an alias stands in it")
        return super().compose_node(parent, index)


def _read_yaml(block: str) -> object:
    try:
        return _load(block)
    except _UNREADABLE:
        quoted = "\n".join(map(_quoted_if_broken, block.splitlines()))
        if quoted == block.rstrip("\n"):
            raise
        return _load(quoted)


def _load(block: str) -> object:
    return yaml.load(block, _PlainLoader)  # noqa: S506 -- a safe loader, with less to it


def _quoted_if_broken(line: str) -> str:
    """Quote the text of a line that is a name and a text, and no YAML."""
    found = _NAME_AND_TEXT.fullmatch(line)
    if found is None:
        return line
    try:
        _load(line)
    except _UNREADABLE:
        text = found["text"].strip()
        is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        return f"{found['name']}: {json.dumps(text[1:-1] if is_quoted else text, ensure_ascii=False)}"
    return line


def _fields(page: _Page, options: ParseOptions) -> dict[str, object]:
    renderer = _renderer()
    tokens = renderer.parse(_TEMPLATED_TARGET.sub("#", page.text))
    fields = dict(page.fields)
    has_headline = any(options.names.means(name, "headline") and fields[name] for name in fields)
    if not has_headline and _begins_with_headline(tokens):
        fields["headline"] = _text(renderer, tokens[:3])
        tokens = tokens[3:]
    return fields | {"body": _text(renderer, tokens)}


def _begins_with_headline(tokens: "list[Token]") -> bool:
    return len(tokens) > 3 and tokens[0].type == "heading_open" and tokens[0].tag == "h1"  # noqa: PLR2004 -- open, text, close


def _text(renderer: "MarkdownIt", tokens: "list[Token]") -> str:
    return fragment_text(renderer.renderer.render(tokens, renderer.options, {}))


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 -- 60 ms to import, for drops that may not come

    return MarkdownIt("commonmark").enable(["table", "strikethrough"])
