"""What imports look up beside their own temporary tables."""

from sqlalchemy import select

from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.schools.models import District, Membership, Role, School
from backoffice.storage.public_id import is_public_id
from plugins.rosters.importing.places import NoSuchPlace, Target
from plugins.rosters.models import ImportState, RosterImport


def waiting(tx: Transaction, *, number: int) -> RosterImport | None:
    """The import of this number if it is not over, kept from other workers for the moment."""
    found = tx.scalar(select(RosterImport).where(RosterImport.id == number).with_for_update())
    return None if found is None or ImportState(found.state).is_over else found


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
