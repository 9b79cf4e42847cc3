"""What imports look up beside their own temporary tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from backoffice.access.policy import RoleName, granted
from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.language.texts import gettext
from backoffice.schools.models import District, Membership, Role, School
from backoffice.schools.queries import schools_for
from backoffice.storage.public_id import is_public_id
from plugins.rosters.importing.places import NoSuchPlace, Target
from plugins.rosters.models import ImportState, RosterImport
from plugins.rosters.permissions import ROSTERS_IMPORT


def waiting(tx: Transaction, *, number: int) -> RosterImport | None:
    """The import of this number if it is not over, kept from other workers for the moment."""
    found = tx.scalar(select(RosterImport).where(RosterImport.id == number).with_for_update())
    return None if found is None or ImportState(found.state).is_over else found


def not_over(tx: Transaction, *, before: datetime) -> list[int]:
    """The numbers of imports from before a moment that are not over, kept from workers meanwhile."""
    old = RosterImport.created_at < before, RosterImport.finished_at.is_(None)
    return list(tx.scalars(select(RosterImport.id).where(*old).order_by(RosterImport.id).with_for_update()))


def may_still(tx: Transaction, found: RosterImport) -> bool:
    """Whether the account that asked for the import may bring a roster in there now."""
    roles = [role for role in Role if ROSTERS_IMPORT in granted(RoleName(role))]
    if found.school_id is None:
        there = Membership.district_id == found.district_id
    else:
        district = select(School.district_id).where(School.id == found.school_id)
        there = or_(Membership.school_id == found.school_id, Membership.district_id.in_(district))
    held = (
        select(Membership.id)
        .join(Account, Account.id == Membership.account_id)
        .where(
            Account.id == found.asked_by,
            Account.status == AccountStatus.ACTIVE,
            Membership.role.in_(roles),
            there,
        )
    )
    return tx.scalar(select(held.exists())) or False


def target_of(tx: Transaction, found: RosterImport) -> Target:
    """Into what an import goes. Raises `NoSuchPlace`."""
    if found.school_id is not None:
        school = tx.scalar(select(School.public_id).where(School.id == found.school_id))
        if school is not None:
            return Target(school=school)
    district = tx.scalar(select(District.public_id).where(District.id == found.district_id))
    if district is None:
        raise NoSuchPlace
    return Target(district=district)


@dataclass(frozen=True)
class Place:
    """A school or a district into which the principal may bring a roster."""

    public_id: str
    name: str
    target: Target


def places(tx: Transaction) -> list[Place]:
    """Where the principal may bring a roster: the districts led, then the schools."""
    led = select(Membership.district_id).where(
        Membership.account_id == tx.principal.account_id, Membership.role == Role.LEADER
    )
    districts = tx.scalars(select(District).where(District.id.in_(led)).order_by(District.id))
    return [
        *(
            Place(
                each.public_id,
                gettext("%(name)s (all its schools)", name=each.name),
                Target(district=each.public_id),
            )
            for each in districts
        ),
        *(
            Place(each.public_id, each.name, Target(school=each.public_id))
            for each in schools_for(tx, ROSTERS_IMPORT)
        ),
    ]


def names_of_places(tx: Transaction, imports: Sequence[RosterImport]) -> dict[int, str]:
    """What the place of each import is called, by the import's number."""
    schools = {each.id: each.name for each in schools_for(tx, ROSTERS_IMPORT)}
    wanted = {each.district_id for each in imports if each.district_id is not None}
    found = tx.execute(select(District.id, District.name).where(District.id.in_(wanted)))
    districts = {row.id: row.name for row in found}
    return {
        each.id: schools.get(each.school_id or 0) or districts.get(each.district_id or 0, "")
        for each in imports
    }


def led_district(tx: Transaction, *, public_id: str) -> int | None:
    """The number of a district that the principal leads."""
    if not is_public_id(public_id):
        return None
    wanted = select(District.id).where(District.public_id == public_id)
    if tx.principal.kind is not Kind.SYSTEM:
        led = select(Membership.district_id).where(
            Membership.account_id == tx.principal.account_id, Membership.role == Role.LEADER
        )
        wanted = wanted.where(District.id.in_(led))
    return tx.scalar(wanted)
