"""Whether a student's session is a short-lived signed token, and whether students can make students."""

import base64
import json
import re
import secrets
from datetime import timedelta
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import Executable, and_, func, insert, or_, select

from backoffice import clock
from backoffice.access import policy, probe
from backoffice.access.permissions import STUDENTS_CREATE
from backoffice.access.policy import RoleName
from backoffice.access.principal import Nobody, Principal, SessionEnded
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count, some
from backoffice.schools.let_in import children_let_in
from backoffice.schools.models import Classroom, ClassroomCode, Door, Enrollment, Student
from backoffice.schools.services.codes import is_live
from backoffice.storage import catalog, keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import new_public_id
from backoffice.students import tokens
from backoffice.students.cards.models import StudentCard
from backoffice.students.issuers import Issuers, issuers
from backoffice.students.models import StudentSession

STAFF = frozenset({RoleName.LEADER, RoleName.TEACHER, RoleName.OWNER, RoleName.CO_TEACHER})
_CREDENTIAL = re.compile("password|mail|phone|passkey|credential")
CLAIMS = frozenset({"iss", "aud", "jti", "iat", "exp"})


def student_jwt(look: Looking) -> Finding:
    """The longest token that the settings allow is short, signed as it must be, and forgeries fail."""
    longest_token, longest_session = registry.current().control("student-jwt").times
    sessions = look.settings.sessions
    idle = sessions.span(max(sessions.student_idle_shared, sessions.student_idle_own))
    whole = sessions.span(sessions.student_absolute)
    token = tokens.issue(uuid4(), idle=idle, ends_at=clock.now() + whole)
    header, claims = (_part(token, 0), _part(token, 1))
    life = timedelta(seconds=claims["exp"] - claims["iat"])
    if life > longest_token or whole > longest_session:
        return falls_short(f"A token may live {_in_words(life)}, a session {_in_words(whole)}.")
    if set(claims) != CLAIMS:
        return falls_short(f"A token says more than it must: {some(sorted(set(claims) - CLAIMS))}.")
    newest, _key = keyring.current().newest(KeyPurpose.STUDENT_JWT)
    if header.get("kid") != str(newest):
        return falls_short("Tokens are not signed with the newest key.")
    accepted = [name for name, forged in _forgeries(claims, newest).items() if tokens.verify(forged)]
    if accepted or tokens.verify(token) is None:
        return falls_short(f"Tokens are not told apart: {some(accepted) or 'a good one is refused'}.")
    beyond = look.tx.scalar(_live_sessions_beyond(longest_token, longest_session))
    if beyond:
        return falls_short(f"{count(beyond, 'live session')} may last longer than promised.")
    numbers = keyring.current().keys[KeyPurpose.STUDENT_JWT]
    return holds(
        f"A token lives at most {_in_words(life)}, a session {_in_words(whole)}; signed {header['alg']}"
        f" with key {newest} of {len(numbers)}; {len(_forgeries(claims, newest))} forgeries refused."
    )


