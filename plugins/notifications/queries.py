"""What is read of incidents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.accounts import founders
from backoffice.language.texts import gettext
from backoffice.schools.models import School, SchoolKind
from backoffice.schools.queries import school_names
from backoffice.storage.numbers import one_of
from plugins.notifications.models import (
    ConcernedSchool,
    EntryKind,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)
from plugins.notifications.words import ENTRIES

# Further back nobody reads on a page; the file has all of it.
MOST_ENTRIES = 500


@dataclass(frozen=True)
class Entry:
    """A line of the timeline as it is shown. `by` is None for somebody who has left."""

    kind: str
    is_decision: bool
    said: str
    reason: str | None
    happened_at: datetime
    written_at: datetime
    by: str | None


def timeline(tx: Transaction, incident: Incident) -> list[Entry]:
    """What happened and was done, the newest first."""
    some = select(TimelineEntry).where(TimelineEntry.incident_id == incident.id)
    found = tx.scalars(some.order_by(TimelineEntry.id.desc()).limit(MOST_ENTRIES)).all()
    names = founders.names(tx)
    return [
        Entry(
            kind=ENTRIES[EntryKind(each.kind)],
            is_decision=each.kind == EntryKind.DECISION,
            said=each.said,
            reason=each.reason,
            happened_at=each.happened_at,
            written_at=each.written_at,
            by=names.get(each.written_by) if each.written_by is not None else None,
        )
        for each in found
    ]


def tasks(tx: Transaction, incident: Incident) -> Sequence[IncidentTask]:
    """What is to be done and what is done; open ones first, by when they are due."""
    some = select(IncidentTask).where(IncidentTask.incident_id == incident.id)
    return tx.scalars(
        some.order_by(
            IncidentTask.done_at.is_not(None), IncidentTask.due_at.asc().nulls_last(), IncidentTask.id
        ).limit(MOST_ENTRIES)
    ).all()


def late_reasons(tx: Transaction, incident: Incident) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Why notices were given late, by their rules, and why schools were told late, by their identifiers."""
    given: dict[str, list[str]] = {}
    notices = select(GivenNotice.rule, GivenNotice.late_reason).where(
        GivenNotice.incident_id == incident.id, GivenNotice.late_reason.is_not(None)
    )
    for rule, reason in tx.execute(notices.order_by(GivenNotice.id)):
        given.setdefault(rule, []).append(str(reason))
    schools = select(ConcernedSchool.public_id, ConcernedSchool.late_reason).where(
        ConcernedSchool.incident_id == incident.id, ConcernedSchool.late_reason.is_not(None)
    )
    told = tx.execute(schools.order_by(ConcernedSchool.id))
    return given, {school: str(reason) for school, reason in told}


def names_of(tx: Transaction, schools: Sequence[ConcernedSchool]) -> dict[int, str]:
    """What schools are called that are still there, by their numbers.

    A teacher's own school has the teacher's name, which stands on no page of an incident.
    """
    return names_by_number(tx, {each.school_id for each in schools if each.school_id is not None})


def names_by_number(tx: Transaction, numbers: set[int]) -> dict[int, str]:
    """What founders may read of schools with these numbers."""
    some = select(School.id).where(one_of(School.id, numbers), School.kind == SchoolKind.PERSONAL)
    own = set(tx.scalars(visible(tx.principal, some))) if numbers else set()
    teachers = gettext("A teacher's own school")
    return school_names(tx, numbers - own) | dict.fromkeys(own, teachers)


def open_incidents(tx: Transaction) -> Sequence[Incident]:
    """Incidents that are open, drills too, the oldest first."""
    some = visible(tx.principal, select(Incident).where(Incident.closed_at.is_(None)))
    return tx.scalars(some.order_by(Incident.id)).all()
