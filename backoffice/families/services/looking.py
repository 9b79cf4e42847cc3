"""Noting that somebody of the staff opens a child's record."""

from collections.abc import Sequence

from sqlalchemy import insert

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.families.models import StudentView, ViewerRole
from backoffice.schools.models import Student


def note_view(tx: Transaction, student: Student) -> None:
    """Note, in the transaction that reads the record, who opens it: none is shown that was not noted.

    The student's enrollments are loaded. Raises `NotFound`.
    """
    note_views(tx, [student])


def note_views(tx: Transaction, students: Sequence[Student]) -> None:
    """Note who opens the records of several children, in one statement. Raises `NotFound`."""
    now = clock.now()
    rows = [
        {
            "school_id": student.school_id,
            "student_id": student.id,
            "viewer_id": tx.principal.account_id,
            "role": role_of(tx.principal, student),
            "at": now,
        }
        for student in students
    ]
    if rows:
        # Whoever writes it may not read it, and so gets no number back.
        tx.execute(insert(StudentView).values(rows).inline())


def role_of(who: Principal, student: Student) -> ViewerRole:
    """As what somebody of the staff looks at a child. Raises `NotFound` for whoever is nothing to it.

    A parent may read the own child's row: being found is no proof of working with it.
    """
    rooms = {each.classroom_id for each in student.enrollments}
    if rooms & (who.owned | who.co_taught):
        return ViewerRole.TEACHER
    if student.school_id in who.led_schools:
        return ViewerRole.LEADER
    if rooms & who.helped:
        return ViewerRole.HELPER
    raise NotFound
