"""Archiving a class and bringing it back; its mark."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_ARCHIVE, CLASSROOMS_EDIT
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record, record_by_school
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.entitlements import Entitlement, require_room
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, ClassroomCode, Door
from backoffice.schools.names import COLOURS, FIGURES
from backoffice.schools.services.changes import forget_change
from backoffice.schools.services.codes import issue_code
from backoffice.storage import functions
from backoffice.storage.numbers import one_of


def archive_classroom(*, principal: Principal, classroom: str) -> None:
    """Keep a class as it is: its codes end and whoever came in by them is out, the door shuts.

    Nothing of it can be changed until it is brought back. Done already: nothing happens. Raises `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_ARCHIVE, lock=True)
        if row.archived_at is None:
            archive(tx, row)
            record(tx, "classrooms.archive", school_id=row.school_id, classroom=row.id)


def archive_classrooms(*, principal: Principal, classrooms: Which) -> int:
    """Archive many classes; how many were not archived before. A fixed number of statements.

    Raises `Rejected`, `Denied`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        require(tx.principal, CLASSROOMS_ARCHIVE)
        chosen = selected(tx, Classroom, classrooms, CLASSROOMS_ARCHIVE)
        # In one order, so that two who archive the same do not wait for each other.
        live = (
            select(Classroom.school_id, Classroom.id)
            .where(one_of(Classroom.id, chosen), Classroom.archived_at.is_(None))
            .order_by(Classroom.id)
            .with_for_update(of=Classroom)
        )
        rooms = [
            (row.school_id, row.id) for row in tx.execute(visible(tx.principal, live, CLASSROOMS_ARCHIVE))
        ]
        if not rooms:
            return 0
        numbers, schools = {room for _, room in rooms}, {school for school, _ in rooms}
        functions.forget_roster_changes_of(tx, rooms=rooms)
        for model, number, values in (
            (ClassroomCode, ClassroomCode.classroom_id, {"ended_at": now}),
            (Classroom, Classroom.id, {"door": Door.CLOSED, "door_until": None, "archived_at": now}),
        ):
            open_still = ClassroomCode.ended_at if model is ClassroomCode else Classroom.archived_at
            tx.execute(
                update(model)
                .where(one_of(model.school_id, schools), one_of(number, numbers), open_still.is_(None))
                .values(**values)
                .execution_options(synchronize_session=False)
            )
        record_by_school(
            tx, "classrooms.archive-many", ((school, {"classroom": room}) for school, room in rooms)
        )
    return len(rooms)


def archive(tx: Transaction, row: Classroom) -> None:
    """Archive a class that is locked, within the transaction of a service, which notes it."""
    now = clock.now()
    forget_change(tx, row)
    # The database ends the sessions of a class that is archived, however they began.
    tx.execute(
        update(ClassroomCode)
        .where(
            ClassroomCode.school_id == row.school_id,
            ClassroomCode.classroom_id == row.id,
            ClassroomCode.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    row.door, row.door_until, row.archived_at = Door.CLOSED, None, now
    tx.flush()


# What was archived by a slip comes back, whatever the plan of the school is by now, unless another class has
# taken its place: else archiving, making and restoring would fill a school beyond its plan.
BY_MISTAKE = timedelta(days=30)


def restore_classroom(*, principal: Principal, classroom: str) -> None:
    """Bring an archived class back, with a new code and its door closed.

    Raises `LimitReached`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_ARCHIVE, lock=True)
        if row.archived_at is not None:
            if clock.now() - row.archived_at > BY_MISTAKE or _made_since(tx, row, row.archived_at):
                require_room(tx, school_id=row.school_id, entitlement=Entitlement.CLASSES)
            row.archived_at = None
            tx.flush()
            issue_code(tx, school_id=row.school_id, classroom_id=row.id)
            record(tx, "classrooms.restore", school_id=row.school_id, classroom=row.id)


def _made_since(tx: Transaction, row: Classroom, moment: datetime) -> bool:
    """Whether its school has made another class since then."""
    made = exists().where(
        Classroom.school_id == row.school_id, Classroom.id != row.id, Classroom.created_at >= moment
    )
    return bool(tx.scalar(select(made)))


def mark_classroom(
    *,
    principal: Principal,
    classroom: str,
    colour: str,
    icon: str,
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Give the class the colour and the picture by which it is told from others.

    `seen` is the `version` of picture and colour as they were shown. Raises `Rejected`, `Overtaken`,
    `NotFound`, `Closed`.
    """
    if colour not in COLOURS:
        raise Rejected(colour=gettext("Choose one of the colours."))
    if icon not in FIGURES:
        raise Rejected(icon=gettext("Choose one of the pictures."))
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        if not is_to_be_written(seen, now=(row.icon, row.colour), wanted=(icon, colour)):
            return
        keep_change(tx, row, back, mark=([row.icon, row.colour], [icon, colour]))
        row.colour, row.icon = colour, icon
        record(tx, "classrooms.mark", school_id=row.school_id, classroom=row.id, colour=colour, icon=icon)
