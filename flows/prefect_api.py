"""Which Prefect API is configured, and whether it answers, without importing Prefect, which takes seconds.

Prefect's own order of precedence is followed: environment, `prefect.toml`, `pyproject.toml`, the active profile.
Prefect also starts a server of its own for a process that has none; that costs 16 to 25 s for each, and is not used.
"""

import base64
import http.client
import json
import os
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 2.0
"""How long an API may take to say that it is well; a run must not hang on one that is gone."""


ASK_SECONDS = 5.0
MOST_ANSWER_BYTES = 1_000_000


class PrefectApiError(Exception):
    """The API cannot do what it was asked; the message holds nothing of what was sent."""


def configured_api() -> str | None:
    """Return the URL of the configured API, without a closing slash; None where there is none."""
    url = (
        os.environ.get("PREFECT_API_URL")
        or _read(Path("prefect.toml"), "api", "url")
        or _read(Path("pyproject.toml"), "tool", "prefect", "api", "url")
        or _profile_setting("PREFECT_API_URL")
    )
    return str(url).rstrip("/") if url else None


def is_answering(url: str) -> bool:
    """Whether the API says that it is well."""
    if not url.startswith(("http://", "https://")):
        return False
    try:
        request = urllib.request.Request(f"{url}/health", headers=_authorization())  # noqa: S310 -- the scheme is checked
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- the same
            return bool(answer.status == 200)  # noqa: PLR2004 -- HTTP's OK
    except (OSError, ValueError, http.client.HTTPException):
        return False


def ask_api(path: str, *, body: object = None, seconds: float = ASK_SECONDS) -> Any:  # noqa: ANN401 -- any JSON
    """Return what the configured API answers: to what is posted, or to a mere question where there is no body.

    Raises:
        PrefectApiError: if there is no API, or it does not answer with success.
    """
    url = configured_api()
    if url is None or not url.startswith(("http://", "https://")):
        raise PrefectApiError("no Prefect API is configured; set PREFECT_API_URL")
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **_authorization()}
    request = urllib.request.Request(f"{url}{path}", data=content, headers=headers)  # noqa: S310 -- the scheme is checked
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 -- the same
            told = answer.read(MOST_ANSWER_BYTES)
            return json.loads(told) if told else None
    except urllib.error.HTTPError as error:
        error.close()
        raise PrefectApiError(f"the Prefect API answers HTTP {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise PrefectApiError("the Prefect API does not answer") from None


def read_secret_block(name: str) -> str:
    """Return what a Secret block of the configured API holds.

    Raises:
        PrefectApiError: if there is no such block, or it holds no text.
    """
    block = ask_api(f"/block_types/slug/secret/block_documents/name/{name}?include_secrets=true")
    value = block.get("data", {}).get("value") if isinstance(block, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise PrefectApiError("it holds no text")
    return value


def _authorization() -> Mapping[str, str]:
    key = os.environ.get("PREFECT_API_KEY") or _profile_setting("PREFECT_API_KEY")
    if key:
        return {"Authorization": f"Bearer {key}"}
    credentials = os.environ.get("PREFECT_API_AUTH_STRING") or _profile_setting("PREFECT_API_AUTH_STRING")
    if credentials:
        return {"Authorization": f"Basic {base64.b64encode(str(credentials).encode()).decode()}"}
    return {}


def _profile_setting(name: str) -> object:
    folder = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or folder / "profiles.toml").expanduser()
    active = os.environ.get("PREFECT_PROFILE") or _read(profiles, "active")
    return _read(profiles, "profiles", str(active), name) if active else None


def _read(path: Path, *keys: str) -> object:
    """Return a value of a TOML file; None where the file, or the key, is not there."""
    try:
        value: Any = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
