"""Who has to be told of an incident by when: computed from its rows at each look, and kept nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext
from backoffice.settings import CONFIG
from backoffice.storage.numbers import one_of
from plugins.notifications.deadlines.engine import Deadlines, Row, deadlines
from plugins.notifications.deadlines.facts import (
    Contract,
    Encrypted,
    Facts,
    Given,
    Group,
    PoliceHold,
    Risk,
    Role,
    SchoolFacts,
)
from plugins.notifications.deadlines.law import Law, Start, Tells, read_law
from plugins.notifications.drills.pace import Pace, paces
from plugins.notifications.models import ConcernedSchool, GivenNotice, Incident
from plugins.notifications.words import ENCRYPTED, FACTS, KINDS, RISKS, ROLES

FILE = "jurisdictions.toml"
# Places that the laws know by another name than the ISO 3166 code of a country.
_CALLED = {"GB": "UK", "PR": "US-PR"}
_CHOICES: Mapping[str, Mapping[Any, str]] = {"role": ROLES, "risk": RISKS, "encrypted": ENCRYPTED}


@cache
def law() -> Law:
    """The laws of this installation. Raises `LawError`."""
    return read_law(CONFIG / FILE)


def place_of(country: str, state: str | None) -> str:
    """A place as the laws name it: US-CA, DE, UK."""
    return f"{country}-{state}" if country == "US" and state else _CALLED.get(country, country)


@dataclass(frozen=True)
class Standing:
    """All that laws say of an incident, and its schools by the identifier that rows name them by.

    All moments are ours, in a drill too; `pace` says how fast the time runs in which they were computed.
    """

    deadlines: Deadlines
    schools: Mapping[str, ConcernedSchool]
    pace: Pace


def standing(tx: Transaction, incident: Incident) -> Standing:
    """What the laws say of an incident as it is known now."""
    return standings(tx, [incident])[incident.id]


def standings(tx: Transaction, incidents: Sequence[Incident]) -> dict[int, Standing]:
    """What the laws say of each, by their numbers; two statements for all, and one more for drills."""
    numbers = [incident.id for incident in incidents]
    schools: dict[int, list[ConcernedSchool]] = {number: [] for number in numbers}
    given: dict[int, list[GivenNotice]] = {number: [] for number in numbers}
    known = select(ConcernedSchool).where(
        one_of(ConcernedSchool.incident_id, numbers), ConcernedSchool.left_out_at.is_(None)
    )
    for school in tx.scalars(known.order_by(ConcernedSchool.id)):
        schools[school.incident_id].append(school)
    for notice in tx.scalars(select(GivenNotice).where(one_of(GivenNotice.incident_id, numbers))):
        given[notice.incident_id].append(notice)
    played = paces(tx, incidents)
    return {
        each.id: Standing(
            _answer(facts_of(each, schools[each.id], given[each.id]), played[each.id]),
            {school.public_id: school for school in schools[each.id]},
            played[each.id],
        )
        for each in incidents
    }


def standing_of(facts: Any, schools: Sequence[ConcernedSchool], given: Sequence[Any]) -> Standing:
    """What the laws say of some schools of an incident as these see it: of each school, and of nobody else.

    `facts` has what laws ask of an incident, `given` which rules about these schools were answered; no drill.
    """
    known = deadlines(law(), facts_of(facts, schools, given))
    rows = tuple(row for row in known.rows if row.school is not None)
    own = replace(known, rows=rows, earliest=tuple(row for row in known.earliest if row.school is not None))
    return Standing(own, {each.public_id: each for each in schools}, Pace(facts.noticed_at))


def _answer(facts: Facts, pace: Pace) -> Deadlines:
    return pace.deadlines(deadlines(law(), pace.facts(facts)))


def facts_of(incident: Any, schools: Sequence[ConcernedSchool], given: Sequence[Any]) -> Facts:
    """What is known of an incident as the engine takes it."""
    names = {school.id: school.public_id for school in schools}
    role = Role(incident.role)
    told = [school.individuals_told_at for school in schools if school.individuals_told_at]
    return Facts(
        role=role,
        risk=Risk(incident.risk),
        noticed=incident.noticed_at,
        determined=incident.determined_at,
        confirmed=incident.confirmed_at,
        people=tuple(group for school in schools for group in _groups(incident, school, role)),
        schools={each.public_id: _school(each) for each in schools} if role is Role.PROCESSOR else {},
        individuals_told={each.place: min(told) for each in schools if told}
        if role is Role.CONTROLLER
        else {},
        hold=PoliceHold(incident.held_since, incident.held_until) if incident.held_since else None,
        given=tuple(
            Given(
                each.rule,
                each.at,
                names[each.concerned_school_id] if each.concerned_school_id is not None else None,
            )
            for each in given
        ),
    )


def open_duties(found: Standing) -> list[Row]:
    """What we ourselves still have to tell somebody, or may have to."""
    return [
        row
        for row in found.deadlines.rows
        if row.is_ours and row.status.is_to_be_told and row.given_at is None and not is_told(found, row)
    ]


def is_unclear(found: Standing) -> bool:
    """Whether nobody can say yet that nobody is to be told: no school is concerned, or a law is not known."""
    deadlines = found.deadlines
    return not found.schools or bool(deadlines.unknown_places or deadlines.incomplete_places)


def change_in_words(before: Incident, values: Mapping[str, Any], changed: Sequence[str]) -> str:
    """What was changed of the facts, a line each: from what to what."""
    return "\n".join(
        gettext(
            "%(what)s: %(after)s (before: %(before)s)",
            what=FACTS[name],
            after=_said(name, values[name]),
            before=_said(name, getattr(before, name)),
        )
        for name in changed
    )


def is_told(found: Standing, row: Row) -> bool:
    """Whether a school whose telling a rule asks for was told, by whichever way."""
    return (
        row.rule.tells is Tells.SCHOOLS
        and row.school is not None
        and found.schools[row.school].told_at is not None
    )


def told_late(found: Standing, row: Row) -> bool:
    """Whether a school was told after the moment until which it had to be."""
    told = found.schools[row.school].told_at if row.school is not None and is_told(found, row) else None
    return told is not None and row.due is not None and told > row.due


def _groups(incident: Any, school: ConcernedSchool, role: Role) -> list[Group]:
    numbers = {"students": school.students, "staff": school.staff, "parents": school.parents}
    return [
        Group(
            place=school.place,
            who=who,
            number=number,
            # Until somebody has said which kinds it was, it may have been all.
            kinds=frozenset(incident.kinds or KINDS),
            encrypted=Encrypted(incident.encrypted),
            school=school.public_id if role is Role.PROCESSOR else None,
        )
        for who, number in numbers.items()
        if number
    ]


def _school(school: ConcernedSchool) -> SchoolFacts:
    return SchoolFacts(
        id=school.public_id,
        place=school.place,
        zone=ZoneInfo(school.time_zone),
        contract=_contract(school),
        told=school.told_at,
        individuals_told=school.individuals_told_at,
    )


def _contract(school: ConcernedSchool) -> Contract | None:
    # That a contract asks for nothing was said, too, and is no rule. One that laws know no longer is none.
    if school.contract_rule is None or not any(each.id == school.contract_rule for each in law().rule):
        return None
    start = Start(school.contract_start) if school.contract_start else None
    return Contract(school.contract_rule, school.contract_hours, start)


def _said(name: str, value: Any) -> str:
    if value is None or value == []:
        return gettext("nothing")
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if name == "kinds":
        return ", ".join(KINDS[kind] for kind in value)
    return _CHOICES.get(name, {}).get(value, str(value))
