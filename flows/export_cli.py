"""`copydesk export`: articles as a file for others, with a manifest."""

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.console import output_console
from flows.export import MANIFEST, ExportFormat, export
from flows.options import ConfigOption, HomeOption
from flows.settings import load_settings
from flows.sql_values import json_value
from warehouse.landing import absolute


def export_articles(  # noqa: PLR0917 -- typer's way
    to: Annotated[Path, typer.Option("--to", help="A new folder.")],
    format_: Annotated[ExportFormat, typer.Option("--format", help="How to write them.")] = ExportFormat.PARQUET,
    where: Annotated[
        str | None,
        typer.Option(help="Only what meets a condition on columns of the export, such as \"language = 'de'\"."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what runs made or changed that ended after this one.", metavar="RUN")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="A source that is exported though copydesk.toml says nothing of its rights."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Export the articles of sources whose rights are known, or that are named, with a manifest."""
    settings = load_settings(home=home, config=config)
    done = export(settings, absolute(to), format_=format_, where=where, since=since, named=source or ())
    if as_json:
        sys.stdout.write(json.dumps(json_value(asdict(done)), ensure_ascii=False) + "\n")
        return
    console = output_console()
    by_source = ", ".join(f"{name} ({articles:,})" for name, articles in done.articles_by_source.items())
    console.print(
        f"{to / done.file} holds {done.articles:,} articles{by_source and f' of {by_source}'}, "
        f"{done.bytes / 1e6:,.1f} MB; {to / MANIFEST} says what it is.",
        soft_wrap=True,
    )
    if done.gone:
        console.print(
            f"  {len(done.gone):,} articles changed since and are not in it; remove them from earlier exports "
            f"(gone in {MANIFEST})."
        )
    for name, records in done.left_out.items():
        console.print(
            f"  {records:,} records of {name} are left out: their rights are unknown (rights in copydesk.toml, or "
            f"--source {shlex.quote(name)}).",
            soft_wrap=True,
        )
