"""Markup: what is HTML becomes text, what only looks like it stays."""

import polars as pl
import pytest

from transforms.markup import fragment_text, html_to_text, is_html, strip_tags, unescape_references


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("Fish &amp; chips", "Fish & chips"),
        ("&#8217;&#x201C;&quot;&eacute;", '’“"é'),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("AT&T, R&D; and ?a=1&copy=2&lt=3", "AT&T, R&D; and ?a=1&copy=2&lt=3"),
        ("&notit; &bogus; &;", "&notit; &bogus; &;"),
        ("&#150;", "–"),
        ("&#0;&#xD800;&#99999999;", "\ufffd\ufffd&#99999999;"),
        ("&nbsp;", "\u00a0"),
    ],
)
def test_references_are_read_once_and_only_with_a_known_name(escaped: str, text: str) -> None:
    assert unescape_references(pl.Series([escaped])).to_list() == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One.</p>", True),
        ("  <div class='x'><p>One.", True),
        ("<b>Colombo</b> – The minister", True),
        ("Colombo<br>The minister<br/>said<br />so", True),
        ("Intro.<p>One.</p><p>Two.</p>", True),
        ("Use <p> to begin a paragraph and </p> to end it.", False),
        ("if a < b and b > c", False),
        ("<i am not a tag>", False),
        ("Mail <jane@example.com>", False),
    ],
)
def test_html_is_told_from_prose_that_mentions_tags(text: str, expected: bool) -> None:
    assert pl.DataFrame({"text": [text]}).select(is_html(pl.col("text"))).item() is expected


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("<p>One\n two.</p><p>Three.</p>", "One two.\n\nThree."),
        ("<h2>Head</h2>Text<ul><li>a</li><li>b</li></ul>end", "Head\n\nText\n\na\n\nb\n\nend"),
        ("<p>a<br>b</p>", "a\nb"),
        ("<p>a <b>bold</b>, <i>slanted</i> text</p>", "a bold, slanted text"),
        ("<p>a</p><script>var x = '<p>';</script><style>p{}</style><!-- no --><p>b</p>", "a\n\nb"),
        ("<p>a</p><noscript><p>no</p></noscript><svg><text>no</text></svg><p>b</p>", "a\n\nb"),
        ("<p>&amp;lt; &amp; &#8217;</p>", "&lt; & ’"),
        ("<p>a\x00b</p>", "ab"),
        ("<p><?xml version='1.0' encoding='x'?>a</p>", "a"),
    ],
)
def test_fragments_become_paragraphs(fragment: str, text: str) -> None:
    lines = [line.strip() for line in html_to_text(pl.Series([fragment])).item().split("\n")]
    squeezed = "\n".join(line for number, line in enumerate(lines) if line or (number and lines[number - 1]))
    assert squeezed == text


@pytest.mark.parametrize("fragment", ["<p></p>", "<script>x</script>", "<p><!-- nothing -->"])
def test_a_fragment_without_text_stays_as_it_is(fragment: str) -> None:
    assert html_to_text(pl.Series([fragment])).item() == fragment


def test_deep_and_long_fragments_are_read_whole() -> None:
    deep = "<div>" * 5_000 + "deep" + "</div>" * 5_000
    long = "<p>word</p>" * 20_000
    texts = html_to_text(pl.Series([f"<p>top</p>{deep}", long]))
    assert texts[0].startswith("top")
    assert texts[1].count("word") == 20_000


def test_tags_of_a_headline_go() -> None:
    headlines = pl.Series(["<b>Big</b> <span class='x'>news</span>", "One<br/>two", "5 < 6 > 4", None])
    assert strip_tags(headlines).to_list() == ["Big news", "One two", "5 < 6 > 4", None]


@pytest.mark.parametrize(
    "fragment",
    [
        "".join(f"<b>word{number}<br>" for number in range(400)),
        "".join(f"<b>word{number}<br>" for number in range(4_000)),
        "<div>" * 300 + "word0" + "<p>word1</p>",
        "<p>" + "word " * 2_500_000 + "</p>",
    ],
    ids=["400 deep", "4,000 deep", "300 blocks deep", "12 MB in one piece"],
)
def test_no_text_is_lost_however_deep_or_long(fragment: str) -> None:
    assert fragment_text(fragment).count("word") == fragment.count("word")


def test_tags_nested_without_end_cost_linear_time() -> None:
    assert fragment_text("<b>" * 200_000 + "word <" + " <" * 200_000).startswith("word")
