"""Mails that come back: reports as servers write them, and as somebody writes them who wants to do harm."""

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text, update

from backoffice import events
from backoffice.access import toggles
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.models import AuditEntry
from backoffice.cli import Context
from backoffice.events import Subscription
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox import bounces, reports
from backoffice.outbox.bounces import StillBeingSent, take_report
from backoffice.outbox.commands import _read, outbox
from backoffice.outbox.events import MailBounced
from backoffice.outbox.incoming import READ
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import MailState, OutgoingMail, Return, ReturnedMessages
from backoffice.outbox.reports import Report
from backoffice.outbox.services import Letter, Posted
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from tests.factories.posting import post_many

WHO = Purpose("test")
BEFORE_ANY = "abcdefghjkmnpqrs"


def returned(public_id: str, domain: str = "company.example") -> str:
    """The mail that comes back, as its headers."""
    return f"From: Help <help@company.example>\r\nMessage-ID: <{public_id}@{domain}>\r\nTo: a@b.example\r\n"


def recipient(*, action: str = "failed", status: str = "5.1.1") -> str:
    return (
        "Final-Recipient: rfc822; sasha@people.example\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <sasha@people.example> Sasha Marsh does not work here\r\n"
    )


def report(
    public_id: str | None,
    *recipients: str,
    envelope: str = "",
    headers_only: bool = True,
    said: str = "Your mail came back.",
    kind: str = "multipart/report; report-type=delivery-status",
    last: str | None = None,
) -> bytes:
    """A report as Postfix and others write it (RFC 3464)."""
    form = "text/rfc822-headers" if headers_only else "message/rfc822"
    body = returned(public_id) + ("" if headers_only else "\r\nHello\r\n") if public_id else ""
    returned_part = last if last is not None else f"Content-Type: {form}\r\n\r\n{body}"
    blocks = "\r\n".join(recipients or (recipient(),))
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: help@company.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: {kind}; boundary="b1"\r\n\r\n'
        f"--b1\r\nContent-Type: text/plain\r\n\r\n{said}\r\n"
        "--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example\r\n{envelope}\r\n{blocks}\r\n"
        f"--b1\r\n{returned_part}\r\n--b1--\r\n"
    ).encode()


@pytest.fixture(autouse=True)
def nothing_yet(runtime: Runtime) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
        connection.execute(text("truncate app.mail_return"))


def written(state: MailState = MailState.SENT) -> Posted:
    letter = Letter(Recipient(None, "sasha@people.example", "Sasha"), PluginSwitched.example())
    with transaction(WHO) as tx:
        (posted,) = post_many(tx, PLUGIN_SWITCHED, [letter])
        tx.execute(update(OutgoingMail).where(OutgoingMail.id == posted.id).values(state=state))
    return posted


def row(mail: Posted) -> OutgoingMail:
    with transaction(WHO) as tx:
        return tx.get_one(OutgoingMail, mail.id)


def counted() -> dict[str, int]:
    with transaction(WHO) as tx:
        return {each.outcome: each.number for each in tx.scalars(select(ReturnedMessages))}


@pytest.fixture
def heard(runtime: Runtime) -> Iterator[list[MailBounced]]:
    """What a plugin is told that handles it."""
    told: list[MailBounced] = []
    toggles.install({"heron": True})
    events.subscribe([Subscription("heron", MailBounced, lambda _tx, event: told.append(event))])
    yield told
    events.subscribe(each for plugin in runtime.plugins for each in plugin.subscriptions)
    toggles.install({each.name: each.enabled_at_first for each in runtime.plugins})


# -- as servers write them


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_mail_that_comes_back_is_put_down_so_and_told(heard: list[MailBounced], headers_only: bool) -> None:
    mail, other = written(), written()
    assert take_report(who=WHO, content=report(mail.public_id, headers_only=headers_only)) is Return.BOUNCED
    assert (row(mail).state, row(mail).reason) == (
        "bounced",
        "it came back: there is no such address (5.1.1)",
    )
    assert row(other).state == "sent"
    assert heard == [MailBounced(mail.id, mail.public_id, "5.1.1")]
    assert counted() == {"bounced": 1}
    with transaction(WHO) as tx:
        assert (
            tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1)).one() == "mail.bounce"
        )


def test_the_same_report_twice_does_nothing_more(heard: list[MailBounced]) -> None:
    mail = written()
    first = take_report(who=WHO, content=report(mail.public_id, recipient(status="5.2.2")))
    again = take_report(who=WHO, content=report(mail.public_id, recipient(status="5.1.1")))
    assert (first, again) == (Return.BOUNCED, Return.TWICE)
    assert row(mail).reason == "it came back: the mailbox takes no mail (5.2.2)"
    assert (len(heard), counted()) == (1, {"bounced": 1, "twice": 1})


