"""How a class shows its children: the way it chose and their pictures; what a username is."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CLASSROOMS_EDIT, STUDENTS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, NamesShown, Student
from backoffice.storage import keyring

SHORTEST_USERNAME, LONGEST_USERNAME = 3, 40


def show_as(*, principal: Principal, classroom: str, how: NamesShown, back: PutBack | None = None) -> None:
    """Choose what the list behind the class's code shows. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        keep_change(tx, row, back, names_shown=(row.names_shown, how))
        row.names_shown = how
        record(tx, "classrooms.show-as", school_id=row.school_id, classroom=row.id, how=how)


def set_picture(*, principal: Principal, classroom: str, student: str, avatar: str) -> None:
    """Give a student of a class a picture that nobody else there has. Raises `Rejected`, `NotFound`."""
    if avatar not in names.AVATARS:
        raise Rejected(avatar=gettext("Choose one of the pictures."))
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=STUDENTS_EDIT, lock=True)
        seats = seats_of(tx, room)
        if student not in seats:
            raise NotFound
        if any(seat.avatar == avatar for other, seat in seats.items() if other != student):
            raise Rejected(avatar=gettext("Another student of the class has this picture. Choose another."))
        seats[student].avatar = avatar
        record(
            tx,
            "students.picture",
            school_id=room.school_id,
            classroom=room.id,
            student=seats[student].student_id,
        )


def checked_usernames(usernames: Mapping[str, str]) -> dict[str, str]:
    """The usernames that somebody meant, by student, without the empty ones. Raises `Rejected`."""
    wanted = {student: typed(username) for student, username in usernames.items() if username.strip()}
    if any(not _is_username(username) for username in wanted.values()):
        raise Rejected.whole(
            gettext(
                "A username has %(least)s to %(most)s letters, digits, dots or hyphens, and no spaces.",
                least=SHORTEST_USERNAME,
                most=LONGEST_USERNAME,
            )
        )
    all_different(list(wanted.values()))
    return wanted


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


def all_different(texts: Sequence[str]) -> None:
    """Raises `Rejected` where two are the same."""
    if len(set(texts)) < len(texts):
        raise Rejected.whole(gettext("Two students have the same. Give each one of their own."))


def seats_of(tx: Transaction, room: Classroom) -> Mapping[str, Enrollment]:
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
