"""The formats a drop can have, the suffixes that promise them, the signatures that prove them.

Leaves to `detection` how the two are weighed, and what text without a signature is.
"""

import re
from enum import StrEnum

from transforms.compression import find_compression


class Format(StrEnum):
    """What a drop holds, once decompressed: the formats that are read, and those that are only recognised."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    ARROW = "arrow"

    RSS = "rss"
    ATOM = "atom"
    XML = "xml"
    WARC = "warc"
    ARC = "arc"
    ZIP = "zip"
    TAR = "tar"
    ARCHIVE = "archive"
    COMPRESSED = "compressed"
    PDF = "pdf"
    OFFICE = "office"
    EBOOK = "ebook"
    IMAGE = "image"
    MEDIA = "media"
    DATABASE = "database"
    AVRO = "avro"
    ORC = "orc"

    EMPTY = "empty"
    BINARY = "binary"


TEXT_FORMATS = frozenset(
    {Format.TEXT, Format.MARKDOWN, Format.HTML, Format.JSON, Format.JSONL, Format.CSV, Format.TSV},
)
READ_FORMATS = TEXT_FORMATS | {Format.PARQUET, Format.ARROW}

_TEXT_SIGNATURES = (
    (b"%PDF-", Format.PDF),
    (b"WARC/1.", Format.WARC),
    (b"WARC/0.", Format.WARC),
    (b"filedesc://", Format.ARC),
    (rb"{\rtf", Format.OFFICE),
)
_BINARY_SIGNATURES = (
    (b"PAR1", Format.PARQUET),
    (b"PARE", Format.PARQUET),  # with an encrypted footer
    (b"ARROW1", Format.ARROW),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format.OFFICE),  # Word, Excel, PowerPoint before 2007
    (b"7z\xbc\xaf\x27\x1c", Format.ARCHIVE),
    (b"Rar!\x1a\x07", Format.ARCHIVE),
    (b"\x89PNG\r\n\x1a\n", Format.IMAGE),
    (b"\xff\xd8\xff", Format.IMAGE),
    (b"GIF8", Format.IMAGE),
    (b"II*\x00", Format.IMAGE),
    (b"MM\x00*", Format.IMAGE),
    (b"OggS", Format.MEDIA),
    (b"ID3", Format.MEDIA),
    (b"\x1a\x45\xdf\xa3", Format.MEDIA),  # Matroska, WebM
    (b"SQLite format 3\x00", Format.DATABASE),
    (b"Obj\x01", Format.AVRO),
)
"""Signatures that count only with a control character near them: an article may well begin with PARE or ID3."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_CONTROL_WITHIN = 512
_ARROW_STREAM = re.compile(rb"\xff{4}..[\x00-\x7f]\x00", re.DOTALL)  # continuation, then a size below 8 MiB
_TAR_MAGIC_AT = slice(257, 262)
_ISO_MEDIA_AT = slice(4, 8)
_RIFF_KIND_AT = slice(8, 12)

_SUFFIXES = {
    **dict.fromkeys(("txt", "text"), Format.TEXT),
    **dict.fromkeys(("md", "markdown", "mdown", "mkd", "mdx", "qmd"), Format.MARKDOWN),
    **dict.fromkeys(("html", "htm", "xhtml", "shtml"), Format.HTML),
    **dict.fromkeys(("json", "geojson", "jsonld"), Format.JSON),
    **dict.fromkeys(("jsonl", "ndjson", "jsonlines", "ldjson"), Format.JSONL),
    "csv": Format.CSV,
    **dict.fromkeys(("tsv", "tab"), Format.TSV),
    **dict.fromkeys(("parquet", "pq"), Format.PARQUET),
    **dict.fromkeys(("arrow", "arrows", "feather", "ipc"), Format.ARROW),
    "rss": Format.RSS,
    "atom": Format.ATOM,
    **dict.fromkeys(("xml", "rdf", "svg"), Format.XML),
    "warc": Format.WARC,
    "arc": Format.ARC,
    "pdf": Format.PDF,
    "zip": Format.ZIP,
    "tar": Format.TAR,
    **dict.fromkeys(("docx", "doc", "xlsx", "xls", "pptx", "ppt", "odt", "ods", "rtf"), Format.OFFICE),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "tif", "tiff", "bmp", "avif", "heic"), Format.IMAGE),
    **dict.fromkeys(("mp3", "mp4", "m4a", "mov", "avi", "mkv", "webm", "ogg", "wav"), Format.MEDIA),
    "avro": Format.AVRO,
    "orc": Format.ORC,
}
_COMPRESSION_SUFFIXES = frozenset({"gz", "zst", "zstd", "bz2", "xz"})


def format_of_name(name: str) -> Format | None:
    """Tell what a file name promises, past the suffix of a compression; null where it promises nothing."""
    suffixes = name.lower().split(".")[1:]
    while suffixes and suffixes[-1] in _COMPRESSION_SUFFIXES:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def detect_binary(head: bytes) -> Format | None:
    """Recognise a format by its signature; null where the content has none, as most text has."""
    for signature, format_ in _TEXT_SIGNATURES:
        if head.startswith(signature):
            return format_
    if not _CONTROL.search(head, 0, _CONTROL_WITHIN):
        return None
    for signature, format_ in _BINARY_SIGNATURES:
        if head.startswith(signature):
            return format_
    return _detect_container(head)


def _detect_container(head: bytes) -> Format | None:
    """Recognise what only holds other things, and is told by more than its first bytes."""
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip(head)
    if head[_TAR_MAGIC_AT] == b"ustar":
        return Format.TAR
    if _ARROW_STREAM.match(head):
        return Format.ARROW
    if head.startswith(b"RIFF"):
        return Format.IMAGE if head[_RIFF_KIND_AT] == b"WEBP" else Format.MEDIA
    if head[_ISO_MEDIA_AT] == b"ftyp":
        return Format.MEDIA
    return Format.COMPRESSED if find_compression(head) else None


def _detect_zip(head: bytes) -> Format:
    """Tell what a zip holds from the names of its first members."""
    if b"mimetypeapplication/epub" in head[:100]:
        return Format.EBOOK
    if b"[Content_Types].xml" in head or b"mimetypeapplication/vnd.oasis" in head[:100]:
        return Format.OFFICE
    return Format.ZIP