def test_a_server_that_knows_envelopes_needs_no_headers() -> None:
    mail = written()
    content = report(None, envelope=f"Original-Envelope-Id: {mail.public_id}\r\n", last="\r\n")
    assert take_report(who=WHO, content=content) is Return.BOUNCED


def test_what_was_tried_for_too_long_has_failed_for_good() -> None:
    mail = written()
    content = report(mail.public_id, recipient(action="failed", status="4.4.7"))
    assert take_report(who=WHO, content=content) is Return.BOUNCED
    assert (row(mail).state, row(mail).reason) == ("bounced", "it came back (4.4.7)")


@pytest.mark.parametrize(
    ("action", "status"),
    [
        *(("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.1.9")),
        *(("expanded", "2.0.0"), ("delayed", "5.1.1"), ("failed", "soon"), ("failed", "2.0.0")),
    ],
)
def test_what_is_not_for_good_changes_nothing(heard: list[MailBounced], action: str, status: str) -> None:
    mail = written()
    content = report(mail.public_id, recipient(action=action, status=status))
    assert take_report(who=WHO, content=content) is Return.NOT_FOR_GOOD
    assert (row(mail).state, row(mail).reason, heard) == ("sent", None, [])


def test_a_list_of_which_one_took_it_has_it() -> None:
    mail = written()
    content = report(mail.public_id, recipient(), recipient(action="delivered", status="2.0.0"))
    assert take_report(who=WHO, content=content) is Return.NOT_FOR_GOOD
    content = report(mail.public_id, recipient(), recipient(status="5.7.1"))
    assert take_report(who=WHO, content=content) is Return.BOUNCED


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.1.1", "it came back: there is no such address (5.1.1)"),
        ("5.2.2", "it came back: the mailbox takes no mail (5.2.2)"),
        ("5.7.26", "it came back: it was refused (5.7.26)"),
        ("5.0.0", "it came back (5.0.0)"),
    ],
)
def test_why_is_said_in_our_words(status: str, words: str) -> None:
    mail = written()
    take_report(who=WHO, content=report(mail.public_id, recipient(status=f"{status} (Sasha Marsh left)")))
    assert row(mail).reason == words


# -- as they are not to be


@pytest.mark.parametrize(
    "state",
    [each for each in MailState if each not in {MailState.SENT, MailState.SENDING, MailState.BOUNCED}],
)
def test_what_was_not_sent_cannot_come_back(heard: list[MailBounced], state: MailState) -> None:
    mail = written(state)
    assert take_report(who=WHO, content=report(mail.public_id)) is Return.NOT_SENT
    assert (row(mail).state, heard) == (state, [])


def test_what_is_just_being_sent_is_asked_for_again() -> None:
    mail = written(MailState.SENDING)
    with pytest.raises(StillBeingSent):
        take_report(who=WHO, content=report(mail.public_id))
    assert (row(mail).state, counted()) == ("sending", {})


def test_an_unknown_mail_is_counted_and_changes_nothing(heard: list[MailBounced]) -> None:
    mail = written()
    for _ in range(2):
        assert take_report(who=WHO, content=report(new_public_id())) is Return.UNKNOWN
    assert (row(mail).state, heard, counted()) == ("sent", [], {"unknown": 2})


