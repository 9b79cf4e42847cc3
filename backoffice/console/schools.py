"""Schools in the console: names and numbers. This is all of a school that a founder sees."""

from collections.abc import Sequence

from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField

from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_READ, SCHOOLS_COUNT, SCHOOLS_SECURE
from backoffice.access.policy import scope
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.accounts.care.services import requirement
from backoffice.accounts.services import proof
from backoffice.console.grid import Cell, Column, Grid, Row
from backoffice.schools import queries
from backoffice.schools.models import School, SchoolKind
from backoffice.schools.queries import SchoolCounts
from backoffice.web.identity import reading

NOTHING = SchoolCounts(0, 0, 0)


class SecondFactorForm(FlaskForm):
    """What a school requires."""

    required = BooleanField(
        "Leaders and teachers must have a second factor",
        description="A code of an app on their phone, beside the password.",
    )


class SchoolGrid(Grid):
    """The schools that somebody may count."""

    entity = School
    doors = {"index": SCHOOLS_COUNT, "second_factor": SCHOOLS_SECURE}
    icon = "school"
    title = "Schools"
    category = "School"
    address = "schools"
    noun = ("school", "schools")
    columns = (
        Column("name", "School"),
        Column("place", "Place"),
        Column("classrooms", "Classes", numeric=True),
        Column("students", "Students", numeric=True),
        Column("staff", "Staff", numeric=True),
        Column("factor", "Second factor"),
    )

    def rows(self, tx: Transaction, things: Sequence[School]) -> list[Row]:
        """Name, place and numbers."""
        counts = queries.counts_by_school(tx, things)
        return [self._row(tx.principal, school, counts.get(school.id, NOTHING)) for school in things]

    def extras(self, tx: Transaction) -> dict[str, object]:
        """What the page is for, in the words of who reads it."""
        founder = tx.principal.founder
        return {
            "description": "Schools and numbers. Names of children are not shown to the company."
            if founder
            else "Your schools in numbers.",
            "empty": {
                "title": "No schools yet",
                "sentence": "Schools appear here as they join.",
                "url": None,
                "action": None,
                "icon": "school",
            },
        }

    @expose("/<school:public_id>/second-factor", methods=("GET", "POST"))
    def second_factor(self, public_id: str) -> str | Response | tuple[str, int]:
        """Whether leaders and teachers must have a second factor."""
        school = find(reading(), School, public_id, permission=SCHOOLS_SECURE)
        proof.demand(reading())
        form = SecondFactorForm(required=school.factor_required)

        def save() -> str:
            requirement.require_second_factor(
                principal=self.who, school=public_id, required=bool(form.required.data)
            )
            return "/console/schools/"

        return self.form_page(
            form,
            save=save,
            said="Saved. It holds from everybody's next page on.",
            heading="Second factor",
            intro=f"Who works at {school.name} and has none is led to set one up, and to nothing else.",
            crumbs=[{"title": "Schools", "url": "/console/schools/"}, {"title": "Second factor"}],
            cancel_url="/console/schools/",
        )

    @staticmethod
    def _row(who: Principal, school: School, counts: SchoolCounts) -> Row:
        return Row(
            school.public_id,
            classes_of(who, school),
            (
                Cell(shown_name(who, school)),
                Cell(", ".join(part for part in (school.state, school.country) if part)),
                Cell(f"{counts.classrooms:,}", "number"),
                Cell(f"{counts.students:,}", "number"),
                Cell(f"{counts.staff:,}", "number"),
                Cell(
                    "Required" if school.factor_required else "Not required",
                    url=f"/console/schools/{school.public_id}/second-factor"
                    if school.id in scope(who, SCHOOLS_SECURE).schools
                    else None,
                ),
            ),
        )


def classes_of(who: Principal, school: School) -> str | None:
    """Where the school's classes are listed, for somebody who may read them."""
    readable = school.id in scope(who, CLASSROOMS_READ).schools
    return f"/console/classrooms/?school={school.public_id}" if readable else None


def shown_name(who: Principal, school: School) -> str:
    """What a school is called here. A personal one names its teacher, which the company need not see."""
    hidden = who.founder and school.kind == SchoolKind.PERSONAL
    return "A teacher's own school" if hidden else school.name
