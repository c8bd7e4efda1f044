"""Input fields to the fields of a raw record.

Decides which input name means which field, which of several wins, and how a value that is not yet text is read as
text. Leaves the meaning of the text to cleaning: dates stay text, several authors in one string stay one string.

Nothing that came in is dropped: an input field that no raw field means, that lost against another, or that was read
only in part stays in `extra` under its own name.

Which input wins where several mean one field does not depend on their order in the record: names of the source's
mapping first, in the order of the mapping; then the field's own name; then aliases in the order of their table; two
spellings of one name in alphabetical order. The first that is not empty is taken.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple

import orjson

from transforms.columns import TEXTS
from transforms.field_counts import FieldCounts
from transforms.raw_schema import EVIDENCE_FIELDS, RAW_RECORDS

POSITION_FIELDS = ("record_no", "byte_start", "byte_end")
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

PLANS_KEPT = 512  # distinct sets of input names remembered; a drop has a few, a hostile one has one per record

_EMPTY_RECORD: dict[str, object] = {name: None for name in RAW_RECORDS if name not in POSITION_FIELDS}


class _Plan(NamedTuple):
    """Which input names feed which raw field.

    Attributes:
        single: Text fields that one name feeds, with that name: the common case, and the fast one.
        others: The other fields, with the names that feed them, best first.
        rest: Names that feed no field.
        origins: `origins` of a record, but for fields that several names feed.
    """

    single: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, tuple[str, ...]], ...]
    rest: tuple[str, ...]
    origins: str | None


@dataclass(frozen=True)
class FieldNames:
    """What input names mean, regardless of case and surrounding space.

    Attributes:
        aliases: Lower-case input name to raw field, for every source; earlier ones win.
        mapping: Input name to raw field as one source declares it; beats `aliases`.
        counts: The fields of all records that were conformed by these names.
    """

    aliases: Mapping[str, str]
    mapping: Mapping[str, str] = field(default_factory=dict)
    counts: FieldCounts = field(init=False, repr=False, compare=False, default_factory=FieldCounts)
    _ranks: dict[str, tuple[str, int]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _plans: dict[tuple[str, ...], _Plan] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Rank every known name once: the smaller, the better."""
        own_names = {name: name for name in _EMPTY_RECORD if name not in {"extra", "origins"}}
        for rank, (name, target) in enumerate(
            [*self.mapping.items(), *own_names.items(), *self.aliases.items()],
        ):
            self._ranks.setdefault(_folded(name), (target, rank))

    def is_known(self, name: str) -> bool:
        """Tell whether an input name means a raw field."""
        return _folded(name) in self._ranks

    def means(self, name: str, field_name: str) -> bool:
        """Tell whether an input name means this raw field."""
        return self._ranks.get(_folded(name), ("", 0))[0] == field_name

    @property
    def met(self) -> dict[str, str]:
        """Input names met lately, with the raw field each feeds: `extra` where none does."""
        names = (name for inputs in self._plans for name in inputs)
        return {str(name): self._ranks.get(_folded(name), ("extra", 0))[0] for name in names}

    def plan(self, inputs: tuple[str, ...]) -> _Plan:
        """Assign input names to raw fields; remembered, as the records of a drop share their names."""
        plan = self._plans.get(inputs)
        if plan is None:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            plan = self._plans[inputs] = self._make_plan(inputs)
        return plan

    def _make_plan(self, inputs: tuple[str, ...]) -> _Plan:
        known = sorted(
            (rank, str(name), name, target)
            for name in inputs
            for target, rank in [self._ranks.get(_folded(name), ("", -1))]
            if target
        )
        sources: dict[str, tuple[str, ...]] = {}
        for _, _, name, target in known:
            sources[target] = (*sources.get(target, ()), name)
        single = {
            target: names[0] for target, names in sources.items() if len(names) == 1 and target not in LIST_FIELDS
        }
        others = tuple((target, names) for target, names in sources.items() if target not in single)
        return _Plan(
            tuple(single.items()),
            others,
            tuple(name for name in inputs if _folded(name) not in self._ranks),
            join_origins({target: names[0] for target, names in sources.items() if len(names) == 1}),
        )


