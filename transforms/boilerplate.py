"""Which lines of a text are page furniture: paywalls, newsletters, share bars, comments, credits, biographies.

Decides by the signs that single lines bear (`signals`) and by where a line stands. A line with a sure sign goes
wherever it stands. A weaker sign counts only above the first paragraph, below the last one, or beside furniture. What
belongs to a piece of furniture goes with it: the bullets of an offer, the headlines under "Related", the thread under
"Comments".

Removing prose is worse than keeping furniture, so what reads like a paragraph is kept wherever the signs leave a doubt.
Only texts in which some line bears a sign are looked at here, line by line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, starmap, takewhile
from operator import attrgetter, itemgetter

import polars as pl

from transforms.appeals import APPEAL, CUES
from transforms.authorship import LEADING_LINES, find_authors, names_in_bios, take_bios_below, take_bylines
from transforms.bios import BioReader
from transforms.blocks import TAIL_CHARS
from transforms.bylines import NameReader
from transforms.doubts import is_answered, is_in_doubt, is_told, may_be_headline
from transforms.lines import LEAST_PROSE_CHARS, MOST_BUTTON_CHARS, Label, Line, Sign
from transforms.offers import take_addressed, take_beside, take_between
from transforms.paragraphs import LIST_ITEM
from transforms.signals import (
    ADDRESS,
    BYLINE_LABEL,
    LAST_LONG_LINES,
    LIKELY,
    NAME_AND_ROLE,
    POSSIBLE,
    READER_SAYS,
    SURE,
    SURE_CHARS,
    TIMESTAMP,
    WEAK,
    LineRules,
)
from transforms.stated_dates import DateFinder
from transforms.threads import take_threads
from transforms.vocabulary import read_vocabulary

LABELS = pl.Schema({"id": pl.UInt32(), "kind": pl.String(), "rule": pl.String()})
AUTHORS = pl.Schema({"row": pl.UInt32(), "found_authors": pl.List(pl.String()), "authors_rule": pl.String()})

DATES = pl.Schema({"row": pl.UInt32(), "found_published_at": pl.String(), "found_modified_at": pl.String()})

MOST_ATTACHED = 12
"""Lines that go with the one above: bullets of an offer, headlines under "Related"."""
MOST_LINK_HEADING_CHARS = 40
MOST_APPEAL_CHARS = 160
"""A longer one at the end is kept: an article may end in "To register, write to …"."""
MANY_SIGNS = 3
"""A line with this many signs is furniture, however long it is."""

_STATES_DATE = frozenset({"byline", "other_boilerplate"})
_OF_AUTHORS = frozenset({"author_bio", "byline"})
_OF_THE_END = frozenset({TIMESTAMP, READER_SAYS, ADDRESS, APPEAL, CUES})
_ENDS_PLAINLY = "[.!?…][\"'”’»)]*$"
_BEGINS_SPECIALLY = rf"^@|{LIST_ITEM}"
_TAKES_BULLETS = frozenset({"paywall", "newsletter", "other_boilerplate", "consent", "share", "related"})


@dataclass(frozen=True)
class TextRules:
    """Everything that is asked about the lines of a text."""

    lines: LineRules
    names: NameReader
    bios: BioReader
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
    names = NameReader(vocabulary)
    return TextRules(
        lines=LineRules(vocabulary),
        names=names,
        bios=BioReader(names),
        dates=DateFinder(vocabulary),
        function_words=vocabulary.words["function_word"],
        word_shares=word_shares,
    )


def find_boilerplate(blocks: pl.DataFrame, rules: TextRules) -> Boilerplate:
    """Label furniture among `blocks` (schema `BLOCKS`, in order).

    Python per text that holds a sign: 30 us.
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
        label_lines(of_text, rules)
        in_bios = names_in_bios(of_text, rules.bios)
        take_bylines(of_text, rules.names, in_bios)
        labels += [
            (number + place, *line.label)
            for number, line in zip(numbers, of_text, strict=True)
            if line.label is not None
            for place in range(line.count)
        ]
        authors += [(row, "\n".join(names), rule) for names, rule in find_authors(of_text, rules.names, in_bios)]
        above = takewhile(lambda line: not line.is_prose and line.number < LEADING_LINES, of_text)
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


def label_lines(lines: Sequence[Line], rules: TextRules) -> None:
    """Label the lines of one text, but for bylines."""
    in_doubt = _take_sure(lines, rules.names)
    before = -1
    while (labelled := sum(line.label is not None for line in lines)) > before:  # one may uncover another at the ends
        before = labelled
        _take_beside_furniture(lines, in_doubt)
        _take_top(lines)
        _take_end(lines, rules)
        take_threads(lines)
        _take_attached(lines)
        take_beside(lines)
        take_addressed(lines, rules.names.reader)
        take_between(lines)
        take_bios_below(lines, rules.names)
        _fill_gaps_below(lines)


