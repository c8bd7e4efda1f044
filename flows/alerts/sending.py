"""What senders of all kinds share: how they fail, where their secrets come from, and keeping these out of sight.

Errors of libraries quote URLs and passwords. Whatever is said of a failure is therefore put into words here, and what
a server answers is redacted.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from flows.alerts.digests import Digest
from flows.alerts.routes import Route
from flows.prefect_api import PrefectApiError, read_secret_block

SHORTEST_SECRET = 6
"""Characters below which a piece of a URL is no secret, but a word such as `hook`."""

HIDDEN = "[secret]"


class DeliveryError(Exception):
    """A digest could not be sent; the message holds no secret."""


@dataclass(frozen=True)
class Sender:
    """Sends digests; `send` returns what came back, in words that hold no secret."""

    send: Callable[[Digest], str]


def read_secret(route: Route, secret: str) -> str | None:
    """Return a secret of a route, from where the settings say that it is; None where they name none.

    Raises:
        DeliveryError: if it is not there; the message says where it should be.
    """
    variable, block = route.named_secret(secret)
    if variable is not None:
        value = os.environ.get(variable, "").strip()
        if not value:
            raise DeliveryError(f"the environment has no {variable}, which alerts.{route.name} names; set it")
        return value
    if block is None:
        return None
    try:
        return read_secret_block(block).strip()
    except PrefectApiError as error:
        raise DeliveryError(
            f"the Secret block {block}, which alerts.{route.name} names, cannot be read: {error}"
        ) from None


def redact(text: str, secrets: Iterable[str | None]) -> str:
    """Return the text without the secrets, or pieces of them, in any way that a URL may write them."""
    for piece in sorted({piece for secret in secrets if secret for piece in _pieces(secret)}, key=len, reverse=True):
        text = text.replace(piece, HIDDEN)
    return text


def _pieces(secret: str) -> Iterable[str]:
    """Yield a secret and what of it alone would do harm."""
    yield secret
    found = [secret]
    if "://" in secret:
        try:
            parts = urlsplit(secret)
            found += [parts.username or "", parts.password or "", parts.path, parts.query, *parts.path.split("/")]
            found += [value for _, value in parse_qsl(parts.query)]
        except ValueError:
            pass
    for piece in found:
        yield from {form for form in (piece, unquote(piece), quote(piece)) if len(form) >= SHORTEST_SECRET}