def code_sign_in(look: Looking) -> Finding:
    """Students have nothing to sign in with but a class's code, and nothing else lets one in."""
    keeping = [
        f"{column.table}.{column.name}"
        for column in catalog.columns(look.tx.connection())
        if column.table.rpartition(".")[2].startswith("student") and _CREDENTIAL.search(column.name)
    ]
    if keeping:
        return falls_short(f"Something else to sign in with is kept of students: {some(keeping)}.")
    since = clock.now() - timedelta(days=30)
    sessions = select(func.count()).select_from(StudentSession).where(StudentSession.started_at > since)
    in_time = and_(
        ClassroomCode.classroom_id == StudentSession.classroom_id,
        ClassroomCode.issued_at <= StudentSession.started_at,
        or_(ClassroomCode.ended_at.is_(None), ClassroomCode.ended_at >= StudentSession.started_at),
        or_(ClassroomCode.expires_at.is_(None), ClassroomCode.expires_at > StudentSession.started_at),
    )
    by_code = sessions.join(
        ClassroomCode,
        and_(ClassroomCode.school_id == StudentSession.school_id, ClassroomCode.id == StudentSession.code_id),
    ).where(in_time)
    by_card = sessions.join(
        StudentCard,
        and_(
            StudentCard.school_id == StudentSession.school_id,
            StudentCard.id == StudentSession.card_id,
            StudentCard.classroom_id == StudentSession.classroom_id,
            StudentCard.student_id == StudentSession.student_id,
            StudentCard.issued_at <= StudentSession.started_at,
            or_(StudentCard.voided_at.is_(None), StudentCard.voided_at >= StudentSession.started_at),
        ),
    )
    begun, coded, carded = (look.tx.scalar(each) or 0 for each in (sessions, by_code, by_card))
    if coded + carded != begun:
        without = count(begun - coded - carded, "session")
        return falls_short(f"{without} in 30 days without a code or card of the class.")
    given = issuers(look.tx, since)
    if given.strangers:
        return falls_short(
            f"{count(given.strangers, 'code or card', 'codes or cards')} given out by somebody who never"
            " taught the class."
        )
    attempts = _ways_in_without_a_code(look)
    if let_in := [name for name, code, child, pin in attempts if _comes_in(code, child, pin)]:
        return falls_short(f"A child comes in without a code of the own class: {some(let_in)}.")
    return holds(
        f"{count(begun, 'session')} in 30 days, {coded:,} by a code and {carded:,} by a personal card of the"
        f" child's own class, {_given_out(given)}; nothing else to sign in with is kept;"
        f" {count(len(attempts), 'way')} in without such a code tried, none works."
    )


def no_self_enrolment(look: Looking) -> Finding:
    """Neither a role, nor the database, nor a function of it lets a student or stranger add one."""
    allowed = {role for role in RoleName if STUDENTS_CREATE in policy.granted(role)}
    if not allowed <= STAFF:
        return falls_short(f"These roles may add students: {some(sorted(allowed - STAFF))}.")
    if policy.can(Principal(Nobody()), STUDENTS_CREATE):
        return falls_short("Somebody who is not signed in may add students.")
    adding = catalog.functions_that_add_to(look.tx.connection(), ("student", "enrollment"))
    if adding:
        return falls_short(f"A function open to everybody adds students: {some(adding)}.")
    attempts = _attempts(look)
    with probe.as_nobody() as connection:
        if not all(probe.refused(connection, attempt) for attempt in attempts):
            return falls_short("The database lets somebody who is not signed in add a student.")
    child = look.tx.execute(children_let_in(clock.now()).limit(1)).first()
    if child is not None:
        with probe.as_student(child.code_index, child.public_id, pin_hash=child.pin_hash) as (
            connection,
            _principal,
        ):
            if not all(probe.refused(connection, attempt) for attempt in attempts):
                return falls_short("The database lets a signed-in student add a student.")
    who = "a stranger and a signed-in student" if child else "a stranger"
    return holds(
        f"Each of {count(len(attempts), 'attempt')} by {who} was refused by the database;"
        f" only {', '.join(sorted(allowed))} may add students."
    )


