"""Merging two students who are the same child: choosing the other, looking at both, doing it."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_MERGE
from backoffice.console.guard import GuardedView
from backoffice.console.students import full_name
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.plugin import Plugin
from backoffice.problems import Rejected
from backoffice.schools.models import Student
from backoffice.schools.names import LONGEST
from backoffice.schools.services import merging
from backoffice.schools.services.merging import MergePreview, Seated, Side
from backoffice.web.identity import done_reading, reading, runtime
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

CHOOSE_ONE = lazy("Choose who is the same child.")


class FindForm(FlaskForm):
    """Somebody to find by name."""

    q = StringField(lazy("Find another by name"), [Length(max=LONGEST)])


class MergeForm(FlaskForm):
    """What was looked at, and the word that it is one child."""

    other = HiddenField()
    seen = HiddenField()
    sure = BooleanField(
        lazy("It is one child. I know that this cannot be undone."),
        [DataRequired(lazy("Tick this if you are sure that they are one child."))],
    )


class StudentMerge(GuardedView):
    """Two students become one."""

    doors = {"merge": STUDENTS_MERGE}
    title = lazy("Merge")
    address = "students"

    @classmethod
    def placed(cls, plugin: Plugin | None = None) -> "GuardedView":
        """Below the students' address, with an endpoint of its own."""
        cls._default_view = "merge"
        view = cls(name=cls.title, endpoint="console_student_merge", url=cls.address)
        view.plugin = plugin
        return view

    def is_visible(self) -> bool:
        """Not in the menu: it is reached from a student."""
        return False

    @expose("/<student:public_id>/merge", methods=("GET", "POST"))
    @shows_what_was_typed
    def merge(self, public_id: str) -> str | Response | tuple[str, int]:
        """Choose the other; then, looked at and confirmed, make one of the two."""
        row = find(reading(), Student, public_id, permission=STUDENTS_MERGE)
        own = f"/console/students/{public_id}"
        shown: dict[str, Any] = {
            "student": {"name": full_name(row), "url": own},
            "here": f"{own}/merge",
            "crumbs": [
                {"title": gettext("Students"), "url": "/console/students/"},
                {"title": full_name(row), "url": own},
                {"title": gettext("Merge")},
            ],
        }
        done_reading()
        if "q" in request.form or not request.form:
            return self._choose(public_id, shown)
        if not request.form.get("other"):
            return self._choose(public_id, shown, CHOOSE_ONE)
        other = request.form["other"]
        form = MergeForm(formdata=request.form if "seen" in request.form else None, other=other)
        problem = None
        if "seen" in request.form and form.validate_on_submit():
            try:
                merging.merge_students(
                    principal=self.who, keeper=public_id, merged=other, seen=form.seen.data or ""
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("They are one student now."), "success")
                return redirect(own, 303)
        try:
            looked = merging.preview_merge(principal=self.who, keeper=public_id, merged=other)
        except Rejected as rejected:
            return self._choose(public_id, shown, str(rejected))
        form.other.data, form.seen.data = other, looked.seen
        page = self.render(
            "console/merge.html",
            form=form,
            problem=problem,
            lines=_lines(looked),
            sentences=_sentences(looked),
            keeper=looked.keeper,
            merged=looked.merged,
            swap=f"/console/students/{looked.merged.public_id}/merge",
            **shown,
        )
        return (page, 422) if form.errors or problem else page

    def _choose(
        self, public_id: str, shown: dict[str, Any], problem: str | None = None
    ) -> str | tuple[str, int]:
        form = FindForm()
        words = (form.q.data or "").strip()[:LONGEST]
        alike = merging.candidates(principal=self.who, student=public_id)
        known = {each.public_id for each in alike}
        found = merging.candidates(principal=self.who, student=public_id, search=words) if words else []
        page = self.render(
            "console/merge_choose.html",
            form=form,
            problem=problem,
            alike=alike,
            found=[each for each in found if each.public_id not in known],
            words=words,
            **shown,
        )
        return (page, 422) if problem else page


