"""The tile of whoever leads schools that says which classes stand still.

It looks at each class by itself, by indexes. So it is there for up to 20 schools: a district of a thousand
has forty thousand classes to look through, which no dashboard waits for.
"""

from datetime import timedelta

from sqlalchemy import and_, exists, func, or_, select

from backoffice.access.permissions import CLASSROOMS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext, lazy
from backoffice.schools import names
from backoffice.schools.led_tiles import MOST_SCHOOLS, midnight
from backoffice.schools.models import Classroom, Enrollment, PointEntry, Student
from backoffice.schools.tiles import CLASSES, MOST_LISTED, students_in_words
from backoffice.storage.numbers import one_of
from backoffice.students.models import StudentSession
from backoffice.tiles import Entry, List, Tile

STILL_AFTER = 30


def _still(tx: Transaction) -> List | None:
    """Classes of a month and more in which no child was in, or was added, and none was given a point."""
    led = tx.principal.led_schools
    if not 0 < len(led) <= MOST_SCHOOLS:
        return None
    since = midnight(tx, days=STILL_AFTER - 1)
    given = exists().where(
        PointEntry.school_id == Enrollment.school_id,
        PointEntry.classroom_id == Enrollment.classroom_id,
        PointEntry.student_id == Enrollment.student_id,
        PointEntry.awarded_at >= since,
    )
    # A child may have been in another class. Of one who was in nowhere no session is looked at: that day is
    # the school's, which may begin earlier than the reader's.
    was_in = and_(
        Student.active_on >= since.date() - timedelta(days=1),
        exists().where(
            StudentSession.school_id == Enrollment.school_id,
            StudentSession.classroom_id == Enrollment.classroom_id,
            StudentSession.student_id == Enrollment.student_id,
            StudentSession.started_at >= since,
        ),
    )
    here = (
        and_(Student.school_id == Enrollment.school_id, Student.id == Enrollment.student_id),
        and_(
            Enrollment.school_id == Classroom.school_id,
            Enrollment.classroom_id == Classroom.id,
            Enrollment.ended_at.is_(None),
        ),
    )
    seen = select(Student.id).join(Enrollment, here[0]).where(here[1])
    # A value and no EXISTS, which the planner would answer by joining whole tables.
    somebody = (
        seen.where(or_(Enrollment.joined_at >= since, was_in, given))
        .limit(1)
        .correlate(Classroom)
        .scalar_subquery()
    )
    size = select(func.count()).select_from(Enrollment).where(here[1]).correlate(Classroom).scalar_subquery()
    still = (
        select(Classroom.public_id, Classroom.name)
        .where(
            one_of(Classroom.school_id, led),
            Classroom.archived_at.is_(None),
            Classroom.created_at < since,
            somebody.is_(None),
        )
        .order_by(Classroom.school_id, Classroom.id)
        .limit(MOST_LISTED + 1)
    )
    found = tx.execute(visible(tx.principal, still, CLASSROOMS_READ).add_columns(size.label("size"))).all()
    if not found:
        return None
    shown = sorted(found[:MOST_LISTED], key=lambda each: names.sort_key(each.name, None))
    return List(
        [Entry(each.name, [students_in_words(each.size)], f"{CLASSES}{each.public_id}") for each in shown],
        note=gettext("the first %(most)s", most=MOST_LISTED) if len(found) > MOST_LISTED else "",
    )


TILES: tuple[Tile, ...] = (
    Tile(
        "still-classes",
        lazy("Nobody in, no points for %(days)s days", days=STILL_AFTER),
        CLASSROOMS_READ,
        _still,
    ),
)
