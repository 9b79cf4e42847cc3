"""On which days a school teaches, and by which clock. Doors that keep hours follow both."""

from collections.abc import Collection
from functools import cache

from backoffice.access.lookup import NotFound
from backoffice.access.permissions import SCHOOL_DAYS_EDIT
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts import places
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.problems import Rejected
from backoffice.schools.doors import in_order
from backoffice.schools.queries import schools_run
from backoffice.storage import functions

NO_DAY = "Choose at least one day of the week."
NO_ZONE = "Choose a time zone of the list."


@cache
def time_zones() -> frozenset[str]:
    """The time zones that a school can have: those of a country by their present names, and UTC."""
    return places.zones() | {"UTC"}


def set_school_days(
    *,
    principal: Principal,
    school: str,
    days: Collection[str],
    time_zone: str,
    back: PutBack | None = None,
) -> None:
    """Set on which days of the week ("mon") a school teaches, and its time zone. It holds at once.

    Raises `Rejected`, `NotFound`.
    """
    chosen = in_order(days)
    if not chosen or len(chosen) != len(set(days)):
        raise Rejected(days=NO_DAY)
    with transaction(principal) as tx:
        place = next((each for each in schools_run(tx, SCHOOL_DAYS_EDIT) if each.public_id == school), None)
        if place is None:
            raise NotFound
        # A row that only a function of the database may change cannot be held by itself.
        functions.lock_school_days(tx, school_id=place.id)
        tx.refresh(place)
        # What a roster brought stands, whether or not it is on the list.
        if time_zone not in time_zones() | {place.time_zone}:
            raise Rejected(time_zone=NO_ZONE)
        before = in_order(place.school_days)
        keep_change(tx, place, back, days=(before, chosen), time_zone=(place.time_zone, time_zone))
        done = functions.set_school_days(tx, school_id=place.id, days=chosen, time_zone=time_zone)
        if done == "no such zone":
            raise Rejected(time_zone=NO_ZONE)
        if done != "set":
            raise NotFound
        record(tx, "schools.days", school_id=place.id, days=chosen, time_zone=time_zone)
