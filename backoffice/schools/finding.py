"""Finding classes, students, adults and schools by the beginnings of their names, among what one may reach.

Names of classes, adults and schools are sealed and have no tokens: they are read, up to so many, and it is
said where there are more. A fixed number of statements, whatever there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, not_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, load_only

from backoffice.access.permissions import CLASSROOMS_READ, SCHOOLS_READ, STUDENTS_READ, TEACHERS_LIST
from backoffice.access.policy import can, scope, visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.schools import names, queries
from backoffice.schools.models import Classroom, School, Student
from backoffice.storage import functions
from backoffice.storage.numbers import one_of

T = TypeVar("T")
OfStudent = tuple[InstrumentedAttribute[int], InstrumentedAttribute[int]]
# So many are shown; one more is looked for, so that it can be said that there are more.
MOST_FOUND = 8
MOST_READ = 5000
# One letter begins too many names.
FEWEST_LETTERS = 2
MOST_WORDS = 4


@dataclass(frozen=True)
class Looked(Generic[T]):
    """What came of looking; `more` says that there are names at which nobody looked."""

    found: Sequence[T] = ()
    more: bool = False


@dataclass(frozen=True)
class FoundStudent:
    """A student and the classes that the principal sees the student in."""

    public_id: str
    name: str
    classrooms: Sequence[str]


def words_of(text: str) -> list[str]:
    """The words that are looked for: the first four that differ. Each costs a comparison with every name."""
    return list(dict.fromkeys(names.plain(text).split()))[:MOST_WORDS]


def are_enough(words: Sequence[str]) -> bool:
    """Whether one of the words is long enough to look for a name by it."""
    return max(map(len, words), default=0) >= FEWEST_LETTERS


def classrooms(tx: Transaction, words: Sequence[str]) -> Looked[Classroom]:
    """The classes among which one is looked for: those taught first, each kind by name."""
    who = tx.principal
    if not are_enough(words) or not can(who, CLASSROOMS_READ):
        return Looked()
    shown = load_only(
        Classroom.id, Classroom.public_id, Classroom.school_id, Classroom.name, Classroom.archived_at
    )
    live = select(Classroom).options(shown).where(Classroom.archived_at.is_(None))
    own = one_of(Classroom.id, who.owned | who.co_taught | who.helped)
    found = [*_by_name(tx, live.where(own))]
    # Whoever sees no other classes need not ask for them.
    held = scope(who, CLASSROOMS_READ)
    others = []
    if held.everywhere or held.schools:
        by_key = live.where(not_(own)).order_by(Classroom.school_id, Classroom.id)
        others = _by_name(tx, by_key.limit(MOST_READ + 1))
    return Looked([*found, *others[:MOST_READ]], len(others) > MOST_READ)


def _by_name(tx: Transaction, statement: Select[Any]) -> list[Classroom]:
    found = tx.scalars(visible(tx.principal, statement, CLASSROOMS_READ))
    return sorted(found, key=lambda each: names.sort_key(each.name, None))


def named(
    principal: Principal, words: Sequence[str], student: OfStudent = (Student.school_id, Student.id)
) -> ColumnElement[bool]:
    """The condition that a student of the principal's schools has names that begin with each of the words.

    `student` are the columns of the school and the student of whatever is about one.
    """
    schools = sorted(principal.member_schools)
    tokens = [names.token(word, school_id=school) for school in schools for word in words]
    found = functions.find(schools=schools, tokens=tokens)
    return tuple_(*student).in_(select(found.c.school_id, found.c.id))


def students(tx: Transaction, words: Sequence[str]) -> list[FoundStudent]:
    """Students with names that begin so, by name: at most one more than are shown."""
    if not are_enough(words) or not can(tx.principal, STUDENTS_READ):
        return []
    shown = load_only(
        Student.id, Student.public_id, Student.school_id, Student.given_name, Student.family_name
    )
    some = select(Student).options(shown).where(named(tx.principal, words))
    # Names are sealed: of more than are shown, those who came first, and the same ones each time.
    first = some.order_by(Student.school_id, Student.id).limit(MOST_FOUND + 1)
    found = tx.scalars(visible(tx.principal, first, STUDENTS_READ)).all()
    seats = queries.seats_of(tx, found)
    return [
        FoundStudent(
            each.public_id,
            f"{each.given_name} {each.family_name or ''}".strip(),
            sorted(seat.classroom for seat in seats.get(each.id, ())),
        )
        for each in sorted(found, key=lambda each: names.sort_key(each.given_name, each.family_name))
    ]


def teachers(tx: Transaction, words: Sequence[str]) -> Looked[tuple[str, str]]:
    """Public identifier and name of adults at the schools that the principal looks after."""
    if not are_enough(words) or not can(tx.principal, TEACHERS_LIST):
        return Looked()
    known = select(Account.public_id, Account.name).order_by(Account.id)
    return _named(tx, visible(tx.principal, known, TEACHERS_LIST), words)


def schools(tx: Transaction, words: Sequence[str]) -> Looked[tuple[str, str]]:
    """Public identifier and name of the schools whose classes the principal reads."""
    if not are_enough(words) or not tx.principal.led_schools:
        return Looked()
    known = (
        select(School.public_id, School.name)
        .where(one_of(School.id, tx.principal.led_schools))
        .order_by(School.id)
    )
    return _named(tx, visible(tx.principal, known, SCHOOLS_READ), words)


def _named(tx: Transaction, known: Select[str, str], words: Sequence[str]) -> Looked[tuple[str, str]]:
    rows = tx.execute(known.limit(MOST_READ + 1)).all()
    begun = " ".join(words)
    found = [(row.public_id, row.name) for row in rows[:MOST_READ] if names.begins(row.name, begun)]
    return Looked(
        sorted(found, key=lambda each: names.sort_key(each[1], None))[: MOST_FOUND + 1], len(rows) > MOST_READ
    )
