"""Who of the staff is written to about a class, a child or a school. For workers, which see everybody.

Whoever is suspended, there or altogether, or has no place at the school any more, is none of them. Classes
that somebody teaches are told besides, by all roles that there are.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.schools.models import (
    IN_CHARGE,
    Classroom,
    Enrollment,
    Membership,
    Role,
    School,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.storage.numbers import one_of


def in_charge(
    tx: Transaction,
    school: School,
    classrooms: Collection[int],
    roles: Collection[TeachingRoleName] = IN_CHARGE,
) -> Sequence[Account]:
    """Who owns or co-teaches one of these classes of a school."""
    teach = select(TeachingRole.account_id).where(
        TeachingRole.school_id == school.id,
        one_of(TeachingRole.classroom_id, classrooms),
        TeachingRole.role.in_(roles),
    )
    work = select(Membership.account_id).where(
        Membership.role.in_((Role.TEACHER, Role.LEADER)), *_in_effect(school)
    )
    return _accounts(tx, Account.id.in_(teach), Account.id.in_(work))


def in_charge_of_child(
    tx: Transaction, school: School, student_id: int, roles: Collection[TeachingRoleName] = IN_CHARGE
) -> Sequence[Account]:
    """Who owns or co-teaches a class in which the child is now. An archived one is of the past."""
    rooms = (
        select(Enrollment.classroom_id)
        .join(
            Classroom,
            (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
        )
        .where(
            Enrollment.school_id == school.id,
            Enrollment.student_id == student_id,
            Enrollment.ended_at.is_(None),
            Classroom.archived_at.is_(None),
        )
    )
    return in_charge(tx, school, tx.scalars(rooms).all(), roles)


def taught_among(tx: Transaction, school_id: int, classrooms: Collection[int]) -> set[int]:
    """Those of these classes of a school that somebody is in charge of, suspended or not."""
    here = (TeachingRole.school_id == school_id, one_of(TeachingRole.classroom_id, classrooms))
    taught = select(TeachingRole.classroom_id).where(*here, TeachingRole.role.in_(IN_CHARGE))
    return set(tx.scalars(taught))


def leaders(tx: Transaction, school: School, *, without: Collection[int] = ()) -> Sequence[Account]:
    """Who leads a school, itself or as part of its district, without these accounts."""
    lead = select(Membership.account_id).where(Membership.role == Role.LEADER, *_in_effect(school))
    return _accounts(tx, Account.id.in_(lead), Account.id.not_in(without))


def leaders_within(tx: Transaction, district_id: int) -> Sequence[Account]:
    """Who leads a district or any of its schools."""
    schools = select(School.id).where(School.district_id == district_id)
    anywhere = (Membership.district_id == district_id) | Membership.school_id.in_(schools)
    lead = select(Membership.account_id).where(
        Membership.role == Role.LEADER, anywhere, Membership.suspended_at.is_(None)
    )
    return _accounts(tx, Account.id.in_(lead))


def _in_effect(school: School) -> tuple[ColumnElement[bool], ...]:
    here = Membership.school_id == school.id
    if school.district_id is not None:
        here |= Membership.district_id == school.district_id
    return here, Membership.suspended_at.is_(None)


def _accounts(tx: Transaction, *conditions: ColumnElement[bool]) -> Sequence[Account]:
    found = select(Account).where(*conditions, Account.status.in_(WRITTEN_TO))
    return tx.scalars(found.order_by(Account.id)).all()
