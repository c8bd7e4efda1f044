"""The text encoding of a drop, from a sample of its bytes.

Decides, in this order: byte-order mark; UTF-16 and UTF-32 by where their zero bytes lie; what the source or the
document declares, where the sample can be read that way; UTF-8; and, at last, a guess by charset-normalizer. Leaves
decoding to the parsers. A name given here is that of a Python codec which knows no byte-order mark, so that positions
count from the first byte of the drop: a reader skips `bom_bytes`, or a leading U+FEFF.
"""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

SAMPLE_BYTES = 8192
"""Bytes that a guess looks at. On cp1252, cp1251 and Shift-JIS news text 2 KiB and 64 KiB gave the same answers; each
KiB costs about a millisecond."""
DECLARATION_BYTES = 1024  # HTML wants its declaration in the first 1,024 bytes
ZERO_SHARE = 0.02
"""Zero bytes, by code unit, that tell UTF-16: one space or line break in fifty characters, in any script. ASCII text
has a zero in every unit."""
MOST_CONTROLS = 0.02
"""Share of control characters above which a sample is no text: random bytes have 10 %, articles none."""
GUESSED = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("iso8859_2", "iso8859_5", "iso8859_15", "koi8_r", "koi8_u", "mac_roman", "cp437", "cp850", "cp866", "cp874"),
    *("cp932", "euc_jp", "iso2022_jp", "gb18030", "big5", "cp949"),
)
"""Encodings that a guess may name: those in which news was written. The other eighty cost time and are chosen only by
mistake."""
LAST_RESORT = "cp1252"
SPARSE_SHARE = 0.2
"""Share of bytes beyond ASCII below which a text is mostly in Latin letters, and cp1252 the best guess of all."""
FEWEST_TELLING = 128
"""Bytes beyond ASCII from which on statistics beat that guess in such a text. Of 695 pieces of Western web pages in
cp1252 it reads 685 right (with 16: 627), of 25 Central European ones in cp1250 8 (with 16: 21)."""
FEWEST_TELLING_DENSE = 8  # the same in a text in another script

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like that of UTF-16, hence first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(
    rb"""<(?:\?xml\s[^>]{0,200}?encoding|meta\s[^>]{0,200}?charset)\s*=\s*["']?([\w.:-]{2,40})""", re.IGNORECASE
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1b")
_BEYOND_ASCII = bytes(range(128, 256))
_NOT_UNUSUAL = bytes(code for code in range(128) if code not in _CONTROLS + b"\x1b")
_ESCAPES_OF_ISO_2022 = (b"\x1b$", b"\x1b(")
# What the web means by these names, as most pages that declare them hold Windows text.
_MEANT = {"latin-1": "cp1252", "iso8859-1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932", "gb2312": "gb18030"}
_MEANT |= {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # without a mark, as one would have been found before


@dataclass(frozen=True)
class Encoding:
    """An encoding.

    Attributes:
        name: Python codec.
        bom_bytes: Length of the byte-order mark at the beginning of the drop.
        is_guess: Whether nothing but statistics speaks for it.
    """

    name: str
    bom_bytes: int = 0
    is_guess: bool = False


UTF_8 = Encoding("utf-8")


def detect_encoding(sample: bytes, *, hint: str | None = None) -> Encoding | None:
    """Tell the encoding of a drop from its first bytes; null where they are not text.

    A sample that is not the whole drop should end with a line, or a character that is cut in two speaks against UTF-8.
    `hint` is what the source declares; it beats what the document declares, and yields to a byte-order mark and to
    evidence: bytes that it cannot read.
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return Encoding(name, bom_bytes=len(mark))
    if hint is None and sample.isascii() and not sample.translate(None, _NOT_UNUSUAL):
        return UTF_8
    wide = _detect_wide(sample)
    if wide is not None:
        return wide
    for declared in (codec_name(hint), declared_encoding(sample)):
        if declared is not None and can_read(sample, declared):
            return Encoding(declared)
    return _detect_utf_8(sample) or _guess(sample)


def codec_name(name: str | None) -> str | None:
    """Name the codec that is meant by a declared encoding, without byte-order mark; null where there is none."""
    if name is None:
        return None
    try:
        codec = codecs.lookup(name.strip())
        bytes(4).decode(codec.name, "replace")  # refuses what is no text encoding (rot13), or cannot replace (idna)
    except (LookupError, ValueError):
        return None
    return _MEANT.get(codec.name, codec.name.removesuffix("-sig"))


def declared_encoding(sample: bytes) -> str | None:
    """Find what an XML declaration or an HTML meta element says."""
    found = _DECLARATION.search(sample[:DECLARATION_BYTES])
    name = codec_name(found[1].decode("ascii")) if found else None
    # A declaration that can be read as ASCII stands in no UTF-16: HTML rules that UTF-8 is meant.
    return "utf-8" if name is not None and name.startswith(("utf-16", "utf-32")) else name


def can_read(sample: bytes, name: str) -> bool:
    """Tell whether an encoding reads the sample without an error.

    A sample that ends with a line feed ends in the middle of a character of UTF-16 or UTF-32; that is no error.
    """
    is_wide = name.startswith(("utf-16", "utf-32"))
    try:
        codecs.getincrementaldecoder(name)("strict").decode(sample, final=not is_wide)
    except (LookupError, ValueError):
        return False
    return True


def _detect_utf_8(sample: bytes) -> Encoding | None:
    if _is_noise(sample) or any(sign in sample for sign in _ESCAPES_OF_ISO_2022):
        return None
    text = sample.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    intact = len(text) - len(text.encode("ascii", "ignore")) - damaged
    # UTF-8 with a few broken characters is UTF-8: text in another encoding hardly ever makes a valid sequence.
    return UTF_8 if damaged == 0 or intact > damaged else None


def _detect_wide(sample: bytes) -> Encoding | None:
    """Recognise UTF-16 and UTF-32 without a mark: their zero bytes lie at one place in the unit only."""
    if b"\x00" not in sample:
        return None
    zeros = [sample[place::4].count(b"\x00") for place in range(4)]
    units = len(sample) / 4
    if zeros[3] >= units - 1 and zeros[2] > units / 2 and zeros[0] < units / 2:
        return _wide("utf-32-le", sample)
    if zeros[0] >= units - 1 and zeros[1] > units / 2 and zeros[3] < units / 2:
        return _wide("utf-32-be", sample)
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if min(even, odd) > 0 or max(even, odd) < ZERO_SHARE * 2 * units:
        return None
    if max(even, odd) < units and _is_narrow(sample.replace(b"\x00", b"")):
        return None  # stray zeros in text of another encoding
    return _wide("utf-16-be" if even else "utf-16-le", sample)


def _is_narrow(sample: bytes) -> bool:
    """Tell whether bytes are text in UTF-8; the halves of UTF-16 are full of control characters, or not UTF-8."""
    return can_read(sample, "utf-8") and not _is_noise(sample)


def _wide(name: str, sample: bytes) -> Encoding | None:
    if not can_read(sample, name):
        return None
    text = sample.decode(name, "ignore")
    return Encoding(name) if text and not _is_noise(text.encode()) else None


def _is_noise(sample: bytes) -> bool:
    """Tell whether a sample holds more control characters than text does; a single one is a scratch."""
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > 1 + MOST_CONTROLS * len(sample)


def _guess(sample: bytes) -> Encoding | None:
    if _is_noise(sample):
        return None
    telling = len(sample) - len(sample.translate(None, _BEYOND_ASCII))
    is_sparse = telling < len(sample) * SPARSE_SHARE
    if b"\x1b" not in sample and telling < (FEWEST_TELLING if is_sparse else FEWEST_TELLING_DENSE):
        return Encoding(LAST_RESORT, is_guess=True)
    best = from_bytes(_telling(sample), cp_isolation=list(GUESSED), preemptive_behaviour=False).best()
    return Encoding(best.encoding if best is not None else LAST_RESORT, is_guess=True)


def _telling(sample: bytes) -> bytes:
    """Take the lines that are not ASCII, which alone can tell encodings apart, up to `SAMPLE_BYTES`."""
    lines = b"\n".join(line for line in sample.split(b"\n") if not line.isascii() or b"\x1b" in line)
    return lines[:SAMPLE_BYTES] or sample[:SAMPLE_BYTES]
