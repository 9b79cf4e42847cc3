"""The connection to a mail server: encrypted across a network, told apart by its faults, ended politely."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backoffice import clock
from backoffice.outbox import transport
from backoffice.outbox.transport import (
    Folder,
    NotSent,
    Permanent,
    Smtp,
    Temporary,
    Unreachable,
    open_transport,
)
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


@dataclass
class Scripted:
    """A mail server that offers what it is told to, and gives these answers; an empty one cuts it off.

    `together` is how many commands came at once, each time; `recipients` are those whose mail was taken;
    `cut_off` is what was said of mails that never ended.
    """

    url: str
    offers: str
    answers: dict[str, str]
    said: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    cut_off: list[bytes] = field(default_factory=list)
    connections: int = 0

    def talk(self, connection: socket.socket) -> None:
        """With one client, until it or a script ends it."""
        self.connections += 1
        connection.sendall(b"220 ready\r\n")
        while lines := connection.recv(100_000):
            commands = lines.decode().splitlines()
            self.together.append(len(commands))
            for command in commands:
                if not self._answered(connection, command):
                    return

    def _answered(self, connection: socket.socket, command: str) -> bool:
        self.said.append(command)
        verb = command[:4].upper()
        usual = {
            "EHLO": f"250-scripted\r\n250 {self.offers}",
            "DATA": "354 go on",
            "QUIT": "221 bye",
        }
        answer = self.answers.get(verb, usual.get(verb, "250 OK"))
        connection.sendall(f"{answer}\r\n".encode() if answer else b"")
        if verb == "DATA" and answer.startswith("354"):
            answer = self._words(connection)
        return bool(answer) and not answer.startswith(("221", "421"))

    def _words(self, connection: socket.socket) -> str:
        content = b""
        while not content.endswith(b"\r\n.\r\n"):
            more = connection.recv(100_000)
            if not more:
                self.cut_off.append(content)
                return ""
            content += more
        answer = self.answers.get(".", "250 OK")
        if answer.startswith("250"):
            self.mails.append(content.removesuffix(b".\r\n"))
            self.recipients.append(
                next(line for line in reversed(self.said) if line.startswith("RCPT"))[9:].partition(">")[0]
            )
        connection.sendall(f"{answer}\r\n".encode() if answer else b"")
        return answer


@contextmanager
def scripted(offers: str, answers: dict[str, str] | None = None) -> Iterator[Scripted]:
    """One at a free loopback port, which talks with one client after the other."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        made = Scripted(f"smtp://127.0.0.1:{listening.getsockname()[1]}", offers, answers or {})

        def serve() -> None:
            # Until it is shut down.
            with suppress(OSError):
                while True:
                    connection, _from = listening.accept()
                    with connection, suppress(ConnectionError):
                        made.talk(connection)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


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
def test_a_server_that_knows_reports_is_asked_for_headers_alone(knows: bool) -> None:
    with scripted("DSN" if knows else "HELP") as server:
        hand_over(Smtp(server.url, sender=SENDER, timeout=5))
    asked = [line for line in server.said if line.startswith(("MAIL", "RCPT"))]
    assert asked == (
        [f"MAIL FROM:<{SENDER}> RET=HDRS ENVID=x", "RCPT TO:<sasha@people.example> NOTIFY=FAILURE"]
        if knows
        else [f"MAIL FROM:<{SENDER}>", "RCPT TO:<sasha@people.example>"]
    )


# -- commands in one


@pytest.mark.parametrize("offered", [True, False])
def test_commands_go_together_to_a_server_that_offers_it(offered: bool) -> None:
    with scripted("PIPELINING" if offered else "HELP") as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        for content in (b".dot\r\n..\r\nno line at the end", b"a line\r\n.\r\n"):
            way.send(content, to="sasha@people.example", name="x")
        way.close()
    assert server.mails == [b"..dot\r\n...\r\nno line at the end\r\n", b"a line\r\n..\r\n"]
    assert max(server.together) == (3 if offered else 1)
    assert server.connections == 1


@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize(
    ("command", "answer", "raised"),
    [
        ("MAIL", "553 unknown", Unreachable),
        ("MAIL", "552 too large", Temporary),
        ("RCPT", "550 no such mailbox", Permanent),
        ("RCPT", "451 later", Temporary),
        ("RCPT", "421 going down", Temporary),
        ("DATA", "452 full", Temporary),
        ("DATA", "421 going down", Temporary),
        (".", "554 spam", Permanent),
        (".", "421 going down", Temporary),
    ],
)
def test_a_refused_mail_stays_refused_and_the_next_one_goes(
    offered: bool, command: str, answer: str, raised: type[NotSent]
) -> None:
    # As servers do: without from and to, no words are taken.
    after = {"DATA": "554 no valid recipients"} if command in {"MAIL", "RCPT"} else {}
    with scripted("PIPELINING" if offered else "HELP", after | {command: answer}) as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        with pytest.raises(raised, match=answer[:3]) as told:
            way.send(MAIL, to="sasha@people.example", name="x")
        assert not told.value.maybe_taken
        server.answers.clear()
        way.send(MAIL, to="robin@people.example", name="y")
        way.close()
    assert server.recipients == ["robin@people.example"]
    assert server.mails[-1:] == [MAIL]
    assert server.connections == (2 if answer.startswith("421") or "unknown" in answer else 1)


def test_a_server_that_waits_for_words_though_it_refused_gets_no_empty_mail() -> None:
    with scripted("PIPELINING", {"RCPT": "550 no such mailbox"}) as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        with pytest.raises(Permanent, match="550"):
            way.send(MAIL, to="sasha@people.example", name="x")
        server.answers.clear()
        way.send(MAIL, to="robin@people.example", name="y")
        way.close()
    assert (server.mails, server.cut_off, server.connections) == ([MAIL], [b""], 2)


@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_only_a_mail_whose_words_were_handed_over_may_have_been_taken(offered: bool, command: str) -> None:
    with scripted("PIPELINING" if offered else "HELP", {command: ""}) as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        with pytest.raises(Temporary, match="the connection was cut") as told:
            way.send(MAIL, to="sasha@people.example", name="x")
        assert told.value.maybe_taken == (command == ".")
        way.close()


def test_a_line_break_in_an_address_makes_no_command() -> None:
    with scripted("PIPELINING") as server:
        way = Smtp(server.url, sender=SENDER, timeout=5)
        with pytest.raises(ValueError, match="one line"):
            way.send(MAIL, to="sasha@people.example>\r\nRCPT TO:<robin@people.example", name="x")
        way.close()
    assert not [line for line in server.said if line.startswith("RCPT")]


def test_what_is_offered_only_when_encrypted_is_made_use_of(starttls: Sink, trusted: None) -> None:
    """A server forgets what was said in the clear, and so do we (RFC 3207)."""
    way = Smtp(starttls.url.replace("127.0.0.1", "localhost"), sender=SENDER, timeout=5)
    connection = way._connected()
    assert connection.does_esmtp
    assert not connection.has_extn("starttls")
    way.close()


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
