"""Sending over a real connection: what arrives, what is tried again and when, what a dead worker leaves."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import (
    Connection,
    LargeBinary,
    delete,
    event,
    func,
    insert,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import OperationalError

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox import queries, sending
from backoffice.outbox.journal import Journal
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.outbox.sending import (
    BATCH,
    DELAYS,
    LEASE,
    MOST_SILENT,
    Outgoing,
    Sent,
    forget_mail,
    send_waiting,
)
from backoffice.outbox.services import TRIED_FOR, Letter
from backoffice.outbox.transport import Smtp
from backoffice.runtime import Runtime
from backoffice.storage import functions
from backoffice.storage.keyring import KeyringError
from backoffice.storage.roles import DatabaseRole
from tests.factories.ports import free_port
from tests.factories.posting import post, post_many
from tests.outbox.sink import Sink, mails_by_state, silent_server, sink

WHO = Purpose("test")
SENDER = "Help <help@company.example>"
Post = Callable[..., str]


@pytest.fixture(autouse=True)
def nothing_waits(runtime: Runtime) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))


@pytest.fixture
def mail_server() -> Iterator[Sink]:
    with sink() as started:
        yield started


def write(recipient: str, *, title: str = "Trust", name: str = "Sasha Marsh") -> str:
    parameters = PluginSwitched("trust", title, False, "Robin", clock.now(), "Because <of> it")
    with transaction(WHO) as tx:
        return post(tx, PLUGIN_SWITCHED, to=Recipient(None, recipient, name), parameters=parameters)


def outgoing(
    port: int,
    *,
    sender: str = SENDER,
    timeout: float = 5,
    patience: float = 5,
    journal: Journal | None = None,
) -> Outgoing:
    url = f"smtp://127.0.0.1:{port}"
    return Outgoing(
        WHO, Smtp(url, sender=sender, timeout=timeout, patience=patience), sender, journal=journal
    )


def send(port: int, **options: Any) -> Sent:
    way = outgoing(port, **options)
    try:
        return send_waiting(way)
    finally:
        way.transport.close()


def row(public_id: str) -> OutgoingMail:
    with transaction(WHO) as tx:
        return tx.scalars(select(OutgoingMail).where(OutgoingMail.public_id == public_id)).one()


def has_content(public_id: str) -> bool:
    with transaction(WHO) as tx:
        mail = select(OutgoingMail.id).where(OutgoingMail.public_id == public_id).scalar_subquery()
        return tx.scalar(select(MailContent.mail_id).where(MailContent.mail_id == mail)) is not None


# -- what arrives


def test_a_mail_arrives_whole_and_nothing_of_it_stays(mail_server: Sink) -> None:
    public_id = write("sasha@people.example", title="Trüst — part")
    assert send(mail_server.port).counts == {"sent": 1}
    (mail,) = mail_server.mails
    assert (mail["Subject"], mail["To"]) == ("Trüst — part was switched off", "sasha@people.example")
    assert (mail["From"], mail["Auto-Submitted"]) == (SENDER, "auto-generated")
    assert mail["Message-ID"] == f"<{public_id}@company.example>"
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Hello Sasha Marsh," in plain.get_content()
    assert "Trüst — part, a part that" in plain.get_content()
    assert "Because &lt;of&gt; it" in html.get_content()
    assert not mail.defects
    assert all(len(line) <= 78 for line in mail_server.contents[0].splitlines())
    sent = row(public_id)
    assert (sent.state, sent.attempts, sent.reason, sent.taken_at) == ("sent", 1, None, None)
    assert sent.finished_at is not None
    assert not has_content(public_id)


def test_many_mails_travel_over_one_connection_in_the_order_written(mail_server: Sink) -> None:
    for number in range(2 * BATCH + 1):
        write(f"person{number}@people.example")
    assert send(mail_server.port).sent == 2 * BATCH + 1
    assert mail_server.connections == 1
    assert mail_server.recipients == [f"person{number}@people.example" for number in range(2 * BATCH + 1)]


def test_two_workers_send_each_mail_once(mail_server: Sink) -> None:
    written = {write(f"person{number}@people.example") for number in range(BATCH + 10)}
    with transaction(WHO) as first, transaction(WHO) as second:
        taken = [queries.take(tx, now=clock.now(), most=BATCH) for tx in (first, second)]
    ids = [mail.public_id for batch in taken for mail in batch]
    assert (len(taken[0]), len(taken[1])) == (BATCH, 10)
    assert sorted(ids) == sorted(written)


def test_lines_that_begin_with_a_dot_arrive(mail_server: Sink) -> None:
    write("sasha@people.example", name=".")
    write("sasha@people.example", title=".\r\n.\r\nQUIT")
    assert send(mail_server.port).sent == 2
    assert len(mail_server.mails) == 2


def test_a_line_break_makes_no_header(mail_server: Sink) -> None:
    """Neither in a subject nor in an address: one is made a space, the other is no address."""
    write("sasha@people.example", title="x\r\nBcc: everybody@people.example")
    bad = write("sasha@people.example\r\nBcc: everybody@people.example")
    assert send(mail_server.port).counts == {"sent": 1, "failed": 1}
    (mail,) = mail_server.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "x Bcc: everybody@people.example was switched off"
    assert mail_server.recipients == ["sasha@people.example"]
    assert row(bad).reason == sending.NO_ADDRESS


# -- what does not


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("never", "the recipient was refused (550)"),
        ("spam", "the mail was refused (554)"),
    ],
)
def test_what_is_refused_for_good_is_given_up_and_keeps_its_words(
    mail_server: Sink, trouble: str, reason: str
) -> None:
    bad, good = write(f"{trouble}@people.example"), write("sasha@people.example")
    assert send(mail_server.port).counts == {"sent": 1, "failed": 1}
    assert (row(bad).state, row(bad).reason, row(good).state) == ("failed", reason, "sent")
    assert has_content(bad)
    assert mail_server.connections == 1


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("later", "the recipient was refused (451)"),
        ("full", "the mail was refused (452)"),
        ("closes", "the recipient was refused (421)"),
        ("cuts", "the connection was cut"),
    ],
)
def test_what_may_go_later_waits_and_stops_nobody(mail_server: Sink, trouble: str, reason: str) -> None:
    now = clock.now()
    bad, good = write(f"{trouble}@people.example"), write("sasha@people.example")
    assert send(mail_server.port).counts == {"sent": 1, "later": 1}
    waiting = row(bad)
    assert (waiting.state, waiting.attempts, waiting.reason) == ("queued", 1, reason)
    assert timedelta(seconds=55) < waiting.next_try_at - now < timedelta(seconds=70)
    assert row(good).state == "sent"
    assert send(mail_server.port).counts == {}, "it is not due yet"


def test_it_is_tried_ever_later_for_a_day_and_then_given_up(mail_server: Sink) -> None:
    start = clock.now()
    mail = write("later@people.example")
    tries = []
    with time_machine.travel(start, tick=False) as traveller:
        while row(mail).state == "queued":
            traveller.move_to(max(row(mail).next_try_at, clock.now()))
            tries.append(clock.now() - start)
            send(mail_server.port)
            assert len(tries) < 20
    minutes = [round(each.total_seconds() / 60) for each in tries]
    assert minutes == [0, 1, 6, 21, 81, 321, 1041, 1440]
    assert (row(mail).state, row(mail).attempts) == ("failed", 8)
    assert has_content(mail)


def test_delays_grow_and_end() -> None:
    assert [sending.delay(number) for number in range(1, 9)] == [*DELAYS, DELAYS[-1], DELAYS[-1]]


def test_a_mail_that_goes_through_at_the_second_try_says_nothing_of_the_first(mail_server: Sink) -> None:
    mail_server.once.add("later")
    mail = write("later@people.example")
    send(mail_server.port)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert send(mail_server.port).sent == 1
    assert (row(mail).state, row(mail).reason) == ("sent", None)


def test_a_server_that_falls_silent_holds_up_mails_to_that_domain_alone(mail_server: Sink) -> None:
    bad, same = write("hangs@silent.example"), write("sasha@silent.example")
    good = write("sasha@people.example")
    assert send(mail_server.port, timeout=1).counts == {"sent": 1, "later": 1, "waiting": 1}
    assert (row(bad).attempts, row(bad).reason) == (1, "the mail server fell silent")
    assert (row(same).state, row(same).attempts, row(same).reason) == ("queued", 0, None)
    assert row(good).state == "sent"
    assert not row(bad).maybe_twice, "it had said nothing of the mail yet"
    assert send(mail_server.port).counts == {"sent": 1}
    assert row(same).state == "sent"


def test_a_silent_domain_is_left_alone_for_a_while(mail_server: Sink) -> None:
    mail_server.once.add("hangs")
    write("hangs@silent.example")
    way = outgoing(mail_server.port, timeout=1)
    assert send_waiting(way).counts == {"later": 1}
    same = write("sasha@silent.example")
    assert send_waiting(way).counts == {}
    with time_machine.travel(clock.now() + sending.SILENT_FOR + timedelta(seconds=1)):
        assert send_waiting(way).sent == 2
    way.transport.close()
    assert row(same).state == "sent"


def test_a_server_that_is_silent_over_some_domains_is_silent(mail_server: Sink) -> None:
    bad = [write(f"hangs@silent{number}.example") for number in range(MOST_SILENT)]
    good = write("sasha@people.example")
    assert send(mail_server.port, timeout=1).counts == {"later": MOST_SILENT, "waiting": 1}
    assert {row(each).attempts for each in bad} == {1}
    assert (row(good).state, row(good).attempts) == ("queued", 0)


def test_a_server_may_take_longer_over_a_mail_than_over_a_word(mail_server: Sink) -> None:
    write("scans@people.example")
    assert send(mail_server.port, timeout=1).counts == {"sent": 1}
    assert len(mail_server.mails) == 1


def test_a_mail_whose_answer_never_came_may_come_twice(mail_server: Sink) -> None:
    mail = write("scans@people.example")
    assert send(mail_server.port, patience=1).counts == {"later": 1}
    assert (row(mail).reason, row(mail).maybe_twice) == ("the mail server fell silent", True)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert send(mail_server.port).counts == {"sent": 1}
    assert (row(mail).state, row(mail).reason, row(mail).maybe_twice) == ("sent", None, True)


@pytest.mark.parametrize("there", [True, False])
def test_without_a_server_mails_wait_as_they_are(there: bool) -> None:
    mails = [write(f"person{number}@people.example") for number in range(3)]
    if there:
        with silent_server() as port:
            done = send(port, timeout=0.2)
    else:
        done = send(free_port())
    assert done.counts == {"waiting": 3}
    for mail in mails:
        waiting = row(mail)
        assert (waiting.state, waiting.attempts) == ("queued", 0)
        assert waiting.reason == "the mail server does not answer"
        assert waiting.next_try_at <= clock.now()


def test_a_server_that_is_away_for_a_day_ends_the_waiting() -> None:
    mail = write("sasha@people.example")
    send(free_port())
    with time_machine.travel(clock.now() + TRIED_FOR):
        send(free_port())
    assert (row(mail).state, row(mail).reason) == ("failed", "the mail server does not answer")


def test_a_mail_that_waited_long_behind_others_has_its_day_all_the_same() -> None:
    mail = write("sasha@people.example")
    start = clock.now() + TRIED_FOR
    with time_machine.travel(start, tick=False) as traveller:
        send(free_port())
        assert (row(mail).state, row(mail).give_up_at) == ("queued", start + TRIED_FOR)
        # By trying again it has no more than one.
        traveller.shift(TRIED_FOR)
        send(free_port())
    assert row(mail).state == "failed"


def test_one_who_waits_goes_before_the_many(mail_server: Sink) -> None:
    letters = [
        Letter(Recipient(None, f"person{number}@people.example", "x"), PluginSwitched.example())
        for number in range(BATCH + 1)
    ]
    with transaction(WHO) as tx:
        post_many(tx, PLUGIN_SWITCHED, letters)
    write("sasha@people.example")
    assert send(mail_server.port).sent == BATCH + 2
    # Not only among the first: of a batch too, some may have to wait.
    assert mail_server.recipients[0] == "sasha@people.example"


def test_a_mail_that_cannot_be_read_stops_no_other(mail_server: Sink) -> None:
    bad, good = write("ana@people.example"), write("sasha@people.example")
    with transaction(WHO) as tx:
        numbers = select(OutgoingMail.id).where(OutgoingMail.public_id == bad)
        tx.execute(delete(MailContent).where(MailContent.mail_id.in_(numbers)))
        broken: Any = insert(MailContent).values(
            mail_id=numbers.scalar_subquery(),
            recipient=type_coerce(literal(b"no seal"), LargeBinary),
            message=type_coerce(literal(b"no seal"), LargeBinary),
        )
        tx.execute(broken)
    assert send(mail_server.port).counts == {"sent": 1, "later": 1}
    assert (row(bad).state, row(bad).reason) == ("queued", sending.UNREADABLE)
    assert row(good).state == "sent"


def test_where_nothing_can_be_read_nothing_is_given_up(mail_server: Sink) -> None:
    mails = [write("sasha@people.example") for _ in range(sending.MOST_UNREADABLE)]
    with transaction(WHO) as tx:
        numbers = tx.scalars(select(OutgoingMail.id)).all()
        tx.execute(delete(MailContent))
        broken: Any = [
            insert(MailContent).values(
                mail_id=number,
                recipient=type_coerce(literal(b"no seal"), LargeBinary),
                message=type_coerce(literal(b"no seal"), LargeBinary),
            )
            for number in numbers
        ]
        for each in broken:
            tx.execute(each)
    with pytest.raises(KeyringError):
        send(mail_server.port)
    assert {row(mail).state for mail in mails} == {"queued", "sending"}


def test_a_mail_that_is_too_large_holds_up_nobody(mail_server: Sink) -> None:
    mails = [write("ana@people.example"), write("sasha@people.example")]
    assert send(mail_server.port, sender="large@company.example").counts == {"later": 2}
    assert {row(mail).reason for mail in mails} == {"the mail was refused (552)"}


def test_our_own_address_refused_is_not_the_mails_fault(mail_server: Sink) -> None:
    mail = write("sasha@people.example")
    assert send(mail_server.port, sender="nobody@company.example").counts == {"waiting": 1}
    assert (row(mail).attempts, row(mail).reason) == (0, "our address was refused (553)")


def test_no_servers_words_are_kept(mail_server: Sink) -> None:
    for trouble in ("never", "later", "spam", "full", "cuts"):
        write(f"{trouble}@people.example")
    send(mail_server.port)
    with transaction(WHO) as tx:
        reasons = tx.scalars(select(OutgoingMail.reason)).all()
    assert len(reasons) == 5
    assert "@" not in " ".join(str(reason) for reason in reasons)


# -- connections


def test_a_kept_connection_that_died_is_opened_again() -> None:
    write("sasha@people.example")
    with sink() as first:
        way = outgoing(first.port)
        assert send_waiting(way).sent == 1
    write("sasha@people.example")
    with sink() as second:
        assert isinstance(way.transport, Smtp)
        way.transport._url = way.transport._url._replace(netloc=f"127.0.0.1:{second.port}")
        assert send_waiting(way).counts == {"sent": 1}
        way.transport.close()


def test_a_mail_whose_answer_was_lost_comes_twice_and_is_recognisable(mail_server: Sink) -> None:
    mail = write("cuts-after@people.example")
    assert send(mail_server.port).counts == {"later": 1}
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert send(mail_server.port).counts == {"sent": 1}
    assert (len(mail_server.mails), mail_server.doubles) == (2, 1)
    assert (row(mail).state, row(mail).maybe_twice) == ("sent", True)


# -- workers that die

SENDER_PROCESS = """
import sys
from backoffice.access.principal import Purpose
from backoffice.outbox.journal import Journal
from backoffice.outbox.sending import Outgoing, send_waiting
from backoffice.outbox.transport import Smtp
from backoffice.runtime import open_runtime
from backoffice.settings import Settings
from pathlib import Path
keyring, address, url, sender, folder = sys.argv[1:]
open_runtime(Settings(keyring_file=Path(keyring)), address)
journal = Journal(Path(folder))
send_waiting(Outgoing(Purpose("test"), Smtp(url, sender=sender), sender, journal=journal))
"""


def test_a_worker_killed_in_the_middle_loses_no_mail(
    mail_server: Sink, runtime: Runtime, keyring_file: Path, tmp_path: Path
) -> None:
    total, killed = 150, 0
    written = {write(f"person{number}@people.example") for number in range(total)}
    for share in (0.25, 0.5, 0.75):
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", SENDER_PROCESS),
                *(str(keyring_file), runtime.database.address, mail_server.url, SENDER, str(tmp_path)),
            ]
        )
        deadline = time.monotonic() + 30
        while len(mail_server.contents) < total * share and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert send(mail_server.port).freed == 0, "its journal is elsewhere, and its lease has not ended"
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    journal = Journal(tmp_path)
    send(mail_server.port, journal=journal)
    journal.close()
    with time_machine.travel(clock.now() + sending.AFTER_A_DEATH + timedelta(seconds=1)):
        send(mail_server.port)
    arrived = [str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in mail_server.mails]
    with transaction(WHO) as tx:
        assert mails_by_state(tx) == {"sent": total}
        doubted = set(tx.scalars(select(OutgoingMail.public_id).where(OutgoingMail.maybe_twice)))
    assert killed
    twice = {name for name, number in Counter(arrived).items() if number > 1}
    assert twice <= doubted
    assert len(doubted) <= killed
    assert set(arrived) == written
    print(f"{total} mails, {killed} senders killed: none lost, {len(twice)} of {len(doubted)} came twice")


def test_a_worker_without_a_journal_is_waited_for(mail_server: Sink) -> None:
    mail = write("sasha@people.example")
    with transaction(WHO) as tx:
        queries.take(tx, now=clock.now(), most=BATCH)
    with time_machine.travel(clock.now() + LEASE - timedelta(seconds=1)):
        assert send(mail_server.port).counts == {}
    with time_machine.travel(clock.now() + LEASE + timedelta(seconds=1)):
        assert send(mail_server.port).counts == {"freed": 1, "sent": 1}
    assert row(mail).maybe_twice


def test_a_database_that_is_away_for_a_moment_doubles_nothing(
    mail_server: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mails = [write("ana@people.example"), write("sasha@people.example")]

    def away(*_args: object, **_options: object) -> None:
        raise OperationalError("", None, Exception())

    journal = Journal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "put_sent", away)
        with pytest.raises(OperationalError):
            send(mail_server.port, journal=journal)
    send(mail_server.port, journal=journal)
    journal.close()
    assert (len(mail_server.mails), mail_server.doubles) == (2, 0)
    assert {(row(mail).state, row(mail).maybe_twice) for mail in mails} == {("sent", False)}


@pytest.mark.parametrize("last", ["sasha", "never", "later"])
def test_nothing_stays_in_the_journal_of_what_is_on_the_disk(
    mail_server: Sink, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, last: str
) -> None:
    """One that is busy all day would else put down again, with each run, what it has ever sent."""
    monkeypatch.setattr(sending, "PUT_DOWN_EVERY", timedelta(0))
    for number in range(3):
        write(f"person{number}@people.example")
    write(f"{last}@people.example")
    journal, waited = Journal(tmp_path), list[str]()
    (path,) = tmp_path.iterdir()
    engine = runtime.database.engine(DatabaseRole.SYSTEM)

    def commits(connection: Connection) -> None:
        if connection.scalar(text("select pg_current_xact_id_if_assigned()::text")) is not None:
            waited.append(str(connection.scalar(text("show synchronous_commit"))))

    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        usual = str(connection.scalar(text("show synchronous_commit")))
    monkeypatch.setattr(
        functions, "hurry", lambda tx: tx.execute(text("set local synchronous_commit = local"))
    )
    event.listen(engine, "commit", commits)
    try:
        assert send(mail_server.port, journal=journal).sent == 3 + (last == "sasha")
    finally:
        event.remove(engine, "commit", commits)
    # Taken, three put down on the way, and the last, which takes those before it along.
    assert waited == [usual, "local", "local", "local", usual]
    assert path.read_bytes() == b""
    journal.close()


def test_the_journal_stays_if_the_last_commit_waited_for_nothing(
    mail_server: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another worker has put down the last one, having seen this one as dead."""
    monkeypatch.setattr(sending, "PUT_DOWN_EVERY", timedelta(0))
    mails = [write("ana@people.example"), write("sasha@people.example")]
    journal, put_sent = Journal(tmp_path), queries.put_sent
    (path,) = tmp_path.iterdir()

    def late(tx: Transaction, numbers: Collection[int], *, now: datetime) -> int:
        if len(mail_server.contents) == len(mails):
            with transaction(WHO) as other:
                put_sent(other, numbers, now=now)
        return put_sent(tx, numbers, now=now)

    monkeypatch.setattr(queries, "put_sent", late)
    assert send(mail_server.port, journal=journal).sent == len(mails)
    assert path.read_bytes().count(b"sent ") == len(mails)
    assert send(mail_server.port, journal=journal).counts == {}
    journal.close()
    assert mail_server.doubles == 0


