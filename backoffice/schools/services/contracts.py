"""Noting that the contract of a school or a district ends, and that it goes on after all.

When it has ended its leaders have a while to take out what they need; then everything is erased. What the
policy says of the time stands in `config/retention.toml`, and retention's job writes and erases.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CONTRACTS_END
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record_each
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.privacy.retention import in_force, kinds
from backoffice.privacy.retention.policy import Entry
from backoffice.problems import Rejected
from backoffice.schools.ending_models import ContractEnd
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage import functions

KIND = "ended-contracts"
# Further away than this a day is a slip of the pen.
FURTHEST = timedelta(days=2 * 366)
WRONG_DAY = lazy("Choose a day of the last or the next two years.")
BEGUN = lazy("Its erasure has begun. There is no way back.")
NOT_ENDING = lazy("This contract does not end. Look at it again.")
OF_ONE = lazy("This is the school of one teacher, who has no contract of this kind.")
NO_DISTRICT = lazy("This school belongs to no district.")


def end_contract(*, principal: Principal, school: str, last_day: date, whole_district: bool = False) -> None:
    """Note the last day of the contract of a school, or of the district that it belongs to.

    Said again, the new day holds, and leaders are told anew. Raises `Rejected`, also where the erasure has
    begun; `NotFound` and `ProofNeeded`.
    """
    now = clock.now()
    if abs(last_day - now.date()) > FURTHEST:
        raise Rejected(last_day=WRONG_DAY)
    with transaction(principal) as tx:
        proof.demand(tx)
        place, of = _place(tx, school, whole_district=whole_district)
        ends_at = _end_of(last_day, place.time_zone)
        values = {"ends_at": ends_at, "due_at": due_after(ends_at, now)}
        again = {**values, "told_days": None, "told_at": None, "told_by": None}
        adding = insert(ContractEnd).values(**of, **values)
        noted = tx.execute(
            adding.on_conflict_do_update(
                index_elements=list(of), set_=again, where=ContractEnd.begun_at.is_(None)
            ).returning(ContractEnd.id)
        )
        if noted.one_or_none() is None:
            raise Rejected.whole(BEGUN)
        _note(tx, "contracts.end", place, last_day=last_day.isoformat())
        kind = kinds.installed().get(KIND)
        if kind is not None and kind.by is not None:
            # Leaders are told at once.
            queue.defer(tx, kind.by)


def continue_contract(*, principal: Principal, school: str, whole_district: bool = False) -> None:
    """Note that the contract goes on after all: nothing is erased.

    Raises `Rejected` where it does not end, or the erasure has begun; `NotFound` and `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        place, of = _place(tx, school, whole_district=whole_district)
        number = tx.scalar(select(ContractEnd.id).where(_is_of(of)))
        if number is None:
            raise Rejected.whole(NOT_ENDING)
        if not functions.continue_contract(tx, number=number):
            raise Rejected.whole(BEGUN)
        _note(tx, "contracts.continue", place)


def policy() -> Entry:
    """For how long all is kept after a contract, and how long before leaders are told, as it is in force."""
    return in_force.current().entries[KIND]


def due_after(ends_at: datetime, now: datetime) -> datetime:
    """When what a contract leaves behind is erased, for whoever hears of its end now."""
    entry = policy()
    return max(entry.period.after(ends_at), now + entry.warnings[0].at_most)


def _place(tx: Transaction, school: str, *, whole_district: bool) -> tuple[School | District, dict[str, int]]:
    """The school or its district, and the column of the end that names it. Raises `Rejected`, `NotFound`."""
    found = find(tx, School, school, permission=CONTRACTS_END)
    if found.kind != SchoolKind.SCHOOL:
        raise Rejected.whole(OF_ONE)
    if not whole_district:
        return found, {"school_id": found.id}
    if found.district_id is None:
        raise Rejected(whole=NO_DISTRICT)
    return tx.get_one(District, found.district_id), {"district_id": found.district_id}


def _is_of(of: dict[str, int]) -> ColumnElement[bool]:
    ((column, number),) = of.items()
    found: ColumnElement[bool] = getattr(ContractEnd, column) == number
    return found


def _end_of(day: date, zone: str) -> datetime:
    """The midnight with which a day ends on the wall of the place."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(clock.now().tzinfo)


def _note(tx: Transaction, verb: str, place: School | District, **said: str) -> None:
    """In the trail of each school concerned: whoever leads one reads its own alone."""
    if isinstance(place, School):
        record_each(tx, verb, [(place.id, said)])
        return
    found = select(School.id).where(School.district_id == place.id).order_by(School.id)
    record_each(tx, verb, [(each, {"district": place.id, **said}) for each in tx.scalars(found)])
