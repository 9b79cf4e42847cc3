"""Whom the rows of a list mean, and what each would do. Decides nothing that a person has not seen.

A student is recognised by the ID, or by the name within the classes that the row names. The same name in
another class may be the same child or another one: whoever brings the list says which.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from backoffice.access.transaction import Transaction
from backoffice.imports.columns import Row
from backoffice.imports.plan import CellChange, Plan, PlannedRow, RefusedRow, RowState
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.schools import names
from backoffice.schools.importing import queries
from backoffice.schools.importing.columns import CLASSES, FAMILY, GIVEN, ID, WHOLE
from backoffice.schools.importing.queries import Kept, Room
from backoffice.schools.matching import Known
from backoffice.schools.names import plain
from backoffice.schools.roster_queries import who_left
from backoffice.storage import about, functions
from backoffice.storage.public_id import is_public_id
from backoffice.wording import clean

NOT_HERE = lazy("There is no student of this ID here. Leave the cell empty for a new student.")
ERASED = lazy("The student of this ID was erased for good. Take the line out of your list.")
NO_NAME = lazy("Write a name.")
NO_CLASS = lazy("Name the class of a new student.")
NO_SUCH_CLASS = lazy("There is no such class here. Write its name as the list of classes has it.")
TWO_CLASSES = lazy("Two classes have this name. Write the ID of the class, which its address ends with.")
MOST_CLASSES = 50
TOO_MANY_CLASSES = lazy("Name at most %(most)s classes in a cell.", most=MOST_CLASSES)
CLOSED_CLASS = lazy("You may not add students to this class.")
SEVERAL = lazy("More than one student has this name there. Give the ID.")
NO_RENAMING = lazy("You may not correct the name of this student.")
_PARTS = re.compile(r"\s*[,;]\s*")


class Elsewhere(StrEnum):
    """What a name means that a student of another class has."""

    ASK = "ask"
    SAME = "same"
    ANOTHER = "another"


@dataclass(frozen=True)
class Renamed:
    """How a student was written, and is written since; given and family name."""

    before: tuple[str, str | None]
    after: tuple[str, str | None]


@dataclass
class Fresh:
    """A student who would be written down."""

    line: int
    given: str
    family: str | None
    rooms: set[int]


@dataclass
class Compared:
    """The plan that people see, and what doing it takes: numbers of students, by those of classes."""

    plan: Plan = field(default_factory=lambda: Plan([]))
    fresh: list[Fresh] = field(default_factory=list)
    joins: dict[int, list[int]] = field(default_factory=dict)
    renamed: dict[int, Renamed] = field(default_factory=dict)
    # In which class a changed name is noted, so that it can be undone there.
    noted_in: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Written:
    """The name on a row. `whole` where it stands in one cell, and what is given and family is a guess."""

    given: str
    family: str | None
    whole: str | None = None

    @property
    def keys(self) -> Sequence[str]:
        """What the name is looked for by; a comma may part it, or belong to it."""
        parted = plain(f"{self.given} {self.family or ''}")
        return list(dict.fromkeys([plain(self.whole), parted])) if self.whole else [parted]


def rooms_named(rows: Iterable[Row], rooms: Sequence[Room]) -> set[int]:
    """The numbers of the classes that the rows name, as far as they are known."""
    return {room.id for room in Rooms(rooms).named_in(rows)}


def compare(
    tx: Transaction, school_id: int, rooms: Sequence[Room], rows: Sequence[Row], elsewhere: Elsewhere
) -> Compared:
    """What importing these rows would do; changes nothing."""
    words = {word for row in rows for cell in _name_cells(row) for word in plain(names.written(cell)).split()}
    public_ids = {row.cell(ID.key).strip().lower() for row in rows} - {""}
    kept = queries.students_of(tx, school_id, words=words, public_ids=public_ids)
    known = Rooms(rooms)
    open_ = {room.id for room in known.named_in(rows) if room.open_}
    comparing = _Comparing(tx, school_id, known, open_, kept, elsewhere)
    comparing.note_erased(public_ids)
    planned = [comparing.row(row) for row in rows]
    comparing.compared.plan = Plan(planned)
    return comparing.compared


def _name_cells(row: Row) -> tuple[str, ...]:
    return row.cell(GIVEN.key), row.cell(FAMILY.key), row.cell(WHOLE.key)


class Rooms:
    """Classes by their names and identifiers."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self.by_id = {room.id: room for room in rooms}
        self._public = {room.public_id: room for room in rooms}
        self._named: dict[str, list[Room]] = {}
        for room in rooms:
            self._named.setdefault(plain(clean(room.name)), []).append(room)
        # Of how many parts names with commas are, the longest first.
        self._lengths = sorted({name.count(", ") + 1 for name in self._named} - {1}, reverse=True)
        # What a cell means, or why it means nothing: most cells of a list say the same.
        self._told: dict[str, list[Room] | str] = {}
        self._cells: dict[frozenset[int], str] = {}

    def named(self, text: str) -> list[Room]:
        """The classes in a cell. A comma parts them, unless it belongs to the name of one."""
        found = self._told.get(text)
        if found is None:
            try:
                found = self._parted(clean(text))
            except RefusedRow as refused:
                found = refused.sentence
            self._told[text] = found
        if isinstance(found, str):
            raise RefusedRow(CLASSES.title, found)
        return found

    def named_in(self, rows: Iterable[Row]) -> set[Room]:
        """The classes that rows name, as far as they are known."""
        found: set[Room] = set()
        for text in {row.cell(CLASSES.key) for row in rows}:
            try:
                found.update(self.named(text))
            except RefusedRow:
                continue
        return found

    def _parted(self, text: str) -> list[Room]:
        if not text:
            return []
        if plain(text) in self._named:
            return [self._one(text)]
        parts = [part for part in _PARTS.split(text) if part]
        if len(parts) > MOST_CLASSES:
            raise RefusedRow(CLASSES.title, TOO_MANY_CLASSES)
        compared, found, at = list(map(plain, parts)), [], 0
        while at < len(parts):
            many = next((n for n in self._lengths if ", ".join(compared[at : at + n]) in self._named), 1)
            found.append(self._one(", ".join(parts[at : at + many])))
            at += many
        return list(dict.fromkeys(found))

    def _one(self, text: str) -> Room:
        rooms = self._named.get(plain(text), [])
        if not rooms and text in self._public:
            return self._public[text]
        if len(rooms) != 1:
            raise RefusedRow(CLASSES.title, TWO_CLASSES if rooms else NO_SUCH_CLASS)
        return rooms[0]

    def cell(self, numbers: frozenset[int]) -> str:
        """A cell that means these classes: by their names, and by their IDs where names would not tell."""
        if numbers not in self._cells:
            rooms = sorted(
                (self.by_id[each] for each in numbers if each in self.by_id), key=lambda room: room.name
            )
            ways = (
                lambda room: room.name,
                lambda room: room.name if self._is_plain(room) else room.public_id,
                # Of classes "A", "B" and "A, B", the names of the first two are that of the third.
                lambda room: room.public_id,
            )
            cells = (", ".join(map(way, rooms)) for way in ways)
            self._cells[numbers] = next((each for each in cells if self._means(each) == set(rooms)), "")
        return self._cells[numbers]

    def _is_plain(self, room: Room) -> bool:
        return not _PARTS.search(room.name) and self._means(room.name) == {room}

    def _means(self, text: str) -> set[Room]:
        try:
            return set(self.named(text))
        except RefusedRow:
            return set()

    def words(self, numbers: Iterable[int]) -> str:
        """The names of classes, in order."""
        found = (self.by_id[number].name for number in numbers if number in self.by_id)
        return ", ".join(sorted(found, key=lambda name: names.sort_key(name, None)))


