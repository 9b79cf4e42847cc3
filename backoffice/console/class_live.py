"""Who is signed in to a class now."""

from zoneinfo import ZoneInfo

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.lookup import find
from backoffice.access.permissions import PINS_CLEAR, STUDENTS_READ, STUDENTS_SIGN_OUT
from backoffice.access.policy import can
from backoffice.console.class_page import ClassPage
from backoffice.console.command import Command
from backoffice.console.locked_pins import locked_pins
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools.models import Classroom, CodeKind
from backoffice.students import live
from backoffice.students.live import Inside
from backoffice.students.pins import queries as pin_queries
from backoffice.web.identity import done_reading, reading, settings

WAYS = {CodeKind.STANDING: lazy("Class code"), CodeKind.LESSON: lazy("Lesson code")}


class ClassLive(ClassPage):
    """The children who are signed in. A helper sees them; who may edit the class ends that, too."""

    title = lazy("In class now")
    tail = "live"
    page = "live"
    commands = (Command(lazy("Sign out the students of {name}"), "sign_all_out", "live", page="live"),)
    doors = {"live": STUDENTS_READ, "sign_out": STUDENTS_SIGN_OUT, "sign_all_out": STUDENTS_SIGN_OUT}

    @expose("/<classroom:public_id>/live", methods=("GET",))
    def live(self, public_id: str) -> str:
        """Who is in, since when, by which way, and who is kept out by wrong PINs."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=STUDENTS_READ)
        throttles, may_unlock = settings().throttles, can(self.who, PINS_CLEAR, row)
        pupils = pin_queries.pupils(tx, row, throttles) if may_unlock else []
        return self.class_page(
            "console/class_live.html",
            row,
            inside=[{"row": each, "way": _way(each)} for each in live.inside(tx, row)],
            locked=locked_pins(tx, self.who, row, pupils=pupils, throttles=throttles) if may_unlock else None,
            seconds=self.looks_again(tx),
            may_end=can(self.who, STUDENTS_SIGN_OUT, row),
            plain=FlaskForm(),
            zone=ZoneInfo(self.who.time_zone),
            base=f"/console/classrooms/{public_id}/live",
        )

    @expose("/<classroom:public_id>/live/end", methods=("POST",))
    def sign_out(self, public_id: str) -> Response:
        """Sign one child out."""
        done_reading()
        was_in = live.sign_out(
            principal=self.who, classroom=public_id, student=request.form.get("student", "")
        )
        flash(
            gettext("Signed out. They can come in again.") if was_in else gettext("They were out already."),
            "success",
        )
        return redirect(f"/console/classrooms/{public_id}/live", 303)

    @expose("/<classroom:public_id>/live/end-all", methods=("POST",))
    def sign_all_out(self, public_id: str) -> Response:
        """Sign everybody out."""
        done_reading()
        count = live.sign_all_out(principal=self.who, classroom=public_id)
        said = ngettext("1 child is signed out.", "%(count)s children are signed out.", count, count=count)
        flash(said if count else gettext("Nobody was in."), "success")
        return redirect(f"/console/classrooms/{public_id}/live", 303)


def _way(each: Inside) -> str:
    if each.at_tablet:
        return (
            gettext("Tablet %(tablet)s", tablet=each.tablet)
            if each.tablet
            else gettext("A tablet of the class")
        )
    if each.by_card:
        return gettext("Own card")
    return WAYS.get(CodeKind(each.code), "") if each.code else ""
