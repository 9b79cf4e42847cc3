"""What exports look up: who may take what along, whose turn it is, and what files are to be there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, and_, exists, func, not_, or_, select

from backoffice.access.permissions import CHILDREN_READ, CLASSROOMS_EXPORT, STUDENTS_EXPORT, Permission
from backoffice.access.policy import can, visible
from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.jobs.models import QueuedJob
from backoffice.jobs.queries import ALIVE
from backoffice.language.texts import gettext
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import (
    Classroom,
    District,
    Enrollment,
    Membership,
    Role,
    School,
    Student,
    TeachingRole,
)
from backoffice.schools.picking import Picked
from backoffice.schools.queries import names_of
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import is_public_id
from plugins.exports.content import Scope
from plugins.exports.models import PLACES, UNDER_WAY, Export, ExportState
from plugins.exports.permissions import EXPORTS_MAKE
from plugins.exports.settings import ExportsSettings

MODELS: Mapping[Subject, Any] = {
    Subject.STUDENT: Student,
    Subject.CLASSROOM: Classroom,
    Subject.SCHOOL: School,
    Subject.DISTRICT: District,
    Subject.ACCOUNT: Account,
}
# By which right each goes along; a district's leader and an account's owner are known by themselves.
NEEDED: Mapping[Subject, Permission] = {
    Subject.STUDENT: STUDENTS_EXPORT,
    Subject.CLASSROOM: CLASSROOMS_EXPORT,
    Subject.SCHOOL: EXPORTS_MAKE,
}
# By which ways a personal school's own teacher came; guests are invited.
OWN_WAYS = ("sign-up", "earlier")
MOST_SHOWN = 200


@dataclass(frozen=True)
class Named:
    """An export as a list shows it: of what and by whom, if its reader may know; `ahead` wait before it."""

    row: Export
    name: str
    ahead: int
    by: str


class Standing(NamedTuple):
    """One that is being made or is ready, as far as a number says it."""

    state: str
    ready_at: datetime | None
    downloads: int

    def fetched_until(self, limits: ExportsSettings) -> datetime | None:
        """Until when it can be fetched; None if it cannot be, or is not ready."""
        if self.ready_at is None or self.downloads >= limits.downloads:
            return None
        return self.ready_at + limits.kept


def needed(subject: Subject, *, for_family: bool) -> Permission | None:
    """The right that is needed on what is taken along; None where there is no such right."""
    return CHILDREN_READ if for_family else NEEDED.get(subject)


def may_take(tx: Transaction, row: Export) -> bool:
    """Whether the principal, who asked for it, may take along what it is of, now."""
    subject = Subject(row.subject)
    if subject is Subject.ACCOUNT:
        return row.asked_by == tx.principal.account_id and _may_take_rooms(tx, row.rooms or ())
    if subject is Subject.DISTRICT:
        led = select(District.id).where(District.id == row.district_id, District.id.in_(_led(tx)))
        return tx.scalar(led) is not None
    model, number = MODELS[subject], getattr(row, PLACES[subject])
    right = needed(subject, for_family=row.for_family)
    return tx.scalar(visible(tx.principal, select(model.id).where(model.id == number), right)) is not None


def _may_take_rooms(tx: Transaction, rooms: Collection[int]) -> bool:
    mine = visible(tx.principal, select(Classroom.id).where(one_of(Classroom.id, rooms)), CLASSROOMS_EXPORT)
    return not rooms or len(tx.scalars(mine).all()) == len(rooms)


def own_rooms(tx: Transaction) -> list[int]:
    """The classes that the principal teaches and may take along, by number."""
    if not can(tx.principal, CLASSROOMS_EXPORT):
        return []
    mine = TeachingRole.account_id == tx.principal.account_id
    taught = select(Classroom.id).where(
        exists().where(
            mine, TeachingRole.school_id == Classroom.school_id, TeachingRole.classroom_id == Classroom.id
        )
    )
    return list(tx.scalars(visible(tx.principal, taught, CLASSROOMS_EXPORT).order_by(Classroom.id)))


def taken_by(tx: Transaction, row: Export, scope: Scope) -> Scope | None:
    """What of a scope the principal, who asked for it, may take along now; None if nothing."""
    if row.rooms is not None:
        left = [number for number in own_rooms(tx) if number in row.rooms]
        return replace(scope, rooms=tuple(left))
    return scope if may_take(tx, row) else None


def scope_of(tx: Transaction, row: Export) -> Scope:
    """Of what an export is, for whoever writes it. As the system."""
    subject = Subject(row.subject)
    model, number = MODELS[subject], getattr(row, PLACES[subject])
    public_id = tx.scalars(select(model.public_id).where(model.id == number)).one()
    return Scope(subject, number, public_id, row.for_family, tuple(row.rooms or ()))


def locked_under_way(tx: Transaction) -> dict[int, Export]:
    """All that are still to be made, kept from other workers: only one of them gives out turns."""
    under_way = select(Export).where(Export.state.in_(UNDER_WAY)).order_by(Export.id)
    found = tx.scalars(under_way.with_for_update().execution_options(populate_existing=True))
    return {row.id: row for row in found}


def has_turn(row: Export, under_way: Collection[Export], limits: ExportsSettings) -> bool:
    """Whether one that waits can begin, beside those that are being made and not before an older one.

    Workers take jobs in any order. Only such of the same person or school go before.
    """
    older = (each for each in under_way if each.state == ExportState.QUEUED and each.id < row.id)
    before = [each for each in older if each.asked_by == row.asked_by or _same_school(each, row)]
    return _has_room(row, under_way, limits) and not any(
        _has_room(each, under_way, limits) for each in before
    )


def _has_room(row: Export, under_way: Collection[Export], limits: ExportsSettings) -> bool:
    making = [each for each in under_way if each.state == ExportState.MAKING]
    of_person = sum(each.asked_by == row.asked_by for each in making)
    of_school = sum(_same_school(each, row) for each in making)
    return of_person < limits.of_a_person and of_school < limits.of_a_school


def _same_school(one: Export, other: Export) -> bool:
    return one.school_id is not None and one.school_id == other.school_id


def next_after(tx: Transaction, row: Export, *, job: str, most: int) -> Sequence[int]:
    """The numbers of those that wait with one, of the same person or school, and for no worker to come."""
    same = [Export.asked_by == row.asked_by]
    if row.school_id is not None:
        same.append(Export.school_id == row.school_id)
    waiting = _left_waiting(job).where(or_(*same))
    return tx.scalars(waiting.order_by(Export.id).limit(most)).all()


def waiting(tx: Transaction, *, job: str, most: int) -> Sequence[int]:
    """The numbers of those that wait and for which no worker is to come, the oldest first."""
    return tx.scalars(_left_waiting(job).order_by(Export.id).limit(most)).all()


def _left_waiting(job: str) -> Select[int]:
    # A worker that has one in hand may have seen already that it has no turn.
    to_come = _in_queue(job, ("todo",))
    return select(Export.id).where(Export.state == ExportState.QUEUED, not_(to_come))


def files(tx: Transaction) -> set[str]:
    """The names of all files that are to be there."""
    return {name for name in tx.scalars(select(Export.file).where(Export.file.is_not(None))) if name}


def file_key(tx: Transaction, row: Export) -> bytes | None:
    """What opens the file of an export, as long as it is there."""
    return tx.scalars(select(Export.file_key).where(Export.id == row.id)).one_or_none()


def own(tx: Transaction) -> list[Named]:
    """The principal's own exports, the latest first."""
    mine = visible(tx.principal, select(Export)).where(Export.asked_by == tx.principal.account_id)
    return _named(tx, tx.scalars(mine.order_by(Export.id.desc()).limit(MOST_SHOWN)).all())


