"""Repair of decoded text: wrong decodings, control characters, Unicode normal form.

Decides which characters no text should hold and which texts show signs of a wrong decoding. A text without such signs
is never changed but for NFC. `ftfy` (Speer 2019) mends wrong decodings line by line, and nothing else: quotes,
ligatures, widths, line breaks and entities stay as they came. Leaves white space to `paragraphs` and markup to
`markup`.

Every change but NFC is an `Edit`, so that the original can be told from the repaired text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
import polars as pl

from transforms.spans import Edit, apply_edits

MOJIBAKE = "mojibake"
CONTROL_CHARACTER = "control_character"

# C0 but for the white space among it, DEL and C1; the byte-order mark; embeddings, overrides and isolates of writing
# direction, which can make text read other than it is; what is never seen and hides a word from whoever looks for it:
# soft hyphens, word joiners, fillers, annotation marks. Joiners and direction marks stay: Sinhala, Persian, emoji and
# Hebrew are misspelt without them.
_CONTROLS = (
    r"\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u115f\u1160\u180e\u202a-\u202e\u2060-\u2069\u3164\ufeff\uffa0\ufff9-\ufffb"
)
UNTYPED = r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202d\u202e\ufff9-\ufffb]"
"""Of those, the ones that nobody types and no editor sets: terminals, damage and disguise do."""

_ZERO_WIDTH_SPACE = "\u200b"
_SPACELESS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer: there it parts words
_TAGS = r"\U000e0001-\U000e007f"
_FLAG = "\U0001f3f4"  # in front of tags, the flag of a region such as Scotland
CONTROLS = re.compile(
    f"[{_CONTROLS}]+|(?<![{_SPACELESS}]){_ZERO_WIDTH_SPACE}+(?![{_SPACELESS}])|(?<![{_FLAG}{_TAGS}])[{_TAGS}]+"
)

# Code pages that UTF-8 is mistaken for, and the lead bytes to look for in each. Two-byte leads C2 to C5 are Latin
# letters and signs, CE to D1 Greek and Cyrillic ones. Where the code page shows leads as letters of a living alphabet,
# two characters in a row must look misread: Ukrainian has the pairs one at a time.
_LATIN = b"\xc2\xc3\xc4\xc5\xce\xcf\xd0\xd1"
_MISTAKEN_FOR = (
    ("latin-1", bytes(range(0xC2, 0xF5)), 1),
    ("cp1252", bytes(range(0xC2, 0xF5)), 1),
    ("cp1250", _LATIN, 1),
    ("cp1257", _LATIN, 1),
    ("mac-roman", b"\xc2\xc3\xc4\xc5", 1),
    ("cp437", _LATIN, 1),
    ("cp1251", b"\xd0\xd1", 2),
    ("cp1253", b"\xce\xcf", 2),
)


_LINE_END = re.compile("[\n\r\x0b\x0c\u2028\u2029]")  # each ends a line, and with it a repair


def _misreading(codec: str, leads: bytes, least: int) -> str:
    """Make a pattern of what two-byte characters, and the quotes and dashes at E2 80, look like in a code page."""
    lead = re.escape(leads.decode(codec))
    continuation = re.escape(bytes(range(0x80, 0xC0)).decode(codec, "ignore"))
    return f"(?:[{lead}][{continuation}]){{{least}}}|{re.escape(bytes((0xE2, 0x80)).decode(codec))}"


MISREAD = "|".join(_misreading(*mistake) for mistake in _MISTAKEN_FOR)
SIGNS_OF_DAMAGE = rf"[{_CONTROLS}{_ZERO_WIDTH_SPACE}\x{{e0001}}-\x{{e007f}}]|{MISREAD}"
_SIGNS_IN_LINE = re.compile(f"[\x80-\x9f]|{MISREAD}")

# Every character that NFC can change, and few more; a test holds this against the Unicode tables. Asking costs a
# seventh of normalizing.
NFC_CAN_CHANGE = (
    r"[\p{M}\u0374\u037e\u0387\u0958-\u095f\u09dc-\u09df\u0a33-\u0a5e\u0b5c\u0b5d\u0f43-\u0f69\u1100-\u11ff"
    r"\u1f70-\u1fff\u2000\u2001\u2126\u212a\u212b\u2329\u232a\u2adc\uf900-\ufaff\ufb1d-\ufb4e"
    r"\x{1d15e}-\x{1d1c0}\x{2f800}-\x{2fa1d}]"
)


# ASCII but for its control characters, and the punctuation of English prose: nothing to repair, nothing for NFC to do,
# and no letter or digit that is not ASCII. Nine in ten English articles hold nothing else, and are done with one scan.
BEYOND_PLAIN = (
    r"[^\t\n\x0b\x0c\r\x20-\x7e\x{a0}\x{a3}\x{a7}\x{ab}\x{b0}\x{b7}\x{bb}"
    r"\x{2010}-\x{2027}\x{2030}-\x{205e}\x{20ac}]"
)


@dataclass(frozen=True)
class Repaired:
    """Texts after repair.

    Attributes:
        texts: Repaired, in NFC.
        edits: What was changed, but for NFC, by row number.
        is_beyond_plain: Which rows hold characters that `BEYOND_PLAIN` names.
    """

    texts: pl.Series
    edits: Mapping[int, list[Edit]]
    is_beyond_plain: pl.Series

    def rows_with(self, rule: str) -> list[int]:
        """Numbers of the rows that the rule changed."""
        return [row for row, edits in self.edits.items() if any(edit.rule == rule for edit in edits)]


def change_where(texts: pl.Series, mask: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Change only the texts that `mask` marks; nulls stay. Costs nothing where it marks none."""
    mask = mask.fill_null(value=False)
    if not mask.any():
        return texts
    changed = change(texts.filter(mask))
    return changed.gather((mask.cum_sum().cast(pl.Int64) - 1).clip(0)).zip_with(mask, texts).alias(texts.name)


