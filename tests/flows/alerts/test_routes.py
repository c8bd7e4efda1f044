"""Routes are read strictly, and a secret in the settings is refused without being shown."""

from typing import Any

import pytest

from flows.settings import SettingsError

SECRET = "hunter2-hunter2"  # noqa: S105 -- to be looked for

EVERY_KIND = """
[alerts.desk]
kind = "webhook"
url = "https://desk.example.org/hook"
secret_env = "DESK_KEY"
[alerts.team]
kind = "slack"
url_env = "SLACK_URL"
severity = "critical"
[alerts.mail]
kind = "email"
host = "mail.example.org"
port = 2525
security = "starttls"
user = "desk"
password_block = "mail-password"
from = "copydesk@example.org"
to = ["night@example.org", "day@example.org"]
sources = ["wire*", "post"]
[alerts.log]
kind = "file"
path = "alerts.jsonl"
[alerts.here]
kind = "stderr"
[alerts.phone]
kind = "apprise"
url_block = "phone"
[alerts.flow]
kind = "prefect"
[sources.wire]
alerts = ["mail", "here"]
"""


def test_every_kind_is_read(configure: Any) -> None:
    settings = configure(EVERY_KIND)
    assert {name: route.kind for name, route in settings.routes.items()} == {
        "desk": "webhook",
        "team": "slack",
        "mail": "email",
        "log": "file",
        "here": "stderr",
        "phone": "apprise",
        "flow": "prefect",
    }
    mail = settings.routes["mail"]
    assert [mail.covers(source) for source in ("wire", "wire-2", "post", "gazette")] == [True, True, True, False]
    assert [settings.routes["team"].is_told_of(severity) for severity in ("warning", "critical")] == [False, True]


def test_without_a_route_standard_error_is_told(configure: Any) -> None:
    assert [route.kind for route in configure("").routes.values()] == ["stderr"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alerts = 1", "'alerts' must hold one table for each route"),
        ("[alerts]\ndesk = 1", "alerts.desk must be a table"),
        ("[alerts.'a b']\nkind = 'stderr'", "'a b' cannot name a route"),
        ("[alerts.x]\nkind = 'pager'", "alerts.x.kind must be one of webhook, slack"),
        ("[alerts.x]\nsources = ['a']", "alerts.x.kind must be one of"),
        ("[alerts.x]\nkind = ['stderr']", "alerts.x.kind must be one of"),
        ("[alerts.x]\nkind = 'stderr'\nsevrity = 'critical'", "sevrity is not a setting; did you mean 'severity'?"),
        ("[alerts.x]\nkind = 'stderr'\nseverity = 'info'", "alerts.x.severity: "),
        ("[alerts.x]\nkind = 'slack'", "alerts.x needs url_env, the variable of the environment"),
        ("[alerts.x]\nkind = 'slack'\nurl_env = 'A'\nurl_block = 'b'", "url_env and url_block name the same secret"),
        ("[alerts.x]\nkind = 'webhook'\nurl = 'https://a.b/'\nurl_env = 'A'", "has more than one URL"),
        ("[alerts.x]\nkind = 'webhook'\nurl = 'file:///etc/passwd'", "alerts.x.url: must be a URL that begins with"),
        ("[alerts.x]\nkind = 'file'\npath = 'landing/told.jsonl'", "alerts.x.path lies where copydesk keeps its own"),
        ("[alerts.x]\nkind = 'file'\npath = 'outbox/told.jsonl'", "alerts.x.path lies where copydesk keeps its own"),
        ("[alerts.x]\nkind = 'file'\npath = ''", "alerts.x.path: must be the path of a file"),
        ("[sources.wire]\nalerts = ['desk']", "sources.wire.alerts: there is no route 'desk'; none is declared"),
        (
            "[alerts.x]\nkind = 'stderr'\nsources = ['a*']\n[sources.wire]\nalerts = ['x']",
            "sources.wire.alerts names 'x', and alerts.x.sources leaves this source out",
        ),
    ],
)
def test_what_is_no_route_is_an_error_that_names_the_key(configure: Any, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        configure(text)
    assert message in str(error.value)
    assert "copydesk.toml: " in str(error.value)


MAIL = "[alerts.x]\nkind = 'email'\nhost = 'h.example'\n"
SENT = "from = 'a@b.example'\nto = ['c@d.example']\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{MAIL}{SENT}user = 'u'\npassword = '{SECRET}'", "alerts.x.password would hold a secret"),
        (f"[alerts.x]\nkind = 'slack'\nurl = 'https://hooks/{SECRET}'", "alerts.x.url would hold a secret"),
        (f"[alerts.x]\nkind = 'apprise'\nurl = 'tgram://{SECRET}'", 'url_env = "DESK_URL"'),
        (f"[alerts.x]\nkind = 'webhook'\nurl = 'https://u:{SECRET}@a.b/'", "alerts.x.url: holds a secret"),
        (f"[alerts.x]\nkind = 'webhook'\nurl = 'https://a.b/?token={SECRET}'", "alerts.x.url: holds a secret"),
        (f"[alerts.x]\nkind = 'webhook'\nurl = 'https://[{SECRET}'", "alerts.x.url: must be a URL"),
        (f"[alerts.x]\nkind = 'webhook'\nurl = 'https://a.b/'\nsecret = '{SECRET}'", "alerts.x.secret would hold"),
        (f"[alerts.x]\nkind = 'slack'\nurl_env = 'https://{SECRET}'", "must be the name of a variable"),
        (f"[alerts.x]\nkind = 'slack'\nurl_block = '{SECRET}/x'", "must be the name of a Secret block"),
        (f"{MAIL}{SENT}user = 'u'\npassword_env = '{SECRET}'", "must be the name of a variable"),
        (f"{MAIL}{SENT}user = '{SECRET}'", "needs both user and password_env"),
        (f"{MAIL}{SENT}security = 'none'\nuser = 'u'\npassword_env = 'P'", "would send its password in clear"),
        (f"{MAIL}from = 'a@b\\r\\nBcc: c@d'\nto = ['c@d']", "alerts.x.from: must be a plain address"),
        (f'{MAIL}from = "a@b\\nBcc: c@d"\nto = ["c@d"]', "alerts.x.from: must be a plain address"),
        (f"{MAIL}from = 'a@b'\nto = ['x <c@d>']", "alerts.x.to.0: must be a plain address"),
        (f"{MAIL}from = 'a@b'\nto = []", "alerts.x.to"),
    ],
)
def test_secrets_and_injected_headers_are_refused_and_not_repeated(configure: Any, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        configure(text)
    assert message in str(error.value)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
