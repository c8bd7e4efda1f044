"""Captions that no label marks: a sentence that ends in a credit, says who stands where, or numbers a figure.

A credit at the end is a name in brackets, or behind a slash or a bar. In prose a full stop follows a bracket, and names
stand beside what they do; a caption just ends.
"""

from collections.abc import Iterator

import polars as pl

from transforms.vocabulary import Vocabulary

PERSON_IN_BRACKETS = "person_in_brackets"
"""The least sure of all: a bracket may also hold what is meant."""
LONGEST_CAPTION = 300
"""Characters: a longer line is a paragraph that happens to end so."""
MOST_CREDIT_CHARS = 100
"""How much of the end of a line is searched for the mark of a credit."""
LEAST_WORDS_BEFORE = 5
"""Words before a credit: fewer are a title with its maker, as in a list of films."""

_WORDS = rf"^(?:\S+\s+){{{LEAST_WORDS_BEFORE},}}[^()\[\]|]*"
_PARTICLE = r"(?:(?:de|del|da|di|du|van|von|der|den|el|al|la|le)\s+)*"
_PERSON = rf"\p{{Lu}}[\p{{L}}\p{{M}}.’'-]*(?:\s+{_PARTICLE}\p{{Lu}}[\p{{L}}\p{{M}}.’'-]*){{1,3}}"
_DESK = r"[\p{L}\p{M}\p{N}.’'& -]{2,40}"
_CASELESS = r"\p{Lo}[\p{Lo}\p{M} ]{2,40}"
_FOR = r"(?:[/|©]|\b(?:via|for|für|pour|para|dla|для)\b)"
_SAME = r"[^()\[\]|.!?]"
"""Of one sentence; one with three words in lower case is no title."""
_BY_SHAPE = {
    "person_and_desk_in_brackets": rf"{_WORDS}[(\[](?:{_PERSON}|{_CASELESS})\s*{_FOR}\s*{_DESK}[)\]]\.?$",
    PERSON_IN_BRACKETS: rf"^(?:{_SAME}*\b\p{{Ll}}{{3,}}\b){{3}}{_SAME}*[(\[]{_PERSON}[)\]]$",
    "desk_behind_slash": (
        rf"^(?:{_SAME}*\b\p{{Ll}}{{2,}}\b){{2}}{_SAME}*\s/\s(?:\p{{Lu}}{{2,5}}\s)?"
        r"[«“„]?\p{Lu}[\p{L}\p{N}.’'& -]{2,40}[»”]?$"
    ),
    "desk_and_person": rf"[.!?]\s+{_DESK}\s?/\s?{_PERSON}$",
    "person_and_desk": rf"[.!?]\s+{_PERSON}\s?[/|]\s?{_DESK}$",
}
_MARKED = r"[)\]]\.?$|[/|][^/|.!?]*$"
"""How a line with a credit ends: with one of four marks, which most lines have nowhere."""
_SCRIPT = r"^[^\p{L}]*[\p{Latin}\p{Cyrillic}\p{Arabic}]"
"""Others put the English of a term in brackets."""
_SPEECH = '["“”„]'


class CaptionReader:
    """Reads captions with the words of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take words for places in a picture, figures and credits from `vocabulary`."""
        place, figure, label = map(vocabulary.alternatives, ("caption_place", "figure_label", "credit_label"))
        self._by_word = {
            "caption_place": ("person_placed", rf"(?i)[(,]\s*(?:{place})\s*[):]|^(?:{place})\s?:\s"),
            "figure_label": (
                "figure_number",
                rf"(?i)^\W{{0,3}}(?:{figure})\s?(?:\d{{1,2}}|[ivx]{{1,4}})\s*[.:|–—-]\s*\S(?:.{{0,60}}|.*[^.!?])$",
            ),
            "credit_label": (
                "label_and_person",
                rf"\s(?i:{label})\s*[:/©]\s*(?:{_PERSON}|\p{{Lu}}{{2,}})[^.!?:]{{0,40}}$",
            ),
        }

    def find(self, lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Find captions in `lines`: frames of `id` and `rule`.

        `lines` have `id`, `line`, `chars`, `block_no`, and whether they hold words for places, figures and credits.
        """
        worth = lines.filter((pl.col("chars") <= LONGEST_CAPTION) & (pl.col("block_no") > 0))
        marked = worth.filter(pl.col("line").str.contains_any([")", "]", "/", "|"]))
        ends_marked = pl.col("line").str.tail(MOST_CREDIT_CHARS).str.contains(_MARKED)
        by_shape = marked.filter(ends_marked).filter(_may_be_caption())
        for rule, sign in _BY_SHAPE.items():
            yield _matches(by_shape, rule, sign)
        for kind, (rule, sign) in self._by_word.items():
            yield _matches(worth.filter(kind).filter(_may_be_caption()), rule, sign)


def _may_be_caption() -> pl.Expr:
    return pl.col("line").str.contains(_SCRIPT) & ~pl.col("line").str.contains(_SPEECH)


def _matches(lines: pl.DataFrame, rule: str, sign: str) -> pl.DataFrame:
    found = lines.filter(pl.col("line").str.contains(sign)) if lines.height else lines
    return found.select("id", rule=pl.lit(rule))
