"""The laws on telling of a breach, as `config/jurisdictions.toml` has them, checked as they are read.

A rule is one duty: one actor tells one kind of recipient under one law. What each field means stands at the
head of that file. Facts for software, and no legal advice: what nobody has verified says so.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError

CONTRACT = "contract"
YEAR = 366


class Actor(StrEnum):
    """Who bears a duty: the owner of the data, whoever keeps them for the owner, or a school as an agency."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"
    SCHOOL = "school"


class Tells(StrEnum):
    """Who is told."""

    INDIVIDUALS = "individuals"
    PARENTS = "parents"
    SCHOOLS = "schools"
    ATTORNEY_GENERAL = "attorney_general"
    REGULATOR = "regulator"
    POLICE = "police"


class Start(StrEnum):
    """From which moment a limit is counted, as whoever bears the duty knows it."""

    NOTICED = "noticed"
    DETERMINED = "determined"
    CONFIRMED = "confirmed"
    NOTICE_SENT = "notice_sent"


class Unit(StrEnum):
    """In what a limit is counted. `NONE`: the law fixes none, and no date is made up."""

    HOURS = "hours"
    CALENDAR_DAYS = "calendar_days"
    BUSINESS_DAYS = "business_days"
    NONE = "none"


class Order(StrEnum):
    """Whether a notice is tied to that of the people concerned."""

    FREE = "free"
    BEFORE_INDIVIDUALS = "before_individuals"
    WITH_INDIVIDUALS = "with_individuals"


class LeastRisk(StrEnum):
    """The least judgement of the risk at which a duty exists."""

    ANY = "any"
    RISK = "risk"
    HIGH = "high"


class Hold(StrEnum):
    """Whether a written request of the police not to tell postpones a notice."""

    NONE = "none"
    POSTPONES = "postpones"


class Written(StrEnum):
    """Whether a notice has to be on paper."""

    YES = "yes"
    UNLESS_CONSENTED = "unless_consented"
    CHOICE = "choice"
    UNKNOWN = "unknown"


class LawError(Exception):
    """The laws cannot be used; `problems` says why, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("this is no time zone") from None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(_Part):
    """Which data begin a duty: all kinds of one of the sets, of these groups of people if it names some."""

    sets: tuple[frozenset[str], ...]
    who: frozenset[str] = frozenset()

    def is_met_by(self, who: str, kinds: frozenset[str]) -> bool:
        """Whether data of these kinds about such people begin the duty."""
        return (not self.who or who in self.who) and any(each <= kinds for each in self.sets)


class Calendar(_Part):
    """Days that are no business days, besides Saturdays and Sundays."""

    first_year: int
    last_year: int
    days: frozenset[date]


class Rule(_Part):
    """One duty."""

    id: str
    jurisdiction: str
    law: str
    citation: str
    actor: Actor
    tells: Tells
    office: str = ""
    clock_start: Start
    unit: Unit
    amount: PositiveInt | None = None
    amount_from: Literal["contract"] | None = None
    order: Order = Order.FREE
    outer_rule: str | None = None
    calendar: str | None = None
    zone: Annotated[str, AfterValidator(_known_zone)]
    from_people: PositiveInt
    triggers: tuple[str, ...] = Field(min_length=1)
    triggers_doubtful: tuple[str, ...] = ()
    exempt_encrypted: bool
    least_risk: LeastRisk
    hold: Hold
    hold_unit: Unit = Unit.NONE
    hold_amount: PositiveInt | None = None
    hold_calendar: str | None = None
    late_needs_reason: bool
    written: Written
    forms: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    read: Literal["source", "statute", "nobody", "contract"]
    verified: bool
    verified_on: date | None = None
    unverified: tuple[str, ...] = ()
    url: str = ""
    further_urls: tuple[str, ...] = ()
    note: str = ""

    def is_doubted(self, today: date) -> bool:
        """Whether somebody has to verify it: nobody has yet, or not within twelve months."""
        return not self.verified or self.verified_on is None or (today - self.verified_on).days > YEAR


class Law(_Part):
    """All of it. Rules are in the order of the file."""

    places: Mapping[str, frozenset[str]]
    trigger: Mapping[str, Trigger]
    calendar: Mapping[str, Calendar]
    rule: tuple[Rule, ...]

    def covers(self, rule: Rule, place: str) -> bool:
        """Whether a rule is one for people of a place."""
        return place == rule.jurisdiction or place in self.places.get(rule.jurisdiction, ())

    def knows(self, place: str) -> bool:
        """Whether there is any rule for a place."""
        return any(self.covers(rule, place) for rule in self.rule)

    def by_id(self, name: str) -> Rule:
        """The rule of a name."""
        return next(rule for rule in self.rule if rule.id == name)


def zone_of(rule: Rule) -> ZoneInfo:
    """The zone in which a rule counts its days."""
    return ZoneInfo(rule.zone)


def read_law(path: Path) -> Law:
    """Read and check the laws. Raises `LawError` with everything that is wrong, and `OSError`."""
    try:
        law = Law.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise LawError([f"{path.name} is no TOML: {error}."]) from None
    except ValidationError as error:
        raise LawError(
            [f"{path.name}: {'.'.join(map(str, each['loc']))}: {each['msg']}." for each in error.errors()]
        ) from None
    problems = list(_faults(law))
    if problems:
        raise LawError([f"{path.name}: {problem}" for problem in problems])
    return law


def _faults(law: Law) -> Iterator[str]:
    names = [rule.id for rule in law.rule]
    yield from (f"two rules are called {name}." for name in sorted({n for n in names if names.count(n) > 1}))
    for rule in law.rule:
        for trigger in (*rule.triggers, *rule.triggers_doubtful):
            if trigger not in law.trigger:
                yield f"{rule.id} names the trigger {trigger}, which is not there."
        yield from (f"{rule.id} {fault}" for fault in _faults_of(rule, law))


def _faults_of(rule: Rule, law: Law) -> Iterator[str]:
    counted = rule.unit is not Unit.NONE
    if counted != ((rule.amount is None) != (rule.amount_from is None)):
        yield "has a limit without a number, or a number without a limit."
    if rule.outer_rule is not None and (counted or rule.outer_rule not in {each.id for each in law.rule}):
        yield f"names the rule {rule.outer_rule}, which is not there or not needed."
    if rule.jurisdiction == CONTRACT and rule.tells is not Tells.SCHOOLS:
        yield "is of a contract and tells somebody else than the school."
    after = rule.hold_amount is not None
    if after != (rule.hold_unit is not Unit.NONE) or (after and rule.hold is Hold.NONE):
        yield "has a time after a hold that nothing counts."
    for unit, calendar in ((rule.unit, rule.calendar), (rule.hold_unit, rule.hold_calendar)):
        if (unit is Unit.BUSINESS_DAYS) != (calendar is not None):
            yield "counts business days without a calendar, or has one that it does not need."
        if calendar is not None and calendar not in law.calendar:
            yield f"names the calendar {calendar}, which is not there."
