"""Looking through an archive: what would come in, and all that is wrong with it."""

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backoffice.fields.models import FieldKind, FieldSubject
from backoffice.fields.values import Unfit, written
from backoffice.language.texts import lazy
from backoffice.schools import names
from plugins.exports.back.problems import Found, Problem, Unusable, Wrong
from plugins.exports.back.reading import Archive, file_of
from plugins.exports.back.taken import HELD, taken

Row = dict[str, Any]
# Class and student, by what the archive calls them.
Seat = tuple[str, str]

# Student or class, and field, by what the archive calls them.
Spot = tuple[str, str]
# By what a field is known in any school: of what it is, its kind and what it is called, for comparing.
NameKey = tuple[str, str, str]

ENTRIES = "point-entries"
TWICE = lazy("The same stands there twice.")
NO_CLASS = lazy("The class is not in this export.")
NO_STUDENT = lazy("The student is not in this export.")
NO_ACTION = lazy("What the points are for is not in this export, or belongs to another class.")
NO_AWARD = lazy("The award is not in this export, or is another one.")
NO_FIELD = lazy("The field is not in this export, or holds something about others.")
NO_SEAT = lazy("The student is not in this class.")
NO_SUM = lazy("The balance is not the sum of the points.")
NO_HOURS = lazy("The door of the class has to close after it opens.")
NOT_UNDONE = lazy("What is taken back is not there, or is something else.")
NOTHING_IN_IT = lazy("There is no class in this export that could be brought in.")
ROUND = lazy("A class follows itself.")
TOO_MANY = lazy(
    "There is more in this export than can be brought in here at once. Bring in its classes one by one, or"
    " ask whoever runs the server to bring it in there."
)


