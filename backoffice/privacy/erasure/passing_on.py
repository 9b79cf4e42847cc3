"""Having somebody else go on with a personal school whose own teacher is erased."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, exists, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.language.texts import gettext
from backoffice.privacy.erasure.plan import OWN, Passing
from backoffice.schools.models import (
    IN_CHARGE,
    Membership,
    School,
    SchoolKind,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.storage.numbers import one_of


def pass_on(tx: Transaction, passing: Passing, *, without: Collection[int]) -> None:
    """Make the heir the school's own teacher, and somebody the owner of each class that has none.

    The school is called after the heir: it was called after whoever is erased. Where the heir is gone by now,
    or is in no backup, there is nobody to pass it to, and it is called after nobody.
    """
    school = tx.get(School, passing.school)
    if school is None:
        return
    heir = None if passing.heir is None else tx.get(Account, passing.heir)
    if heir is None:
        school.name = gettext("Classes that were passed on")
        return
    here = TeachingRole.school_id == passing.school
    tx.execute(delete(TeachingRole).where(here, one_of(TeachingRole.account_id, without)))
    _make_owners(tx, here)
    school.name = gettext("Classes of %(name)s", name=heir.name)
    place = (Membership.school_id == passing.school, Membership.account_id == passing.heir)
    tx.execute(update(Membership).where(*place, Membership.origin.not_in(OWN)).values(origin=OWN[-1]))


def leave_guest_rooms(tx: Transaction, accounts: Collection[int]) -> None:
    """Make a co-teacher the owner of each class that these own in schools of others' own."""
    if not accounts:
        return
    theirs = (
        select(TeachingRole.school_id, TeachingRole.classroom_id)
        .join(School, School.id == TeachingRole.school_id)
        .where(
            School.kind == SchoolKind.PERSONAL,
            one_of(TeachingRole.account_id, accounts),
            TeachingRole.role == TeachingRoleName.OWNER,
        )
    )
    rooms = [tuple(row) for row in tx.execute(theirs)]
    if rooms:
        here = tuple_(TeachingRole.school_id, TeachingRole.classroom_id).in_(rooms)
        tx.execute(delete(TeachingRole).where(here, one_of(TeachingRole.account_id, accounts)))
        _make_owners(tx, here)


def _make_owners(tx: Transaction, here: ColumnElement[bool]) -> None:
    """Have the first co-teacher of each of these classes own it that has no owner."""
    owner = aliased(TeachingRole)
    owned = exists().where(
        owner.school_id == TeachingRole.school_id,
        owner.classroom_id == TeachingRole.classroom_id,
        owner.role == TeachingRoleName.OWNER,
    )
    follow = (
        select(TeachingRole.school_id, TeachingRole.classroom_id, TeachingRole.account_id)
        .where(here, TeachingRole.role.in_(IN_CHARGE), ~owned)
        .ext(distinct_on(TeachingRole.school_id, TeachingRole.classroom_id))
        .order_by(TeachingRole.school_id, TeachingRole.classroom_id, TeachingRole.account_id)
    )
    for school, room, account in tx.execute(follow).all():
        which = (
            TeachingRole.school_id == school,
            TeachingRole.classroom_id == room,
            TeachingRole.account_id == account,
        )
        tx.execute(update(TeachingRole).where(*which).values(role=TeachingRoleName.OWNER))
