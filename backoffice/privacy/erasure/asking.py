"""Asking for an erasure on the web: a worker looks what would go, whoever asked confirms, a worker erases.

The web has no right to delete. It notes who wants what; the role that erases does it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.lookup import NotFound, find, rows_of
from backoffice.access.permissions import (
    CLASSROOMS_ERASE,
    SCHOOLS_ERASE,
    STUDENTS_ERASE,
    Permission,
)
from backoffice.access.policy import rules, visible
from backoffice.access.principal import Principal, Purpose
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.jobs.models import Asked
from backoffice.language.moments import amount, number_in
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.erasure import following, receipts
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.plan import MODELS, Plan, plan_of
from backoffice.privacy.erasure.services import UNDER_WAY, of_one_school, title_of, titles_of_students
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_kept
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.models import (
    Classroom,
    District,
    Enrollment,
    Membership,
    School,
    SchoolKind,
    Student,
)
from backoffice.storage import functions
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import PublicId, new_public_id

LOOK, ERASE = "core.look-at-erasure", "core.erase"
# Who does not confirm within this time is asked anew: what would go may be something else by then.
WAITS = timedelta(hours=1)
PERMISSIONS: dict[Subject, Permission] = {
    Subject.STUDENT: STUDENTS_ERASE,
    Subject.CLASSROOM: CLASSROOMS_ERASE,
    Subject.SCHOOL: SCHOOLS_ERASE,
    Subject.DISTRICT: SCHOOLS_ERASE,
}
# Of several, so many are named to whoever confirms.
MOST_NAMED = 11
OVER = lazy("This can no longer be confirmed. Begin anew.")
NOT_ITS_NAME = lazy("This is not what it is called. Type it as it stands above.")


def ask_to_erase(*, principal: Principal, subject: Subject, public_id: str) -> PublicId:
    """Have a worker look what erasing this would take. Returns the number of the erasure.

    Raises `NotFound` and `Closed`.
    """
    with transaction(principal) as tx:
        thing = to_erase(tx, subject, public_id)
        school = {Subject.SCHOOL: thing.id, Subject.DISTRICT: None}.get(
            subject, getattr(thing, "school_id", None)
        )
        return _asked(tx, subject, [thing.id], school)


def ask_to_erase_students(*, principal: Principal, students: Which) -> PublicId:
    """The same of several students of one school, with one receipt in the end.

    Without those who are being erased already: one whom a hold keeps would be among them for years. Raises
    `NotFound` if they are nobody, `Rejected` if they are of several schools, others than were shown, or all
    being erased.
    """
    with transaction(principal) as tx:
        numbers = selected(tx, Student, students, PERMISSIONS[Subject.STUDENT])
        if not numbers:
            raise NotFound
        these = select(Student.id, Student.school_id).where(one_of(Student.id, numbers))
        found = tx.execute(these.where(~func.app.being_erased(str(Subject.STUDENT), Student.id))).all()
        if not found:
            raise Rejected.whole(UNDER_WAY)
        school = of_one_school({row.school_id for row in found})
        return _asked(tx, Subject.STUDENT, [row.id for row in found], school)


def _asked(tx: Transaction, subject: Subject, numbers: Sequence[int], school: int | None) -> PublicId:
    row = Erasure(
        id=tx.take_id(Erasure),
        public_id=new_public_id(),
        subject=subject,
        school_id=school,
        stage=Stage.LOOKING,
        asked_by=tx.principal.account_id,
        asked_as=_asked_as(tx, subject, school),
        asked_at=clock.now(),
    )
    row.choose(numbers)
    tx.add(row)
    tx.flush()
    queue.put(tx, LOOK, {"erasure": row.id}, asked=Asked.PERSON)
    record(tx, "erasures.ask", school_id=school, erasure=row.id, subject=str(subject))
    return PublicId(row.public_id)


def to_erase(tx: Transaction, subject: Subject, public_id: str) -> Any:
    """What the principal may have erased. Raises `NotFound` and `Closed`.

    A school of one teacher's own is called after them, and goes with their account.
    """
    thing: Any = find(tx, MODELS[subject], public_id, permission=PERMISSIONS[subject])
    if subject is Subject.SCHOOL and thing.kind == SchoolKind.PERSONAL:
        raise NotFound
    return thing


def district_of(tx: Transaction, school: School) -> District | None:
    """The district that goes with all of its schools, for whoever may erase it."""
    own = select(District).where(District.id == school.district_id)
    return tx.scalars(visible(tx.principal, own, SCHOOLS_ERASE)).one_or_none()


def _asked_as(tx: Transaction, subject: Subject, school: int | None) -> AskedAs:
    if subject in {Subject.SCHOOL, Subject.DISTRICT}:
        return AskedAs.FOUNDER
    return AskedAs.LEADER if school in tx.principal.led_schools else AskedAs.TEACHER


def look(eraser: Eraser, *, number: int) -> bool:
    """Find out what an erasure would take, for whoever asked; whether there was something to look at."""
    with transaction(eraser.who) as tx:
        row = tx.scalars(select(Erasure).where(Erasure.id == number).with_for_update()).one_or_none()
        if row is None or row.stage != Stage.LOOKING or not row.numbers:
            return False
        late = row.asked_at < clock.now() - WAITS
        plan = None if late else plan_of(tx, row)
        if plan is None:
            row.end(Stage.LAPSED)
            return False
        row.narrow(plan.of(Subject.STUDENT))
        subject = Subject(row.subject)
        row.found = {
            **_called(tx, row, plan.of(subject)),
            "subjects": plan.subjects(),
            "rows": dict(receipts.told(eraser.left(tx, plan))),
            **_others(tx, subject, plan),
            "outside": following.outside_of(tx, plan, eraser.installed),
            "kept": is_kept(tx, plan),
        }
        row.stage = Stage.PREVIEWED
    return True


def confirm_erasure(*, principal: Principal, erasure: str, typed: str) -> None:
    """Have it erased, now and for good.

    `typed` is what it is called, or how many they are, so that nobody means something else. Raises
    `Rejected`, `NotFound`, `Closed` and `ProofNeeded`.
    """
    try:
        with transaction(principal) as tx:
            proof.demand(tx)
            row = _own(tx, erasure)
            if row.stage != Stage.PREVIEWED or row.asked_at < clock.now() - WAITS or row.found is None:
                raise Rejected.whole(OVER)
            _is_meant(row, row.found["title"], typed)
            _still_may(tx, row)
            if functions.erased_by_others(tx, number=row.id):
                raise Rejected.whole(UNDER_WAY)
            confirmed = tx.execute(
                update(Erasure)
                .where(Erasure.id == row.id, Erasure.stage == Stage.PREVIEWED)
                .values(stage=Stage.CONFIRMED, confirmed_at=clock.now())
                .execution_options(synchronize_session=False)
            )
            if confirmed.rowcount != 1:  # type: ignore[attr-defined]
                raise Rejected.whole(OVER)
            functions.end_access(tx, erasure=row.id, at=clock.now())
            queue.put(tx, ERASE, {"erasure": row.id}, asked=Asked.PERSON)
            record(tx, "erasures.confirm", school_id=row.school_id, erasure=row.id, subject=row.subject)
    except IntegrityError:
        raise Rejected.whole(UNDER_WAY) from None


def leave_erasure(*, principal: Principal, erasure: str) -> None:
    """Have it not erased after all. Raises `Rejected` if it has been confirmed, `NotFound`."""
    with transaction(principal) as tx:
        row = _own(tx, erasure)
        if functions.leave_erasure(tx, number=row.id):
            record(tx, "erasures.leave", school_id=row.school_id, erasure=row.id)
        elif row.stage != Stage.LAPSED:
            raise Rejected.whole(UNDER_WAY)


def latest(tx: Transaction, *, most: int) -> Sequence[Erasure]:
    """The newest erasures that the principal asked for, or that were asked for where it leads."""
    seen = visible(tx.principal, select(Erasure))
    return tx.scalars(seen.order_by(Erasure.asked_at.desc()).limit(most)).all()


def forget_unconfirmed(who: Purpose) -> int:
    """Let previews lapse that nobody has confirmed in time; how many."""
    old = Erasure.asked_at < clock.now() - WAITS
    with transaction(who) as tx:
        lapsed = tx.execute(
            update(Erasure)
            .where(Erasure.stage.in_([Stage.LOOKING, Stage.PREVIEWED]), old)
            .values(stage=Stage.LAPSED, subject_id=None, chosen=None, found=None)
            .execution_options(synchronize_session=False)
        )
    return int(lapsed.rowcount)  # type: ignore[attr-defined]


def _own(tx: Transaction, erasure: str) -> Erasure:
    """Of whoever asked: a leader sees those of the school, and confirms none of somebody else's."""
    row = find(tx, Erasure, erasure)
    if row.asked_by != tx.principal.account_id:
        raise NotFound
    return row


