"""Scanning lines for words: what is found is what comparing all words with all words finds."""

from collections.abc import Iterable, Sequence

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.word_scan import WordScan
from transforms.words import NUMBER, Phrase, bare_words

KINDS = {"networks": ["facebook", "whats*"], "readers": ["вы", "ваш*"], "nothing": []}
PHRASES = [
    Phrase(places=[["newsletter", "рассылка"], ["join", "subscri*"]], first=[]),
    Phrase(places=[["comments"], [NUMBER]], first=[NUMBER]),
    Phrase(places=[["الصوره"]], first=["مصدر"]),
]
SCAN = WordScan(PHRASES, KINDS)
WORDS = (
    *("Facebook", "WhatsApp,", "whats", "ВАШИ", "Рассылка", "NEWSLETTER", "subscribe!", "sub", "joined", "Join"),
    *(
        "12",
        "3rd",
        "٣",
        "comments",
        "📧comments",
        "مَصدر",
        "الصورة",
        "𠀀",
        "\U000f0000share",
        "\U000e0061join",
        "\ud7ff",
        "�",
        "İ",
        "e\u0301",
        "—",
        "...",
    ),
)


def scan(lines: Sequence[str], *, is_asked: bool = True) -> tuple[set[tuple[int, int]], list[dict[str, bool]]]:
    frame = pl.DataFrame({"line": lines, "is_asked": is_asked}, {"line": pl.String, "is_asked": pl.Boolean})
    candidates, kinds = SCAN.scan(frame.with_row_index("id"))
    return set(candidates.rows()), kinds.to_dicts()


def holds(word: str, wanted: str) -> bool:
    if wanted == NUMBER:
        return word[0].isdecimal()
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted


def holds_one(words: Iterable[str], wanted: Iterable[str]) -> bool:
    wanted = list(wanted)
    return any(holds(word, one) for word in words for one in wanted)


@example(["مَصدر الصورة", "3rd comments", "📧comments 12"])
@settings(deadline=None)  # the first call compiles
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=5))
def test_scan_finds_what_comparing_words_finds(lines: list[str]) -> None:
    spelt = [line.split() for line in pl.select(bare_words(pl.Series(lines))).to_series()]
    compared = {
        (number, phrase)
        for number, words in enumerate(spelt)
        for phrase, wanted in enumerate(PHRASES)
        if all(holds_one(words, place) for place in wanted.places)
        and (not wanted.first or holds_one(words[:1], wanted.first))
    }
    kinds = [{kind: holds_one(words, wanted) for kind, wanted in KINDS.items()} for words in spelt]
    assert scan(lines) == (compared, kinds)


def test_lines_that_are_not_asked_are_no_candidates_but_have_kinds() -> None:
    candidates, kinds = scan(["Join our newsletter on Facebook"], is_asked=False)
    assert (candidates, kinds[0]["networks"]) == (set(), True)


def test_more_candidates_than_expected_are_all_kept() -> None:
    assert len(scan(["Join our newsletter"] * 3_000)[0]) == 3_000


def test_slice_of_a_column_is_read_where_it_stands() -> None:
    lines = pl.Series(["12 comments", "", "Join the newsletter", "WhatsApp"]).slice(2)
    assert scan(lines.to_list()) == ({(0, 0)}, scan(["Join the newsletter", "WhatsApp"])[1])
    frame = pl.DataFrame({"line": lines, "is_asked": True}).with_row_index("id")
    assert SCAN.scan(frame)[0].rows() == [(0, 0)]
