"""Values of a query as JSON and as text."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

from rich.markup import escape

CELL_CHARS = 300
"""Characters of a cell of a table on a screen; bodies have thousands."""


def json_value(value: object) -> object:
    """Return the value as `json` can write it.

    Lists are arrays, structs and maps are objects, times are ISO 8601; numbers that JSON lacks, such as NaN, are null.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return _json_number(value)
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    return plain_text(value)


def _json_number(value: float | Decimal) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else float(value)


def plain_text(value: object) -> str:
    """Return the value as text; what has parts is written as JSON."""
    if isinstance(value, bool | list | tuple | Mapping):
        return json.dumps(json_value(value), ensure_ascii=False)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def printable(text: str) -> str:
    """Return the text safe to print on a screen: control characters are shown as �."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def cell_text(value: object) -> str:
    """Return the value as a cell of a table on a screen, safe to print there."""
    if value is None:
        return "[dim]NULL[/dim]"
    text = value.isoformat(" ", "seconds") if isinstance(value, datetime) else plain_text(value)
    shown = text if len(text) <= CELL_CHARS else text[:CELL_CHARS] + "…"
    return escape(printable(shown))
