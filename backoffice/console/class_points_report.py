"""A child's progress report, as PDF."""

from flask import Response, request
from flask_admin import expose
from sqlalchemy.orm import selectinload

from backoffice.access.lookup import find
from backoffice.access.permissions import POINTS_REPORT
from backoffice.console.class_page import ClassPage
from backoffice.families.services.looking import note_view
from backoffice.printing.progress import printed
from backoffice.schools.models import Student
from backoffice.schools.services.reports import progress_report
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
        return Response(
            printed(progress, paper),
            mimetype="application/pdf",
            headers={"Content-Disposition": f'inline; filename="progress-{public_id}.pdf"'},
        )
