"""What a teacher or a leader may reach, worked out from the tables and not from the policies.

This is deliberately a second account of the matter: row-level security is judged by it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    column,
    exists,
    not_,
    or_,
    select,
)

from backoffice.access.principal import Ids
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.families.models import GuardianLink
from backoffice.families.requests.models import GuardianRequest
from backoffice.schools.models import Enrollment, Membership, Role, School, SchoolKind, TeachingRole
from backoffice.storage.catalog import LiveTable
from backoffice.storage.numbers import one_of

SAMPLE = 5
# How a personal school's own teacher came by the membership; guests come by an invitation.
SIGNED_UP = ("sign-up", "earlier")
# The columns by which a row belongs somewhere, and the table in which each is the row's own number.
OWN_TABLE = {
    "district_id": "app.district",
    "school_id": "app.school",
    "classroom_id": "app.classroom",
    "student_id": "app.student",
    "account_id": "app.account",
}


@dataclass(frozen=True)
class Reach:
    """Internal numbers of what one account may see at the most."""

    account: int
    schools: Ids
    districts: Ids
    classrooms: Ids
    students: Ids
    people: Ids


def teachers(tx: Transaction) -> list[int]:
    """Accounts that teach a class and are nothing else: some of the newest and of the oldest."""
    teaches = (
        select(TeachingRole.account_id)
        .join(
            Membership,
            and_(
                Membership.account_id == TeachingRole.account_id,
                Membership.school_id == TeachingRole.school_id,
            ),
        )
        .where(Membership.role == Role.TEACHER)
    )
    more = select(Membership.account_id).where(Membership.role != Role.TEACHER)
    return _both_ends(tx, _plain_accounts().where(Account.id.in_(teaches), Account.id.not_in(more)))


def leaders(tx: Transaction) -> list[int]:
    """Accounts that lead a school or a district: some of the newest and of the oldest."""
    leads = select(Membership.account_id).where(Membership.role == Role.LEADER)
    return _both_ends(tx, _plain_accounts().where(Account.id.in_(leads)))


def reach_of(tx: Transaction, account: int) -> Reach:
    """What the account's memberships and teaching roles let it reach."""
    held = tx.execute(
        select(Membership.role, Membership.school_id, Membership.district_id).where(
            Membership.account_id == account
        )
    ).all()
    own_districts = [row.district_id for row in held if row.district_id]
    led_districts = [row.district_id for row in held if row.district_id and row.role == Role.LEADER]
    led = [row.school_id for row in held if row.school_id and row.role == Role.LEADER]
    led += tx.scalars(select(School.id).where(School.district_id.in_(led_districts)))
    schools = {*led, *(row.school_id for row in held if row.school_id)}
    schools |= set(tx.scalars(select(School.id).where(School.district_id.in_(own_districts))))
    districts = tx.scalars(
        select(School.district_id).where(School.id.in_(schools), School.district_id.is_not(None))
    )
    classrooms = tx.scalars(select(TeachingRole.classroom_id).where(TeachingRole.account_id == account)).all()
    people = tx.scalars(
        select(Membership.account_id)
        .where(Membership.school_id.in_(led))
        .union(
            select(TeachingRole.account_id).where(
                or_(TeachingRole.school_id.in_(led), TeachingRole.classroom_id.in_(classrooms))
            )
        )
    )
    students = tx.scalars(
        select(Enrollment.student_id).where(
            Enrollment.classroom_id.in_(classrooms), Enrollment.ended_at.is_(None)
        )
    )
    # About whom a parent asks the teacher of a personal school, who need not teach the child.
    asked_about = (
        select(GuardianRequest.student_id)
        .join(School, School.id == GuardianRequest.school_id)
        .join(Membership, Membership.school_id == School.id)
        .where(
            School.kind == SchoolKind.PERSONAL,
            Membership.account_id == account,
            Membership.origin.in_(SIGNED_UP),
        )
    )
    return Reach(
        account=account,
        schools=frozenset(schools),
        districts=frozenset({*own_districts, *(each for each in districts if each)}),
        classrooms=frozenset(classrooms),
        students=frozenset({*students, *tx.scalars(asked_about)}),
        people=frozenset({account, *people}),
    )


def beyond(table: LiveTable, reach: Reach, order: Iterable[str]) -> ColumnElement[bool] | None:
    """The condition of rows out of reach, by the first of the columns in `order` that the table has.

    Rows of the account itself are its own wherever they are. None if the table has no such column.
    """
    within = {
        "district_id": reach.districts,
        "school_id": reach.schools,
        "classroom_id": reach.classrooms,
        "student_id": reach.students,
        "account_id": reach.people if table.name == "app.account" else frozenset({reach.account}),
    }
    for name in order:
        found = key(table, name)
        if found is not None:
            outside = not_(one_of(found, within[name]))
            own = key(table, "account_id")
            return outside if own is None else and_(outside, own != reach.account)
    return None


def key(table: LiveTable, name: str) -> ColumnElement[Any] | None:
    """The column that says to which district, school, classroom, student or account a row belongs."""
    if OWN_TABLE[name] == table.name:
        return column("id", BigInteger)
    return column(name, BigInteger) if name in table.columns else None


def _plain_accounts() -> Select[int]:
    parent = exists().where(GuardianLink.account_id == Account.id)
    return select(Account.id).where(
        Account.status == AccountStatus.ACTIVE, Account.founder.is_(False), not_(parent)
    )


def _both_ends(tx: Transaction, accounts: Select[int]) -> list[int]:
    newest = tx.scalars(accounts.order_by(Account.id.desc()).limit(SAMPLE))
    oldest = tx.scalars(accounts.order_by(Account.id).limit(SAMPLE))
    return sorted({*newest, *oldest})
