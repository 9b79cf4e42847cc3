"""Saying that a school's plan is full before somebody fills in a form in vain."""

from backoffice.access.lookup import NotFound, find
from backoffice.access.transaction import Transaction
from backoffice.entitlements import Entitlement, link_to_plans, no_room, planned
from backoffice.schools.models import School
from backoffice.storage.public_id import is_public_id


def full(
    tx: Transaction, school_id: int, entitlement: Entitlement, *, wanted: int = 1
) -> dict[str, str | None] | None:
    """Why there is no room for so many more, and where the reader changes the plan; None where there is.

    For `console/parts/full.html`. Without a plan that limits it, no statement.
    """
    reached = no_room(tx, school_id=school_id, entitlement=entitlement, wanted=wanted)
    if reached is None:
        return None
    return {"sentence": reached.in_words, "url": link_to_plans(tx, school_id)}


def full_at(tx: Transaction, school: str | None, entitlement: Entitlement) -> dict[str, str | None] | None:
    """The same of the school that a form is for, by its public identifier, if that is known already."""
    if not school or not is_public_id(school) or not planned(tx):
        return None
    try:
        return full(tx, find(tx, School, school).id, entitlement)
    except NotFound:
        return None
