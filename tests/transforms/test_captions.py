"""Captions without a label: found by how they end or number, and not mixed up with prose that ends in a bracket."""

import polars as pl
import pytest

from seeds.tables import boilerplate
from transforms.captions import CaptionReader
from transforms.vocabulary import read_vocabulary

VOCABULARY = read_vocabulary(boilerplate())
READER = CaptionReader(VOCABULARY)


def rules(line: str, *, block_no: int = 3) -> set[str]:
    rows = pl.DataFrame({"line": [line], "chars": [len(line)], "block_no": [block_no], "is_asked": [True]})
    rows = rows.with_row_index("id")
    found = pl.concat(READER.find(rows.hstack(VOCABULARY.phrases.find(rows).kinds)))
    return set(found["rule"])


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Fishermen mend their nets on the mole at dawn (Lou Pettibone / Harbour Desk)", "person_and_desk_in_brackets"),
        ("نازحون يصطفون للحصول على الماء في المخيم [فادي الخطار/المرصد]", "person_and_desk_in_brackets"),
        ("Una agricultora muestra los daños del granizo en el valle (Marta Belloso)", "person_in_brackets"),
        ("Rescue teams search the rubble of the market. Harbour/Farid Noor", "desk_and_person"),
        ("Rescue teams search the rubble of the market. Farid Noor | Harbour Desk", "person_and_desk"),
        ("The mayor (left) and the pilot of the ferry on the quay", "person_placed"),
        ("V. l. n. r.: zwei Beamte und ein Bürgermeister", "person_placed"),
        ("Слева направо: два депутата и министр", "person_placed"),
        ("Gráfico 1. Evolución del empleo informal, 2005-2015", "figure_number"),
        ("Рис. 2. Динамика реальных доходов населения", "figure_number"),
        ("Die Fähre vor der Mole Foto: Jan Moll", "label_and_person"),
        ("Мэр на открытии цеха / ИА «Северный ракурс»", "desk_behind_slash"),
        ("Fishermen mend their nets at dawn / Harbour Desk", "desk_behind_slash"),
    ],
)
def test_a_caption_is_known_by_its_shape(line: str, rule: str) -> None:
    assert rule in rules(line)


@pytest.mark.parametrize(
    "line",
    [
        "The museum bought the drawing from a dealer (Paul Lindqvist) who had kept it for thirty years.",
        "Figure 1 shows that the ferry has lost a third of its passengers.",
        "The Overstory (Richard Powers)",
        "Night / Day",
        "Each passenger and / or driver pays.",
        "Criticism came from the left and from the right.",
        "“They stood there, from left: two clerks,” he said.",
        "He showed her a photo: the mole at dawn.",
        "தந்தைவழி விடுப்பு மற்றும் தாய்மார்களுக்கான ஆதரவு தேவை என்று (Paternity Leave)",
    ],
)
def test_prose_and_lists_are_no_captions(line: str) -> None:
    assert rules(line) == set()


def test_the_first_line_of_a_text_is_no_caption() -> None:
    assert rules("Table 2: What the ferry costs", block_no=0) == set()
