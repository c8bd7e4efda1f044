"""Faults of files and of deliveries: encodings, damage, the form of CSV and JSON, and how much there is of what."""

import gzip
import re
from collections.abc import Sequence

from clean_drops import Row
from fault_kinds import Extent, Fate, Kind, Scene, codes
from right_codes import BROKEN_TEXT, UNREADABLE, VOLUME


def mark_at_start(content: bytes, _: Scene) -> bytes:
    return b"\xef\xbb\xbf" + content


def marks_inside(content: bytes, scene: Scene) -> bytes:
    """Join files that have a mark each, as `cat` does."""
    lines = content.splitlines(keepends=True)
    for number in sorted(scene.rng.sample(range(1, len(lines)), min(3, len(lines) - 1))):
        lines[number] = b"\xef\xbb\xbf" + lines[number]
    return b"\xef\xbb\xbf" + b"".join(lines)


def as_cp1252(content: bytes, _: Scene) -> bytes:
    """Encode a file of English text as old Windows programs do; its quotes and dashes are not UTF-8 then."""
    return content.decode().replace("'", "’").encode("cp1252", "replace")


def as_utf16_unmarked(content: bytes, _: Scene) -> bytes:
    return content.decode().encode("utf-16-le")


def misread_as_latin1(content: bytes, _: Scene) -> bytes:
    """Encode twice: UTF-8 that was taken for Latin-1."""
    return content.decode("latin-1").encode()


def cut(content: bytes, scene: Scene) -> bytes:
    """End in the middle of a record."""
    at = round(len(content) * scene.rng.uniform(0.4, 0.7))
    return content[: at - 1 if content[at - 1 : at] == b"\n" else at]


def cut_gzip(content: bytes, scene: Scene) -> bytes:
    packed = gzip.compress(content, mtime=0)
    return packed[: round(len(packed) * scene.rng.uniform(0.4, 0.7))]


def by_semicolons(content: bytes, _: Scene) -> bytes:
    """Put semicolons where commas were, in texts as well, as search and replace does; quotes are left out."""
    return content.replace(b'"', b"").replace(b",", b";")


def unclosed_quote(line: bytes, _: Scene) -> bytes:
    return line.removesuffix(b'"') if line.endswith(b'"') else line[::-1].replace(b",", b'",', 1)[::-1]


def repeated_headers(content: bytes, scene: Scene) -> bytes:
    """Let the header stand between the rows too, as in exports that were joined."""
    header, rest = content.split(b"\r\n", 1)
    rows = rest.removesuffix(b"\r\n").split(b"\r\n")
    for number in sorted(scene.rng.sample(range(1, len(rows)), 2), reverse=True):
        rows.insert(number, header)
    return b"\r\n".join([header, *rows, b""])


def binary_noise(content: bytes, scene: Scene) -> bytes:
    """Overwrite a third of a file, as a failing disk does."""
    start, length = len(content) // 3, len(content) // 3
    return content[:start] + scene.rng.randbytes(length) + content[start + length :]


def one_missing_comma(line: bytes, _: Scene) -> bytes:
    return re.sub(rb'", "', rb'" "', line, count=1)


def doubled(row: Row, _: Scene) -> list[Row]:
    return [row, row]


def fewer(rows: Sequence[Row], share: float, scene: Scene) -> Sequence[Row]:
    """Leave a half, or at full share a tenth."""
    left = 0.1 if share == 1 else 0.5
    return [row for row in rows if scene.rng.random() < left]


def more(rows: Sequence[Row], share: float, scene: Scene) -> Sequence[Row]:
    """Deliver twice as much, or at full share three times, of the same quality."""
    times = 3 if share == 1 else 2
    return [*rows, *scene.drop.spare[: round(len(rows) * (times - 1))]]


def silence(_: Sequence[Row], __: float, ___: Scene) -> Sequence[Row]:
    """Deliver nothing, two days long, or at full share five."""
    return []


