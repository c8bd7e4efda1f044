"""Threads of comments without a heading, and what has times and names like them."""

import polars as pl
import pytest

from seeds.tables import boilerplate, word_shares
from transforms.blocks import split_blocks
from transforms.boilerplate import find_boilerplate, text_rules

RULES = text_rules(boilerplate(), word_shares())
PROSE = (
    "The harbour board decided on Monday that the night ferry will stop running at the end of the month.",
    "Members of the board said that the hull needs new plates, and that no yard on the coast makes them now.",
    "Islanders point to a bridge of which the first pillar has been standing in the water for eleven years.",
)


def removed(*lines: str) -> set[str]:
    texts = pl.DataFrame(
        {"row": [0], "text": ["\n\n".join((*PROSE, *lines))]}, schema={"row": pl.UInt32(), "text": pl.String()}
    )
    blocks = split_blocks(texts)
    return set(blocks.join(find_boilerplate(blocks, RULES).labels, on="id", how="semi")["block"])


@pytest.mark.parametrize(
    "thread",
    [
        ("sofia_89", "I love this so much", "Reply", "mike", "me too", "Reply"),
        ("Anna K. · 3 hours ago", "Nice.", "Like 3 Reply", "bob · 2 hours ago", "No way", "Like 1 Reply"),
        (
            "Wendy from Tolworth Bay",
            "We live on that street.",
            "11:48 pm, 2 Feb",
            "Keith",
            "Same here",
            "12:03 am, 3 Feb",
        ),
        ("Читатель (гость)", "А где старая остановка?", "#1", "meteorolog", "Писали в мэрию.", "#2"),
        (
            "Ginette",
            "Encore nos impôts !!!",
            "Il y a 2 h · Répondre · Signaler",
            "Lolo_bzh",
            "Ah bon ?",
            "Il y a 1 h · Répondre",
        ),
        (
            "Jens H. sagt:",
            "12. Mai 2020 um 17:03 Uhr",
            "Guter Beitrag.",
            "Birte sagt:",
            "13. Mai 2020 um 08:21 Uhr",
            "Danke.",
        ),
        ("tante_erna 14.03. 09:12", "Endlich!", "nord57 14.03. 09:40", "Nee, das stimmt nicht."),
        ("Marek", "5 godz. temu", "Szkoda słów", "Odpowiedz", "👍 12"),
    ],
)
def test_a_thread_goes_with_its_first_name(thread: tuple[str, ...]) -> None:
    assert removed(*thread) == set(thread)


@pytest.mark.parametrize(
    "lines",
    [
        (
            "10:30 Uhr",
            "Die Polizei sperrt die Brücke.",
            "10:45 Uhr",
            "Erste Autos drehen um.",
            "11:05 Uhr",
            "Alles frei.",
        ),
        ("Talheim 14.03. 09:12", "Die Brücke ist gesperrt.", "Talheim 14.03. 09:40", "Die Brücke ist frei."),
        ("1. Anna Moll 31:22", "2. Berta Hag 31:40", "3. Clara Imm 31:55"),
        ("HOST: Are you well?", "GUEST: I am well.", "HOST: Like what?", "GUEST: Like a ferry."),
        ("[00:12] The tape begins.", "[00:47] A door is heard.", "[01:30] Somebody laughs."),
        ("The tide comes in,", "the tide goes out,", "and no one counts", "the boats at all."),
    ],
)
def test_tickers_results_and_talks_are_no_threads(lines: tuple[str, ...]) -> None:
    assert removed(*lines) == set()
