"""Classes of schools that have lost their last teacher: the door is shut, leaders are told, and then they go.

Whoever is given such a class keeps it; the database forgets by itself that it had nobody.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import founders
from backoffice.audit.trail import record
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_subject_kept
from backoffice.privacy.retention.runs import Rules, may_go
from backoffice.privacy.retention.runs import note as note_gone
from backoffice.schools import grown_ups
from backoffice.schools.ending_models import OwnerlessClass
from backoffice.schools.models import Classroom, Door, School
from backoffice.schools.services.doors import turn
from plugins.retention import mails, notice, queries
from plugins.retention.ending import begin
from plugins.retention.idle import Looked, Step
from plugins.retention.kinds import OWNERLESS


def look_after_ownerless(*, principal: Purpose, eraser: Eraser, rules: Rules) -> Looked:
    """Shut the doors of classes that nobody teaches, tell leaders, and begin to erase what is due.

    Each school has its own transaction. Where more would go at once than the rules allow, all of that waits
    for a person.
    """
    now, looked = clock.now(), Looked()
    with transaction(principal) as tx:
        schools = queries.ownerless_schools(tx)
        due = queries.ownerless_due(tx, at=now, warned=OWNERLESS.entry.told_before[-1].days)
        border = may_go(tx, OWNERLESS, due, rules, of=queries.classes_there(tx))
    for school in schools:
        with transaction(principal) as tx:
            over = _look_after(tx, school, now, border, looked)
        for public_id in over:
            looked.begun += _begin(eraser, public_id)
    if looked.begun:
        with transaction(principal) as tx:
            note_gone(tx, OWNERLESS, looked.begun, up_to=OWNERLESS.before(now))
    return looked


def _look_after(
    tx: Transaction, school: int, now: datetime, border: datetime | None, looked: Looked
) -> list[str]:
    """What is to be done at one school; the classes whose time is over, by public identifier."""
    here = OwnerlessClass.school_id == school
    # Classes before what is noted of them, as whoever gives one to a colleague has them.
    numbers = select(OwnerlessClass.classroom_id).where(here)
    locked = select(Classroom).where(Classroom.school_id == school, Classroom.id.in_(numbers))
    rooms = {each.id: each for each in tx.scalars(locked.order_by(Classroom.id).with_for_update())}
    taught = grown_ups.taught_among(tx, school, rooms)
    tell: dict[tuple[timedelta, bool], list[OwnerlessClass]] = defaultdict(list)
    over = []
    for row in tx.scalars(select(OwnerlessClass).where(here).with_for_update()):
        room = rooms.get(row.classroom_id)
        if room is None or room.id in taught:
            continue
        if row.since is None or row.due_at is None:
            row.since, row.due_at = now, OWNERLESS.period.after(now)
            _shut(tx, room)
        due = notice.look(tx, row, OWNERLESS.entry, now)
        if due.step is Step.TOLD:
            tell[due.before, due.in_vain].append(row)
        elif due.step is Step.OVER and border is not None and row.since <= border:
            if is_subject_kept(tx, Subject.CLASSROOM, room.id):
                looked.held += 1
            else:
                over.append(room.public_id)
        else:
            looked.waiting += due.step in (Step.WAITS, Step.OVER)
    for (before, in_vain), rows in tell.items():
        to = founders(tx) if in_vain else queries.leaders_at(tx, school=school)
        _tell(tx, school, before, rows, to, now)
        looked.told += len(rows)
    return over


def _tell(
    tx: Transaction,
    school: int,
    before: timedelta,
    rows: list[OwnerlessClass],
    recipients: Sequence[Recipient],
    now: datetime,
) -> None:
    first = min(each.due_at for each in rows if each.due_at is not None)
    told = mails.OwnerlessClasses(tx.get_one(School, school).name, len(rows), first)
    sent = [post(tx, mails.OWNERLESS_CLASSES, to=to, parameters=told, school_id=school) for to in recipients]
    for row in rows:
        notice.note(row, before, [each for each in sent if each], now)
    record(
        tx,
        "classrooms.tell-ownerless",
        school_id=school,
        classrooms=sorted(each.classroom_id for each in rows),
        days=before.days,
    )


def _shut(tx: Transaction, room: Classroom) -> None:
    if room.door != Door.CLOSED:
        turn(room, Door.CLOSED, None)
        record(tx, "classrooms.door", school_id=room.school_id, classroom=room.id, door=Door.CLOSED)


def _begin(eraser: Eraser, public_id: str) -> bool:
    """Have it erased, unless somebody was given it meanwhile, or it is being erased already."""
    with transaction(eraser.who) as tx:
        # A teaching role that is being given at this moment is waited for.
        locked = select(Classroom).where(Classroom.public_id == public_id).with_for_update()
        room = tx.scalars(locked).one_or_none()
        if room is None or grown_ups.taught_among(tx, room.school_id, [room.id]):
            return False
    return begin(eraser, Subject.CLASSROOM, public_id)
