"""What a page says of itself, from every kind of markup, with the place that said it."""

import json
from typing import Any

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.json_ld import read_blocks
from transforms.page_metadata import PageMetadata, read_metadata

NOTHING = PageMetadata()


def metadata(head: str = "", body: str = "", *, html: str = "<html>") -> PageMetadata:
    return read_metadata(
        lxml.html.document_fromstring(f"<!doctype html>{html}<head>{head}</head><body>{body}<p>Text.</p></body></html>")
    )


def json_ld(value: Any, *, before: str = "", after: str = "") -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f'<script type="application/ld+json">{before}{text}{after}</script>'


def an_article(**overrides: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "NewsArticle", "headline": "Bridge closed"} | overrides


@pytest.mark.parametrize(
    ("head", "field", "value", "place"),
    [
        (json_ld(an_article()), "headline", "Bridge closed", "json_ld.headline"),
        ('<meta property="og:title" content="Bridge">', "headline", "Bridge", "og:title"),
        ('<meta name="citation_title" content="Bridge">', "headline", "Bridge", "meta.citation_title"),
        ('<meta name="DC.title" content="Bridge">', "headline", "Bridge", "meta.dc.title"),
        ('<meta name="dc:title" content="Bridge">', "headline", "Bridge", "meta.dc.title"),
        ("<title>Bridge</title>", "headline", "Bridge", "title"),
        (
            json_ld(an_article(alternativeHeadline="Shut")),
            "alternative_headline",
            "Shut",
            "json_ld.alternativeHeadline",
        ),
        ('<meta property="og:description" content="In May.">', "dek", "In May.", "og:description"),
        ('<meta name="description" content="In May.">', "dek", "In May.", "meta.description"),
        ('<meta name="author" content="Ann Lee">', "authors", ["Ann Lee"], "meta.author"),
        ('<meta name="sailthru.author" content="Ann Lee">', "authors", ["Ann Lee"], "meta.sailthru.author"),
        ('<meta property="article:author" content="Ann Lee">', "authors", ["Ann Lee"], "article:author"),
        ('<meta name="parsely-pub-date" content="2026-03-01">', "published_at", "2026-03-01", "meta.parsely-pub-date"),
        (
            '<meta itemprop="datePublished" content="2026-03-01">',
            "published_at",
            "2026-03-01",
            "itemprop.datePublished",
        ),
        (
            '<meta property="article:modified_time" content="2026-03-02T10:00:00Z">',
            "modified_at",
            "2026-03-02T10:00:00Z",
            "article:modified_time",
        ),
        ('<link rel="canonical" href="https://a.example/b">', "url", "https://a.example/b", "link.canonical"),
        ('<meta property="og:url" content="https://a.example/b">', "url", "https://a.example/b", "og:url"),
        ('<meta property="og:locale" content="de_DE">', "language", "de_DE", "og:locale"),
        ('<meta http-equiv="Content-Language" content="fr">', "language", "fr", "meta.content-language"),
        ('<meta name="keywords" content="roads, councils">', "keywords", ["roads", "councils"], "meta.keywords"),
        (json_ld(an_article(keywords=["roads", "a, b"])), "keywords", ["roads", "a", "b"], "json_ld.keywords"),
        (
            '<meta property="article:tag" content="x"><meta property="article:tag" content="y">',
            "keywords",
            ["x", "y"],
            "article:tag",
        ),
        ('<meta property="article:section" content="Metro">', "section", "Metro", "article:section"),
        (json_ld(an_article(publisher={"name": "Gazette"})), "publisher", "Gazette", "json_ld.publisher"),
        (
            json_ld(an_article(isAccessibleForFree="False")),
            "is_accessible_for_free",
            False,
            "json_ld.isAccessibleForFree",
        ),
        (json_ld(an_article(isAccessibleForFree=True)), "is_accessible_for_free", True, "json_ld.isAccessibleForFree"),
        ('<meta property="og:site_name" content="Gazette">', "site_name", "Gazette", "og:site_name"),
    ],
)
def test_each_kind_of_markup_is_read_and_named(head: str, field: str, value: object, place: str) -> None:
    found = metadata(head)
    assert (found.fields[field], found.origins[field]) == (value, place)


def test_language_of_the_page_is_that_of_its_first_tag() -> None:
    found = metadata(html='<html lang="en-GB">')
    assert (found.fields, found.origins) == ({"language": "en-GB"}, {"language": "html.lang"})


