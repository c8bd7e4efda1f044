r"""The dialect of a delimited text: its delimiter, its grammar, its header.

Decides by what the cells are told apart and what they are called. Leaves to `csv_rows` where rows begin and end in a
stream, and what becomes of rows that break the grammar.

The grammar is that of RFC 4180 with any one ASCII delimiter, and any of the three line ends: a cell is either free of
quotes, or quoted as a whole with the quotes inside doubled. A backslash is an ordinary character, and so is a space
before a quote: to read `, "` or `\"` as quoting would be a guess.

The delimiter is, first of all that apply: the one that a first line `sep=;` names; the one given; of comma, semicolon,
tab and bar, that which finds the most known names in the first row, then the most rows as wide as the first, then the
most cells. A delimiter that does not cut the first row is none.

The first row is a header where any of its cells is a known name, or where all are distinct and look like names. A
source that maps `column_1` and so on says that its files have no header.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from transforms.conform import FieldNames
from transforms.decoding import decode_text
from transforms.names import distinct_names

CANDIDATES = ",;\t|"  # the most common first, as ties go to the first
SAMPLE_BYTES = 64 * 1024  # a header and about ten articles: enough to see rows agree
NAME_CHARS = 64  # the identifiers of common databases end at 63

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEPARATOR_LINE = re.compile(rb'"?sep=([^\w\s"]|\t)"?(?:\r\n?|\n)', re.IGNORECASE)
_NAME = re.compile(rf"[^\W\d][\w .:/()#-]{{0,{NAME_CHARS - 1}}}(?<![.: -])")
LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True)
class Grammar:
    """Patterns of one delimiter.

    Attributes:
        delimiter: One ASCII character.
        record: A well-formed row with its line end, which is group 1.
        cell: A well-formed cell as far as it goes, quotes included; matches everywhere, if only nothing.
        value: A cell of a well-formed row in which a delimiter follows every cell; quoted or not, in two groups.
    """

    delimiter: str
    record: re.Pattern[bytes]
    cell: re.Pattern[bytes]
    value: re.Pattern[str]

    def split(self, row: str) -> list[str]:
        """Cut a well-formed row, without its line end, into the values of its cells."""
        if '"' not in row:
            return row.split(self.delimiter)
        return [
            quoted.replace('""', '"') if quoted else plain for quoted, plain in self.value.findall(row + self.delimiter)
        ]


@lru_cache
def make_grammar(delimiter: str) -> Grammar:
    """Compile the grammar of a delimiter."""
    # Possessive throughout: no input makes these patterns go back, so that time is linear.
    mark = re.escape(delimiter)
    quoted = '"[^"]*+(?:""[^"]*+)*+"'
    cell = rf'(?>{quoted}|[^"{mark}\r\n]*+)'
    return Grammar(
        delimiter=delimiter,
        record=re.compile(rf"(?>{cell}(?:{mark}{cell})*+)(\r\n?|\n)".encode()),
        cell=re.compile(cell.encode()),
        value=re.compile(rf'(?>"([^"]*+(?:""[^"]*+)*+)"|([^"{mark}]*+)){mark}'),
    )


@dataclass(frozen=True)
class Dialect:
    """How a drop is to be cut.

    Attributes:
        grammar: The grammar of its delimiter.
        preamble_bytes: Bytes before the first row: byte-order mark, `sep=` line.
    """

    grammar: Grammar
    preamble_bytes: int


def find_dialect(sample: bytes, *, encoding: str, delimiter: str | None, names: FieldNames) -> Dialect:
    """Find the dialect from the beginning of a drop, in an encoding that extends ASCII.

    A `delimiter` that cannot be one (several characters, a quote, a letter outside ASCII) counts as not given.
    """
    start = len(_BYTE_ORDER_MARK) if sample.startswith(_BYTE_ORDER_MARK) else 0
    declared = _SEPARATOR_LINE.match(sample, start)
    if declared is not None:
        return Dialect(make_grammar(declared[1].decode("ascii", "replace")), declared.end())
    if delimiter is None or not _can_delimit(delimiter):
        delimiter = _guess_delimiter(sample[start:SAMPLE_BYTES], encoding=encoding, names=names)
    return Dialect(make_grammar(delimiter), start)


def _can_delimit(delimiter: str) -> bool:
    return len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n'


def _guess_delimiter(sample: bytes, *, encoding: str, names: FieldNames) -> str:
    best, best_score = CANDIDATES[0], (0, 0.0, 1)
    for candidate in CANDIDATES:
        rows = [cells for cells in sample_rows(sample, make_grammar(candidate), encoding=encoding) if cells != [""]]
        if not rows or len(rows[0]) == 1:
            continue
        known = sum(names.is_known(cell) for cell in rows[0])
        agreeing = sum(len(cells) == len(rows[0]) for cells in rows) / len(rows)
        score = (known, agreeing, len(rows[0]))
        if score > best_score:
            best, best_score = candidate, score
    return best


def sample_rows(sample: bytes, grammar: Grammar, *, encoding: str) -> list[list[str]]:
    """Cut whatever is well-formed in the beginning of a drop into cells; of the rest, skip line by line."""
    rows: list[list[str]] = []
    at = 0
    while at < len(sample):
        record = grammar.record.match(sample, at)
        if record is not None:
            rows.append(grammar.split(decode_text(sample[at : record.start(1)], encoding)))
        line_end = record or LINE_END.search(sample, at)
        if line_end is None:
            break
        at = line_end.end()
    return rows


def is_header(cells: list[str], names: FieldNames) -> bool:
    """Tell whether the first row names the columns."""
    if any(names.is_known(cell) for cell in cells):
        return True
    if any(names.is_known(_column_name(number)) for number in range(1, len(cells) + 1)):
        return False
    return len(set(cells)) == len(cells) and all(_NAME.fullmatch(cell.strip()) for cell in cells)


def column_names(header: list[str] | None, width: int) -> tuple[str, ...]:
    """Name the columns: `column_1` and so on where there is no name, `body_2` for the second `body`.

    So no value of a row is lost to another with the same name, and the first of them has the name that is known.
    """
    cells = enumerate(header or [""] * width, start=1)
    named = (cell if cell.strip() else _column_name(number) for number, cell in cells)
    return tuple(distinct_names(named, pattern="{name}_{number}"))


def _column_name(number: int) -> str:
    return f"column_{number}"
