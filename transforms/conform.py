"""Input fields to the fields of a raw record.

Decides which input name means which field, which of several wins, and how a value that is not yet text is read as
text. Leaves the meaning of the text to cleaning: dates stay text, several authors in one string stay one string.

Nothing that came in is dropped: an input field that no raw field means, that lost against another, or that was read
only in part stays in `extra` under its own name.

Which input wins where several mean one field does not depend on their order in the record: names of the source's
mapping first, in the order of the mapping; then the field's own name; then aliases in the order of their table; two
spellings of one name in alphabetical order. The first that is not empty is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from transforms.field_counts import FieldCounts
from transforms.input_values import LIST_FIELDS, encodable, is_empty, json_text, read_value
from transforms.raw_schema import EVIDENCE_FIELDS, RAW_RECORDS

POSITION_FIELDS = ("record_no", "byte_start", "byte_end")
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
            reading, whole = read_value(target, value)
            if reading is not None:
                taken, origin = reading, source
            if whole:
                continue
        if not is_empty(value):
            extra[source] = value
    return taken, origin
