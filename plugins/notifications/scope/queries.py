"""What is looked up for the scope of incidents, by functions of the database that answer founders alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import column, func, select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage import about
from backoffice.storage.sealed import Sealed, SealedJSON, seal_text
from plugins.notifications.models import Incident
from plugins.notifications.schools import People
from plugins.notifications.scope.models import Extent

_REASON = "scope_source.withdrawn_reason"
_TIMES = ("begun", "read")


@dataclass(frozen=True)
class Found:
    """What a source names, by its numbers, and of which time."""

    extent: Extent
    since: datetime
    until: datetime
    account: int | None = None
    district: int | None = None
    school: int | None = None
    classroom: int | None = None
    student: int | None = None
    classrooms: tuple[int, ...] | None = None

    @property
    def numbers(self) -> dict[str, Any]:
        """What the trail keeps of it."""
        named = {each.name: getattr(self, each.name) for each in fields(self)[3:-1]}
        return {name: number for name, number in named.items() if number is not None}


def sessions_known_by(tx: Transaction, session: str, *, now: datetime) -> Sequence[Found]:
    """The session of somebody of staff with this identifier."""
    return _sessions(tx, session, None, None, now)


def sessions_at(tx: Transaction, account: int, at: datetime, *, now: datetime) -> Sequence[Found]:
    """The sessions that an account of staff had at a moment."""
    return _sessions(tx, None, account, at, now)


def _sessions(
    tx: Transaction, session: str | None, account: int | None, at: datetime | None, now: datetime
) -> Sequence[Found]:
    called = func.plugin_notifications.sessions_of_staff(session, account, at, now)
    found = tx.rows(select(called.table_valued("account_id", "from_at", "until_at")))
    return [Found(Extent.ACCOUNT, row.from_at, row.until_at, account=row.account_id) for row in found]


def export_known_by(tx: Transaction, export: str, *, lasts: timedelta) -> Found | None:
    """Whose data an export held, by what the trail keeps of it since it was made, and as of when.

    From when it was begun until its rows were read, all as of one moment.
    """
    called = func.plugin_notifications.export_known_by(about.outside(export))
    wanted = called.table_valued("at", "school_id", column("detail", SealedJSON("audit_detail.detail")))
    row = next(iter(tx.rows(select(wanted.c.at, wanted.c.school_id, wanted.c.detail))), None)
    if row is None:
        return None
    detail, subject = row.detail, Subject(row.detail["subject"])
    named = {name: detail[name] for name in ("account", "district", "classroom", "student") if name in detail}
    school = row.school_id or detail.get("of_school")
    since, until = (datetime.fromisoformat(detail[name]) if name in detail else row.at for name in _TIMES)
    held = detail.get("classrooms")
    if held is not None:
        named["classrooms"] = tuple(held)
    return Found(_extent(subject, detail), since, max(since, until) + lasts, school=school, **named)


def _extent(subject: Subject, detail: dict[str, Any]) -> Extent:
    if subject is Subject.ACCOUNT:
        return Extent.ROOMS if detail["rooms"] else Extent.OWN
    return Extent.FAMILY if detail["family"] else Extent(subject)


def class_known_by(tx: Transaction, classroom: str) -> Callable[[datetime, datetime], Found] | None:
    """The class with this identifier, in some time."""
    called = func.plugin_notifications.class_known_by(classroom).table_valued("school_id", "id")
    row = next(iter(tx.rows(select(called))), None)
    if row is None:
        return None
    return lambda since, until: Found(Extent.CLASSROOM, since, until, school=row.school_id, classroom=row.id)


def place_known_by(tx: Transaction, place: str) -> Callable[[datetime, datetime], Found] | None:
    """The school or district with this identifier, in some time."""
    of_several = (School.kind == SchoolKind.SCHOOL, School.erasing_since.is_(None))
    school = tx.scalar(visible(tx.principal, select(School.id).where(School.public_id == place, *of_several)))
    if school is not None:
        return lambda since, until: Found(Extent.SCHOOL, since, until, school=school)
    district = tx.scalar(visible(tx.principal, select(District.id).where(District.public_id == place)))
    if district is None:
        return None
    return lambda since, until: Found(Extent.DISTRICT, since, until, district=district)


def withdraw(tx: Transaction, incident: Incident, source: str, *, reason: str, at: datetime) -> bool:
    """Mark a source as withdrawn; whether it was not yet."""
    why = seal_text(reason, context=_REASON)
    called = func.plugin_notifications.withdraw_scope_source(incident.id, source, why, at)
    return bool(tx.scalar(select(called)))


def sources_of(tx: Transaction, incident: Incident) -> Sequence[Any]:
    """What the scope of an incident follows from, the oldest first, and without whose it is; for founders.

    `number` counts them: none is ever taken out, so it stays.
    """
    called = func.plugin_notifications.scope_sources_of(incident.id).table_valued(
        *("public_id", "number", "kind", "extent", "school_id", "is_gone", "from_at", "until_at"),
        "written_at",
        "withdrawn_at",
        column("reason", Sealed(_REASON)),
        "people",
    )
    return tx.rows(select(called))


def in_all(tx: Transaction, incident: Incident) -> People:
    """How many people an incident is about, each once wherever they are; for founders."""
    called = func.plugin_notifications.scope_in_all(incident.id).table_valued("students", "staff", "parents")
    (row,) = tx.rows(select(called))
    return People(row.students, row.staff, row.parents)