def test_who_lost_a_mail_to_another_worker_changes_nothing_of_it(mail_server: Sink) -> None:
    mail = write("sasha@people.example")
    with transaction(WHO) as tx:
        (taken,) = queries.take(tx, now=clock.now(), most=BATCH)
    now = clock.now() + LEASE
    with transaction(WHO) as tx:
        queries.release_abandoned(tx, before=now, now=now, reason=sending.ABANDONED)
        (again,) = queries.take(tx, now=now, most=BATCH)
    with transaction(WHO) as tx:
        queries.put_failed(tx, taken, now=now, reason="")
        queries.put_back(tx, taken, at=now, reason="")
        assert queries.release(tx, [taken.id], taken_at=taken.taken_at, now=now) == 0
    assert (row(mail).state, row(mail).taken_at) == ("sending", again.taken_at)


def test_a_mail_that_ends_every_worker_is_given_up(mail_server: Sink) -> None:
    mail = write("sasha@people.example")
    with transaction(WHO) as tx:
        queries.take(tx, now=clock.now(), most=BATCH)
    with time_machine.travel(clock.now() + TRIED_FOR + LEASE):
        assert send(mail_server.port).counts == {"freed": 1}
    assert row(mail).maybe_twice, "somebody may have it tried again"
    assert (row(mail).state, row(mail).reason) == ("failed", sending.ABANDONED)


