"""Sending what waits in the outbox: taken in batches, handed over one by one, each put down at once.

A mail is sent at least once. If a worker dies between handing one over and putting that down, the mail goes
out a second time, with the same Message-ID.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from threading import Lock

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.outbox import queries
from backoffice.outbox.message import message
from backoffice.outbox.queries import Waiting
from backoffice.outbox.services import KEPT_FOR, wake
from backoffice.outbox.transport import NotSent, Permanent, TimedOut, Transport, Unreachable, open_transport
from backoffice.settings import Settings

BATCH = 20
# After this many a run ends and asks for the next one, so that a worker that is to stop can.
MOST_BATCHES = 25
# A batch that takes longer is cut short: the rest goes to whoever comes next.
LONGEST_BATCH = timedelta(minutes=2)
# A mail taken so long ago and not put down was taken by a worker that has died.
LEASE = timedelta(minutes=10)
# How long to wait after the first failure, the second, ...; then as long as the last.
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
ENVELOPES_KEPT_FOR = timedelta(days=183)
ABANDONED = "the worker that sent it ended"
NO_MAIL = "the address or the subject cannot stand in a mail"


@dataclass
class Sent:
    """How a run went, in mails: handed over, to be tried again, given up, not tried, freed."""

    sent: int = 0
    later: int = 0
    failed: int = 0
    waiting: int = 0
    freed: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by name, without those that are nothing."""
        return {name: number for name, number in asdict(self).items() if number}


@dataclass(frozen=True)
class Outgoing:
    """What sending needs: as whom, by which way, from which address."""

    who: Purpose
    transport: Transport
    sender: str
    between: Callable[[int], object] = lambda _done: None


def send_waiting(outgoing: Outgoing) -> Sent:
    """Free what dead workers hold, then send what is due, until nothing is or the server is not there."""
    done = Sent()
    now = clock.now()
    with transaction(outgoing.who) as tx:
        done.freed = queries.release_abandoned(tx, before=now - LEASE, now=now, reason=ABANDONED)
    outgoing.transport.check()
    for _ in range(MOST_BATCHES):
        with transaction(outgoing.who) as tx:
            batch = queries.take(tx, now=clock.now(), most=BATCH)
        if not batch:
            return done
        if not _send_batch(outgoing, batch, done):
            return done
        outgoing.between(done.sent)
    with transaction(outgoing.who) as tx:
        wake(tx)
    return done


def forget_mail(who: Purpose) -> dict[str, int]:
    """Drop what mails said that were given up a month ago, and mails that ended half a year ago."""
    now = clock.now()
    with transaction(who) as tx:
        words, mails = queries.forget(tx, words_before=now - KEPT_FOR, mails_before=now - ENVELOPES_KEPT_FOR)
    return {"contents": words, "mails": mails}


_kept: dict[tuple[str, str], Transport] = {}
_one_at_a_time = Lock()


def send_by_settings(settings: Settings, who: Purpose, between: Callable[[int], object]) -> Sent | None:
    """Send by the way out that the settings name, over this process's one connection.

    None without a way out: mails stay queued. A second caller in the same process waits for the first.
    """
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    with _one_at_a_time:
        key = (settings.smtp_url.get_secret_value(), settings.mail_from)
        if key not in _kept:
            opened = open_transport(settings)
            assert opened is not None
            _kept[key] = opened
        return send_waiting(Outgoing(who, _kept[key], settings.mail_from, between))


def close_kept() -> None:
    """Say good-bye to the mail servers, when the process ends."""
    with _one_at_a_time:
        while _kept:
            _kept.popitem()[1].close()


def _send_batch(outgoing: Outgoing, batch: Sequence[Waiting], done: Sent) -> bool:
    """Send a batch; false if nothing more can be sent for now."""
    until = time.monotonic() + LONGEST_BATCH.total_seconds()
    for place, mail in enumerate(batch):
        if time.monotonic() > until:
            _release(outgoing, batch[place:], done)
            return True
        try:
            _hand_over(outgoing, mail)
        except Unreachable as error:
            _release(outgoing, batch[place:], done, reason=error.reason)
            return False
        except NotSent as error:
            _put_down(outgoing, mail, error, done)
            if isinstance(error, TimedOut):
                # The others would each wait as long. They are first in the next run: this one comes later.
                _release(outgoing, batch[place + 1 :], done)
                return False
        else:
            with transaction(outgoing.who) as tx:
                queries.put_sent(tx, mail.id, now=clock.now())
            done.sent += 1
    return True


def _hand_over(outgoing: Outgoing, mail: Waiting) -> None:
    try:
        content = message(
            public_id=mail.public_id,
            sender=outgoing.sender,
            recipient=mail.recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            at=mail.created_at,
        )
    except ValueError:
        raise Permanent(NO_MAIL) from None
    outgoing.transport.send(content, to=mail.recipient, name=mail.public_id)


def _put_down(outgoing: Outgoing, mail: Waiting, error: NotSent, done: Sent) -> None:
    now = clock.now()
    with transaction(outgoing.who) as tx:
        if isinstance(error, Permanent) or now >= mail.give_up_at:
            queries.put_failed(tx, mail.id, now=now, reason=error.reason)
            done.failed += 1
        else:
            # The last try is at the very end, not half a day before it.
            at = min(now + delay(mail.attempts), mail.give_up_at)
            queries.put_back(tx, mail.id, at=at, reason=error.reason)
            done.later += 1


def _release(outgoing: Outgoing, batch: Sequence[Waiting], done: Sent, reason: str | None = None) -> None:
    if batch:
        with transaction(outgoing.who) as tx:
            queries.release(tx, [mail.id for mail in batch], now=clock.now(), reason=reason)
        done.waiting += len(batch)


def delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts, one at least."""
    return DELAYS[min(attempts, len(DELAYS)) - 1]
