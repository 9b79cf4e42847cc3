"""Schools to take along, empty ones to bring them into, and what both are compared by."""

import io
import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Credential, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.fields import queries
from backoffice.fields.models import CustomField, FieldKind, FieldSubject
from backoffice.fields.values import kept
from backoffice.privacy.holdings import Subject
from backoffice.schools import names
from backoffice.schools.award_models import Whom
from backoffice.schools.models import Action, Classroom, Enrollment, Membership, Role, School, Student
from backoffice.schools.services import actions, archiving, classrooms, points, rosters
from plugins.exports.back import services
from plugins.exports.back.reading import UNPACKED_BY_PAGE, Archive
from plugins.exports.back.reading import opened as unpacked
from plugins.exports.back.services import Came
from plugins.exports.back.taken import KINDS, TAKEN
from plugins.exports.content import Scope
from tests.factories import world as factory
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.content.conftest import Opened, opened

# What people are called and write, and a spreadsheet, a page or a reader could take for something else.
ODD_NAMES = (
    ("Zoë", "O'Neil"),
    ("Émile “Milo”", "D’Arcy-Smith"),
    ("שרה", "כהן"),
    ("محمد", None),
    ("-Ana", "Núñez, Jr."),
    ("李", "小龙"),
    ("Ada", None),
    ("Łukasz (der Große)", "Müller & Söhne"),
)
ODD_TEXTS = ("=cmd|' /C calc'!A0", '+1 🎉 for "all"', "@SUM(1;2)", "-2 \\ ; ,", "שלום <b>")
# By these, rows point at others.
POINTERS = frozenset({"classroom", "student", "action", "award", "undoes", "follows", "field"})


# A field of each kind, and what may be written in it, as people see it.
FIELDS: Mapping[FieldKind, tuple[str, tuple[str, ...] | None, tuple[str, ...]]] = {
    FieldKind.TEXT: ('=Bus, "línea"', None, ("=1+1", "שלום 🎈")),
    FieldKind.NUMBER: ("Locker", None, ("-12.5", "0")),
    FieldKind.CHOICE: ("Meal", ("+Meat", "None, thanks"), ("+Meat", "None, thanks")),
    FieldKind.DATE: ("Since", None, ("2024-02-29", "1999-12-31")),
    FieldKind.YES_NO: ("Photo", None, ("yes", "no")),
}


@dataclass(frozen=True)
class Place:
    """A school in which somebody works."""

    id: int
    public_id: str
    who: Principal

    @property
    def scope(self) -> Scope:
        """All of it."""
        return Scope(Subject.SCHOOL, self.id, self.public_id)


def empty(world: World, role: str = "teacher") -> Place:
    """An empty school in which one of the people teaches, or leads if it is a leader."""
    with transaction(SYSTEM) as tx:
        school = factory.add_school(tx, "Fresh Field", None)
        works = Role.LEADER if role == "leader" else Role.TEACHER
        member = {"account_id": world.people[role].id, "school_id": school.id, "role": works}
        tx.execute(insert(Membership).values(**member, created_at=clock.now()))
        number, public_id = school.id, school.public_id
    return Place(number, public_id, world.sign_in(role))


def filled(world: World, seed: int, role: str = "teacher") -> Place:
    """A school with classes, children, Actions and points as people make them, by chance.

    Something is written in a field of each kind. Some points are taken back, one child is in all classes and
    may have left, and the last class is archived.
    """
    of, chance = empty(world, role), random.Random(seed)
    texts = chance.sample(ODD_TEXTS, chance.randint(2, 3))
    rooms = [classrooms.create_classroom(principal=of.who, school=of.public_id, name=text) for text in texts]
    for room in rooms:
        pasted = "\n".join(f"Child {letter}" for letter in "ABCDE"[: chance.randint(1, 5)])
        rosters.add_students(principal=of.who, classroom=room, text=pasted)
        for text in chance.sample(ODD_TEXTS, 2):
            value = chance.choice((-3, 1, 5))
            actions.add_action(principal=of.who, classroom=room, label=text, icon="star", value=value)
    with transaction(SYSTEM) as tx:
        _call_oddly(tx, of, chance)
        _share(tx, of)
    for room in rooms:
        _award(of, room, chance)
    add_fields(of)
    with transaction(SYSTEM) as tx:
        _write_fields(tx, of, random.Random(seed))
        _follow(tx, of)
        if chance.random() < 0.7:
            _leave(tx, of)
    archiving.archive_classroom(principal=of.who, classroom=rooms[-1])
    return of


def add_fields(of: Place) -> None:
    """Give a school a field of each kind on its students, and as many on its classes."""
    with transaction(SYSTEM) as tx:
        school = tx.scalars(select(School).where(School.id == of.id)).one()
        for subject in FieldSubject:
            for days, (kind, (name, choices, _values)) in enumerate(FIELDS.items(), 30):
                more = {"kind": kind, "name": name, "choices": choices and list(choices)}
                factory.custom_field(tx, school, subject, keep_days=days, **more)


def _write_fields(tx: Transaction, of: Place, chance: random.Random) -> None:
    fields = tx.scalars(
        select(CustomField).where(CustomField.school_id == of.id).order_by(CustomField.id)
    ).all()
    for field in fields:
        model, column, entity = queries.OF[FieldSubject(field.subject)]
        things = tx.scalars(select(entity.id).where(entity.school_id == of.id).order_by(entity.id)).all()
        for thing in chance.sample(things, chance.randint(1, len(things))):
            value = chance.choice(FIELDS[FieldKind(field.kind)][2])
            at = clock.now() - timedelta(days=chance.randint(0, 20), microseconds=field.id % 1000)
            key = {"school_id": of.id, "field_id": field.id, column.key: thing}
            tx.execute(insert(model).values(**key, **kept(field, value, at)))


