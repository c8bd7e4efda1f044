"""Page furniture: each rule where it fires, and where it holds back."""

import polars as pl
import pytest

from seeds.tables import boilerplate, word_shares
from transforms.blocks import split_blocks
from transforms.boilerplate import find_boilerplate, text_rules

RULES = text_rules(boilerplate(), word_shares())
FIRST = "The harbour board decided on Monday that the night ferry will stop running at the end of the month."
SECOND = "Members of the board said that the hull needs new plates, and that no yard on the coast makes them now."
THIRD = "Islanders point to a bridge of which the first pillar has been standing in the water for eleven years."
PROSE = (FIRST, SECOND, THIRD)


def labels(*blocks: str) -> dict[str, str]:
    """Kinds of the blocks that are furniture."""
    texts = pl.DataFrame({"row": [0], "text": ["\n\n".join(blocks)]}, schema={"row": pl.UInt32(), "text": pl.String()})
    lines = split_blocks(texts)
    found = find_boilerplate(lines, RULES)
    return dict(lines.join(found.labels, on="id", maintain_order="left").select("block", "kind").iter_rows())


def authors(*blocks: str) -> list[str]:
    texts = pl.DataFrame({"row": [0], "text": ["\n\n".join(blocks)]}, schema={"row": pl.UInt32(), "text": pl.String()})
    found = find_boilerplate(split_blocks(texts), RULES).authors
    return found["found_authors"].to_list()[0] if found.height else []


ANYWHERE = {
    "paywall": ("Subscribe now", "Abonnez-vous", "Suscríbete", "Zaloguj się", "Оформить подписку"),
    "newsletter": ("Sign up for our newsletter", "Straight to your inbox every Friday"),
    "share": ("Facebook Twitter WhatsApp Email", "Share this article", "@harbour_review", "Click to share on Facebook"),
    "related": (
        "Read more: The tide table",
        "Lesen Sie auch: Was nun?",
        "À lire aussi : La marée",
        "Recommended for you",
    ),
    "comments": ("12 Comments", "Leave a comment", "Log in to leave a comment"),
    "consent": ("Accept all cookies", "We use cookies to improve your experience."),
    "image_file": (
        "harbour-crane_2048x1365.jpg",
        "IMG 4471.JPG",
        "photo.webp (1200 x 800)",
        "![](https://a.example/b.png)",
    ),
    "image_credit": ("Photo: J. Sandovar", "Image credit: Getty Images", "Jane Doe/AFP via Getty Images", "© Reuters"),
    "caption": ("Caption: The mole at dawn.", "The mole at dawn. (Photo: J. Doe)", "The mole at dawn. Foto: Jan Moll"),
    "other_boilerplate": (
        "Advertisement",
        "Skip to main content",
        "5 min read",
        "© 2024 The Review. All rights reserved.",
        "Home > News > Ports",
        "Support our journalism",
        "Published 12 May 2024",
    ),
}


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in ANYWHERE.items() for line in lines])
def test_furniture_goes_between_paragraphs(kind: str, line: str) -> None:
    assert labels(FIRST, line, SECOND, THIRD) == {line: kind}


@pytest.mark.parametrize(
    "paragraph",
    [
        "Subscribers to the paper fell by a third last year, the publisher said on Tuesday.",
        "“Subscribe to our cause,” he told the crowd, and most of them did.",
        "Comments by the minister on the price of bread drew laughter from the benches.",
        "Share prices fell after the announcement, and recovered before noon.",
        "The photographer, who worked for Reuters, was released after nine days.",
        "The regulator fined the company for setting cookies without consent.",
        "Follow the river long enough and you come to the sea.",
        "Read the law carefully, and nothing in it speaks of tenants.",
        "Support for the bill fell to a third of the members.",
        "He signed up for the newsletter of the party and never read it.",
        "The report was published on 12 May 2024, and nobody noticed.",
        "Jane Doe is a professor of law, and she does not think much of the plan.",
        "By Monday the water had reached the second step.",
        "In pictures of that year the mole is still whole.",
        "Die Zeitung hat im vergangenen Jahr jeden dritten Abonnenten verloren.",
        "Les abonnés du journal ont diminué d'un tiers en un an.",
        "Las acciones del banco cayeron un ocho por ciento.",
        "Комментарии министра о ценах на хлеб вызвали смех в зале.",
        "أثارت تصريحات الوزير ضحك النواب في القاعة يوم الاثنين.",
    ],
)
@pytest.mark.parametrize("place", [1, 2])
def test_prose_that_speaks_of_such_things_stays(paragraph: str, place: int) -> None:
    assert labels(*PROSE[:place], paragraph, *PROSE[place:]) == {}


