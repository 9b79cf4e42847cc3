"""What imports look up beside their own temporary tables."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, exists, or_, select

from backoffice.access.policy import RoleName, can, granted
from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.language.texts import gettext
from backoffice.schools.models import District, Membership, Role, School
from backoffice.schools.picking import Picked
from backoffice.schools.queries import school_names
from backoffice.storage.public_id import is_public_id
from plugins.rosters.importing.places import NoSuchPlace, Target
from plugins.rosters.models import ImportSource, ImportState, RosterImport, RosterUpload
from plugins.rosters.permissions import ROSTERS_IMPORT


def waiting(tx: Transaction, *, number: int) -> RosterImport | None:
    """The import of this number if it is not over, kept from other workers for the moment."""
    found = tx.scalar(select(RosterImport).where(RosterImport.id == number).with_for_update())
    return None if found is None or ImportState(found.state).is_over else found


def not_over(tx: Transaction, *, before: datetime) -> list[int]:
    """The numbers of imports from before a moment that are not over, kept from workers meanwhile."""
    old = RosterImport.created_at < before, RosterImport.finished_at.is_(None)
    return list(tx.scalars(select(RosterImport.id).where(*old).order_by(RosterImport.id).with_for_update()))


def hold_pieces(tx: Transaction, *, number: int) -> bool:
    """Whether the files of an upload are still there. Whoever erases somebody waits for this transaction."""
    pieces = select(RosterUpload.number).where(RosterUpload.import_id == number)
    return bool(tx.scalars(pieces.with_for_update(read=True, key_share=True)).all())


def without_pieces(tx: Transaction) -> list[int]:
    """The numbers of uploads that are not over and whose files are gone, kept from workers meanwhile."""
    gone = ~exists().where(RosterUpload.import_id == RosterImport.id)
    waiting = (RosterImport.source == ImportSource.UPLOAD, RosterImport.finished_at.is_(None), gone)
    return list(
        tx.scalars(select(RosterImport.id).where(*waiting).order_by(RosterImport.id).with_for_update())
    )


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


def districts_led(tx: Transaction) -> list[Picked]:
    """The districts into which the principal may bring a roster."""
    if not can(tx.principal, ROSTERS_IMPORT):
        return []
    named = select(District.public_id, District.name).where(District.id.in_(_led(tx))).order_by(District.id)
    return [
        Picked(row.public_id, gettext("%(name)s (all its schools)", name=row.name))
        for row in tx.execute(named)
    ]


def target(tx: Transaction, place: str) -> Target:
    """The school or the district of this public identifier, which the principal may bring a roster into."""
    if led_district(tx, public_id=place) is not None:
        return Target(district=place)
    return Target(school=place)


def names_of_places(tx: Transaction, imports: Sequence[RosterImport]) -> dict[int, str]:
    """What the place of each import is called, by the import's number."""
    schools = school_names(tx, {each.school_id for each in imports if each.school_id is not None})
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
        wanted = wanted.where(District.id.in_(_led(tx)))
    return tx.scalar(wanted)


def _led(tx: Transaction) -> Select[int | None]:
    """The numbers of the districts that the principal leads."""
    return select(Membership.district_id).where(
        Membership.account_id == tx.principal.account_id, Membership.role == Role.LEADER
    )
