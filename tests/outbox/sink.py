"""A mail server for tests, which does to a mail what the recipient's name says."""

import asyncio
import email
import email.policy
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import func, select

from backoffice.access.transaction import Transaction
from backoffice.outbox.models import OutgoingMail
from tests.factories.ports import free_port


@dataclass
class Sink:
    """What arrived. `once` holds recipients whose trouble is over after the first time."""

    port: int = 0
    contents: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    once: set[str] = field(default_factory=set)
    _seen: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """What the settings call it."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails as a reader's program understands them."""
        return [email.message_from_bytes(each, policy=email.policy.default) for each in self.contents]

    @property
    def doubles(self) -> int:
        """How many arrived that had arrived before."""
        counted = Counter(mail["Message-ID"] for mail in self.mails)
        return sum(counted.values()) - len(counted)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        if address.startswith("large@"):
            return "552 5.3.4 Message size exceeds fixed limit"
        return "553 We do not know help@company.example" if address.startswith("nobody@") else "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        trouble = address.partition("@")[0].partition("+")[0]
        self._seen[address] += 1
        if trouble in self.once and self._seen[address] > 1:
            trouble = ""
        if trouble == "hangs":
            await asyncio.sleep(30)
        if trouble == "cuts":
            cut(server)
        answer = {
            "later": "451 4.7.1 greylisted: later@people.example",
            "never": "550 5.1.1 no such mailbox: never@people.example",
            "closes": "421 4.3.2 going down",
        }.get(trouble)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        trouble = envelope.rcpt_tos[0].partition("@")[0].partition("+")[0]
        if trouble == "spam":
            return "554 5.7.1 looks like spam to spam@people.example"
        if trouble == "full":
            return "452 4.2.2 mailbox full"
        if trouble == "scans":
            await asyncio.sleep(0.8)
        assert isinstance(envelope.content, bytes)
        self.contents.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        if trouble == "cuts-after" and self._seen[envelope.rcpt_tos[0]] == 1:
            cut(server)
        return "250 OK"


def cut(server: SMTP) -> None:
    """End the connection without a word."""
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


@contextmanager
def sink(**options: Any) -> Iterator[Sink]:
    """A server on a free loopback port."""
    made = Sink(port=free_port())
    controller = Controller(made, hostname="127.0.0.1", port=made.port, **options)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield int(listening.getsockname()[1])


def mails_by_state(tx: Transaction) -> dict[str, int]:
    """How many mails of ours are in each state."""
    rows = tx.execute(select(OutgoingMail.state, func.count()).group_by(OutgoingMail.state))
    return {str(state): number for state, number in rows}
