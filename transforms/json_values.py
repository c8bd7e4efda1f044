"""One JSON text to one record or one reject.

Decides what kind of fault a text has, and what a value that is no object becomes: a record with nothing but `extra`,
which validation holds back for want of a body. Leaves to the parsers where a text begins and ends.
"""

import orjson

from transforms.conform import FieldNames, conform_record, json_text
from transforms.json_structure import Element, is_cut_off
from transforms.raw_batches import BatchBuilder
from transforms.utf8_view import Utf8View

REPLACEMENT = "\ufffd".encode()

WRAPPERS = ("_source", "attributes", "node")
"""Members that hold the record itself: of Elasticsearch hits, JSON:API resources, GraphQL edges."""


def add_json_record(builder: BatchBuilder, text: Element, *, view: Utf8View, names: FieldNames) -> bool:
    """Add the record that a JSON text holds; tell whether there was one to add.

    Where a text was decoded and encoded again, U+FFFD stands for bytes that could not be decoded: no record then.
    """
    if view.is_transcoded and REPLACEMENT in text.raw:
        return False
    try:
        value = orjson.loads(text.raw)
    except orjson.JSONDecodeError:
        return False
    start, end = view.position(text.start), view.position(text.end)
    builder.add_record(conform_value(value, names), byte_start=start, byte_end=end)
    return True


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
        return "malformed_json", str(error)
    return "malformed_json", "not JSON"
