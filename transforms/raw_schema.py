"""The shape of what a parser yields, before cleaning; it is never stored."""

import polars as pl

from transforms.columns import COUNT, TEXT, TEXTS

RAW_RECORDS = pl.Schema(
    {
        "record_no": COUNT,
        "byte_start": COUNT,
        "byte_end": COUNT,
        "external_id": TEXT,
        "url": TEXT,
        "headline": TEXT,
        "dek": TEXT,
        "authors": TEXTS,
        "published_at": TEXT,
        "modified_at": TEXT,
        "language": TEXT,
        "keywords": TEXTS,
        "body": TEXT,
        "extra": TEXT,
        "origins": TEXT,
    }
)
"""What a parser yields per record: decoded, unescaped by its format, otherwise as it came. Dates are text, epoch
seconds included; `language` is what the source declared; `extra` is a JSON object of the fields that no name fits;
`origins` says of each field of `EVIDENCE_FIELDS` that is given where it was found, a line `field=place` for each."""

DATE_FIELDS = ("published_at", "modified_at")

EVIDENCE_FIELDS = ("headline", "dek", "authors", *DATE_FIELDS, "language", "url")
"""Fields of which it is kept where they came from."""

REJECTS = pl.Schema(
    {
        "record_no": COUNT,
        "byte_start": COUNT,
        "byte_end": COUNT,
        "reason": TEXT,
        "detail": TEXT,
        "raw": TEXT,
    }
)
"""What a parser could not turn into a record. It takes a number of its own in the file's sequence of records."""
