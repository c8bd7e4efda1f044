"""Who wrote an article, as its lines say: bylines near the top, biographies at the end.

A bare name near the top is a byline if a biography names the same person; or beside a date or a share bar, if the
article does not write about that person. Biographies that do not begin with a name stand under a heading for them, or
under the bare name.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise, starmap, takewhile

from transforms.bios import BioReader
from transforms.bylines import NameReader, unique
from transforms.lines import MOST_BUTTON_CHARS, Label, Line
from transforms.signals import BARE_NAMES, BYLINE_LINES

MOST_BYLINE_CHARS = 150
"""Several names with their roles; a longer line is a sentence or a biography."""
HEADING_LINES = 5
"""Lines at the end among which headings for biographies are looked for."""
MOST_LINES_BELOW, MOST_CHARS_BELOW = 3, 400
"""Of what stands below such a heading: how many lines, and how long each; more is the article."""
LONGEST_ENDING = 3
"""Letters in which an inflected name differs at most."""
LEAST_STEM = 4
"""Letters that an inflected name has in common with the other; of a shorter one all but the last."""


def take_bylines(lines: Sequence[Line], names: NameReader, in_bios: Sequence[str]) -> None:
    """Label bylines near the top: lines that begin as one, and bare names; `in_bios` are those in biographies."""
    first = [line for line in lines if line.number < BYLINE_LINES and line.label is None]
    for line in first:
        if len(line.text) <= MOST_BYLINE_CHARS and (_bears_sign(line) or _names_one(line, in_bios)):
            rule = _byline_rule(lines, line, names, in_bios)
            line.label = None if rule is None else Label("byline", rule)
    for line, below in pairwise(first):
        if line.is_labelled("byline") and below.number == line.number + 1 and _is_role(below, names):
            below.label = Label("byline", "role_below")


def _is_role(line: Line, names: NameReader) -> bool:
    is_short = line.label is None and line.is_title_like and len(line.text) <= MOST_BUTTON_CHARS
    return is_short and names.role.match(line.text) is not None


def _bears_sign(line: Line) -> bool:
    return any(sign.kind == "byline" for sign in line.signs)


def _names_one(line: Line, names: Sequence[str]) -> bool:
    spelt = line.text.casefold() if names else ""
    return any(name.casefold() in spelt for name in names)


def _byline_rule(lines: Sequence[Line], line: Line, names: NameReader, in_bios: Sequence[str]) -> str | None:
    """The rule by which a line is a byline, if it is one."""
    persons = names.in_byline(line.text)
    if names.has_label(line.text) and (persons or names.is_agency(names.without_label(line.text))):
        return "label"
    of_bios = {name.casefold() for name in in_bios}
    if any(person.casefold() in of_bios for person in persons):
        return "named_in_biography"
    if not persons or BARE_NAMES not in line.rules or not _is_beside_furniture(lines, line):
        return None
    written_about = " ".join(other.text for other in lines if other.is_prose).casefold()
    is_written_about = any(person.split()[-1].casefold() in written_about for person in persons)
    return None if is_written_about else BARE_NAMES


def _is_beside_furniture(lines: Sequence[Line], line: Line) -> bool:
    """Whether a date, a share bar or the like stands above or below a line that is not the first."""
    position = next(number for number, other in enumerate(lines) if other is line)
    around = lines[position - 1 : position + 2] if position else ()
    return any(other.label is not None and not other.is_labelled("byline") for other in around)


def names_in_bios(lines: Sequence[Line], bios: BioReader) -> list[str]:
    """Names of the persons that the biographies of a text are about."""
    return unique([name for line in lines if line.is_labelled("author_bio") for name in bios.names(line.text)])


def take_bios_below(lines: Sequence[Line], names: NameReader) -> None:
    """Label what stands at the end under "About the author", or under the bare name of a person with a role."""
    rest = [line for line in lines if line.label is None or line.label.kind == "author_bio"][-HEADING_LINES:]
    for number, line in enumerate(rest):
        below = rest[number + 1 :]
        if not 0 < len(below) <= MOST_LINES_BELOW or any(len(other.text) > MOST_CHARS_BELOW for other in below):
            continue
        is_heading = line.label is not None and line.is_title_like and len(line.text) <= MOST_BUTTON_CHARS
        if is_heading or _is_name_above_role(line, below[0], names):
            for other in rest[number:]:
                other.label = other.label or Label("author_bio", "below_heading" if is_heading else "below_name")
            return


def _is_name_above_role(line: Line, below: Line, names: NameReader) -> bool:
    may_be_name = line.label is None and len(line.text) <= MOST_BUTTON_CHARS
    return (
        may_be_name
        and names.person(line.text) is not None
        and names.role.search(below.text[:MOST_BUTTON_CHARS]) is not None
    )


def find_authors(
    lines: Sequence[Line], names: NameReader, in_bios: Sequence[str]
) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the names in the bylines of a text, else `in_bios`, and where they stood; nothing if none."""
    bylines = (line.text for line in lines if line.is_labelled("byline"))
    found = unique(_as_in_bios(name, in_bios) for text in bylines for name in names.in_byline(text))
    if found:
        yield found, "byline"
    elif in_bios:
        yield in_bios, "author_bio"


def _as_in_bios(name: str, in_bios: Sequence[str]) -> str:
    """The name as a biography has it, which is not inflected."""
    if name in in_bios:
        return name
    return next((known for known in in_bios if _is_inflected(name, known)), name)


def _is_inflected(name: str, known: str) -> bool:
    """Whether a name is another one but for the endings of its words."""
    pairs = list(zip(name.split(), known.split(), strict=False))
    return len(name.split()) == len(known.split()) and all(starmap(_differ_in_ending, pairs))


def _differ_in_ending(word: str, other: str) -> bool:
    stem = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    return stem >= min(LEAST_STEM, len(other) - 1) and max(len(word), len(other)) - stem <= LONGEST_ENDING
