"""A decoded web page to the tree that its metadata and its text are read from.

The tree is the one that trafilatura's `load_html` makes, in two thirds of the time (1.1 instead of 1.6 ms a page):
bytes are parsed instead of characters, and only the beginning is searched for broken markup. All elements are of one
class: else lxml asks Python for the class of each, by its tag, whenever a step of an extractor comes across it, 3,900
times a page, for the sake of forms that nobody fills in. That takes another millisecond.
"""

import lxml.html
from lxml.etree import ElementDefaultClassLookup, ErrorTypes, LxmlError
from lxml.html import HtmlElement, HTMLParser

JSON_LD = "application/ld+json"
_BEGINNING_CHARS = 50
_REPAIRED_CHARS = 4_096  # and the rest of the line
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\r"})
_NONCHARACTERS = ("\ufffe", "\uffff")


def parse_page(page: str) -> HtmlElement | None:
    """Parse a page as trafilatura does, and again if it is nested too deeply for that; null where no parser goes."""
    tree = _parsed(page)
    return _parsed_deeply(page) if _gave_up(_PARSER) else tree


def drop_scripts(tree: HtmlElement) -> None:
    """Take scripts and styles out of a tree, but for JSON-LD.

    No step of trafilatura reads them: each leaves them out itself, after the tree was copied and searched with them. It
    takes 14.2 ms a page instead of 15.5.
    """
    for element in [*tree.iterdescendants("script", "style")]:
        if element.get("type") != JSON_LD:
            element.drop_tree()


def _parser(*, huge_tree: bool) -> HTMLParser:
    """Make a parser with the settings of trafilatura's."""
    parser = HTMLParser(
        huge_tree=huge_tree,
        collect_ids=False,
        default_doctype=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
    )
    parser.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))
    return parser


_PARSER = _parser(huge_tree=False)


def _parsed(page: str) -> HtmlElement | None:
    """Parse a page that is not nested deeply; null where it is empty, or hardly more and no HTML."""
    beginning = page[:_BEGINNING_CHARS].lower()
    try:
        tree = lxml.html.fromstring(_repaired(page, beginning), parser=_PARSER)
    except LxmlError:
        return None
    return tree if "html" in beginning or len(tree) > 1 else None


def _repaired(page: str, beginning: str) -> bytes:
    """Repair the first lines as trafilatura does, and leave out everywhere what is no character of XML."""
    from trafilatura.utils import repair_faulty_html  # noqa: PLC0415 -- slow

    end = page.find("\n", _REPAIRED_CHARS) + 1 or len(page)
    text = repair_faulty_html(page[:end], beginning) + page[end:]
    for character in filter(text.__contains__, _NONCHARACTERS):
        text = text.replace(character, "")
    return text.encode("utf-8", "replace").translate(None, _CONTROLS)  # a seventh of the time of a pattern


def _parsed_deeply(page: str) -> HtmlElement | None:
    parser = _parser(huge_tree=True)
    try:
        tree = lxml.html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except LxmlError:
        return None
    return None if _gave_up(parser) else tree


def _gave_up(parser: HTMLParser) -> bool:
    """Tell whether a parser stopped in the middle, which libxml2 does without a word."""
    last = parser.error_log.last_error
    return last is not None and last.type == ErrorTypes.ERR_RESOURCE_LIMIT
