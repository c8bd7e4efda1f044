"""Options that commands share, and what a command says that was told something impossible."""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[Path | None, typer.Option(help="Home folder (default: $COPYDESK_HOME, else ./data).")]
ConfigOption = Annotated[Path | None, typer.Option(help="Settings (default: copydesk.toml in the home folder).")]


class UsageError(Exception):
    """The command was told something that cannot be; the message says what, and what can."""
