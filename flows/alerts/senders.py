"""Which sender a route has; those that no other module has are here: file, standard error, Apprise, Prefect."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from flows.alerts.digests import Digest
from flows.alerts.prefect_events import prefect_sender
from flows.alerts.routes import (
    AppriseRoute,
    EmailRoute,
    FileRoute,
    PrefectRoute,
    Route,
    SlackRoute,
    StderrRoute,
    WebhookRoute,
)
from flows.alerts.sending import DeliveryError, Sender, read_secret
from flows.alerts.texts import headline, one_line, plain
from flows.alerts.web import slack_sender, webhook_sender
from warehouse.home import Home
from warehouse.landing import absolute

Say = Callable[[str], None]


def build_sender(route: Route, *, home: Home, say: Say, seconds: float) -> Sender:
    """Return the sender of a route; each step of it takes at most `seconds`.

    Raises:
        DeliveryError: if a secret or a package is missing.
    """
    match route:
        case WebhookRoute():
            sender = webhook_sender(route, seconds=seconds)
        case SlackRoute():
            sender = slack_sender(route, seconds=seconds)
        case EmailRoute():
            from flows.alerts.mail import mail_sender  # noqa: PLC0415 -- smtplib is needed by few

            sender = mail_sender(route, seconds=seconds)
        case FileRoute():
            sender = _file_sender(absolute(home.root / route.path))
        case AppriseRoute():
            sender = _apprise_sender(route)
        case PrefectRoute():
            sender = prefect_sender(seconds=seconds)
        case StderrRoute():
            sender = _stderr_sender(say)
    return sender


def _stderr_sender(say: Say) -> Sender:
    def send(digest: Digest) -> str:
        say(one_line(digest))
        return "written to standard error"

    return Sender(send)


def _file_sender(path: Path) -> Sender:
    """Append a line at once, so that lines of several writers do not mix."""

    def send(digest: Digest) -> str:
        line = json.dumps(digest, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A pipe that nobody reads is an error, and not waited for.
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
            try:
                written = os.write(file, line)
                _sync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise DeliveryError(f"{path} cannot be written: {error.strerror}") from None
        if written < len(line):
            raise DeliveryError(f"{path} took {written} of {len(line)} bytes; is the disk full?")
        return f"appended to {path}"

    return Sender(send)


def _sync(file: int) -> None:
    try:
        os.fsync(file)
    except OSError:  # a pipe has no disk
        return


def _apprise_sender(route: AppriseRoute) -> Sender:
    try:
        import apprise  # noqa: PLC0415 -- optional
    except ImportError:
        raise DeliveryError("the package apprise is missing; install copydesk[apprise]") from None
    logging.getLogger("apprise").disabled = True  # it writes URLs
    service = apprise.Apprise()
    if not service.add(read_secret(route, "url") or ""):
        raise DeliveryError(f"the secret url of alerts.{route.name} is no URL that Apprise knows")

    def send(digest: Digest) -> str:
        if not service.notify(body=plain(digest), title=headline(digest), body_format=apprise.NotifyFormat.TEXT):
            raise DeliveryError("Apprise could not deliver it")
        return "Apprise delivered it"

    return Sender(send)
