"""How a child comes in and leaves again."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import update

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, SessionEnded, StudentToken
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.schools import codes, names
from backoffice.settings import Sessions
from backoffice.storage import functions, keyring
from backoffice.storage.functions import NewStudentSession
from backoffice.storage.public_id import is_public_id
from backoffice.students.models import StudentSession

# The same words, and the same work, for a wrong code and a closed door.
NOT_OPEN = "This code is not open now. Look at it again, or ask your teacher."


@dataclass(frozen=True)
class Choice:
    """One child on the list behind a code. `picture` tells apart those whose labels coincide."""

    public_id: str
    label: str
    avatar: str
    picture: str | None


@dataclass(frozen=True)
class Begun:
    """A new student session."""

    token_id: UUID
    idle: timedelta
    ends_at: datetime


def names_behind(*, code: str) -> list[Choice]:
    """The names to pick from, in order, if this code's door is open. Raises `Rejected`."""
    opener = keyring.current()

    def plain(value: bytes | None, column: str) -> str | None:
        return None if value is None else opener.open(bytes(value), context=column).decode()

    with transaction(Nobody()) as tx:
        rows = functions.names_behind_code(tx, code_index=codes.index(codes.normalise(code)), at=clock.now())
    people = [
        names.Named(
            row.public_id,
            plain(row.alias, "enrollment.alias") or plain(row.given_name, "student.given_name") or "",
            None if row.alias else plain(row.family_name, "student.family_name"),
            row.avatar,
        )
        for row in rows
    ]
    if not people:
        raise Rejected(code=NOT_OPEN)
    labels = names.shown(people)
    times = Counter(labels.values())
    choices = [
        Choice(
            str(person.key),
            labels[person.key],
            person.avatar,
            person.avatar.partition("-")[0] if times[labels[person.key]] > 1 else None,
        )
        for person in people
    ]
    return sorted(choices, key=lambda choice: (choice.label.casefold(), choice.avatar))


def sign_in_student(*, code: str, student: str, sessions: Sessions, address: str | None) -> Begun:
    """Begin a session for a child of the class whose code this is. Raises `Rejected`."""
    now = clock.now()
    token_id, ends_at = uuid4(), now + sessions.span(sessions.student_absolute)
    with transaction(Nobody(address)) as tx:
        begun = functions.begin_student_session(
            tx,
            NewStudentSession(
                code_index=codes.index(codes.normalise(code)),
                # What cannot be an identifier finds nobody, and never reaches the database.
                student=student if is_public_id(student) else "",
                token_id=token_id,
                at=now,
                idle_shared=sessions.student_idle_shared,
                idle_own=sessions.student_idle_own,
                expires_at=ends_at,
                address=_sealed(address),
            ),
        )
        if begun is None:
            raise Rejected(code=NOT_OPEN)
        record(tx, "students.sign-in", school_id=begun.school_id, session=begun.session_id)
    return Begun(token_id, timedelta(minutes=begun.idle_minutes), ends_at)


def leave(*, principal: Principal) -> None:
    """End the child's own session. One that has ended meanwhile is as good."""
    with suppress(SessionEnded), transaction(principal) as tx:
        mine = (StudentSession.id == tx.principal.session_id, StudentSession.ended_at.is_(None))
        if tx.scalar(
            update(StudentSession).where(*mine).values(ended_at=clock.now()).returning(StudentSession.id)
        ):
            record(tx, "students.leave", school_id=tx.principal.school_id)


def credential(token_id: UUID, address: str | None) -> StudentToken:
    """What a verified token presents to the database."""
    return StudentToken(token_id, address)


def _sealed(address: str | None) -> bytes | None:
    if address is None:
        return None
    return keyring.current().seal(address.encode(), context="student_session.address")
