"""So many mails a minute to one domain: whoever sends them, and nobody else waits for it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox import pace, queries, sending
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import OutgoingMail
from backoffice.outbox.sending import BATCH, Outgoing, Sent, send_waiting
from backoffice.outbox.services import Letter
from backoffice.outbox.transport import Smtp
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.factories.posting import post_many
from tests.outbox.sink import Sink, mails_by_state, sink

WHO = Purpose("test")
SENDER = "Help <help@company.example>"
# Ten seconds before a minute is over; long gone, so that nothing that waits is of then.
AT = datetime(2031, 5, 4, 12, 30, 50, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_waits(runtime: Runtime) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
        connection.execute(text("truncate app.throttle"))


@pytest.fixture
def mail_server() -> Iterator[Sink]:
    with sink() as started:
        yield started


def write(count: int, domain: str) -> list[int]:
    letters = [
        Letter(Recipient(None, f"person{number}@{domain}", "x"), PluginSwitched.example())
        for number in range(count)
    ]
    with transaction(WHO) as tx:
        return [each.id for each in post_many(tx, PLUGIN_SWITCHED, letters)]


def send(server: Sink, per_domain: int) -> Sent:
    """A run of a worker that knows of no run before."""
    way = Outgoing(WHO, Smtp(server.url, sender=SENDER, timeout=5), SENDER, per_domain=per_domain)
    try:
        return send_waiting(way)
    finally:
        way.transport.close()


def arrived(server: Sink) -> dict[str, int]:
    return dict(Counter(each.rpartition("@")[2] for each in server.recipients))


def test_one_domain_gets_no_more_and_the_others_all(mail_server: Sink) -> None:
    with time_machine.travel(AT, tick=False):
        write(BATCH + 50, "large.example")
        write(3, "small.example")
        assert send(mail_server, 5).sent == 5 + 3
    assert arrived(mail_server) == {"large.example": 5, "small.example": 3}
    with transaction(WHO) as tx:
        waiting = tx.scalars(select(OutgoingMail).where(OutgoingMail.state == "queued")).all()
    assert len(waiting) == BATCH + 45
    assert {(each.attempts, each.reason, each.next_try_at) for each in waiting} == {(0, None, AT)}


def test_the_next_worker_in_the_same_minute_sends_none_and_in_the_next_minute_as_many(
    mail_server: Sink,
) -> None:
    with time_machine.travel(AT, tick=False) as traveller:
        write(12, "large.example")
        sent = [send(mail_server, 5).sent, send(mail_server, 5).sent]
        traveller.move_to(AT + timedelta(seconds=9.9))
        sent.append(send(mail_server, 5).sent)
        for _ in range(4):
            traveller.shift(timedelta(minutes=1))
            sent.append(send(mail_server, 5).sent)
    assert sent == [5, 0, 0, 5, 2, 0, 0]
    assert mail_server.recipients == [f"person{number}@large.example" for number in range(12)]


def test_a_run_over_the_end_of_a_minute_goes_on(mail_server: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BATCH", 4)
    with time_machine.travel(AT, tick=False) as traveller:
        write(12, "large.example")
        write(4, "small.example")
        way = Outgoing(
            WHO,
            Smtp(mail_server.url, sender=SENDER, timeout=5),
            SENDER,
            lambda _done: traveller.shift(timedelta(seconds=40)),
            per_domain=5,
        )
        assert send_waiting(way).sent == 16
        way.transport.close()


def test_two_workers_together_get_what_is_left(runtime: Runtime) -> None:
    """The count is the database's: each takes its batch in a transaction of its own, at once."""
    del runtime
    domain = pace.key_of("x@large.example")

    def take(_number: int) -> int:
        with transaction(WHO) as tx:
            may, _full = pace.within(tx, [domain] * 7, most=20, now=AT)
        return sum(may)

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(take, range(8))) == 20


def test_without_a_bound_nothing_is_counted(mail_server: Sink, runtime: Runtime) -> None:
    write(BATCH + 5, "large.example")
    assert send(mail_server, 0).sent == BATCH + 5
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        assert connection.scalar(text("select count(*) from app.throttle")) == 0


def test_a_mail_from_before_domains_were_kept_goes_at_once(mail_server: Sink, runtime: Runtime) -> None:
    write(8, "large.example")
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("update app.mail_content set domain = null"))
    with time_machine.travel(AT, tick=False):
        assert send(mail_server, 5).sent == 8


def test_a_batch_passes_over_domains_that_are_full() -> None:
    large, small = write(5, "large.example"), write(2, "small.example")
    with transaction(WHO) as tx:
        full = [pace.key_of("x@LARGE.example")]
        taken = queries.take(tx, now=clock.now(), most=10, passing_over=full)
        assert [mail.id for mail in taken] == small
        tx.rollback()
    with transaction(WHO) as tx:
        assert [mail.id for mail in queries.take(tx, now=clock.now(), most=10)] == [*large, *small]
        tx.rollback()


def test_what_was_taken_and_may_not_go_is_in_nobodys_hands(mail_server: Sink) -> None:
    write(9, "large.example")
    with time_machine.travel(AT, tick=False):
        done = send(mail_server, 2)
    assert done.counts == {"sent": 2, "waiting": 7}
    with transaction(WHO) as tx:
        assert mails_by_state(tx) == {"sent": 2, "queued": 7}
