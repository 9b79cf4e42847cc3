"""Exports in the console: asking for one of a student, class, school or district, and what became of it."""

from typing import ClassVar, NamedTuple

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.validators import ValidationError

from backoffice.access.permissions import CLASSROOMS_CREATE, CLASSROOMS_EXPORT
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.guard import SECONDS_AT_WORK
from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.storage.public_id import is_public_id
from backoffice.web.identity import done_reading, reading
from plugins.exports import queries, services, settings
from plugins.exports.back.views import BringsBack
from plugins.exports.forms import HowForm
from plugins.exports.offers import CONSOLE as HERE
from plugins.exports.permissions import EXPORTS_MAKE
from plugins.exports.picking import CLASS, PLACE
from plugins.exports.said import ASKED, shown

NOTHING = lazy("Choose what you want to take along.")
ONE_ONLY = lazy("Choose a school or district, or else a class or student: an export is of one of them.")


class AskForm(PickingForm, HowForm):
    """What is to be taken along: a school or district, or a class, or one student of it."""

    place = PickField(lazy("A school or district"), relation=PLACE)
    classroom = PickField(lazy("A class"), relation=CLASS)
    student = SelectField(lazy("A student"))

    def fill(self, tx: Transaction, chosen: "Chosen") -> None:
        """Offer what the principal may take along, with the students of a class that is chosen."""
        for each in (self.place, self.classroom, self.student):
            # What there is nothing of is not asked for.
            each.data = each.data if each.data and each.data != "None" else ""
        if not self.is_submitted():
            self.place.data, self.classroom.data, self.student.data = chosen
        self.place.fill(tx, gettext("No school"))
        self.classroom.fill(tx, gettext("No class"))
        room = self.classroom.chosen
        students = queries.students_in(tx, room) if room else queries.student(tx, self.student.data or "")
        self.student.choices = [
            ("", gettext("The whole class") if room else gettext("No student")),
            *((each.public_id, each.name) for each in students),
        ]

    def validate_place(self, place: PickField) -> None:
        """Take no school beside a class: nobody could tell of which of them the export is."""
        if place.data and self.asked is not None:
            raise ValidationError(str(ONE_ONLY))

    @property
    def asked(self) -> tuple[Subject, str] | None:
        """The student or class that was chosen, the smaller first."""
        if self.student.data:
            return Subject.STUDENT, self.student.data
        if self.classroom.data:
            return Subject.CLASSROOM, self.classroom.data
        return None


class Chosen(NamedTuple):
    """What an address says is to be taken along, by public identifiers; "" of what it says nothing."""

    place: str = ""
    classroom: str = ""
    student: str = ""

    @classmethod
    def asked(cls) -> "Chosen":
        """As the request says it."""
        named = (request.args.get(name, "") for name in cls._fields)
        return cls(*(each if is_public_id(each) else "" for each in named))


class ExportsPage(BringsBack):
    """Exports of what somebody teaches or leads, and the way back."""

    doors: ClassVar = {
        "index": CLASSROOMS_EXPORT,
        # Whoever has deleted the only class has nothing to export, and may bring it back.
        "back": CLASSROOMS_CREATE,
        "back_confirmed": CLASSROOMS_CREATE,
    }
    title = lazy("Exports")
    category = lazy("School")
    address = "exports"
    icon = "exports"
    commands = (
        Command(
            lazy("Take data along as a file"),
            "index",
            "exports/",
            also=lazy("export download archive zip data portability"),
        ),
        Command(
            lazy("Bring an export back"),
            "back",
            "exports/back",
            also=lazy("import restore upload zip class students"),
        ),
        Command(lazy("Take everything of {name} along"), "index", "/console/exports/?classroom={}"),
    )

    @expose("/", methods=("GET", "POST"))
    def index(self) -> str | Response | tuple[str, int]:
        """The own exports and those of the schools that one leads, and the way to a new one."""
        tx, form = reading(), AskForm()
        form.fill(tx, Chosen.asked())
        problem = None
        if "students" in request.form and form.classroom.chosen:
            return redirect(f"{HERE}?classroom={form.classroom.chosen}", 303)
        if form.validate_on_submit():
            problem = self._ask(tx, form)
            if problem is None:
                flash(ASKED, "success")
                return redirect(HERE, 303)
        limits = settings.current(tx)
        own = [shown(each, limits, own=True) for each in queries.own(tx)]
        leads = can(self.who, EXPORTS_MAKE)
        others = [shown(each, limits, own=False) for each in queries.of_others(tx)] if leads else []
        page = self.render(
            "exports/exports.html",
            form=form,
            cancel_form=FlaskForm(),
            problem=problem,
            own=own,
            others=others,
            leads=leads,
            brings_back=self.opens("back"),
            limits=limits,
            seconds=self.looks_again(tx, every=SECONDS_AT_WORK)
            if any(each.is_under_way for each in own)
            else None,
        )
        return (page, 422) if form.errors or problem else page

    def _ask(self, tx: Transaction, form: AskForm) -> str | None:
        """Ask for what the form says; what is wrong with it."""
        asked = form.asked
        if asked is None and form.place.data:
            subject = (
                Subject.SCHOOL
                if queries.led_district(tx, public_id=form.place.data) is None
                else Subject.DISTRICT
            )
            asked = subject, form.place.data
        if asked is None:
            return str(NOTHING)
        done_reading()
        try:
            services.ask(
                principal=self.who,
                subject=asked[0],
                public_id=asked[1],
                **form.how,
            )
        except Rejected as rejected:
            return form.refuse(rejected)
        return None
