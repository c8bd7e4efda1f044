"""A value of an input record, of whatever type, as text.

Decides which member of an object holds its text, how numbers and moments are written, and what says nothing. Leaves
the meaning of the text to cleaning.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple

import orjson

from transforms.columns import TEXTS
from transforms.raw_schema import RAW_RECORDS

LIST_FIELDS = frozenset(name for name, dtype in RAW_RECORDS.items() if dtype == TEXTS)
TEXT_MEMBERS = (
    "rendered",  # WordPress
    "@value",  # JSON-LD
    "#text",  # XML turned into JSON, as are the next two
    "$t",
    "_",
    "$oid",  # MongoDB, as are the next two
    "$date",
    "$numberLong",
    "name",  # schema.org Person, Organization
    "value",
    "text",
    "html",
    "url",
    "href",
    "@id",
)
"""Members of an object that hold its text, the most telling first."""

UNWRITABLE = "(cannot be written as JSON)"
"""What stands in `extra` for a value that is nested too deeply, or in itself; its bytes are in the drop."""


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing: null, blank text, NaN, an empty list or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, list | tuple | dict) and not value)


class Reading(NamedTuple):
    """A value as its field holds it, and whether that is all of the value."""

    value: object
    is_whole: bool


def read_value(target: str, value: object) -> Reading:
    """Read a value as a raw field holds it: `target` is its name."""
    if target in LIST_FIELDS:
        return _read_list(value)
    if isinstance(value, list | tuple):
        return _read_sequence(target, value)
    return _read_text(value)


def _read_list(value: object) -> Reading:
    """Read authors or keywords: one element per text; a single text is not split here."""
    if is_empty(value):
        return Reading(None, is_whole=True)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return Reading(value, is_whole=True)
    readings = [_read_text(item) for item in (value if isinstance(value, list | tuple) else [value])]
    texts = [reading.value for reading in readings if reading.value is not None]
    return Reading(texts or None, all(reading.is_whole for reading in readings))


def _read_sequence(target: str, values: Sequence[object]) -> Reading:
    """Read a list where text is expected: paragraphs of a body, or one value in brackets."""
    readings = [_read_text(item) for item in values]
    texts = [str(reading.value) for reading in readings if reading.value is not None]
    is_whole = all(reading.is_whole for reading in readings)
    if target == "body":
        return Reading("\n\n".join(texts) if texts else None, is_whole)
    if len(texts) == 1:
        return Reading(texts[0], is_whole)
    return Reading(None, is_whole=False)


def _read_text(value: object) -> Reading:
    if isinstance(value, Mapping):
        for member in TEXT_MEMBERS:
            text = plain_text(value.get(member))
            if text is not None:
                return Reading(text, len(value) == 1)
        return Reading(None, not value)
    text = plain_text(value)
    return Reading(text, text is not None or is_empty(value))


def plain_text(value: object) -> str | None:
    """Text of a scalar: numbers without a needless `.0`, moments in ISO 8601; null for what has no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return _number_text(value) if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return bytes_text(value)
    return str(value) if isinstance(value, int | Decimal) else None


def _number_text(value: float) -> str:
    # Above 2**53 a float no longer tells neighbouring integers apart, so its own notation is the honest one.
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def bytes_text(value: bytes) -> str:
    """Text of bytes: what they spell in UTF-8, else Base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def encodable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 text can hold, by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def json_text(fields: Mapping[str, object]) -> str:
    """Write `extra` as the text of a JSON object; a value that JSON cannot hold becomes text."""
    try:
        return orjson.dumps(fields, default=_json_value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        members = (f"{json.dumps(encodable(str(name)))}:{_safe_json(value)}" for name, value in fields.items())
        return "{" + ",".join(members) + "}"


def _json_value(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, bytes):
        return bytes_text(value)
    return str(value)


def _safe_json(value: object) -> str:
    try:
        return orjson.dumps(value, default=_json_value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        pass
    try:
        return encodable(json.dumps(value, default=_json_value, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return json.dumps(UNWRITABLE)
