"""Digests by mail: plain text with a small page beside it, by SMTP."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from flows.alerts.digests import Digest, safe_text
from flows.alerts.routes import EmailRoute
from flows.alerts.sending import DeliveryError, Sender, read_secret, redact
from flows.alerts.texts import headline, html, plain
from flows.alerts.web import reason_of

PORTS = {"starttls": 587, "tls": 465, "none": 25}
SUBJECT_CHARS = 150


def mail_sender(route: EmailRoute, *, seconds: float) -> Sender:
    """Return what sends digests as mail.

    Raises:
        DeliveryError: if the password is missing.
    """
    password = read_secret(route, "password")

    def send(digest: Digest) -> str:
        try:
            with _connected(route, password, seconds=seconds) as server:
                refused = server.send_message(compose(digest, route))
        except smtplib.SMTPException as error:
            raise DeliveryError(_reason(error, password)) from None
        except (OSError, ValueError) as error:
            raise DeliveryError(reason_of(error)) from None
        return f"accepted for {len(route.to) - len(refused)} of {len(route.to)} addresses"

    return Sender(send)


def compose(digest: Digest, route: EmailRoute) -> EmailMessage:
    """Return a digest as a mail; its id is that of the digest, so that what is sent twice is known by it."""
    mail = EmailMessage()
    mail["Subject"] = safe_text(headline(digest), most=SUBJECT_CHARS)
    mail["From"] = route.sender
    mail["To"] = ", ".join(route.to)
    mail["Date"] = format_datetime(datetime.fromisoformat(digest["noted_at"]))
    mail["Message-ID"] = f"<{digest['digest_id']}@copydesk>"
    mail["Copydesk-Digest-Id"] = digest["digest_id"]
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(digest))
    mail.add_alternative(html(digest), subtype="html")
    return mail


@contextmanager
def _connected(route: EmailRoute, password: str | None, *, seconds: float) -> Iterator[smtplib.SMTP]:
    port = route.port or PORTS[route.security]
    if route.security == "tls":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(route.host, port, timeout=seconds, context=ssl.create_default_context())
    else:
        opened = smtplib.SMTP(route.host, port, timeout=seconds)
    with opened as server:
        if route.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if route.user is not None and password is not None:
            server.login(route.user, password)
        yield server


def _reason(error: smtplib.SMTPException, password: str | None) -> str:
    """Say what the server said."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode("utf-8", "replace")
        return f"SMTP {error.smtp_code}: {redact(said, [password])}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"all {len(error.recipients)} addresses were refused"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the server does not offer STARTTLS or authentication, which the route asks for"
    return type(error).__name__