@dataclass
class Content:
    """All of an archive that comes in but its points, checked, by the archive's own identifiers.

    `undone` are the entries that others take back; `levels` the classes, each after the one that it follows.
    """

    rooms: dict[str, Row] = field(default_factory=dict)
    students: dict[str, Row] = field(default_factory=dict)
    fields: dict[str, Row] = field(default_factory=dict)
    seats: dict[Seat, Row] = field(default_factory=dict)
    actions: dict[str, Row] = field(default_factory=dict)
    awards: dict[str, Row] = field(default_factory=dict)
    student_values: dict[Spot, Row] = field(default_factory=dict)
    room_values: dict[Spot, Row] = field(default_factory=dict)
    entries: int = 0
    undone: frozenset[str] = frozenset()
    levels: list[list[str]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind come in."""
        return {**{kind: len(rows) for kind, rows in self.held.items()}, ENTRIES: self.entries}

    @property
    def held(self) -> dict[str, dict[Any, Row]]:
        """Those that are held, by their kinds."""
        lists: tuple[dict[Any, Row], ...] = (
            self.rooms,
            self.students,
            self.fields,
            self.seats,
            self.actions,
            self.awards,
            self.student_values,
            self.room_values,
        )
        return dict(zip(HELD, lists, strict=True))

    @property
    def rows(self) -> int:
        """All of them together."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Most:
    """How much may come in at once."""

    rows: int = sys.maxsize
    students: int = sys.maxsize


def look_through(archive: Archive, most: Most) -> Content:
    """What an archive has. Raises `Unusable`, with all that is found to be wrong or once it is too much."""
    found, content = Found(), Content()
    left = _Left(most.rows, most.students)
    for kind, into in content.held.items():
        _hold(archive, kind, into, found, left)
    found.refuse()
    _check_seats(content, found)
    _drop_what_is_only_named(content)
    _check_rooms(content, found)
    _check_values(content, found)
    _Entries(archive, content, found, left).check()
    found.refuse()
    if not content.rooms:
        raise Unusable.whole(NOTHING_IN_IT)
    content.levels = _levels(content.rooms)
    return content


@dataclass
class _Left:
    """How many rows, and students among them, may still come."""

    rows: int
    students: int

    def take(self, kind: str) -> None:
        self.rows -= 1
        self.students -= kind == "students"
        if self.rows < 0 or self.students < 0:
            raise Unusable.whole(TOO_MANY)


def rows_of(archive: Archive, kind: str, found: Found) -> Iterator[tuple[int, Row]]:
    """The rows of a kind that can be taken in, with their places; of others the problem is noted."""
    for number, row in enumerate(archive.rows(kind), 1):
        try:
            yield number, taken(kind, row)
        except Wrong as wrong:
            found.add(wrong.sentence, file_of(kind), number)


def _hold(archive: Archive, kind: str, into: dict[Any, Row], found: Found, left: _Left) -> None:
    for number, row in rows_of(archive, kind, found):
        left.take(kind)
        of = tuple(row[name] for name in ("classroom", "student", "field") if name in row)
        key = row.get("public_id") or of
        if key in into:
            found.add(TWICE, file_of(kind), number)
        into[key] = row


def _check_seats(content: Content, found: Found) -> None:
    for number, (room, student) in enumerate(content.seats, 1):
        if room not in content.rooms:
            found.add(NO_CLASS, file_of("enrollments"), number)
        if student not in content.students:
            found.add(NO_STUDENT, file_of("enrollments"), number)
    found.refuse()


def _drop_what_is_only_named(content: Content) -> None:
    """Leave out classes that stand there for their names alone, with nobody in them."""
    seated = {room for room, _student in content.seats}
    content.rooms = {
        key: row for key, row in content.rooms.items() if row["created_at"] is not None or key in seated
    }


def _check_rooms(content: Content, found: Found) -> None:
    for number, row in enumerate(content.rooms.values(), 1):
        if not _has_hours_or_none(row):
            found.add(NO_HOURS, file_of("classrooms"), number)
        if row["follows"] not in content.rooms:
            # The class before stays where it is.
            row["follows"] = None


def name_key(row: Row) -> NameKey:
    """By what the field of a row is known in any school."""
    return row["subject"], row["kind"], names.plain(row["name"])


def values_in(content: Content) -> dict[FieldSubject, dict[Spot, Row]]:
    """What is written in fields, by what it is about."""
    return {
        FieldSubject.STUDENT: content.student_values,
        FieldSubject.CLASSROOM: content.room_values,
    }


def _check_values(content: Content, found: Found) -> None:
    """Values are of somebody and of a field that holds them; they are kept as the field keeps them then."""
    # One that was deleted tells nothing.
    content.fields = {key: row for key, row in content.fields.items() if row["name"] is not None}
    there: dict[FieldSubject, tuple[str, Collection[str], str]] = {
        FieldSubject.STUDENT: ("student-values", content.students, NO_STUDENT),
        FieldSubject.CLASSROOM: ("classroom-values", content.rooms, NO_CLASS),
    }
    for subject, rows in values_in(content).items():
        kind, things, missing = there[subject]
        once = set[tuple[str, NameKey]]()
        for number, ((thing, key), row) in enumerate(rows.items(), 1):
            of = content.fields.get(key)
            if thing not in things:
                found.add(missing, file_of(kind), number)
            if of is None or of["subject"] != subject:
                found.add(NO_FIELD, file_of(kind), number)
                continue
            # Fields of several schools, which are one here.
            if (thing, name_key(of)) in once:
                found.add(TWICE, file_of(kind), number)
            once.add((thing, name_key(of)))
            try:
                row["value"] = written(FieldKind(of["kind"]), of["choices"] or (), row["value"])
            except Unfit as unfit:
                found.add(unfit.sentence, file_of(kind), number)


def _has_hours_or_none(row: Row) -> bool:
    begin, end = row["door_from"], row["door_to"]
    return begin is end is None or (begin is not None and end is not None and begin < end)


def _levels(rooms: Mapping[str, Row]) -> list[list[str]]:
    """The classes in parts, of which each follows only earlier ones. Raises `Unusable` if there are none."""
    levels, done = list[list[str]](), set[str | None]({None})
    waiting = dict(rooms)
    while waiting:
        level = [key for key, row in waiting.items() if row["follows"] in done]
        if not level:
            raise Unusable([Problem(str(ROUND), file_of("classrooms"))])
        levels.append(level)
        done.update(level)
        for key in level:
            del waiting[key]
    return levels


class _Entries:
    """Points, which are read more than once and held never."""

    def __init__(self, archive: Archive, content: Content, found: Found, left: _Left) -> None:
        self._archive, self._content, self._found, self._left = archive, content, found, left
        self._back: dict[str, tuple[Seat, str, int]] = {}

    def check(self) -> None:
        """Note what is wrong, and what the entries say of Actions that are only named."""
        content, sums = self._content, Counter[Seat]()
        for number, row in self._rows():
            self._left.take(ENTRIES)
            content.entries += 1
            seat = (row["classroom"], row["student"])
            sums[seat] += row["value"]
            if problem := self._problem_with(row, seat):
                self._found.add(problem, file_of(ENTRIES), number)
            if row["undoes"] is not None:
                self._note_undone(row, seat, number)
        content.undone = frozenset(self._back)
        self._check_actions()
        self._check_awards()
        for number, (seat, row) in enumerate(content.seats.items(), 1):
            if row["balance"] != sums[seat]:
                self._found.add(NO_SUM, file_of("enrollments"), number)
        self._check_undone()

    def _rows(self) -> Iterator[tuple[int, Row]]:
        return rows_of(self._archive, ENTRIES, self._found)

    def _problem_with(self, row: Row, seat: Seat) -> str | None:
        content = self._content
        if seat not in content.seats:
            return NO_SEAT
        action = content.actions.get(row["action"])
        if action is not None and action["classroom"] is None and self._archive.alone:
            # Of one student's export Actions have no more than what they are called.
            action["classroom"] = seat[0]
        if action is None or action["classroom"] != seat[0]:
            return NO_ACTION
        award = content.awards.get(row["award"])
        if row["award"] is not None and award is None and not self._archive.alone:
            return NO_AWARD
        if award is not None and (award["classroom"], award["action"]) != (seat[0], row["action"]):
            return NO_AWARD
        return None

    def _note_undone(self, row: Row, seat: Seat, number: int) -> None:
        if row["undoes"] in self._back:
            self._found.add(NOT_UNDONE, file_of(ENTRIES), number)
        self._back[row["undoes"]] = (seat, row["action"], -row["value"])

    def _check_actions(self) -> None:
        content = self._content
        for number, (key, row) in enumerate(list(content.actions.items()), 1):
            if row["classroom"] is None:
                del content.actions[key]
            elif row["classroom"] not in content.rooms:
                self._found.add(NO_CLASS, file_of("actions"), number)

    def _check_awards(self) -> None:
        content = self._content
        for number, row in enumerate(content.awards.values(), 1):
            action = content.actions.get(row["action"])
            if action is None or action["classroom"] != row["classroom"]:
                self._found.add(NO_ACTION, file_of("point-awards"), number)

    def _check_undone(self) -> None:
        """What is taken back is there once, for the same child, Action and value, and takes nothing back."""
        waiting = dict(self._back)
        if not waiting:
            return
        for number, row in self._rows():
            if row["number"] not in self._back:
                continue
            seat = (row["classroom"], row["student"])
            wanted = waiting.pop(row["number"], None)
            if wanted != (seat, row["action"], row["value"]) or row["undoes"] is not None:
                self._found.add(NOT_UNDONE, file_of(ENTRIES), number)
        if waiting:
            self._found.add(NOT_UNDONE, file_of(ENTRIES))
