"""Settings: the home folder, and the sources declared in `copydesk.toml`.

They are read from the file in the home folder, or from the one named by `--config`, and from nowhere else. A key that
is not known is an error that names it: a misspelt setting never passes for a default.
"""

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from expectations.row_rules import RowThresholds, Severity, row_rules
from expectations.table_rules import DEFAULTS
from transforms.formats import Format
from transforms.schema import RAW_RECORDS
from warehouse.home import Home
from warehouse.landing import absolute

HOME_VARIABLE = "COPYDESK_HOME"
DEFAULT_HOME = Path("data")
FIELDS = frozenset(RAW_RECORDS) - {"record_no", "byte_start", "byte_end", "extra"}
_T = TypeVar("_T")
INTERVAL = re.compile(r"every (?P<count>[1-9]\d*)\s?(?P<unit>[smhd])")
CRON = re.compile(r"\S+(?: +\S+){4}")
SOURCE_NAME = re.compile(r"[\w][\w.\- ]*")


class SettingsError(Exception):
    """The settings cannot be used as they are; the message names file, key and next step."""


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone, such as 'Europe/Berlin'")
    return name


def _schedule(text: str) -> str:
    if INTERVAL.fullmatch(text) or CRON.fullmatch(text):
        return text
    raise ValueError(f"{text!r} is no schedule; write 'every 15m' (s, m, h or d), or five fields of cron")


def _all_known(given: Mapping[str, _T], known: AbstractSet[str], *, what: str) -> Mapping[str, _T]:
    unknown = set(given) - known
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no {what}; known are {', '.join(sorted(known))}")
    return given


def _known_fields(fields: Mapping[str, _T]) -> Mapping[str, _T]:
    return _all_known(fields, FIELDS, what="field of a record")


def _known_thresholds(thresholds: Mapping[str, float]) -> Mapping[str, float]:
    return _all_known(thresholds, {field.name for field in dataclasses.fields(RowThresholds)}, what="threshold")


def _known_rules(rules: Mapping[str, "RuleSettings"]) -> Mapping[str, "RuleSettings"]:
    bounded = {rule.code for rule in DEFAULTS}
    _all_known(rules, bounded | {rule.code for rule in row_rules(RowThresholds(), block_phrases=())}, what="rule")
    with_bound = {code for code, rule in rules.items() if rule.bound is not None}
    _all_known(dict.fromkeys(with_bound), bounded, what="rule that has a bound")
    return rules


class RuleSettings(BaseModel):
    """What a source changes about one rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Severity | None = None
    bound: float | None = None


class SourceSettings(BaseModel):
    """A declared source; a folder with no declaration has all these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    place: str | None = Field(None, description="Folder of its drops, relative to the home folder.")
    format: Format | None = Field(None, description="Format of its files where content and name do not tell.")
    encoding: str | None = Field(None, description="Encoding of its files where they do not declare one.")
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    fields: Annotated[Mapping[str, str | tuple[str, ...]], AfterValidator(_known_fields)] = Field(
        default_factory=dict, description="Our field to the name, or names, that the source gives it."
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    date_order: Literal["dmy", "mdy"] | None = None
    language: str | None = Field(None, description="Language its articles are declared to be in.")
    schedule: Annotated[str, AfterValidator(_schedule)] | None = Field(None, description="Cron text, or 'every 15m'.")
    thresholds: Annotated[Mapping[str, float], AfterValidator(_known_thresholds)] = Field(default_factory=dict)
    rules: Annotated[Mapping[str, RuleSettings], AfterValidator(_known_rules)] = Field(default_factory=dict)
    max_record_bytes: int | None = Field(None, gt=0)
    rights: str | None = None
    alerts: tuple[str, ...] = ()

    @property
    def field_mapping(self) -> Mapping[str, str]:
        """Input name to our field."""
        pairs = ((ours, (theirs,) if isinstance(theirs, str) else theirs) for ours, theirs in self.fields.items())
        return {name: ours for ours, names in pairs for name in names}


class Settings(BaseModel):
    """Everything a run has to be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home_root: Path
    sources: Mapping[str, SourceSettings] = Field(default_factory=dict)

    @property
    def home(self) -> Home:
        """The home folder."""
        return Home(self.home_root)

    def source(self, name: str) -> SourceSettings:
        """Return the settings of a source, declared or not."""
        return self.sources.get(name) or SourceSettings(name=name)

    @property
    def places(self) -> Mapping[Path, str]:
        """Absolute folder to the declared source that delivers there."""
        return {
            absolute(self.home_root / source.place): source.name
            for source in self.sources.values()
            if source.place is not None
        }


def home_root(home: Path | None) -> Path:
    """Return the home folder that was named, else $COPYDESK_HOME, else ./data."""
    return absolute(home or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME))


def load_settings(*, home: Path | None = None, config: Path | None = None) -> Settings:
    """Read the settings of a home folder (see `home_root`).

    Raises:
        SettingsError: if the file cannot be read, is not TOML, or holds what is no setting.
    """
    root = home_root(home)
    path = config or Home(root).config
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if config is None:
            return Settings(home_root=root)
        raise SettingsError(f"There is no configuration {path}; name an existing file with --config.") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}; correct the file and try again.") from error
    return _parse(content, root=root, path=path)


def _parse(content: Mapping[str, object], *, root: Path, path: Path) -> Settings:
    unknown = set(content) - {"sources"}
    if unknown:
        raise SettingsError(f"{path}: {min(unknown)!r} is not a setting; declare sources as [sources.NAME].")
    declared = content.get("sources", {})
    if not isinstance(declared, dict):
        raise SettingsError(f"{path}: 'sources' must hold one table for each source, [sources.NAME].")
    sources = {name: _parse_source(name, table, path=path) for name, table in declared.items()}
    return Settings(home_root=root, sources=sources)


def _parse_source(name: str, table: object, *, path: Path) -> SourceSettings:
    if not SOURCE_NAME.fullmatch(name):
        raise SettingsError(f"{path}: {name!r} cannot name a source; use letters, digits, '.', '-' and '_'.")
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: sources.{name} must be a table, [sources.{name}].")
    try:
        return SourceSettings.model_validate({**table, "name": name})
    except ValidationError as error:
        raise SettingsError(f"{path}: {_explain(name, error)}") from error


def _explain(source: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(["sources", source, *map(str, first["loc"])])
    if first["type"] != "extra_forbidden":
        return f"{key}: {first['msg']}."
    close = difflib.get_close_matches(str(first["loc"][-1]), SourceSettings.model_fields, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(SourceSettings.model_fields))}."
    return f"{key} is not a setting; {hint}"
