"""Which classes the rows of a list mean, and what each row would do. Decides nothing that nobody has seen.

A class is recognised by its ID, or by its name among those of its school that go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from backoffice.access.permissions import CLASSROOMS_CREATE, CLASSROOMS_EDIT, CLASSROOMS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.imports.columns import ImportColumn, Row
from backoffice.imports.plan import CellChange, Plan, PlannedRow, RefusedRow, RowState
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.schools.importing.columns import ID
from backoffice.schools.models import Classroom, School
from backoffice.schools.names import plain
from backoffice.schools.services.classrooms import problem_with
from backoffice.storage.numbers import one_of
from backoffice.wording import clean

NAME = ImportColumn(
    "name",
    lazy("Name"),
    (
        "class",
        "class name",
        "classroom",
        "title",
        "course",
        "section",
        "homeroom",
        "clase",
        "nombre",
        "grupo",
    ),
)
CLASS_COLUMNS = (ID, NAME)
NOT_HERE = lazy("There is no class of this ID here. Leave the cell empty for a new class.")
NO_RENAMING = lazy("You may not rename this class.")


@dataclass
class ComparedClasses:
    """The plan that people see, and what doing it takes: names of new classes, and by number what is renamed.

    `renamed` holds each name as it is and as it would be.
    """

    plan: Plan = field(default_factory=lambda: Plan([]))
    fresh: list[str] = field(default_factory=list)
    renamed: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Room:
    id: int
    name: str
    may_rename: bool


def schools_to_make_classes_in(tx: Transaction, *, most: int) -> Sequence[School]:
    """The schools in which the principal may make classes."""
    statement = select(School).order_by(School.id).limit(most)
    return tx.scalars(visible(tx.principal, statement, CLASSROOMS_CREATE)).all()


def compare_classes(tx: Transaction, school: School, rows: Sequence[Row]) -> ComparedClasses:
    """What importing these rows would do; changes nothing."""
    comparing = _Comparing(school.name, _rooms_of(tx, school.id))
    comparing.compared.plan = Plan([comparing.row(row) for row in rows])
    return comparing.compared


def lock_names(tx: Transaction, school_id: int, rooms: Mapping[int, object]) -> dict[int, str]:
    """What these classes are called now, kept from changing, as far as the principal may rename them."""
    statement = (
        select(Classroom.id, Classroom.name)
        .where(Classroom.school_id == school_id, one_of(Classroom.id, rooms), Classroom.archived_at.is_(None))
        .order_by(Classroom.id)
        .with_for_update(of=Classroom)
    )
    return {row.id: row.name for row in tx.execute(visible(tx.principal, statement, CLASSROOMS_EDIT))}


def _rooms_of(tx: Transaction, school_id: int) -> dict[str, _Room]:
    live = (Classroom.school_id == school_id, Classroom.archived_at.is_(None))
    may = set(tx.scalars(visible(tx.principal, select(Classroom.id).where(*live), CLASSROOMS_EDIT)))
    shown = select(Classroom.id, Classroom.public_id, Classroom.name).where(*live).order_by(Classroom.id)
    return {
        row.public_id: _Room(row.id, row.name, row.id in may)
        for row in tx.execute(visible(tx.principal, shown, CLASSROOMS_READ))
    }


class _Comparing:
    """Goes through the rows once; each sees what those above it would have done."""

    def __init__(self, place: str, rooms: Mapping[str, _Room]) -> None:
        self.compared = ComparedClasses()
        self._place, self._rooms = place, rooms
        self._named = {plain(room.name) for room in rooms.values()}
        # On which line a class was spoken of: one here by its number, a new one by its name.
        self._spoken: dict[int | str, int] = {}

    def row(self, row: Row) -> PlannedRow:
        """What becomes of a row."""
        name, public_id = clean(row.cell(NAME.key)), row.cell(ID.key).strip().lower()
        try:
            return self._meant(row.line, public_id, name)
        except RefusedRow as refused:
            return refused.planned(row.line, name, self._place)

    def _meant(self, line: int, public_id: str, name: str) -> PlannedRow:
        if problem := problem_with(name):
            raise RefusedRow(NAME.title, problem)
        return self._by_id(line, public_id, name) if public_id else self._by_name(line, name)

    def _by_id(self, line: int, public_id: str, name: str) -> PlannedRow:
        room = self._rooms.get(public_id)
        if room is None:
            raise RefusedRow(ID.title, NOT_HERE)
        self._speak(line, room.id)
        if name == room.name:
            return PlannedRow(line, RowState.SAME, name, self._place, mark=public_id)
        if not room.may_rename:
            raise RefusedRow(NAME.title, NO_RENAMING)
        self.compared.renamed[room.id] = (room.name, name)
        change = CellChange(NAME.title, room.name, name)
        return PlannedRow(line, RowState.CHANGED, room.name, self._place, (change,), mark=public_id)

    def _by_name(self, line: int, name: str) -> PlannedRow:
        self._speak(line, plain(name))
        if plain(name) in self._named:
            return PlannedRow(line, RowState.SAME, name, self._place)
        self.compared.fresh.append(name)
        return PlannedRow(line, RowState.NEW, name, self._place)

    def _speak(self, line: int, what: int | str) -> None:
        if said := self._spoken.get(what):
            raise RefusedRow(NAME.title, gettext("The same as line %(line)s.", line=amount(said)))
        self._spoken[what] = line
