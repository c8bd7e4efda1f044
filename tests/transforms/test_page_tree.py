"""Trees of pages: those that trafilatura makes itself, without what none of its steps reads."""

import gzip
from pathlib import Path

import lxml.html
import pytest
import trafilatura
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import tostring
from lxml.html import HtmlElement

from transforms.decoding import decode_text
from transforms.page_tree import drop_scripts, parse_page

TEXT = "The council met on Tuesday and agreed to repair the old bridge before winter sets in."


def markup(tree: HtmlElement | None) -> str | None:
    return None if tree is None else tostring(tree, encoding="unicode")


def real_pages(shared_data: Path) -> list[str]:
    """Read every tenth page, whatever its encoding."""
    paths = sorted((shared_data / "extraction" / "html").glob("*.gz"))[::10]
    return [decode_text(gzip.decompress(path.read_bytes()), "utf-8") for path in paths]


@pytest.mark.parametrize(
    "page",
    [
        "",
        "Nothing but text.",
        "<p>One paragraph.</p>",
        "<p>One paragraph.</p><p>And another.</p>",
        "<script>var a = 1;</script>",
        "<?xml version='1.0' encoding='latin-1'?><html><body><p>Café.</p></body></html>",
        "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0//EN' /><html><body><p>Café.</p></body></html>",
        "<html lang='en'/>\n<body><p>Café.</p></body>",
        "<html>\n" + "<p>A line.</p>\n" * 400 + "<html class='second'/>\n",
        "<html><body>" + f"<p>{TEXT}\x00\x0b\x1f\ufffe\uffff</p>" * 100,
        "<html><meta charset='iso-8859-1'><body><p>Łódź 🙂 — café</p><!-- unseen --><?php echo 1 ?></body></html>",
        "<html><body><form><input name='a'><textarea>b</textarea></form></body></html>",
    ],
)
def test_tree_is_the_one_that_trafilatura_makes(page: str) -> None:
    assert markup(parse_page(page)) == markup(trafilatura.load_html(page))


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<html/>", "<!doctype /x>", "a", "é", "\n", "\x01", "\ufffe", "<a b='c'>"])
    )
)
def test_tree_of_broken_markup_is_the_one_that_trafilatura_makes(pieces: list[str]) -> None:
    page = "".join(pieces)
    assert markup(parse_page(page)) == markup(trafilatura.load_html(page))


def test_trees_of_real_pages_are_those_that_trafilatura_makes(shared_data: Path) -> None:
    for page in real_pages(shared_data):
        assert markup(parse_page(page)) == markup(trafilatura.load_html(page))


def test_half_of_a_surrogate_pair_takes_nothing_with_it() -> None:
    tree = parse_page(f"<html><body><p>{TEXT[:10]}\ud800{TEXT[10:]}</p><p>More.</p></body></html>")
    assert tree is not None
    assert tree.text_content().endswith("sets in.More.")


def test_scripts_and_styles_go_and_what_stands_between_them_stays() -> None:
    linked = '<script type="application/ld+json">{"@type": "NewsArticle"}</script>'
    tree = lxml.html.document_fromstring(f"<body>a<script>1</script>b<style>2</style>c{linked}d<p>e</p></body>")
    drop_scripts(tree)
    assert markup(tree) == f"<html><body>abc{linked}d<p>e</p></body></html>"


def test_page_that_is_a_script_stays_as_it_is() -> None:
    tree = lxml.html.fragment_fromstring("<script>1</script>")
    drop_scripts(tree)
    assert markup(tree) == "<script>1</script>"


def test_text_of_real_pages_is_the_same_without_scripts(shared_data: Path) -> None:
    for page in real_pages(shared_data):
        tree = parse_page(page)
        assert tree is not None
        drop_scripts(tree)
        [mine, theirs] = [trafilatura.bare_extraction(one, include_comments=False) for one in (tree, page)]
        assert (mine and mine.text) == (theirs and theirs.text)
