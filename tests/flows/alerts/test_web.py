"""Digests by HTTP: their form, their signature, and what is not done."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from expectations.incidents import Failure, update_incidents
from expectations.news import news_by_commit
from expectations.row_rules import Severity
from flows.alerts.digests import Digest, make_digest, trial_digest
from flows.alerts.routes import SlackRoute, WebhookRoute
from flows.alerts.sending import DeliveryError
from flows.alerts.texts import slack
from flows.alerts.web import signature, slack_sender, webhook_sender
from transforms.ops_schema import INCIDENTS
from warehouse.home import Home

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOSTILE = "<!channel> & *bold* `x`\r\nBcc: a@b\x1b[31m\u202e <script>"


def a_digest(*sources: str, message: str = "It failed.") -> Digest:
    failures = [Failure(source, "not_prose", Severity.WARNING, message, "r_1") for source in sources or ("wire",)]
    nothing = INCIDENTS.schema.to_frame()
    rows = update_incidents(nothing, failures, frozenset(), run_id="run_1", noted_at=NOW, commit_no=2)
    [(commit_no, news)] = news_by_commit(rows, since=0)
    return make_digest(news, commit_no=commit_no, route="desk", home=Home(Path("/srv/my home")))


def a_webhook(url: str, **more: str) -> WebhookRoute:
    return WebhookRoute(name="desk", kind="webhook", url=url, **more)


def test_signature_is_an_hmac_of_time_and_body(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_KEY", "s3cret-key")
    said = webhook_sender(a_webhook(receiver.url, secret_env="DESK_KEY"), seconds=5).send(a_digest())  # noqa: S106 -- a name
    assert said == "HTTP 200: ok"
    [got] = receiver.received
    timestamp = got.headers["Copydesk-Timestamp"]
    signed = f"{timestamp}.".encode() + got.body
    assert got.headers["Copydesk-Signature"] == f"v1={hmac.new(b's3cret-key', signed, hashlib.sha256).hexdigest()}"
    assert abs(int(timestamp) - datetime.now(UTC).timestamp()) < 60
    assert got.headers["Content-Type"] == "application/json"


def test_without_a_secret_nothing_is_signed(receiver: Any) -> None:
    webhook_sender(a_webhook(receiver.url), seconds=5).send(a_digest())
    assert "Copydesk-Signature" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(receiver: Any, status: int) -> None:
    receiver.will_answer(status, Location=f"{receiver.url}/elsewhere")
    with pytest.raises(DeliveryError, match=f"HTTP {status}; redirects are not followed"):
        webhook_sender(a_webhook(receiver.url), seconds=5).send(a_digest())
    assert len(receiver.received) == 1


def test_no_more_of_an_answer_is_read_than_is_shown(receiver: Any) -> None:
    receiver.will_answer(500, b"x" * 5_000_000)
    with pytest.raises(DeliveryError) as failed:
        webhook_sender(a_webhook(receiver.url), seconds=5).send(a_digest())
    assert len(str(failed.value)) < 300


def test_user_and_password_of_a_secret_url_are_sent_as_a_header(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_URL", receiver.url.replace("//", "//desk:p%40ss@") + "/in?token=1234567")
    webhook_sender(WebhookRoute(name="desk", kind="webhook", url_env="DESK_URL"), seconds=5).send(a_digest())
    [got] = receiver.received
    assert (got.path, got.headers["Authorization"]) == ("/in?token=1234567", "Basic ZGVzazpwQHNz")


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "http://[", "http://a b", "http://h:99999/", "x"]
)
def test_only_http_is_spoken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_URL", url)
    with pytest.raises(DeliveryError, match="no URL that begins with http") as failed:
        webhook_sender(WebhookRoute(name="desk", kind="webhook", url_env="DESK_URL"), seconds=5)
    assert str(failed.value).endswith("no URL that begins with http:// or https://")


def test_slack_gets_text_and_blocks_with_its_marks_escaped(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK", f"{receiver.url}/services/T000/B000/abcdefgh")
    slack_sender(SlackRoute(name="slack", kind="slack", url_env="SLACK"), seconds=5).send(
        a_digest(HOSTILE, message=HOSTILE)
    )
    message = receiver.received[0].json
    texts = [message["text"], *(block["text"]["text"] for block in message["blocks"])]
    assert set(message) == {"text", "blocks"}
    assert all("<!channel>" not in text and "<script>" not in text and "\x1b" not in text for text in texts)
    assert "&lt;!channel&gt; &amp; " in texts[-1]
    assert "copydesk incidents show" in texts[-1]


def test_messages_are_bounded_whatever_comes() -> None:
    digest = a_digest(*(f"{'&' * 300}{number}" for number in range(600)), message="&" * 1_000_000)
    assert (len(digest["incidents"]), digest["left_out"]) == (500, 100)
    assert len(json.dumps(digest)) < 1_000_000
    message = slack(digest)
    assert len(message["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3_000 for block in message["blocks"])
    assert "580 more" in message["blocks"][-1]["text"]["text"]


def test_texts_of_a_digest_stand_in_one_line_without_control_characters() -> None:
    [entry] = a_digest(HOSTILE, message=HOSTILE)["incidents"]
    assert entry["message"] == "<!channel> & *bold* `x`  Bcc: a@b�[31m� <script>"
    assert entry["command"].endswith(" --home '/srv/my home'")


def test_payload_is_of_the_form_that_the_document_states(repository: Path) -> None:
    text = (repository / "docs" / "alerts.md").read_text("utf-8")
    schema = json.loads(text.partition("```json\n")[2].partition("```")[0])
    strict = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for digest in (
        a_digest(),
        a_digest(HOSTILE * 99, message=HOSTILE * 999),
        trial_digest(route="desk", home=Home(Path("/srv")), now=NOW),
    ):
        strict.validate(json.loads(json.dumps(digest)))
        assert set(digest) == set(schema["required"]) == set(schema["properties"])
        assert all(
            set(one) == set(schema["properties"]["incidents"]["items"]["required"]) for one in digest["incidents"]
        )
    with pytest.raises(jsonschema.ValidationError):
        strict.validate(a_digest() | {"version": 2})


def test_receiver_of_the_document_takes_what_is_sent_and_nothing_else(
    repository: Path, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (repository / "docs" / "alerts.md").read_text("utf-8")
    names: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102 -- our own document
    monkeypatch.setenv("DESK_KEY", "s3cret-key")
    webhook_sender(a_webhook(receiver.url, secret_env="DESK_KEY"), seconds=5).send(a_digest())  # noqa: S106 -- a name
    [got] = receiver.received
    assert names["is_genuine"](got.body, got.headers, "s3cret-key")
    assert not names["is_genuine"](got.body + b" ", got.headers, "s3cret-key")
    assert not names["is_genuine"](got.body, got.headers, "another")
    late = str(int(got.headers["Copydesk-Timestamp"]) - 1_000)
    replayed = signature(got.body, "s3cret-key", timestamp=late)
    old = got.headers | {"Copydesk-Timestamp": late, "Copydesk-Signature": replayed}
    assert not names["is_genuine"](got.body, old, "s3cret-key")
