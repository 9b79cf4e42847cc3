"""What a child's progress report says, and those of a whole class."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import POINTS_REPORT
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language import moments
from backoffice.language.texts import ngettext
from backoffice.printing.document import Paper, paper_of
from backoffice.printing.progress import Line, Progress, WeekOfPoints
from backoffice.schools import names, points_queries, queries
from backoffice.schools.models import Classroom, Enrollment, School, Student
from backoffice.schools.points_queries import Totals
from backoffice.schools.queries import Award

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
        frame = _frame(tx, seat.classroom)
        totals = points_queries.totals(tx, seat.classroom, frame.zone, weeks=WEEKS, student=row.id)
        awards = queries.last_awards(
            tx, school_id=row.school_id, student_id=row.id, classroom_id=seat.classroom_id
        )
        record(tx, "points.report", school_id=row.school_id, classroom=seat.classroom_id, student=row.id)
    return frame.progress(row, seat, totals, awards), frame.paper


def class_report(
    *, principal: Principal, classroom: str, noted: Collection[int]
) -> tuple[list[Progress], Paper]:
    """What is to be printed of each student who is in a class now, in the order of their names.

    Of these, whose opening was `noted`: whoever has come in since has no page yet. The statements are as many
    as for one student. Raises `NotFound`, also for a class without students.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=POINTS_REPORT)
        pupils = [each for each in points_queries.enrolled(tx, row) if each[0].id in noted]
        if not pupils:
            raise NotFound
        frame = _frame(tx, row)
        totals = points_queries.totals_by_student(tx, row, frame.zone, weeks=WEEKS)
        nothing = points_queries.no_totals(frame.zone, weeks=WEEKS)
        awards = points_queries.last_awards_by_student(tx, row, most=LAST)
        record(
            tx,
            "points.class-report",
            school_id=row.school_id,
            classroom=row.id,
            students=sorted(student.id for student, _seat in pupils),
        )
    ordered = sorted(
        pupils, key=lambda each: (*names.sort_key(each[0].given_name, each[0].family_name), each[0].public_id)
    )
    return [
        frame.progress(student, seat, totals.get(student.id, nothing), awards.get(student.id, []))
        for student, seat in ordered
    ], frame.paper


@dataclass(frozen=True)
class _Frame:
    """What the reports of a class have in common."""

    classroom: str
    school: str
    zone: ZoneInfo
    paper: Paper
    labels: Mapping[int, str]

    def progress(
        self, student: Student, seat: Enrollment, totals: Totals, awards: Sequence[Award]
    ) -> Progress:
        """The report of one student."""
        by_action = sorted(totals.actions.items(), key=lambda each: (-each[1].total, self.labels[each[0]]))
        return Progress(
            name=f"{student.given_name} {student.family_name or ''}".strip(),
            classroom=self.classroom,
            school=self.school,
            day=clock.now().astimezone(self.zone).date(),
            points=seat.balance,
            goal=seat.goal,
            weeks=[WeekOfPoints(week.monday, week.points.given, week.points.taken) for week in totals.weeks],
            actions=[Line(self.labels[number], _times(sums.times), sums.total) for number, sums in by_action],
            awards=[Line(each.label, _day(each.at, self.zone), each.value) for each in awards[:LAST]],
        )


def _frame(tx: Transaction, classroom: Classroom) -> _Frame:
    school = tx.execute(
        select(School.name, School.time_zone, School.country).where(School.id == classroom.school_id)
    ).one()
    labels = {
        action.id: action.label
        for retired in (False, True)
        for action in points_queries.actions_of(tx, classroom, retired=retired)
    }
    zone = ZoneInfo(school.time_zone)
    return _Frame(classroom.name, school.name, zone, paper_of(school.country), labels)


def _times(count: int) -> str:
    return ngettext("once", "%(num)s times", count)


def _day(at: datetime, zone: ZoneInfo) -> str:
    return moments.day_of_year(at.astimezone(zone).date())
