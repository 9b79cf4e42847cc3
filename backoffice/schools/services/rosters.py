"""Adding students to a class from a list of names: never a second copy of a child in silence."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import cycle, islice

from sqlalchemy import BigInteger, DateTime, Text, insert, literal, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_CREATE
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.entitlements import Entitlement, require_room
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools import names, roster_queries
from backoffice.schools.matching import Alike, Known, Matcher, Place
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.pasted import PastedName, read_pasted
from backoffice.schools.roster_models import ChangedHow, ChangeKind
from backoffice.schools.services.changes import note_change
from backoffice.storage.lists import side_by_side
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import new_public_id

LARGEST_LIST = 400
# What is answered of a line that names one more child.
ANOTHER = "another"
SAME_NAME = lazy("The same name.")


class LineState(StrEnum):
    """What adding a pasted line would do."""

    NEW = "new"
    PROBABLE = "probable"  # may be somebody who is known: nothing, before somebody has answered
    JOINS = "joins"  # is in another class, and comes into this one as well
    BACK = "back"  # was in the class before and comes back to it
    SAME = "same"  # is in the class already
    TWICE = "twice"  # stands further up in the list
    PROBLEM = "problem"


@dataclass(frozen=True)
class Candidate:
    """Somebody whom a line may mean. `name` is None of who left the class: they are nobody's to list.

    `answer` says that it is this child; `sure` that the names are the same.
    """

    answer: str
    place: Place
    name: str | None
    why: str
    classes: tuple[str, ...] = ()
    sure: bool = False


@dataclass(frozen=True)
class Previewed:
    """A pasted line and what adding it would do. `note` is a sentence, or None where nothing is to say.

    `student_id` is who would come or come back; `candidates` are those whom a line may mean.
    """

    name: PastedName
    state: LineState
    note: str | None = None
    student_id: int | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def may_be_another(self) -> bool:
        """Whether the line can be added as one more child of the same name."""
        return self.state in {LineState.BACK, LineState.SAME, LineState.TWICE}


@dataclass(frozen=True)
class Added:
    """What became of a list: how many are new, back and from other classes, and the lines left out."""

    new: int
    back: int
    joined: int = 0
    left_out: tuple[str, ...] = ()


def preview_names(*, principal: Principal, classroom: str, text: str) -> list[Previewed]:
    """What `add_students` would do with a pasted list. Changes nothing. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_CREATE)
        compared = _compare(tx, row, text, {})
        return _with_classes(tx, row, compared)