def _lines(looked: MergePreview) -> list[dict[str, Any]]:
    """What each of the two has, and what there is afterwards."""
    stays, goes = looked.keeper, looked.merged
    parents = list(dict.fromkeys([*stays.parents, *goes.parents]))

    def line(title: str, one: Any, other: Any, after: Any) -> dict[str, Any]:
        return {
            "title": title,
            "cells": [each if isinstance(each, list) else [str(each)] for each in (one, other, after)],
        }

    lines = [
        line(gettext("Name"), stays.name, goes.name, stays.name),
        line(gettext("Classes"), _seats(stays), _seats(goes), _seats_together(stays, goes)),
        line(gettext("Points"), stays.points, goes.points, stays.points + goes.points),
        line(gettext("Awards and deductions"), stays.awards, goes.awards, stays.awards + goes.awards),
        line(gettext("PIN"), _set(stays.pin), _set(goes.pin), _set(stays.pin)),
        line(
            gettext("Username"),
            _set(stays.username),
            _set(goes.username),
            _set(stays.username, goes.username),
        ),
        line(
            gettext("Parents who follow"),
            list(stays.parents) or [gettext("None")],
            list(goes.parents) or [gettext("None")],
            parents or [gettext("None")],
        ),
        line(
            gettext("Parents who wait or are invited"),
            stays.waiting + stays.invited,
            goes.waiting + goes.invited,
            gettext("Come along, each once"),
        ),
        line(gettext("Personal cards that work"), stays.cards, goes.cards, stays.cards),
    ]
    # What neither of them has needs no line.
    nothing = ([gettext("None")], ["0"])
    return [each for each in lines if each["cells"][0] not in nothing or each["cells"][1] not in nothing]


def _set(*there: bool) -> str:
    return gettext("Set") if any(there) else gettext("None")


def _seat(seat: Seated) -> str:
    notes = [word for word, so in ((gettext("archived"), seat.archived), (gettext("left"), seat.left)) if so]
    points = f"{seat.points} {ngettext('point', 'points', seat.points)}"
    return f"{seat.name}: {', '.join([points, *notes])}"


def _seats(side: Side) -> list[str]:
    return [_seat(seat) for seat in side.seats] or [gettext("None")]


def _seats_together(stays: Side, goes: Side) -> list[str]:
    together: dict[str, Seated] = {}
    for seat in (*stays.seats, *goes.seats):
        before = together.get(seat.name)
        together[seat.name] = (
            seat
            if before is None
            else Seated(seat.name, before.points + seat.points, seat.archived, before.left and seat.left)
        )
    return [_seat(seat) for seat in together.values()] or [gettext("None")]


def _left_behind(goes: Side, name: str, count: int) -> str:
    title = next((plugin.title for plugin in runtime().plugins if plugin.name == name), name)
    return ngettext(
        "%(title)s keeps something of both that only one can have: 1 entry of %(child)s will be gone.",
        "%(title)s keeps something of both that only one can have: %(count)s entries of %(child)s will"
        " be gone.",
        count,
        title=title,
        count=amount(count),
        child=goes.name,
    )


def _all(names: Sequence[str]) -> str:
    said = list(names[:1])
    for more in names[1:]:
        said = [gettext("%(said)s and %(more)s", said=said[0], more=more)]
    return "".join(said)


def _sentences(looked: MergePreview) -> list[str]:
    """What is decided where both have something, and what is over."""
    stays, goes = looked.keeper, looked.merged
    both = _all(looked.common)
    said = {
        gettext(
            "Both are in %(classes)s: their points are added there, and the picture and the alias of"
            " %(stays)s"
            " stay.",
            classes=both,
            stays=stays.name,
        ): bool(looked.common),
        gettext("The PIN of %(stays)s stays. The other PIN is gone.", stays=stays.name): stays.pin
        and goes.pin,
        gettext(
            "The PIN of %(goes)s cannot come along: the child sets a new one. Keep %(goes)s instead if"
            " that PIN is to stay.",
            goes=goes.name,
        ): goes.pin and not stays.pin,
        gettext(
            "The username of %(stays)s stays. The other username is gone.", stays=stays.name
        ): stays.username and goes.username,
        gettext("%(stays)s gets the username of %(goes)s.", stays=stays.name, goes=goes.name): goes.username
        and not stays.username,
        gettext("Parents of both follow one child then, and see the points of both."): bool(
            goes.parents or goes.waiting or goes.invited
        ),
        gettext(
            "Whose link to one of the two was ended or refused follows neither afterwards. Invite them"
            " anew if"
            " they are to."
        ): bool(stays.ended or goes.ended),
        gettext(
            "The personal cards of %(goes)s stop working. Print a new one where it is needed.", goes=goes.name
        ): goes.cards > 0,
        gettext("Whoever is signed in as %(goes)s now is out.", goes=goes.name): goes.inside > 0,
        **{_left_behind(goes, name, count): True for name, count in looked.stays},
        gettext(
            "If your school's own system lists both, mend that list as well: its next import would bring the"
            " second one back."
        ): True,
    }
    return [sentence for sentence, so in said.items() if so]