def _call_oddly(tx: Transaction, of: Place, chance: random.Random) -> None:
    students = tx.scalars(select(Student).where(Student.school_id == of.id).order_by(Student.id)).all()
    for number, row in enumerate(students):
        given, family = chance.choice(ODD_NAMES)
        row.given_name, row.family_name = f"{given} {'x' * number}".strip(), family
        row.name_tokens = names.tokens(row.given_name, family, school_id=of.id)
        row.created_at = clock.now() - timedelta(days=chance.randint(1, 300), microseconds=number)
    seats = tx.scalars(
        select(Enrollment)
        .where(Enrollment.school_id == of.id)
        .order_by(Enrollment.classroom_id, Enrollment.student_id)
    ).all()
    for number, seat in enumerate(seats):
        if chance.random() < 0.4:
            seat.alias, seat.goal = f"=Fox {number}", chance.randint(1, 99)


def _rooms(tx: Transaction, of: Place) -> list[int]:
    return list(tx.scalars(select(Classroom.id).where(Classroom.school_id == of.id).order_by(Classroom.id)))


def _share(tx: Transaction, of: Place) -> None:
    child = tx.scalars(
        select(Student.id).where(Student.school_id == of.id).order_by(Student.id).limit(1)
    ).one()
    taken = set(tx.scalars(select(Enrollment.classroom_id).where(Enrollment.student_id == child)))
    for room in set(_rooms(tx, of)) - taken:
        seat = {"school_id": of.id, "classroom_id": room, "student_id": child, "balance": 0}
        tx.execute(insert(Enrollment).values(**seat, avatar="owl-plum", joined_at=clock.now()))


def _award(of: Place, room: str, chance: random.Random) -> None:
    with transaction(of.who) as tx:
        number = tx.scalars(select(Classroom.id).where(Classroom.public_id == room)).one()
        offered = tx.scalars(
            select(Action.public_id).where(Action.classroom_id == number).order_by(Action.id)
        ).all()
    for _ in range(chance.randint(1, 6)):
        award = points.award_points(
            principal=of.who,
            classroom=room,
            action=chance.choice(offered),
            whom=chance.choice((Whom.CLASS, Whom.RANDOM)),
            form=str(uuid4()),
            comment=chance.choice(("", "=1+1", "“So nice” 🎈", "\u202eRTL\u202c mark")),
        )
        if chance.random() < 0.5:
            points.undo_award(principal=of.who, classroom=room, award=award)


def _follow(tx: Transaction, of: Place) -> None:
    first, second, *_others = _rooms(tx, of)
    tx.execute(update(Classroom).where(Classroom.id == first).values(follows=second))


def _leave(tx: Transaction, of: Place) -> None:
    # The one in all classes: who teaches here may write nothing about whoever is in none.
    seats = select(Enrollment).where(Enrollment.school_id == of.id)
    seat = tx.scalars(seats.order_by(Enrollment.student_id, Enrollment.classroom_id).limit(1)).one()
    seat.ended_at = clock.now()


@contextmanager
def archive_of(packed: bytes, most: int = UNPACKED_BY_PAGE) -> Iterator[Archive]:
    """The archive in these bytes."""
    with unpacked(io.BytesIO(packed), len(packed), most=most) as archive:
        yield archive


def bring_in(
    packed: bytes,
    into: Place,
    *,
    who: Principal | Credential | None = None,
    anew: bool = False,
    form: str = "",
) -> dict[str, int]:
    """Bring an export in, as whoever works there unless somebody else is said; how many rows of each kind."""
    return came(packed, into, who=who, anew=anew, form=form).counts


def came(
    packed: bytes,
    into: Place,
    *,
    who: Principal | Credential | None = None,
    anew: bool = False,
    form: str = "",
) -> Came:
    """The same, and what stays out."""
    with archive_of(packed) as archive:
        return services.bring_in(
            principal=who or into.who,
            school=into.public_id,
            archive=archive,
            form=form or str(uuid4()),
            anew=anew,
        )


def content_of(made: Opened, *, but: Collection[str] = ()) -> dict[str, list[str]]:
    """All that is taken in of an export `but` these fields; in the place of an identifier, what it names.

    A class that follows one which is not there follows none.
    """
    rooms = {row["public_id"] for row in made.rows("classrooms")}
    known: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        found[kind] = []
        # What is followed or taken back comes first.
        for row in sorted(made.rows(kind), key=lambda row: bool(row.get("follows") or row.get("undoes"))):
            if row.get("follows") not in rooms:
                row.pop("follows", None)
            said = {
                name: known.get(str(row.get(name)), row.get(name)) if name in POINTERS else row[name]
                for name in TAKEN[kind]
                if f"{kind}.{name}" not in but
            }
            own = said.pop("number", None) or said.pop("public_id", None)
            written = repr(sorted(said.items()))
            if own:
                known[own] = written
            found[kind].append(written)
        found[kind].sort()
    return found


def counts_of(of: Place) -> dict[str, int]:
    """How many rows of each kind that is taken in there are in a school."""
    counted = opened(of.scope).manifest.counts
    return {kind: counted.get(kind, 0) for kind in KINDS}
