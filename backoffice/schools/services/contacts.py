"""Whom notices to a school go to, and where letters to it go. Leaders say so, and founders for them."""

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import SCHOOLS_CONTACT
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import addresses
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.outbox.message import deliverable
from backoffice.problems import Rejected
from backoffice.schools.models import School, SchoolKind
from backoffice.storage import functions
from backoffice.storage.sealed import seal_text

LONGEST_CONTACT = addresses.LONGEST
MOST_LINES = 6
LONGEST_LINE = 100
NO_ADDRESS = lazy("Write one e-mail address that mail can be sent to, such as security@school.example.")
TOO_LONG = lazy("Write the address on at most 6 lines, each of at most 100 characters.")


def shown(school: School) -> tuple[str | None, str | None]:
    """What a form shows of it, for its `version`."""
    return school.security_contact, school.postal_address


def set_contacts(
    *, principal: Principal, school: str, security_contact: str, postal_address: str, seen: str | None = None
) -> None:
    """Set a school's security contact, an e-mail address, and its postal address; what is empty is none.

    `seen` is the `version` of what was shown. Notices go there instead of to the leaders, so it takes a fresh
    proof. Raises `Rejected`, `Overtaken`, `ProofNeeded`, and `NotFound`, also for the school of one teacher.
    """
    wanted = _contact(security_contact), _address(postal_address)
    with transaction(principal) as tx:
        proof.demand(tx)
        place = to_contact(tx, school)
        # A row that only a function of the database may change cannot be held by itself.
        functions.lock_school_contacts(tx, school_id=place.id)
        tx.refresh(place)
        if not is_to_be_written(seen, now=shown(place), wanted=wanted):
            return
        contact, address = wanted
        done = functions.set_school_contacts(
            tx,
            school_id=place.id,
            contact=seal_text(contact, context="school.security_contact") if contact else None,
            address=seal_text(address, context="school.postal_address") if address else None,
        )
        if not done:
            raise NotFound
        # The trail says that there is one, and not which: it is kept for longer than the school may want.
        record(
            tx,
            "schools.contacts",
            school_id=place.id,
            security_contact=contact is not None,
            postal_address=address is not None,
        )


def to_contact(tx: Transaction, school: str) -> School:
    """A school whose contacts the principal may set. A teacher's own has none. Raises `NotFound`."""
    place = find(tx, School, school, permission=SCHOOLS_CONTACT)
    if place.kind != SchoolKind.SCHOOL:
        raise NotFound
    return place


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
