"""Settings: the home folder, and the sources and routes of alerts declared in `copydesk.toml`.

They are read from the file in the home folder, or from the one named by `--config`, and from nowhere else. A key that
is not known is an error that names it: a misspelt setting never passes for a default.
"""

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flows.alerts.route_settings import RouteSettingsError, parse_routes
from flows.alerts.routes import DEFAULT_ROUTES, Route
from flows.durations import read_duration
from flows.source_settings import RuleSettings, Schedule, SourceSettings
from transforms.relations import Thresholds
from warehouse.home import Home
from warehouse.landing import absolute, as_text

HOME_VARIABLE = "COPYDESK_HOME"
DEFAULT_HOME = Path("data")
SOURCE_NAME = re.compile(r"[\w][\w.\- ]*")
WHOLE_ZONE = "drop-zone"
"""Name of the deployment that looks at every place; no source's may have it."""
MOST_WORDS = 1_000_000
LEAST_RETENTION = timedelta(hours=1)
"""A reader may have the published file open for as long; anything shorter would take it from under a query."""
GLOB = re.compile(r"[*?\[]")


_Model = TypeVar("_Model", bound=BaseModel)


class SettingsError(Exception):
    """The settings cannot be used as they are; the message names file, key and next step."""


class ExpectationsSettings(BaseModel):
    """What rules that users add may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    python: bool = Field(default=False, description="Whether programs in the folder `expectations` are run.")


def _retention(text: str) -> str:
    if (read_duration(text) or timedelta()) < LEAST_RETENTION:
        raise ValueError(f"{text!r} is no length of an hour or more; write 12h, 7d or 4w")
    return text


class MaintenanceSettings(BaseModel):
    """How long the past is kept, and when the store is looked after."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retention: Annotated[str, AfterValidator(_retention)] = Field(
        default="7d", description="How long a snapshot stays readable after the next one: 12h, 7d, 4w."
    )
    schedule: Schedule = Field(
        default="30 3 * * *", description="When `copydesk serve` maintains the store: cron, or `every 12h`."
    )

    @property
    def kept_for(self) -> timedelta:
        """Length of the retention."""
        return read_duration(self.retention) or LEAST_RETENTION


class Settings(BaseModel):
    """Everything a run has to be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home_root: Path
    sources: Mapping[str, SourceSettings] = Field(default_factory=dict)
    duplicates: Thresholds = Field(default_factory=Thresholds)
    expectations: ExpectationsSettings = Field(default_factory=ExpectationsSettings)
    maintenance: MaintenanceSettings = Field(default_factory=MaintenanceSettings)
    alerts: Mapping[str, Route] = Field(default_factory=dict)

    @property
    def routes(self) -> Mapping[str, Route]:
        """Routes of alerts: those declared, else standard error."""
        return self.alerts or DEFAULT_ROUTES

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


def named_home(home: Path | None) -> Home:
    """Return the home folder that was named (see `home_root`), whatever its settings say: what reads needs none.

    Raises:
        SettingsError: if it cannot be one.
    """
    root = home_root(home)
    _check_home(root)
    return Home(root)


def load_settings(*, home: Path | None = None, config: Path | None = None) -> Settings:
    """Read the settings of a home folder (see `home_root`).

    Raises:
        SettingsError: if the file cannot be read, is not TOML, or holds what is no setting.
    """
    named = named_home(home)
    path = config or named.config
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if config is None:
            return Settings(home_root=named.root)
        raise SettingsError(f"There is no configuration {path}; name an existing file with --config.") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}; correct the file and try again.") from error
    return _parse(content, root=named.root, path=path)


def _check_home(root: Path) -> None:
    if GLOB.search(str(root)) or not str(root).isprintable():
        raise SettingsError(f"{as_text(str(root))} cannot be a home folder: its path holds *, ?, [ or what is no text.")
    if root.exists() and not root.is_dir():
        raise SettingsError(f"{root} is no folder; name another one with --home.")


def _parse(content: Mapping[str, object], *, root: Path, path: Path) -> Settings:
    unknown = set(content) - {"sources", "duplicates", "expectations", "maintenance", "alerts"}
    if unknown:
        raise SettingsError(
            f"{path}: {min(unknown)!r} is not a setting; declare sources as [sources.NAME], thresholds of copies in "
            "[duplicates], what rules of your own may do in [expectations], how long the past is kept in "
            "[maintenance], routes of alerts as [alerts.NAME]."
        )
    declared = content.get("sources", {})
    if not isinstance(declared, dict):
        raise SettingsError(f"{path}: 'sources' must hold one table for each source, [sources.NAME].")
    sources = {name: _parse_source(name, table, path=path) for name, table in declared.items()}
    settings = Settings(
        home_root=root,
        sources=sources,
        duplicates=_parse_duplicates(content, path=path),
        expectations=_parse_table(ExpectationsSettings, "expectations", content, path=path),
        maintenance=_parse_table(MaintenanceSettings, "maintenance", content, path=path),
        alerts=_parse_alerts(content, sources, root=root, path=path),
    )
    if len(settings.places) < sum(source.place is not None for source in sources.values()):
        raise SettingsError(f"{path}: two sources have the same place; give each a folder of its own.")
    return settings


def _parse_alerts(
    content: Mapping[str, object], sources: Mapping[str, SourceSettings], *, root: Path, path: Path
) -> Mapping[str, Route]:
    own = {name: source.alerts for name, source in sources.items()}
    try:
        return parse_routes(content.get("alerts", {}), own_routes=own, home=Home(root))
    except RouteSettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


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


def _parse_table(model: type[_Model], name: str, content: Mapping[str, object], *, path: Path) -> _Model:
    try:
        return model.model_validate(content.get(name, {}))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join([name, *map(str, first["loc"])])
        known = ", ".join(model.model_fields)
        said = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{path}: {key}: {said}; known in [{name}]: {known}.") from error


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
