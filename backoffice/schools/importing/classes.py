"""Which classes the rows of a list mean, and what each row would do. Decides nothing that nobody has seen.

A class is recognised by its ID, or by its name among those of its school that go on and that one may read.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from sqlalchemy import select

from backoffice.access.permissions import CLASSROOMS_EDIT, CLASSROOMS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.imports.columns import ImportColumn, Row
from backoffice.imports.plan import CellChange, Plan, PlannedRow, RefusedRow, RowState
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.schools.models import Classroom, School
from backoffice.schools.names import plain
from backoffice.schools.services.classrooms import problem_with
from backoffice.storage.numbers import one_of
from backoffice.wording import clean

ID = ImportColumn("id", lazy("ID"), ("identifier", "class id", "classroom id", "section id", "public id"))
NAME = ImportColumn(
    "name",
    lazy("Name"),
    (
        *("class", "class name", "classroom", "title", "course", "section", "homeroom"),
        *("clase", "nombre", "grupo"),
    ),
)
SCHOOL = ImportColumn("school", lazy("School"), ("school name", "escuela", "site"))
CLASS_COLUMNS = (ID, NAME, SCHOOL)
NOT_HERE = lazy("No class here that goes on has this ID. Leave the cell empty for a new class.")
NO_RENAMING = lazy("You may not rename this class.")
OTHER_SCHOOL = lazy("This class is of another school. Bring it in there.")
SPOKEN_OF = lazy("A line above is about this class.")
TWINS = lazy("Another class has this name as well.")


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


def compare_classes(tx: Transaction, school: School, rows: Sequence[Row]) -> ComparedClasses:
    """What importing these rows would do; changes nothing."""
    comparing = _Comparing(school.name, _rooms_of(tx, school.id), rows)
    comparing.compared.plan = Plan([comparing.planned[row.line] for row in rows])
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
    """Looks at the lines with an ID first: what a name means depends on what classes are called by then."""

    def __init__(self, place: str, rooms: Mapping[str, _Room], rows: Sequence[Row]) -> None:
        self.compared = ComparedClasses()
        self.planned: dict[int, PlannedRow] = {}
        self._place, self._rooms = place, rooms
        # What each class will be called, and on which line it was spoken of.
        self._called = {room.id: room.name for room in rooms.values()}
        self._spoken: dict[int, int] = {}
        by_id = [row for row in rows if _id_of(row)]
        for row in by_id:
            self._plan(row, self._by_id)
        # By name: the line that said it, and how many classes of it nobody has spoken of.
        self._said = {plain(self._called[room]): line for room, line in self._spoken.items()}
        self._left = Counter(plain(name) for room, name in self._called.items() if room not in self._spoken)
        for row in rows:
            if not _id_of(row):
                self._plan(row, self._by_name)
        self._note_twins(by_id)

    def _plan(self, row: Row, meant: Callable[[Row, str], PlannedRow]) -> None:
        name, school = clean(row.cell(NAME.key)), clean(row.cell(SCHOOL.key))
        try:
            if school and plain(school) != plain(self._place):
                _refuse(SCHOOL, OTHER_SCHOOL)
            if problem := problem_with(name):
                _refuse(NAME, problem)
            self.planned[row.line] = meant(row, name)
        except RefusedRow as refused:
            self.planned[row.line] = refused.planned(row.line, name, school or self._place)

    def _by_id(self, row: Row, name: str) -> PlannedRow:
        room = self._rooms.get(_id_of(row))
        if room is None:
            _refuse(ID, NOT_HERE)
        if room.id in self._spoken:
            _refuse(ID, SPOKEN_OF)
        if name != room.name and not room.may_rename:
            _refuse(NAME, NO_RENAMING)
        self._spoken[room.id] = row.line
        if name == room.name:
            return PlannedRow(row.line, RowState.SAME, name, self._place, mark=str(room.id))
        self._called[room.id] = name
        self.compared.renamed[room.id] = (room.name, name)
        change = CellChange(NAME.title, room.name, name)
        return PlannedRow(row.line, RowState.CHANGED, room.name, self._place, (change,), mark=str(room.id))

    def _by_name(self, row: Row, name: str) -> PlannedRow:
        key = plain(name)
        if self._left[key]:
            self._left[key] -= 1
            state = RowState.SAME
        elif said := self._said.get(key):
            _refuse(NAME, gettext("The same as line %(line)s.", line=amount(said)))
        else:
            self.compared.fresh.append(name)
            state = RowState.NEW
        self._said.setdefault(key, row.line)
        return PlannedRow(row.line, state, name, self._place)

    def _note_twins(self, by_id: Sequence[Row]) -> None:
        """Say of what is renamed that another class has that name: it may be so, and is seldom meant."""
        called = Counter(map(plain, self._called.values()))
        for row in by_id:
            planned = self.planned[row.line]
            if planned.state is RowState.CHANGED and called[plain(planned.changes[0].after)] > 1:
                self.planned[row.line] = replace(planned, sentence=TWINS)


def _id_of(row: Row) -> str:
    return row.cell(ID.key).strip().lower()


def _refuse(column: ImportColumn, sentence: str) -> NoReturn:
    raise RefusedRow(column.title, sentence)
