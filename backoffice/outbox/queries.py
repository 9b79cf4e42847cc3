"""Taking mails to be sent and putting down what became of them. As the system only."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    all_,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import dialect, insert

from backoffice.access.transaction import Transaction
from backoffice.outbox.models import (
    HANDED_OVER,
    MailContent,
    MailState,
    OutgoingMail,
    Return,
    ReturnedMessages,
)
from backoffice.storage.marks import array_of as marks_as_array
from backoffice.storage.numbers import given


@dataclass(frozen=True)
class Waiting:
    """A mail that this worker has taken, sealed."""

    taken_at: datetime
    id: int
    public_id: str
    rank: int
    attempts: int
    give_up_at: datetime
    sealed_recipient: bytes
    sealed_message: bytes
    # Of one that was written before domains were kept, None: it is not counted.
    domain: UUID | None

    def opened(self) -> tuple[str, bytes]:
        """Where it goes and what it says. Raises `KeyringError`: one that cannot be read stops no other."""
        return _OPEN_RECIPIENT(self.sealed_recipient), _OPEN_MESSAGE(self.sealed_message)


# After this long without success a mail is given up.
TRIED_FOR = timedelta(hours=24)
_CONTENT: Any = MailContent.__table__.c
_DIALECT: Any = dialect
_OPEN_RECIPIENT = _CONTENT.recipient.type.result_processor(_DIALECT(), None)
_OPEN_MESSAGE = _CONTENT.message.type.result_processor(_DIALECT(), None)
_MAIL: Any = OutgoingMail.__table__
_WORDS: Any = MailContent.__table__
# Many times a second: one statement for both tables, and made once.
_PUT_SENT = (
    update(_MAIL)
    .where(given(_MAIL.c.id, "numbers", one=False), _MAIL.c.state.not_in(HANDED_OVER))
    .values(state=MailState.SENT, taken_at=None, finished_at=bindparam("now"), reason=None)
    .add_cte(delete(_WORDS).where(given(_CONTENT.mail_id, "numbers", one=False)).cte("gone"))
)
# As a word of the statement: only so is it known that the index of those that wait has all of them.
_WAITS = OutgoingMail.state == bindparam("waits", MailState.QUEUED.value, literal_execute=True)


def take(tx: Transaction, *, now: datetime, most: int, passing_over: Collection[UUID] = ()) -> list[Waiting]:
    """Take up to `most` mails that are due: those that one person waits for first, then the oldest.

    No other worker gets them meanwhile. One that was never tried is given up a day from now and not sooner,
    however long others went before it. Those to the domains that are to be passed over (`pace.key_of`) stay
    where they are.
    """
    due = (
        select(OutgoingMail.id)
        .where(
            _WAITS,
            OutgoingMail.next_try_at <= now,
            # One without words would be taken first, again and again, and keep the others waiting.
            _has_words(passing_over),
        )
        .order_by(OutgoingMail.rank, OutgoingMail.next_try_at, OutgoingMail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    untried = and_(OutgoingMail.attempts == 0, OutgoingMail.reason.is_(None))
    taken = (
        update(OutgoingMail)
        .where(OutgoingMail.id == due.c.id, MailContent.mail_id == OutgoingMail.id)
        .values(
            state=MailState.SENDING,
            taken_at=now,
            attempts=OutgoingMail.attempts + 1,
            give_up_at=case(
                (untried, func.greatest(OutgoingMail.give_up_at, now + TRIED_FOR)),
                else_=OutgoingMail.give_up_at,
            ),
        )
        .returning(
            OutgoingMail.id,
            OutgoingMail.public_id,
            OutgoingMail.rank,
            OutgoingMail.attempts,
            OutgoingMail.give_up_at,
            type_coerce(MailContent.recipient, LargeBinary),
            type_coerce(MailContent.message, LargeBinary),
            MailContent.domain,
        )
        .execution_options(synchronize_session=False)
    )
    # An update knows no order.
    rows: Iterable[Any] = tx.execute(taken)
    return sorted((Waiting(now, *row) for row in rows), key=lambda mail: (mail.rank, mail.id))


def put_sent(tx: Transaction, numbers: Collection[int], *, now: datetime) -> int:
    """The mails have been handed over: what they said is gone from here. How many were not put down so.

    Whoever took one meanwhile because this worker seemed dead: it has been sent.
    """
    done = tx.connection().execute(_PUT_SENT, {"numbers": frozenset(numbers), "now": now})
    return int(done.rowcount)


def put_left_sent(
    tx: Transaction, numbers: Collection[int], *, taken_at: datetime, now: datetime, abandoned: str
) -> None:
    """A worker that has ended had handed these over; some may have been freed meanwhile as `abandoned`.

    Known by the moment it took them, too: a restored database gives the same numbers to others.
    """
    its_own = and_(OutgoingMail.state == MailState.SENDING, OutgoingMail.taken_at == taken_at)
    freed = and_(OutgoingMail.state == MailState.QUEUED, OutgoingMail.reason == abandoned)
    some = select(OutgoingMail.id).where(
        OutgoingMail.id.in_(numbers), or_(its_own, freed), OutgoingMail.created_at <= taken_at
    )
    if found := tx.scalars(some.with_for_update()).all():
        put_sent(tx, found, now=now)


def put_back(tx: Transaction, mail: Waiting, *, at: datetime, reason: str, maybe_taken: bool = False) -> int:
    """The mail was not taken this time: it waits until `at`. If it may have been, it may come twice.

    How many were put down so, one or none: nothing is if another worker has it by now.
    """
    again = {"maybe_twice": True} if maybe_taken else {}
    waits = {"state": MailState.QUEUED, "next_try_at": at, "reason": reason}
    return _put(tx, [mail.id], mail.taken_at, **waits, **again)


def put_failed(
    tx: Transaction, mail: Waiting, *, now: datetime, reason: str, maybe_taken: bool = False
) -> int:
    """The mail is given up. If it may have been taken, and somebody has it tried again, it may come twice."""
    doubt = {"maybe_twice": True} if maybe_taken else {}
    return _put(tx, [mail.id], mail.taken_at, state=MailState.FAILED, finished_at=now, reason=reason, **doubt)


def release(
    tx: Transaction, numbers: Collection[int], *, taken_at: datetime, now: datetime, reason: str | None = None
) -> int:
    """The mails were not even tried: they wait as they did before, or are given up if that was too long.

    `reason` says what was in the way; without one, another mail was. How many they were.
    """
    late = OutgoingMail.give_up_at <= now if reason else false()
    return _put(
        tx,
        numbers,
        taken_at,
        state=case((late, MailState.FAILED), else_=MailState.QUEUED),
        finished_at=case((late, now)),
        attempts=OutgoingMail.attempts - 1,
        reason=OutgoingMail.reason if reason is None else reason,
    )


def release_begun(
    tx: Transaction, numbers: Collection[int], *, taken_at: datetime, now: datetime, at: datetime, reason: str
) -> int:
    """A worker ended while it handed these over, which may have arrived; how many it still had in hand.

    They wait until `at`, behind others, and one that has been tried for long enough is given up: it may be
    what ends the workers.
    """
    return _put(tx, numbers, taken_at, next_try_at=at, **_abandoned(now, reason))


def release_abandoned(tx: Transaction, *, before: datetime, now: datetime, reason: str) -> int:
    """Free the mails that a worker took before a moment and never put down; how many they were.

    Each of them may have arrived. One that has been tried for long enough is given up.
    """
    freed = tx.scalars(
        update(OutgoingMail)
        .where(OutgoingMail.state == MailState.SENDING, OutgoingMail.taken_at < before)
        .values(taken_at=None, **_abandoned(now, reason))
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


def _abandoned(now: datetime, reason: str) -> dict[str, Any]:
    late = OutgoingMail.give_up_at <= now
    return {
        "state": case((late, MailState.FAILED), else_=MailState.QUEUED),
        "finished_at": case((late, now)),
        "reason": reason,
        "maybe_twice": True,
    }


def _put(tx: Transaction, numbers: Collection[int], taken_at: datetime, **values: object) -> int:
    if not numbers:
        return 0
    # Not one that was taken away from a worker that seemed dead: it waits again, or another worker has it.
    done = tx.execute(
        update(OutgoingMail)
        .where(
            OutgoingMail.id.in_(numbers),
            OutgoingMail.state == MailState.SENDING,
            OutgoingMail.taken_at == taken_at,
        )
        .values(taken_at=None, **values)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
