"""Taking mails to be sent and putting down what became of them. As the system only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, all_, case, delete, false, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice.access.transaction import Transaction
from backoffice.outbox.models import (
    HANDED_OVER,
    MailContent,
    MailState,
    OutgoingMail,
    Return,
    ReturnedMessages,
)
from backoffice.storage import functions
from backoffice.storage.marks import array_of as marks_as_array


@dataclass(frozen=True)
class Waiting:
    """A mail that this worker has taken."""

    id: int
    public_id: str
    attempts: int
    give_up_at: datetime
    recipient: str
    message: bytes
    # Of one that was written before domains were kept, None: it is not counted.
    domain: UUID | None


def take(tx: Transaction, *, now: datetime, most: int, passing_over: Collection[UUID] = ()) -> list[Waiting]:
    """Take up to `most` mails that are due, the oldest first. No other worker gets them meanwhile.

    Those to the domains that are to be passed over (`pace.key_of`) stay where they are.
    """
    due = (
        select(OutgoingMail.id)
        .where(
            OutgoingMail.state == MailState.QUEUED,
            OutgoingMail.next_try_at <= now,
            # One without words would be taken first, again and again, and keep the others waiting.
            _has_words(passing_over),
        )
        .order_by(OutgoingMail.next_try_at, OutgoingMail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(OutgoingMail)
        .where(OutgoingMail.id == due.c.id, MailContent.mail_id == OutgoingMail.id)
        .values(state=MailState.SENDING, taken_at=now, attempts=OutgoingMail.attempts + 1)
        .returning(
            OutgoingMail.id,
            OutgoingMail.public_id,
            OutgoingMail.attempts,
            OutgoingMail.give_up_at,
            MailContent.recipient,
            MailContent.message,
            MailContent.domain,
        )
        .execution_options(synchronize_session=False)
    )
    # An update knows no order.
    return sorted((Waiting(*row) for row in tx.execute(taken)), key=lambda mail: mail.id)


def put_sent(tx: Transaction, numbers: Collection[int], *, now: datetime) -> None:
    """The mails have been handed over: what they said is gone from here.

    Whoever took one meanwhile because this worker seemed dead: it has been sent.
    """
    tx.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id.in_(numbers), OutgoingMail.state.not_in(HANDED_OVER))
        .values(state=MailState.SENT, taken_at=None, finished_at=now, reason=None)
        .execution_options(synchronize_session=False)
    )
    tx.execute(delete(MailContent).where(MailContent.mail_id.in_(numbers)))
    # Lost in a crash of the database, it means a second, recognisable mail: not worth waiting for the disk.
    functions.hurry(tx)


def put_back(tx: Transaction, number: int, *, at: datetime, reason: str) -> None:
    """The mail was not taken this time: it waits until `at`."""
    _put(tx, [number], state=MailState.QUEUED, taken_at=None, next_try_at=at, reason=reason)


def put_failed(tx: Transaction, number: int, *, now: datetime, reason: str) -> None:
    """The mail is given up."""
    _put(tx, [number], state=MailState.FAILED, taken_at=None, finished_at=now, reason=reason)


def release(tx: Transaction, numbers: Collection[int], *, now: datetime, reason: str | None = None) -> None:
    """The mails were not even tried: they wait as they did before, or are given up if that was too long.

    `reason` says what was in the way; without one, another mail was.
    """
    late = OutgoingMail.give_up_at <= now if reason else false()
    _put(
        tx,
        numbers,
        state=case((late, MailState.FAILED), else_=MailState.QUEUED),
        finished_at=case((late, now)),
        taken_at=None,
        attempts=OutgoingMail.attempts - 1,
        reason=OutgoingMail.reason if reason is None else reason,
    )


def release_abandoned(tx: Transaction, *, before: datetime, now: datetime, reason: str) -> int:
    """Free the mails that a worker took before a moment and never put down; how many they were.

    One that has been tried for long enough is given up: it may be what ends the workers.
    """
    late = OutgoingMail.give_up_at <= now
    freed = tx.scalars(
        update(OutgoingMail)
        .where(OutgoingMail.state == MailState.SENDING, OutgoingMail.taken_at < before)
        .values(
            state=case((late, MailState.FAILED), else_=MailState.QUEUED),
            finished_at=case((late, now)),
            taken_at=None,
            reason=reason,
        )
        .returning(OutgoingMail.id)
        .execution_options(synchronize_session=False)
    )
    return len(freed.all())


def fail_wordless(tx: Transaction, *, now: datetime, reason: str) -> int:
    """Give up the mails that wait and whose words are gone; how many they were."""
    failed = tx.scalars(
        update(OutgoingMail)
        .where(OutgoingMail.state == MailState.QUEUED, ~_has_words())
        .values(state=MailState.FAILED, taken_at=None, finished_at=now, reason=reason)
        .returning(OutgoingMail.id)
        .execution_options(synchronize_session=False)
    )
    return len(failed.all())


def given_up(*, since: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a mail was given up since a moment."""
    return OutgoingMail.state == MailState.FAILED, OutgoingMail.finished_at > since


def by_message(tx: Transaction, public_id: str) -> OutgoingMail | None:
    """The mail with this public identifier, so that nobody else changes it until the transaction ends."""
    named = select(OutgoingMail).where(OutgoingMail.public_id == public_id)
    return tx.scalars(named.with_for_update()).one_or_none()


def count_return(tx: Transaction, outcome: Return, *, now: datetime) -> None:
    """Count a message that came for our return address."""
    one = insert(ReturnedMessages).values(outcome=outcome, number=1, last_at=now)
    again = {"number": ReturnedMessages.number + 1, "last_at": now}
    tx.execute(one.on_conflict_do_update(index_elements=["outcome"], set_=again))


def step(tx: Transaction, mails: Select[Any], *, of: Collection[MailState], **values: object) -> int:
    """Set these values of the mails with the numbers that `mails` selects, as far as in one of the states.

    How many they were. They are locked in order, so that two who do so never wait for each other.
    """
    chosen = (
        select(OutgoingMail.id)
        .where(OutgoingMail.id.in_(mails), OutgoingMail.state.in_(of))
        .order_by(OutgoingMail.id)
        .with_for_update()
        .cte("chosen")
    )
    done = tx.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id == chosen.c.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _has_words(passing_over: Collection[UUID] = ()) -> ColumnElement[bool]:
    words = select(MailContent.mail_id).where(MailContent.mail_id == OutgoingMail.id)
    if passing_over:
        to_others = MailContent.domain != all_(marks_as_array(passing_over))
        words = words.where(or_(MailContent.domain.is_(None), to_others))
    return words.exists()


def _put(tx: Transaction, numbers: Collection[int], **values: object) -> None:
    # Not one that was taken away from a worker that seemed dead, and is waiting again.
    tx.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id.in_(numbers), OutgoingMail.state == MailState.SENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
