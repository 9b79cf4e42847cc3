"""The connection to a mail server: encrypted across a network, told apart by its faults, ended politely."""

import smtplib
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backoffice import clock
from backoffice.outbox import transport
from backoffice.outbox.transport import Folder, Smtp, Temporary, Unreachable, open_transport
from backoffice.settings import Settings
from tests.outbox.sink import Sink, sink

SENDER = "help@company.example"
MAIL = b"Subject: Hello\r\n\r\nHello\r\n"
LOGIN = ("mailer", "pass:word/with@signs")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that nobody but these tests trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def allowed(_server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == LOGIN
    return AuthResult(success=right, handled=False)


@pytest.fixture
def starttls(server_tls: ssl.SSLContext) -> Iterator[Sink]:
    with sink(tls_context=server_tls, authenticator=allowed, auth_required=True) as server:
        yield server


def with_login(server: Sink, scheme: str = "smtp", password: str = "pass%3Aword%2Fwith%40signs") -> Smtp:
    return Smtp(f"{scheme}://mailer:{password}@localhost:{server.port}", sender=SENDER, timeout=5)


def hand_over(way: Smtp) -> None:
    try:
        way.send(MAIL, to="sasha@people.example", name="x")
    finally:
        way.close()


def test_a_password_and_a_mail_travel_encrypted(starttls: Sink, trusted: None) -> None:
    hand_over(with_login(starttls))
    assert starttls.recipients == ["sasha@people.example"]


def test_encrypted_from_the_first_byte(server_tls: ssl.SSLContext, trusted: None) -> None:
    with sink(ssl_context=server_tls) as server:
        hand_over(Smtp(f"smtps://localhost:{server.port}", sender=SENDER, timeout=5))
        assert len(server.contents) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_that_nobody_vouches_for_gets_nothing(server_tls: ssl.SSLContext, scheme: str) -> None:
    option = "tls_context" if scheme == "smtp" else "ssl_context"
    with sink(**{option: server_tls}) as server:
        with pytest.raises(Unreachable, match="does not encrypt as it should"):
            hand_over(Smtp(f"{scheme}://localhost:{server.port}", sender=SENDER, timeout=5))
        assert server.contents == []


def test_across_a_network_nothing_is_said_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is let pass without; take it for another one."""
    monkeypatch.setattr(transport, "is_loopback", lambda _host: False)
    with sink(auth_require_tls=False, authenticator=allowed) as server:
        with pytest.raises(Unreachable, match="does not encrypt as it should"):
            hand_over(with_login(server))
        assert server.contents == []


def test_a_wrong_password_is_told_without_it(starttls: Sink, trusted: None) -> None:
    with pytest.raises(Unreachable) as raised:
        hand_over(with_login(starttls, password="hunter2"))
    assert raised.value.reason == "the mail server refused our password (535)"


def test_the_connection_is_ended_politely(monkeypatch: pytest.MonkeyPatch) -> None:
    quits: list[bool] = []
    with sink() as server:

        async def quit_(*_arguments: Any) -> str:
            quits.append(True)
            return "221 Bye"

        monkeypatch.setattr(server, "handle_QUIT", quit_, raising=False)
        hand_over(Smtp(server.url, sender=SENDER))
    assert quits == [True]


def test_a_check_keeps_a_living_connection_and_drops_a_dead_one() -> None:
    with sink() as server:
        way = Smtp(server.url, sender=SENDER)
        way.check()
        assert server.connections == 0, "a check opens nothing"
        for _ in range(2):
            way.send(MAIL, to="sasha@people.example", name="x")
            way.check()
        assert server.connections == 1
    way.check()
    with pytest.raises(Unreachable):
        way.send(MAIL, to="sasha@people.example", name="x")


# -- refusals


@pytest.mark.parametrize("answer", ["451 4.7.1 greylisted", "452 4.2.2 full", "450 4.2.1 busy"])
def test_a_refusal_of_one_recipient_keeps_the_connection_for_the_others(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    with sink() as server:
        refused: list[str] = []

        async def rcpt(_server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
            if address.startswith("later") and not refused:
                refused.append(address)
                return answer
            envelope.rcpt_tos.append(address)
            return "250 OK"

        monkeypatch.setattr(server, "handle_RCPT", rcpt)
        way = Smtp(server.url, sender=SENDER, timeout=5)
        with pytest.raises(Temporary, match=answer[:3]):
            way.send(MAIL, to="later@people.example", name="x")
        way.send(MAIL, to="sasha@people.example", name="y")
        # A greylist takes it when it comes again.
        way.send(MAIL, to="later@people.example", name="x")
        way.close()
        assert server.connections == 1
        assert server.recipients == ["sasha@people.example", "later@people.example"]


def test_a_server_that_goes_down_is_left_and_connected_to_anew() -> None:
    with sink() as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        with pytest.raises(Temporary, match="421"):
            way.send(MAIL, to="closes@people.example", name="x")
        way.send(MAIL, to="sasha@people.example", name="y")
        way.close()
        assert (server.connections, server.recipients) == (2, ["sasha@people.example"])


# -- what comes back


def test_mails_come_back_to_the_return_address(tmp_path: Path) -> None:
    asked: Any = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "Help <help@company.example>"}
    given = Settings(keyring_file=tmp_path / "k", **asked)
    apart = Settings(keyring_file=tmp_path / "k", **asked, mail_bounces_to="returns@company.example")
    assert [each.return_address for each in (given, apart)] == [asked["mail_from"], "returns@company.example"]
    ways = [open_transport(each) for each in (given, apart)]
    senders = [way._sender for way in ways if isinstance(way, Smtp)]
    assert senders == ["help@company.example", "returns@company.example"]


@pytest.mark.parametrize("knows", [True, False])
def test_a_server_that_knows_reports_is_asked_for_headers_alone(
    monkeypatch: pytest.MonkeyPatch, knows: bool
) -> None:
    asked: list[tuple[Any, Any]] = []

    def sendmail(_self: Any, _from: str, _to: Any, _content: bytes, *options: Any, **named: Any) -> None:
        asked.append((named.get("mail_options"), named.get("rcpt_options")))

    with sink() as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        way.send(MAIL, to="sasha@people.example", name="abc")
        monkeypatch.setattr(smtplib.SMTP, "sendmail", sendmail)
        monkeypatch.setattr(smtplib.SMTP, "has_extn", lambda _self, name: knows and name == "dsn")
        way.send(MAIL, to="sasha@people.example", name="abc")
        way.close()
    wanted = (("RET=HDRS", "ENVID=abc"), ("NOTIFY=FAILURE",))
    assert asked == [wanted if knows else (None, None)]


# -- the folder of the demo


def test_a_folder_takes_mails_as_files(tmp_path: Path) -> None:
    Folder(tmp_path / "mail").send(MAIL, to="sasha@people.example", name="abc")
    assert [(file.name, file.read_bytes()) for file in (tmp_path / "mail").iterdir()] == [("abc.eml", MAIL)]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    with pytest.raises(Unreachable, match="folder"):
        Folder(tmp_path / "mail").send(MAIL, to="sasha@people.example", name="abc")


def test_the_settings_name_the_way_out(tmp_path: Path) -> None:
    def settings(**given: Any) -> Settings:
        return Settings(keyring_file=tmp_path / "keyring.json", **given)

    assert open_transport(settings()) is None
    assert isinstance(
        open_transport(settings(smtp_url=f"file://{tmp_path}/my%20mail", mail_from=SENDER)), Folder
    )
    assert settings(smtp_url=f"file://{tmp_path}/my%20mail", mail_from=SENDER).mail_folder == (
        tmp_path / "my mail"
    )
    assert isinstance(open_transport(settings(smtp_url="smtps://mail.example", mail_from=SENDER)), Smtp)
