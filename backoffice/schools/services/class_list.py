"""The list of a class as its teacher writes it: names, aliases and usernames, saved at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.seen import version
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import keep_changes
from backoffice.language.texts import gettext
from backoffice.problems import MEANWHILE, Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.roster_models import ChangedHow, ChangeKind
from backoffice.schools.services import showing
from backoffice.schools.services.changes import note_change
from backoffice.schools.services.showing import seats_of
from backoffice.storage.public_id import is_public_id

# Given and family name.
Name = tuple[str, str | None]

LONGEST_ALIAS = 30


@dataclass(frozen=True)
class Rewritten:
    """A student's name as somebody left it on the page, and the `version` of the one that the page showed."""

    given: str
    family: str
    seen: str


@dataclass(frozen=True)
class ClassList:
    """What was written, by the students' identifiers.

    An empty alias takes it away; an empty username leaves the one there is.
    """

    names: Mapping[str, Rewritten] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    # The aliases that the page showed: what was left as it was is not written over what somebody else wrote.
    aliases_seen: Mapping[str, str] = field(default_factory=dict)
    usernames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """How many of each have changed."""

    names: int
    aliases: int
    usernames: int


def save_class_list(*, principal: Principal, classroom: str, wanted: ClassList) -> Saved:
    """Save names, aliases and usernames of students of a class: all of it or nothing.

    Identifiers that are not the class's are passed over. A name that somebody else changed since the page was
    made is never overwritten. Raises `Rejected`, whose fields may be students' identifiers, and `NotFound`.
    """
    written = _written(wanted.names)
    aliases = {
        student: _alias(alias)
        for student, alias in wanted.aliases.items()
        if alias != wanted.aliases_seen.get(student)
    }
    usernames = showing.checked_usernames(wanted.usernames)
    try:
        with transaction(principal) as tx:
            room = find(tx, Classroom, classroom, permission=STUDENTS_EDIT, lock=True)
            # Students before their places, as whoever merges two of them.
            students = _students(tx, room, {*written, *usernames})
            seats = seats_of(tx, room)
            renamed = _rewrite(students, written)
            changed = {
                "students.correct": list(renamed),
                "students.aliases": _rename(seats, aliases, wanted.aliases_seen),
                "students.usernames": _set_usernames(students, usernames),
            }
            tx.flush()
            now = clock.now()
            keep_changes(
                tx, {each: {"name": renamed[each.id]} for each in students if each.id in renamed}, at=now
            )
            how = dict.fromkeys(renamed, ChangedHow.RENAMED)
            note_change(tx, room, ChangeKind.RENAME, how, at=now)
            for verb, numbers in changed.items():
                if numbers:
                    record(tx, verb, school_id=room.school_id, classroom=room.id, students=sorted(numbers))
    except IntegrityError as error:
        raise Rejected.whole(
            gettext("One of these usernames belongs to somebody else of the school. Choose another.")
        ) from error
    return Saved(*(len(numbers) for numbers in changed.values()))


def _written(texts: Mapping[str, Rewritten]) -> dict[str, Rewritten]:
    written = {
        student: Rewritten(names.written(text.given), names.written(text.family), text.seen)
        for student, text in texts.items()
    }
    problems = {student: names.problem_with(name.given, name.family) for student, name in written.items()}
    if wrong := {student: problem for student, problem in problems.items() if problem}:
        raise Rejected(**wrong)
    return written


def _alias(text: str) -> str | None:
    alias = names.written(text)
    if not alias:
        return None
    if len(alias) > LONGEST_ALIAS:
        raise Rejected.whole(gettext("Shorten each alias to %(most)s letters.", most=LONGEST_ALIAS))
    if names.problem_with(alias, None):
        raise Rejected.whole(
            gettext("An alias is a word or two with letters, without signs, and no e-mail address.")
        )
    return alias


def _students(tx: Transaction, room: Classroom, chosen: Collection[str]) -> Sequence[Student]:
    """Those of the chosen who are in the class, locked."""
    return tx.scalars(
        visible(
            tx.principal,
            select(Student)
            .join(
                Enrollment,
                (Enrollment.school_id == Student.school_id) & (Enrollment.student_id == Student.id),
            )
            .where(
                Enrollment.school_id == room.school_id,
                Enrollment.classroom_id == room.id,
                Enrollment.ended_at.is_(None),
                Student.public_id.in_([each for each in chosen if is_public_id(each)]),
            )
            .order_by(Student.id)
            .with_for_update(of=Student),
            STUDENTS_EDIT,
        )
    ).all()


def _rewrite(students: Sequence[Student], written: Mapping[str, Rewritten]) -> dict[int, tuple[Name, Name]]:
    """Give each student the name that was written, where it is another than the page showed."""
    changed: dict[int, tuple[Name, Name]] = {}
    overtaken = {}
    for student in students:
        name = written.get(student.public_id)
        if name is None or version(name.given, name.family) == name.seen:
            continue
        now = version(student.given_name, student.family_name)
        if now == version(name.given, name.family):
            continue
        if now != name.seen:
            overtaken[student.public_id] = MEANWHILE
            continue
        after = (name.given, name.family or None)
        changed[student.id] = ((student.given_name, student.family_name), after)
        student.given_name, student.family_name = after
        student.name_tokens = names.tokens(name.given, name.family, school_id=student.school_id)
    if overtaken:
        raise Rejected(**overtaken)
    return changed


def _rename(
    seats: Mapping[str, Enrollment], aliases: Mapping[str, str | None], seen: Mapping[str, str]
) -> list[int]:
    overtaken = {
        student: MEANWHILE
        for student, alias in aliases.items()
        if student in seen and student in seats and (seats[student].alias or "") not in {seen[student], alias}
    }
    if overtaken:
        raise Rejected(**overtaken)
    after = [aliases.get(student, seat.alias) for student, seat in seats.items()]
    showing.all_different([names.plain(alias) for alias in after if alias])
    changed = []
    for student, seat in seats.items():
        if student in aliases and (seat.alias or None) != aliases[student]:
            seat.alias = aliases[student]
            changed.append(seat.student_id)
    return changed


def _set_usernames(students: Sequence[Student], usernames: Mapping[str, str]) -> list[int]:
    chosen = [student for student in students if student.public_id in usernames]
    for student in chosen:
        student.username_digest = showing.digest(usernames[student.public_id], school_id=student.school_id)
    return [student.id for student in chosen]