def add_students(
    *, principal: Principal, classroom: str, text: str, answers: Mapping[int, str] | None = None
) -> Added:
    """Put the names of a pasted list into the class, except those that are there already.

    Who was in the class before comes back with the points. `answers` says of lines, by their numbers, that
    they name one more child (`ANOTHER`) or whom they mean (`Candidate.answer`). Lines that may mean somebody
    and are not answered are left out, and so are those that cannot be used. Raises `Rejected` if no line can
    be used at all, `LimitReached`, `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=STUDENTS_CREATE, lock=True)
        compared = _compare(tx, row, text, answers or {})
        if all(line.state is LineState.PROBLEM for line in compared):
            raise Rejected(names=gettext("No line can be used as it is. Write one name a line."))
        fresh = [line.name for line in compared if line.state is LineState.NEW]
        joining, back = (
            [line.student_id for line in compared if line.state is state and line.student_id]
            for state in (LineState.JOINS, LineState.BACK)
        )
        require_room(tx, school_id=row.school_id, entitlement=Entitlement.STUDENTS, wanted=len(fresh))
        numbers = tx.take_ids(Student, len(fresh)) if fresh else ()
        if fresh:
            _write_down(tx, row, fresh, numbers, now)
        if fresh or joining:
            enroll(tx, row, [*numbers, *joining], now)
        if back:
            take_back(tx, row, back)
        how = dict.fromkeys(numbers, ChangedHow.NEW) | dict.fromkeys(joining, ChangedHow.JOINED)
        note_change(tx, row, ChangeKind.ADD, how | dict.fromkeys(back, ChangedHow.BACK), at=now)
        record(
            tx,
            "students.add",
            school_id=row.school_id,
            classroom=row.id,
            count=len(fresh),
            students=sorted([*joining, *back]),
        )
    lines = text.splitlines()
    out = {LineState.PROBLEM, LineState.PROBABLE}
    left_out = (lines[line.name.line - 1] for line in compared if line.state in out)
    return Added(len(fresh), len(back), len(joining), tuple(left_out))


def enroll(tx: Transaction, classroom: Classroom, students: Sequence[int], at: datetime) -> None:
    """Give students who have never been in the class a place in it, each with a picture of their own."""
    avatars = islice(_free_avatars(tx, classroom), len(students))
    new = side_by_side("new", {"student": (BigInteger(), students), "avatar": (Text(), list(avatars))})
    seats = {
        Enrollment.school_id: literal(classroom.school_id, BigInteger),
        Enrollment.classroom_id: literal(classroom.id, BigInteger),
        Enrollment.student_id: new.c.student,
        Enrollment.avatar: new.c.avatar,
        Enrollment.balance: literal(0),
        Enrollment.joined_at: literal(at, DateTime(timezone=True)),
    }
    tx.execute(insert(Enrollment).from_select(list(seats), select(*seats.values())))


def _compare(tx: Transaction, classroom: Classroom, text: str, answers: Mapping[int, str]) -> list[Previewed]:
    pasted = read_pasted(text)
    if not pasted:
        raise Rejected(names=gettext("Write or paste at least one name, one a line."))
    if len(pasted) > LARGEST_LIST:
        raise Rejected(names=gettext("Paste at most %(most)s names at once.", most=LARGEST_LIST))
    matcher = Matcher(roster_queries.may_be_meant(tx, classroom, pasted))
    first: dict[names.NameKey, int] = {}
    meant: dict[int | None, int] = {}
    compared = []
    for name in pasted:
        if name.problem:
            compared.append(Previewed(name, LineState.PROBLEM, name.problem))
            continue
        before = first.setdefault(name.key, name.line)
        line = _judged(matcher, name, before, answers.get(name.line))
        if line.student_id and (said := meant.setdefault(line.student_id, name.line)) != name.line:
            line = Previewed(name, LineState.TWICE, gettext("The same as line %(line)s.", line=said))
        if line.state is LineState.NEW:
            matcher.add(Known(f"line-{name.line}", Place.LINE, name.given, name.family))
        compared.append(line)
    return compared


def _judged(matcher: Matcher, name: PastedName, before: int, answer: str | None) -> Previewed:
    """What a good line does, by whom it may mean and by what was answered of it."""
    if answer == ANOTHER:
        return Previewed(name, LineState.NEW, name.note)
    same = {known.place: known for known in reversed(matcher.same(name.given, name.family))}
    if before != name.line and Place.HERE not in same:
        return Previewed(name, LineState.TWICE, gettext("The same as line %(line)s.", line=before))
    if sure := same.get(Place.HERE) or same.get(Place.LEFT):
        return _meaning(name, sure)
    alike = [Alike(known, SAME_NAME) for known in same.values()]
    alike += matcher.alike(name.given, name.family)
    chosen = next((each.known for each in alike if each.known.answer == answer), None)
    if chosen is not None:
        return _meaning(name, chosen)
    if alike:
        return Previewed(name, LineState.PROBABLE, candidates=tuple(map(_candidate, alike)))
    return Previewed(name, LineState.NEW, name.note)


def _meaning(name: PastedName, known: Known) -> Previewed:
    match known.place:
        case Place.HERE:
            return Previewed(name, LineState.SAME, gettext("Stays as it is."))
        case Place.LINE:
            before = known.answer.removeprefix("line-")
            return Previewed(name, LineState.TWICE, gettext("The same as line %(line)s.", line=before))
        case Place.LEFT:
            note = gettext("Was in this class before and comes back with the points.")
            return Previewed(name, LineState.BACK, note, known.student_id)
        case Place.ELSEWHERE:
            note = gettext("The same child, with points of their own in each class.")
            return Previewed(name, LineState.JOINS, note, known.student_id)


def _candidate(alike: Alike) -> Candidate:
    known = alike.known
    shown = None if known.place is Place.LEFT else known.name
    return Candidate(known.answer, known.place, shown, alike.why, sure=alike.why == SAME_NAME)


def _with_classes(tx: Transaction, classroom: Classroom, compared: list[Previewed]) -> list[Previewed]:
    """The lines with the classes that those are in whom they may mean."""
    asked = {each.answer for line in compared for each in line.candidates if each.place is Place.ELSEWHERE}
    if not asked:
        return compared
    classes = roster_queries.classes_by_student(tx, classroom.school_id, asked)
    return [
        replace(
            line,
            candidates=tuple(
                replace(each, classes=tuple(classes.get(each.answer, ()))) for each in line.candidates
            ),
        )
        for line in compared
    ]


def _free_avatars(tx: Transaction, classroom: Classroom) -> Iterator[str]:
    """Pictures in random order, those that nobody in the class has yet first."""
    taken = set(
        tx.scalars(
            select(Enrollment.avatar).where(
                Enrollment.school_id == classroom.school_id,
                Enrollment.classroom_id == classroom.id,
                Enrollment.ended_at.is_(None),
            )
        )
    )
    shuffled = list(names.AVATARS)
    secrets.SystemRandom().shuffle(shuffled)
    # Children whose names look alike on the list are told apart by their pictures.
    return cycle(sorted(shuffled, key=lambda avatar: avatar in taken))


def _write_down(
    tx: Transaction,
    classroom: Classroom,
    fresh: Sequence[PastedName],
    numbers: Sequence[int],
    at: datetime,
) -> None:
    """Make students of these names, in as many statements as for one."""
    school = classroom.school_id
    tx.execute(
        insert(Student).values(
            [
                {
                    "school_id": school,
                    "id": number,
                    "public_id": new_public_id(),
                    "given_name": name.given,
                    "family_name": name.family,
                    "name_tokens": names.tokens(name.given, name.family, school_id=school),
                    "created_at": at,
                }
                for number, name in zip(numbers, fresh, strict=True)
            ]
        )
    )


def take_back(tx: Transaction, classroom: Classroom, students: Sequence[int]) -> None:
    """Let students into the class again who left it, with their points."""
    tx.execute(
        update(Enrollment)
        .where(
            Enrollment.school_id == classroom.school_id,
            Enrollment.classroom_id == classroom.id,
            one_of(Enrollment.student_id, students),
            Enrollment.ended_at.is_not(None),
        )
        .values(ended_at=None)
    )
