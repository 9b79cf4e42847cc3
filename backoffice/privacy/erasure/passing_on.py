"""Having somebody else go on with a personal school whose own teacher is erased."""

from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.language.texts import gettext
from backoffice.privacy.erasure.plan import OWN, TEACH, Passing
from backoffice.schools.models import Membership, School, TeachingRole, TeachingRoleName
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
    owned = select(TeachingRole.classroom_id).where(here, TeachingRole.role == TeachingRoleName.OWNER)
    follow = (
        select(TeachingRole.classroom_id, TeachingRole.account_id)
        .where(here, TeachingRole.role.in_(TEACH), TeachingRole.classroom_id.not_in(owned))
        .ext(distinct_on(TeachingRole.classroom_id))
        .order_by(TeachingRole.classroom_id, TeachingRole.account_id)
    )
    for room, account in tx.execute(follow).all():
        which = (TeachingRole.classroom_id == room, TeachingRole.account_id == account)
        tx.execute(update(TeachingRole).where(here, *which).values(role=TeachingRoleName.OWNER))
    school.name = gettext("Classes of %(name)s", name=heir.name)
    place = (Membership.school_id == passing.school, Membership.account_id == passing.heir)
    tx.execute(update(Membership).where(*place, Membership.origin.not_in(OWN)).values(origin=OWN[-1]))
