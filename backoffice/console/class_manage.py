"""Managing one class: its mark, archiving it and bringing it back, undoing the last change of its roster."""

from flask import flash, redirect, request
from flask_admin import expose
from werkzeug.wrappers import Response

from backoffice.access.lookup import find, reread
from backoffice.access.permissions import (
    CLASSROOMS_ARCHIVE,
    CLASSROOMS_EDIT,
    CLASSROOMS_ERASE,
    STUDENTS_UNENROLL,
)
from backoffice.access.policy import can
from backoffice.access.seen import version
from backoffice.console import erasures
from backoffice.console.class_page import CRUMB, ClassPage
from backoffice.console.command import Command
from backoffice.console.forms import ConfirmForm, MarkForm
from backoffice.console.marks import COLOUR_NAMES, FIGURE_NAMES
from backoffice.console.overtaken import not_over_others
from backoffice.console.school_year import year_url
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom
from backoffice.schools.names import COLOURS, FIGURES
from backoffice.schools.queries import is_personal
from backoffice.schools.roster_models import ChangeKind
from backoffice.schools.services import archiving
from backoffice.schools.services.changes import undo_last_change
from backoffice.web.identity import done_reading, reading
from backoffice.web.notices import sent_moment
from backoffice.web.offered import Where, offered
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

UNDONE = lazy("Undone. The students of this class are as they were before. Who was out needs a new card.")
RENAMED = lazy("Undone. The names are what they were before.")


class ManagePage(ClassPage):
    """What is done to a class as a whole."""

    doors = {
        "manage": CLASSROOMS_EDIT,
        "archive": CLASSROOMS_ARCHIVE,
        "restore": CLASSROOMS_ARCHIVE,
        "erase": CLASSROOMS_ERASE,
        "undo_last": STUDENTS_UNENROLL,
    }
    title = lazy("Manage")
    tail = "manage"
    commands = (
        Command(lazy("Choose the picture of {name}"), "manage", "manage", also=lazy("colour mark")),
        Command(lazy("Archive {name}"), "archive", "archive"),
        Command(lazy("Delete {name} for good"), "erase", "erase", also=lazy("remove")),
    )
    page = "manage"

    @expose("/<classroom:public_id>/manage", methods=("GET", "POST"))
    @shows_what_was_typed
    def manage(self, public_id: str) -> str | Response | tuple[str, int]:
        """Choose the class's picture and colour; from here on to archiving."""
        row = find(reading(), Classroom, public_id, permission=CLASSROOMS_EDIT)
        form, problem = MarkForm(icon=row.icon or FIGURES[0], colour=row.colour or COLOURS[0]), None
        if not form.is_submitted():
            form.seen.data = version(row.icon, row.colour)

        def now() -> tuple[str, str]:
            there = reread(reading(), Classroom, public_id, CLASSROOMS_EDIT)
            chosen = (FIGURE_NAMES.get(there.icon or ""), COLOUR_NAMES.get(there.colour or ""))
            words = ", ".join(str(each) for each in chosen if each) or gettext("nothing")
            return words, version(there.icon, there.colour)

        if form.validate_on_submit():
            done_reading()
            try:
                with not_over_others(form.seen, now):
                    archiving.mark_classroom(
                        principal=self.who,
                        classroom=public_id,
                        colour=form.colour.data,
                        icon=form.icon.data,
                        seen=form.seen.data or None,
                    )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("The class has its mark."), "success")
                return redirect(f"/console/classrooms/{public_id}", 303)
        year = year_url(reading(), row)
        page = self.class_page(
            "console/class_manage.html",
            row,
            record=row,
            form=form,
            problem=problem,
            archive_url=f"/console/classrooms/{public_id}/archive"
            if can(self.who, CLASSROOMS_ARCHIVE, row)
            else None,
            erase_url=f"/console/classrooms/{public_id}/erase"
            if can(self.who, CLASSROOMS_ERASE, row)
            else None,
            offered=offered(reading(), Where.CLASSROOM, row),
            year_url=year,
            year_is_a_leaders=not year and not is_personal(reading(), row),
        )
        return (page, 422) if form.errors or problem else page

    @expose("/<classroom:public_id>/archive", methods=("GET", "POST"))
    def archive(self, public_id: str) -> str | Response:
        """Say what archiving does; when confirmed, do it."""
        row = find(reading(), Classroom, public_id, permission=CLASSROOMS_ARCHIVE)
        own = f"/console/classrooms/{public_id}"
        if ConfirmForm().validate_on_submit():
            done_reading()
            archiving.archive_classroom(principal=self.who, classroom=public_id)
            flash(gettext("The class is archived."), "success")
            return redirect(own, 303)
        return self.render(
            "console/confirm.html",
            heading=gettext("Archive this class"),
            sentences=[
                gettext(
                    "%(row)s stays as it is: students, points and names can be read, and nothing changes.",
                    row=row.name,
                ),
                gettext("Its code and its cards end, its door closes, and whoever is signed in is out."),
                gettext(
                    "You find it in the list under “Archived classes”, and can bring it back with a new code."
                ),
            ],
            form=ConfirmForm(formdata=None, confirm="yes"),
            submit_title=gettext("Archive the class"),
            cancel_url=own,
            crumbs=[CRUMB, {"title": row.name, "url": own}, {"title": gettext("Archive")}],
        )

    @expose("/<classroom:public_id>/erase", methods=("GET", "POST"))
    def erase(self, public_id: str) -> str | Response:
        """Begin to delete the class: have it looked what would go."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=CLASSROOMS_ERASE)
        own = f"/console/classrooms/{public_id}"
        crumbs = [CRUMB, {"title": row.name, "url": own}]
        students = f"/console/students/?classroom={public_id}"
        along = [
            *erasures.along_of(tx, Where.CLASSROOM, row),
            {"name": gettext("its students, as a file"), "url": students},
        ]
        return erasures.begin(
            self, Subject.CLASSROOM, public_id, called=row.name, url=own, crumbs=crumbs, along=along
        )

    @expose("/<classroom:public_id>/restore", methods=("POST",))
    def restore(self, public_id: str) -> Response:
        """Bring the class back."""
        done_reading()
        try:
            archiving.restore_classroom(principal=self.who, classroom=public_id)
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
        else:
            flash(
                gettext("The class is back. It has a new code; its door is closed until you open it."),
                "success",
            )
        return redirect(f"/console/classrooms/{public_id}", 303)

    @expose("/<classroom:public_id>/undo-last", methods=("POST",))
    def undo_last(self, public_id: str) -> Response:
        """Undo the last change of the class's roster, if it is still the one that the button was for."""
        at = sent_moment("at") if "at" in request.form else None
        done_reading()
        try:
            undone = undo_last_change(principal=self.who, classroom=public_id, at=at)
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(RENAMED if undone.kind is ChangeKind.RENAME else UNDONE, "success")
        return redirect(f"/console/classrooms/{public_id}", 303)
