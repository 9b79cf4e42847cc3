"""Into which schools a roster goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage.public_id import is_public_id, new_public_id
from backoffice.wording import clean
from plugins.rosters.importing.people import Sealer
from plugins.rosters.importing.vocabulary import ORGS
from plugins.rosters.models import SchoolSource
from plugins.rosters.reading.records import Org
from plugins.rosters.reading.report import Report

SCHOOL_DAYS = ["mon", "tue", "wed", "thu", "fri"]
ONE_SCHOOL = (
    lazy("The set has not exactly one school."),
    lazy("Import a set of several schools into their district, or send one school alone."),
)
NO_NAME = (lazy("The name has no letters that can be shown."), lazy("Give the school a name."))


class NoSuchPlace(Exception):
    """There is no school or district of this identifier."""


@dataclass(frozen=True)
class Target:
    """A school, or a district with the schools of the set. One of the two is given, by public identifier."""

    school: str | None = None
    district: str | None = None

    def __post_init__(self) -> None:
        if (self.school is None) == (self.district is None):
            raise ValueError("A roster goes into a school or into a district.")


@dataclass
class Places:
    """The schools of a roster by their identifiers in it; `new` are those still to be made."""

    school_id: int | None
    district_id: int | None
    schools: dict[str, int] = field(default_factory=dict)
    new: list[Org] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """All schools, in one order for everybody who locks them."""
        return sorted(set(self.schools.values()))


def locate(tx: Transaction, target: Target) -> Places:
    """Find the target and keep other imports out of it until the end. Raises `NoSuchPlace`."""
    model: type[School | District] = School if target.school is not None else District
    public_id = target.school or target.district or ""
    found = None
    if is_public_id(public_id):
        # Rows that point at it can be made meanwhile: this lock stops other imports, not a teacher.
        found = tx.scalar(
            select(model.id).where(model.public_id == public_id).with_for_update(key_share=True)
        )
    if found is None:
        raise NoSuchPlace
    return Places(found, None) if model is School else Places(None, found)


def assign(tx: Transaction, places: Places, orgs: Sequence[Org], report: Report) -> None:
    """Say which school each organisation is. New schools get their numbers; they are made by `settle`."""
    schools = [org for org in orgs if org.type == "school"]
    if places.school_id is not None:
        if len(schools) != 1:
            report.error(ORGS, *ONE_SCHOOL, column="type")
        else:
            places.schools[schools[0].source_id] = places.school_id
        return
    if not schools:
        report.error(
            ORGS, lazy("There is no school in the set."), lazy("Send a line of type school."), column="type"
        )
    _assign_in_district(tx, places, schools)
    for org in places.new:
        if not clean(org.name):
            report.error(ORGS, *NO_NAME, line=org.line, column="name")


def _assign_in_district(tx: Transaction, places: Places, schools: Sequence[Org]) -> None:
    assert places.district_id is not None
    district, sealer = places.district_id, Sealer()
    known: Mapping[UUID, int] = dict(
        tx.execute(
            select(SchoolSource.source_digest, SchoolSource.school_id).where(
                SchoolSource.district_id == district
            )
        ).all()
    )
    by_name = _unlinked_by_name(tx, district, set(known.values()))
    for org in schools:
        number = known.get(UUID(bytes=sealer.link_in_district(district, org.source_id)))
        if number is None:
            number = by_name.pop(_folded(org.name), None)
            places.linked.append(org.source_id)
            if number is None:
                number = tx.take_id(School)
                places.new.append(org)
        places.schools[org.source_id] = number
    tx.execute(select(School.id).where(School.id.in_(places.numbers)).with_for_update(key_share=True))


def settle(tx: Transaction, places: Places, at: datetime) -> None:
    """Make the new schools, as their district is, and remember which organisation each school is."""
    if places.district_id is None:
        return
    sealer = Sealer()
    if places.new:
        district = tx.execute(select(District).where(District.id == places.district_id)).scalar_one()
        tx.execute(
            insert(School), [_school(district, places.schools[o.source_id], o, at) for o in places.new]
        )
    links = [
        {
            "school_id": places.schools[source],
            "district_id": places.district_id,
            "source_digest": UUID(bytes=sealer.link_in_district(places.district_id, source)),
        }
        for source in places.linked
    ]
    if links:
        tx.execute(insert(SchoolSource), links)


def _school(district: District, number: int, org: Org, at: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "public_id": new_public_id(),
        "district_id": district.id,
        "kind": SchoolKind.SCHOOL,
        "name": clean(org.name),
        "country": district.country,
        "state": district.state,
        "time_zone": district.time_zone,
        "language": district.language,
        "school_days": SCHOOL_DAYS,
        "created_at": at,
    }


def _unlinked_by_name(tx: Transaction, district: int, linked: set[int]) -> dict[str, int]:
    """Schools that somebody made by hand, by name where that is one school's alone."""
    rows = tx.execute(select(School.id, School.name).where(School.district_id == district)).all()
    names = [_folded(row.name) for row in rows]
    return {
        _folded(row.name): row.id
        for row in rows
        if row.id not in linked and names.count(_folded(row.name)) == 1
    }


def _folded(name: str) -> str:
    return clean(name).casefold()