def test_what_a_slow_worker_has_sent_is_sent_though_it_seemed_dead(mail_server: Sink) -> None:
    mail = write("sasha@people.example")
    with transaction(WHO) as tx:
        (taken,) = queries.take(tx, now=clock.now(), most=BATCH)
    with transaction(WHO) as tx:
        now = clock.now()
        assert queries.release_abandoned(tx, before=now + LEASE, now=now, reason=sending.ABANDONED) == 1
    with transaction(WHO) as tx:
        queries.put_sent(tx, [taken.id], now=clock.now())
    assert (row(mail).state, row(mail).reason, has_content(mail)) == ("sent", None, False)
    assert send(mail_server.port).counts == {}


def test_mails_whose_words_are_gone_hold_up_no_other(mail_server: Sink) -> None:
    empty = [write(f"person{number}@people.example") for number in range(BATCH)]
    with transaction(WHO) as tx:
        tx.execute(delete(MailContent))
    good = write("sasha@people.example")
    with transaction(WHO) as tx:
        assert [mail.public_id for mail in queries.take(tx, now=clock.now(), most=BATCH)] == [good]
        tx.rollback()
    assert send(mail_server.port).counts == {"sent": 1, "failed": BATCH}
    assert {(row(mail).state, row(mail).reason) for mail in empty} == {("failed", sending.WORDLESS)}


