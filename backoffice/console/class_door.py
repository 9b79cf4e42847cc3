"""The door of a class: when it is open, the codes that open it, its poster and its tablets."""

from collections.abc import Callable
from datetime import time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import segno
from flask import abort, flash, make_response, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField, StringField, TimeField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_EDIT
from backoffice.console import doors as wording
from backoffice.console.class_page import ClassPage
from backoffice.console.command import Command
from backoffice.console.school_days import days_url
from backoffice.console.weekdays import short_names
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import Paper, paper_of
from backoffice.problems import Rejected
from backoffice.schools import codes, queries
from backoffice.schools.doors import Hours, Place, in_order, place_of, state
from backoffice.schools.models import Classroom, Door
from backoffice.schools.poster import poster
from backoffice.schools.services import codes as code_services
from backoffice.schools.services import doors
from backoffice.students import renewing, tablets
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.rejections import show_rejection

OPEN_FOR = (10, 30, 60)
SCHOOL_HOURS = Hours(8 * 60, 15 * 60)
PAPERS = {Paper.A4: "A4", Paper.LETTER: lazy("US Letter")}
NO_TIME = lazy("Write a time, such as 08:00.")


class WholeNumberField(IntegerField):
    """A whole number, asked for in a sentence of ours."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was typed."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(gettext("Write a whole number, such as 45.")) from None


class ClockField(TimeField):
    """A time of day, asked for in a sentence of ours."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was typed."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(NO_TIME) from None


class MinutesForm(FlaskForm):
    """For how long the door is to be open."""

    minutes = WholeNumberField(lazy("Minutes"), [InputRequired(lazy("Write a number of minutes."))])


class HoursForm(FlaskForm):
    """Between which times the door is to be open on school days."""

    begin = ClockField(lazy("From"), [InputRequired(NO_TIME)])
    end = ClockField(lazy("To"), [InputRequired(NO_TIME)])


class RenewForm(FlaskForm):
    """What goes out with a code: who came in with it, and what opens the class without it."""

    sign_out = BooleanField(lazy("Sign out the children who came in with it"))
    cards = BooleanField(lazy("Void the cards too"))
    tablets = BooleanField(lazy("Remove the paired tablets too"))


class EndLessonForm(FlaskForm):
    """The same, of the code for a lesson."""

    sign_out = BooleanField(lazy("Sign out the children who came in with it"), id="lesson_sign_out")


class LessonForm(FlaskForm):
    """How long a lesson is."""

    lesson = WholeNumberField(
        lazy("Minutes of the lesson"),
        [InputRequired(lazy("Write a number of minutes."))],
        default=code_services.LESSON,
        description=lazy("At most %(most)s.", most=code_services.LONGEST_LESSON),
    )
    open_door = BooleanField(lazy("Open the door for as long"), default=True)


class TabletForm(FlaskForm):
    """What a tablet is called."""

    label = StringField(
        lazy("Name of the tablet"),
        [
            DataRequired(lazy("Give the tablet a name, such as “Window 1”.")),
            Length(max=tablets.LONGEST_LABEL),
        ],
        description=lazy("So that you know it again, such as “Window 1”."),
    )


class PosterForm(FlaskForm):
    """On which paper a poster is printed, and whether it names the class."""

    paper = SelectField(
        lazy("Paper"), choices=[SelectChoice(paper.value, name) for paper, name in PAPERS.items()]
    )
    named = BooleanField(lazy("Print the name of the class, too"))