def _not_so_many(count: int) -> str:
    return gettext("Type %(count)s to confirm that you mean so many.", count=amount(count))


def _is_meant(row: Erasure, title: str, typed: str) -> None:
    """Raises `Rejected` unless what is typed is what is to go."""
    if row.subjects > 1:
        if number_in(typed) != row.subjects:
            raise Rejected(typed=_not_so_many(row.subjects))
    elif names.plain(" ".join(typed.split())) != names.plain(title):
        raise Rejected(typed=NOT_ITS_NAME)


def _still_may(tx: Transaction, row: Erasure) -> None:
    """Whoever asked may have left the class since. Raises `NotFound`, `Closed`, `Rejected`."""
    if row.chosen is not None:
        own = rows_of(tx.principal, Student, STUDENTS_ERASE).where(one_of(Student.id, row.chosen))
        if len(tx.scalars(own.with_only_columns(Student.id)).all()) != row.subjects:
            raise Rejected.whole(OVER)
        return
    model: Any = MODELS[Subject(row.subject)]
    outside = tx.scalar(
        visible(tx.principal, select(model), rules()[model].read)
        .where(model.id == row.subject_id)
        .with_only_columns(model.public_id)
    )
    if outside is None:
        raise NotFound
    to_erase(tx, Subject(row.subject), outside)