def own_standing(tx: Transaction) -> Sequence[Standing]:
    """The principal's own exports that are being made or are ready; one statement."""
    wanted = select(Export.state, Export.ready_at, Export.downloads).where(
        Export.asked_by == tx.principal.account_id, Export.state.in_((*UNDER_WAY, ExportState.READY))
    )
    rows = tx.execute(visible(tx.principal, wanted).order_by(Export.id.desc()).limit(MOST_SHOWN))
    return [Standing(*row) for row in rows]


def of_others(tx: Transaction) -> list[Named]:
    """What others took along of the schools and districts that the principal leads."""
    theirs = visible(tx.principal, select(Export), EXPORTS_MAKE)
    theirs = theirs.where(Export.asked_by != tx.principal.account_id)
    return _named(tx, tx.scalars(theirs.order_by(Export.id.desc()).limit(MOST_SHOWN)).all())


def _named(tx: Transaction, rows: Sequence[Export]) -> list[Named]:
    names = {subject: _names(tx, subject, rows) for subject in {Subject(row.subject) for row in rows}}
    people = names_of(tx, {row.asked_by for row in rows})
    before = _ahead(tx, [row.id for row in rows if row.state == ExportState.QUEUED])
    return [
        Named(
            row,
            names[Subject(row.subject)].get(getattr(row, PLACES[Subject(row.subject)]), ""),
            before.get(row.id, 0),
            people.get(row.asked_by, ""),
        )
        for row in rows
    ]


def _ahead(tx: Transaction, numbers: Sequence[int]) -> dict[int, int]:
    if not numbers:
        return {}
    found = select(Export.id, func.plugin_exports.ahead(Export.id)).where(one_of(Export.id, numbers))
    return {row[0]: row[1] for row in tx.execute(found)}


