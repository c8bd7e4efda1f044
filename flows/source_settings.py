"""What a source declares in `copydesk.toml`, key by key, with what each may hold.

Decides what is a valid value, and says what would be. Leaves reading the file to `settings`.
"""

import re
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from expectations.declared import (
    Severity,
    bound_declarations,
    change_declarations,
    row_declarations,
    thresholds,
    watch_declarations,
)
from flows.durations import interval_length
from transforms.formats import READ_FORMATS, Format
from transforms.language import declared_code
from transforms.raw_schema import RAW_RECORDS
from warehouse.landing import absolute

FIELDS = frozenset(RAW_RECORDS) - {"record_no", "byte_start", "byte_end", "extra", "origins"}
CRON = re.compile(r"\S+(?: +\S+){4}")
MISSING_BODY = "missing_body"

_T = TypeVar("_T")


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone, such as 'Europe/Berlin'")
    return name


def _schedule(text: str) -> str:
    if interval_length(text) is not None:
        return text
    try:
        if CRON.fullmatch(text):
            CronSim(text, datetime.min)  # noqa: DTZ901 -- whatever the time
            return text
    except CronSimError:
        pass
    raise ValueError(f"{text!r} is no schedule; write 'every 15m' (s, m, h or d), or five fields of cron")


Schedule = Annotated[str, AfterValidator(_schedule)]
"""When something is done: five fields of cron, or `every 15m`."""


def _interval(text: str) -> str:
    if interval_length(text) is None:
        raise ValueError(f"{text!r} is no interval; write 'every 1d' (s, m, h or d)")
    return text


def _text_encoding(name: str) -> str:
    try:
        "a".encode(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"{name!r} is no encoding of text, such as 'cp1252'") from error
    return name


def _read_format(name: object) -> object:
    if name not in READ_FORMATS:
        raise ValueError(f"{name!r} is not read; {', '.join(sorted(READ_FORMATS))} are")
    return name


def _delimiter(mark: str) -> str:
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
        raise ValueError(f"{mark!r} cannot stand between cells; name one character, such as ';'")
    return mark


def _language(code: str) -> str:
    if declared_code(code) is None:
        raise ValueError(f"{code!r} is no language that is known; write its ISO 639-1 code, such as 'de'")
    return code


def _rights(text: str) -> str | None:
    if not text.strip():
        raise ValueError("must say by what right, such as 'CC BY 4.0'; leave it out where that is unknown")
    return None if text.strip().lower() == "unknown" else text.strip()


def _place(folder: str) -> str:
    if not folder.strip() or absolute(Path("/home") / folder) == Path("/home"):
        raise ValueError("must be a folder of the source's own, such as 'landing/wire'")
    return folder


def _all_known(given: Mapping[str, _T], known: AbstractSet[str], *, what: str) -> Mapping[str, _T]:
    unknown = set(given) - known
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no {what}; known are {', '.join(sorted(known))}")
    return given


def _known_fields(fields: Mapping[str, str | tuple[str, ...]]) -> Mapping[str, str | tuple[str, ...]]:
    counts = Counter(name for names in fields.values() for name in ([names] if isinstance(names, str) else names))
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise ValueError(f"{repeated[0]!r} cannot be two fields at once")
    return _all_known(fields, FIELDS, what="field of a record")


def _known_thresholds(bounds: Mapping[str, float]) -> Mapping[str, float]:
    negative = sorted(name for name, bound in bounds.items() if bound < 0)
    if negative:
        raise ValueError(f"{negative[0]} cannot be below 0")
    return _all_known(bounds, thresholds().keys(), what="threshold")


def _known_rules(rules: Mapping[str, "RuleSettings"]) -> Mapping[str, "RuleSettings"]:
    bounded = bound_declarations().keys() | change_declarations().keys()
    _all_known(rules, bounded | row_declarations().keys() | watch_declarations().keys(), what="rule")
    if MISSING_BODY in rules:
        raise ValueError(
            f"{MISSING_BODY} is critical for every source, as nothing can be done with a record without text"
        )
    parsers = {code for code, declared in row_declarations().items() if declared.decided_by == "parser"}
    if milder := sorted(parsers & rules.keys()):
        raise ValueError(f"{milder[0]} is critical for every source, as there is no record that could be loaded")
    with_bound = {code for code, rule in rules.items() if rule.bound is not None}
    _all_known(dict.fromkeys(with_bound), bounded, what="rule that has a bound")
    for code in sorted(with_bound & change_declarations().keys()):
        nothing = 1 if change_declarations()[code].unit == "amount" else 0
        if (rules[code].bound or 0) <= nothing:
            raise ValueError(f"the bound of {code} must be above {nothing}: so much is no change")
    tolerating = {code for code, rule in rules.items() if rule.tolerated_share is not None}
    _all_known(dict.fromkeys(tolerating), row_declarations().keys(), what="rule on records")
    return rules


class RuleSettings(BaseModel):
    """What a source changes about one rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Severity | None = None
    bound: float | None = Field(None, allow_inf_nan=False)
    tolerated_share: float | None = Field(None, ge=0, le=1)


class SourceSettings(BaseModel):
    """A declared source; a folder with no declaration has all these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    place: Annotated[str, AfterValidator(_place)] | None = Field(
        None, description="Folder of its drops, relative to the home folder."
    )
    format: Annotated[Format, BeforeValidator(_read_format)] | None = Field(
        None, description="Format of its files where content and name do not tell."
    )
    encoding: Annotated[str, AfterValidator(_text_encoding)] | None = Field(
        None, description="Encoding of its files where they do not declare one."
    )
    delimiter: Annotated[str, AfterValidator(_delimiter)] | None = None
    fields: Annotated[Mapping[str, str | tuple[str, ...]], AfterValidator(_known_fields)] = Field(
        default_factory=dict, description="Our field to the name, or names, that the source gives it."
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    date_order: Literal["dmy", "mdy"] | None = None
    language: Annotated[str, AfterValidator(_language)] | None = Field(
        None, description="Language its articles are declared to be in."
    )
    schedule: Schedule | None = Field(None, description="Cron text, or 'every 15m'.")
    expect: Annotated[str, AfterValidator(_interval)] | None = Field(
        None, description="How often something new comes at least, as 'every 1d'; by default that is learnt."
    )
    thresholds: Annotated[Mapping[str, float], AfterValidator(_known_thresholds)] = Field(default_factory=dict)
    rules: Annotated[Mapping[str, RuleSettings], AfterValidator(_known_rules)] = Field(default_factory=dict)
    max_record_bytes: int | None = Field(None, gt=0)
    rights: Annotated[str, AfterValidator(_rights)] | None = Field(
        None, description="By what right its articles may be exported; 'unknown' is none."
    )
    alerts: tuple[str, ...] = ()

    @property
    def field_mapping(self) -> Mapping[str, str]:
        """Input name to our field."""
        pairs = ((ours, (theirs,) if isinstance(theirs, str) else theirs) for ours, theirs in self.fields.items())
        return {name: ours for ours, names in pairs for name in names}
