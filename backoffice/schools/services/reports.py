"""What a child's progress report says."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import POINTS_REPORT
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.printing.document import Paper, paper_of
from backoffice.printing.progress import Line, Progress, WeekOfPoints
from backoffice.schools import points_queries, queries
from backoffice.schools.models import School, Student

WEEKS = 12
LAST = 8


def progress_report(
    *, principal: Principal, student: str, classroom: str | None = None
) -> tuple[Progress, Paper]:
    """What is to be printed of a student in a class, by default the first of theirs, and on what paper.

    Days are the school's. A comment is for the staff, and in no report. Raises `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Student, student, selectinload(Student.enrollments), permission=POINTS_REPORT)
        seats = [
            seat
            for seat in queries.enrollments_of(tx, row)
            if can(tx.principal, POINTS_REPORT, seat.classroom)
            and classroom in {None, seat.classroom.public_id}
        ]
        if not seats:
            raise NotFound
        seat = min(seats, key=lambda each: each.classroom_id)
        school = tx.execute(
            select(School.name, School.time_zone, School.country).where(School.id == row.school_id)
        ).one()
        zone = ZoneInfo(school.time_zone)
        totals = points_queries.totals(tx, seat.classroom, zone, weeks=WEEKS, student=row.id)
        labels = {
            action.id: action.label
            for retired in (False, True)
            for action in points_queries.actions_of(tx, seat.classroom, retired=retired)
        }
        by_action = sorted(totals.actions.items(), key=lambda each: (-each[1].total, labels[each[0]]))
        awards = queries.last_awards(
            tx, school_id=row.school_id, student_id=row.id, classroom_id=seat.classroom_id
        )
        record(tx, "points.report", school_id=row.school_id, classroom=seat.classroom_id, student=row.id)
    return (
        Progress(
            name=f"{row.given_name} {row.family_name or ''}".strip(),
            classroom=seat.classroom.name,
            school=school.name,
            day=clock.now().astimezone(zone).date(),
            points=seat.balance,
            goal=seat.goal,
            weeks=[WeekOfPoints(week.monday, week.points.given, week.points.taken) for week in totals.weeks],
            actions=[Line(labels[number], _times(sums.times), sums.total) for number, sums in by_action],
            awards=[Line(each.label, _day(each.at, zone), each.value) for each in awards[:LAST]],
        ),
        paper_of(school.country),
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _day(at: datetime, zone: ZoneInfo) -> str:
    day = at.astimezone(zone).date()
    return f"{day.day} {day:%b %Y}"
