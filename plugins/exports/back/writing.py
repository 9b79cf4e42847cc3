"""Writing what an archive has into a school, under identifiers of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import insert, update

from backoffice.access.transaction import Transaction
from backoffice.fields import values
from backoffice.fields.models import ClassroomValue, CustomField, StudentValue
from backoffice.schools import names
from backoffice.schools.award_models import PointAward
from backoffice.schools.models import (
    Action,
    Classroom,
    Door,
    Enrollment,
    PointEntry,
    School,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services.codes import issue_codes
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import new_public_id
from plugins.exports.back import fields
from plugins.exports.back.looking import ENTRIES, Content, NameKey, Row, Spot, rows_of
from plugins.exports.back.problems import Found
from plugins.exports.back.reading import Archive

BATCH = 500
_DOOR = ("door_from", "door_to", "shared_devices", "pins_required", "names_shown")
_MARK = ("colour", "icon")
T = TypeVar("T")


@dataclass
class Writing:
    """Writes one archive. `owner` is the account that the classes are to belong to, if any.

    `by` stands for whoever gave or took back points: the account that brings them in.
    """

    tx: Transaction
    school: School
    owner: int | None
    by: int | None
    now: datetime

    def write(self, archive: Archive, content: Content, keys: Mapping[str, NameKey]) -> list[int]:
        """Write all of it; the numbers of the new classes. By `keys` fields are found in the school."""
        rooms: dict[str, int] = {}
        for level in content.levels:
            self._rooms({key: content.rooms[key] for key in level}, rooms)
        students = self._numbered(Student, content.students)
        self._insert(Student, map(self._student, students.values(), content.students.values()))
        self._insert(Enrollment, (self._seat(row, rooms, students) for row in content.seats.values()))
        actions = self._numbered(Action, content.actions)
        self._insert(Action, (self._action(actions, row, rooms) for row in content.actions.values()))
        awards = self._numbered(PointAward, content.awards)
        placed = _Placed(rooms, students, actions, awards)
        self._insert(PointAward, (self._award(row, placed) for row in content.awards.values()))
        there = fields.make(self.tx, self.school.id, content.fields)
        held = {key: there[named] for key, named in keys.items() if named in there}
        self._insert(StudentValue, self._values("student_id", content.student_values, students, held))
        self._insert(ClassroomValue, self._values("classroom_id", content.room_values, rooms, held))
        self._entries(archive, content, placed)
        self._archive(content, rooms)
        return list(rooms.values())

    def _rooms(self, rows: Mapping[str, Row], rooms: dict[str, int]) -> None:
        """Make classes that may follow those in `rooms`, and put them there. They can be written to then."""
        made = self._numbered(Classroom, rows)
        self._insert(Classroom, (self._room(made[key], row, rooms) for key, row in rows.items()))
        # The code first: once there is an owner, the database takes the class for an existing one.
        live = [made[key] for key, row in rows.items() if row["archived_at"] is None]
        for some in parts(live):
            issue_codes(self.tx, school_id=self.school.id, classrooms=some, at=self.now)
        if self.owner is not None:
            owning = {"account_id": self.owner, "role": TeachingRoleName.OWNER}
            self._insert(TeachingRole, ({**owning, "classroom_id": each} for each in made.values()))
            self.tx.enter_again()
        rooms.update(made)

    def _room(self, number: int, row: Row, rooms: Mapping[str, int]) -> Row:
        return {
            "id": number,
            "public_id": new_public_id(),
            "name": row["name"],
            "created_at": row["created_at"] or self.now,
            # Whoever brings it in opens it.
            "door": Door.CLOSED,
            "follows": rooms[row["follows"]] if row["follows"] else None,
            **{name: row[name] for name in (*_DOOR, *_MARK)},
        }

    def _student(self, number: int, row: Row) -> Row:
        given, family = row["given_name"], row["family_name"]
        return {
            "id": number,
            "public_id": new_public_id(),
            "given_name": given,
            "family_name": family,
            "name_tokens": names.tokens(given, family, school_id=self.school.id),
            "created_at": row["created_at"] or self.now,
        }

    def _seat(self, row: Row, rooms: Mapping[str, int], students: Mapping[str, int]) -> Row:
        same = ("alias", "avatar", "balance", "goal", "joined_at", "ended_at")
        return {
            "classroom_id": rooms[row["classroom"]],
            "student_id": students[row["student"]],
            **{name: row[name] for name in same},
        }

    def _action(self, actions: Mapping[str, int], row: Row, rooms: Mapping[str, int]) -> Row:
        return {
            "id": actions[row["public_id"]],
            "public_id": new_public_id(),
            "classroom_id": rooms[row["classroom"]],
            "created_at": row["created_at"] or self.now,
            **{name: row[name] for name in ("label", "value", "icon", "retired_at")},
        }

    def _award(self, row: Row, placed: "_Placed") -> Row:
        return {
            "id": placed.awards[row["public_id"]],
            "public_id": new_public_id(),
            "classroom_id": placed.rooms[row["classroom"]],
            "action_id": placed.actions[row["action"]],
            "whom": row["whom"],
            "form": str(uuid4()),
            "awarded_by": self.by,
            "awarded_at": row["awarded_at"],
            "undone_at": row["undone_at"],
            "undone_by": self.by if row["undone_at"] else None,
        }

    def _values(
        self,
        column: str,
        rows: Mapping[Spot, Row],
        things: Mapping[str, int],
        held: Mapping[str, CustomField],
    ) -> Iterator[Row]:
        for (thing, field), row in rows.items():
            of = held[field]
            # Clocks differ a little: nothing was set later than now.
            kept = values.kept(of, row["value"], min(row["set_at"], self.now))
            yield {column: things[thing], "field_id": of.id, **kept}

    def _entries(self, archive: Archive, content: Content, placed: "_Placed") -> None:
        # Numbers of those that are taken back, before they are read: others may stand before them.
        undone = self._numbered(PointEntry, dict.fromkeys(sorted(content.undone)))
        found = Found()
        rows = (row for _number, row in rows_of(archive, ENTRIES, found))
        for some in parts(rows):
            numbers = self.tx.take_ids(PointEntry, len(some))
            self._insert(
                PointEntry,
                (
                    {
                        "id": undone.get(row["number"], number),
                        "classroom_id": placed.rooms[row["classroom"]],
                        "student_id": placed.students[row["student"]],
                        "action_id": placed.actions[row["action"]],
                        "award_id": placed.awards.get(row["award"]),
                        "value": row["value"],
                        "comment": row["comment"],
                        "awarded_by": self.by,
                        "awarded_at": row["awarded_at"],
                        "undoes": undone.get(row["undoes"]),
                    }
                    for number, row in zip(numbers, some, strict=True)
                ),
            )
        found.refuse()

    def _archive(self, content: Content, rooms: Mapping[str, int]) -> None:
        """Keep those as they are that were kept so: last, as nothing is written into them then."""
        for key, row in content.rooms.items():
            if row["archived_at"] is not None:
                self.tx.execute(
                    update(Classroom)
                    .where(Classroom.school_id == self.school.id, one_of(Classroom.id, [rooms[key]]))
                    .values(archived_at=row["archived_at"], door=Door.CLOSED)
                    .execution_options(synchronize_session=False)
                )

    def _numbered(self, model: Any, keys: Iterable[str]) -> dict[str, int]:
        every = list(keys)
        return dict(zip(every, self.tx.take_ids(model, len(every)), strict=True)) if every else {}

    def _insert(self, model: Any, rows: Iterable[Row]) -> None:
        for some in parts(rows):
            self.tx.execute(insert(model), [{"school_id": self.school.id, **row} for row in some])


@dataclass(frozen=True)
class _Placed:
    """The numbers that what the archive has got here."""

    rooms: Mapping[str, int]
    students: Mapping[str, int]
    actions: Mapping[str, int]
    awards: Mapping[str, int]


def parts(rows: Iterable[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """So many at a time, however many there are."""
    every = iter(rows)
    while some := list(islice(every, size)):
        yield some
