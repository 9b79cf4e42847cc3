"""What goes to schools late: whose time is over, and that a notice says why."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from backoffice.access.transaction import Transaction
from backoffice.storage.numbers import one_of
from plugins.notifications import clocks
from plugins.notifications.authorities.facts import SOON
from plugins.notifications.clocks import Standing
from plugins.notifications.deadlines.law import Tells
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices.models import Audience, Notice

TO_SCHOOLS = frozenset({Audience.SCHOOLS, Audience.LETTERS})


def schools_late(found: Standing, *, now: datetime) -> int:
    """Of how many schools that nobody has told yet the time is over, or is within the hour."""
    return len(
        {
            row.school
            for row in found.deadlines.rows
            if row.rule.tells is Tells.SCHOOLS
            and row.is_ours
            and row.status.is_to_be_told
            and row.given_at is None
            and not clocks.is_told(found, row)
            and row.due is not None
            and row.due <= now + SOON
        }
    )


def told_late_at(found: Standing, told: Sequence[int], *, at: datetime) -> Sequence[int]:
    """Those of these concerned schools whose time is over at a moment at which they are told."""
    these = {
        name: each.id for name, each in found.schools.items() if each.id in told and each.told_at is None
    }
    late = {
        row.school
        for row in found.deadlines.rows
        if row.rule.tells is Tells.SCHOOLS
        and row.is_ours
        and row.status.is_to_be_told
        and row.given_at is None
        and row.due is not None
        and row.due < at
    }
    return [number for name, number in these.items() if name in late]


def keep_reason(tx: Transaction, schools: Sequence[int], reason: str | None) -> None:
    """Keep with these concerned schools why they are told late, unless that is known already."""
    tx.execute(
        update(ConcernedSchool)
        .where(one_of(ConcernedSchool.id, schools), ConcernedSchool.late_reason.is_(None))
        .values(late_reason=reason)
        .execution_options(synchronize_session=False)
    )


def keep_reasons(tx: Transaction, told: Sequence[int]) -> None:
    """Keep with these schools, which were just told, why that is late: as the notice says. As the system."""
    schools: dict[int, list[ConcernedSchool]] = defaultdict(list)
    for each in tx.scalars(select(ConcernedSchool).where(one_of(ConcernedSchool.id, told))):
        schools[each.incident_id].append(each)
    reasons = select(Notice.incident_id, Notice.late_reason).where(
        one_of(Notice.incident_id, schools), Notice.late_reason.is_not(None), Notice.approved_at.is_not(None)
    )
    for number, reason in tx.execute(reasons.order_by(Notice.approved_at.desc(), Notice.id)):
        found = clocks.standing(tx, tx.get_one(Incident, number))
        late = {row.school for row in found.deadlines.rows if row.is_ours and clocks.told_late(found, row)}
        keep_reason(tx, [each.id for each in schools.pop(number, ()) if each.public_id in late], reason)