def test_bullets_go_with_the_offer_above_them_and_not_with_prose() -> None:
    offer = ("Subscribe to the Review for unlimited access.", "• The Sunday letter", "• Six issues, printed")
    assert set(labels(*PROSE, *offer).values()) == {"paywall"}
    assert labels(FIRST, "Three things are needed:", "• a yard", "• new plates", SECOND, THIRD) == {}


def test_headlines_go_with_the_heading_for_them() -> None:
    links = ("Related articles", "The Tide Table Nobody Reads", "Who Mends the Cables?")
    assert labels(*PROSE, *links) == dict.fromkeys(links, "related")
    assert labels(FIRST, "The Tide Table Nobody Reads", SECOND, THIRD) == {}


def test_a_thread_goes_down_to_the_end() -> None:
    thread = (
        "Comments (2)",
        "railbird72",
        "12 March 2025 at 08:14",
        "The cat got off at the second stop, and I with it.",
        "Reply",
        "Quiet Coach",
        "12 March 2025 at 09:40",
        "Which side has the better view in the morning?",
        "Reply",
    )
    assert set(labels(*PROSE, *thread)) == set(thread)


def test_comments_above_the_article_are_one_line() -> None:
    assert labels("12 Comments", *PROSE) == {"12 Comments": "comments"}


def test_prose_below_a_heading_that_reads_comments_stays() -> None:
    assert set(labels(FIRST, "Comments", SECOND, THIRD, *PROSE)) <= {"Comments"}


@pytest.mark.parametrize(
    ("bio", "names"),
    [
        ("Jane Doe is a professor of law at the University of Carrow.", ["Jane Doe"]),
        ("• MARGIT O'NEIL is a Senior Fellow at the Tidewater Institute.", ["Margit O'Neil"]),
        ("Ann Roe is a hydrologist at the Center.Tom Poe is a former commissioner and author.", ["Ann Roe", "Tom Poe"]),
        ("Piet Wintervoort covers ports for the Review. Follow him on Twitter: @pw", ["Piet Wintervoort"]),
        ("Karsten Moller ist Redakteur im Ressort Wirtschaft.", ["Karsten Moller"]),
        ("Léa Tournac est économiste à l'Institut des politiques rurales.", ["Léa Tournac"]),
        ("Julia Mendarte es catedrática de Derecho Constitucional.", ["Julia Mendarte"]),
        ("BARBARA WIELICKA jest publicystką i tłumaczką.", ["Barbara Wielicka"]),
        ("Вера Самойлик — редактор отдела экономики.", ["Вера Самойлик"]),
        ("هالة الشمري صحفية استقصائية.", ["هالة الشمري"]),
    ],
)
def test_a_biography_at_the_end_goes_and_names_the_author(bio: str, names: list[str]) -> None:
    assert labels(*PROSE, bio) == {bio: "author_bio"}
    assert authors(*PROSE, bio) == names


def test_a_person_whom_the_article_writes_about_is_no_author() -> None:
    told = (FIRST, "Jane Doe came late to the meeting and left it early, which surprised no one on the island.", THIRD)
    assert labels(*told, "Jane Doe is a professor of law at the University of Carrow.") == {}


def test_a_biography_above_prose_stays() -> None:
    assert labels(FIRST, "Jane Doe is a professor of law at the University of Carrow.", SECOND, THIRD) == {}


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Jane Doe and John Roe", ["Jane Doe", "John Roe"]),
        ("By Jane Doe, Health Correspondent", ["Jane Doe"]),
        ("Von Henriette Wasmund und Karsten Moller", ["Henriette Wasmund", "Karsten Moller"]),
        ("Текст: Кирилл Дубов", ["Кирилл Дубов"]),
        ("oprac. Leszek Tymiński, PAP", ["Leszek Tymiński"]),
        ("Ein Gastbeitrag von Prof. Ulrich Brendel", ["Ulrich Brendel"]),
        ("بقلم: كريم الدهّان", ["كريم الدهّان"]),
    ],
)
def test_a_byline_below_the_headline_goes_and_names_the_authors(byline: str, names: list[str]) -> None:
    assert labels("The Last Ferry", byline, *PROSE) == {byline: "byline"}
    assert authors("The Last Ferry", byline, *PROSE) == names


