"""Making one student of two who are the same child."""

from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import ColumnElement, func, select

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import GUARDIANS_APPROVE, STUDENTS_MERGE
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools import names, roster_queries
from backoffice.schools.matching import Known, Matcher, Place
from backoffice.schools.models import Classroom, Enrollment, PointEntry, Student
from backoffice.storage import about, functions
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession

MOST_FOUND = 20
SAME_NAME = lazy("The same name.")

ITSELF = lazy("Choose another student: this is the one whom you began with.")
OTHER_SCHOOL = lazy("Choose a student of the same school. Students stay at their school.")
COLLEAGUES = lazy(
    "One of them is in a class that is not yours as well. Ask a leader of your school to merge them, or"
    " the owner of that class to take the child out first."
)
REQUESTS_WAIT = lazy(
    "A parent has asked the same about both of them. Answer one of the two in the inbox first."
)
BEING_ERASED = lazy("One of them is being erased, or a class of theirs is. There is nothing to merge then.")
HAS_TO_BE_KEPT = lazy(
    "There is an obligation to keep one of them as it is, so they cannot be merged for now."
)
GREW_OLD = lazy("Something about them has changed since you looked. Look again, then merge them.")


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be the same child."""

    public_id: str
    name: str
    classes: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Seated:
    """A class that one of the two is or was in, as far as the principal may see."""

    name: str
    points: int
    archived: bool
    left: bool


@dataclass(frozen=True)
class Side:
    """One of the two, and what hangs on it."""

    public_id: str
    # What the database knows it by.
    id: int = field(repr=False)
    name: str
    seats: tuple[Seated, ...]
    awards: int
    parents: tuple[str, ...]
    waiting: int
    ended: int
    invited: int
    pin: bool
    username: bool
    cards: int
    inside: int

    @property
    def points(self) -> int:
        """The points of all classes together."""
        return sum(seat.points for seat in self.seats)


@dataclass(frozen=True)
class MergePreview:
    """What merging `merged` into `keeper` would bring together. `common` are classes that both are in.

    `stays` says of how much, by a plugin's name, the keeper has the same: that goes with `merged`.
    """

    keeper: Side
    merged: Side
    common: tuple[str, ...]
    stays: tuple[tuple[str, int], ...] = ()

    @property
    def seen(self) -> str:
        """Equal as long as nothing of it has changed."""
        return sha256(repr(self).encode()).hexdigest()[:32]


def candidates(*, principal: Principal, student: str, search: str = "") -> list[Candidate]:
    """Those of the same school whom the principal may merge with a student and whose names may be its.

    With `search`, those whose names begin so. Raises `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Student, student, permission=STUDENTS_MERGE)
        statement = (
            select(Student.public_id, Student.given_name, Student.family_name)
            .where(Student.school_id == row.school_id, Student.id != row.id)
            .order_by(Student.id)
        )
        if search:
            words = search.split()
            statement = statement.where(
                Student.name_tokens.contains([names.token(word, school_id=row.school_id) for word in words])
            ).limit(MOST_FOUND)
        else:
            statement = statement.limit(roster_queries.READ_WHOLE)
        rows = tx.execute(visible(tx.principal, statement, STUDENTS_MERGE)).all()
        known = [Known(r.public_id, Place.ELSEWHERE, r.given_name, r.family_name) for r in rows]
        if search:
            found = {each.answer: (each.name, "") for each in known}
        else:
            matcher = Matcher(known)
            same = matcher.same(row.given_name, row.family_name)
            found = {each.answer: (each.name, SAME_NAME) for each in same}
            for alike in matcher.alike(row.given_name, row.family_name):
                found.setdefault(alike.known.answer, (alike.known.name, alike.why))
        classes = roster_queries.classes_by_student(tx, row.school_id, set(found)) if found else {}
    return [
        Candidate(public_id, name, tuple(classes.get(public_id, ())), why)
        for public_id, (name, why) in found.items()
    ]


def preview_merge(*, principal: Principal, keeper: str, merged: str) -> MergePreview:
    """What `merge_students` would do. Changes nothing. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        return _looked_at(tx, *_both(tx, keeper, merged))


def merge_students(*, principal: Principal, keeper: str, merged: str, seen: str) -> None:
    """Make one student of two: everything of the second is the first's, and the second is gone for good.

    `seen` is what the preview said: who looked at something else looks again. What the first has, name, PIN,
    username, picture, stays; the second's cards are void and its sessions over. Raises `Rejected`,
    `NotFound`.
    """
    with transaction(principal) as tx:
        stays, goes = _both(tx, keeper, merged)
        if _looked_at(tx, stays, goes).seen != seen:
            raise Rejected.whole(GREW_OLD)
        # Whoever proposes a hold comes before, and is seen, or after, and finds one student.
        functions.lock_holds(tx, alone=False)
        if functions.students_kept(tx, school_id=stays.school_id, students=[stays.id, goes.id]):
            raise Rejected.whole(HAS_TO_BE_KEPT)
        done = functions.merge_students(
            tx,
            school_id=stays.school_id,
            keeper=stays.id,
            merged=goes.id,
            at=clock.now(),
            mark=about.erased(about.STUDENT, goes.public_id),
        )
        if done == "being erased":
            raise Rejected.whole(BEING_ERASED)
        if done == "requests wait":
            raise Rejected.whole(REQUESTS_WAIT)
        if done != "merged":
            raise Rejected.whole(COLLEAGUES)
        record(tx, "students.merge", school_id=stays.school_id, student=stays.id, merged=goes.id)


def _both(tx: Transaction, keeper: str, merged: str) -> tuple[Student, Student]:
    stays = find(tx, Student, keeper, permission=STUDENTS_MERGE)
    goes = find(tx, Student, merged, permission=STUDENTS_MERGE)
    if stays.id == goes.id:
        raise Rejected(other=ITSELF)
    if stays.school_id != goes.school_id:
        raise Rejected(other=OTHER_SCHOOL)
    if not functions.may_merge(tx, school_id=stays.school_id, students=[stays.id, goes.id]):
        raise Rejected.whole(COLLEAGUES)
    return stays, goes


def _looked_at(tx: Transaction, stays: Student, goes: Student) -> MergePreview:
    sides, rooms = [], []
    for student in (stays, goes):
        seats = tx.execute(
            visible(
                tx.principal,
                select(
                    Enrollment.classroom_id,
                    Enrollment.balance,
                    Enrollment.ended_at,
                    Classroom.name,
                    Classroom.archived_at,
                )
                .join(
                    Classroom,
                    (Classroom.school_id == Enrollment.school_id) & (Classroom.id == Enrollment.classroom_id),
                )
                .where(Enrollment.school_id == student.school_id, Enrollment.student_id == student.id)
                .order_by(Enrollment.classroom_id),
            )
        ).all()
        rooms.append({seat.classroom_id: seat.name for seat in seats})
        parents, waiting, ended, invited = _parents(tx, student)
        sides.append(
            Side(
                public_id=student.public_id,
                id=student.id,
                name=f"{student.given_name} {student.family_name or ''}".strip(),
                seats=tuple(
                    Seated(seat.name, seat.balance, seat.archived_at is not None, seat.ended_at is not None)
                    for seat in seats
                ),
                awards=_count(tx, student, PointEntry),
                parents=parents,
                waiting=waiting,
                ended=ended,
                invited=invited,
                pin=student.pin_hash is not None,
                username=student.username_digest is not None,
                cards=_count(tx, student, StudentCard, StudentCard.voided_at.is_(None)),
                inside=_count(
                    tx,
                    student,
                    StudentSession,
                    StudentSession.ended_at.is_(None),
                    StudentSession.expires_at > clock.now(),
                ),
            )
        )
    common = tuple(name for room, name in rooms[0].items() if room in rooms[1])
    left = functions.plugin_rows_that_stay(tx, school_id=stays.school_id, keeper=stays.id, merged=goes.id)
    of_plugins = tuple((row.schema_name.removeprefix("plugin_"), row.stayed) for row in left)
    return MergePreview(sides[0], sides[1], common, of_plugins)


def _count(
    tx: Transaction,
    student: Student,
    entity: type[StudentCard | StudentSession | PointEntry],
    *which: ColumnElement[bool],
) -> int:
    own = (entity.school_id == student.school_id, entity.student_id == student.id)
    return tx.scalar(select(func.count()).where(*own, *which)) or 0


def _parents(tx: Transaction, student: Student) -> tuple[tuple[str, ...], int, int, int]:
    """Who follows the child, by name; how many wait, do not follow it any more, and are invited."""
    links = tx.scalars(
        visible(
            tx.principal,
            select(GuardianLink)
            .where(GuardianLink.school_id == student.school_id, GuardianLink.student_id == student.id)
            .order_by(GuardianLink.id),
            GUARDIANS_APPROVE,
        )
    ).all()
    invited = select(func.count()).where(
        GuardianInvitation.school_id == student.school_id,
        GuardianInvitation.student_id == student.id,
        GuardianInvitation.accepted_at.is_(None),
        GuardianInvitation.withdrawn_at.is_(None),
        GuardianInvitation.expires_at > clock.now(),
    )
    return (
        tuple(each.name or gettext("A parent") for each in links if each.status == GuardianStatus.APPROVED),
        sum(each.status == GuardianStatus.WAITING for each in links),
        sum(each.status in {GuardianStatus.REVOKED, GuardianStatus.REFUSED} for each in links),
        tx.scalar(invited) or 0,
    )
