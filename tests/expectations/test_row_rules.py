"""Each row rule fires where it should and holds back where it should not; no record is lost on the way."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.declared import Severity
from expectations.row_conditions import Condition, Phrases
from expectations.row_rules import IDENTITY, CheckedRows, RowRule, apply_row_rules, row_rules
from seeds.tables import reason_codes

Check = Callable[..., CheckedRows]
Records = Callable[..., pl.DataFrame]

PROSE = "The council met on Tuesday and agreed to repair the bridge before winter sets in."

HELD_BACK = {
    "missing_body": (None, "", " \n\n ", "\N{NO-BREAK SPACE}"),
    "body_too_short": ("N/A", "null", "undefined", "[deleted]", "[removed]", "无"),
    "not_prose": ("-" * 40, "12.5 13.7 14.1 15.9 16.0", "\N{REPLACEMENT CHARACTER}" * 30 + "abc", "😀" * 20),
    "block_page": (
        "Access Denied\n\nYou don’t have permission to access this resource on this server.",
        "Just a moment...",
        "Please enable JavaScript to continue.",
        "404 Not Found\n\nnginx",
        "ДОСТУП ЗАПРЕЩЁН",
        "请启用 JavaScript 后继续。",
    ),
}
KEPT = (
    "Fed raises rates by 25 bps",
    "日銀、利上げ決定",
    "한국은행 기준금리 동결",
    "හොරණ අනුරට",
    "கம்பஹா அனுர வசம்",
    "ஜூலை 3: 12,450 பேர் 45.6% வாக்களித்தனர், 2024-இல் 11,902 பேர் (43.1%).",
    "ශ්‍රී ලංකා රුපියල 311.30/50 දක්වා, පෙර දින 311.90/95 සිට.",
    "أغلق المؤشر عند 12,345.67 نقطة، بارتفاع 1.2% عن 12,199.30.",
    "2024年第三季度GDP同比增长4.6%，环比增长0.9%。",
    "Rupee closed at 311.30/50 to the dollar, from 311.90/95; bonds at 10.35/40 and 11.05/15.",
    "Access denied: how thousands of students lost their library",
    "The new course teaches JavaScript, and how to enable cookies in a shop that customers trust.",
)


@pytest.mark.parametrize(("code", "body"), [(code, body) for code, bodies in HELD_BACK.items() for body in bodies])
def test_what_is_no_article_is_held_back_with_its_reason_alone(check: Check, code: str, body: str | None) -> None:
    rejected = check({"body": body}).rejected
    assert rejected["reasons"].to_list() == [[code]]
    assert rejected["severity"].to_list() == ["critical"]
    assert rejected["detail"].item()


@pytest.mark.parametrize("body", KEPT)
def test_short_items_of_any_script_and_reports_full_of_figures_are_kept_without_flags(check: Check, body: str) -> None:
    checked = check({"body": body})
    assert checked.rejected.is_empty()
    assert checked.accepted["flags"].to_list() == [[]]


def test_an_article_that_quotes_a_refusal_is_kept_where_it_is_long(check: Check) -> None:
    quoting = "“Please enable JavaScript to continue,” said the site of the ministry. " + PROSE * 15
    assert check({"body": quoting}).rejected.is_empty()


@pytest.mark.parametrize(
    ("body", "is_cut_off"),
    [
        ("The minister said that the bridge would…", True),
        ("The minister said that the bridge would ...", True),
        ("The minister said that […]", True),
        ("The minister said that the bri… [+1234 chars]", True),
        ("The minister said so.\n\nRead more", True),
        ("The minister said so.\n\nContinue reading →", True),
        (PROSE, False),
        ("“We shall see…” he said, and left.", False),
        ("He paused. “And the bridge, well...”", False),
        ("Children who read more do better at school.", False),
    ],
)
def test_a_body_that_says_it_was_cut_off_is_flagged(check: Check, body: str, *, is_cut_off: bool) -> None:
    assert check({"body": body}).accepted["flags"].to_list() == [["truncated_body"] if is_cut_off else []]


OBSERVED = (
    *("mojibake_repaired", "ambiguous_date", "unreadable_date"),
    *("language_mismatch", "future_date", "markup_left"),
)


STORY = (
    "The council met on Tuesday and agreed to repair the old bridge before winter sets in. Beams of the second span "
    "are to be lifted out one by one, and the road below stays closed until the work is done. "
    "The mayor said that nobody had been in danger at any time, and thanked those who had called."
)
TAMIL = "நகர சபை செவ்வாய்க்கிழமை கூடி, குளிர்காலம் வருவதற்கு முன் பழைய பாலத்தைப் பழுதுபார்க்க முடிவு செய்தது."
SINHALA = "නගර සභාව අඟහරුවාදා රැස් වී ශීත කාලය එළඹීමට පෙර පැරණි පාලම අලුත්වැඩියා කිරීමට තීරණය කළේය."


def without_marks(text: str) -> str:
    return "".join(char for char in text if not unicodedata.category(char).startswith("M"))


SUMMARY = f"{STORY}\n\n1. The bridge stays closed.\n\n2. The road as well.\n\n{STORY}\n\n{STORY}\n\n{STORY}"


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("odd_words", STORY.replace("o", "0")),
        ("odd_words", STORY.replace("a", "\N{CYRILLIC SMALL LETTER A}")),
        ("odd_words", STORY.replace(" ", "")),
        ("odd_words", "Совет решил отремонтировать старый мост до наступления зимы в этом году. ".replace(" ", "") * 6),
        ("all_capitals", STORY.upper()),
        ("all_capitals", "СОВЕТ РЕШИЛ ОТРЕМОНТИРОВАТЬ СТАРЫЙ МОСТ ДО НАСТУПЛЕНИЯ ЗИМЫ. " * 5),
        ("numbered_lines", "\n".join(f"{number} {sentence}." for number, sentence in enumerate(STORY.split(". ") * 3))),
        ("marks_lost", without_marks(TAMIL)),
        ("marks_lost", without_marks(SINHALA)),
        ("program_text", '{"type": "doc", "text": "The council met on Tuesday."}'),
        ("program_text", "[{'type': 'paragraph', 'text': 'The council met on Tuesday.'}]"),
        ("program_text", '["The council met on Tuesday.", "It agreed to repair the bridge."]'),
        ("program_text", 'a:1:{s:4:"text";s:27:"The council met on Tuesday.";}'),
        ("program_text", "article.body.content"),
        ("program_text", "[object Object]"),
        ("program_text", f"{{{{ article.lead }}}}\n\n{STORY}"),
        ("program_text", f"{STORY}\n\n{{% include related.html %}}"),
        ("program_text", f"{STORY} By ${{author.name}}"),
    ],
)
def test_text_that_a_machine_spoilt_is_flagged_with_its_figure(check: Check, code: str, body: str) -> None:
    checked = check({"body": body})
    [flags] = checked.accepted["flags"].to_list()
    assert code in flags


@pytest.mark.parametrize(
    "body",
    [
        STORY,
        SUMMARY,
        STORY + " The iPhone15pro and the B2B market of 2024 were no matter of the NATO, the WHO or the IMF.",
        "市议会星期二决定在冬天到来之前修好旧桥，" * 20,
        f"Donaudampfschifffahrtsgesellschaftskapitäne gibt es nicht mehr. {STORY}",
        TAMIL,
        SINHALA,
        f"{STORY} (“{without_marks(TAMIL)[:30]}”)",
        f"[Photo] {STORY} “Nobody was in danger”: the mayor [left].",
        f"“The bridge”: {STORY} It costs $ {{sic}} 12,000, or 3% of 1.5 % a year. See bridge.example.",
    ],
)
def test_text_as_people_write_it_is_not(check: Check, body: str) -> None:
    [flags] = check({"body": body}).accepted["flags"].to_list()
    assert not {"odd_words", "all_capitals", "numbered_lines", "marks_lost", "program_text"} & set(flags)


@pytest.mark.parametrize(
    ("headline", "body"),
    [
        ("Page not found", PROSE),
        ("404 Not Found | The Gazette", PROSE),
        ("Access denied – gazette.example", PROSE),
        ("Moved Permanently", None),
    ],
)
def test_an_error_page_is_known_by_its_headline(check: Check, headline: str, body: str | None) -> None:
    [reasons] = check({"headline": headline, "body": body}).rejected["reasons"].to_list()
    assert "block_page" in reasons


@pytest.mark.parametrize(
    ("headline", "body"),
    [("Page not found: why links die", PROSE), ("Access denied to refugees", PROSE), ("Page not found", PROSE * 15)],
)
def test_a_headline_that_goes_on_or_stands_above_a_long_text_is_no_error(
    check: Check, headline: str, body: str
) -> None:
    assert check({"headline": headline, "body": body}).rejected.is_empty()


NOTHING = {"body": None, "headline": None}


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"extra": '{"error":{"code":429}}'}, ["missing_body", "no_article"]),
        ({"extra": '{"status":"busy","section":""}', "language": "en"}, ["missing_body", "no_article"]),
        ({"extra": '{"value":3}'}, ["missing_body", "no_article"]),
        ({"extra": '{"status":"sent"}', "headline": "Bridge to be repaired"}, ["missing_body"]),
        ({"extra": '{"status":"sent"}', "authors": ["Ada Poe"]}, ["missing_body"]),
        ({"extra": '{"status":"sent"}', "external_id": "7"}, ["missing_body"]),
        ({"extra": '{"section":"","page":null}'}, ["missing_body"]),
        ({"extra": None}, ["missing_body"]),
    ],
)
def test_what_has_fields_and_none_of_an_article_is_told_from_one_without_text(
    check: Check, fields: dict[str, object], reasons: list[str]
) -> None:
    assert check(NOTHING | fields).rejected["reasons"].to_list() == [reasons]


@pytest.mark.parametrize("code", OBSERVED)
def test_what_cleaning_observed_becomes_a_flag(check: Check, code: str) -> None:
    accepted = check({"observations": [code]}, {"observations": []}, {"observations": None}).accepted
    assert accepted["flags"].to_list() == [[code], [], []]


def test_flags_are_sorted_and_observations_are_gone(check: Check) -> None:
    accepted = check(
        {"observations": ["unreadable_date", "ambiguous_date"], "body": "It ends in the middle of…"}
    ).accepted
    assert accepted["flags"].to_list() == [["ambiguous_date", "truncated_body", "unreadable_date"]]
    assert "observations" not in accepted.columns


def test_a_rejected_record_names_all_its_reasons_with_their_figures(check: Check) -> None:
    rejected = check({"body": "1+1=2", "byte_start": 7, "byte_end": 90}).rejected.row(0, named=True)
    assert rejected["reasons"] == ["body_too_short", "not_prose"]
    assert "5 characters" in rejected["detail"]
    assert "0.0%" in rejected["detail"]
    assert (rejected["byte_start"], rejected["byte_end"]) == (7, 90)


def test_a_source_may_make_a_warning_critical_and_a_critical_rule_a_mere_note(check: Check) -> None:
    severities = {"future_date": Severity.CRITICAL, "body_too_short": Severity.INFO, "not_prose": Severity.WARNING}
    checked = check({"observations": ["future_date"]}, {"body": "null"}, {"body": "=" * 99}, severities=severities)
    assert checked.rejected["reasons"].to_list() == [["future_date"]]
    assert checked.accepted["flags"].to_list() == [[], ["not_prose"]]
    assert checked.outcomes["body_too_short"].to_list() == [True, False, True]


def test_a_source_may_move_the_bounds(records: Records) -> None:
    strict = row_rules({"min_body_chars": 100, "min_letter_share": 0.9}, phrases=Phrases())
    rejected = apply_row_rules(records({}, {"body": PROSE * 2 + " 123456789 123456789"}), rules=strict).rejected
    assert rejected["reasons"].to_list() == [["body_too_short"], ["not_prose"]]


def test_without_phrases_no_page_is_a_block_page(records: Records) -> None:
    rules = row_rules({}, phrases=Phrases())
    assert apply_row_rules(records({"body": "Access Denied"}), rules=rules).rejected.is_empty()


def test_a_rule_that_cannot_tell_holds_the_record_back(records: Records) -> None:
    condition = Condition(lambda: pl.col("url") != "", lambda: pl.lit("Who knows?"))
    vague = RowRule("vague", "url", Severity.CRITICAL, 0.0, condition, "-")
    assert apply_row_rules(records({"url": None}), rules=[vague]).rejected.height == 1


def test_no_records_give_frames_of_the_same_shape(check: Check) -> None:
    empty, full = check(), check({"body": "null"}, {})
    for name in ("accepted", "rejected", "outcomes"):
        assert getattr(empty, name).schema == getattr(full, name).schema
        assert getattr(empty, name).is_empty()


def test_every_code_is_in_the_reference_table_and_every_bound_has_its_reason(
    default_rules: tuple[RowRule, ...],
) -> None:
    assert {rule.code for rule in default_rules} <= set(reason_codes()["code"])
    assert all(rule.reason for rule in default_rules)


ANY_BODY = st.one_of(
    st.none(),
    st.text("aZé無ക്\n .…-7\u200d", max_size=60),
    st.sampled_from([body for many in HELD_BACK.values() for body in many]),
)
ANY_RECORD = st.fixed_dictionaries(
    {"body": ANY_BODY, "observations": st.one_of(st.none(), st.lists(st.sampled_from(OBSERVED), max_size=3))}
)
ANY_SEVERITIES = st.dictionaries(
    st.sampled_from([*HELD_BACK, *OBSERVED, "truncated_body"]), st.sampled_from(list(Severity))
)


@given(rows=st.lists(ANY_RECORD, max_size=8), severities=ANY_SEVERITIES)
@settings(deadline=None)
def test_each_record_is_either_kept_or_held_back(
    check: Check, rows: list[dict[str, object]], severities: dict[str, Severity]
) -> None:
    checked = check(*rows, severities=severities)
    kept, held_back = set(checked.accepted["record_id"]), set(checked.rejected["record_id"])
    assert not kept & held_back
    assert checked.accepted.height + checked.rejected.height == len(kept | held_back) == len(rows)
    assert checked.outcomes.drop(IDENTITY).null_count().sum_horizontal().sum() == 0
    assert all(checked.rejected["reasons"].list.len() > 0)


def test_of_real_news_nothing_is_held_back(default_rules: tuple[RowRule, ...], shared_data: Path) -> None:
    """20,000 articles in English, Tamil and Sinhala, captions of two words and exchange rates among them."""
    path = shared_data / "news" / "lk_news_20k.parquet"
    news = pl.read_parquet(path, columns=["description", "text"]).select(
        headline=pl.col("description").str.strip_chars(),
        body=pl.col("text").str.strip_chars(),
        observations=pl.lit([], pl.List(pl.String())),
    )
    for rule in default_rules:
        if rule.column == "body" and rule.severity is Severity.CRITICAL:
            assert rule.condition is None or news.filter(~rule.condition.passes()).is_empty(), rule.code
