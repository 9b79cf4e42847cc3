"""Telling a grown-up, taking up what was told, closing it, passing it on, forgetting it."""

import re
import unicodedata
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import STUDENTS_READ, WORRIES_ANSWER
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.reports import services as reports
from backoffice.reports.services import Reported
from backoffice.schools.models import Student
from backoffice.settings import Throttles
from backoffice.storage import functions, keyring
from backoffice.storage.public_id import PublicId, new_public_id
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
PASSED_ON_ALREADY = lazy("This was passed on already. What you learn later you can report at /report.")
NAMES_THE_CHILD = lazy("The child's name stands in it. Leave it out: nobody needs it to look into the app.")
THE_CHILDS_WORDS = lazy("The child's own words stand in it. Say in yours what is wrong with the app.")
# Shorter words of a child, and of a name, stand in any text.
OWN_WORDS, SHORTEST_NAME = 20, 3
_WORD = re.compile(r"\w+")


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


def pass_on(
    *,
    principal: Principal,
    worry: str,
    kind: str,
    said: str,
    may_ask: bool,
    form: str,
    throttles: Throttles,
) -> PublicId:
    """Report to the company what is wrong with the app, since a child told it; once. The report's number.

    What is passed on is what whoever reads it writes: neither the child's words nor its name, nor which
    child, class or school it was. Raises `Rejected`, `Throttled`, `NotFound`.
    """
    reported = Reported(kind=kind, said=said, contact="", mail=b"", form=form, by_school=True)
    ready, public_id = reports.checked_report(reported), new_public_id()
    take(*reports.claims_of_account(principal, throttles))
    with transaction(principal) as tx:
        found = find(tx, Worry, worry, permission=WORRIES_ANSWER, lock=True)
        if found.passed_on_at is not None:
            raise Rejected.whole(PASSED_ON_ALREADY)
        _check_is_own(tx, found, ready.said)
        number = reports.add(tx, public_id, replace(ready, contact=_own_address(tx) if may_ask else ""))
        if number is None:
            raise Rejected.whole(PASSED_ON_ALREADY)
        _set(tx, found, passed_on_at=clock.now(), passed_on_by=tx.principal.account_id)
        record(tx, "worries.pass-on", school_id=found.school_id, worry=found.id)
        record(tx, "reports.report", report=number)
    return public_id


def _check_is_own(tx: Transaction, worry: Worry, said: str) -> None:
    """Nothing that the child wrote, and not its name."""
    child = select(Student).where(Student.school_id == worry.school_id, Student.id == worry.student_id)
    named = tx.scalars(visible(tx.principal, child, STUDENTS_READ)).first()
    names = [named.given_name, named.family_name] if named else []
    # Each part of a name, however it is written: who knows a child calls it by one of them.
    parts = {
        part for name in names for part in _WORD.findall(_plain(name or "")) if len(part) >= SHORTEST_NAME
    }
    if parts & set(_WORD.findall(_plain(said))):
        raise Rejected(said=NAMES_THE_CHILD)
    words, text = _plain(worry.note or ""), _plain(said)
    if any(words[at : at + OWN_WORDS] in text for at in range(len(words) - OWN_WORDS + 1)):
        raise Rejected(said=THE_CHILDS_WORDS)


def _plain(text: str) -> str:
    """Without accents, case, and more than one space between words."""
    apart = unicodedata.normalize("NFKD", clean(text).casefold())
    return " ".join("".join(each for each in apart if not unicodedata.combining(each)).split())


def _own_address(tx: Transaction) -> str:
    return tx.scalars(select(Account.email).where(Account.id == tx.principal.account_id)).one()


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
