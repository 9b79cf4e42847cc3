"""Writing what is mailed about what children told, in a worker."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.messages.kind import MessageKind
from backoffice.messages.services import tell
from backoffice.outbox.mail import Recipient
from backoffice.schools import grown_ups
from backoffice.schools.models import School
from backoffice.students.worries import mails, messages
from backoffice.students.worries.models import GoesTo, Worry

REMINDED_AFTER = timedelta(days=2)


def write_worry_letters(who: Purpose) -> dict[str, int]:
    """Tell the grown-ups who may read it what is new, and once more what is open after two days; how many.

    What nobody can be told of now is tried again at the next run.
    """
    now = clock.now()
    with transaction(who) as tx:
        new = _open(tx, Worry.mailed_at.is_(None))
        told = [each for each in new if _tell(tx, messages.CHILD_TOLD, each)]
        for each in told:
            each.mailed_at = now
        due = _open(tx, Worry.reminded_at.is_(None), Worry.mailed_at <= now - REMINDED_AFTER)
        reminded = [each for each in due if _tell(tx, messages.CHILD_WAITS, each)]
        for each in reminded:
            each.reminded_at = now
    return {"told": len(told), "reminded": len(reminded)}


def _open(tx: Transaction, *conditions: ColumnElement[bool]) -> Sequence[Worry]:
    statement = select(Worry).where(Worry.closed_at.is_(None), *conditions).order_by(Worry.id)
    return tx.scalars(statement.with_for_update(skip_locked=True)).all()


def _tell(tx: Transaction, kind: MessageKind, worry: Worry) -> bool:
    """Whether there was somebody to tell."""
    school, for_leaders = tx.get_one(School, worry.school_id), worry.goes_to == GoesTo.LEADER
    if for_leaders:
        # Never somebody whom it was told past, whoever is left.
        people = grown_ups.leaders(tx, school, without=worry.told_past)
    else:
        people = grown_ups.in_charge(tx, school, [worry.classroom_id]) or grown_ups.leaders(tx, school)
    told = mails.ChildTold(school.name, worry.public_id, for_leaders)
    for each in people:
        to = Recipient(each.id, each.email, each.name, each.language)
        tell(tx, kind, to=to, parameters=told, subject=worry.public_id, school_id=school.id)
    return bool(people)
