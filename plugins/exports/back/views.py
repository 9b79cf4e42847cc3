"""The page on which an export is brought back: the file, what would come of it, and then doing it.

What was read of the file is carried by the page itself, sealed, and kept nowhere.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import uuid4

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response
from wtforms import BooleanField

from backoffice import clock
from backoffice.console.forms import SchoolForm
from backoffice.console.guard import GuardedView
from backoffice.imports import carrying
from backoffice.imports.limits import Unreadable
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected, Throttled
from backoffice.throttles.tries import Claim, take
from backoffice.web.errors import to_be_waited_for
from backoffice.web.identity import done_reading, reading, settings
from plugins.exports.back import said, services
from plugins.exports.back.problems import Problem, Unusable
from plugins.exports.back.reading import UNPACKED_BY_PAGE, carried, opened, to_carry
from plugins.exports.back.services import Looked, ToBeSaid

BACK = "/console/exports/back"
LARGEST_FILE = 50 << 20
TOO_OFTEN = lazy("You brought files very often.")
TO_SAY = lazy("Say that it is to be created anew, or leave it.")


class FileForm(SchoolForm):
    """An export, and the school into which it goes."""

    file = FileField(
        lazy("Export"),
        [FileRequired(lazy("Choose the zip file of an export."))],
        description=lazy(
            "The zip file of a class, a school, a student or a teacher, as it was downloaded here."
        ),
    )


class AnewForm(FlaskForm):
    """That what is known here already, or was deleted, is to be created anew."""

    anew = BooleanField(lazy("Create it anew all the same"))


class BringsBack(GuardedView):
    """A page with a way for exports to come back. Whoever inherits opens the doors."""

    abstract = True
    uploads: ClassVar[Mapping[str, int]] = {
        "back": LARGEST_FILE + (1 << 20),
        "back_confirmed": carrying.LARGEST + (1 << 20),
    }

    @expose("/back", methods=("GET", "POST"))
    def back(self) -> str | Response | tuple[str, int]:
        """Ask for a file; then show what would come of it."""
        form = _file_form()
        if not form.validate_on_submit():
            return self._asked(form)
        school, content = form.school.data, form.file.data
        done_reading()
        try:
            self._take()
            content.stream.seek(0, 2)
            with opened(content.stream, content.stream.tell(), most=UNPACKED_BY_PAGE) as archive:
                looked = services.preview(principal=self.who, school=school, archive=archive)
                kept = {"archive": to_carry(archive), "school": school, "form": str(uuid4())}
            return self._look(looked, carrying.sealed(kept, context=self._context, at=clock.now()))
        except Throttled as throttled:
            page, _code = self._asked(form, [Problem(f"{TOO_OFTEN} {throttled.sentence}")])
            return to_be_waited_for(page, throttled)
        except Unusable as unusable:
            return self._asked(form, unusable.problems)
        except Unreadable as unreadable:
            return self._asked(form, [Problem(unreadable.sentence)])

    @expose("/back/confirm", methods=("POST",))
    def back_confirmed(self) -> str | Response | tuple[str, int]:
        """Do what was shown."""
        form, text = AnewForm(), request.form.get("carried", "")
        try:
            kept = carrying.opened(text, context=self._context, at=clock.now())
        except Unreadable as unreadable:
            return self._asked(_file_form(), [Problem(unreadable.sentence)])
        archive = carried(**kept["archive"])
        done_reading()
        try:
            came = services.bring_in(
                principal=self.who,
                school=kept["school"],
                archive=archive,
                form=kept["form"],
                anew=form.anew.data,
            )
        except ToBeSaid:
            looked = services.preview(principal=self.who, school=kept["school"], archive=archive)
            return self._look(looked, text, str(TO_SAY))
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
            return redirect("/console/classrooms/", 303)
        except Unusable as unusable:
            return self._asked(_file_form(), unusable.problems)
        flash(_came(came.counts), "success")
        for each in came.staying:
            flash(each.sentence, "warning")
        return redirect("/console/classrooms/", 303)

    @property
    def _context(self) -> str:
        return f"{self.endpoint} {self.who.account_id}"

    def _take(self) -> None:
        """Count a file before it is opened. Raises `Throttled`."""
        allowance = settings().throttles.import_account
        take(Claim("importing by account", allowance, str(self.who.account_id)))

    def _asked(self, form: FileForm, problems: Sequence[Problem] = ()) -> tuple[str, int]:
        page = self.render(
            "exports/back.html",
            form=form,
            problems=[each.in_words for each in problems],
            most=LARGEST_FILE >> 20,
            crumbs=self._crumbs,
        )
        return page, 422 if form.errors or problems else 200

    def _look(self, looked: Looked, text: str, problem: str | None = None) -> str | tuple[str, int]:
        page = self.render(
            "exports/back_look.html",
            # Whether it is to be created anew is asked on a page of its own: nothing is ticked there yet.
            form=AnewForm(formdata=None),
            carried=text,
            coming=said.coming(looked.counts),
            staying=said.staying(looked.without, looked.staying),
            doubts=looked.doubts.sentences,
            full=looked.full,
            problem=problem,
            crumbs=self._crumbs,
        )
        return (page, 422) if problem else page

    @property
    def _crumbs(self) -> list[dict[str, str]]:
        here = {"title": gettext("Bring an export back")}
        return (
            [{"title": str(self.title), "url": "/console/exports/"}, here] if self.opens("index") else [here]
        )


def _file_form() -> FileForm:
    """The form with the schools in which one may make classes."""
    tx, form = reading(), FileForm()
    form.school.data = form.school.data or form.school.only_one(tx)
    form.school.fill(tx, gettext("Choose a school"))
    return form


def _came(counts: Mapping[str, int]) -> str:
    return ngettext(
        "%(count)s class with its students and points came in. Its codes are new, and its door is closed.",
        "%(count)s classes with their students and points came in. Their codes are new, and their doors are"
        " closed.",
        counts["classrooms"],
        count=amount(counts["classrooms"]),
    )