class ClassDoor(ClassPage):
    """When children can come in to a class, and by what."""

    title = lazy("Door")
    tail = "entry"
    commands = (
        Command(lazy("Open or close the door of {name}"), "entry", "entry"),
        Command(lazy("Set the hours of the door of {name}"), "keep_hours", "entry#hours-title", page="entry"),
        Command(lazy("Renew the code of {name}"), "renew", "entry#code-title", page="entry"),
        Command(lazy("Make a lesson code for {name}"), "begin_lesson", "entry#lesson-title", page="entry"),
        Command(lazy("Pair a tablet with {name}"), "pair", "entry#tablets-title", page="entry"),
        Command(lazy("Print the poster of {name}"), "poster", "entry/poster"),
    )
    page = "entry"
    doors = {
        "entry": CLASSROOMS_EDIT,
        "turn": CLASSROOMS_EDIT,
        "open_for": CLASSROOMS_EDIT,
        "keep_hours": CLASSROOMS_EDIT,
        "renew": CLASSROOMS_EDIT,
        "begin_lesson": CLASSROOMS_EDIT,
        "end_lesson": CLASSROOMS_EDIT,
        "poster": CLASSROOMS_EDIT,
        "pair": CLASSROOMS_EDIT,
        "void_tablet": CLASSROOMS_EDIT,
    }

    @expose("/<classroom:public_id>/entry", methods=("GET",))
    def entry(self, public_id: str) -> str:
        """How the door stands, the codes, the poster, the tablets."""
        return self._page(public_id)

    @expose("/<classroom:public_id>/entry/door", methods=("POST",))
    def turn(self, public_id: str) -> Response | tuple[str, int]:
        """Open or close the door, for good."""
        wanted = {"open": Door.OPEN, "closed": Door.CLOSED}.get(request.form.get("door", ""))
        if wanted is None:
            abort(400)

        def save() -> str:
            doors.set_door(principal=self.who, classroom=public_id, door=wanted)
            return gettext("The door is open.") if wanted is Door.OPEN else gettext("The door is closed.")

        return self._done(public_id, FlaskForm(), save)

    @expose("/<classroom:public_id>/entry/minutes", methods=("POST",))
    def open_for(self, public_id: str) -> Response | tuple[str, int]:
        """Open the door for a while."""
        form = MinutesForm()

        def save() -> str:
            until = doors.open_for(principal=self.who, classroom=public_id, minutes=form.minutes.data or 0)
            place = self._place(find(reading(), Classroom, public_id))
            return gettext(
                "The door is open until %(until)s.", until=wording.at_clock(until.astimezone(place.zone))
            )

        return self._done(public_id, form, save, "minutes")

    @expose("/<classroom:public_id>/entry/hours", methods=("POST",))
    def keep_hours(self, public_id: str) -> Response | tuple[str, int]:
        """Have the door open on school days between two times."""
        form = HoursForm()

        def save() -> str:
            hours = Hours(_minute(form.begin.data), _minute(form.end.data))
            doors.keep_hours(principal=self.who, classroom=public_id, hours=hours)
            return gettext(
                "The door is open on school days from %(hours)s.",
                hours=wording.hours_in_words(hours),
            )

        return self._done(public_id, form, save, "hours")

    @expose("/<classroom:public_id>/entry/renew", methods=("POST",))
    def renew(self, public_id: str) -> Response | tuple[str, int]:
        """Renew the standing code."""
        form = RenewForm()

        def save() -> str:
            out, cards, tablets = form.sign_out.data, form.cards.data, form.tablets.data
            gone = renewing.renew_ways_in(
                principal=self.who, classroom=public_id, sign_out=out, cards=cards, tablets=tablets
            )
            said = [gettext("The code is renewed.")]
            said += [
                gettext("Whoever came in with the old one is signed out.")
                if out
                else gettext("Whoever is in stays in.")
            ]
            said += [gettext("Cards voided: %(cards)s.", cards=gone.cards)] if cards else []
            said += [gettext("Tablets removed: %(tablets)s.", tablets=gone.tablets)] if tablets else []
            return " ".join(said)

        return self._done(public_id, form, save, "renew")

    @expose("/<classroom:public_id>/entry/lesson", methods=("POST",))
    def begin_lesson(self, public_id: str) -> Response | tuple[str, int]:
        """Give the class a code for a lesson."""
        form = LessonForm()

        def save() -> str:
            minutes = form.lesson.data or 0
            try:
                code_services.issue_lesson_code(
                    principal=self.who, classroom=public_id, minutes=minutes, open_door=form.open_door.data
                )
            except Rejected as rejected:
                # The door's own form has a field of that name.
                raise Rejected(lesson=str(rejected)) from None
            return gettext("The lesson code is ready. It stops by itself.")

        return self._done(public_id, form, save, "lesson")

    @expose("/<classroom:public_id>/entry/end-lesson", methods=("POST",))
    def end_lesson(self, public_id: str) -> Response | tuple[str, int]:
        """Stop the lesson code now."""
        form = EndLessonForm()

        def save() -> str:
            code_services.end_lesson_code(
                principal=self.who, classroom=public_id, sign_out=form.sign_out.data
            )
            return gettext("The lesson code has stopped.")

        return self._done(public_id, form, save, "end_lesson")

    @expose("/<classroom:public_id>/entry/poster", methods=("GET",))
    def poster(self, public_id: str) -> str | Response | tuple[str, int]:
        """The poster, as a file to print."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=CLASSROOMS_EDIT)
        code = code_services.live_code(tx, row)
        if code is None:
            return self._page(public_id, problem=gettext("Renew the code first: this class has none.")), 422
        paper = {paper.value: paper for paper in Paper}.get(request.args.get("paper", ""), Paper.A4)
        try:
            content = poster(
                code=code,
                base_url=settings().base_url,
                paper=paper,
                name=row.name if request.args.get("named") else None,
            )
        except Rejected as rejected:
            return self._page(public_id, problem=str(rejected)), 422
        response = make_response(content)
        response.headers["Content-Type"] = "application/pdf"
        response.headers["Content-Disposition"] = 'attachment; filename="class-poster.pdf"'
        return response

    @expose("/<classroom:public_id>/entry/tablet", methods=("POST",))
    def pair(self, public_id: str) -> str | Response | tuple[str, int]:
        """Show the picture that pairs a tablet, this once."""
        form = TabletForm()
        if not form.validate_on_submit():
            return self._page(public_id, tablet=form), 422
        done_reading()
        try:
            token = tablets.begin_pairing(
                principal=self.who, classroom=public_id, label=form.label.data or ""
            )
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
            return self._page(public_id, problem=problem, tablet=form), 422
        row = find(reading(), Classroom, public_id, permission=CLASSROOMS_EDIT)
        picture = segno.make_qr(f"{settings().base_url}/tablet/{token}", error="m")
        return self.class_page(
            "console/pair_tablet.html",
            row,
            picture=picture.svg_data_uri(scale=6, border=4, light="#fff"),
            minutes=int(tablets.PAIRING.total_seconds() // 60),
        )

    @expose("/<classroom:public_id>/entry/void", methods=("POST",))
    def void_tablet(self, public_id: str) -> Response | tuple[str, int]:
        """Make a tablet stop."""

        def save() -> str:
            tablets.void(principal=self.who, tablet=request.form.get("tablet", ""))
            return gettext("The tablet is removed. Whoever was in at it is signed out.")

        return self._done(public_id, FlaskForm(), save)

    def _done(
        self, public_id: str, form: FlaskForm, save: Callable[[], str], name: str | None = None
    ) -> Response | tuple[str, int]:
        """Do what a form asks and go back to the page, or show the page again with what is wrong."""
        problem = None
        if form.validate_on_submit():
            done_reading()
            try:
                said = save()
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(said, "success")
                return redirect(f"/console/classrooms/{public_id}/entry", 303)
        return self._page(public_id, problem=problem, **({name: form} if name else {})), 422

    def _page(self, public_id: str, *, problem: str | None = None, **forms: FlaskForm) -> str:
        tx = reading()
        row = find(tx, Classroom, public_id, permission=CLASSROOMS_EDIT)
        place, now = self._place(row), clock.now()
        door = state(row, place, now)
        code, lesson = code_services.live_code(tx, row), code_services.lesson_code(tx, row)
        hours = door.hours or SCHOOL_HOURS
        country = queries.country_of(tx, row)
        # A field that nobody filled in shows what holds, whatever another form of the page has sent.
        own: dict[str, FlaskForm] = {
            "minutes": MinutesForm(formdata=None),
            "hours": HoursForm(formdata=None, begin=_time(hours.begin), end=_time(hours.end)),
            "renew": RenewForm(formdata=None, sign_out=True),
            "end_lesson": EndLessonForm(formdata=None, sign_out=True),
            "lesson": LessonForm(formdata=None),
            "tablet": TabletForm(formdata=None),
            "poster": PosterForm(formdata=None, paper=paper_of(country).value),
            "plain": FlaskForm(formdata=None),
        }
        return self.class_page(
            "console/class_door.html",
            row,
            record=row,
            problem=problem,
            wrong=next(iter(forms.values()), None),
            forms={**own, **forms},
            open_for=OPEN_FOR,
            door={
                **wording.shown(door),
                "sentence": wording.sentence(door, now, ZoneInfo(self.who.time_zone)),
                "keeps_hours": door.hours is not None,
                "days": short_names(in_order(place.school_days)),
                "days_url": days_url(tx, row),
            },
            code=codes.spaced(code) if code else None,
            lesson={"code": codes.spaced(lesson[0]), "until": lesson[1]} if lesson else None,
            join_address=f"{urlsplit(settings().base_url).netloc}/join",
            tablets=tablets.tablets_of(tx, row),
            base=f"/console/classrooms/{public_id}/entry",
        )

    @staticmethod
    def _place(row: Classroom) -> Place:
        return place_of(reading(), row)


def _minute(at: time | None) -> int:
    return at.hour * 60 + at.minute if at else 0


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)
