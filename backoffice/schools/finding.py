"""Finding classes, students, adults and schools by the beginnings of their names, among what one may reach.

Names of classes, adults and schools are sealed and have no tokens: they are read, up to so many. A fixed
number of statements, whatever there is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from backoffice.access.permissions import CLASSROOMS_READ, SCHOOLS_READ, STUDENTS_READ, TEACHERS_LIST
from backoffice.access.policy import can, visible
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.schools import names, queries
from backoffice.schools.models import Classroom, School, Student

MOST_FOUND = 8
MOST_READ = 5000
# One letter begins too many names of children.
FEWEST_LETTERS = 2


@dataclass(frozen=True)
class FoundStudent:
    """A student and the classes that the principal sees the student in."""

    public_id: str
    name: str
    classrooms: Sequence[str]


def classrooms(tx: Transaction) -> list[Classroom]:
    """The classes among which one is looked for: those taught first, each kind by name."""
    if not can(tx.principal, CLASSROOMS_READ):
        return []
    live = select(Classroom).where(Classroom.archived_at.is_(None)).limit(MOST_READ)
    taught = tx.principal.owned | tx.principal.co_taught | tx.principal.helped
    found = tx.scalars(visible(tx.principal, live, CLASSROOMS_READ))
    return sorted(found, key=lambda each: (each.id not in taught, *names.sort_key(each.name, None)))


def students(tx: Transaction, words: str) -> list[FoundStudent]:
    """Students with names that begin so, by name."""
    looked_for = names.plain(words).split()
    if not can(tx.principal, STUDENTS_READ) or max(map(len, looked_for), default=0) < FEWEST_LETTERS:
        return []
    named = [
        and_(
            Student.school_id == school,
            Student.name_tokens.contains([names.token(word, school_id=school) for word in looked_for]),
        )
        for school in sorted(tx.principal.member_schools)
    ]
    # Without an order: the first that are found will do, and all need not be looked at.
    some = select(Student).where(or_(*named)).limit(MOST_FOUND)
    found = tx.scalars(visible(tx.principal, some, STUDENTS_READ)).all() if named else []
    seats = queries.seats_of(tx, found)
    return [
        FoundStudent(
            each.public_id,
            f"{each.given_name} {each.family_name or ''}".strip(),
            sorted(seat.classroom for seat in seats.get(each.id, ())),
        )
        for each in sorted(found, key=lambda each: names.sort_key(each.given_name, each.family_name))
    ]


def teachers(tx: Transaction, words: str) -> list[tuple[str, str]]:
    """Public identifier and name of adults at the schools that the principal looks after."""
    if not can(tx.principal, TEACHERS_LIST):
        return []
    known = select(Account.public_id, Account.name).limit(MOST_READ)
    return _named(
        ((row.public_id, row.name) for row in tx.execute(visible(tx.principal, known, TEACHERS_LIST))), words
    )


def schools(tx: Transaction, words: str) -> list[tuple[str, str]]:
    """Public identifier and name of the schools whose classes the principal reads."""
    if not tx.principal.led_schools:
        return []
    known = (
        select(School.public_id, School.name).where(School.id.in_(tx.principal.led_schools)).limit(MOST_READ)
    )
    return _named(
        ((row.public_id, row.name) for row in tx.execute(visible(tx.principal, known, SCHOOLS_READ))), words
    )


def _named(known: Iterable[tuple[str, str]], words: str) -> list[tuple[str, str]]:
    found = [each for each in known if names.begins(each[1], words)]
    return sorted(found, key=lambda each: names.sort_key(each[1], None))[:MOST_FOUND]