def rows_mask(rows: list[int], height: int) -> pl.Series:
    """Mark rows, given by number."""
    mask = np.zeros(height, dtype=np.bool_)
    mask[rows] = True
    return pl.Series(mask)


def repair_texts(texts: pl.Series) -> Repaired:
    """Mend wrong decodings and take out control characters, on the rows that show signs of either; then NFC."""
    is_beyond_plain = texts.str.contains(BEYOND_PLAIN).fill_null(value=False)
    rows, suspects = is_beyond_plain.arg_true(), texts.filter(is_beyond_plain)
    is_damaged = suspects.str.contains(SIGNS_OF_DAMAGE)
    edits = _find_all_edits(rows.filter(is_damaged).to_list(), suspects.filter(is_damaged).to_list())
    mended = change_where(texts, rows_mask(list(edits), len(texts)), lambda damaged: _mend(damaged, edits))
    return Repaired(change_where(mended, is_beyond_plain, _normalize), edits, is_beyond_plain)


def _normalize(texts: pl.Series) -> pl.Series:
    return change_where(texts, texts.str.contains(NFC_CAN_CHANGE), lambda unsure: unsure.str.normalize("NFC"))


def _mend(damaged: pl.Series, edits: Mapping[int, list[Edit]]) -> pl.Series:
    """Apply to each text its edits, which are in the order of the rows."""
    mended = (apply_edits(text, its_edits) for text, its_edits in zip(damaged, edits.values(), strict=True))
    return pl.Series(list(mended), dtype=pl.String)


def _find_all_edits(rows: list[int], texts: list[str]) -> dict[int, list[Edit]]:
    """Python per row: only rows with signs of damage come here, one in 2,000 of English news."""
    found = ((row, find_edits(text)) for row, text in zip(rows, texts, strict=True))
    return {row: edits for row, edits in found if edits}


def find_edits(text: str) -> list[Edit]:
    """Find what to repair in one text, in order and without overlap."""
    edits: list[Edit] = []
    position = 0
    for line in _LINE_END.split(text):
        edits += _without_controls(line, _mojibake_edits(line), offset=position)
        position += len(line) + 1
    return edits


def _without_controls(line: str, repairs: list[Edit], *, offset: int) -> Iterator[Edit]:
    """Add the removal of control characters to the repairs of a line, and move all to where the line stands."""
    position = 0
    for repair in [*repairs, Edit(len(line), len(line), "", "")]:
        for match in CONTROLS.finditer(line, position, repair.start):
            yield Edit(offset + match.start(), offset + match.end(), CONTROL_CHARACTER, "")
        if repair.rule:
            cleaned = CONTROLS.sub("", repair.replacement)
            yield Edit(offset + repair.start, offset + repair.end, repair.rule, cleaned)
        position = repair.end


def _mojibake_edits(line: str) -> list[Edit]:
    """Compare a line with what `ftfy` makes of it, word by word: it keeps the spaces between words."""
    if not _SIGNS_IN_LINE.search(line):
        return []
    mended = _fix_encoding(line)
    if mended == line:
        return []
    before, after = line.split(" "), mended.split(" ")
    if len(before) != len(after):
        return [_narrowest(0, line, mended)]
    edits = []
    position = 0
    for old, new in zip(before, after, strict=True):
        if old != new:
            edits.append(_narrowest(position, old, new))
        position += len(old) + 1
    return edits


def _fix_encoding(line: str) -> str:
    return str(_ftfy().fix_encoding(line))


@cache
def _ftfy() -> ModuleType:
    import ftfy  # noqa: PLC0415 -- 0.1 s, and rarely needed

    return ftfy


def _narrowest(start: int, old: str, new: str) -> Edit:
    """Replace no more than what differs."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Edit(start + head, start + len(old) - tail, MOJIBAKE, new[head : len(new) - tail])
