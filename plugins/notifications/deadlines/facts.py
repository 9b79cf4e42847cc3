"""What is known of an incident as far as laws ask for it. Numbers of people, and nobody's name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from plugins.notifications.deadlines.law import CONTRACT, Law, Start


class Role(StrEnum):
    """What we are to the data: the owner's processor, or the owner."""

    PROCESSOR = "processor"
    CONTROLLER = "controller"


class Risk(StrEnum):
    """How the risk to the people is judged."""

    UNASSESSED = "unassessed"
    UNLIKELY = "unlikely"
    RISK = "risk"
    HIGH = "high"


class Encrypted(StrEnum):
    """Whether the data were encrypted, and then whether their key is safe."""

    NO = "no"
    KEY_SAFE = "key_safe"
    KEY_TAKEN = "key_taken"


@dataclass(frozen=True)
class Contract:
    """By which rule we are to tell a school, with hours and clock of its own where the rule has none."""

    rule: str
    hours: int | None = None
    start: Start | None = None


@dataclass(frozen=True)
class PoliceHold:
    """A written request of the police not to tell. Without `until` it is in force."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class SchoolFacts:
    """A school whose data are concerned: when we told it, and when it told its people."""

    id: str
    place: str
    zone: ZoneInfo
    contract: Contract | None = None
    told: datetime | None = None
    individuals_told: datetime | None = None


@dataclass(frozen=True)
class Group:
    """People of whom the same is known to have got out. `school` where we keep the data for one."""

    place: str
    who: str
    number: int
    kinds: frozenset[str]
    encrypted: Encrypted = Encrypted.NO
    school: str | None = None


@dataclass(frozen=True)
class Given:
    """A notice that went out, by the rule that asked for it."""

    rule: str
    at: datetime
    school: str | None = None


@dataclass(frozen=True)
class Facts:
    """All of it. Moments are ours; one that is not there has not come yet.

    `individuals_told` says by jurisdiction when we told people, where the data are our own.
    """

    role: Role
    risk: Risk
    noticed: datetime
    determined: datetime | None = None
    confirmed: datetime | None = None
    people: tuple[Group, ...] = ()
    schools: Mapping[str, SchoolFacts] = field(default_factory=dict)
    individuals_told: Mapping[str, datetime] = field(default_factory=dict)
    hold: PoliceHold | None = None
    given: tuple[Given, ...] = ()


class FactsError(Exception):
    """Facts that cannot be; `problems` says why, one sentence each. None of them is left out in silence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def check(law: Law, facts: Facts) -> None:
    """Raise `FactsError` with everything of the facts that the laws have no answer to."""
    problems = [*_of_moments(facts), *_of_people(facts), *_of_contracts(law, facts)]
    known = {rule.id for rule in law.rule}
    given = (each.rule for each in facts.given if each.rule not in known)
    problems += [f"A notice was given by {name}, which is no rule." for name in given]
    if problems:
        raise FactsError(problems)


def _of_moments(facts: Facts) -> Iterator[str]:
    hold = facts.hold
    moments = {
        "noticed": facts.noticed,
        "determined": facts.determined,
        "confirmed": facts.confirmed,
        "the hold's beginning": hold.since if hold else None,
        "the hold's end": hold.until if hold else None,
        **{f"when {place} was told": at for place, at in facts.individuals_told.items()},
        **{f"when {each.id} was told": each.told for each in facts.schools.values()},
        **{f"when {each.id} told its people": each.individuals_told for each in facts.schools.values()},
        **{f"when {each.rule} was given": each.at for each in facts.given},
    }
    for name, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            yield f"The moment of {name} has no time zone."


def _of_people(facts: Facts) -> Iterator[str]:
    for group in facts.people:
        if group.number < 0:
            yield f"There are fewer than no people in {group.place}."
        if facts.role is Role.PROCESSOR and group.school not in facts.schools:
            yield f"People in {group.place} are of no school that is concerned."


def _of_contracts(law: Law, facts: Facts) -> Iterator[str]:
    rules = {rule.id: rule for rule in law.rule if rule.jurisdiction == CONTRACT}
    for school in facts.schools.values():
        if school.contract is None:
            continue
        rule = rules.get(school.contract.rule)
        if rule is None:
            yield f"The contract of {school.id} goes by {school.contract.rule}, which is none of its rules."
        elif rule.amount_from == CONTRACT and not school.contract.hours:
            yield f"The contract of {school.id} does not say within how many hours."