KINDS = (
    Kind(
        "byte-order mark at the start",
        "wire",
        Extent.FILES,
        mark_at_start,
        Fate.HARMLESS,
        codes("encoding_change"),
        "The mark says that the file is UTF-8, which it is; nothing is lost.",
    ),
    Kind(
        "byte-order marks inside",
        "wire",
        Extent.FILES,
        marks_inside,
        Fate.EITHER,
        codes(f"{UNREADABLE} {BROKEN_TEXT}"),
        "A record that begins with a mark is no JSON; one that is read all the same says how files were joined.",
    ),
    Kind(
        "wrong encoding",
        "wire",
        Extent.FILES,
        as_cp1252,
        Fate.EITHER,
        codes(f"{UNREADABLE} {BROKEN_TEXT}"),
        "All can be read, once the encoding is known; it was UTF-8 before, and JSON Lines ought to be.",
    ),
    Kind(
        "UTF-16 without a mark",
        "wire",
        Extent.FILES,
        as_utf16_unmarked,
        Fate.EITHER,
        codes(f"{UNREADABLE} {BROKEN_TEXT}"),
        "As above; noise, where it is not recognised.",
    ),
    Kind(
        "mixed encodings",
        "wire",
        Extent.LINES,
        as_cp1252,
        Fate.EITHER,
        codes(f"{UNREADABLE} {BROKEN_TEXT}"),
        "No encoding reads the whole file.",
    ),
    Kind(
        "mojibake",
        "export",
        Extent.LINES,
        misread_as_latin1,
        Fate.EITHER,
        codes(f"{UNREADABLE} {BROKEN_TEXT}"),
        "It can be turned back where nothing is lost; what is left of it is not readable.",
    ),
    Kind(
        "truncated file",
        "wire",
        Extent.FILES,
        cut,
        Fate.LOADED,
        codes(f"{UNREADABLE} {VOLUME}"),
        "Records before the cut are whole, and worth having; the others are lost.",
    ),
    Kind(
        "cut gzip",
        "wire",
        Extent.FILES,
        cut_gzip,
        Fate.EITHER,
        codes(f"{UNREADABLE} {VOLUME}"),
        "As above, and what was unpacked may be held back as a whole.",
    ),
    Kind(
        "wrong delimiter",
        "export",
        Extent.FILES,
        by_semicolons,
        Fate.EITHER,
        codes(
            f"{UNREADABLE} {VOLUME} fields_vanished fields_appeared headline_fill_rate_change url_fill_rate_change "
            "body_length_change headline_mismatch unreadable_date published_at_fill_rate_change malformed_url "
            "authors_fill_rate_change dek_fill_rate_change flagged_share_change odd_authors language_mix_change"
        ),
        "Without quotes, texts fall apart where they hold the delimiter, and columns move.",
    ),
    Kind(
        "unclosed quote",
        "export",
        Extent.LINES,
        unclosed_quote,
        Fate.EITHER,
        codes(f"{UNREADABLE} {VOLUME} body_length_change flagged_share_change"),
        "Where a text ends cannot be told; the next records stand inside it.",
    ),
    Kind(
        "header rows inside",
        "export",
        Extent.FILES,
        repeated_headers,
        Fate.EITHER,
        codes(
            f"{UNREADABLE} {VOLUME} repeated_headline repeated_body unreadable_date malformed_url flagged_share_change "
            "repeated_id_share_change duplicated_share_change"
        ),
        "A header is no article, and the articles beside it are sound.",
    ),
    Kind(
        "binary noise",
        "wire",
        Extent.FILES,
        binary_noise,
        Fate.EITHER,
        codes(f"{UNREADABLE} {BROKEN_TEXT} {VOLUME}"),
        "A third of each file is gone; records before and after are sound.",
    ),
    Kind(
        "invalid JSON",
        "api",
        Extent.LINES,
        one_missing_comma,
        Fate.HELD_BACK,
        codes(f"{UNREADABLE} {VOLUME}"),
        "Where the comma is missing, what follows belongs to no field.",
    ),
    Kind(
        "doubled records",
        "api",
        Extent.RECORDS,
        doubled,
        Fate.LOADED,
        codes(f"{VOLUME} duplicated_share_change repeated_id_share_change repeated_body repeated_headline"),
        "Copies are loaded, as all copies are; that there are so many is worth a look.",
    ),
    Kind(
        "volume fallen",
        "export",
        Extent.DELIVERY,
        fewer,
        Fate.LOADED,
        codes(VOLUME),
        "What came is sound; 30 % stands for a half that is left, 100 % for a tenth. A twentieth less is no fault.",
        shares=(0.3, 1.0),
    ),
    Kind(
        "volume risen",
        "export",
        Extent.DELIVERY,
        more,
        Fate.LOADED,
        codes(VOLUME),
        "What came is sound; 30 % stands for twice as much, 100 % for three times. A twentieth more is no fault.",
        shares=(0.3, 1.0),
    ),
    Kind(
        "source silent",
        "wire",
        Extent.DELIVERY,
        silence,
        Fate.LOADED,
        codes(VOLUME),
        "Others go on; 30 % stands for two days without a drop, 100 % for five.",
        shares=(0.3, 1.0),
    ),
)