def _ways_in_without_a_code(look: Looking) -> list[tuple[str, bytes, str, str | None]]:
    """Name, index of a code, child and its PIN's hash of each attempt that must fail."""
    pair = select(ClassroomCode.code_index, Student.public_id, Student.pin_hash).limit(1)
    of_one_class = (
        pair.join(
            Classroom,
            and_(Classroom.school_id == ClassroomCode.school_id, Classroom.id == ClassroomCode.classroom_id),
        )
        .join(
            Enrollment,
            and_(Enrollment.school_id == Classroom.school_id, Enrollment.classroom_id == Classroom.id),
        )
        .join(Student, and_(Student.school_id == Enrollment.school_id, Student.id == Enrollment.student_id))
        .where(Enrollment.ended_at.is_(None))
    )
    is_in = select(Enrollment.student_id).where(
        Enrollment.school_id == ClassroomCode.school_id,
        Enrollment.classroom_id == ClassroomCode.classroom_id,
        Enrollment.student_id == Student.id,
        Enrollment.ended_at.is_(None),
    )
    now = clock.now()
    wanted = {
        "by a code that has ended": of_one_class.where(
            ClassroomCode.ended_at.is_not(None), Classroom.door == Door.OPEN
        ),
        "by a lesson's code that has run out": of_one_class.where(
            ClassroomCode.ended_at.is_(None), ClassroomCode.expires_at <= now, Classroom.door == Door.OPEN
        ),
        "by a closed door": of_one_class.where(is_live(now), Classroom.door == Door.CLOSED),
        "by a door whose time is over": of_one_class.where(
            is_live(now),
            Classroom.door == Door.UNTIL,
            Classroom.door_until <= now,
            Classroom.door_from.is_(None),
        ),
        "by the code of another class": pair.join(
            Student, Student.school_id == ClassroomCode.school_id
        ).where(is_live(now), ~is_in.exists()),
    }
    some_child = look.tx.execute(select(Student.public_id, Student.pin_hash).limit(1)).first()
    child, pin = some_child or (new_public_id(), None)
    found = [("by no code", b"", child, pin), ("by a made-up code", secrets.token_bytes(16), child, pin)]
    for name, statement in wanted.items():
        if (row := look.tx.execute(statement).first()) is not None:
            found.append((name, bytes(row.code_index), row.public_id, row.pin_hash))
    return found


def _comes_in(code_index: bytes, student: str, pin_hash: str | None) -> bool:
    try:
        with probe.as_student(code_index, student, pin_hash=pin_hash):
            return True
    except SessionEnded:
        return False


def _given_out(given: Issuers) -> str:
    gone = f" ({given.nobodys:,} by an import, or an account that is gone)" if given.nobodys else ""
    return f"given out by its teachers{gone}"


def _part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


def _forgeries(claims: dict[str, Any], newest: int) -> dict[str, str]:
    stranger = OctKey.import_key(secrets.token_bytes(keyring.KEY_BYTES))
    header = {"alg": "HS256", "kid": str(newest)}
    own = OctKey.import_key(keyring.current().newest(KeyPurpose.STUDENT_JWT)[1])
    past = {**claims, "exp": int(claims["iat"]) - 1}
    endless = {name: value for name, value in claims.items() if name != "exp"}
    unsigned = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none", "kid": str(newest)}, claims)
    )
    return {
        "an unsigned one": f"{unsigned}.",
        "one signed with another key": jwt.encode(header, claims, stranger),
        "one that has expired": jwt.encode(header, past, own),
        "one without an end": jwt.encode(header, endless, own),
        "one of another algorithm": jwt.encode({**header, "alg": "HS512"}, claims, own, algorithms=["HS512"]),
    }


def _live_sessions_beyond(token: timedelta, session: timedelta) -> Executable:
    now = clock.now()
    return select(func.count()).where(
        StudentSession.ended_at.is_(None),
        StudentSession.expires_at > now,
        or_(
            StudentSession.expires_at > StudentSession.started_at + session,
            StudentSession.idle_minutes > token // timedelta(minutes=1),
        ),
    )


def _attempts(look: Looking) -> list[Executable]:
    # A real class and a real child, so that nothing but the isolation stands in the way.
    place = look.tx.execute(select(Classroom.school_id, Classroom.id).limit(1)).first()
    school, classroom = place or (1, 1)
    student = look.tx.scalar(select(Student.id).where(Student.school_id == school).limit(1)) or 1
    now = clock.now()
    return [
        insert(Student).values(id=-1, school_id=school, given_name="Probe", name_tokens=[], created_at=now),
        insert(Enrollment).values(
            school_id=school,
            classroom_id=classroom,
            student_id=student,
            avatar="",
            balance=0,
            joined_at=now,
        ),
    ]


def _in_words(span: timedelta) -> str:
    hours, rest = divmod(span, timedelta(hours=1))
    return count(span // timedelta(minutes=1), "minute") if rest or not hours else count(hours, "hour")


CHECKS = (
    Check("code-sign-in", code_sign_in),
    Check("student-jwt", student_jwt),
    Check("no-self-enrolment", no_self_enrolment),
)
