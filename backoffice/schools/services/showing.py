"""How a class shows its children: the way it chose, their aliases, pictures and usernames."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CLASSROOMS_EDIT, STUDENTS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, NamesShown, Student
from backoffice.storage import keyring

LONGEST_ALIAS = 30
SHORTEST_USERNAME, LONGEST_USERNAME = 3, 40


def show_as(*, principal: Principal, classroom: str, how: NamesShown) -> None:
    """Choose what the list behind the class's code shows. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        row.names_shown = how
        record(tx, "classrooms.show-as", school_id=row.school_id, classroom=row.id, how=how)


def set_aliases(*, principal: Principal, classroom: str, aliases: Mapping[str, str]) -> int:
    """Set the aliases of students in a class, by their identifiers; an empty one takes it away.

    Identifiers that are not the class's are passed over. Returns how many aliases changed.
    Raises `Rejected`, `NotFound`.
    """
    wanted = {student: _alias(alias) for student, alias in aliases.items()}
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=STUDENTS_EDIT, lock=True)
        seats = _seats(tx, room)
        after = [wanted.get(student, seat.alias) for student, seat in seats.items()]
        _all_different([names.plain(alias) for alias in after if alias])
        changed = []
        for student, seat in seats.items():
            if student in wanted and (seat.alias or None) != wanted[student]:
                seat.alias = wanted[student]
                changed.append(seat.student_id)
        if changed:
            record(
                tx, "students.aliases", school_id=room.school_id, classroom=room.id, students=sorted(changed)
            )
    return len(changed)


def set_picture(*, principal: Principal, classroom: str, student: str, avatar: str) -> None:
    """Give a student of a class a picture that nobody else there has. Raises `Rejected`, `NotFound`."""
    if avatar not in names.AVATARS:
        raise Rejected(avatar="Choose one of the pictures.")
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=STUDENTS_EDIT, lock=True)
        seats = _seats(tx, room)
        if student not in seats:
            raise NotFound
        if any(seat.avatar == avatar for other, seat in seats.items() if other != student):
            raise Rejected(avatar="Another student of the class has this picture. Choose another.")
        seats[student].avatar = avatar
        record(
            tx,
            "students.picture",
            school_id=room.school_id,
            classroom=room.id,
            student=seats[student].student_id,
        )


def set_usernames(*, principal: Principal, classroom: str, usernames: Mapping[str, str]) -> int:
    """Set the usernames of students of a class, by their identifiers. Only a digest of each is kept.

    Empty ones, and identifiers that are not the class's, are passed over. Returns how many were set.
    Raises `Rejected`, `NotFound`.
    """
    wanted = {student: typed(username) for student, username in usernames.items() if username.strip()}
    if any(not _is_username(username) for username in wanted.values()):
        raise Rejected.whole(
            f"A username has {SHORTEST_USERNAME} to {LONGEST_USERNAME} letters, digits, dots or hyphens,"
            " and no spaces."
        )
    _all_different(list(wanted.values()))
    try:
        with transaction(principal) as tx:
            room = find(tx, Classroom, classroom, permission=STUDENTS_EDIT, lock=True)
            seats = _seats(tx, room)
            found = tx.scalars(
                visible(
                    tx.principal,
                    select(Student)
                    .where(
                        Student.school_id == room.school_id,
                        Student.id.in_([seats[each].student_id for each in wanted if each in seats]),
                    )
                    .with_for_update(of=Student),
                    STUDENTS_EDIT,
                )
            ).all()
            for student in found:
                student.username_digest = digest(wanted[student.public_id], school_id=room.school_id)
            if found:
                record(
                    tx,
                    "students.usernames",
                    school_id=room.school_id,
                    classroom=room.id,
                    students=sorted(student.id for student in found),
                )
            tx.flush()
    except IntegrityError as error:
        raise Rejected.whole(
            "One of these usernames belongs to somebody else of the school. Choose another."
        ) from error
    return len(found)


def typed(username: str) -> str:
    """The username that somebody meant."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def digest(username: str, *, school_id: int) -> str:
    """What is kept of a username, in one school."""
    return keyring.current().username_digest(username, school=str(school_id))


def _is_username(username: str) -> bool:
    return SHORTEST_USERNAME <= len(username) <= LONGEST_USERNAME and all(
        symbol.isalnum() or symbol in ".-_" for symbol in username
    )


def _alias(text: str) -> str | None:
    alias = names.written(text)
    if not alias:
        return None
    if len(alias) > LONGEST_ALIAS:
        raise Rejected.whole(f"Shorten each alias to {LONGEST_ALIAS} letters.")
    if names.problem_with(alias, None):
        raise Rejected.whole("An alias is a word or two with letters, without signs, and no e-mail address.")
    return alias


def _all_different(texts: Sequence[str]) -> None:
    if len(set(texts)) < len(texts):
        raise Rejected.whole("Two students have the same. Give each one of their own.")


def _seats(tx: Transaction, room: Classroom) -> Mapping[str, Enrollment]:
    """The places of the class's students, locked, by the students' identifiers."""
    rows: Collection[tuple[Enrollment, str]] = tx.execute(
        visible(
            tx.principal,
            select(Enrollment, Student.public_id)
            .join(
                Student,
                (Student.school_id == Enrollment.school_id) & (Student.id == Enrollment.student_id),
            )
            .where(
                Enrollment.school_id == room.school_id,
                Enrollment.classroom_id == room.id,
                Enrollment.ended_at.is_(None),
            )
            .order_by(Enrollment.student_id)
            .with_for_update(of=Enrollment, key_share=True),
            STUDENTS_EDIT,
        )
    ).all()
    return {public_id: seat for seat, public_id in rows}
