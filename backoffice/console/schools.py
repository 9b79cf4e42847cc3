"""Schools in the console: names and numbers. This is all of a school that a founder sees."""

from collections.abc import Sequence

from backoffice.access.permissions import CLASSROOMS_READ, SCHOOLS_COUNT
from backoffice.access.policy import scope
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.console.grid import Cell, Column, Grid, Row
from backoffice.schools import queries
from backoffice.schools.models import School, SchoolKind
from backoffice.schools.queries import SchoolCounts

NOTHING = SchoolCounts(0, 0, 0)


class SchoolGrid(Grid):
    """The schools that somebody may count."""

    entity = School
    doors = {"index": SCHOOLS_COUNT}
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
