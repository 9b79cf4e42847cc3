"""What the demo's dashboards show of the weeks before: children's sign-ins, and how jobs ran."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update

from backoffice.access.transaction import Transaction
from backoffice.jobs import registry
from backoffice.jobs.kinds import days_kept
from backoffice.jobs.models import Asked, JobRun, RunState
from backoffice.schools.models import ClassroomCode, CodeKind, Enrollment
from backoffice.storage.public_id import new_public_id
from backoffice.students.models import StudentSession

WEEKS = 2
SATURDAY = 5
# How many of a class sign in on a day of school.
COME = (0.3, 0.6)
# A run each day of jobs that run more often: the demo has no need of thousands.
SECONDS, SELDOM = (0.04, 0.9), 40
FAILED = "OperationalError at worker.py:88 > runs.py:172 > database.py:141"


def live_before(tx: Transaction, classes: Sequence[int], *, at: datetime) -> None:
    """Sign-ins of the last two weeks in these classes, and a month of runs of jobs, few of which failed."""
    dice = Random(17)  # noqa: S311
    # Their codes were given out before anybody came in by them.
    standing = ClassroomCode.classroom_id.in_(classes), ClassroomCode.kind == CodeKind.STANDING
    tx.execute(update(ClassroomCode).where(*standing).values(issued_at=at - timedelta(weeks=WEEKS + 4)))
    sessions = list(_sessions(tx, classes, at, dice))
    if sessions:
        tx.execute(insert(StudentSession), sessions)
    runs = list(_runs(at, dice))
    if runs:
        tx.execute(insert(JobRun), runs)


def _sessions(
    tx: Transaction, classes: Sequence[int], at: datetime, dice: Random
) -> Iterator[dict[str, Any]]:
    codes = {
        row.classroom_id: row.id
        for row in tx.execute(
            select(ClassroomCode.classroom_id, ClassroomCode.id).where(
                ClassroomCode.classroom_id.in_(classes),
                ClassroomCode.kind == CodeKind.STANDING,
                ClassroomCode.ended_at.is_(None),
            )
        )
    }
    seats = tx.execute(
        select(Enrollment.school_id, Enrollment.classroom_id, Enrollment.student_id)
        .where(Enrollment.classroom_id.in_(classes), Enrollment.ended_at.is_(None))
        .order_by(Enrollment.classroom_id, Enrollment.student_id)
    ).all()
    for back in range(1, WEEKS * 7):
        day = at - timedelta(days=back)
        if day.weekday() >= SATURDAY:
            continue
        share = dice.uniform(*COME)
        for seat in seats:
            if dice.random() > share or seat.classroom_id not in codes:
                continue
            began = day.replace(hour=16, minute=0, second=0, microsecond=0) + timedelta(
                minutes=dice.randrange(300)
            )
            yield {
                "school_id": seat.school_id,
                "token_id": uuid4(),
                "classroom_id": seat.classroom_id,
                "student_id": seat.student_id,
                "code_id": codes[seat.classroom_id],
                "started_at": began,
                "last_seen_at": began,
                "idle_minutes": 5,
                "expires_at": began + timedelta(hours=8),
                "ended_at": began + timedelta(minutes=dice.randrange(2, 20)),
            }


def _runs(at: datetime, dice: Random) -> Iterator[dict[str, Any]]:
    for name, entry in registry.installed().items():
        if entry.job.when is None:
            continue
        for back in range(days_kept() - 1, 0, -1):
            began = entry.job.when.next_after(at - timedelta(days=back))
            if began >= at:
                continue
            failed = dice.randrange(SELDOM) == 0
            attempts = (RunState.FAILED, RunState.SUCCEEDED) if failed else (RunState.SUCCEEDED,)
            for number, state in enumerate(attempts):
                start = began + timedelta(seconds=number * 12)
                yield {
                    "public_id": new_public_id(),
                    "job": name,
                    "asked": Asked.SCHEDULE,
                    "state": state,
                    "attempt": number + 1,
                    "due_at": began,
                    "asked_at": began,
                    "started_at": start,
                    "finished_at": start + timedelta(seconds=dice.uniform(*SECONDS) ** 2),
                    "error": FAILED if state is RunState.FAILED else None,
                }
