"""Noting the last change of a class's roster or names, and undoing it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Text, func, insert, literal, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_EDIT, STUDENTS_UNENROLL
from backoffice.access.policy import visible
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import keep_changes
from backoffice.changes.models import StudentChange, StudentField
from backoffice.language.texts import lazy
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.kinds import ROSTER_CHANGES
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.roster_models import ChangedHow, ChangeKind, RosterChange, RosterChangeStudent
from backoffice.storage import functions
from backoffice.storage.lists import side_by_side
from backoffice.storage.numbers import one_of

UNDONE_WITHIN = timedelta(hours=24)
NOTHING = lazy(
    "There is nothing to undo: the students of this class have changed since, or a day has gone by."
)
HAS_POINTS = lazy(
    "Somebody whom you added has points or has signed in since. Take them out one by one instead."
)
HAS_TO_BE_KEPT = lazy("There is an obligation to keep one of them, so this cannot be undone for now.")
NAMES_CHANGED = lazy("Somebody has changed one of these names since. Correct them one by one instead.")
OTHER_CHANGED = lazy("The students of the other class have changed since. Move them back one by one instead.")


@dataclass(frozen=True)
class Undoable:
    """The last change of a roster that can still be undone. `other` is the class at the end of a move."""

    kind: ChangeKind
    count: int
    at: datetime
    other: str | None = None


def note_change(
    tx: Transaction,
    classroom: Classroom,
    kind: ChangeKind,
    how: Mapping[int, ChangedHow],
    *,
    at: datetime,
    other: Classroom | None = None,
) -> None:
    """Keep what undoing this change needs, in place of the change before. Nothing happened: keep nothing.

    The names before and after are kept with the students themselves, at the same moment.
    """
    if not how:
        return
    forget_change(tx, classroom)
    if tx.principal.account_id is None:
        # A command or job: nobody is there to press the button.
        return
    tx.execute(
        insert(RosterChange).values(
            school_id=classroom.school_id,
            classroom_id=classroom.id,
            other_classroom_id=other.id if other else None,
            kind=kind,
            at=at,
            by=tx.principal.account_id,
        )
    )
    became = side_by_side(
        "became",
        {
            "student": (BigInteger(), list(how)),
            "how": (Text(), [str(each) for each in how.values()]),
        },
    )
    kept = {
        RosterChangeStudent.school_id: literal(classroom.school_id, BigInteger),
        RosterChangeStudent.classroom_id: literal(classroom.id, BigInteger),
        RosterChangeStudent.student_id: became.c.student,
        RosterChangeStudent.how: became.c.how,
    }
    tx.execute(insert(RosterChangeStudent).from_select(list(kept), select(*kept.values())))


def forget_change(tx: Transaction, classroom: Classroom) -> None:
    """Whatever the last change was, it cannot be undone any more."""
    functions.forget_roster_change(tx, school_id=classroom.school_id, classroom_id=classroom.id)


def last_change(tx: Transaction, classroom: Classroom) -> Undoable | None:
    """The last change of the class's roster, while it is young enough to be undone."""
    change = _change_of(tx, classroom.school_id, classroom.id)
    if change is None:
        return None
    count = tx.scalar(
        select(func.count()).where(
            RosterChangeStudent.school_id == change.school_id,
            RosterChangeStudent.classroom_id == change.classroom_id,
        )
    )
    other = tx.scalar(
        visible(tx.principal, select(Classroom.name).where(Classroom.id == change.other_classroom_id))
    )
    return Undoable(ChangeKind(change.kind), count or 0, change.at, other)


