"""Appeals to the reader in free wording: found by many weak cues, and held back where somebody tells or asks."""

import polars as pl
import pytest

from seeds.tables import boilerplate
from transforms.appeals import AppealReader
from transforms.vocabulary import read_vocabulary

VOCABULARY = read_vocabulary(boilerplate())
READER = AppealReader(VOCABULARY)
LIKELY, MIDDLE, WEAK = 3, 2, 1


def found(*lines: str) -> pl.DataFrame:
    rows = pl.DataFrame({"line": lines}, schema={"line": pl.String()}).with_row_index("id")
    rows = rows.with_columns(chars=pl.col("line").str.len_chars().cast(pl.Int64), is_asked=True)
    return READER.find(rows.hstack(VOCABULARY.phrases.find(rows).kinds))


def levels(*lines: str) -> list[int]:
    by_id = dict(found(*lines).select("id", "level").iter_rows())
    return [by_id.get(number, -1) for number in range(len(lines))]


def kind(line: str) -> str:
    of_line: str = found(line).item(0, "kind")
    return of_line


@pytest.mark.parametrize(
    "line",
    [
        "Join 40,000 members and get our weekly newsletter in your inbox, free.",
        "Enjoying our reporting? Become a member from $4 a month and cancel any time.",
        "Abonnieren Sie unseren Newsletter und erhalten Sie jeden Morgen ein Briefing per E-Mail.",
        "Soutenez notre rédaction : faites un don et recevez notre newsletter chaque semaine.",
        "Apoya nuestro periodismo: hazte socio y recibe nuestro boletín en tu correo.",
        "Wesprzyj naszą redakcję i zapisz się na newsletter, który wysyłamy na twoją skrzynkę.",
        "Поддержите нашу редакцию: оформите подписку и получайте рассылку на вашу почту.",
        "ادعم صحافتنا: اشترك في نشرتنا البريدية لتصلك على بريدك كل صباح.",
    ],
)
def test_many_cues_make_an_appeal(line: str) -> None:
    assert levels(line)[0] >= MIDDLE


@pytest.mark.parametrize(
    "line",
    [
        "The regulator fined the network 60 million euros for placing cookies on computers without consent.",
        "Do you read the comments under your own articles?",
        "“Subscribe to our newsletter and support our journalism,” she said, and sat down.",
        "The harbour board decided on Monday that the night ferry will stop running.",
        "Der Verlag verlor im vergangenen Jahr ein Drittel seiner Abonnenten, sagte die Geschäftsführerin.",
        "Lisez-vous les commentaires sous vos propres articles ?",
        "Вы читаете комментарии под своими статьями?",
    ],
)
def test_what_is_told_or_asked_is_no_appeal(line: str) -> None:
    assert levels(line)[0] < WEAK


def test_an_appeal_is_of_the_kind_of_most_of_its_cues() -> None:
    assert kind("Sign up: our newsletter in your inbox every day.") == "newsletter"
    assert kind("Accept cookies and see our privacy policy.") == "consent"


def test_a_country_is_no_word_for_the_publisher() -> None:
    assert levels("US contribution to the security force") == levels("Swiss contribution to the security force")


def test_long_lines_are_no_appeals() -> None:
    assert levels("Join our newsletter in your inbox. " + "The ferry will stop running. " * 12) == [-1]


def test_a_statement_full_of_cues_is_a_weak_sign_and_one_with_few_is_none() -> None:
    full = "Cała analiza dostępna jest dla zalogowanych, a rejestracja jest bezpłatna."
    assert levels(full) == [WEAK]
    assert levels("Analiza dostępna jest dla zalogowanych.") == [-1]


def test_the_name_of_a_paper_in_quotation_marks_is_no_speech() -> None:
    named, spoken = (f"Подпишитесь на рассылку {name} и читайте." for name in ("«Листок»", "«листок, да»"))
    assert levels(named)[0] >= levels(spoken)[0]
