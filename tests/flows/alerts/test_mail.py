"""Digests by mail, on a real server: encrypted or not, with a password or without, and never with a forged header."""

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from expectations.incidents import Failure, update_incidents
from expectations.news import news_by_commit
from expectations.row_rules import Severity
from flows.alerts.digests import Digest, make_digest
from flows.alerts.mail import mail_sender
from flows.alerts.routes import EmailRoute
from flows.alerts.sending import DeliveryError
from transforms.ops_schema import INCIDENTS
from warehouse.home import Home

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOSTILE = "wire\r\nBcc: everyone@example.org\n\n<script>alert(1)</script>\x1b[31m"
PASSWORD = "open-sesame-42"  # noqa: S105 -- of a server of our own

Serve = Callable[..., int]


class Mailbox:
    """Keeps what a server accepts."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 -- aiosmtpd's
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(mailbox: Mailbox) -> Iterator[Serve]:
    """Start servers on loopback, stopped in the end; return their ports."""
    started: list[Controller] = []

    def start(**options: Any) -> int:
        controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        started.append(controller)
        return int(controller.port)

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Have the program trust a certificate for 127.0.0.1; return what a server needs to show it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:  # noqa: ARG001
    is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"desk", PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


def a_digest(text: str = "wire") -> Digest:
    failure = Failure(text, "not_prose", Severity.WARNING, f"It failed: {text}", "r_1")
    rows = update_incidents(
        INCIDENTS.schema.to_frame(), [failure], frozenset(), run_id="run_1", noted_at=NOW, commit_no=2
    )
    [(commit_no, news)] = news_by_commit(rows, since=0)
    return make_digest(news, commit_no=commit_no, route="mail", home=Home(Path("/srv/home")))


def a_route(port: int, **more: Any) -> EmailRoute:
    addresses = {"from": "copydesk@example.org", "to": ["day@example.org", "night@example.org"]}
    declared = {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": port, "security": "none"}
    return EmailRoute.model_validate(declared | addresses | more)


def test_mail_has_text_and_page_and_the_id_of_its_digest(serve: Serve, mailbox: Mailbox) -> None:
    digest = a_digest()
    assert mail_sender(a_route(serve()), seconds=5).send(digest) == "accepted for 2 of 2 addresses"
    [mail] = mailbox.mails
    assert mail["Subject"] == "copydesk: 1 opened (wire not_prose)"
    assert mail["To"] == "day@example.org, night@example.org"
    assert mail["Message-ID"] == f"<{digest['digest_id']}@copydesk>"
    plain, page = mail.iter_parts()
    assert f"copydesk incidents show {digest['incidents'][0]['incident_id']}" in plain.get_content()
    assert "<b>opened: wire not_prose (warning)</b>" in page.get_content()


def test_hostile_names_forge_no_header_and_no_markup(serve: Serve, mailbox: Mailbox) -> None:
    mail_sender(a_route(serve()), seconds=5).send(a_digest(HOSTILE))
    [mail] = mailbox.mails
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]
    plain, page = (part.get_content() for part in mail.iter_parts())
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in plain + page


def test_password_is_sent_after_encryption_began(
    serve: Serve, mailbox: Mailbox, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    port = serve(tls_context=certified, auth_required=True, auth_require_tls=True, authenticator=authenticate)
    route = a_route(port, security="starttls", user="desk", password_env="MAIL_PASSWORD")  # noqa: S106 -- a name
    assert mail_sender(route, seconds=5).send(a_digest()) == "accepted for 2 of 2 addresses"
    assert len(mailbox.mails) == 1


def test_wrong_password_is_told_and_not_shown(
    serve: Serve, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-password-1")
    port = serve(tls_context=certified, auth_required=True, authenticator=authenticate)
    route = a_route(port, security="starttls", user="desk", password_env="MAIL_PASSWORD")  # noqa: S106 -- a name
    with pytest.raises(DeliveryError, match="SMTP 535") as failed:
        mail_sender(route, seconds=5).send(a_digest())
    assert "wrong-password-1" not in str(failed.value)


def test_server_without_encryption_or_with_an_unknown_certificate_gets_nothing(
    serve: Serve, mailbox: Mailbox, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeliveryError, match="does not offer STARTTLS"):
        mail_sender(a_route(serve(), security="starttls"), seconds=5).send(a_digest())
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
        mail_sender(a_route(serve(tls_context=certified), security="starttls"), seconds=5).send(a_digest())
    assert mailbox.mails == []


def test_refused_connection_says_so() -> None:
    with pytest.raises(DeliveryError, match="Connection refused"):
        mail_sender(a_route(1), seconds=5).send(a_digest())