@pytest.mark.parametrize(
    "block",
    [
        an_article(),
        [an_article()],
        {"@context": "https://schema.org", "@graph": [{"@type": "WebPage", "name": "x"}, an_article()]},
        {"@type": "WebPage", "headline": "The page", "mainEntity": an_article()},
        an_article() | {"@type": ["Thing", "https://schema.org/ReportageNewsArticle"]},
        an_article() | {"@type": "BlogPosting"},
        an_article() | {"@type": "schema:Report"},
        [an_article() | {"@type": "Article", "headline": "Related"}, an_article()],
        an_article(headline="Bridge&#32;closed\n"),
        an_article(headline=["Bridge closed"]),
    ],
)
def test_article_is_found_wherever_json_ld_has_it(block: Any) -> None:
    assert metadata(json_ld(block)).fields["headline"] == "Bridge closed"


def test_article_may_stand_in_any_of_several_blocks() -> None:
    found = metadata(json_ld({"@type": "WebSite", "name": "Gazette"}) + json_ld("{broken") + json_ld(an_article()))
    assert (found.fields["headline"], found.fields["site_name"]) == ("Bridge closed", "Gazette")


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", '{"@type": "NewsArticle", "headline": "Bridge closed",}', ""),
        ("", '[{"@type": "NewsArticle", "headline": "Bridge closed",},]', ""),
        ("<!--", '{"@type": "NewsArticle", "headline": "Bridge closed"}', "-->"),
        ("//<![CDATA[\n", '{"@type": "NewsArticle", "headline": "Bridge closed"}', "\n//]]>"),
        ("/* <![CDATA[ */", '{"@type": "NewsArticle", "headline": "Bridge closed"}', "/* ]]> */"),
        ("", '{"@type": "NewsArticle", "headline": "Bridge closed"};', ""),
        ("", '{"@type": "NewsArticle", "headline": "Bridge\n\tclosed"}', ""),
        ("", "{&quot;@type&quot;: &quot;NewsArticle&quot;, &quot;headline&quot;: &quot;Bridge closed&quot;}", ""),
    ],
)
def test_json_ld_that_is_broken_in_a_known_way_is_mended(before: str, text: str, after: str) -> None:
    assert metadata(json_ld(text, before=before, after=after)).fields["headline"] == "Bridge closed"


@pytest.mark.parametrize("text", ["", "{", '{"@type":', "nonsense", "[" * 100_000, '"text"', "1", "[[[[[[[[{}]]]]]]]]"])
def test_json_ld_past_mending_says_nothing(text: str) -> None:
    assert metadata(json_ld(text)) == NOTHING


@given(st.text(st.sampled_from('{}[],:"\\ab@type<!->/* \n\x01'), max_size=60))
def test_no_text_of_a_block_raises(text: str) -> None:
    assert isinstance(read_blocks([text]), list)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(["name", "@id", "x"]), values),
        max_leaves=8,
    ),
    st.sampled_from(
        ["headline", "author", "publisher", "mainEntityOfPage", "isAccessibleForFree", "keywords", "@type"]
    ),
)
def test_no_value_of_a_property_raises(value: Any, name: str) -> None:
    assert isinstance(metadata(json_ld(an_article(**{name: value}).copy())), PageMetadata)


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ann Lee", ["Ann Lee"]),
        (["Ann Lee", {"@type": "Person", "name": "Bo Chen"}], ["Ann Lee", "Bo Chen"]),
        ({"name": ["Ann Lee", "Bo Chen"]}, ["Ann Lee", "Bo Chen"]),
        ({"givenName": "Ann", "familyName": "Lee"}, ["Ann Lee"]),
        ({"@type": "Organization", "name": "Reuters"}, ["Reuters"]),
        ({"@id": "#ann"}, ["Ann Lee"]),
        ("Ann Lee @annlee", ["Ann Lee"]),
        ({"@type": "Organization", "name": "gazette"}, None),
        ("https://gazette.example/ann", None),
        ("gazette.example", None),
        ("ann@gazette.example", None),
        ("admin", None),
        ("42", None),
        ({"name": None}, None),
        ([], None),
    ],
)
def test_authors_are_names_and_not_the_publisher(author: Any, names: list[str] | None) -> None:
    person = {"@type": "Person", "@id": "#ann", "name": "Ann Lee"}
    graph = {"@graph": [an_article(author=author, publisher={"@type": "Organization", "name": "Gazette"}), person]}
    assert metadata(json_ld(graph)).fields.get("authors") == names


@pytest.mark.parametrize(
    ("body", "names", "place"),
    [
        ('<a rel="author" href="/ann">Ann Lee</a>', ["Ann Lee"], "a.author"),
        ('<div itemprop="author">By <b itemprop="name">Ann Lee</b>, staff</div>', ["Ann Lee"], "itemprop.author"),
        ('<p class="meta byline">By Ann Lee</p>', ["Ann Lee"], "class.byline"),
        ('<p class="author">von Ann Lee,</p>', ["Ann Lee"], "class.author"),
        ('<p class="author">Ann Lee, 3 March 2026</p>', None, None),
        ('<p class="author">Ann Lee</p><p class="author">Bo Chen</p>', None, None),
        ('<p class="authority">Ann Lee</p>', None, None),
    ],
)
def test_bylines_that_readers_see_count_where_there_is_one(
    body: str, names: list[str] | None, place: str | None
) -> None:
    found = metadata(body=body)
    assert (found.fields.get("authors"), found.origins.get("authors")) == (names, place)


