"""Settings: the home folder, and the sources declared in `copydesk.toml`.

They are read from the file in the home folder, or from the one named by `--config`, and from nowhere else. A key that
is not known is an error that names it: a misspelt setting never passes for a default.
"""

import dataclasses
import difflib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from expectations.row_rules import RowThresholds, Severity, row_rules
from expectations.table_rules import DEFAULTS
from transforms.formats import READ_FORMATS, Format
from transforms.language import declared_code
from transforms.raw_schema import RAW_RECORDS
from transforms.relations import Thresholds
from warehouse.home import Home
from warehouse.landing import absolute, as_text

HOME_VARIABLE = "COPYDESK_HOME"
DEFAULT_HOME = Path("data")
FIELDS = frozenset(RAW_RECORDS) - {"record_no", "byte_start", "byte_end", "extra", "origins"}
_T = TypeVar("_T")
INTERVAL = re.compile(r"every (?P<count>[1-9]\d{0,5})\s?(?P<unit>[smhd])")
CRON = re.compile(r"\S+(?: +\S+){4}")
SOURCE_NAME = re.compile(r"[\w][\w.\- ]*")
MISSING_BODY = "missing_body"
WHOLE_ZONE = "drop-zone"
"""Name of the deployment that looks at every place; no source's may have it."""
MOST_WORDS = 1_000_000
GLOB = re.compile(r"[*?\[]")


class SettingsError(Exception):
    """The settings cannot be used as they are; the message names file, key and next step."""


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone, such as 'Europe/Berlin'")
    return name


def _schedule(text: str) -> str:
    if INTERVAL.fullmatch(text):
        return text
    try:
        if CRON.fullmatch(text):
            CronSim(text, datetime.min)  # noqa: DTZ901 -- whatever the time
            return text
    except CronSimError:
        pass
    raise ValueError(f"{text!r} is no schedule; write 'every 15m' (s, m, h or d), or five fields of cron")


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


def _known_thresholds(thresholds: Mapping[str, float]) -> Mapping[str, float]:
    negative = sorted(name for name, bound in thresholds.items() if bound < 0)
    if negative:
        raise ValueError(f"{negative[0]} cannot be below 0")
    return _all_known(thresholds, {field.name for field in dataclasses.fields(RowThresholds)}, what="threshold")


def _known_rules(rules: Mapping[str, "RuleSettings"]) -> Mapping[str, "RuleSettings"]:
    bounded = {rule.code for rule in DEFAULTS}
    _all_known(rules, bounded | {rule.code for rule in row_rules(RowThresholds(), block_phrases=())}, what="rule")
    if MISSING_BODY in rules:
        raise ValueError(
            f"{MISSING_BODY} is critical for every source, as nothing can be done with a record without text"
        )
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
    duplicates: Thresholds = Field(default_factory=Thresholds)

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
    _check_home(root)
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


def _check_home(root: Path) -> None:
    if GLOB.search(str(root)) or not str(root).isprintable():
        raise SettingsError(f"{as_text(str(root))} cannot be a home folder: its path holds *, ?, [ or what is no text.")
    if root.exists() and not root.is_dir():
        raise SettingsError(f"{root} is no folder; name another one with --home.")


def _parse(content: Mapping[str, object], *, root: Path, path: Path) -> Settings:
    unknown = set(content) - {"sources", "duplicates"}
    if unknown:
        raise SettingsError(
            f"{path}: {min(unknown)!r} is not a setting; declare sources as [sources.NAME], thresholds of copies in "
            "[duplicates]."
        )
    declared = content.get("sources", {})
    if not isinstance(declared, dict):
        raise SettingsError(f"{path}: 'sources' must hold one table for each source, [sources.NAME].")
    sources = {name: _parse_source(name, table, path=path) for name, table in declared.items()}
    settings = Settings(home_root=root, sources=sources, duplicates=_parse_duplicates(content, path=path))
    if len(settings.places) < sum(source.place is not None for source in sources.values()):
        raise SettingsError(f"{path}: two sources have the same place; give each a folder of its own.")
    return settings


def _parse_duplicates(content: Mapping[str, object], *, path: Path) -> Thresholds:
    table = content.get("duplicates", {})
    known = {field.name: field.type for field in dataclasses.fields(Thresholds)}
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: 'duplicates' must be a table, [duplicates].")
    for name, value in table.items():
        if name not in known:
            raise SettingsError(f"{path}: duplicates.{_suggest(name, sorted(known))}")
        is_count = known[name] is int
        fits = type(value) is int if is_count else type(value) in {int, float}
        if not fits or not 0 <= value <= (MOST_WORDS if is_count else 1):
            what = f"a whole number up to {MOST_WORDS:,}" if is_count else "a share from 0 to 1"
            raise SettingsError(f"{path}: duplicates.{name} must be {what}, not {value!r}.")
    return Thresholds(**table)


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
    return f"{name} is not a setting; {hint}"


def _parse_source(name: str, table: object, *, path: Path) -> SourceSettings:
    if not SOURCE_NAME.fullmatch(name) or name == WHOLE_ZONE:
        raise SettingsError(
            f"{path}: {name!r} cannot name a source; use letters, digits, '.', '-' and '_', and not {WHOLE_ZONE!r}."
        )
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: sources.{name} must be a table, [sources.{name}].")
    if "name" in table:
        raise SettingsError(f"{path}: sources.{name}.name is not a setting; the table itself names the source.")
    try:
        return SourceSettings.model_validate({**table, "name": name})
    except ValidationError as error:
        raise SettingsError(f"{path}: {_explain(name, error)}") from error


def _explain(source: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(["sources", source, *map(str, first["loc"])])
    if first["type"] != "extra_forbidden":
        return f"{key}: {first['msg'].removeprefix('Value error, ')}."
    known = sorted((RuleSettings if first["loc"][0] == "rules" else SourceSettings).model_fields.keys() - {"name"})
    return f"{key.removesuffix(str(first['loc'][-1]))}{_suggest(str(first['loc'][-1]), known)}"
