"""Digests by HTTP: as JSON to a webhook, signed where there is a secret, or as a message of Slack.

No redirect is followed: it would carry a digest, and the secret in its address, to another host. The signature is an
HMAC-SHA256 over the time of sending and the body, so that who checks both can refuse what somebody sends again later.
"""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit, urlunsplit

from flows.alerts.digests import Digest, safe_text
from flows.alerts.routes import SlackRoute, WebhookRoute
from flows.alerts.sending import DeliveryError, Sender, read_secret, redact
from flows.alerts.texts import slack

MOST_ANSWER_BYTES = 4_096
SHOWN_ANSWER_CHARS = 200
SIGNATURE_SCHEME = "v1"


def webhook_sender(route: WebhookRoute, *, seconds: float) -> Sender:
    """Return what sends digests as JSON.

    Raises:
        DeliveryError: if a secret is missing, or the URL is none.
    """
    url, key = _url(route, route.url or read_secret(route, "url")), read_secret(route, "secret")

    def send(digest: Digest) -> str:
        body = json.dumps(digest, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Copydesk-Digest-Id": digest["digest_id"], "Copydesk-Digest-Version": str(digest["version"])}
        if key is not None:
            headers |= _signed(body, key, at=datetime.now(UTC))
        return _post(url, body, headers, seconds=seconds, secrets=(None if route.url else url, key))

    return Sender(send)


def slack_sender(route: SlackRoute, *, seconds: float) -> Sender:
    """Return what sends digests as messages of Slack.

    Raises:
        DeliveryError: if a secret is missing, or the URL is none.
    """
    url = _url(route, read_secret(route, "url"))

    def send(digest: Digest) -> str:
        body = json.dumps(slack(digest)).encode()
        return _post(url, body, {"Copydesk-Digest-Id": digest["digest_id"]}, seconds=seconds, secrets=(url,))

    return Sender(send)


def signature(body: bytes, key: str, *, timestamp: str) -> str:
    """Return the signature of a body that is sent at a time, given in seconds since 1970."""
    signed = timestamp.encode() + b"." + body
    return f"{SIGNATURE_SCHEME}={hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()}"


def _signed(body: bytes, key: str, *, at: datetime) -> Mapping[str, str]:
    timestamp = str(int(at.timestamp()))
    return {"Copydesk-Timestamp": timestamp, "Copydesk-Signature": signature(body, key, timestamp=timestamp)}


def _url(route: WebhookRoute | SlackRoute, url: str | None) -> str:
    try:
        parts = urlsplit(url or "")
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable or not (url or "").isascii() or not (url or "").isprintable() or " " in (url or ""):
        raise DeliveryError(f"the secret url of alerts.{route.name} is no URL that begins with http:// or https://")
    return str(url)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for the answer that it is."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, secrets: tuple[str | None, ...]) -> str:
    """Send a body; return what came back.

    Raises:
        DeliveryError: if that is anything but success.
    """
    bare, credentials = _without_credentials(url)
    all_headers = {"Content-Type": "application/json", "User-Agent": "copydesk", **headers, **credentials}
    request = urllib.request.Request(bare, data=body, headers=all_headers, method="POST")  # noqa: S310 -- the scheme is checked
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=seconds) as answer:
            return _told(answer.status, answer.read(MOST_ANSWER_BYTES), secrets)
    except urllib.error.HTTPError as error:
        with error:
            told = _told(error.code, _read(error), secrets)
        is_redirect = 300 <= error.code < 400  # noqa: PLR2004 -- HTTP's redirections
        raise DeliveryError(f"{told}; redirects are not followed: name the last URL" if is_redirect else told) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DeliveryError(reason_of(error)) from None


def _without_credentials(url: str) -> tuple[str, Mapping[str, str]]:
    """Part a URL from user and password, which go into a header."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    if place == parts.netloc:
        return url, {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = base64.b64encode(pair.encode()).decode()
    return urlunsplit(parts._replace(netloc=place)), {"Authorization": f"Basic {basic}"}


def _read(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MOST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _told(status: int, answer: bytes, secrets: tuple[str | None, ...]) -> str:
    said = safe_text(redact(answer.decode("utf-8", "replace"), secrets), most=SHOWN_ANSWER_CHARS).strip()
    return f"HTTP {status}: {said}" if said else f"HTTP {status}"


def reason_of(error: Exception) -> str:
    """Say why a connection failed, in words that hold nothing of its address."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, socket.gaierror):
        return "the name of the host is not known"
    if isinstance(cause, OSError) and cause.strerror and type(cause).__module__ == "builtins":
        return cause.strerror
    return type(cause).__name__
