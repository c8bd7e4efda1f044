"""Page furniture in texts: paywalls, newsletters, share bars, comments, credits, biographies; also authors and dates.

Puts together which signs single lines bear (`signals`), for whole columns at once, and what becomes of them in their
text (`labels`), line by line. Only texts in which some line bears a sign come there, and paragraphs in a row that bear
none come as one line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, starmap, takewhile
from operator import itemgetter

import polars as pl

from transforms.authorship import find_authors, names_in_bios, take_bylines
from transforms.bios import BioReader
from transforms.blocks import TAIL_CHARS
from transforms.bylines import NameReader
from transforms.labels import label_lines
from transforms.lines import LEAST_PROSE_CHARS, Line, Sign
from transforms.paragraphs import LIST_ITEM
from transforms.signals import BYLINE_LINES, LineRules
from transforms.stated_dates import DateFinder
from transforms.vocabulary import read_vocabulary
from transforms.voices import Voices

LABELS = pl.Schema({"id": pl.UInt32(), "kind": pl.String(), "rule": pl.String()})
AUTHORS = pl.Schema({"row": pl.UInt32(), "found_authors": pl.List(pl.String()), "authors_rule": pl.String()})
DATES = pl.Schema({"row": pl.UInt32(), "found_published_at": pl.String(), "found_modified_at": pl.String()})

_STATES_DATE = frozenset({"byline", "other_boilerplate"})
_ENDS_PLAINLY = "[.!?…][\"'”’»)]*$"
_BEGINS_SPECIALLY = rf"^@|{LIST_ITEM}"


@dataclass(frozen=True)
class TextRules:
    """Everything that is asked about the lines of a text."""

    lines: LineRules
    names: NameReader
    bios: BioReader
    voices: Voices
    dates: DateFinder
    function_words: Sequence[str]
    word_shares: pl.DataFrame


@dataclass(frozen=True)
class Boilerplate:
    """What was found.

    Attributes:
        labels: Schema `LABELS`: lines that are no part of the article's text.
        authors: Schema `AUTHORS`: the names in bylines, else those in biographies, of rows that have either.
        dates: Schema `DATES`: dates as they stand above the text, of rows that have any.
    """

    labels: pl.DataFrame
    authors: pl.DataFrame
    dates: pl.DataFrame


def text_rules(table: pl.DataFrame, word_shares: pl.DataFrame) -> TextRules:
    """Make the rules of a reference table (see `vocabulary`), and hand on the shares that headlines are judged by.

    Raises:
        ValueError: if the table holds what cannot be read.
    """
    vocabulary = read_vocabulary(table)
    names, voices = NameReader(vocabulary), Voices(vocabulary)
    return TextRules(
        lines=LineRules(vocabulary),
        names=names,
        bios=BioReader(names, voices),
        voices=voices,
        dates=DateFinder(vocabulary),
        function_words=vocabulary.words["function_word"],
        word_shares=word_shares,
    )


def find_boilerplate(blocks: pl.DataFrame, rules: TextRules) -> Boilerplate:
    """Label furniture among `blocks` (schema `BLOCKS`, in order).

    Python per text that holds a sign: 0.1 ms.
    """
    signs = rules.lines.find(blocks)
    signed = signs.select("id").unique().with_columns(has_sign=True)
    lines = blocks.join(signed, on="id", how="left", maintain_order="left")
    suspects = lines.filter(pl.col("has_sign").any().over("row")).pipe(_join_paragraphs)
    by_line = _signs_by_line(signs)
    labels: list[tuple[int, str, str]] = []
    authors: list[tuple[int, str, str]] = []
    dates: list[tuple[int, str | None, str | None]] = []
    for row, numbers, of_text in _texts(suspects, by_line):
        label_lines(of_text, rules.names, rules.bios, rules.voices)
        in_bios = names_in_bios(of_text, rules.bios)
        take_bylines(of_text, rules.names, in_bios)
        labels += [
            (number + place, *line.label)
            for number, line in zip(numbers, of_text, strict=True)
            if line.label is not None
            for place in range(line.count)
        ]
        authors += [(row, "\n".join(names), rule) for names, rule in find_authors(of_text, rules.names, in_bios)]
        above = takewhile(lambda line: not line.is_prose and line.number < BYLINE_LINES, of_text)
        stated = rules.dates.find(line.text for line in above if _may_state_date(line))
        dates += [(row, *stated)] * any(stated)
    named = _frame(authors, pl.Schema({**AUTHORS, "found_authors": pl.String()}))  # lists are made a row at a time
    return Boilerplate(
        labels=_frame(labels, LABELS),
        authors=named.with_columns(pl.col("found_authors").str.split("\n")),
        dates=_frame(dates, DATES),
    )


def _signs_by_line(signs: pl.DataFrame) -> dict[int, list[Sign]]:
    """Gather the signs of each line; the same sign is one object, however many lines bear it."""
    distinct = signs.select(Sign._fields).unique(maintain_order=True)
    known = list(starmap(Sign, distinct.iter_rows()))
    numbered = signs.join(distinct.with_row_index("number"), on=Sign._fields, maintain_order="left")
    by_line: dict[int, list[Sign]] = {}
    for line, number in zip(numbered["id"].to_list(), numbered["number"].to_list(), strict=True):
        by_line.setdefault(line, []).append(known[number])
    return by_line


def _frame(rows: Sequence[tuple[object, ...]], schema: pl.Schema) -> pl.DataFrame:
    """Make a frame column by column, a tenth of the cost of row by row."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pl.DataFrame(dict(zip(schema, map(list, columns), strict=True)), schema=schema)


def _may_state_date(line: Line) -> bool:
    return line.label is not None and line.label.kind in _STATES_DATE


def _join_paragraphs(lines: pl.DataFrame) -> pl.DataFrame:
    """Put paragraphs in a row that bear no sign into one line: most lines of most texts."""
    is_plain = (
        pl.col("has_sign").is_null()
        & (pl.col("chars") >= LEAST_PROSE_CHARS)
        & pl.col("block").str.tail(TAIL_CHARS).str.contains(_ENDS_PLAINLY)
        & ~pl.col("block").str.contains(_BEGINS_SPECIALLY)
    )
    follows = is_plain & is_plain.shift() & (pl.col("row") == pl.col("row").shift())
    runs = lines.with_columns(run=(~follows.fill_null(value=False)).cum_sum())
    return runs.group_by("run", maintain_order=True).agg(
        pl.col("row", "id").first(),
        pl.col("block").str.join("\n"),
        pl.col("ends_sentence").last(),
        pl.col("block_no").first(),
        pl.col("blocks_below").last(),
        pl.len(),
    )


def _texts(lines: pl.DataFrame, signs: Mapping[int, list[Sign]]) -> Iterator[tuple[int, list[int], list[Line]]]:
    """Yield the lines of each text with their numbers."""
    rows = lines.select("row", "id", "block", "ends_sentence", "block_no", "blocks_below", "len").iter_rows()
    for row, of_row in groupby(rows, key=itemgetter(0)):
        numbers, lines_of_text = [], []
        for _, number, text, ends_sentence, block_no, blocks_below, count in of_row:
            numbers.append(number)
            lines_of_text.append(Line(text, ends_sentence, block_no, blocks_below, count, signs.get(number, ())))
        yield row, numbers, lines_of_text
