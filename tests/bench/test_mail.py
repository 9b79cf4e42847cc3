"""Mails a second: the outbox beside bare smtplib, in turns, over one kept connection each to one server.

The floor sends bytes that are ready. The outbox takes its mails from the database, opens their seals, puts
from whom and to whom before them, sends, and puts down what was sent. The server offers no commands in one
(RFC 2920), which `smtplib` makes no use of: both wait for as many answers.

What each takes of its processor is told too. It says what is ours where the machine has other work.
"""

import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.host.mails import PluginSwitched
from backoffice.outbox import registry
from backoffice.outbox.journal import Journal
from backoffice.outbox.mail import Recipient
from backoffice.outbox.message import envelope, message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail, Rank
from backoffice.outbox.sending import Outgoing, send_waiting
from backoffice.outbox.services import TRIED_FOR
from backoffice.outbox.transport import Smtp
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from tests.factories.ports import free_port
from tests.outbox.sink import mails_by_state

WHO = Purpose("bench")
SENDER = "Help <help@company.example>"
ROUNDS, MAILS = 7, 300
REACH = 0.8
SERVER = """
import sys, time
from aiosmtpd.controller import Controller
class Takes:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"
controller = Controller(Takes(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def port() -> Iterator[int]:
    """A mail server in a process of its own, as it would be."""
    number = free_port()
    command = [sys.executable, "-c", SERVER, str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield number
        process.terminate()


def fill() -> list[bytes]:
    """Queue mails for many people; the same mails as ready bytes."""
    templates, now, ready = registry.current().templates, clock.now(), []
    rendered = templates.render(
        "core.plugin-switched", PluginSwitched.example(), Recipient(None, "", "Sasha Marsh")
    )
    with transaction(WHO) as tx:
        for number in range(MAILS):
            public_id, recipient = new_public_id(), f"person{number}@people.example"
            mail = tx.take_id(OutgoingMail)
            tx.execute(
                insert(OutgoingMail).values(
                    id=mail,
                    public_id=public_id,
                    name="core.plugin-switched",
                    state=MailState.QUEUED,
                    rank=Rank.ONE_WAITS,
                    attempts=0,
                    maybe_twice=False,
                    next_try_at=now,
                    give_up_at=now + TRIED_FOR,
                    created_at=now,
                )
            )
            content = message(
                subject=rendered.subject, text=rendered.text, html=rendered.html, border=public_id, at=now
            )
            tx.execute(insert(MailContent).values(mail_id=mail, recipient=recipient, message=content))
            ready.append(envelope(public_id=public_id, sender=SENDER, recipient=recipient)[1] + content)
    return ready


def test_mails_a_second(runtime: Runtime, port: int, tmp_path: Path) -> None:
    del runtime
    bare, journal = smtplib.SMTP("127.0.0.1", port), Journal(tmp_path)
    outgoing = Outgoing(WHO, Smtp(f"smtp://127.0.0.1:{port}", sender=SENDER), SENDER, journal=journal)
    rates: dict[str, list[float]] = {"bare": [], "outbox": []}
    works: dict[str, list[float]] = {"bare": [], "outbox": []}
    for _ in range(ROUNDS + 1):
        ready = fill()
        started, worked = time.perf_counter(), time.thread_time()
        for number, content in enumerate(ready):
            bare.sendmail("help@company.example", [f"person{number}@people.example"], content)
        between, had_worked = time.perf_counter(), time.thread_time()
        assert send_waiting(outgoing).sent == MAILS
        ended, has_worked = time.perf_counter(), time.thread_time()
        rates["bare"].append(MAILS / (between - started))
        rates["outbox"].append(MAILS / (ended - between))
        works["bare"].append((had_worked - worked) / MAILS)
        works["outbox"].append((has_worked - had_worked) / MAILS)
    bare.quit()
    outgoing.transport.close()
    journal.close()
    with transaction(WHO) as tx:
        assert mails_by_state(tx) == {"sent": MAILS * (ROUNDS + 1)}
    # The first round warms up.
    floor, ours = (statistics.median(rates[name][1:]) for name in ("bare", "outbox"))
    ratios = [b / a for a, b in zip(rates["bare"][1:], rates["outbox"][1:], strict=True)]
    ratio = statistics.median(ratios)
    work, our_work = (statistics.median(works[name][1:]) * 1e6 for name in ("bare", "outbox"))
    print(
        f"\nmails a second, {ROUNDS} rounds of {MAILS}: bare smtplib {floor:.0f}, outbox {ours:.0f},"
        f" {ratio:.0%} (from {min(ratios):.0%} to {max(ratios):.0%}; to reach: {REACH:.0%});"
        f" of the processor {work:.0f} and {our_work:.0f} µs a mail"
    )