def test_bare_names_beside_a_date_or_named_in_a_biography_are_a_byline() -> None:
    assert labels("The Last Ferry", "JANE DOE", "12 May 2024", *PROSE)["JANE DOE"] == "byline"
    assert labels("The Last Ferry", "JANE DOE", *PROSE, "Jane Doe is a writer in Carrow.")["JANE DOE"] == "byline"
    assert labels("The Last Ferry", "Neue Wege", *PROSE) == {}


def test_bare_names_are_a_byline_only_of_those_the_article_does_not_write_about() -> None:
    last = "Jane Doe was not asked by the board, as she had left the island years before."
    assert labels("The Last Ferry", "Jane Doe", "12 May 2024", *PROSE, last) == {"12 May 2024": "other_boilerplate"}


def test_role_below_a_byline_goes_with_it_and_no_other_line_does() -> None:
    assert labels("The Last Ferry", "By Jane Doe", "Economist", *PROSE)["Economist"] == "byline"
    assert labels("The Last Ferry", "By Jane Doe", "Empty Yards", *PROSE) == {"By Jane Doe": "byline"}


def test_name_with_a_role_is_a_byline_beside_a_date_only() -> None:
    byline = "Jane Doe, correspondent in Carrow"
    assert labels("The Last Ferry", byline, "12.03.2021, 10:22", *PROSE)[byline] == "byline"
    assert labels("The Last Ferry", byline, *PROSE) == {}


def test_date_goes_above_the_text_and_stays_in_it() -> None:
    assert labels("The Last Ferry", "12.03.2021, 10:22", *PROSE) == {"12.03.2021, 10:22": "other_boilerplate"}
    assert labels("The Last Ferry", FIRST, "12.03.2021, 10:22", SECOND, THIRD) == {}


def test_inflected_name_is_spelt_as_in_the_biography() -> None:
    bio = "Марина Ольшанская — экономист, старший научный сотрудник."
    assert authors("Колонка Марины Ольшанской", *PROSE, bio) == ["Марина Ольшанская"]
    for byline, other in (
        ("Ana Ruiz", "Eva Ruiz"),
        ("Maria Ross", "Marianne Rosenberg"),
        ("Jan Kow", "Janina Kowalewska"),
    ):
        assert authors(f"By {byline}", *PROSE, f"{other} is a writer in Carrow.") == [byline]


def test_the_names_of_bylines_come_before_those_of_biographies() -> None:
    assert authors("By Jane Doe", *PROSE, "Tom Poe is a writer in Carrow.") == ["Jane Doe"]


def test_scripts_without_phrases_pass_unharmed() -> None:
    tamil = ["தலைமன்னாரிலிருந்து இராமர் பாலம் வரை பயணம் செய்தவர்கள் தெரிவித்தனர்."] * 3
    assert labels(*tamil) == {}


def test_a_long_last_paragraph_with_one_loose_phrase_stays() -> None:
    long = "The harbour board thanked its members for their work on the hull. " * 4 + "Readers made a donation of nets."
    assert long not in labels(*PROSE, long)
    assert "Readers made a donation of nets." in labels(*PROSE, "Readers made a donation of nets.")


def test_a_long_sentence_that_says_our_stays_below_furniture() -> None:
    long = (
        "Hence the ferry is not a monster, but our ignorance and the manner of some of the officials are the monster."
    )
    assert labels(*PROSE, long, "Subscribe now") == {"Subscribe now": "paywall"}
    assert "Our door is open." in labels(*PROSE, "Our door is open.", "Subscribe now")


def test_a_free_article_is_an_offer() -> None:
    assert labels(FIRST, "You are reading a free article.", SECOND) == {"You are reading a free article.": "paywall"}


def test_the_author_needs_a_role() -> None:
    assert "The author is a retired pilot." in labels(*PROSE, "The author is a retired pilot.")
    assert "The author is not convinced." not in labels(*PROSE, "The author is not convinced.")


def test_two_persons_in_one_line_are_a_biography_and_two_who_act_are_none() -> None:
    two = "Jane Doe and Anna Weber are researchers at the tidal institute."
    assert labels(*PROSE, two) == {two: "author_bio"}
    assert labels(*PROSE, "Jane Doe and Anna Weber walked down to the mole at dawn.") == {}