OG_URL = '<meta property="og:url" content="https://gazette.example/2026/bridge">'


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href="/bridge">', None),
        ('<link rel="canonical" href="javascript:void(0)">', None),
        ('<link rel="canonical" href="https://[broken">', None),
        (f'<link rel="canonical" href="/bridge">{OG_URL}', "https://gazette.example/bridge"),
        ('<base href="https://b.example/x/"><link rel="canonical" href="bridge">', "https://b.example/x/bridge"),
        ('<base href="/x/"><link rel="canonical" href="bridge">', None),
        (f'<link rel="canonical" href="mailto:a@b.example">{OG_URL}', "https://gazette.example/2026/bridge"),
    ],
)
def test_address_is_absolute_or_none(head: str, url: str | None) -> None:
    assert metadata(head).fields.get("url") == url


@pytest.mark.parametrize(
    ("body", "published_at"),
    [
        ('<time datetime="2026-03-01">1 March</time>', "2026-03-01"),
        ('<time datetime="2026-03-01">a</time><time datetime="2026-03-01">b</time>', "2026-03-01"),
        ('<time datetime="2026-03-01">a</time><time datetime="2026-02-01">b</time>', None),
        ('<time datetime="2026-03-01" pubdate>a</time><time datetime="2026-02-01">b</time>', "2026-03-01"),
        ('<time datetime="10:30">a</time>', None),
        ("<time>1 March 2026</time>", None),
    ],
)
def test_times_that_contradict_each_other_are_no_date(body: str, published_at: str | None) -> None:
    assert metadata(body=body).fields.get("published_at") == published_at


@pytest.mark.parametrize("zero", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00", "-0001-11-30", "", "today"])
def test_date_that_is_none_gives_way_to_the_next(zero: str) -> None:
    head = f'<meta property="article:published_time" content="{zero}">'
    assert "published_at" not in metadata(head).fields
    found = metadata(head + json_ld(an_article(datePublished="2026-03-01")))
    assert (found.fields["published_at"], found.origins["published_at"]) == ("2026-03-01", "json_ld.datePublished")


def test_date_of_a_machine_counts_before_one_in_words() -> None:
    words = '<meta property="article:published_time" content="March 1, 2026">'
    assert metadata(words).fields["published_at"] == "March 1, 2026"
    assert metadata(words + '<meta name="date" content="2026-03-01">').fields["published_at"] == "2026-03-01"


SITE = '<meta property="og:site_name" content="The Gazette"><link rel="canonical" href="https://www.gazette.example/x">'


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("Bridge closed | The Gazette", "Bridge closed"),
        ("Bridge closed - gazette.example", "Bridge closed"),
        ("Bridge closed – Gazette", "Bridge closed"),
        ("The Gazette: Bridge closed", "Bridge closed"),
        ("Bridge closed - Metro - The Gazette", "Bridge closed - Metro"),
        ("Council: Bridge closed", "Council: Bridge closed"),
        ("The Gazette - The Gazette", None),
        ("The Gazette", None),
        ("...", None),
    ],
)
def test_name_of_the_site_is_no_part_of_a_headline(title: str, headline: str | None) -> None:
    assert metadata(f"{SITE}<title>{title}</title>").fields.get("headline") == headline
    assert metadata(f'{SITE}<meta property="og:title" content="{title}">').fields.get("headline") == headline


def test_heading_counts_where_there_is_one_and_without_its_styles() -> None:
    title = "<title>Page</title>"
    assert metadata(title, "<h1><style>.a{}</style>Bridge <i>closed</i></h1>").origins["headline"] == "h1"
    assert metadata(title, "<h1><style>.a{}</style>Bridge <i>closed</i></h1>").fields["headline"] == "Bridge closed"
    assert metadata(title, "<h1>One</h1><h1>Two</h1>").origins["headline"] == "title"
    assert metadata("", "<svg><title>Logo</title></svg>") == NOTHING


def test_the_more_reliable_place_counts() -> None:
    head = (
        json_ld(an_article(headline="From JSON-LD", datePublished="2026-01-01", author="Ann Lee"))
        + '<meta property="og:title" content="From OpenGraph"><meta name="author" content="Bo Chen">'
        + '<meta property="article:published_time" content="2026-02-02"><title>From the title</title>'
    )
    found = metadata(head, "<h1>From the heading</h1>")
    assert (found.fields["headline"], found.fields["authors"]) == ("From JSON-LD", ["Ann Lee"])
    assert (found.fields["published_at"], found.origins["published_at"]) == ("2026-02-02", "article:published_time")