def _take_sure(lines: Sequence[Line], names: NameReader) -> dict[int, Sign]:
    """Label lines with sure signs, wherever they stand; give the signs of those that are in doubt, by position."""
    in_doubt: dict[int, Sign] = {}
    is_below_prose = False
    for position, line in enumerate(lines):
        if BYLINE_LABEL in line.rules and line.number < LEADING_LINES:  # "Autor: Jan Becker" may be a credit below
            line.signs = [sign for sign in line.signs if sign.kind != "image_credit"]
        sign = _sure_sign(line, may_be_bio=is_below_prose and line.lines_below < LAST_LONG_LINES - 1)
        if sign is not None and is_in_doubt(lines, position, sign, names):
            in_doubt[position] = sign
        elif sign is not None and not is_told(line, sign, names):
            line.take(sign)
        is_below_prose |= line.is_prose
    return in_doubt


def _take_beside_furniture(lines: Sequence[Line], in_doubt: Mapping[int, Sign]) -> None:
    for position, sign in in_doubt.items():
        around = lines[max(position - 1, 0) : position + 2]
        if position and any(line.label is not None for line in around):
            lines[position].take(sign)


def _sure_sign(line: Line, *, may_be_bio: bool) -> Sign | None:
    """The sign by which a line is furniture; null where it may be prose."""
    signs = [sign for sign in line.signs if sign.weight > WEAK and (may_be_bio or sign.kind != "author_bio")]
    if not signs:
        return None
    surest = _surest(signs)
    if surest.weight == SURE or (len(signs) >= MANY_SIGNS and not line.begins_with_speech):
        return surest
    most_chars = SURE_CHARS if surest.weight == LIKELY else SURE_CHARS // 2
    return surest if len(line.text) <= most_chars and not line.holds_speech else None


def _surest(signs: Iterable[Sign]) -> Sign:
    return max(signs, key=attrgetter("weight"))


def _take_top(lines: Sequence[Line]) -> None:
    """Label lines with any sign above the first paragraph."""
    for position, line in enumerate(lines):
        if line.is_prose:
            break
        sign = next((sign for sign in line.signs if _counts_at_top(sign)), None)
        is_of_text = sign is not None and (is_answered(lines, position) or may_be_headline(lines, position, sign))
        if not (is_of_text or line.begins_with_speech):
            line.take(sign)


def _counts_at_top(sign: Sign) -> bool:
    return sign.kind not in _OF_AUTHORS and sign.rule not in _OF_THE_END


def _take_end(lines: Sequence[Line], rules: TextRules) -> None:
    """Label lines with any sign below the last paragraph, from the end upwards."""
    prose = [line for line in lines if line.is_prose]
    for position in range(len(lines) - 1, -1, -1):
        line = lines[position]
        if line.label is None and line.signs and position and not is_answered(lines, position):
            text = " ".join(other.text for other in prose if other is not line and other.is_prose)
            line.take(_closing_sign(lines, position, text, rules))
        if line.is_prose:
            break


def _closing_sign(lines: Sequence[Line], position: int, text: str, rules: TextRules) -> Sign | None:
    """The sign by which a line below the last paragraph is furniture, or a biography; `text` are the paragraphs."""
    line = lines[position]
    surest = _surest(line.signs)
    is_story = len(line.text) > SURE_CHARS and (surest.rule == APPEAL or _is_said_once(line, surest))
    if surest.weight > WEAK and not is_story and not line.begins_with_speech:
        return surest
    by_rule = {sign.rule: sign for sign in line.signs}
    if NAME_AND_ROLE in by_rule and rules.bios.is_bio(line.text, text):
        return by_rule[NAME_AND_ROLE]
    around = (other.label for other in lines[max(position - 1, 0) : position + 2])
    is_beside = any(label is not None and label.rule not in {APPEAL, CUES} for label in around)
    alone_speaks_to_reader = not rules.names.reader.search(text)
    is_short = len(line.text) <= MOST_APPEAL_CHARS
    if APPEAL in by_rule and is_short and alone_speaks_to_reader and not line.begins_with_speech:
        return by_rule[APPEAL]
    return by_rule[ADDRESS] if ADDRESS in by_rule and is_beside and alone_speaks_to_reader else None


def _is_said_once(line: Line, surest: Sign) -> bool:
    """Whether nothing but one phrase somewhere inside a line speaks for a sign; in a long one it may be chance."""
    is_inside = surest.weight == POSSIBLE and surest.kind not in _OF_AUTHORS
    return is_inside and sum(sign.weight > WEAK for sign in line.signs) == 1


def _take_attached(lines: Sequence[Line]) -> None:
    """Label what goes with the furniture above it: bullets, and headlines under a heading for them."""
    for start, line in enumerate(lines):
        if line.label is None or line.label.kind not in _TAKES_BULLETS:
            continue
        takes_titles = line.is_labelled("related") and len(line.text) <= MOST_LINK_HEADING_CHARS
        for below in lines[start + 1 : start + 1 + MOST_ATTACHED]:
            if below.label is not None or not (below.is_list_item or (takes_titles and below.may_be_headline)):
                break
            below.label = Label(line.label.kind, "attached")


def _fill_gaps_below(lines: Sequence[Line]) -> None:
    """Label what stands below the last paragraph under furniture, if it is no sentence of its own."""
    last_prose = max((number for number, line in enumerate(lines) if line.is_prose), default=len(lines))
    is_below = False
    for line in lines[last_prose + 1 :]:
        if line.label is not None:
            is_below = True
        elif is_below and (line.is_list_item or (line.is_title_like and len(line.text) <= MOST_BUTTON_CHARS)):
            line.label = Label("other_boilerplate", "below_furniture")
