"""Reading `[alerts.NAME]`: every error names file, key and next step, and never shows what may be a secret."""

import difflib
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from flows.alerts.routes import KINDS, ROUTE_NAME, SECRET_KEYS, FileRoute, Route, keys_of
from warehouse.home import Home
from warehouse.landing import absolute


class RouteSettingsError(Exception):
    """A route cannot be used as it is declared; the message names key and next step."""


def parse_routes(declared: object, *, own_routes: Mapping[str, Sequence[str]], home: Home) -> Mapping[str, Route]:
    """Return the declared routes by name; `own_routes` are those that sources name for themselves.

    Raises:
        RouteSettingsError: if one cannot be used, or named.
    """
    if not isinstance(declared, dict):
        raise RouteSettingsError("'alerts' must hold one table for each route, [alerts.NAME].")
    routes = {name: _parse(name, table) for name, table in declared.items()}
    for route in routes.values():
        if isinstance(route, FileRoute):
            _check_place(route, home)
    for source, names in own_routes.items():
        _check_named(source, names, routes)
    return routes


def _parse(name: str, table: object) -> Route:
    if not ROUTE_NAME.fullmatch(name):
        raise RouteSettingsError(f"{name!r} cannot name a route; use letters, digits, '.', '-' and '_'.")
    if not isinstance(table, dict):
        raise RouteSettingsError(f"alerts.{name} must be a table, [alerts.{name}].")
    kind = str(table.get("kind"))
    if kind not in KINDS:
        raise RouteSettingsError(f"alerts.{name}.kind must be one of {', '.join(KINDS)}.")
    unknown = sorted(set(table) - set(keys_of(kind)))
    if unknown:
        raise RouteSettingsError(f"alerts.{name}.{_explain_unknown(unknown[0], kind)}")
    try:
        return KINDS[kind].model_validate({**table, "name": name})
    except ValidationError as error:
        # Without the input that pydantic would quote: it may be a secret.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        keys = [str(part) for part in first["loc"]]
        what = first["msg"].removeprefix("Value error, ").rstrip(".")
        joint = ": " if keys else " "
        raise RouteSettingsError(f"{'.'.join(['alerts', name, *keys])}{joint}{what}.") from None


def _explain_unknown(key: str, kind: str) -> str:
    known = keys_of(kind)
    instead = "url_env" if key == "url" else SECRET_KEYS.get(key)
    if instead in known:
        return (
            f"{key} would hold a secret; put that into a variable of the environment, and name the variable: "
            f'{instead} = "DESK_{instead.removesuffix("_env").upper()}".'
        )
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
    return f"{key} is not a setting; {hint}"


def _check_place(route: FileRoute, home: Home) -> None:
    place = absolute(home.root / route.path)
    if home.keeps(place) or place.is_relative_to(home.landing) or place == home.root:
        raise RouteSettingsError(
            f"alerts.{route.name}.path lies where copydesk keeps its own or takes in files; name another place."
        )


def _check_named(source: str, names: Sequence[str], routes: Mapping[str, Route]) -> None:
    """Make sure that the routes that a source names are there, and are told of it."""
    for name in names:
        if name not in routes:
            known = f"declared are {', '.join(sorted(routes))}" if routes else "none is declared"
            raise RouteSettingsError(f"sources.{source}.alerts: there is no route {name!r}; {known} in [alerts.NAME].")
        if not routes[name].covers(source):
            raise RouteSettingsError(
                f"sources.{source}.alerts names {name!r}, and alerts.{name}.sources leaves this source out."
            )