def _called(tx: Transaction, row: Erasure, numbers: Sequence[int]) -> dict[str, Any]:
    """What it is called; several are so many, and the first of them are named."""
    if row.subjects == 1:
        return {"title": title_of(tx, Subject(row.subject), numbers[0])}
    return {"title": "", "named": titles_of_students(tx, numbers[:MOST_NAMED])}


def _others(tx: Transaction, subject: Subject, plan: Plan) -> dict[str, Any]:
    """Whom it touches besides: classes that lose a student, students who stay, all that is in schools."""
    here = (Classroom.school_id == Enrollment.school_id, Classroom.id == Enrollment.classroom_id)
    if subject is Subject.STUDENT:
        rooms = (
            select(Classroom.name)
            .join(Enrollment, here[0] & here[1])
            .where(
                one_of(Enrollment.student_id, plan.of(subject)),
                Enrollment.ended_at.is_(None),
                *(Enrollment.school_id == target.school for target in plan.targets),
            )
            .distinct()
        )
        return {"classes": sorted(tx.scalars(rooms), key=names.plain)}
    if subject is Subject.CLASSROOM:
        seated = select(func.count(Enrollment.student_id.distinct())).where(
            one_of(Enrollment.classroom_id, plan.of(subject)),
            ~one_of(Enrollment.student_id, plan.of(Subject.STUDENT)),
        )
        return {"staying": tx.scalar(seated) or 0}
    if subject in {Subject.SCHOOL, Subject.DISTRICT}:
        schools = plan.of(Subject.SCHOOL)
        inside: dict[Subject, Any] = {Subject.CLASSROOM: Classroom, Subject.STUDENT: Student}
        counts = {
            str(kind): tx.scalar(select(func.count(model.id)).where(one_of(model.school_id, schools))) or 0
            for kind, model in inside.items()
        }
        people = select(func.count(Membership.account_id.distinct())).where(
            or_(one_of(Membership.school_id, schools), one_of(Membership.district_id, plan.of(subject))),
            ~one_of(Membership.account_id, plan.of(Subject.ACCOUNT)),
        )
        return {"inside": counts, "people_staying": tx.scalar(people) or 0}
    return {}
