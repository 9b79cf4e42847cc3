"""Reading which contracts end and which classes have no teacher, always through the policy."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import aliased

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from backoffice.schools.models import Classroom, District, School
from backoffice.storage.numbers import one_of

_OF_DISTRICT = (District.name.label("district"), District.time_zone.label("district_zone"))


@dataclass(frozen=True)
class Ending:
    """A contract that ended or will: whose, its last day there, when everything is erased.

    `school` is by which school its page is found, if there is one; `begun` says that there is no way back.
    """

    place: str
    of_district: bool
    last_day: date
    due_at: datetime
    begun: bool
    school: str | None


def ending_of(tx: Transaction, school: School) -> Ending | None:
    """That of a school or of its district, whichever comes first."""
    return ends_of(tx, [school.id]).get(school.id)


def ends_of(tx: Transaction, schools: Collection[int]) -> dict[int, Ending]:
    """Those of these schools and their districts by school, the first where there are two."""
    at = School.id.label("at")
    both = or_(School.id == ContractEnd.school_id, School.district_id == ContractEnd.district_id)
    statement = (
        select(ContractEnd, at, School.public_id, School.name, School.time_zone)
        .select_from(ContractEnd)
        .join(School, both)
        .outerjoin(District, District.id == ContractEnd.district_id)
        .where(one_of(School.id, schools))
        .order_by(ContractEnd.due_at.desc(), ContractEnd.id.desc())
    )
    found = tx.execute(visible(tx.principal, statement).add_columns(*_OF_DISTRICT))
    # Later ones are overwritten by the first.
    return {row.at: _ending(row) for row in found}


def endings(tx: Transaction, *, most: int) -> list[Ending]:
    """All that the principal may see, the first first, of so many at most."""
    inner = aliased(School)
    first = select(func.min(inner.id)).where(inner.district_id == ContractEnd.district_id)
    at = func.coalesce(ContractEnd.school_id, first.correlate(ContractEnd).scalar_subquery())
    statement = (
        select(ContractEnd)
        .select_from(ContractEnd)
        .outerjoin(School, School.id == at)
        .outerjoin(District, District.id == ContractEnd.district_id)
        .order_by(ContractEnd.due_at, ContractEnd.id)
        .limit(most)
    )
    # Whoever may see the end may know whose it is.
    shown = visible(tx.principal, statement).add_columns(
        School.public_id, School.name, School.time_zone, *_OF_DISTRICT
    )
    return [_ending(row) for row in tx.execute(shown)]


def ownerless(tx: Transaction, *, most: int) -> Sequence[Row[datetime | None, str, str]]:
    """Classes that nobody teaches where the principal leads, those that go first first: `due_at` and name."""
    here = (Classroom.school_id == OwnerlessClass.school_id) & (Classroom.id == OwnerlessClass.classroom_id)
    statement = (
        select(OwnerlessClass.due_at, Classroom.public_id, Classroom.name)
        .join(Classroom, here)
        .order_by(OwnerlessClass.due_at, Classroom.id)
        .limit(most)
    )
    return tx.execute(visible(tx.principal, statement)).all()


def _ending(row: Row[Any]) -> Ending:
    end: ContractEnd = row.ContractEnd
    zone = ZoneInfo(row.district_zone or row.time_zone)
    return Ending(
        place=row.district or row.name,
        of_district=end.district_id is not None,
        # It ends with the midnight after it.
        last_day=(end.ends_at - timedelta(minutes=1)).astimezone(zone).date(),
        due_at=end.due_at,
        begun=end.begun_at is not None,
        school=row.public_id,
    )
