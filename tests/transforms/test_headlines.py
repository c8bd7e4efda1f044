"""Headlines that belong to another text: flagged by the words the text lacks, and only where enough speaks for it."""

import polars as pl

from seeds.tables import boilerplate, word_shares
from transforms.boilerplate import text_rules
from transforms.headlines import MISMATCH_SCORE, judge_headlines

RULES = text_rules(boilerplate(), word_shares())
BODY = (
    "The harbour board decided on Monday that the night ferry will stop running at the end of the month. Members of "
    "the board said that the hull needs new plates, and that no yard on the coast makes them. The government was told."
)


def score(headline: str | None, dek: str | None = None, body: str | None = BODY) -> float | None:
    records = pl.DataFrame(
        [(headline, dek, body)], schema=dict.fromkeys(("headline", "dek", "body"), pl.String()), orient="row"
    )
    judged = judge_headlines(records, ignored=RULES.function_words, shares=RULES.word_shares)
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


def test_soft_hyphens_and_joiners_hide_no_word() -> None:
    hyphenated = BODY.replace("board", "bo\u00adard").replace("night", "ni\u200bght")
    assert score("Harbour Board Stops the Night Ferry", body=hyphenated) == score("Harbour Board Stops the Night Ferry")


def test_a_common_word_clears_less_than_a_rare_one() -> None:
    body = f"{BODY} Millers wait."
    assert (score("Government", body=body) or 0) < (score("Millers", body=body) or 0)


def test_a_word_missing_from_the_dek_counts_half() -> None:
    in_headline, in_dek = score("Ferry granaries"), score("Ferry", "granaries")
    assert in_headline is not None
    assert in_dek is not None
    assert in_dek > in_headline


def test_a_headline_is_judged_alike_in_any_batch() -> None:
    headlines = ["Harbour Board Stops the Night Ferry", "Grain in the Cellar", None]
    rows = [(headline, None, BODY) for headline in headlines]
    schema = dict.fromkeys(("headline", "dek", "body"), pl.String())
    judged = judge_headlines(
        pl.DataFrame(rows, schema=schema, orient="row"), ignored=RULES.function_words, shares=RULES.word_shares
    )
    assert judged["mismatch_score"].to_list() == [score(headline) for headline in headlines]


def test_a_share_belongs_to_one_word_and_is_no_more_than_one() -> None:
    assert RULES.word_shares["word"].is_unique().all()
    assert RULES.word_shares.select(pl.col("share", "first_share").is_between(0, 1).all()).row(0) == (True, True)
