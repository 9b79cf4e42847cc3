"""Telling a grown-up, taking up what was told, closing it, forgetting it."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import WORRIES_ANSWER
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.settings import Throttles
from backoffice.storage import functions, keyring
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries.models import GoesTo, Worry, WorryKind
from backoffice.throttles.tries import Claim, take
from backoffice.wording import clean, is_uuid

WRITE = "core.write-worry-letters"
LONGEST_NOTE = 500
LONGEST_ANSWER = 1000
CHOOSE = lazy("Tap what fits.")
WRITE_IT = lazy("Write what you did.")
NOT_TO_LEADER = lazy("Your school has nobody else here. Tell your teacher, or a grown-up whom you trust.")
CLOSED_ALREADY = lazy("This was closed by somebody else meanwhile.")


def tell(
    *, principal: Principal, kind: str, goes_to: str, note: str, form: str, throttles: Throttles
) -> None:
    """Tell the grown-ups of the own class, or the school's leaders, that something is wrong.

    `form` is the one-time UUID of the page: the same sent twice tells once, and other words are told as well.
    Raises `Rejected`, `Throttled`.
    """
    note = clean(note)
    if kind not in set(WorryKind) or goes_to not in set(GoesTo) or not is_uuid(form):
        raise Rejected(kind=CHOOSE)
    if len(note) > LONGEST_NOTE:
        raise Rejected(note=gettext("That is very long. Write a little less."))
    take(Claim("worries by student", throttles.worry_student, str(principal.student_id)))
    with transaction(principal) as tx:
        who = tx.principal
        if goes_to == GoesTo.LEADER and not functions.leader_to_tell(tx):
            raise Rejected(goes_to=NOT_TO_LEADER)
        number = add(tx, kind=kind, goes_to=goes_to, note=note, form=form)
        if number is not None:
            # Neither what nor whom about: the trail is read by more people than the worry.
            record(tx, "worries.tell", school_id=who.school_id, worry=number)
            queue.defer(tx, WRITE)


def add(tx: Transaction, *, kind: str, goes_to: str, note: str, form: str) -> int | None:
    """Keep what the signed-in child tells; None if the very same came by this form before."""
    who, number = tx.principal, tx.take_id(Worry)
    told = insert(Worry).values(
        school_id=who.school_id,
        id=number,
        public_id=new_public_id(),
        classroom_id=who.classroom_id,
        student_id=who.student_id,
        kind=kind,
        goes_to=goes_to,
        note=note or None,
        form=_digest(form, kind, goes_to, note),
        told_at=clock.now(),
    )
    # Without naming the columns: the child may not read what it told, not even to compare.
    once = told.on_conflict_do_nothing().inline().execution_options(preserve_rowcount=True)
    return number if tx.execute(once).rowcount else None  # type: ignore[attr-defined]


def take_up(*, principal: Principal, worry: str) -> None:
    """Say that somebody saw it and looks after it; the first who does stays. Raises `NotFound`."""
    with transaction(principal) as tx:
        found = find(tx, Worry, worry, permission=WORRIES_ANSWER, lock=True)
        if found.seen_at is not None or found.closed_at is not None:
            return
        _set(tx, found, seen_at=clock.now(), seen_by=tx.principal.account_id)
        record(tx, "worries.take-up", school_id=found.school_id, worry=found.id)


def close(*, principal: Principal, worry: str, answer: str) -> None:
    """Close it, saying what was done. Raises `Rejected`, `NotFound`."""
    answer = clean(answer)
    if not answer:
        raise Rejected(answer=WRITE_IT)
    if len(answer) > LONGEST_ANSWER:
        raise Rejected(answer=gettext("Shorten it to %(most)s letters.", most=LONGEST_ANSWER))
    with transaction(principal) as tx:
        found = find(tx, Worry, worry, permission=WORRIES_ANSWER, lock=True)
        if found.closed_at is not None:
            raise Rejected.whole(CLOSED_ALREADY)
        by, now = tx.principal.account_id, clock.now()
        seen = {} if found.seen_at else {"seen_at": now, "seen_by": by}
        _set(tx, found, closed_at=now, closed_by=by, answer=answer, **seen)
        record(tx, "worries.close", school_id=found.school_id, worry=found.id)


def _set(tx: Transaction, worry: Worry, **values: object) -> None:
    tx.execute(
        update(Worry)
        .where(Worry.school_id == worry.school_id, Worry.id == worry.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _digest(form: str, kind: str, goes_to: str, note: str) -> UUID:
    """What tells one message from another that a child sends by the same form."""
    named = f"{form} {kind} {goes_to} {note}"
    return UUID(bytes=keyring.current().blind_index(named, context="worry.form"))
