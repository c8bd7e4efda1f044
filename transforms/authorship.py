"""Who wrote an article, as its lines say: bylines near the top, biographies at the end.

A bare name near the top is a byline if a biography names the same person; or beside a date or a share bar, if the
article does not write about that person. Biographies that do not begin with a name stand under a heading for them, or
under the bare name.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from transforms.bios import BioReader
from transforms.bylines import NameReader, unique
from transforms.lines import MOST_BUTTON_CHARS, Label, Line
from transforms.signals import BARE_NAMES

LEADING_LINES = 8
"""Lines at the top among which bylines are looked for."""
MOST_BYLINE_CHARS = 150
LAST_LINES = 5
"""Lines at the end among which headings for biographies are looked for."""
MOST_LINES_BELOW = 3
MOST_BIO_CHARS = 400


def take_bylines(lines: Sequence[Line], names: NameReader, bios: BioReader) -> None:
    """Label bylines near the top: lines that begin as one, and bare names of authors."""
    first = [line for line in lines[:LEADING_LINES] if line.label is None and len(line.text) <= MOST_BYLINE_CHARS]
    of_bios = {name.casefold() for name in _names_of_bios(lines, bios)}
    suspects = first if of_bios else [line for line in first if any(sign.kind == "byline" for sign in line.signs)]
    if not suspects:
        return
    written_about = " ".join(line.text for line in lines if line.is_prose).casefold()
    for line in suspects:
        about = written_about if _is_beside_furniture(lines, line) else None
        rule = _byline_rule(line, names, of_bios=of_bios, written_about=about)
        line.label = None if rule is None else Label("byline", rule)


def _is_beside_furniture(lines: Sequence[Line], line: Line) -> bool:
    """Whether a date, a share bar or the like stands above or below a line that is not the first."""
    position = next(number for number, other in enumerate(lines) if other is line)
    around = lines[position - 1 : position + 2] if position else ()
    return any(other.label is not None for other in around)


def _names_of_bios(lines: Sequence[Line], bios: BioReader) -> list[str]:
    return unique(name for line in lines if line.is_labelled("author_bio") for name in bios.names(line.text))


def _byline_rule(line: Line, names: NameReader, *, of_bios: AbstractSet[str], written_about: str | None) -> str | None:
    """The rule by which a line is a byline; `written_about` is null where it may as well be a heading."""
    bare = names.without_label(line.text)
    persons = names.persons(bare)
    if names.has_label(line.text) and (persons or names.is_agency(bare)):
        return "label"
    if any(person.casefold() in of_bios for person in persons):
        return "named_in_biography"
    if not persons or written_about is None or BARE_NAMES not in line.rules:
        return None
    is_written_about = any(person.split()[-1].casefold() in written_about for person in persons)
    return None if is_written_about else BARE_NAMES


def take_bios_below(lines: Sequence[Line], names: NameReader) -> None:
    """Label what stands at the end under "About the author", or under the bare name of a person with a role."""
    rest = [line for line in lines if line.label is None or line.label.kind == "author_bio"][-LAST_LINES:]
    for number, line in enumerate(rest):
        below = rest[number + 1 :]
        if not 0 < len(below) <= MOST_LINES_BELOW or any(len(other.text) > MOST_BIO_CHARS for other in below):
            continue
        is_heading = line.label is not None and len(line.text) <= MOST_BUTTON_CHARS
        if is_heading or _is_name_above_role(line, below[0], names):
            for other in rest[number:]:
                other.label = other.label or Label("author_bio", "below_heading" if is_heading else "below_name")
            return


def _is_name_above_role(line: Line, below: Line, names: NameReader) -> bool:
    is_name = line.label is None and names.person(line.text) is not None
    return is_name and names.role.search(below.text[:MOST_BUTTON_CHARS]) is not None


def find_authors(lines: Sequence[Line], names: NameReader, bios: BioReader) -> Iterator[tuple[list[str], str]]:
    """Yield the names in the bylines of a text, else in its biographies, and where they stood; nothing if none."""
    bylines = (line.text for line in lines if line.is_labelled("byline"))
    found = unique(name for text in bylines for name in names.persons(names.without_label(text)))
    if found:
        yield found, "byline"
    elif in_bios := _names_of_bios(lines, bios):
        yield in_bios, "author_bio"
