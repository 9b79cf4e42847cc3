"""Inviting a child's parents: by mail to an address, or by a letter with a code, printed by the teacher."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import GUARDIANS_APPROVE, GUARDIANS_INVITE
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.services.newcomers import NOBODY_NAMED, checked_name
from backoffice.audit.trail import record, record_by_school
from backoffice.families import codes
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.families.services.looking import role_of
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Student
from backoffice.schools.queries import is_in
from backoffice.settings import Throttles
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import ACCOUNT, voucher

WRITE = "core.write-family-letters"
LASTS = timedelta(days=14)
OPEN = (GuardianInvitation.accepted_at.is_(None), GuardianInvitation.withdrawn_at.is_(None))
ASKED_ALREADY = lazy("This address is invited for this child already. Withdraw that invitation first.")
# Whoever has one of these needs no letter.
ANSWERED = (GuardianStatus.WAITING, GuardianStatus.APPROVED)


@dataclass(frozen=True)
class Letter:
    """What a printed letter says: for whose parents, the code, and until when it works."""

    student: str
    given_name: str
    code: str
    until: datetime


def invite(*, principal: Principal, student: str, email: str, name: str, throttles: Throttles) -> None:
    """Have an invitation to follow a child mailed. Raises `Rejected`, `NotFound`, `Throttled`."""
    email, name = checked(email), checked_name(name, NOBODY_NAMED)
    pace(email_index(email), throttles)
    with transaction(principal) as tx:
        child = _child(tx, student)
        try:
            with tx.begin_nested():
                number = _add(tx, child, email=email, email_index=email_index(email), name=name)
        except IntegrityError:
            raise Rejected(email=ASKED_ALREADY) from None
        record(
            tx, "guardians.invite", school_id=child.school_id, student=child.id, invitation=number, by="mail"
        )
        queue.defer(tx, WRITE)


def print_letter(*, principal: Principal, student: str) -> None:
    """Make a letter for a parent of a child; there may be several, for several parents. Raises `NotFound`."""
    with transaction(principal) as tx:
        _letter(tx, _child(tx, student))


def print_letters(*, principal: Principal, classroom: str) -> int:
    """Make a letter for each child of a class that has no parent and no open letter; how many.

    Raises `NotFound`.
    """
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=GUARDIANS_INVITE)
        missing = without_parent(tx, room)
        with_letter = {each.student_id for each in open_letters(tx, [child.id for child in missing])}
        chosen = [child for child in missing if child.id not in with_letter]
        for child in chosen:
            _letter(tx, child)
    return len(chosen)


def send_again(*, principal: Principal, invitations: Collection[str], throttles: Throttles) -> int:
    """Have new links mailed, for 14 days from now; the old ones are dead at once. How many.

    Letters are passed over: they are printed once more. Raises `Throttled`.
    """
    mailed = GuardianInvitation.code_digest.is_(None)
    with transaction(principal) as tx:
        chosen = _open(tx, invitations, mailed).with_only_columns(GuardianInvitation.email_index)
        indexes = tx.scalars(chosen).all()
    for index in indexes:
        assert index is not None
        pace(index, throttles)
    with transaction(principal) as tx:
        # Whoever sends it again stands for it from now on.
        sent = _change(
            tx,
            _open(tx, invitations, mailed),
            expires_at=clock.now() + LASTS,
            invited_by=tx.principal.account_id,
        )
        record_by_school(
            tx, "guardians.send-again", ((each.school_id, {"invitation": each.id}) for each in sent)
        )
        if sent:
            queue.defer(tx, WRITE)
    return len(sent)


def withdraw(*, principal: Principal, invitations: Which) -> int:
    """Withdraw invitations: their links and codes are dead at once. How many were still open."""
    with transaction(principal) as tx:
        withdrawn = _change(tx, _open(tx, invitations), code=None, withdrawn_at=clock.now())
        record_by_school(
            tx, "guardians.withdraw", ((each.school_id, {"invitation": each.id}) for each in withdrawn)
        )
    return len(withdrawn)


def without_parent(tx: Transaction, classroom: Classroom) -> list[Student]:
    """The children of a class whom no parent follows or has asked to follow."""
    require(tx.principal, GUARDIANS_INVITE, classroom)
    statement = visible(tx.principal, select(Student).where(is_in(classroom)), GUARDIANS_INVITE)
    children = tx.scalars(statement).all()
    linked = select(GuardianLink.student_id).where(
        GuardianLink.student_id.in_([child.id for child in children]), GuardianLink.status.in_(ANSWERED)
    )
    answered = set(tx.scalars(visible(tx.principal, linked, GUARDIANS_APPROVE)))
    return [child for child in children if child.id not in answered]


def open_letters(tx: Transaction, students: Collection[int]) -> Sequence[GuardianInvitation]:
    """The letters for these children that can still be used, in the order in which they were made."""
    statement = select(GuardianInvitation).where(
        *OPEN,
        GuardianInvitation.code.is_not(None),
        GuardianInvitation.expires_at > clock.now(),
        GuardianInvitation.student_id.in_(students),
    )
    narrowed = visible(tx.principal, statement, GUARDIANS_INVITE)
    return tx.scalars(narrowed.order_by(GuardianInvitation.id)).all()


def letters_to_print(tx: Transaction, students: Sequence[Student]) -> list[Letter]:
    """What the open letters for these children say, in the order of the children."""
    by_child: dict[int, list[GuardianInvitation]] = {}
    for each in open_letters(tx, [child.id for child in students]):
        by_child.setdefault(each.student_id, []).append(each)
    return [
        Letter(
            f"{child.given_name} {child.family_name or ''}".strip(),
            child.given_name,
            codes.spaced(each.code or ""),
            each.expires_at,
        )
        for child in students
        for each in by_child.get(child.id, ())
    ]


def pace(index: bytes, throttles: Throttles) -> None:
    """One address is written to so often, whoever asks for it. Raises `Throttled`."""
    take(Claim("invitation by address", throttles.letter_address, voucher(ACCOUNT, index.hex())))


def _open(
    tx: Transaction, invitations: Which, *conditions: ColumnElement[bool]
) -> Select[GuardianInvitation]:
    numbers = selected(tx, GuardianInvitation, invitations, GUARDIANS_INVITE)
    return visible(tx.principal, select(GuardianInvitation), GUARDIANS_INVITE).where(
        *OPEN, *conditions, one_of(GuardianInvitation.id, numbers)
    )


def _change(
    tx: Transaction, chosen: Select[GuardianInvitation], **values: Any
) -> Sequence[GuardianInvitation]:
    """Change these, whose links are dead from now on."""
    # Locked: one that is being accepted is waited for, and is not open any more then.
    found = tx.scalars(chosen.order_by(GuardianInvitation.id).with_for_update()).all()
    tx.execute(
        update(GuardianInvitation)
        .where(
            one_of(GuardianInvitation.school_id, {each.school_id for each in found}),
            one_of(GuardianInvitation.id, {each.id for each in found}),
        )
        .values(token_digest=None, **values)
        .execution_options(synchronize_session=False)
    )
    return found


def _child(tx: Transaction, student: str) -> Student:
    child = find(tx, Student, student, selectinload(Student.enrollments), permission=GUARDIANS_INVITE)
    role_of(tx.principal, child)
    return child


def _letter(tx: Transaction, child: Student) -> None:
    code = codes.new_code()
    number = _add(tx, child, code=code, code_digest=codes.digest(code))
    record(
        tx, "guardians.invite", school_id=child.school_id, student=child.id, invitation=number, by="letter"
    )


def _add(tx: Transaction, child: Student, **values: Any) -> int:
    number, now = tx.take_id(GuardianInvitation), clock.now()
    tx.execute(
        insert(GuardianInvitation).values(
            school_id=child.school_id,
            id=number,
            public_id=new_public_id(),
            student_id=child.id,
            invited_by=tx.principal.account_id,
            created_at=now,
            expires_at=now + LASTS,
            **values,
        )
    )
    return number
