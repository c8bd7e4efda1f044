"""The command `copydesk report`: makes the page, and opens it on request."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from flows.display import tell
from flows.options import HomeOption
from flows.report.window import DAYS
from flows.settings import load_settings

MOST_DAYS = 3_660

OpenOption = Annotated[bool, typer.Option("--open", help="Open it in the default browser.")]
OutputOption = Annotated[Path | None, typer.Option(help="File to write (default: reports/report.html of the home).")]
DaysOption = Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Days to look at, today included.")]


def report(
    is_opened: OpenOption = False,  # noqa: FBT002 -- typer's way
    output: OutputOption = None,
    days: DaysOption = DAYS,
    home: HomeOption = None,
) -> None:
    """Write one HTML page on all sources: their state, incidents, volumes, fill rates, copies and runs."""
    from flows.report.write import write_report  # noqa: PLC0415 -- other commands need no templates

    path = write_report(load_settings(home=home), output=output, days=days)
    typer.echo(path)
    if is_opened and not webbrowser.open(path.as_uri()):
        tell(f"No browser could be started; open {path} in one.")
