"""Sending what waits in the outbox: taken in batches, handed over one by one, put down as sent at once.

At once means within a fifth of a second: a server that takes a thousand mails a second would else wait for
the database most of the time. A mail is sent at least once. What a killed worker had handed over stands
in its journal, and is put down by whoever sends next on that machine; the one mail that was on its way then
goes out again, with the same Message-ID, and so it is kept of it that it may have come twice. The same holds
for one whose answer never came, and for all that a lost machine had in hand.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from uuid import UUID, uuid4

from sqlalchemy import select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.language.texts import lazy
from backoffice.outbox import journal as journals
from backoffice.outbox import pace, queries
from backoffice.outbox.holding import call_off
from backoffice.outbox.journal import Journal
from backoffice.outbox.kinds import MAILS, WORDS
from backoffice.outbox.message import envelope
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.outbox.queries import Waiting
from backoffice.outbox.services import wake
from backoffice.outbox.transport import (
    PATIENCE,
    NotSent,
    Permanent,
    Temporary,
    TimedOut,
    Transport,
    Unreachable,
    open_transport,
)
from backoffice.privacy.retention import runs
from backoffice.settings import Settings
from backoffice.storage import functions
from backoffice.storage.keyring import KeyringError

BATCH = 100
# After this many a run ends and asks for the next one, so that a worker that is to stop can.
MOST_BATCHES = 10
# A batch that takes longer is cut short: the rest goes to whoever comes next.
LONGEST_BATCH = timedelta(minutes=2)
# A mail taken so long ago and not put down was taken by a worker that has died: the last of a batch may begin
# at its end, and be waited for twice, until its words are taken and until they are answered.
LEASE = LONGEST_BATCH + timedelta(seconds=2 * PATIENCE) + timedelta(minutes=3)
# Over mails to so many domains the server may fall silent before the run ends. The others go through.
MOST_SILENT = 3
# For so long no more is sent to such a domain: each run would wait for it again.
SILENT_FOR = timedelta(minutes=15)
# One that was being handed over when its worker ended waits for so long: it may have been what ended it.
AFTER_A_DEATH = timedelta(minutes=5)
# Where none of so many can be read, it is the keys.
MOST_UNREADABLE = 3
# As long as PostgreSQL keeps a commit that nobody waits for from the disk.
PUT_DOWN_EVERY = timedelta(milliseconds=200)
# How long to wait after the first failure, the second, ...; then as long as the last.
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
ABANDONED = lazy("the worker that sent it ended")
WORDLESS = lazy("what it said is gone")
UNREADABLE = lazy("what it says cannot be read here")
NO_ADDRESS = lazy("this is no address that mail can be sent to")


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
    """What sending needs: as whom, by which way, from which address.

    `per_domain` is how many mails a minute go to one domain, 0 for no bound. Without a `journal`, mails of
    killed workers are freed when their lease ends.
    """

    who: Purpose
    transport: Transport
    sender: str
    between: Callable[[int], object] = lambda _done: None
    per_domain: int = 0
    journal: Journal | None = None
    # Domains over whose mails the server fell silent, and until when they are passed over.
    silences: dict[UUID, datetime] = field(default_factory=dict)


def send_waiting(outgoing: Outgoing) -> Sent:
    """Free what dead workers hold, then send what is due, until nothing is or the server is not there."""
    run = _Run(outgoing)
    run.done.freed = _put_down_left(outgoing)
    now = clock.now()
    with transaction(outgoing.who) as tx:
        run.done.freed += queries.release_abandoned(tx, before=now - LEASE, now=now, reason=ABANDONED)
        run.done.failed = queries.fail_wordless(tx, now=now, reason=WORDLESS)
    outgoing.transport.check()
    for _ in range(MOST_BATCHES):
        batch = run.take()
        if not batch or not run.send(batch):
            return run.done
        outgoing.between(run.done.sent)
    with transaction(outgoing.who) as tx:
        wake(tx)
    return run.done


def _put_down_left(outgoing: Outgoing) -> int:
    """Put down what workers of this machine had in hand when they ended; how many mails are free again."""
    freed = 0
    for left in outgoing.journal.left() if outgoing.journal else ():
        with transaction(outgoing.who) as tx:
            now = clock.now()
            queries.put_left_sent(tx, left.sent, taken_at=left.taken_at, now=now, abandoned=ABANDONED)
            freed += queries.release(tx, left.untried, taken_at=left.taken_at, now=now)
            freed += queries.release_begun(
                tx,
                left.begun,
                taken_at=left.taken_at,
                now=now,
                at=now + AFTER_A_DEATH,
                reason=ABANDONED,
            )
    return freed


def forget_mail(who: Purpose) -> dict[str, int]:
    """Drop what mails said that were given up a month ago, and mails that ended half a year ago.

    What is held for longer than a month is called off: no more than anything else is it kept for ever.
    """
    with transaction(who) as tx:
        old = select(OutgoingMail.id).where(
            OutgoingMail.state == MailState.HELD, OutgoingMail.created_at < WORDS.before(clock.now())
        )
        return {
            "called off": call_off(tx, old),
            "contents": runs.forget(tx, WORDS),
            "mails": runs.forget(tx, MAILS),
        }


_kept: dict[tuple[str, str | None], Transport] = {}
_journals: dict[Path, Journal] = {}
_silences: dict[UUID, datetime] = {}
_one_at_a_time = Lock()


def send_by_settings(settings: Settings, who: Purpose, between: Callable[[int], object]) -> Sent | None:
    """Send by the way out that the settings name, over this process's one connection.

    None without a way out: mails stay queued. A second caller in the same process waits for the first.
    """
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    with _one_at_a_time:
        key = (settings.smtp_url.get_secret_value(), settings.return_address)
        if key not in _kept:
            opened = open_transport(settings)
            assert opened is not None
            _kept[key] = opened
        folder = settings.outbox_folder
        if folder not in _journals and (made := journals.opened(folder)) is not None:
            _journals[folder] = made
        outgoing = Outgoing(
            who,
            _kept[key],
            settings.mail_from,
            between,
            settings.mail_per_domain,
            _journals.get(folder),
            _silences,
        )
        return send_waiting(outgoing)


def close_kept() -> None:
    """Say good-bye to the mail servers, when the process ends."""
    with _one_at_a_time:
        while _kept:
            _kept.popitem()[1].close()
        while _journals:
            _journals.popitem()[1].close()


class _Run:
    """One run of sending: what has been handed over and is not put down yet, and how it goes."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._handed_over: list[int] = []
        # Whether all that was put down is on the database's disk, so that even its crash undoes nothing.
        self._on_disk = True
        self._put_down_at = time.monotonic()
        # Domains to which no more mails go in this minute, and when it is over.
        self._full: set[UUID] = set()
        self._full_until = clock.now()
        self._silent: set[UUID] = set()
        self._unreadable = 0
        self.done = Sent()

    def take(self) -> list[Waiting]:
        """The next mails that are due, and may go now."""
        if not self._outgoing.per_domain:
            with transaction(self._outgoing.who) as tx:
                return self._take_due(tx, clock.now())
        while True:
            taken, may = self._take_some()
            # Where none of a batch may go, its domains are full and passed over from now on.
            if may or not taken:
                return may

    def _take_some(self) -> tuple[list[Waiting], list[Waiting]]:
        now = clock.now()
        if now >= self._full_until:
            self._full, self._full_until = set(), pace.ends(now)
        with transaction(self._outgoing.who) as tx:
            taken = self._take_due(tx, now)
            domains = [mail.domain for mail in taken]
            may, full = pace.within(tx, domains, most=self._outgoing.per_domain, now=now)
            late = [mail.id for mail, now_ in zip(taken, may, strict=True) if not now_]
            queries.release(tx, late, taken_at=now, now=now)
        self._full |= full
        self.done.waiting += len(late)
        return taken, [mail for mail, now_ in zip(taken, may, strict=True) if now_]

    def _take_due(self, tx: Transaction, now: datetime) -> list[Waiting]:
        quiet = {domain for domain, until in self._outgoing.silences.items() if now < until}
        taken = queries.take(tx, now=now, most=BATCH, passing_over=self._full | quiet)
        if taken and self._outgoing.journal is not None:
            # Before it is so: undone, it says nothing.
            self._outgoing.journal.took([mail.id for mail in taken], now)
        return taken

    def send(self, batch: Sequence[Waiting]) -> bool:
        """Send a batch; false if nothing more can be sent for now."""
        try:
            going_on = self._send(batch)
        finally:
            self._put_down_sent()
        # Not if something went wrong: the next run reads what stands there.
        if self._outgoing.journal is not None:
            self._outgoing.journal.put_down(on_disk=self._on_disk)
        return going_on

    def _send(self, batch: Sequence[Waiting]) -> bool:
        until = time.monotonic() + LONGEST_BATCH.total_seconds()
        passed_over: list[Waiting] = []
        for place, mail in enumerate(batch):
            if time.monotonic() > until:
                self._release([*passed_over, *batch[place:]])
                return True
            if mail.domain in self._silent:
                passed_over.append(mail)
                continue
            try:
                self._hand_over(mail)
            except Unreachable as error:
                self._release(passed_over)
                self._release(batch[place:], error.reason)
                return False
            except NotSent as error:
                self._put_down(mail, error)
                if isinstance(error, TimedOut) and self._is_silent(mail):
                    self._release([*passed_over, *batch[place + 1 :]])
                    return False
        self._release(passed_over)
        return True

    def _is_silent(self, mail: Waiting) -> bool:
        """Pass over the domain of this mail from now on; whether it is not that domain alone."""
        # Of old mails no domain is known: each is one of its own.
        domain = mail.domain or uuid4()
        self._silent.add(domain)
        self._outgoing.silences[domain] = clock.now() + SILENT_FOR
        return len(self._silent) >= MOST_SILENT

    def _hand_over(self, mail: Waiting) -> None:
        try:
            recipient, message = mail.opened()
            to, head = envelope(public_id=mail.public_id, sender=self._outgoing.sender, recipient=recipient)
        except KeyringError:
            self._unreadable += 1
            if self._unreadable == MOST_UNREADABLE and not (self.done.sent or self._handed_over):
                raise
            raise Temporary(UNREADABLE) from None
        except ValueError:
            raise Permanent(NO_ADDRESS) from None
        if time.monotonic() - self._put_down_at > PUT_DOWN_EVERY.total_seconds():
            self._put_down_sent(in_a_hurry=True)
        journal = self._outgoing.journal
        if journal is not None:
            journal.begins(mail.id)
        self._outgoing.transport.send(head + message, to=to, name=mail.public_id)
        if journal is not None:
            journal.sent(mail.id)
        self._handed_over.append(mail.id)

    def _put_down_sent(self, *, in_a_hurry: bool = False) -> None:
        if self._handed_over:
            with transaction(self._outgoing.who) as tx:
                if in_a_hurry:
                    # Should the database crash before it is on the disk, it stands in the journal still.
                    functions.hurry(tx)
                changed = queries.put_sent(tx, self._handed_over, now=clock.now())
            self._committed(changed, in_a_hurry=in_a_hurry)
            self.done.sent += len(self._handed_over)
            self._handed_over = []
        self._put_down_at = time.monotonic()

    def _committed(self, changed: int, *, in_a_hurry: bool = False) -> None:
        # What a commit waits for is on the disk, and all that was committed before it. One that changed
        # nothing waits for nothing.
        if changed:
            self._on_disk = not in_a_hurry

    def _put_down(self, mail: Waiting, error: NotSent) -> None:
        now = clock.now()
        with transaction(self._outgoing.who) as tx:
            doubt = error.maybe_taken
            if isinstance(error, Permanent) or now >= mail.give_up_at:
                changed = queries.put_failed(tx, mail, now=now, reason=error.reason, maybe_taken=doubt)
                self.done.failed += 1
            else:
                # The last try is at the very end, not half a day before it.
                at = min(now + delay(mail.attempts), mail.give_up_at)
                changed = queries.put_back(tx, mail, at=at, reason=error.reason, maybe_taken=doubt)
                self.done.later += 1
        self._committed(changed)

    def _release(self, batch: Sequence[Waiting], reason: str | None = None) -> None:
        if batch:
            with transaction(self._outgoing.who) as tx:
                changed = queries.release(
                    tx,
                    [mail.id for mail in batch],
                    taken_at=batch[0].taken_at,
                    now=clock.now(),
                    reason=reason,
                )
            self._committed(changed)
            self.done.waiting += len(batch)


def delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts, one at least."""
    return DELAYS[min(attempts, len(DELAYS)) - 1]
