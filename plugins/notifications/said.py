"""What the laws say of an incident, as a page shows it: each rule once, with how far it is fulfilled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backoffice.language.texts import gettext, lazy
from plugins.notifications.clocks import Standing, is_told, told_late
from plugins.notifications.deadlines.engine import Bound, Reason, Row, Status, WaitsFor
from plugins.notifications.deadlines.law import Rule, Tells
from plugins.notifications.drills.pace import Pace

# How long before its end a clock turns colour.
SOON, NEXT = timedelta(hours=24), timedelta(hours=72)
# Whom a form is handed in to.
AUTHORITIES = frozenset({Tells.ATTORNEY_GENERAL, Tells.REGULATOR, Tells.POLICE})
TELLS: Mapping[Tells, str] = {
    Tells.INDIVIDUALS: lazy("The people concerned"),
    Tells.PARENTS: lazy("Parents"),
    Tells.SCHOOLS: lazy("Schools and districts"),
    Tells.ATTORNEY_GENERAL: lazy("The attorney general"),
    Tells.REGULATOR: lazy("The authority for data protection"),
    Tells.POLICE: lazy("The police"),
}
WAITS: Mapping[WaitsFor, str] = {
    WaitsFor.SCHOOL_TOLD: lazy("Begins when we tell the school."),
    WaitsFor.DETERMINED: lazy("Begins when it is determined to be a breach."),
    WaitsFor.CONFIRMED: lazy("Begins when it is confirmed, with all that a notice says."),
    WaitsFor.NOTICE_SENT: lazy("Begins when the people concerned are told."),
    WaitsFor.RISK_JUDGEMENT: lazy("Only at a high risk: judge the risk."),
}
REASONS: Mapping[Reason, str] = {
    Reason.NO_ONE_AFFECTED: lazy("Nobody there is concerned."),
    Reason.DATA_NOT_COVERED: lazy("These kinds of data do not count under this law."),
    Reason.ENCRYPTED_KEY_SAFE: lazy("The data were encrypted and the key is safe."),
    Reason.RISK_TOO_LOW: lazy("The risk was judged too low."),
    Reason.BELOW_THRESHOLD: lazy("Fewer people are concerned than the law begins with."),
}
BOUND: Mapping[Bound, str] = {
    Bound.NONE: lazy("There is none that says so"),
    Bound.NO: lazy("No"),
    Bound.UNKNOWN: lazy("Not known: look at the places below"),
    Bound.SCHOOL: lazy("It is the schools that have to tell, once we have told them"),
    Bound.YES: lazy("Yes"),
}

_STATES: Mapping[Status, tuple[str, str]] = {
    Status.WAITING: (lazy("Not begun"), "mute"),
    Status.HELD: (lazy("Stands still"), "info"),
    Status.NO_FIXED_LIMIT: (lazy("Without undue delay"), "warn"),
}


@dataclass(frozen=True)
class Clock:
    """One rule as an incident meets it. `school` is the identifier where it is about one school alone."""

    rule: Rule
    tells: str
    state: str
    tone: str
    note: str
    is_ours: bool
    is_open: bool
    number: int
    done: int
    late: int
    due: datetime | None = None
    school: str | None = None

    @property
    def is_of_authority(self) -> bool:
        """Whether we can answer it by a form to an authority."""
        return self.is_ours and self.rule.tells in AUTHORITIES

    @property
    def order(self) -> tuple[bool, bool, datetime | None, str]:
        """What ends first comes first; what is over comes last."""
        return (not self.is_open, not self.is_ours, self.due, self.rule.id)


def clocks(found: Standing, now: datetime) -> list[Clock]:
    """Each rule under which somebody is told, or may be, or was; what ends first comes first."""
    by_rule: dict[str, list[Row]] = {}
    for row in found.deadlines.rows:
        if row.status.is_to_be_told:
            by_rule.setdefault(row.rule.id, []).append(row)
    made = [_clock(found, rows, now) for rows in by_rule.values()]
    far = max((each.due for each in made if each.due), default=now) + timedelta(days=1)
    return sorted(made, key=lambda each: (*each.order[:2], each.due or far, each.rule.id))


def not_owed(found: Standing) -> list[tuple[Rule, str]]:
    """Each rule that asks for nothing here, and why."""
    asked = {row.rule.id for row in found.deadlines.rows if row.status.is_to_be_told}
    said: dict[str, tuple[Rule, str]] = {}
    for row in found.deadlines.rows:
        if row.reason is not None and row.rule.id not in asked:
            said.setdefault(row.rule.id, (row.rule, REASONS[row.reason]))
    return list(said.values())


def late_reasons(
    found: Standing, given: Mapping[str, list[str]], schools: Mapping[str, str]
) -> Mapping[str, list[str]]:
    """Why what a rule asks for was done late, each reason once, by the rule."""
    said: dict[str, list[str]] = {rule: list(reasons) for rule, reasons in given.items()}
    for row in found.deadlines.rows:
        if row.school is not None and row.school in schools and told_late(found, row):
            said.setdefault(row.rule.id, []).append(schools[row.school])
    return {rule: list(dict.fromkeys(reasons)) for rule, reasons in said.items()}


def _clock(found: Standing, rows: Sequence[Row], now: datetime) -> Clock:
    left, late = [], 0
    for row in rows:
        if row.given_at is None and not is_told(found, row):
            left.append(row)
        elif row.is_late or told_late(found, row):
            late += 1
    first = min(left or rows, key=lambda row: row.due or row.due_if or now + timedelta(days=36500))
    state, tone = _state(first, now, found.pace) if left else _over(late)
    return Clock(
        rule=first.rule,
        tells=TELLS[first.rule.tells],
        state=state,
        tone=tone,
        note=_note(first) if left else "",
        is_ours=first.is_ours,
        is_open=bool(left),
        number=len(rows),
        done=len(rows) - len(left),
        late=late,
        due=(first.due or first.due_if) if left else None,
        school=first.school if len(rows) == 1 else None,
    )


def _state(row: Row, now: datetime, pace: Pace) -> tuple[str, str]:
    if row.status is Status.WAITING and row.safe_due is not None and row.safe_due < now:
        return gettext("Late, if it had begun when it was noticed"), "warn"
    if row.status in _STATES:
        word, tone = _STATES[row.status]
        return str(word), tone
    due = row.due or row.due_if
    if due is None:
        return gettext("To be judged"), "warn"
    if due < now:
        return gettext("Late"), "bad"
    if row.status is Status.DOUBTFUL:
        return gettext("To be judged"), "warn"
    left = pace.lasts(due - now)
    return gettext("Running"), "bad" if left < SOON else "warn" if left < NEXT else "info"


def _over(late: int) -> tuple[str, str]:
    if late:
        return gettext("Done late"), "warn"
    return gettext("Done"), "good"


def _note(row: Row) -> str:
    if row.waits_for is not None:
        return WAITS[row.waits_for]
    if row.status is Status.HELD:
        return gettext("The police ask to tell nobody.")
    if row.status is Status.DOUBTFUL:
        return gettext("Nobody has confirmed that these data count. A person has to decide.")
    return ""
