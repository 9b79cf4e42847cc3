"""A child's progress report, and those of a whole class, as PDF."""

from flask import Response, request
from flask_admin import expose
from sqlalchemy.orm import selectinload

from backoffice.access.lookup import find
from backoffice.access.permissions import POINTS_REPORT
from backoffice.console.class_page import ClassPage
from backoffice.families.services.looking import note_view, note_views
from backoffice.printing.progress import printed
from backoffice.schools import points_queries
from backoffice.schools.models import Classroom, Student
from backoffice.schools.services.reports import class_report, progress_report
from backoffice.web.identity import done_reading, reading


class ReportPages(ClassPage):
    """Part of the pages about points."""

    abstract = True

    @expose("/points/report/<student:public_id>", methods=("GET",))
    def report(self, public_id: str) -> Response:
        """One page about a child in one class: the class that the address names, else the first."""
        tx = reading()
        note_view(
            tx, find(tx, Student, public_id, selectinload(Student.enrollments), permission=POINTS_REPORT)
        )
        done_reading()
        progress, paper = progress_report(
            principal=self.who, student=public_id, classroom=request.args.get("classroom")
        )
        return _pdf(printed(paper, progress), public_id)

    @expose("/<classroom:public_id>/points/reports", methods=("GET",))
    def reports(self, public_id: str) -> Response:
        """A page about each child who is in the class, one after the other."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=POINTS_REPORT)
        found = points_queries.enrolled(tx, row, selectinload(Student.enrollments))
        note_views(tx, [student for student, _seat in found])
        done_reading()
        each, paper = class_report(
            principal=self.who, classroom=public_id, noted={student.id for student, _seat in found}
        )
        return _pdf(printed(paper, *each), public_id)


def _pdf(content: bytes, public_id: str) -> Response:
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="progress-{public_id}.pdf"'},
    )
