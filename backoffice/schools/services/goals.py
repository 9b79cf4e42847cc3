"""Goals: how many points a student is to reach in a class."""

from collections.abc import Mapping

from sqlalchemy import Integer, case, cast, null, select, update

from backoffice.access.lookup import find
from backoffice.access.permissions import GOALS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.language.moments import amount
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.storage.numbers import one_of

HIGHEST_GOAL = 10_000


def set_goals(*, principal: Principal, classroom: str, goals: Mapping[str, int | None]) -> int:
    """Set the goals of students of a class, by their identifiers; None is no goal.

    Identifiers that are not the class's are passed over. Returns how many goals changed.
    Raises `Rejected`, `NotFound`.
    """
    if any(goal is not None and not 1 <= goal <= HIGHEST_GOAL for goal in goals.values()):
        raise Rejected.whole(
            gettext("A goal is a whole number from 1 to %(most)s.", most=amount(HIGHEST_GOAL))
        )
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=GOALS_EDIT)
        here = (
            select(Enrollment.student_id, Enrollment.goal, Student.public_id)
            .join(
                Student,
                (Student.school_id == Enrollment.school_id) & (Student.id == Enrollment.student_id),
            )
            .where(
                Enrollment.school_id == room.school_id,
                Enrollment.classroom_id == room.id,
                Enrollment.ended_at.is_(None),
                Student.public_id.in_(set(goals)),
            )
            .order_by(Enrollment.student_id)
            .with_for_update(of=Enrollment, key_share=True)
        )
        changed = {
            row.student_id: goals[row.public_id]
            for row in tx.execute(visible(tx.principal, here, GOALS_EDIT))
            if row.goal != goals[row.public_id]
        }
        if changed:
            wanted = {student: null() if goal is None else goal for student, goal in changed.items()}
            tx.execute(
                update(Enrollment)
                .where(
                    Enrollment.school_id == room.school_id,
                    Enrollment.classroom_id == room.id,
                    one_of(Enrollment.student_id, changed),
                )
                .values(goal=cast(case(wanted, value=Enrollment.student_id), Integer))
                .execution_options(synchronize_session=False)
            )
        record(tx, "points.goals", school_id=room.school_id, classroom=room.id, students=sorted(changed))
    return len(changed)
