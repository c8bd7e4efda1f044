"""Headlines that belong to another text: flagged by the words the text lacks, and only where enough speaks for it."""

import polars as pl

from seeds.tables import boilerplate
from transforms.boilerplate import text_rules
from transforms.headlines import MISMATCH_SCORE, judge_headlines

RULES = text_rules(boilerplate())
BODY = (
    "The harbour board decided on Monday that the night ferry will stop running at the end of the month. Members of "
    "the board said that the hull needs new plates, and that no yard on the coast makes them. The government was told."
)


def score(headline: str | None, dek: str | None = None, body: str | None = BODY) -> float | None:
    records = pl.DataFrame(
        [(headline, dek, body)], schema=dict.fromkeys(("headline", "dek", "body"), pl.String()), orient="row"
    )
    judged = judge_headlines(records, ignored=RULES.function_words, common=RULES.common_words)
    found: float | None = judged["mismatch_score"].item()
    return found


def test_a_headline_of_its_own_text_scores_high() -> None:
    assert (score("Harbour Board Stops the Night Ferry") or 0) > 0


def test_a_headline_of_another_text_is_found_out_by_its_words() -> None:
    assert (
        score("Grain in the Cellar", "Granaries are filling again, and millers ask what the wheat is for") or 0
    ) <= MISMATCH_SCORE


def test_common_words_do_not_clear_it() -> None:
    mixed = score("Government told: granaries, millers, wheat and cellars stand empty")
    assert mixed is not None
    assert mixed <= MISMATCH_SCORE


def test_few_words_are_too_little_evidence() -> None:
    assert (score("Grain and wheat") or 0) > MISMATCH_SCORE


def test_inflected_words_count_as_found() -> None:
    assert (score("Harbours, ferries and boards: members deciding on plating") or 0) > MISMATCH_SCORE


def test_no_headline_and_short_texts_are_not_judged() -> None:
    assert score(None) is None
    assert score("Grain in the Cellar", body="A short text.") is None
    assert score("Grain in the Cellar", body=None) is None
