"""What others do to an article: eleven kinds of copies, each made of an article and of what strangers wrote.

What is put in comes from articles that are not among the originals, or was written for this.
"""

import random
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PARAGRAPHS = 5
"""Fewest paragraphs of an article of which one is replaced."""

CHANGED = 0.02
"""Share of words that are changed."""

SIMILAR_IN_LENGTH = 12
"""How many paragraphs of others are looked at for one that is about as long as that which it replaces."""

FOOTERS = (
    (
        "You have reached the end of your free reading for this week. A pass for the archive is two pounds a month, "
        "and the first four weeks cost nothing.\n\nOrla Fenwick has written about harbours and their people for "
        "the Saltmarsh Courier since 2011."
    ),
    (
        "This story is open to members only. Members read everything, pay nothing for the evening edition, and keep "
        "three reporters in work.\n\nTadeusz Brandt is our man in the north. He was a surveyor before that."
    ),
    (
        "Like what you read? Our readers pay for it. Take out a subscription today, and we will put a letter from the "
        "newsroom into your inbox each Friday.\n\nAbout the author: Ines Calder reports on courts and prisons."
    ),
    (
        "The rest of this page is for those with a Lantern account; it takes a minute to open one.\n\nPriya Holloway "
        "edits the business pages of the Lantern. Write to her at priya.holloway@lantern.example."
    ),
    (
        "Subscribe to the Fenland Post for 99p a week. Cancel whenever you like.\n\nJonas Ekberg is a freelance "
        "journalist who lives in Malmö with two dogs and a printing press."
    ),
)
HEADINGS = (
    *("WHAT HAPPENED", "HOW IT BEGAN", "REACTIONS", "THE FIGURES", "WHAT COMES NEXT", "A LONG DISPUTE", "BACKGROUND"),
    *("VOICES FROM THE REGION", "A SECOND LOOK", "OPEN QUESTIONS", "THE DAYS BEFORE", "UNDER REVIEW", "IN SHORT"),
)
_TYPOGRAPHY = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "..."}
)
_ENGLISH_QUOTES = ((re.compile(r'(?<!\S)"'), "“"), (re.compile('"'), "”"), (re.compile("'"), "’"))
_DASH = re.compile(r" -+ ")


@dataclass(frozen=True)
class Article:
    """An article of real news, without the headline above its text."""

    key: str
    headline: str
    paragraphs: Sequence[str]
    language: str
    published_at: float

    @property
    def body(self) -> str:
        """The paragraphs, separated by blank lines."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True)
class Donors:
    """Articles of one language that are not among the originals, taken apart."""

    headlines: Sequence[str]
    paragraphs: Sequence[str]
    words: Sequence[str]


MakeCopy = Callable[[Article, Donors, random.Random], str | None]
"""Makes the text of a copy; None where the article does not lend itself to that kind."""


def with_wrong_headline(article: Article, donors: Donors, rng: random.Random) -> str:
    """Glue the headline of another article on top."""
    return f"{rng.choice(donors.headlines)}\n{article.body}"


def with_footer(article: Article, _: Donors, rng: random.Random) -> str:
    """Append an offer to subscribe, and who wrote the article."""
    return f"{article.body}\n\n{rng.choice(FOOTERS)}"


def re_wrapped(article: Article, *_: object) -> str:
    """Break lines at 72 columns; paragraphs stay apart."""
    return "\n\n".join(
        textwrap.fill(paragraph, 72, break_long_words=False, break_on_hyphens=False) for paragraph in article.paragraphs
    )


def with_headings(article: Article, _: Donors, rng: random.Random) -> str:
    """Put headings in capitals between the paragraphs, three or four paragraphs from one another."""
    blocks = list(article.paragraphs)
    places = range(max(1, len(blocks) - 1), 0, -rng.randint(3, 4))
    for place, heading in zip(places, rng.sample(HEADINGS, len(HEADINGS)), strict=False):
        blocks.insert(place, heading)
    return "\n\n".join(blocks)


def with_other_quotes(article: Article, *_: object) -> str:
    """Make curly quotes, dashes and dots straight, and where there are none, the other way round."""
    straight = article.body.translate(_TYPOGRAPHY)
    if straight != article.body:
        return straight
    for straight_quote, curly in _ENGLISH_QUOTES:
        straight = straight_quote.sub(curly, straight)
    return _DASH.sub(" — ", straight).replace("...", "…")


def with_paragraph_replaced(article: Article, donors: Donors, rng: random.Random) -> str | None:
    """Replace a paragraph, but not the longest, by one of another article that is about as long."""
    paragraphs = list(article.paragraphs)
    if len(paragraphs) < PARAGRAPHS:
        return None
    longest = max(range(len(paragraphs)), key=lambda place: len(paragraphs[place]))
    place = rng.choice([place for place in range(len(paragraphs)) if place != longest])
    length = len(paragraphs[place])
    others = rng.sample(donors.paragraphs, min(SIMILAR_IN_LENGTH, len(donors.paragraphs)))
    paragraphs[place] = min(others, key=lambda other: abs(len(other) - length))
    return "\n\n".join(paragraphs)


def with_words_changed(article: Article, donors: Donors, rng: random.Random) -> str:
    """Put words of other articles in the places of a few."""
    pieces = re.split(r"(\s+)", article.body)
    places = [place for place, piece in enumerate(pieces) if piece.strip()]
    for place in rng.sample(places, max(1, round(CHANGED * len(places)))):
        pieces[place] = rng.choice([word for word in rng.sample(donors.words, 3) if word != pieces[place]])
    return "".join(pieces)


def cut_to(share: float) -> MakeCopy:
    """Return what keeps so much of the words, from the start."""

    def cut(article: Article, *_: object) -> str:
        ends = [word.end() for word in re.finditer(r"\S+", article.body)]
        return article.body[: ends[round(share * len(ends)) - 1]]

    return cut


def misread(article: Article, *_: object) -> str | None:
    """Read UTF-8 as cp1252, as browsers do: what that page has no character for stays a control character.

    None for what can be written in cp1252, and is copied in it elsewhere.
    """
    if can_be_cp1252(article.body):
        return None
    return article.body.encode().decode("latin-1").translate(_CP1252)


_CP1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}


def can_be_cp1252(text: str) -> bool:
    """Whether each character has a place in cp1252."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def unchanged(article: Article, *_: object) -> str:
    """Leave the text as it is: its file is written in UTF-16, or in cp1252 where that can be."""
    return article.body


RE_ENCODED = "re-encoded"
KINDS: Mapping[str, tuple[MakeCopy, float]] = {
    "wrong headline on top": (with_wrong_headline, 0.999),
    "footer appended": (with_footer, 0.999),
    "re-wrapped": (re_wrapped, 0.999),
    RE_ENCODED: (unchanged, 0.999),
    "misread as cp1252": (misread, 0.999),
    "headings in capitals": (with_headings, 0.999),
    "quotes and dashes changed": (with_other_quotes, 0.999),
    "paragraph replaced": (with_paragraph_replaced, 0.99),
    "2 % of words changed": (with_words_changed, 0.99),
    "cut to 60 %": (cut_to(0.6), 0.95),
    "cut to 30 %": (cut_to(0.3), 0.8),
}
"""Each kind, how it is made, and its least recall."""
