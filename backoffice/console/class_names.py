"""The list of a class: how names are written, and what of them is shown behind the class's code."""

from collections.abc import Mapping
from types import MappingProxyType

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CLASSROOMS_EDIT, STUDENTS_EDIT
from backoffice.access.seen import version
from backoffice.console.class_page import ClassPage
from backoffice.console.command import Command
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected
from backoffice.schools import labels, names, showing_queries
from backoffice.schools.models import Classroom, NamesShown
from backoffice.schools.services import showing
from backoffice.schools.services.class_list import ClassList, Rewritten, save_class_list
from backoffice.web.identity import done_reading, reading

WAYS = {
    NamesShown.NAMES: (lazy("Name and initial"), lazy("“Ada L.”, or the alias of a child that has one.")),
    NamesShown.ALIASES: (lazy("Alias"), lazy("No name at all. A child without an alias is its picture.")),
    NamesShown.AVATARS: (
        lazy("Picture only"),
        lazy("For those who cannot read yet. Each child has a picture of its own."),
    ),
    NamesShown.USERNAMES: (lazy("No list"), lazy("Each child types a username that you give it.")),
}
LOOK_BELOW = lazy("Nothing is saved yet. Look at the lines that are marked below.")
SAVED = {NamesShown.USERNAMES: lazy("The code shows no list now: each child types a username.")}


class ClassNames(ClassPage):
    """How a class shows its children to whoever has its code. Never a whole family name."""

    title = lazy("Names and pictures")
    tail = "names"
    page = "overview"
    commands = (Command(lazy("Choose what the code of {name} shows"), "show", "names", page="overview"),)
    doors = {
        "overview": STUDENTS_EDIT,
        "show": CLASSROOMS_EDIT,
        "save": STUDENTS_EDIT,
        "picture": STUDENTS_EDIT,
    }

    @expose("/<classroom:public_id>/names", methods=("GET",))
    def overview(self, public_id: str) -> str:
        """What is shown now; with `student`, the pictures to choose from for that one."""
        return self._page(public_id)

    @expose("/<classroom:public_id>/names/shown", methods=("POST",))
    def show(self, public_id: str) -> Response:
        """Choose what the list shows."""
        how = request.form.get("how", "")
        if how not in set(NamesShown):
            abort(400)
        done_reading()
        showing.show_as(principal=self.who, classroom=public_id, how=NamesShown(how))
        flash(SAVED.get(NamesShown(how), gettext("The list shows it from now on.")), "success")
        return _back(public_id)

    @expose("/<classroom:public_id>/names", methods=("POST",))
    def save(self, public_id: str) -> str | Response | tuple[str, int]:
        """Keep the names, aliases and new usernames."""
        wanted = _typed_list()
        done_reading()
        try:
            saved = save_class_list(principal=self.who, classroom=public_id, wanted=wanted)
        except Rejected as rejected:
            return self._page(public_id, problems=rejected.fields, typed=wanted), 422
        if not saved.usernames:
            flash(gettext("The list is saved."), "success")
            return _back(public_id)
        flash(
            ngettext(
                "The list is saved, and 1 username is set.",
                "The list is saved, and %(count)s usernames are set.",
                saved.usernames,
                count=saved.usernames,
            ),
            "success",
        )
        # Answered with the page: they are kept so that it could not show them later.
        return self._page(public_id, written=wanted.usernames)

    @expose("/<classroom:public_id>/names/picture", methods=("POST",))
    def picture(self, public_id: str) -> str | Response | tuple[str, int]:
        """Give a student another picture."""
        student, avatar = request.form.get("student", ""), request.form.get("avatar", "")
        done_reading()
        try:
            showing.set_picture(principal=self.who, classroom=public_id, student=student, avatar=avatar)
        except Rejected as rejected:
            page = self._page(public_id, problems={"": rejected.in_words}, chosen=student)
            return page, 422
        flash(gettext("The picture is changed."), "success")
        return _back(public_id)

    def _page(
        self,
        public_id: str,
        *,
        problems: Mapping[str, str] = MappingProxyType({}),
        typed: ClassList | None = None,
        written: Mapping[str, str] = MappingProxyType({}),
        chosen: str | None = None,
    ) -> str:
        tx = reading()
        row = find(tx, Classroom, public_id, permission=STUDENTS_EDIT)
        students = showing_queries.shown(tx, row)
        wanted = chosen or request.args.get("student")
        found = next((each for each in students if each.public_id == wanted), None)
        if wanted and found is None:
            raise NotFound
        pictures = [each.avatar for each in students]
        return self.class_page(
            "console/class_names.html",
            row,
            record=self.changed(row),
            base=f"/console/classrooms/{public_id}/names",
            form=FlaskForm(),
            how=row.names_shown,
            ways=[
                {"value": how.value, "title": title, "about": about, "current": how == row.names_shown}
                for how, (title, about) in WAYS.items()
            ],
            students=students,
            typed=typed or ClassList(),
            problem=problems.get("") or (LOOK_BELOW if problems else None),
            problems=problems,
            lines=[
                {
                    "id": f"given-{each.public_id}",
                    "title": each.name,
                    "sentence": problems[each.public_id],
                }
                for each in students
                if each.public_id in problems and not found
            ],
            version=version,
            written=[
                (each.name, written[each.public_id].strip())
                for each in students
                if written.get(each.public_id, "").strip()
            ],
            twins=sorted({each.picture for each in students if pictures.count(each.avatar) > 1}),
            without_username=sum(not each.has_username for each in students),
            chosen=found,
            pictures=[
                {"value": avatar, "words": labels.in_words(avatar), "taken": avatar in set(pictures)}
                for avatar in names.AVATARS
            ]
            if found
            else [],
        )


def _typed_list() -> ClassList:
    given, family, seen = _typed("given-"), _typed("family-"), _typed("seen-")
    return ClassList(
        names={
            student: Rewritten(given[student], family.get(student, ""), seen.get(student, ""))
            for student in given
        },
        aliases=_typed("alias-"),
        aliases_seen=_typed("seen-alias-"),
        usernames=_typed("username-"),
    )


def _typed(prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in request.form.items() if name.startswith(prefix)}


def _back(public_id: str) -> Response:
    return redirect(f"/console/classrooms/{public_id}/names", 303)
