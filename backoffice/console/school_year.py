"""Beginning a school year: what becomes of each class, a look at all of it, and doing it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.permissions import SCHOOL_YEARS_BEGIN
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.console.school_of import ask_of_which, school_of
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, School
from backoffice.schools.queries import school_public_id
from backoffice.schools.services import school_years
from backoffice.schools.services.classrooms import LONGEST_NAME
from backoffice.schools.services.school_years import Ending, YearClass, YearPreview
from backoffice.schools.source_queries import has_source
from backoffice.web.identity import done_reading, reading
from backoffice.web.resend import shows_what_was_typed

HERE = "/console/school-year/"
RELATION = "school-with-a-year"


class SchoolYearPage(GuardedView):
    """The classes of a school, and a new year for them."""

    doors = {"index": SCHOOL_YEARS_BEGIN}
    title = lazy("School year")
    category = lazy("School")
    address = "school-year"
    icon = "clock"
    commands = (
        Command(
            lazy("Begin a school year"), "index", "school-year/", also=lazy("new archive move up promote")
        ),
    )

    def is_visible(self) -> bool:
        """In the menu of leaders, and of who signed up alone."""
        return bool(self.who.led_schools or self.who.personal_schools)

    def offered(self) -> Iterable[Command]:
        """To the same: the owner of a class is told on the page who begins the year."""
        return super().offered() if self.is_visible() else ()

    @expose("/", methods=("GET", "POST"))
    @shows_what_was_typed
    def index(self) -> str | Response | tuple[str, int]:
        """Choose what becomes of each class; look at the numbers; begin."""
        school = school_of(RELATION)
        if school is None:
            return ask_of_which(
                self,
                RELATION,
                nobodys={
                    "title": gettext("A leader of your school begins the year"),
                    "sentence": gettext(
                        "In a school of your own you do it yourself. A single class you can archive"
                        " on its page “Manage”."
                    ),
                },
            )
        tx = reading()
        classes, from_source = school_years.classes_of_year(tx, school), has_source(tx, school.id)
        done_reading()
        looked, form = None, FlaskForm()
        problems: Mapping[str, str] = {}
        if form.validate_on_submit() and request.form.get("do") != "edit":
            endings = _endings()
            try:
                if request.form.get("do") == "begin":
                    begun = school_years.begin_year(
                        principal=self.who,
                        school=school.public_id,
                        endings=endings,
                        seen=request.form.get("seen", ""),
                    )
                    flash(_done(begun), "success")
                    return redirect(f"/console/classrooms/?school={school.public_id}", 303)
                looked = school_years.preview_year(
                    principal=self.who, school=school.public_id, endings=endings
                )
            except Rejected as rejected:
                problems = rejected.fields
        page = self._page(school, classes, looked, problems, from_source=from_source)
        return (page, 422) if problems or form.errors else page

    def _page(
        self,
        school: School,
        classes: Sequence[YearClass],
        looked: YearPreview | None,
        problems: Mapping[str, str],
        *,
        from_source: bool,
    ) -> str:
        crumbs: list[dict[str, str]] = [{"title": self.title, "url": HERE}, {"title": school.name}]
        there = {each.public_id: each.name for each in classes}
        whole = [sentence for name, sentence in problems.items() if name not in there]
        return self.render(
            "console/school_year.html" if looked is None else "console/school_year_look.html",
            form=FlaskForm(),
            school={"name": school.name, "public_id": school.public_id},
            rows=[_row(each) for each in classes],
            looked=looked,
            sentences=_sentences(looked) if looked else [],
            problem=" ".join(map(str, whole)) or None,
            problems=problems,
            lines=[
                {"id": f"name-{key}", "title": name, "sentence": problems[key]}
                for key, name in there.items()
                if key in problems
            ],
            longest=LONGEST_NAME,
            most=school_years.MOST_CLASSES,
            from_source=from_source,
            crumbs=crumbs,
        )


def _row(each: YearClass) -> dict[str, Any]:
    """A class as the form has it: as it was sent, or as is likely."""
    key, form = each.public_id, request.form
    # A class that is new since the form was sent is left as it is.
    sent, known = bool(form), key in form.getlist("class")
    up = set(form.getlist(f"up-{key}"))
    return {
        "key": key,
        "name": each.name,
        "ends": known or not sent,
        "successor": form.get(f"name-{key}", each.proposed),
        "made": f"new-{key}" in form if known else True,
        "stay": f"stay-{key}" in form if known else True,
        "teachers": each.teachers,
        "pupils": [
            {
                "public_id": pupil.public_id,
                "name": pupil.name,
                "up": pupil.public_id in up if known else True,
            }
            for pupil in each.pupils
        ],
    }


def _endings() -> list[Ending]:
    """What the form asks for. A class that is gone since is asked for all the same, and refused."""
    form = request.form
    return [
        Ending(
            key,
            form.get(f"name-{key}", "") if f"new-{key}" in form else None,
            frozenset(form.getlist(f"up-{key}")),
            f"stay-{key}" in form,
        )
        for key in dict.fromkeys(form.getlist("class"))
    ]


def _sentences(looked: YearPreview) -> list[str]:
    """What beginning does, in numbers."""
    up = ngettext(
        "%(count)s student moves up", "%(count)s students move up", looked.moving, **_count(looked.moving)
    )
    out = ngettext("%(count)s leaves", "%(count)s leave", looked.leaving, **_count(looked.leaving))
    said = [
        ngettext(
            "%(count)s class is archived. They can be read, with all points, and brought back one by one.",
            "%(count)s classes are archived. They can be read, with all points, and brought back one by one.",
            len(looked.lines),
            **_count(len(looked.lines)),
        ),
        ngettext(
            "%(count)s new class is made, each with a new code. The doors are closed until somebody"
            " opens them.",
            "%(count)s new classes are made, each with a new code. The doors are closed until somebody"
            " opens them.",
            looked.successors,
            **_count(looked.successors),
        ),
        gettext("%(up)s and %(out)s. Nobody is deleted, and points begin at nothing.", up=up, out=out),
        gettext(
            "%(codes)s, %(cards)s and %(tablets)s of the old classes stop working.",
            codes=ngettext("%(count)s code", "%(count)s codes", looked.codes, **_count(looked.codes)),
            cards=ngettext(
                "%(count)s personal card", "%(count)s personal cards", looked.cards, **_count(looked.cards)
            ),
            tablets=ngettext(
                "%(count)s tablet", "%(count)s tablets", looked.tablets, **_count(looked.tablets)
            ),
        ),
    ]
    if looked.inside:
        said.append(
            ngettext(
                "%(count)s child is signed in now and will be out.",
                "%(count)s children are signed in now and will be out.",
                looked.inside,
                **_count(looked.inside),
            )
        )
    return said


def _done(begun: school_years.Begun) -> str:
    return gettext(
        "The new year has begun: %(made)s with %(moved)s, and %(ended)s archived.",
        made=ngettext("%(count)s new class", "%(count)s new classes", begun.made, **_count(begun.made)),
        moved=ngettext("%(count)s student", "%(count)s students", begun.moved, **_count(begun.moved)),
        ended=ngettext("%(count)s class", "%(count)s classes", begun.ended, **_count(begun.ended)),
    )


def _count(number: int) -> dict[str, str]:
    return {"count": amount(number)}


def year_url(tx: Transaction, row: Classroom) -> str | None:
    """Where the year of a class's school is begun, for somebody who may."""
    school = school_public_id(tx, row.school_id, SCHOOL_YEARS_BEGIN)
    return f"{HERE}?school={school}" if school else None
