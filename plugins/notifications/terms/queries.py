"""What is known of contracts, district by district and of each school."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, or_, select

from backoffice.access.lookup import rows_of
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage.numbers import one_of
from plugins.notifications.permissions import INCIDENTS_READ
from plugins.notifications.terms.models import ContractTerms

# More districts than so many are found by the list's filter.
MOST_DISTRICTS = 200


@dataclass(frozen=True)
class OfDistrict:
    """A district with what is known of its contract, and how many of its schools have another one.

    `school` is the identifier of one of its schools, by which its pages go; None of a district without any.
    """

    name: str
    school: str | None
    terms: ContractTerms | None
    schools: int
    others: int


def has_contract() -> ColumnElement[bool]:
    """That a school has a contract of this kind: what a single teacher agreed to is none."""
    return (School.kind == SchoolKind.SCHOOL) & School.erasing_since.is_(None)


def has_own() -> ColumnElement[bool]:
    """That something was said of the contract of the very school."""
    return exists().where(ContractTerms.school_id == School.id)


def is_of_district() -> ColumnElement[bool]:
    """That nothing was said of the very school, and something of its district."""
    return ~has_own() & exists().where(ContractTerms.district_id == School.district_id)


def is_unsaid() -> ColumnElement[bool]:
    """That nobody has said what the contract of a school asks."""
    return ~exists().where(
        or_(ContractTerms.school_id == School.id, ContractTerms.district_id == School.district_id)
    )


def stands_alone(statement: Select[School]) -> Select[School]:
    """Schools of no district, and those of which another thing was said than of theirs."""
    return statement.where(or_(School.district_id.is_(None), has_own()))


def known_of(
    tx: Transaction, schools: Sequence[School]
) -> tuple[Mapping[int, ContractTerms], Mapping[int, ContractTerms]]:
    """What was said of these schools, by their numbers, and of their districts, by theirs."""
    above = {each.district_id for each in schools if each.district_id is not None}
    rows = _terms(tx, {each.id for each in schools}, above)
    return (
        {row.school_id: row for row in rows if row.school_id is not None},
        {row.district_id: row for row in rows if row.district_id is not None},
    )


def _terms(tx: Transaction, schools: set[int], districts: set[int]) -> Sequence[ContractTerms]:
    mine = rows_of(tx.principal, ContractTerms, INCIDENTS_READ)
    of = one_of(ContractTerms.school_id, schools) | one_of(ContractTerms.district_id, districts)
    return tx.scalars(mine.where(of)).all()


def districts(tx: Transaction) -> Sequence[OfDistrict]:
    """All districts, as far as one page shows them."""
    known = visible(tx.principal, select(District.id, District.name)).order_by(District.id)
    found = tx.rows(known.limit(MOST_DISTRICTS))
    numbers = {each.id for each in found}
    terms = {each.district_id: each for each in _terms(tx, set(), numbers)}
    counted = (
        select(
            School.district_id,
            func.count().label("schools"),
            func.count().filter(has_own()).label("others"),
            func.min(School.public_id).label("one"),
        )
        .where(one_of(School.district_id, numbers), has_contract())
        .group_by(School.district_id)
    )
    counts = {each.district_id: each for each in tx.rows(counted)}
    return [
        OfDistrict(
            each.name,
            counts[each.id].one if each.id in counts else None,
            terms.get(each.id),
            counts[each.id].schools if each.id in counts else 0,
            counts[each.id].others if each.id in counts else 0,
        )
        for each in found
    ]


def names_of(tx: Transaction, schools: Sequence[School]) -> Mapping[int, str]:
    """What the districts of these schools are called, by their numbers."""
    above = {each.district_id for each in schools if each.district_id is not None}
    some = visible(tx.principal, select(District.id, District.name)).where(one_of(District.id, above))
    return {each.id: each.name for each in tx.rows(some)} if above else {}


def to_choose(tx: Transaction, most: int) -> Sequence[District]:
    """The districts that the principal may see, so many at most."""
    return tx.scalars(visible(tx.principal, select(District)).order_by(District.id).limit(most)).all()