FOREIGN: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda _id: b"",
    "no mail": lambda _id: b"\x00\xff" * 5_000,
    "a letter": lambda id_: f"From: a@b.example\r\nIn-Reply-To: <{id_}@company.example>\r\n\r\nHi".encode(),
    "an absence note": lambda id_: (
        f"From: a@b.example\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <{id_}@b.example>\r\n\r\nAway"
    ).encode(),
    "no report": lambda id_: report(id_, kind="multipart/mixed"),
    "the number in the text": lambda _id: report(
        None, said=f"<{_id}@company.example> came back", last="\r\n"
    ),
    "other headers": lambda id_: report(
        None, last=f"Content-Type: text/rfc822-headers\r\n\r\nReferences: <{id_}@company.example>\r\n"
    ),
    "two numbers in one": lambda id_: report(f"{id_}{id_}"),
    "upper case": lambda id_: report(id_.upper()),
    "a number with a tail": lambda id_: report(f"{id_}' or '1'='1"),
    "wildcards": lambda id_: report(id_[:15] + "%"),
    "nobody": lambda id_: report(id_, "X-Nothing: at all\r\n"),
    "a report within the mail": lambda id_: report(
        None,
        last="Content-Type: message/rfc822\r\n\r\n" + report(id_).decode().replace("b1", "b2"),
    ),
    "a report within a letter": lambda id_: (
        b'Content-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n'
        + report(id_)
        + b"\r\n--o--\r\n"
    ),
    "ten thousand recipients": lambda id_: report(id_, *[recipient()] * 10_000),
    "eleven recipients": lambda id_: report(id_, *[recipient()] * 11),
    "ten megabytes of words": lambda id_: report(id_, said="All work and no play\r\n" * 500_000),
    "a long header": lambda id_: b"X-Long: " + b"x" * 300_000 + b"\r\n" + report(id_),
    "many parts": lambda id_: report(
        id_, said="".join(f"\r\n--b1\r\nContent-Type: text/plain\r\n\r\n{each}" for each in range(5_000))
    ),
    "deep": lambda id_: (
        "".join(
            f'Content-Type: multipart/report; boundary="d{each}"\r\n\r\n--d{each}\r\n'
            for each in range(2_000)
        ).encode()
        + report(id_)
    ),
    "mails in mails": lambda id_: b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + report(id_),
    "an unknown charset": lambda id_: report(
        None, last=f"Content-Type: text/rfc822-headers; charset=x-{id_}\r\n\r\nSubject: x\r\n"
    ),
    "the report as text": lambda id_: report(id_).replace(b"message/delivery-status", b"text/plain"),
    "the report encoded": lambda id_: (
        report(id_)
        .replace(
            b"message/delivery-status\r\n",
            b"message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n",
        )
        .replace(b"Action", b"QWN0aW9u")
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_report_about_a_mail_of_ours_changes_nothing(heard: list[MailBounced], kind: str) -> None:
    mail = written()
    outcome = take_report(who=WHO, content=FOREIGN[kind](mail.public_id))
    assert outcome in {Return.UNREADABLE, Return.UNKNOWN}
    assert (row(mail).state, row(mail).reason, heard) == ("sent", None, [])
    assert counted() == {outcome: 1}


def test_however_large_it_is_reading_it_takes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure: what is looked at is bounded, whatever comes."""
    seen: list[int] = []
    reading = reports._read

    def looked(content: bytes) -> Report | None:
        seen.append(len(content))
        return reading(content)

    monkeypatch.setattr(reports, "_read", looked)
    reports.read(report(new_public_id(), said="x" * 10_000_000))
    assert seen == [READ]


def test_nothing_of_another_servers_words_is_kept(runtime: Runtime) -> None:
    mail = written()
    take_report(who=WHO, content=report(mail.public_id, said="Sasha Marsh is not here"))
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        kept = connection.scalar(text("select string_agg(m::text, ' ') from app.mail m"))
    for said in ("Sasha", "sasha@", "does not work", "mx.example"):
        assert said not in str(kept)


def test_a_handler_that_fails_undoes_it(runtime: Runtime, heard: list[MailBounced]) -> None:
    def fails(_tx: Transaction, _event: MailBounced) -> None:
        raise ZeroDivisionError

    events.subscribe([Subscription("heron", MailBounced, fails)])
    mail = written()
    with pytest.raises(ZeroDivisionError):
        take_report(who=WHO, content=report(mail.public_id))
    assert (row(mail).state, counted()) == ("sent", {})


# -- the way in


def run(runtime: Runtime, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    context = Context()
    monkeypatch.setattr(Context, "runtime", lambda _self: runtime)
    return CliRunner().invoke(outbox, ["bounce"], input=content, obj=context)


def test_the_command_reads_one_message(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = written()
    done = run(runtime, report(mail.public_id), monkeypatch)
    assert (done.exit_code, done.output) == (os.EX_OK, "The mail is put down as come back.\n")
    assert row(mail).state == "bounced"


@pytest.mark.parametrize("content", [b"", b"Subject: Hello\r\n\r\nHello", report(BEFORE_ANY)])
def test_the_command_is_done_with_what_is_none_of_ours(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """With another code the mail server would answer, and to whom says whoever wrote it."""
    assert run(runtime, content, monkeypatch).exit_code == os.EX_OK


def test_the_command_asks_for_it_again_while_it_cannot_take_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = written(MailState.SENDING)
    done = run(runtime, report(mail.public_id), monkeypatch)
    assert (done.exit_code, "Pass the report on again" in done.output) == (os.EX_TEMPFAIL, True)

    def broken(**_given: object) -> None:
        raise ZeroDivisionError("sasha@people.example")

    monkeypatch.setattr(bounces, "take_report", broken)
    done = run(runtime, report(mail.public_id), monkeypatch)
    assert (done.exit_code, "ZeroDivisionError" in done.output) == (os.EX_TEMPFAIL, True)
    assert "sasha@" not in done.output


def test_the_command_takes_all_of_a_large_message(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that is closed early is an error to the mail server."""
    stream = io.BytesIO(b"x" * 3_000_000)
    assert len(_read(stream)) == READ
    assert stream.read() == b""
