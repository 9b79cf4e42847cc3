"""What a drill scores: points out of 100, each part from what was written down, and none from an opinion.

The parts are what the policy promises of a breach, and what goes wrong in practice: deadlines, the order in
which people are told, how soon the home page says it, and what is done when something new comes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from plugins.notifications import clocks
from plugins.notifications.clocks import Standing
from plugins.notifications.deadlines.facts import Risk
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Audience, Notice, NoticeState
from plugins.notifications.notices.queries import notices_of

# The second is that of article 33 of the GDPR; the first is our own, for what takes no list of people.
AT_ONCE, AT_LAST = timedelta(hours=24), timedelta(hours=72)
TITLES: Mapping[str, str] = {
    "deadlines": lazy("Deadlines kept"),
    "order": lazy("Schools told before anybody else"),
    "banner": lazy("Banner within 24 hours; no points after 72"),
    "addressed": lazy("Schools, staff and parents written to"),
    "events": lazy("What came in answered in time"),
    "two": lazy("Notices let out by two people"),
    "facts": lazy("What laws ask for written down"),
}
MOST: Mapping[str, int] = {
    "deadlines": 30,
    "order": 10,
    "banner": 15,
    "addressed": 20,
    "events": 15,
    "two": 5,
    "facts": 5,
}
_TO_SCHOOLS = (Audience.SCHOOLS, Audience.LETTERS)
_AFTER_SCHOOLS = (Audience.BANNER, Audience.STAFF, Audience.PARENTS)


@dataclass(frozen=True)
class Scored:
    """The points of each part that there was anything of, and what they come to of 100."""

    parts: Mapping[str, int]

    @classmethod
    def of(cls, kept: Sequence[str]) -> "Scored":
        """What was kept of it."""
        return cls({name: int(points) for name, points in (each.split() for each in kept)})

    @property
    def kept(self) -> list[str]:
        """As it is kept."""
        return [f"{name} {points}" for name, points in self.parts.items()]

    @property
    def score(self) -> int:
        """All points, as a share of those that could be had."""
        most = sum(MOST[name] for name in self.parts)
        return round(100 * sum(self.parts.values()) / most)


def scored(tx: Transaction, incident: Incident, *, at: datetime, ended: bool = False) -> Scored:
    """What a drill comes to at a moment.

    While it goes on, what can still be done in time counts for nothing. When it has ended, what was not done
    was not done in time.
    """
    found = clocks.standing(tx, incident)
    out = [
        each
        for each in notices_of(tx, incident)
        if each.approved_at is not None and (each.audience == Audience.BANNER or not _is_stopped(each))
    ]
    shares = {
        "deadlines": _deadlines(found, at, ended=ended),
        "order": _order(out, found),
        "banner": _banner(out, found, incident),
        "addressed": _addressed(out, found),
        "events": _events(tx, incident, at, ended=ended),
        "two": _two(out),
        "facts": _facts(incident, found),
    }
    return Scored({name: round(MOST[name] * share) for name, share in shares.items() if share is not None})


def _is_stopped(notice: Notice) -> bool:
    return notice.state == NoticeState.ENDED and notice.sent_at is None


def _deadlines(found: Standing, at: datetime, *, ended: bool) -> float | None:
    rows = [row for row in found.deadlines.rows if row.is_ours and row.status.is_to_be_told]
    kept = missed = 0
    for row in rows:
        if row.given_at is not None or clocks.is_told(found, row):
            late = row.is_late or clocks.told_late(found, row)
            kept, missed = kept + (not late), missed + late
        elif ended or (row.due is not None and row.due < at):
            missed += 1
    if kept or missed:
        return kept / (kept + missed)
    # Without a school no law asks for anything: then nothing was kept either.
    return 0.0 if clocks.is_unclear(found) else None


def _order(out: Sequence[Notice], found: Standing) -> float:
    by_other_ways = [each.told_at for each in found.schools.values() if each.told_at]
    schools = [each.approved_at for each in out if each.audience in _TO_SCHOOLS and each.approved_at]
    others = [each.approved_at for each in out if each.audience in _AFTER_SCHOOLS and each.approved_at]
    told = [*by_other_ways, *schools]
    return float(bool(found.schools and told) and all(min(told) <= other for other in others))


def _banner(out: Sequence[Notice], found: Standing, incident: Incident) -> float | None:
    # The police may want nobody told.
    if incident.held_since is not None:
        return None
    up = [each.approved_at for each in out if each.audience == Audience.BANNER and each.approved_at]
    if not up:
        return 0.0
    took = found.pace.lasts(min(up) - incident.opened_at)
    return min(1.0, max(0.0, (AT_LAST - took) / (AT_LAST - AT_ONCE)))


def _addressed(out: Sequence[Notice], found: Standing) -> float:
    schools = found.schools.values()
    if not schools:
        return 0.0
    written = {each.audience for each in out if each.sent_at is not None}
    # Schools may be telephoned, and may tell their people themselves.
    their_own = all(each.individuals_told_at for each in schools)
    reached = (
        bool({*_TO_SCHOOLS} & written) or all(each.told_at for each in schools),
        Audience.STAFF in written or their_own,
        Audience.PARENTS in written or their_own,
    )
    return sum(reached) / len(reached)


def _events(tx: Transaction, incident: Incident, at: datetime, *, ended: bool) -> float | None:
    of_it = select(DrillEvent.answered_at, DrillEvent.late_at).where(DrillEvent.incident_id == incident.id)
    counted = [each for each in tx.rows(of_it) if ended or each.answered_at is not None or each.late_at <= at]
    if not counted:
        return None
    in_time = [each for each in counted if each.answered_at and each.answered_at <= each.late_at]
    return len(in_time) / len(counted)


def _two(out: Sequence[Notice]) -> float | None:
    if not out:
        return None
    return sum(each.review_due_at is None for each in out) / len(out)


def _facts(incident: Incident, found: Standing) -> float:
    schools = found.schools.values()
    known = (
        incident.risk != Risk.UNASSESSED,
        bool(incident.kinds),
        incident.determined_at is not None,
        bool(schools),
        bool(schools) and all(each.contract_rule is not None for each in schools),
    )
    return sum(known) / len(known)