def _names(tx: Transaction, subject: Subject, rows: Sequence[Export]) -> dict[int, str]:
    """What these are called, as far as the principal may see them."""
    of = [row for row in rows if row.subject == subject]
    numbers = {getattr(row, PLACES[subject]) for row in of}
    if subject is Subject.ACCOUNT:
        return {}
    if subject is Subject.STUDENT:
        return _names_of_children(tx, numbers)
    model = MODELS[subject]
    named = select(model.id, model.name).where(one_of(model.id, numbers))
    if subject is not Subject.DISTRICT:
        named = visible(tx.principal, named)
    return {row.id: row.name for row in tx.execute(named)}


def _names_of_children(tx: Transaction, numbers: Collection[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    named = select(Student.id, Student.given_name, Student.family_name).where(one_of(Student.id, numbers))
    for right in (None, CHILDREN_READ):
        for row in tx.execute(visible(tx.principal, named, right)):
            found[row.id] = _full_name(row)
    return found


def own_children(tx: Transaction) -> list[Picked]:
    """The children that the principal follows."""
    named = select(Student.public_id, Student.given_name).order_by(Student.id)
    rows = tx.execute(visible(tx.principal, named, CHILDREN_READ)) if can(tx.principal, CHILDREN_READ) else ()
    return [Picked(row.public_id, row.given_name) for row in rows]


def student(tx: Transaction, public_id: str) -> list[Picked]:
    """One student whom the principal may take along; nobody where there is none."""
    if not is_public_id(public_id) or not can(tx.principal, STUDENTS_EXPORT):
        return []
    named = select(Student.public_id, Student.given_name, Student.family_name)
    rows = tx.execute(visible(tx.principal, named.where(Student.public_id == public_id), STUDENTS_EXPORT))
    return [Picked(row.public_id, _full_name(row)) for row in rows]


def _full_name(row: Any) -> str:
    return f"{row.given_name} {row.family_name or ''}".strip()


def students_in(tx: Transaction, classroom: str) -> list[Picked]:
    """The students of a class that the principal may take along."""
    named = select(Student.public_id, Student.given_name, Student.family_name)
    seats = (
        select(Enrollment.student_id)
        .join(Classroom, Classroom.id == Enrollment.classroom_id)
        .where(Classroom.public_id == classroom, Enrollment.ended_at.is_(None))
    )
    rows = tx.execute(visible(tx.principal, named, STUDENTS_EXPORT).where(Student.id.in_(seats)))
    named_so = [Picked(row.public_id, _full_name(row)) for row in rows]
    return sorted(named_so, key=lambda each: each.name.casefold())


def districts_led(tx: Transaction) -> list[Picked]:
    """The districts that the principal may take along."""
    if not can(tx.principal, EXPORTS_MAKE):
        return []
    named = select(District.public_id, District.name).where(District.id.in_(_led(tx))).order_by(District.id)
    return [
        Picked(row.public_id, gettext("%(name)s (all its schools)", name=row.name))
        for row in tx.execute(named)
    ]


def led_district(tx: Transaction, *, public_id: str) -> int | None:
    """The number of a district that the principal leads."""
    if not is_public_id(public_id):
        return None
    wanted = select(District.id).where(District.public_id == public_id)
    if tx.principal.kind is not Kind.SYSTEM:
        wanted = wanted.where(District.id.in_(_led(tx)))
    return tx.scalar(wanted)


def _led(tx: Transaction) -> Select[Any]:
    """The numbers of the districts that the principal leads."""
    return select(Membership.district_id).where(
        Membership.account_id == tx.principal.account_id,
        Membership.role == Role.LEADER,
        Membership.suspended_at.is_(None),
    )


def is_over(limits: ExportsSettings, *, at: datetime) -> ColumnElement[bool]:
    """The condition of those whose time to be fetched is over."""
    return Export.ready_at <= at - limits.kept


def spent(limits: ExportsSettings, *, at: datetime, fetching: datetime) -> ColumnElement[bool]:
    """The condition of those whose file goes: its time is over, or it was fetched for the last time."""
    fetched = and_(Export.downloads >= limits.downloads, Export.fetched_at <= fetching)
    return and_(Export.state == ExportState.READY, or_(is_over(limits, at=at), fetched))


def stuck(*, job: str, before: datetime) -> ColumnElement[bool]:
    """The condition of those that nobody makes any more: begun before then, or no worker has it to do.

    Whoever was killed at the last try could not say so. What has waited since before then is of them too:
    a passphrase waits with it.
    """
    left = or_(Export.started_at < before, not_(_in_queue(job, ALIVE)))
    return or_(
        and_(Export.state == ExportState.MAKING, left),
        and_(Export.state == ExportState.QUEUED, Export.asked_at < before),
    )


def _in_queue(job: str, status: Collection[str]) -> ColumnElement[bool]:
    """Whether a job to make one is in the queue, in one of these states."""
    return exists().where(
        QueuedJob.task_name == job,
        QueuedJob.args["number"].astext.cast(BigInteger) == Export.id,
        QueuedJob.status.in_(status),
    )
