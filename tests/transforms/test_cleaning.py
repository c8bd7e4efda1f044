"""Cleaning as a whole: what holds for any text, and how the fields of a record depend on each other."""

import hashlib
import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from seeds.tables import boilerplate, word_shares
from transforms.boilerplate import text_rules
from transforms.cleaning import CLEANED, Cleaned, CleaningSettings, clean_records
from transforms.raw_schema import RAW_RECORDS
from transforms.schema import SPANS
from transforms.source_lines import line_keys
from transforms.spans import Edit, apply_edits

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = text_rules(boilerplate(), word_shares())

LONG = "The council met on Monday to settle the question of the bridge, and went home without an answer to it."
LONGER = LONG + " A second meeting will be held when the river has fallen, the mayor said, whatever the weather."

UNMARKED_PIECES = (
    *("The ferry", "is late", "again", "Café", "naïve", "“Quoted”", "A & B", "1 < 2", LONG, LONGER),
    *("STILL WATERS", "Who Pays", "- first item"),
    *("தமிழ் நாடு", "ශ්‍රී ලංකා", "می‌خواهم", "你好世界", "👩‍👩‍👧‍👦", "e\u0301", "a\u200fb"),
    *(" ", " ", "  ", "\n", "\n\n", "\r\n", "\n \n\n", "\t", "\u00a0", "\u3000", "\u2028", "\x0c"),
)
FURNITURE_PIECES = (
    *("By Jane Doe", "photo.jpg", "Read more", "Comments (3)", "2 hours ago", "Subscribe now", "• Every issue"),
    *("Jane Doe is a writer in Riga.", "Photo: J. Doe / AFP", "Share on Facebook", "We use cookies on this site."),
)
HARMLESS_PIECES = (*UNMARKED_PIECES, *FURNITURE_PIECES)
NASTY_PIECES = (
    *HARMLESS_PIECES,
    *("\x00", "\x07", "\x1f", "\ufeff", "\u202e", "\x85", "\x92", "\u0301"),
    *("donâ€™t", "cafÃ©", "Ã ", "вЂ™", "Ã", "©", "Â\u00a0", "‚Äô"),
    *("&amp;", "&amp;lt;", "&#8217;", "&#0;", "&#xD800;", "&bogus;", "&"),
    *("<p>", "</p>", "<br/>", "<div", "<script>x</script>", "<!--", "<p>a</p><p>b</p><p>c</p>", "</", ">"),
)
unmarked_texts = st.lists(st.sampled_from(UNMARKED_PIECES), max_size=30).map("".join)
harmless_texts = st.lists(st.sampled_from(HARMLESS_PIECES), max_size=30).map("".join)
nasty_texts = st.one_of(
    st.lists(st.one_of(st.sampled_from(NASTY_PIECES), st.text(max_size=5)), max_size=30).map("".join),
    st.text(max_size=200),
)


def raw_records(*records: dict[str, Any]) -> pl.DataFrame:
    """Raw records with ids of their own, null but for what is given."""
    blank = dict.fromkeys(RAW_RECORDS)
    identity = {"drop_sha256": "0" * 64, "source": "test", "body_format": "text"}
    rows = [blank | identity | {"record_no": no, "record_id": f"r{no}"} | given for no, given in enumerate(records)]
    texts = dict.fromkeys(("record_id", "drop_sha256", "source", "body_format"), pl.String())
    return pl.DataFrame(rows, schema={**RAW_RECORDS, **texts})


def clean(*records: dict[str, Any], **declared: Any) -> Cleaned:
    return clean_records(raw_records(*records), settings=CleaningSettings(**declared), rules=RULES, now=NOW)


def clean_one(**fields: Any) -> dict[str, Any]:
    return clean(fields).records.row(0, named=True)


