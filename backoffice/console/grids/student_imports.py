"""What the list of students takes in from files."""

from collections.abc import Iterator, Sequence

from backoffice.access.permissions import STUDENTS_EXPORT
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.console.forms import StudentsSchoolForm
from backoffice.console.grids.imports import Importing, Question
from backoffice.imports.columns import Row
from backoffice.imports.plan import Plan
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools import queries
from backoffice.schools.importing.columns import CLASSES, FAMILY, GIVEN, ID, STUDENT_COLUMNS, WHOLE
from backoffice.schools.importing.compare import Elsewhere, Rooms
from backoffice.schools.importing.queries import rooms_of
from backoffice.schools.models import Student
from backoffice.schools.services.importing import import_students, preview_students


def _preview(*, principal: Principal, school: str, rows: Sequence[Row], answer: str) -> Plan:
    return preview_students(principal=principal, school=school, rows=rows, elsewhere=Elsewhere(answer))


def _run(*, principal: Principal, school: str, rows: Sequence[Row], answer: str, seen: str, most: int) -> str:
    done = import_students(
        principal=principal,
        school=school,
        rows=rows,
        seen=seen,
        most=most,
        elsewhere=Elsewhere(answer),
    )
    new = ngettext("1 student is new", "%(count)s students are new", done.new, count=amount(done.new))
    changed = ngettext(
        "1 row changed one who was here",
        "%(count)s rows changed one who was here",
        done.changed,
        count=amount(done.changed),
    )
    return gettext("Imported: %(new)s, %(changed)s.", new=new, changed=changed)


def _current(tx: Transaction, students: Sequence[Student]) -> Iterator[Sequence[str | None]]:
    seats = queries.seats_of(tx, students, STUDENTS_EXPORT)
    known: dict[int, Rooms] = tx.info.setdefault("rooms of files", {})
    for each in students:
        if each.school_id not in known:
            known[each.school_id] = Rooms(rooms_of(tx, each.school_id))
        classes = known[each.school_id].cell(frozenset(seat.room for seat in seats.get(each.id, ())))
        yield (each.public_id, each.given_name, each.family_name, classes)


IMPORTING = Importing(
    columns=STUDENT_COLUMNS,
    needs=frozenset({ID.key, GIVEN.key, WHOLE.key}),
    needed=lazy("Say which column holds the names."),
    form=StudentsSchoolForm,
    preview=_preview,
    run=_run,
    question=Question(
        lazy("A name that a student of another class has means"),
        (
            (Elsewhere.ASK, lazy("not decided: leave the row out for now")),
            (Elsewhere.SAME, lazy("the same child, in this class as well")),
            (Elsewhere.ANOTHER, lazy("another child")),
        ),
    ),
    headings=(ID.title, GIVEN.title, FAMILY.title, CLASSES.title),
    current=_current,
    alone=WHOLE.key,
)
