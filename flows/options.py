"""Options that commands share, and what a command says that was told something impossible."""

from pathlib import Path
from typing import Annotated

import typer

from flows.settings import Settings
from transforms.ops_schema import DROPS
from warehouse.query import read_published

HomeOption = Annotated[Path | None, typer.Option(help="Home folder (default: $COPYDESK_HOME, else ./data).")]
ConfigOption = Annotated[Path | None, typer.Option(help="Settings (default: copydesk.toml in the home folder).")]

_DELIVERING = f"SELECT DISTINCT source FROM {DROPS.name}"


class UsageError(Exception):
    """The command was told something that cannot be; the message says what, and what can."""


def check_source(source: str, settings: Settings) -> None:
    """Raise UsageError where a source is neither in the settings nor delivered anything."""
    published = settings.home.published.exists()
    delivering = read_published(settings.home, _DELIVERING).get_column("source") if published else ()
    known = {*settings.sources, *delivering}
    if source not in known:
        raise UsageError(f"There is no source {source!r}; known are {', '.join(sorted(known)) or 'none'}.")