class _Comparing:
    """Goes through the rows once; each sees what those above it would have done."""

    def __init__(
        self,
        tx: Transaction,
        school_id: int,
        rooms: Rooms,
        named_and_open: set[int],
        kept: dict[int, Kept],
        elsewhere: Elsewhere,
    ) -> None:
        self.compared = Compared()
        self._tx, self._school_id, self._rooms, self._elsewhere = tx, school_id, rooms, elsewhere
        self._kept = kept
        self._public = {each.public_id: each for each in kept.values()}
        self._erased: set[str] = set()
        self._named: dict[str, list[Kept]] = {}
        for each in kept.values():
            self._named.setdefault(plain(names.written(each.name)), []).append(each)
        self._fresh: dict[str, list[Fresh]] = {}
        self._named_and_open = named_and_open
        # Of whom lines have spoken by name: in which classes, on which line.
        self._spoken: dict[int, dict[frozenset[int], int]] = {}
        self._may_rename = queries.may_rename(tx, school_id, kept)

    def note_erased(self, public_ids: Collection[str]) -> None:
        """Find out who of those who are not here was erased: a list from before does not bring them back."""
        marks = {
            about.erased(about.STUDENT, each): each
            for each in public_ids
            if is_public_id(each) and each not in self._public
        }
        self._erased = {marks[mark] for mark in functions.erased_among(self._tx, marks=marks.keys())}

    def row(self, row: Row) -> PlannedRow:
        """What becomes of a row."""
        written = _written(row)
        try:
            rooms = self._rooms.named(row.cell(CLASSES.key))
            public_id = row.cell(ID.key).strip().lower()
            if public_id:
                return self._by_id(row.line, public_id, written, rooms)
            return self._by_name(row.line, written or _nobody(row), rooms)
        except RefusedRow as refused:
            name = " ".join(filter(None, (written.given, written.family))) if written else ""
            return refused.planned(row.line, name, clean(row.cell(CLASSES.key)))

    # ------------------------------------------------------------------ whom a row means

    def _by_id(self, line: int, public_id: str, written: _Written | None, rooms: list[Room]) -> PlannedRow:
        student = self._public.get(public_id) if is_public_id(public_id) else None
        if student is None:
            raise RefusedRow(ID.title, ERASED if public_id in self._erased else NOT_HERE)
        given, family = student.given, student.family
        if written is not None and plain(student.name) != (written.whole and plain(written.whole)):
            given, family = written.given or given, written.family or family
        elif written is not None and written.whole and written.whole != student.name:
            # The same words, spelled otherwise: they are parted where they were.
            words, many = written.whole.split(), len(given.split())
            given, family = " ".join(words[:many]), " ".join(words[many:]) or None
        return self._meant(line, student, (given, family), rooms)

    def _by_name(self, line: int, written: _Written, rooms: list[Room]) -> PlannedRow:
        named = list({each.id: each for key in written.keys for each in self._named.get(key, ())}.values())
        wanted = frozenset(room.id for room in rooms)
        here = [each for each in named if each.rooms & wanted] if rooms else named
        if here:
            return self._here(line, written, rooms, here)
        # Before it is looked up who left: that is for those who may let them in again.
        self._check_open(rooms)
        drafts = [each for key in written.keys for each in self._fresh.get(key, ())]
        if doubled := next((each for each in drafts if each.rooms & wanted), None):
            raise RefusedRow(WHOLE.title, gettext("The same as line %(line)s.", line=amount(doubled.line)))
        back = {each.student_id: each for room in rooms for each in self._who_left(room.id, written)}
        if len(back) > 1:
            raise RefusedRow(WHOLE.title, SEVERAL)
        for number, known in back.items():
            if number is not None:
                student = self._kept.setdefault(number, Kept(number, known.answer, known.given, known.family))
                note = gettext("Was in this class before and comes back with the points.")
                planned = self._meant(line, student, (student.given, student.family), rooms, note=note)
                # Lines below that say the name mean this one.
                self._named.setdefault(plain(names.written(student.name)), []).append(student)
                self._spoken.setdefault(student.id, {})[wanted] = line
                return planned
        if (named or drafts) and self._elsewhere is not Elsewhere.ANOTHER:
            return self._from_elsewhere(line, rooms, named, drafts)
        return self._new(line, written, rooms)

    def _here(self, line: int, written: _Written, rooms: list[Room], here: list[Kept]) -> PlannedRow:
        """One of these, who are in a class that the row names; or in any, where it names none."""
        wanted = frozenset(room.id for room in rooms)
        free = [each for each in here if wanted not in self._spoken.get(each.id, {})]
        if not free:
            said = self._spoken[here[0].id][wanted]
            raise RefusedRow(WHOLE.title, gettext("The same as line %(line)s.", line=amount(said)))

        def fit(student: Kept) -> tuple[bool, bool, bool]:
            spelled = student.name == (written.whole or f"{written.given} {written.family or ''}".strip())
            return wanted <= student.rooms, student.rooms == wanted, spelled

        best = max(map(fit, free))
        likely = [each for each in free if fit(each) == best]
        if len(likely) > 1 and not (best[0] and best[2]):
            raise RefusedRow(WHOLE.title, SEVERAL)
        student = likely[0]
        self._spoken.setdefault(student.id, {})[wanted] = line
        name = (student.given, student.family)
        if written.whole is None and _more_than_case(name, (written.given, written.family)):
            name = (written.given, written.family)
        return self._meant(line, student, name, rooms)

    def _from_elsewhere(
        self, line: int, rooms: list[Room], named: list[Kept], drafts: list[Fresh]
    ) -> PlannedRow:
        if self._elsewhere is Elsewhere.ASK or len(named) + len(drafts) > 1:
            taken = [each.rooms for each in named] + [each.rooms for each in drafts]
            where = self._rooms.words(set().union(*taken))
            others = (
                gettext("A student of this name is in %(classes)s.", classes=where)
                if where
                else gettext("A student of this name is in no class now.")
            )
            what = (
                SEVERAL
                if self._elsewhere is Elsewhere.SAME
                else gettext("Give the ID, or say above what it means.")
            )
            raise RefusedRow(WHOLE.title, f"{others} {what}")
        if named:
            student = named[0]
            return self._meant(line, student, (student.given, student.family), rooms)
        draft, wanted = drafts[0], {room.id for room in rooms}
        self._check_open(rooms)
        before = self._rooms.words(draft.rooms)
        draft.rooms |= wanted
        after = self._rooms.words(draft.rooms)
        return PlannedRow(
            line,
            RowState.CHANGED,
            f"{draft.given} {draft.family or ''}".strip(),
            after,
            (CellChange(CLASSES.title, before, after),),
            sentence=gettext("The student of line %(line)s.", line=amount(draft.line)),
            mark=f"{draft.line}/{sorted(wanted)}",
        )

    def _who_left(self, room: int, written: _Written) -> list[Known]:
        return [each for key in written.keys for each in self._left.get((room, key), ())]

    @cached_property
    def _left(self) -> dict[tuple[int, str], list[Known]]:
        """Who left, by class and name; of all classes that may be asked about, once the first is."""
        found: dict[tuple[int, str], list[Known]] = {}
        left = who_left(self._tx, school_id=self._school_id, classrooms=self._named_and_open)
        for room, those in left.items():
            for each in those:
                found.setdefault((room, plain(each.name)), []).append(each)
        return found

    # ------------------------------------------------------------------ what becomes of it

    def _meant(
        self,
        line: int,
        student: Kept,
        name: tuple[str, str | None],
        rooms: list[Room],
        note: str | None = None,
    ) -> PlannedRow:
        joining = [room for room in rooms if room.id not in student.rooms]
        self._check_open(joining)
        changes = self._renaming(student, name)
        if joining:
            before = self._rooms.words(student.rooms)
            student.rooms |= {room.id for room in joining}
            changes.append(CellChange(CLASSES.title, before, self._rooms.words(student.rooms)))
            for room in joining:
                self.compared.joins.setdefault(room.id, []).append(student.id)
        if student.id in self.compared.renamed:
            around = [room.id for room in rooms if room.open_] or self._open_of(student)
            if around:
                self.compared.noted_in.setdefault(student.id, around[0])
        return PlannedRow(
            line,
            RowState.CHANGED if changes else RowState.SAME,
            student.name,
            self._rooms.words(student.rooms),
            tuple(changes),
            sentence=note,
            mark=f"{student.id}/{sorted(room.id for room in joining)}",
        )

    def _open_of(self, student: Kept) -> list[int]:
        known = self._rooms.by_id
        return [each for each in sorted(student.rooms) if each in known and known[each].open_]

    def _renaming(self, student: Kept, name: tuple[str, str | None]) -> list[CellChange]:
        before = (student.given, student.family)
        if name == before:
            return []
        if problem := names.problem_with(*name):
            raise RefusedRow(GIVEN.title, problem)
        if student.id not in self._may_rename:
            raise RefusedRow(GIVEN.title, NO_RENAMING)
        if (already := self.compared.renamed.get(student.id)) is not None and already.after != name:
            raise RefusedRow(GIVEN.title, gettext("A line above writes this student otherwise."))
        if already is not None:
            return []
        self.compared.renamed[student.id] = Renamed(before, name)
        return [
            CellChange(column.title, was or "", now or "")
            for column, was, now in zip((GIVEN, FAMILY), before, name, strict=True)
            if was != now
        ]

    def _new(self, line: int, written: _Written, rooms: list[Room]) -> PlannedRow:
        if problem := names.problem_with(written.given, written.family):
            raise RefusedRow(WHOLE.title if written.whole else GIVEN.title, problem)
        if not rooms:
            raise RefusedRow(CLASSES.title, NO_CLASS)
        self._check_open(rooms)
        draft = Fresh(line, written.given, written.family, {room.id for room in rooms})
        self.compared.fresh.append(draft)
        self._fresh.setdefault(written.keys[-1], []).append(draft)
        return PlannedRow(
            line,
            RowState.NEW,
            f"{written.given} {written.family or ''}".strip(),
            self._rooms.words(draft.rooms),
            mark=f"{written.given}/{written.family or ''}/{sorted(draft.rooms)}",
        )

    @staticmethod
    def _check_open(rooms: Iterable[Room]) -> None:
        if not all(room.open_ for room in rooms):
            raise RefusedRow(CLASSES.title, CLOSED_CLASS)


def _nobody(row: Row) -> _Written:
    raise RefusedRow(WHOLE.title if WHOLE.key in row.cells else GIVEN.title, NO_NAME)


def _written(row: Row) -> _Written | None:
    given, family, whole = map(names.written, _name_cells(row))
    if given or family:
        return _Written(given, family or None)
    if not whole:
        return None
    if "," in whole:
        family, _, given = (part.strip() for part in whole.partition(","))
    else:
        given, _, family = whole.partition(" ")
    return _Written(given, family or None, whole)


def _more_than_case(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    """Whether names differ in more than capitals: lists in capitals correct nobody."""
    return [(part or "").casefold() for part in one] != [(part or "").casefold() for part in other]