def _folded(name: str) -> str:
    return str(name).strip().lower()


def join_origins(places: Mapping[str, str]) -> str | None:
    """Write `origins` of a record: where the fields were found of which that is kept."""
    lines = [f"{name}={_flat(encodable(str(places[name])))}" for name in EVIDENCE_FIELDS if name in places]
    return "\n".join(lines) or None


def _flat(name: str) -> str:
    return " ".join(name.split())


def conform_record(fields: Mapping[str, object], names: FieldNames) -> dict[str, object]:
    """Turn one input record into the fields of a raw record, all but its position.

    Never raises, whatever the values are. Text is kept exactly, lone surrogates included: `BatchBuilder` replaces
    them, as it alone learns at no cost that there are any.
    """
    inputs = tuple(fields)
    plan = names.plan(inputs)
    names.counts.add(inputs, fields.values())
    record = _EMPTY_RECORD.copy()
    extra = {name: fields[name] for name in plan.rest}
    for target, source in plan.single:
        value = fields[source]
        record[target] = value if isinstance(value, str) else _take(target, (source,), fields, extra)[0]
    chosen: dict[str, str] = {}
    for target, sources in plan.others:
        record[target], origin = _take(target, sources, fields, extra)
        if len(sources) > 1:
            chosen[target] = origin
    record["origins"] = "\n".join(filter(None, (plan.origins, join_origins(chosen)))) or None
    if extra:
        record["extra"] = json_text(extra)
    return record


def _take(
    target: str, sources: tuple[str, ...], fields: Mapping[str, object], extra: dict[str, object]
) -> tuple[object, str]:
    """Read the first of `sources` that is not empty, name it, and leave in `extra` what that reading does not hold."""
    taken: object = None
    origin = sources[0]
    for source in sources:
        value = fields[source]
        if is_empty(taken):
            reading, whole = _read(target, value)
            if reading is not None:
                taken, origin = reading, source
            if whole:
                continue
        if not is_empty(value):
            extra[source] = value
    return taken, origin


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing: null, blank text, NaN, an empty list or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, list | tuple | dict) and not value)


class _Reading(NamedTuple):
    """A value as its field holds it, and whether that is all of the value."""

    value: object
    is_whole: bool


def _read(target: str, value: object) -> _Reading:
    if target in LIST_FIELDS:
        return _read_list(value)
    if isinstance(value, list | tuple):
        return _read_sequence(target, value)
    return _read_text(value)


def _read_list(value: object) -> _Reading:
    """Read authors or keywords: one element per text; a single text is not split here."""
    if is_empty(value):
        return _Reading(None, is_whole=True)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _Reading(value, is_whole=True)
    readings = [_read_text(item) for item in (value if isinstance(value, list | tuple) else [value])]
    texts = [reading.value for reading in readings if reading.value is not None]
    return _Reading(texts or None, all(reading.is_whole for reading in readings))


def _read_sequence(target: str, values: Sequence[object]) -> _Reading:
    """Read a list where text is expected: paragraphs of a body, or one value in brackets."""
    readings = [_read_text(item) for item in values]
    texts = [str(reading.value) for reading in readings if reading.value is not None]
    is_whole = all(reading.is_whole for reading in readings)
    if target == "body":
        return _Reading("\n\n".join(texts) if texts else None, is_whole)
    if len(texts) == 1:
        return _Reading(texts[0], is_whole)
    return _Reading(None, is_whole=False)


def _read_text(value: object) -> _Reading:
    if isinstance(value, Mapping):
        for member in TEXT_MEMBERS:
            text = plain_text(value.get(member))
            if text is not None:
                return _Reading(text, len(value) == 1)
        return _Reading(None, not value)
    text = plain_text(value)
    return _Reading(text, text is not None or is_empty(value))


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
