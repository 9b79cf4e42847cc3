"""What is known of an incident as far as laws ask for it. Numbers of people, and nobody's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from plugins.notifications.deadlines.law import Start


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
