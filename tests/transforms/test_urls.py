"""Canonical URLs: equal for pages that are the same."""

import polars as pl
import pytest
from courlan import clean_url
from hypothesis import given
from hypothesis import strategies as st

from transforms.urls import canonicalize_urls


def canonical(url: str | None) -> str | None:
    return canonicalize_urls(pl.Series([url], dtype=pl.String)).to_list()[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Example.com:443/a//b?utm_source=x&b=1#top", "https://example.com/a/b?b=1"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com/a?fbclid=1", "https://example.com/a"),
        ("https://example.com/?utm_source=feed&utm_medium=rss", "https://example.com"),
        ("https://example.com/a?utm_source=feed&id=7", "https://example.com/a?id=7"),
        ("https://example.com/a?utm=7", "https://example.com/a?utm=7"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("https://example.com/é", "https://example.com/%C3%A9"),
    ],
)
def test_what_does_not_name_the_page_is_dropped(url: str, expected: str) -> None:
    assert canonical(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        *(None, "", "example.com/a", "/a/b", "ftp://example.com/a", "javascript:alert(1)", "mailto:a@example.com"),
        *("https://", "https://exa mple.com/", "https://example.com/" + "a" * 5_000, "not a url", "http://[::1"),
    ],
)
def test_what_is_no_web_address_has_no_canonical_form(url: str | None) -> None:
    assert canonical(url) is None


ADDRESSES = st.from_regex(r"https?://[a-z0-9.-]{1,12}(\.[a-z]{2,3})?(/[A-Za-z0-9_.~=:,-]{0,6}){0,4}", fullmatch=True)


@given(ADDRESSES)
def test_urls_taken_as_canonical_are_what_the_library_gives(url: str) -> None:
    given_back = canonical(url)
    assert given_back is None or given_back == clean_url(url)


@given(
    ADDRESSES,
    st.sampled_from(["?utm_source=feed", "?utm_source=a.b&utm_medium=&utm_id=7%20x", "#top", "?utm_id=1#top"]),
)
def test_how_a_page_was_reached_makes_no_difference(url: str, way: str) -> None:
    assert canonical(url + way) == canonical(url)


def test_each_row_keeps_its_own_url() -> None:
    urls = pl.Series(["https://example.com/b#x", None, "https://example.com/a", "https://example.com/b#x"])
    expected = ["https://example.com/b", None, "https://example.com/a", "https://example.com/b"]
    assert canonicalize_urls(urls).to_list() == expected