def undo_last_change(*, principal: Principal, classroom: str, at: datetime | None = None) -> Undoable:
    """Put the class's roster back to what it was before its last change; of a move, both classes'.

    `at` is the moment of the change that was shown: no other is undone. Whom the change wrote down is erased
    again. Raises `Rejected` if too much has happened since, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_UNENROLL)
        seen = _change_of(tx, row.school_id, row.id)
        if seen is None or at not in {None, seen.at}:
            raise Rejected.whole(NOTHING)
        rooms = lock_classrooms(tx, row.school_id, {row.id, seen.other_classroom_id or row.id})
        undone = last_change(tx, row)
        changes = [_change_of(tx, row.school_id, room.id) for room in rooms]
        if undone is None or undone.at != seen.at:
            raise Rejected.whole(NOTHING)
        if {change and change.at for change in changes} != {seen.at} or (
            len(rooms) != 1 + (seen.other_classroom_id is not None)
        ):
            raise Rejected.whole(OTHER_CHANGED)
        for room in rooms:
            _reverse(tx, room, seen.at)
            forget_change(tx, room)
        record(
            tx, "rosters.undo", school_id=row.school_id, classroom=row.id, kind=seen.kind, count=undone.count
        )
    return undone


def lock_classrooms(tx: Transaction, school_id: int, numbers: Collection[int]) -> list[Classroom]:
    """Those of these classes whose students the principal may take out, kept from changing."""
    # In one order, so that two who move students to and fro do not wait for each other.
    statement = (
        select(Classroom)
        .where(Classroom.school_id == school_id, Classroom.id.in_(numbers))
        .order_by(Classroom.id)
        .with_for_update()
    )
    return list(tx.scalars(visible(tx.principal, statement, STUDENTS_UNENROLL)))


def _change_of(tx: Transaction, school_id: int, classroom_id: int) -> RosterChange | None:
    return tx.scalar(
        visible(
            tx.principal,
            select(RosterChange).where(
                RosterChange.school_id == school_id,
                RosterChange.classroom_id == classroom_id,
                RosterChange.at > clock.now() - UNDONE_WITHIN,
            ),
        )
    )


def _reverse(tx: Transaction, classroom: Classroom, at: datetime) -> None:
    found: dict[str, list[int]] = {how: [] for how in ChangedHow}
    for student, how in tx.execute(
        select(RosterChangeStudent.student_id, RosterChangeStudent.how).where(
            RosterChangeStudent.school_id == classroom.school_id,
            RosterChangeStudent.classroom_id == classroom.id,
        )
    ):
        found[how].append(student)
    _name_back(tx, classroom, found[ChangedHow.RENAMED], at)
    here = (Enrollment.school_id == classroom.school_id, Enrollment.classroom_id == classroom.id)
    tx.execute(
        update(Enrollment)
        .where(*here, one_of(Enrollment.student_id, found[ChangedHow.LEFT]), Enrollment.ended_at == at)
        .values(ended_at=None)
    )
    tx.execute(
        update(Enrollment)
        .where(
            *here,
            one_of(Enrollment.student_id, found[ChangedHow.JOINED] + found[ChangedHow.BACK]),
            Enrollment.ended_at.is_(None),
        )
        .values(ended_at=clock.now())
    )
    if found[ChangedHow.NEW]:
        # Whoever proposes a hold comes before, and is seen, or after, and finds nobody.
        functions.lock_holds(tx, alone=False)
        if functions.students_kept(tx, school_id=classroom.school_id, students=found[ChangedHow.NEW]):
            raise Rejected.whole(HAS_TO_BE_KEPT)
        erased = functions.forget_added(tx, school_id=classroom.school_id, classroom_id=classroom.id)
        if erased != len(found[ChangedHow.NEW]):
            raise Rejected.whole(HAS_POINTS)


def _name_back(tx: Transaction, classroom: Classroom, renamed: Collection[int], at: datetime) -> None:
    """Write these students as before that moment, if nobody has written one otherwise since."""
    if not renamed:
        return
    students = tx.scalars(
        visible(
            tx.principal,
            select(Student)
            .where(Student.school_id == classroom.school_id, one_of(Student.id, renamed))
            .order_by(Student.id)
            .with_for_update(of=Student),
            STUDENTS_EDIT,
        )
    ).all()
    kept = tx.scalars(
        visible(
            tx.principal,
            select(StudentChange).where(
                StudentChange.school_id == classroom.school_id,
                one_of(StudentChange.student_id, renamed),
                StudentChange.field == StudentField.NAME,
                StudentChange.at == at,
            ),
        )
    )
    names_of = {change.student_id: change.difference for change in kept}
    now = {student.id: [student.given_name, student.family_name] for student in students}
    # Whoever is not to be seen any more is among them: part of a change is never undone in silence.
    if now != {each: names_of[each]["after"] if each in names_of else None for each in renamed}:
        raise Rejected.whole(NAMES_CHANGED)
    back = {each: {"name": (now[each.id], names_of[each.id]["before"])} for each in students}
    keep_changes(tx, back)
    for student in students:
        given, family = names_of[student.id]["before"]
        student.given_name, student.family_name = given or "", family
        student.name_tokens = names.tokens(given or "", family, school_id=student.school_id)


def forget_old_changes(who: Purpose) -> dict[str, int]:
    """Forget the changes that cannot be undone any more; how many."""
    with transaction(who) as tx:
        return {"forgotten": forget(tx, ROSTER_CHANGES)}