def spaced(text: str) -> str:
    """A text in NFC with single spaces: what reversing spans may change is gone."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def applied(original: str, spans: pl.DataFrame) -> str:
    edits = spans.filter(pl.col("action") != "label").sort("char_start")
    rows = edits.select("char_start", "char_end", "rule", pl.col("replacement").fill_null("")).iter_rows()
    return apply_edits(original, [Edit(*row) for row in rows])


unhurried = settings(deadline=None, max_examples=25)  # the first example loads a language model
records_of = st.fixed_dictionaries(
    {"body": nasty_texts},
    optional={"headline": nasty_texts, "dek": nasty_texts, "published_at": nasty_texts, "url": nasty_texts},
)


@unhurried
@given(st.lists(records_of, max_size=5))
def test_no_text_raises_and_rows_keep_their_number_and_order(records: list[dict[str, str]]) -> None:
    cleaned = clean(*records)
    assert cleaned.records.schema == CLEANED
    assert cleaned.spans.schema == SPANS.schema
    assert cleaned.records["record_no"].to_list() == list(range(len(records)))


@pytest.mark.long
@unhurried
@given(st.lists(records_of, min_size=2, max_size=6), st.data())
def test_a_record_comes_out_the_same_in_any_batch(records: list[dict[str, str]], data: st.DataObject) -> None:
    raw = raw_records(*records)
    cut = data.draw(st.integers(0, raw.height))
    whole = clean_records(raw, settings=CleaningSettings(), rules=RULES, now=NOW)
    parts = [clean_records(part, settings=CleaningSettings(), rules=RULES, now=NOW) for part in (raw[:cut], raw[cut:])]
    assert_frame_equal(pl.concat([part.records for part in parts]), whole.records)
    assert_frame_equal(pl.concat([part.spans for part in parts]), whole.spans)


@unhurried
@given(nasty_texts, st.one_of(st.none(), nasty_texts), st.one_of(st.none(), nasty_texts))
def test_spans_lead_from_the_raw_text_to_the_body(body: str, headline: str | None, dek: str | None) -> None:
    # As HTML the body is the extractor's text: offsets count in the very text that came in.
    cleaned = clean({"body": body, "headline": headline, "dek": dek, "body_format": "html"})
    for start, end, text in cleaned.spans.select("char_start", "char_end", "text").iter_rows():
        assert body[start:end] == text
    assert spaced(applied(body, cleaned.spans)) == spaced(cleaned.records.item(0, "body") or "")


ACCEPTED = ("The ferry", "By Jane Doe", "STILL WATERS", "1 < 2", "donâ€™t", "photo.jpg", "A & B", LONG, "தமிழ் நாடு")


@unhurried
@given(nasty_texts, st.one_of(st.none(), harmless_texts))
def test_accepted_lines_are_gone_from_any_text_and_lead_back(body: str, headline: str | None) -> None:
    cleaned = clean({"body": body, "headline": headline, "body_format": "html"}, boilerplate=ACCEPTED)
    for start, end, text in cleaned.spans.select("char_start", "char_end", "text").iter_rows():
        assert body[start:end] == text
    left = cleaned.records.item(0, "body") or ""
    assert spaced(applied(body, cleaned.spans)) == spaced(left)
    keys = line_keys(pl.Series(left.split("\n\n")))
    assert keys.filter(keys.is_in(line_keys(pl.Series(ACCEPTED)).implode())).is_empty()
    removed = cleaned.spans.filter(pl.col("rule") == "accepted_line")
    assert removed.height == cleaned.removed_lines.height
    assert set(removed.select("kind", "action").rows()) <= {("other_boilerplate", "remove")}


def test_accepted_line_is_removed_wherever_it_stands_and_leaves_all_else() -> None:
    blocks = [LONG, "HARBOUR NEWS", LONGER, "Harbour news!", LONG + " Harbour news.", "STILL WATERS", LONGER]
    [cleaned] = clean({"body": "\n\n".join(blocks)}, boilerplate=("Harbour news",)).records.rows(named=True)
    assert cleaned["body"].split("\n\n") == [LONG, LONGER, LONG + " Harbour news.", "STILL WATERS", LONGER]
    assert cleaned["headings"] == ["STILL WATERS"]
    assert clean_one(body="\n\n".join(blocks[:3]))["headings"] == ["HARBOUR NEWS"]


def test_a_text_of_nothing_but_prompts_is_noted_as_a_block_page() -> None:
    wall = clean_one(body="We use cookies to improve your experience.\n\nAccept all cookies")
    assert (wall["body"], wall["observations"]) == (None, ["block_page"])
    beside_prose = clean_one(body=f"Accept all cookies\n\n{LONG}")
    assert (beside_prose["body"], beside_prose["observations"]) == (LONG, [])


def test_record_of_accepted_lines_alone_has_no_body() -> None:
    records = clean({"body": "Sign up now"}, {"body": LONG}, {"body": None}, boilerplate=("Sign up now",)).records
    assert records["body"].to_list() == [None, LONG, None]


@unhurried
@given(harmless_texts, st.one_of(st.none(), harmless_texts))
def test_what_is_clean_stays_as_it_is(body: str, headline: str | None) -> None:
    once = clean({"body": body, "headline": headline}).records
    fields = once.select("body", "headline", "dek", "authors").row(0, named=True)
    again = clean(fields)
    same = ["body", "headline", "match_key", "body_sha256", "word_count"]
    assert again.records.select(same).row(0) == once.select(same).row(0)
    assert again.spans.filter(pl.col("action") != "label").is_empty()


@unhurried
@given(unmarked_texts)
def test_only_white_space_and_normal_form_change_in_undamaged_text(body: str) -> None:
    cleaned = clean({"body": body, "headline": "Something else altogether"}).records.item(0, "body") or ""
    assert cleaned.split() == unicodedata.normalize("NFC", body).split()


@pytest.mark.parametrize(
    "text",
    [
        "தலைமன்னாரிலிருந்து இராமர் பாலம் வரை",
        "ශ්‍රී ලංකාවේ විද්‍යා දෙපාර්තමේන්තුව",
        "نمی‌خواهم بروم به خانه",
        "他说：“今天天气很好。”",
        "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
        "שלום\u200f עולם",
        "ﬁne print, ＦＵＬＬ width, x² and ½",
    ],
)
def test_scripts_joiners_and_emoji_pass_unharmed(text: str) -> None:
    assert clean_one(body=text)["body"] == text


def test_strings_that_break_programs_pass(shared_data: Path) -> None:
    strings = shared_data / "malformed" / "strings" / "blns.txt"
    lines = strings.read_text(encoding="utf-8").splitlines()
    records = [dict.fromkeys(("body", "headline", "dek", "url", "published_at", "language"), line) for line in lines]
    lists = [{"authors": [line], "keywords": [line], "body": f"{line}\n\n{LONG}"} for line in lines]
    assert clean(*records, *lists).records.height == 2 * len(lines)


def test_no_records_give_no_records() -> None:
    cleaned = clean()
    assert cleaned.records.schema == CLEANED
    assert cleaned.records.is_empty()


def test_a_first_line_that_repeats_the_headline_is_removed() -> None:
    cleaned = clean({"headline": "The Late Ferry", "body": f"THE LATE FERRY!\n\n{LONG}"})
    assert cleaned.records.item(0, "body") == LONG
    assert cleaned.spans.select("kind", "action", "rule", "char_start", "char_end").row(0) == (
        *("headline", "remove", "repeated_headline"),
        *(0, 15),
    )


def test_a_wrong_decoding_is_repaired_noted_and_explained() -> None:
    cleaned = clean({"body": f"The mayorâ€™s answer.\n\n{LONG}"})
    assert cleaned.records.item(0, "body").startswith("The mayor’s answer.")
    assert cleaned.records.item(0, "observations").to_list() == ["mojibake_repaired"]
    assert cleaned.spans.select("kind", "action", "rule", "text", "replacement").row(0) == (
        *("repair", "replace", "mojibake"),
        *("â€™", "’"),
    )


@pytest.mark.parametrize(
    ("line", "published", "modified"),
    [
        ("Published 12 May 2024", datetime(2024, 5, 12, tzinfo=UTC), None),
        ("Published: May 12, 2024 at 10:30 a.m. EDT", datetime(2024, 5, 12, 14, 30, tzinfo=UTC), None),
        ("Aktualisiert am 23.05.2022, 14:30 Uhr", None, datetime(2022, 5, 23, 14, 30, tzinfo=UTC)),
        ("Publié le 3 mai 2022 à 10h30", datetime(2022, 5, 3, 10, 30, tzinfo=UTC), None),
        ("By Jane Doe | 12 May 2024", datetime(2024, 5, 12, tzinfo=UTC), None),
        ("12 May 2024 10:30 Read more", datetime(2024, 5, 12, 10, 30, tzinfo=UTC), None),
        ("Published 12 May 2024, 10:30 ET", datetime(2024, 5, 12, tzinfo=UTC), None),
        ("© 2024 The Review. All rights reserved.", None, None),
        ("5 min read", None, None),
        ("3 May 1931 – 9 November 2020", None, None),
        ("Friday, 12 May 2034", None, None),
        ("Copyright 3 May 1911 by the estate of John Doe", None, None),
    ],
)
def test_dates_above_the_text_are_taken_where_none_is_given(
    line: str, published: datetime | None, modified: datetime | None
) -> None:
    body = f"The Last Ferry\n\n{line}\n\n" + "\n\n".join([LONG] * 3)
    record = clean_one(body=body)
    assert (record["published_at"], record["modified_at"]) == (published, modified)
    assert clean_one(body=body, published_at=" ")["published_at"] == published
    assert clean_one(body=body, published_at="2020-01-01")["published_at"] == datetime(2020, 1, 1, tzinfo=UTC)


def test_date_within_the_text_is_not_when_it_was_published() -> None:
    record = clean_one(body=f"The Last Ferry\n\n{LONG}\n\nThe hull was laid down on 12 May 1924 in Carrow.\n\n{LONG}")
    assert record["published_at"] is None


@pytest.mark.parametrize(
    "footer",
    [
        "Founded on 12 June 1911, the Harbor Review is published daily. All rights reserved.",
        "Copyright 12 June 2011 Harbor Review. All rights reserved.",
        "Terms of use, last updated 3 May 2018",
    ],
)
def test_date_below_the_text_is_not_when_it_was_published(footer: str) -> None:
    record = clean_one(body=f"The Last Ferry\n\n{LONG}\n\n{LONG}\n\n{footer}")
    assert (record["published_at"], record["modified_at"]) == (None, None)


def test_date_that_was_found_is_told_from_one_that_was_given() -> None:
    found = clean({"body": f"The Last Ferry\n\nPublished 12 May 2024, updated 13 May 2024\n\n{LONG}\n\n{LONG}"})
    evidence = found.evidence.filter(pl.col("field").str.ends_with("_at"))
    assert evidence.select("field", "origin", "rule").rows() == [
        ("modified_at", "body", "stated_above_text"),
        ("published_at", "body", "stated_above_text"),
    ]
    assert found.records["observations"].to_list() == [[]]


def test_repairs_are_counted_where_they_are_in_the_body() -> None:
    removed = "Share\u200b on Facebook"
    cleaned = clean({"body": f"The mayorâ€™s \u202eanswer.\n\n{LONG}\n\n{removed}"}, {"body": LONG})
    assert cleaned.records["repairs"].to_list() == [2, 0]
    assert cleaned.spans.filter(kind="repair").height == 2


def test_a_wrong_decoding_of_the_headline_is_noted() -> None:
    record = clean_one(headline="Donâ€™t wait", body=LONG)
    assert (record["headline"], record["observations"]) == ("Don’t wait", ["mojibake_repaired"])


def test_a_body_that_is_html_becomes_paragraphs() -> None:
    record = clean_one(body="<p>Fish &amp; chips,\nagain.</p><p>Second.<br>Third.</p>")
    assert record["body"] == "Fish & chips, again.\n\nSecond.\n\nThird."
    assert record["observations"] == []


def test_tags_in_prose_stay_and_are_noted() -> None:
    record = clean_one(body="A paragraph is put between <p> and another tag.")
    assert record["body"] == "A paragraph is put between <p> and another tag."
    assert record["observations"] == ["markup_left"]


def test_escaping_is_undone_once_in_fields_and_never_in_pages() -> None:
    assert clean_one(body="AT&amp;T wrote &amp;lt; for &#8220;less&#8221;")["body"] == "AT&T wrote &lt; for “less”"
    assert (
        clean_one(body="<p>A tag looks like &amp;lt;p&amp;gt; there.</p>")["body"]
        == "A tag looks like &lt;p&gt; there."
    )
    assert clean_one(body="AT&amp;T", body_format="html")["body"] == "AT&amp;T"


@pytest.mark.parametrize(("text", "code"), [("03/04/2026", "ambiguous_date"), ("2026-02-31", "unreadable_date")])
def test_a_date_that_is_not_read_is_noted_and_kept(text: str, code: str) -> None:
    record = clean_one(body=LONG, published_at=text, extra='{"desk":"city"}')
    assert record["published_at"] is None
    assert record["observations"] == [code]
    assert json.loads(record["extra"]) == {"desk": "city", "published_at": text}


def test_a_kept_date_overwrites_no_field_of_the_source() -> None:
    record = clean_one(body=LONG, published_at="soon", extra='{"published_at":"x"}')
    assert json.loads(record["extra"]) == {"published_at": "x", "published_at_as_given": "soon"}


def test_a_date_more_than_a_day_ahead_is_noted() -> None:
    assert clean_one(body=LONG, modified_at="2026-06-02T00:00:00Z")["observations"] == []
    assert clean_one(body=LONG, modified_at="2026-06-02T00:00:01Z")["observations"] == ["future_date"]


def test_text_that_was_cleaned_before_is_taken_as_it_is() -> None:
    """Its digest says so; of any other text, what looks like markup or furniture is taken for it."""
    body = f"{LONG}\n\nBetween <p> and </p> stands &amp;.\n\nSubscribe to continue reading."
    assert clean_one(body=body, extra="{}")["body"] != body
    for told, is_known in ((hashlib.sha256(body.encode()).hexdigest(), True), ("0" * 64, False), (7, False)):
        cleaned = clean_one(body=body, headline="The <b> tag", extra=json.dumps({"body_sha256": told}))
        assert (cleaned["body"] == body, cleaned["headline"] == "The <b> tag") == (is_known, is_known)


def test_a_declared_language_that_the_body_is_not_in_is_noted() -> None:
    assert clean_one(body=LONG, language="en-GB")["observations"] == []
    assert clean_one(body=LONG, language="Tamil")["observations"] == ["language_mismatch"]


def test_the_language_of_the_source_stands_in_where_a_record_declares_none() -> None:
    cleaned = clean({"body": LONG}, language_hint="ta")
    assert cleaned.records.item(0, "language") == "en"
    assert cleaned.records.item(0, "observations").to_list() == ["language_mismatch"]


def test_a_blank_body_is_null_and_measures_nothing() -> None:
    record = clean_one(body=" \n\u00a0")
    assert (record["body"], record["body_chars"], record["word_count"], record["match_key"]) == (None, 0, 0, None)


def test_fields_of_one_line_lose_tags_escapes_and_white_space() -> None:
    record = clean_one(
        body=LONG,
        headline=" <b>Fish</b> &amp;\n chips ",
        dek="   ",
        authors=["By Jane Doe and John Roe", "jane", "", "Jane Doe"],
        keywords=[" sea ", "sea", "a, b"],
        url=" https://example.com/a?utm_source=x#top ",
    )
    assert record["headline"] == "Fish & chips"
    assert record["dek"] is None
    assert record["authors"] == ["Jane Doe", "John Roe", "jane"]
    assert record["keywords"] == ["sea", "a, b"]
    assert record["url"] == "https://example.com/a?utm_source=x#top"
    assert record["canonical_url"] == "https://example.com/a"


def test_lists_are_empty_where_the_source_has_none() -> None:
    record = clean_one(body=LONG)
    assert (record["authors"], record["keywords"], record["headings"]) == ([], [], [])


def test_news_that_begins_with_its_title_loses_the_title(shared_data: Path) -> None:
    articles = pl.read_parquet(shared_data / "news" / "lk_news_20k.parquet", n_rows=500)
    records = articles.select(body="text", headline="description").to_dicts()
    removed = clean(*records).spans.filter(rule="repeated_headline")
    assert removed["record_id"].n_unique() == 500
