"""The commands of `copydesk alerts`: where alerts go, what waits, and trying it out."""

import json
import re
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from flows.alerts.delivery import send_now
from flows.alerts.digests import trial_digest
from flows.alerts.outbox import Message, Outbox
from flows.alerts.tell import make_messages, send_due
from flows.console import output_console, print_table
from flows.display import tell
from flows.options import ConfigOption, HomeOption, UsageError
from flows.prefect_api import configured_api
from flows.settings import Settings, load_settings

SENT, NOT_SENT = 0, 3

BLOCK = re.compile(r"(?:[a-z0-9\-]+/)?[a-z0-9][a-z0-9\-]*")

_COLUMNS = ("route", "digest_id", "created_at", "attempts", "next_attempt_at", "last_error")

RouteArgument = Annotated[str, typer.Argument(help="Name of the route, as in \\[alerts.NAME].")]
BlockOption = Annotated[
    str, typer.Option(help="Notification block in Prefect: the name of a Custom Webhook, or TYPE/NAME.")
]

app = typer.Typer(help="Where alerts go, what waits to be sent, and trying it out.")


@app.command("list")
def list_alerts(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """List routes, what waits to be sent to them, and what was given up."""
    settings = load_settings(home=home, config=config)
    outbox = Outbox(settings.home.outbox)
    found = {
        "routes": _routes(settings),
        "waiting": [_row(message) for message in outbox.pending()],
        "given_up": [_row(message) for message in outbox.failed()],
        "damaged": [{"file": str(path)} for path in outbox.damaged()],
    }
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    console = output_console()
    for title, rows in found.items():
        name = title.replace("_", " ").capitalize()
        print_table(console, name, list(rows[0]) if rows else [], [list(row.values()) for row in rows])
    if found["given_up"]:
        console.print("  Try again: copydesk alerts flush --given-up", soft_wrap=True)
    if not found["waiting"]:
        console.print("Nothing waits to be sent.")


def _routes(settings: Settings) -> list[dict[str, Any]]:
    return [
        {"route": name, "kind": route.kind, "severity": str(route.severity), "sources": list(route.sources) or ["*"]}
        for name, route in sorted(settings.routes.items())
    ]


def _row(message: Message) -> dict[str, Any]:
    row = {name: getattr(message, name, None) for name in _COLUMNS}
    return row | {"digest_id": message.digest.get("digest_id")}


@app.command()
def flush(
    given_up: Annotated[bool, typer.Option("--given-up", help="Try again what was given up, too.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Send all that waits now, whenever it was to be tried next."""
    settings = load_settings(home=home, config=config)
    outbox, now = Outbox(settings.home.outbox), datetime.now(UTC)
    if settings.home.is_initialised:
        make_messages(settings, now=now)
    for message in outbox.failed() if given_up else ():
        outbox.take_back(message, now=now)
    tally = send_due(settings, now=now, say=tell, is_asked=True)
    left = len(outbox.pending())
    typer.echo(f"{tally.sent:,} sent, {left:,} waiting, {tally.given_up:,} given up.")
    return NOT_SENT if left or tally.given_up else SENT


@app.command("test")
def try_out(route: RouteArgument, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Send a harmless test digest to a route, and say what came back."""
    settings = load_settings(home=home, config=config)
    if route not in settings.routes:
        raise UsageError(f"There is no route {route!r}; declared are {', '.join(sorted(settings.routes))}.")
    digest = trial_digest(route=route, home=settings.home, now=datetime.now(UTC))
    typer.echo(f"{route}: {send_now(route, digest, settings=settings, say=tell)}")


@app.command("prefect-automation")
def prefect_automation(url_block: BlockOption) -> None:
    """Have Prefect notify people of each digest, through a notification block that is saved there."""
    if not BLOCK.fullmatch(url_block):
        raise UsageError(f"{url_block!r} is no block; write the name of a Custom Webhook, or TYPE/NAME.")
    if configured_api() is None:
        raise UsageError("No Prefect API is configured; set PREFECT_API_URL.")
    from flows.automation import make_automation  # noqa: PLC0415 -- prefect takes seconds to import

    typer.echo(f"Prefect has the automation {make_automation(url_block)!r}; try it with copydesk alerts test ROUTE.")
