"""Routes of `copydesk.toml`: where digests go, and which incidents each route is told of.

Secrets are never among the settings: a route names the variable of the environment, or the Secret block of Prefect,
that holds one (see `secrets_of`). A key that would hold the secret itself is refused, with what to write instead.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from expectations.declared import Severity
from expectations.news import severity_rank

ROUTE_NAME = re.compile(r"\w[\w.\-]{0,63}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BLOCK = re.compile(r"[a-z0-9][a-z0-9\-]*")
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
TELLING_PARAMETERS = re.compile(r"(?i)token|key|secret|passw|sig|auth|code")
"""Names of URL parameters whose values are likely to be secrets."""

SECRET_KEYS: Mapping[str, str] = {
    "password": "password_env",
    "secret": "secret_env",
    "token": "url_env",
    "key": "secret_env",
    "api_key": "url_env",
}
"""Keys that people try to write secrets under, and those to use instead."""


def _variable(name: str) -> str:
    if not VARIABLE.fullmatch(name):
        raise ValueError("must be the name of a variable of the environment, such as 'DESK_WEBHOOK', not the secret")
    return name


def _block(name: str) -> str:
    if not BLOCK.fullmatch(name):
        raise ValueError("must be the name of a Secret block of Prefect, such as 'desk-webhook', not the secret")
    return name


TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.-]{16,}")
"""A part of a path that looks like a token, as in the addresses of incoming webhooks."""


def _public_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url
        is_secret = (
            "@" in parts.netloc
            or any(TELLING_PARAMETERS.search(name) for name, _ in parse_qsl(parts.query))
            or any(TOKEN.fullmatch(part) for part in parts.path.split("/"))
        )
    except ValueError:
        is_usable = is_secret = False
    if is_secret:
        raise ValueError("holds a secret; name the variable of the environment that holds the URL as url_env instead")
    if not is_usable:
        raise ValueError("must be a URL that begins with http:// or https://")
    return url


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text) or not text.isprintable():
        raise ValueError("must be a plain address, such as 'desk@example.org'")
    return text


def _path(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be the path of a file")
    return text


def _host(text: str) -> str:
    if not text or not text.isprintable() or re.search(r"[\s/@]", text):
        raise ValueError("must be the name or the address of a host")
    return text


Variable = Annotated[str, AfterValidator(_variable)]
Block = Annotated[str, AfterValidator(_block)]
Address = Annotated[str, AfterValidator(_address)]


class _Route(BaseModel):
    """What all routes have; a route without `sources` is told of all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secrets: ClassVar[tuple[str, ...]] = ()
    """Names of its secrets: of each there is a key with `_env` and one with `_block` behind it."""

    name: str
    severity: Literal[Severity.WARNING, Severity.CRITICAL] = Severity.WARNING
    sources: tuple[str, ...] = ()

    def covers(self, source: str) -> bool:
        """Whether the route is told of a source."""
        return not self.sources or any(fnmatchcase(source, pattern) for pattern in self.sources)

    def is_told_of(self, severity: str) -> bool:
        """Whether the route is told of incidents of this severity."""
        return severity_rank(severity) >= severity_rank(self.severity)

    def named_secret(self, secret: str) -> tuple[str | None, str | None]:
        """Return the variable, and the block, of which one may hold a secret."""
        return getattr(self, f"{secret}_env"), getattr(self, f"{secret}_block")

    @model_validator(mode="after")
    def _names_each_secret_once(self) -> "_Route":
        for secret in self.secrets:
            if None not in self.named_secret(secret):
                raise ValueError(f"{secret}_env and {secret}_block name the same secret; keep one of them")
        return self


class _WithUrl(_Route):
    """A route whose address is a secret."""

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    url_env: Variable | None = None
    url_block: Block | None = None

    @model_validator(mode="after")
    def _has_url(self) -> "_WithUrl":
        if self.named_secret("url") == (None, None) and getattr(self, "url", None) is None:
            raise ValueError("needs url_env, the variable of the environment that holds the URL, or url_block")
        return self


class WebhookRoute(_WithUrl):
    """JSON by HTTP, signed where there is a secret."""

    secrets: ClassVar[tuple[str, ...]] = ("url", "secret")

    kind: Literal["webhook"]
    url: Annotated[str, AfterValidator(_public_url)] | None = None
    secret_env: Variable | None = None
    secret_block: Block | None = None

    @model_validator(mode="after")
    def _has_one_url(self) -> "WebhookRoute":
        if self.url is not None and self.named_secret("url") != (None, None):
            raise ValueError("has more than one URL; keep url, url_env or url_block")
        return self


class SlackRoute(_WithUrl):
    """An incoming webhook of Slack, or of what understands the same messages."""

    kind: Literal["slack"]


class AppriseRoute(_WithUrl):
    """Any service that Apprise knows, by its URL there."""

    kind: Literal["apprise"]


class EmailRoute(_Route):
    """Mail by SMTP."""

    secrets: ClassVar[tuple[str, ...]] = ("password",)

    kind: Literal["email"]
    host: Annotated[str, AfterValidator(_host)]
    port: int | None = Field(None, gt=0, lt=65_536)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_env: Variable | None = None
    password_block: Block | None = None
    sender: Address = Field(alias="from")
    to: Annotated[tuple[Address, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _keeps_the_password(self) -> "EmailRoute":
        has_password = self.named_secret("password") != (None, None)
        if has_password != (self.user is not None):
            raise ValueError("needs both user and password_env (or password_block), or neither")
        if has_password and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("would send its password in clear; write security = 'starttls' or 'tls'")
        return self


class FileRoute(_Route):
    """A file of JSON Lines, absolute or relative to the home folder."""

    kind: Literal["file"]
    path: Annotated[str, AfterValidator(_path)]


class StderrRoute(_Route):
    """Standard error of the run."""

    kind: Literal["stderr"]


class PrefectRoute(_Route):
    """Events of the configured Prefect API, on which its automations act."""

    kind: Literal["prefect"]


Route = WebhookRoute | SlackRoute | EmailRoute | FileRoute | StderrRoute | AppriseRoute | PrefectRoute

DEFAULT_ROUTES: Mapping[str, Route] = {"stderr": StderrRoute(name="stderr", kind="stderr")}
"""Where nothing is declared, whoever looks at the run is told."""

KINDS: Mapping[str, type[Route]] = {
    "webhook": WebhookRoute,
    "slack": SlackRoute,
    "email": EmailRoute,
    "file": FileRoute,
    "stderr": StderrRoute,
    "apprise": AppriseRoute,
    "prefect": PrefectRoute,
}


def keys_of(kind: str) -> list[str]:
    """Return the keys that a route of a kind may have."""
    fields = KINDS[kind].model_fields.items()
    return sorted(field.alias or name for name, field in fields if name != "name")
