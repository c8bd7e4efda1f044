"""One JSON text to one record or one reject.

Decides what kind of fault a text has, and what a value that is no object becomes: a record with nothing but `extra`,
which validation holds back for want of a body. Leaves to the parsers where a text begins and ends.
"""

import json
import re

import orjson

from transforms.conform import FieldNames, conform_record
from transforms.input_values import json_text
from transforms.json_structure import Element, is_cut_off
from transforms.names import distinct_names
from transforms.raw_batches import BatchBuilder
from transforms.utf8_view import Utf8View

REPLACEMENT = "\ufffd".encode()

LARGEST_EXACT = 2**63
"""From here on orjson reads whole numbers as floats, which are the same for many of them."""

_NAME_END = re.compile(rb'"\s*:')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

WRAPPERS = ("_source", "attributes", "node")
"""Members that hold the record itself: of Elasticsearch hits, JSON:API resources, GraphQL edges."""


def add_json_record(builder: BatchBuilder, text: Element, *, view: Utf8View, names: FieldNames) -> bool:
    """Add the record that a JSON text holds; tell whether there was one to add.

    Where a text was decoded and encoded again, U+FFFD stands for bytes that could not be decoded: no record then.
    """
    if view.is_transcoded and REPLACEMENT in text.raw:
        return False
    try:
        value = read_json(text.raw)
    except (ValueError, RecursionError):
        return False
    start, end = view.position(text.start), view.position(text.end)
    builder.add_record(conform_value(value, names), byte_start=start, byte_end=end)
    return True


def read_json(raw: bytes) -> object:
    """Read a JSON text strictly, and lose nothing of it: whole numbers of any size, every one of repeated names.

    Of members with one name the last counts, as for most readers; the others get the names `name (1)` and so on. Half
    of a surrogate pair, which other writers escape without a thought, is read as it is written.

    Raises:
        ValueError: if it is no JSON.
        RecursionError: if it is nested too deeply.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        if _SURROGATE.search(raw) is None:
            raise
        return _read_exactly(raw)
    return _read_exactly(raw) if _may_lack(value, raw) else value


def _may_lack(value: object, raw: bytes) -> bool:
    """Tell whether a text may hold what orjson does not keep: a guess that costs 2 us and errs to the safe side."""
    if isinstance(value, dict):
        return len(_NAME_END.findall(raw)) != len(value) or any(map(_is_rounded, value.values()))  # nested, or repeated
    return _is_rounded(value)


def _is_rounded(value: object) -> bool:
    """Tell whether a value may hold a whole number that orjson has made a float of; of objects, in any case."""
    if isinstance(value, list):
        return any(map(_is_rounded, value))
    return isinstance(value, dict) or (isinstance(value, float) and abs(value) >= LARGEST_EXACT)


def _read_exactly(raw: bytes) -> object:
    return json.loads(raw.decode(), object_pairs_hook=_all_members, parse_constant=_refuse)


def _all_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    last = {name: position for position, (name, _) in enumerate(pairs)}
    earlier = [(name, value) for position, (name, value) in enumerate(pairs) if last[name] != position]
    names = distinct_names((name for name, _ in earlier), pattern="{name} ({number})", first=1, taken=members)
    return members | dict(zip(names, (value for _, value in earlier), strict=True))


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def conform_value(value: object, names: FieldNames) -> dict[str, object]:
    """Conform any JSON value to a raw record."""
    if not isinstance(value, dict):
        return conform_record({}, names) | {"extra": json_text({"value": value})}
    for wrapper in WRAPPERS:
        inner = value.get(wrapper)
        if isinstance(inner, dict) and value.keys().isdisjoint(inner):
            outer = {name: member for name, member in value.items() if name != wrapper}
            return conform_record(outer | inner, names)
    return conform_record(value, names)


def fault_of(raw: bytes, *, is_last: bool, is_transcoded: bool) -> tuple[str, str]:
    """Give reason and detail of a text that is no JSON; the last of a drop may have been cut off."""
    if is_transcoded and REPLACEMENT in raw:
        return "undecodable", "bytes that do not fit the encoding of the drop"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return "undecodable", f"not UTF-8 at byte {error.start} of the record"
    if is_last and is_cut_off(raw):
        return "truncated", "the drop ends inside a JSON value"
    if not raw:
        return "malformed_json", "no value where one is due"
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return "malformed_json", f"{error.msg} at character {error.pos} of the record"
    return "malformed_json", "not JSON"
