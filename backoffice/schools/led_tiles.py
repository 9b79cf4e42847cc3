"""The tiles of whoever leads schools: which classes stand still, and how many children were in.

Both look at each school and class by itself, by an index. So they are there for up to 20 schools: a district
of a thousand has forty thousand classes to look through, which no dashboard waits for.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, func, or_, select

from backoffice import clock
from backoffice.access.permissions import CLASSROOMS_READ, STUDENTS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools import names, queries
from backoffice.schools.models import Classroom, Enrollment, PointEntry, School, Student
from backoffice.schools.tiles import CLASSES, MOST_LISTED, STUDENTS, students_in_words
from backoffice.storage.numbers import one_of
from backoffice.tiles import Amount, Chart, Entry, List, Number, Tile, once

MOST_SCHOOLS = 20
STILL_AFTER, RECENT = 30, 7


def _midnight(tx: Transaction, *, days: int) -> datetime:
    """When the day began, that many days ago, for whoever looks."""
    zone = ZoneInfo(tx.principal.time_zone)
    return datetime.combine(clock.now().astimezone(zone).date() - timedelta(days=days), time(), zone)


def _still(tx: Transaction) -> List | None:
    """Classes of a month and more in which no child was in, or was added, and none was given a point."""
    led = tx.principal.led_schools
    if not 0 < len(led) <= MOST_SCHOOLS:
        return None
    since = _midnight(tx, days=STILL_AFTER - 1)
    given = exists().where(
        PointEntry.school_id == Enrollment.school_id,
        PointEntry.classroom_id == Enrollment.classroom_id,
        PointEntry.student_id == Enrollment.student_id,
        PointEntry.awarded_at >= since,
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
        seen.where(or_(Student.active_on >= since.date(), given))
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


def _in_lately(tx: Transaction) -> Number | Chart | None:
    """How many students were in, or were added, today and in the six days before, in each school."""
    who = tx.principal
    if not 0 < len(who.led_schools) <= MOST_SCHOOLS:
        return None
    first = _midnight(tx, days=RECENT - 1).date()
    lately = (
        select(func.count())
        .select_from(Student)
        .where(Student.school_id == School.id, Student.active_on >= first)
        .correlate(School)
        .scalar_subquery()
    )
    schools = select(School.public_id, School.name).where(one_of(School.id, who.led_schools))
    found = tx.execute(visible(who, schools).add_columns(lately.label("lately"))).all()
    if len(found) == 1:
        # The totals are those of the schools that are led only if there are no others to count.
        all_of_them = who.officer_schools <= who.led_schools
        total = once(tx, queries.school_totals).students
        of = ngettext("of %(count)s student", "of %(count)s students", total, count=amount(total))
        return Number(found[0].lately, of if all_of_them else "")
    ranked = sorted(found, key=lambda each: (-each.lately, names.sort_key(each.name, None)))
    return Chart(
        [
            Amount(each.name, each.lately, f"{STUDENTS}?school={each.public_id}&active=last-7-days")
            for each in ranked
        ],
        of=gettext("Students"),
        by=gettext("School"),
    )


TILES: tuple[Tile, ...] = (
    Tile(
        "in-lately",
        lazy("In or new within %(days)s days", days=RECENT),
        STUDENTS_READ,
        _in_lately,
        f"{STUDENTS}?active=last-7-days",
    ),
    Tile(
        "still-classes",
        lazy("Nobody in, no points for %(days)s days", days=STILL_AFTER),
        CLASSROOMS_READ,
        _still,
    ),
)
