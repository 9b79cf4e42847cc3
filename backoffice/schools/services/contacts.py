"""Whom notices to a school or district go to, and where letters go. Leaders say so, and founders for them."""

from sqlalchemy import select

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import SCHOOLS_CONTACT
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import addresses
from backoffice.accounts.services import proof
from backoffice.audit.trail import record, record_each
from backoffice.language.texts import lazy
from backoffice.outbox.message import deliverable
from backoffice.problems import Rejected
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage import functions
from backoffice.storage.sealed import seal_text

LONGEST_CONTACT = addresses.LONGEST
_VERB = "schools.contacts"
MOST_LINES = 6
LONGEST_LINE = 100
NO_ADDRESS = lazy("Write one e-mail address that mail can be sent to, such as security@school.example.")
TOO_LONG = lazy("Write the address on at most 6 lines, each of at most 100 characters.")


def shown(place: School | District) -> tuple[str | None, str | None]:
    """What a form shows of it, for its `version`."""
    return place.security_contact, place.postal_address


def set_contacts(
    *,
    principal: Principal,
    school: str,
    security_contact: str,
    postal_address: str,
    whole_district: bool = False,
    seen: str | None = None,
) -> None:
    """Set the security contact, an e-mail address, and the postal address of a school, or of its district.

    What is empty is none. `seen` is the `version` of what was shown. Notices go there instead of to the
    leaders, so it takes a fresh proof. Raises `Rejected`, `Overtaken`, `ProofNeeded`, and `NotFound`, also
    for the school of one teacher.
    """
    wanted = _contact(security_contact), _address(postal_address)
    with transaction(principal) as tx:
        proof.demand(tx)
        place = to_contact(tx, school, whole_district=whole_district)
        # A row that only a function of the database may change cannot be held by itself.
        functions.lock_contacts(tx, place=f"{place.__tablename__} {place.id}")
        tx.refresh(place)
        if not is_to_be_written(seen, now=shown(place), wanted=wanted):
            return
        _write(tx, place, *wanted)
        _note(tx, place)


def to_contact(tx: Transaction, school: str, *, whole_district: bool = False) -> School | District:
    """A school whose contacts the principal may set, or its district. Raises `NotFound`.

    A teacher's own has none. Whoever leads one school of a district does not speak for the district.
    """
    place = find(tx, School, school, permission=SCHOOLS_CONTACT)
    if place.kind != SchoolKind.SCHOOL:
        raise NotFound
    if not whole_district:
        return place
    if not speaks_for_district(tx, place):
        raise NotFound
    return tx.get_one(District, place.district_id)


def speaks_for_district(tx: Transaction, school: School) -> bool:
    """Whether a school has a district, whose contacts the principal may set."""
    return school.district_id is not None and functions.leads_district(tx, district_id=school.district_id)


def _write(tx: Transaction, place: School | District, contact: str | None, address: str | None) -> None:
    table = place.__tablename__
    sealed = {
        "contact": seal_text(contact, context=f"{table}.security_contact") if contact else None,
        "address": seal_text(address, context=f"{table}.postal_address") if address else None,
    }
    done = (
        functions.set_school_contacts(tx, school_id=place.id, **sealed)
        if isinstance(place, School)
        else functions.set_district_contacts(tx, district_id=place.id, **sealed)
    )
    if not done:
        raise NotFound
    tx.refresh(place)


def _note(tx: Transaction, place: School | District) -> None:
    """In the trail of each school concerned: that there is one, and not which."""
    contact, address = shown(place)
    said = {"security_contact": contact is not None, "postal_address": address is not None}
    if isinstance(place, School):
        record(tx, _VERB, school_id=place.id, **said)
        return
    found = select(School.id).where(School.district_id == place.id).order_by(School.id)
    record_each(tx, _VERB, [(each, {"district": place.id, **said}) for each in tx.scalars(found)])


def _contact(typed: str) -> str | None:
    typed = typed.strip()
    if not typed:
        return None
    try:
        deliverable(typed)
    except ValueError:
        raise Rejected(security_contact=NO_ADDRESS) from None
    if len(typed) > LONGEST_CONTACT:
        raise Rejected(security_contact=NO_ADDRESS)
    return typed


def _address(typed: str) -> str | None:
    lines = [line.strip() for line in typed.strip().splitlines()]
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        raise Rejected(postal_address=TOO_LONG)
    return "\n".join(lines) or None
