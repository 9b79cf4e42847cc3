"""A child's own PIN: asked for at the door, set, changed, taken away by the child."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, SessionEnded, StudentToken
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import Student
from backoffice.settings import Passwords, Throttles
from backoffice.storage import functions
from backoffice.students.pins import counting, digits
from backoffice.throttles.locks import Lock
from backoffice.throttles.tries import Taken
from backoffice.throttles.visitor import Visitor

# The same words for a wrong PIN and a locked one: whoever guesses does not learn which it was.
WRONG = lazy("That did not work. Wait a little, then try again. Or ask your teacher.")
NO_PIN = lazy("Type four numbers from 0 to 9.")
WEAK = lazy("That is too easy to guess. Use four other numbers. No year, and not all the same.")
NOT_THE_SAME = lazy("The two are not the same. Type them again.")
REQUIRED = lazy("Your teacher asked for one. You can make a new one.")
CHANGED_MEANWHILE = lazy("That did not work. Please try again.")


class PinNeeded(Exception):
    """The child has a PIN, and none was given."""


@dataclass(frozen=True)
class Held:
    """Whose PIN is asked for, in which class, and what it is checked against.

    `by_card` says that the child's own card was shown.
    """

    classroom_id: int
    student_id: int
    pin_hash: str
    by_card: bool = False


@dataclass(frozen=True)
class OwnPin:
    """How it stands with the signed-in child's PIN."""

    is_set: bool
    is_required: bool


def at_the_door(
    *, code_index: bytes, student: str, pin: str | None, visitor: Visitor, throttles: Throttles
) -> str | None:
    """The hash that the child's PIN was checked against; None for a child without one, or no such child.

    Raises `PinNeeded`, `Rejected`, `Throttled`.
    """
    with transaction(Nobody(visitor.address)) as tx:
        found = functions.pin_behind_code(tx, code_index=code_index, student=student, at=clock.now())
    if found is None or found.pin_hash is None:
        return None
    held = Held(found.classroom_id, found.student_id, found.pin_hash)
    return checked(held, pin=pin, visitor=visitor, throttles=throttles)


def checked(held: Held, *, pin: str | None, visitor: Visitor, throttles: Throttles) -> str:
    """The hash, if this is the PIN. Raises `PinNeeded`, `Rejected`, `Throttled`.

    A wrong one counts for the child and where it was typed (`counting.claims`); a right one lets none of them
    off but the child, and counts for none.
    """
    if pin is None:
        raise PinNeeded
    taken = counting.take_wrong(
        counting.PIN,
        classroom_id=held.classroom_id,
        visitor=visitor,
        throttles=throttles,
        by_card=held.by_card,
    )
    lock = by_student(held.student_id, throttles)
    try:
        locked = lock.take() is not None
        good = digits.verify(digits.typed(pin), held.pin_hash, student_id=held.student_id)
    except Exception:
        taken.give_back()
        raise
    if locked or not good:
        # Who was locked has learned nothing and pays nothing; for who was not it is the same work.
        (taken if locked else Taken(())).give_back()
        raise Rejected(pin=WRONG)
    taken.give_back()
    lock.forget()
    return held.pin_hash


def own_pin(tx: Transaction) -> OwnPin:
    """How it stands with the PIN of the child whom the transaction runs as."""
    who = tx.principal
    pin_hash = tx.scalar(
        select(Student.pin_hash).where(Student.school_id == who.school_id, Student.id == who.student_id)
    )
    return OwnPin(pin_hash is not None, functions.pin_is_required(tx))


def set_pin(
    *,
    principal: Principal,
    pin: str,
    again: str,
    old: str,
    visitor: Visitor,
    throttles: Throttles,
    cost: Passwords,
) -> None:
    """Set the child's PIN; one that is set is asked for. The child's other sessions end.

    Raises `Rejected`, `Throttled`, `SessionEnded`.
    """
    verified = _verified(principal, old, visitor, throttles)
    wanted = digits.typed(pin)
    if not digits.is_pin(wanted):
        raise Rejected(new=NO_PIN)
    if digits.is_weak(wanted):
        raise Rejected(new=WEAK)
    if digits.typed(again) != wanted:
        raise Rejected(again=NOT_THE_SAME)
    assert principal.student_id is not None
    made = digits.hash_pin(wanted, student_id=principal.student_id, cost=cost)
    with transaction(principal) as tx:
        if not functions.set_own_pin(tx, verified=verified, pin_hash=made, at=clock.now()):
            raise Rejected(old=CHANGED_MEANWHILE)
        verb = "pins.set" if verified is None else "pins.change"
        record(tx, verb, school_id=tx.principal.school_id)


def remove_pin(*, principal: Principal, old: str, visitor: Visitor, throttles: Throttles) -> None:
    """Take the child's PIN away, unless a class of the child requires one. The child's other sessions end.

    Raises `Rejected`, `Throttled`, `SessionEnded`.
    """
    with transaction(principal) as tx:
        own = own_pin(tx)
    if own.is_required:
        raise Rejected(old=REQUIRED)
    verified = _verified(principal, old, visitor, throttles)
    if verified is None:
        return
    with transaction(principal) as tx:
        if not functions.set_own_pin(tx, verified=verified, pin_hash=None, at=clock.now()):
            raise Rejected(old=CHANGED_MEANWHILE)
        record(tx, "pins.remove", school_id=tx.principal.school_id)


def hash_anew(*, credential: StudentToken, pin: str, stored: str | None, cost: Passwords) -> None:
    """Keep the PIN with which a child has just come in at today's cost, if it is kept at another.

    It is the same PIN: nothing ends by it. A child that is out again, or has another PIN by now, keeps what
    there is.
    """
    if stored is None or not digits.outdated(stored, cost):
        return
    with suppress(SessionEnded):
        with transaction(credential) as tx:
            student_id = tx.principal.student_id
        assert student_id is not None
        # Outside a transaction: hashing takes long, and a connection is not held meanwhile.
        made = digits.hash_pin(digits.typed(pin), student_id=student_id, cost=cost)
        with transaction(credential) as tx:
            functions.hash_own_pin_anew(tx, verified=stored, pin_hash=made)


def by_student(student_id: int, throttles: Throttles) -> Lock:
    """The lock of one child."""
    return Lock("PIN by student", throttles.pin_student, str(student_id))


def _verified(principal: Principal, old: str, visitor: Visitor, throttles: Throttles) -> str | None:
    """The hash of the child's PIN, which has just been shown; None if there is none."""
    with transaction(principal) as tx:
        who = tx.principal
        pin_hash = tx.scalar(
            select(Student.pin_hash).where(Student.school_id == who.school_id, Student.id == who.student_id)
        )
    if pin_hash is None:
        return None
    assert who.classroom_id is not None
    assert who.student_id is not None
    try:
        return checked(
            Held(who.classroom_id, who.student_id, pin_hash), pin=old, visitor=visitor, throttles=throttles
        )
    except Rejected:
        raise Rejected(old=WRONG) from None
