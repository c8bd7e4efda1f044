"""Canonical URLs: one address for pages that differ only in how they were reached.

`courlan` (Barbaresi) decides what tracks a reader and what is the default part of an address. What is no web address
with a host has no canonical form.
"""

import polars as pl
from courlan import clean_url, validate_url

LONGEST_URL = 4_096  # characters; longer ones are data, not addresses

# What never names a page; dropped first, as it is what most addresses from feeds are cleaned of.
_FRAGMENT = r"#.*"
_CAMPAIGN = r"\?(?:utm_[a-z]+=[\w.~%+-]*(?:&|$))+$"

# What `clean_url` gives back as it is, held against it by a test; asking costs 1 us, `clean_url` 13 us.
_IS_CANONICAL = r"^https?://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?:/[A-Za-z0-9_.~=:,-]+)*/?$"
_HAS_MORE_TO_DO = r"xn--|/\.\.(?:/|$)|^https?://[^/]+/$|^https?://[^/]*//"


def canonicalize_urls(urls: pl.Series) -> pl.Series:
    """Drop tracking parameters, fragment and default parts; null where the address is none. Each URL is read once."""
    given = urls.str.replace(_FRAGMENT, "").str.strip_chars().str.replace(_CAMPAIGN, "").to_frame("url")
    distinct = given.unique().filter(pl.col("url").str.len_chars() <= LONGEST_URL)
    is_canonical = pl.col("url").str.contains(_IS_CANONICAL) & ~pl.col("url").str.contains(_HAS_MORE_TO_DO)
    plain = distinct.filter(is_canonical).with_columns(canonical_url="url")
    others = distinct.filter(~is_canonical).with_columns(
        canonical_url=pl.col("url").map_elements(_canonical_url, return_dtype=pl.String)
    )
    known = pl.concat([plain, others])
    return given.join(known, on="url", how="left", maintain_order="left").get_column("canonical_url")


def _canonical_url(url: str) -> str | None:
    # A space in a path belongs to it; `clean_url` would close the gap.
    cleaned = clean_url(url.replace(" ", "%20"))
    is_valid, parts = validate_url(cleaned)
    if cleaned is None or not is_valid or parts is None or "%" in parts.netloc:
        return None
    return cleaned