def test_a_run_ends_and_asks_for_the_next(mail_server: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_BATCHES", 1)
    for number in range(BATCH + 1):
        write(f"person{number}@people.example")
    jobs = text("select count(*) from queue.procrastinate_jobs where task_name = 'core.send-mail'")
    with transaction(WHO) as tx:
        before = tx.scalar(jobs)
    assert send(mail_server.port).sent == BATCH
    with transaction(WHO) as tx:
        assert tx.scalar(jobs) == before + 1
    assert send(mail_server.port).sent == 1


def test_a_batch_that_takes_long_leaves_the_rest_to_others(
    mail_server: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LONGEST_BATCH", timedelta(seconds=-1))
    monkeypatch.setattr(sending, "MOST_BATCHES", 1)
    mail = write("sasha@people.example")
    assert send(mail_server.port).counts == {"waiting": 1}
    assert (row(mail).state, row(mail).attempts) == ("queued", 0)


# -- forgetting


def test_words_are_forgotten_after_a_month_and_mails_after_half_a_year(mail_server: Sink) -> None:
    bad, good = write("never@people.example"), write("sasha@people.example")
    send(mail_server.port)
    now = clock.now()
    with time_machine.travel(now + timedelta(days=29)):
        assert forget_mail(WHO) == {"called off": 0, "contents": 0, "mails": 0}
    with time_machine.travel(now + timedelta(days=31)):
        assert forget_mail(WHO) == {"called off": 0, "contents": 1, "mails": 0}
        assert forget_mail(WHO) == {"called off": 0, "contents": 0, "mails": 0}
    assert not has_content(bad)
    assert row(good).state == "sent"
    with time_machine.travel(now + timedelta(days=190)):
        assert forget_mail(WHO) == {"called off": 0, "contents": 0, "mails": 2}
    with transaction(WHO) as tx:
        assert tx.scalar(select(func.count()).select_from(OutgoingMail)) == 0


def test_what_still_waits_is_never_forgotten() -> None:
    write("sasha@people.example")
    with time_machine.travel(clock.now() + timedelta(days=400)):
        assert forget_mail(WHO) == {"called off": 0, "contents": 0, "mails": 0}
