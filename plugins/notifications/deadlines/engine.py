"""Who has to be told of an incident, and by when: computed from laws and facts each time, and kept nowhere.

Every rule for a place where people are gives a row, also where nothing is to be told, with the reason:
whoever reads it sees what was thought of. The steps by which a row gets its answer stand at the head of
`config/jurisdictions.toml`; the first one that ends it gives the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from plugins.notifications.deadlines.counting import last_moment
from plugins.notifications.deadlines.facts import Encrypted, Facts, Group, Risk, Role, SchoolFacts, check
from plugins.notifications.deadlines.law import (
    CONTRACT,
    Actor,
    Hold,
    Law,
    LeastRisk,
    Order,
    Rule,
    Start,
    Tells,
    Unit,
    zone_of,
)

STUDENTS = "students"


class Status(StrEnum):
    """What a row answers."""

    DUE = "due"
    NO_FIXED_LIMIT = "no_fixed_limit"
    WAITING = "waiting"
    HELD = "held"
    DOUBTFUL = "doubtful"
    NOT_REQUIRED = "not_required"

    @property
    def is_to_be_told(self) -> bool:
        """Whether somebody is to be told, now or later, or may have to be."""
        return self is not Status.NOT_REQUIRED


class Reason(StrEnum):
    """Why nothing is to be told."""

    NO_ONE_AFFECTED = "no_one_affected"
    DATA_NOT_COVERED = "data_not_covered"
    ENCRYPTED_KEY_SAFE = "encrypted_key_safe"
    RISK_TOO_LOW = "risk_too_low"
    BELOW_THRESHOLD = "below_threshold"


class WaitsFor(StrEnum):
    """What has to come before a clock runs."""

    SCHOOL_TOLD = "school_told"
    DETERMINED = "determined"
    CONFIRMED = "confirmed"
    NOTICE_SENT = "notice_sent"
    RISK_JUDGEMENT = "risk_judgement"


@dataclass(frozen=True)
class Row:
    """What one rule says: for one school where it has to be told or to tell, else for all.

    `due` is the last moment; `normal_due` the one that a hold moves or keeps back; `safe_due` what it would
    be if the clock had begun as it was noticed; `due_if` what it is if the doubtful data count. All are in
    the zone in which the days are counted.
    """

    rule: Rule
    school: str | None = None
    is_ours: bool = True
    to: tuple[str, ...] = ()
    status: Status = Status.DUE
    reason: Reason | None = None
    waits_for: WaitsFor | None = None
    due: datetime | None = None
    normal_due: datetime | None = None
    safe_due: datetime | None = None
    due_if: datetime | None = None
    people: int = 0
    doubtful_people: int = 0
    order: Order = Order.FREE
    given_at: datetime | None = None
    is_late: bool = False
    needs_reason: bool = False


class Bound(StrEnum):
    """Whether something binds, so that somebody is to be told."""

    NONE = "none"
    NO = "no"
    UNKNOWN = "unknown"
    SCHOOL = "school"
    YES = "yes"


@dataclass(frozen=True)
class Deadlines:
    """All rows; which end first of those that are ours; places of which no rule is known.

    `earliest` are running whether or not a notice was given. `incomplete_places` have rules, but none about
    whom we have to tell first: the people, or the schools for which we keep the data. A person has to look at
    them. `contract` and `statute` say which of the two has somebody told, where we keep data for schools.
    """

    rows: tuple[Row, ...]
    earliest: tuple[Row, ...]
    unknown_places: tuple[str, ...]
    incomplete_places: tuple[str, ...]
    contract: Bound
    statute: Bound


def deadlines(law: Law, facts: Facts) -> Deadlines:
    """What the laws say of these facts. Raises `FactsError` for facts that cannot be."""
    check(law, facts)
    rows = tuple(row for rule in law.rule for row in _rows(law, facts, rule))
    running = [row for row in rows if row.is_ours and row.status is Status.DUE and row.due is not None]
    first = min((_moment(row) for row in running), default=None)
    places = sorted({group.place for group in facts.people})
    unknown = tuple(place for place in places if not law.knows(place))
    return Deadlines(
        rows,
        tuple(row for row in running if _moment(row) == first),
        unknown,
        tuple(place for place in places if place not in unknown and not _is_complete(law, facts, place)),
        _by_contract(facts, rows),
        _by_statute(rows, unknown),
    )


def _moment(row: Row) -> datetime:
    assert row.due is not None
    return _utc(row.due)


def _utc(moment: datetime) -> datetime:
    """As it is compared: two moments of one zone are compared by the clock on the wall, which goes back."""
    return moment.astimezone(UTC)


def _is_complete(law: Law, facts: Facts, place: str) -> bool:
    """Whether there is a rule for whom we have to tell first."""
    first = {Tells.SCHOOLS} if facts.role is Role.PROCESSOR else {Tells.INDIVIDUALS, Tells.PARENTS}
    ours = Actor.PROCESSOR if facts.role is Role.PROCESSOR else Actor.CONTROLLER
    return any(law.covers(rule, place) and rule.actor is ours and rule.tells in first for rule in law.rule)


def _by_contract(facts: Facts, rows: Sequence[Row]) -> Bound:
    if all(school.contract is None for school in facts.schools.values()):
        return Bound.NONE
    asked = any(row.rule.jurisdiction == CONTRACT and row.status.is_to_be_told for row in rows)
    return Bound.YES if asked else Bound.NO


def _by_statute(rows: Sequence[Row], unknown: Sequence[str]) -> Bound:
    asked = [row for row in rows if row.rule.jurisdiction != CONTRACT and row.status.is_to_be_told]
    if any(row.is_ours for row in asked):
        return Bound.YES
    if asked:
        return Bound.SCHOOL
    return Bound.UNKNOWN if unknown else Bound.NO


# ------------------------------------------------------------------------------------- whose rows


def _rows(law: Law, facts: Facts, rule: Rule) -> Iterator[Row]:
    """One row for each who bears the duty, or has to be told."""
    if rule.jurisdiction == CONTRACT:
        for school in facts.schools.values():
            if school.contract is not None and school.contract.rule == rule.id:
                yield _answered(law, facts, Row(rule, school.id), _of_school(facts.people, school.id))
        return
    there = [group for group in facts.people if law.covers(rule, group.place)]
    if not there or not _is_borne(rule.actor, facts.role):
        return
    ours = rule.actor is Actor.PROCESSOR or facts.role is Role.CONTROLLER
    if facts.role is Role.CONTROLLER or (ours and rule.tells is not Tells.SCHOOLS):
        yield _answered(law, facts, Row(rule), there)
        return
    by_school: dict[str | None, list[Group]] = {}
    for group in there:
        by_school.setdefault(group.school, []).append(group)
    for name, groups in by_school.items():
        yield _answered(law, facts, Row(rule, name, is_ours=ours), groups)


def _is_borne(actor: Actor, role: Role) -> bool:
    """Whether anybody bears such a duty, as far as our role goes."""
    return role is Role.PROCESSOR or actor is Actor.CONTROLLER


def _of_school(people: Sequence[Group], school: str | None) -> list[Group]:
    return [group for group in people if group.school == school]


# ------------------------------------------------------------------------------------- what a row says


def _answered(law: Law, facts: Facts, row: Row, people: Sequence[Group]) -> Row:
    counted = _Counted(law, row.rule, people)
    reason = counted.reason(facts.risk)
    if reason is not None:
        return replace(row, status=Status.NOT_REQUIRED, reason=reason)
    row = replace(
        row,
        to=_told(row.rule, [*counted.sure, *counted.doubtful]),
        people=_number(counted.sure),
        doubtful_people=_number(counted.doubtful),
    )
    clock = _Clock(law, facts, row)
    row = clock.answer()
    row = _with_what_was_given(facts, row)
    if counted.is_in_doubt and row.status in {Status.DUE, Status.NO_FIXED_LIMIT}:
        return replace(row, status=Status.DOUBTFUL, due=None, due_if=row.due, order=Order.FREE)
    return row


def _number(people: Sequence[Group]) -> int:
    return sum(group.number for group in people)


def _told(rule: Rule, people: Sequence[Group]) -> tuple[str, ...]:
    """Who is really told. Children are told through their parents, and adult students are told themselves."""
    if rule.tells not in {Tells.INDIVIDUALS, Tells.PARENTS}:
        return (rule.tells,)
    told = {Tells.PARENTS if group.who == STUDENTS else Tells.INDIVIDUALS for group in people}
    return tuple(sorted(told))


class _Counted:
    """The people of one row: who is sure to count, who only if something doubtful does, why nobody does."""

    def __init__(self, law: Law, rule: Rule, people: Sequence[Group]) -> None:
        self._rule = rule
        self._there = [group for group in people if group.number > 0]
        self._sure = [group for group in self._there if _meets(law, rule.triggers, group)]
        self._doubtful = [
            group
            for group in self._there
            if group not in self._sure and _meets(law, rule.triggers_doubtful, group)
        ]
        self.sure = [group for group in self._sure if not self._is_exempt(group)]
        self.doubtful = [group for group in self._doubtful if not self._is_exempt(group)]

    def reason(self, risk: Risk) -> Reason | None:
        """Why nothing is to be told, if that is so."""
        if not self._there:
            return Reason.NO_ONE_AFFECTED
        if not self._sure and not self._doubtful:
            return Reason.DATA_NOT_COVERED
        if not self.sure and not self.doubtful:
            return Reason.ENCRYPTED_KEY_SAFE
        if _is_too_low(risk, self._rule.least_risk):
            return Reason.RISK_TOO_LOW
        if _number(self.sure) + _number(self.doubtful) < self._rule.from_people:
            return Reason.BELOW_THRESHOLD
        return None

    @property
    def is_in_doubt(self) -> bool:
        """Whether the duty hangs on data of which no source says that they count."""
        return _number(self.sure) < self._rule.from_people

    def _is_exempt(self, group: Group) -> bool:
        return self._rule.exempt_encrypted and group.encrypted is Encrypted.KEY_SAFE


def _meets(law: Law, triggers: Sequence[str], group: Group) -> bool:
    return any(law.trigger[name].is_met_by(group.who, group.kinds) for name in triggers)


def _is_too_low(risk: Risk, least: LeastRisk) -> bool:
    """A risk that nobody has judged counts as one; whether it is high is waited for."""
    if least is LeastRisk.ANY:
        return False
    if least is LeastRisk.RISK:
        return risk is Risk.UNLIKELY
    return risk in {Risk.UNLIKELY, Risk.RISK}


class _Clock:
    """From when and to when one row runs."""

    def __init__(self, law: Law, facts: Facts, row: Row) -> None:
        self._law, self._facts, self._row = law, facts, row
        self._school: SchoolFacts | None = facts.schools.get(row.school) if row.school else None

    def answer(self) -> Row:
        """The row with its moments."""
        row, rule = self._row, self._row.rule
        start = self._moment(self._start_of(rule))
        if start is None:
            return replace(
                row, status=Status.WAITING, waits_for=self._waits_for(rule), safe_due=self._safe_due(rule)
            )
        if rule.least_risk is LeastRisk.HIGH and self._facts.risk is Risk.UNASSESSED:
            return replace(row, status=Status.WAITING, waits_for=WaitsFor.RISK_JUDGEMENT)
        normal = self._limit(rule, start)
        if rule.outer_rule is not None:
            normal = self._outer(self._law.by_id(rule.outer_rule))
        if self._is_held(rule):
            return replace(row, status=Status.HELD, normal_due=normal)
        due = self._moved(rule, normal)
        if due != normal:
            row = replace(row, normal_due=normal)
        return self._ended(row, due)

    def _ended(self, row: Row, due: datetime | None) -> Row:
        order, told = row.rule.order, self._individuals_told(row.rule)
        if order is not Order.FREE and told is not None and (due is None or _utc(told) < _utc(due)):
            due = told.astimezone(self._zone(row.rule))
        status = Status.NO_FIXED_LIMIT if due is None else Status.DUE
        return replace(row, status=status, due=due, order=order)

    # -- from when

    def _start_of(self, rule: Rule) -> Start:
        contract = self._school.contract if self._school and rule.amount_from == CONTRACT else None
        return contract.start if contract and contract.start else rule.clock_start

    def _moment(self, start: Start) -> datetime | None:
        """When whoever bears the duty knew. A school knows as we tell it: of more we do not know."""
        if start is Start.NOTICE_SENT:
            return self._individuals_told(self._row.rule)
        if not self._row.is_ours:
            return self._school.told if self._school else None
        ours = {
            Start.NOTICED: self._facts.noticed,
            Start.DETERMINED: self._facts.determined,
            Start.CONFIRMED: self._facts.confirmed,
        }
        return ours[start]

    def _individuals_told(self, rule: Rule) -> datetime | None:
        if self._school is not None:
            return self._school.individuals_told
        return self._facts.individuals_told.get(rule.jurisdiction)

    def _waits_for(self, rule: Rule) -> WaitsFor:
        start = self._start_of(rule)
        if start is not Start.NOTICE_SENT and not self._row.is_ours:
            return WaitsFor.SCHOOL_TOLD
        return WaitsFor(start)

    def _safe_due(self, rule: Rule) -> datetime | None:
        """Who waits for a finding of its own is safe with the day counted from noticing it."""
        if self._waits_for(rule) not in {WaitsFor.DETERMINED, WaitsFor.CONFIRMED}:
            return None
        return self._limit(rule, self._facts.noticed)

    # -- to when

    def _zone(self, rule: Rule) -> ZoneInfo:
        """A day is one of whoever is told."""
        return self._school.zone if self._school and rule.tells is Tells.SCHOOLS else zone_of(rule)

    def _limit(self, rule: Rule, start: datetime) -> datetime | None:
        contract = self._school.contract if self._school and rule.amount_from == CONTRACT else None
        amount = contract.hours if contract else rule.amount
        if rule.unit is Unit.NONE or amount is None:
            return None
        calendar = self._law.calendar[rule.calendar] if rule.calendar else None
        return last_moment(start, rule.unit, amount, zone=self._zone(rule), calendar=calendar)

    def _outer(self, rule: Rule) -> datetime | None:
        """The last moment of the notice before which another one has to be."""
        start = self._moment(self._start_of(rule))
        return None if start is None else self._moved(rule, self._limit(rule, start))

    # -- what the police ask for

    def _is_held(self, rule: Rule) -> bool:
        hold = self._facts.hold
        return rule.hold is Hold.POSTPONES and hold is not None and hold.until is None

    def _moved(self, rule: Rule, normal: datetime | None) -> datetime | None:
        """A hold that has ended leaves its time afterwards, and never makes a limit shorter."""
        hold = self._facts.hold
        if normal is None or rule.hold is not Hold.POSTPONES or hold is None or hold.until is None:
            return normal
        after, zone = hold.until.astimezone(self._zone(rule)), self._zone(rule)
        if rule.hold_amount is not None:
            calendar = self._law.calendar[rule.hold_calendar] if rule.hold_calendar else None
            after = last_moment(hold.until, rule.hold_unit, rule.hold_amount, zone=zone, calendar=calendar)
        return max(normal, after, key=_utc)


def _with_what_was_given(facts: Facts, row: Row) -> Row:
    given = (each.at for each in facts.given if (each.rule, each.school) == (row.rule.id, row.school))
    at = min(given, key=_utc, default=None)
    if at is None:
        return row
    late = row.due is not None and _utc(at) > _utc(row.due)
    return replace(row, given_at=at, is_late=late, needs_reason=late and row.rule.late_needs_reason)
