"""Asking that something about a child is corrected or deleted; answering."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CHILDREN_READ, REQUESTS_ANSWER
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.families.requests.models import DUE_AFTER, GuardianRequest, RequestKind
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import Student
from backoffice.settings import Throttles
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.tries import Claim, take
from backoffice.wording import clean

WRITE = "core.write-request-letters"
LONGEST_NOTE = 1000
LONGEST_ANSWER = 2000
ALREADY = lazy("You have asked for this already. The answer is still to come.")
WHAT_IS_WRONG = lazy("Write what is wrong, and how it should be.")
WRITE_ANSWER = lazy("Write what was done.")
NOBODY = lazy("Nobody of the school is left here who could answer. Write to the school itself, or call it.")
ANSWERED = lazy("This was answered by somebody else meanwhile.")


def ask(*, principal: Principal, student: str, kind: str, note: str, throttles: Throttles) -> datetime:
    """Ask the school to correct or delete what it keeps of the own child; until when it is to answer.

    Raises `NotFound`, `Rejected`, `Throttled`.
    """
    note = clean(note)
    if kind not in set(RequestKind):
        raise Rejected(kind=gettext("Choose what you ask for."))
    if kind == RequestKind.CORRECT and not note:
        raise Rejected(note=WHAT_IS_WRONG)
    if len(note) > LONGEST_NOTE:
        raise Rejected(note=gettext("Shorten it to %(most)s letters.", most=LONGEST_NOTE))
    take(Claim("requests by account", throttles.request_account, str(principal.account_id)))
    with transaction(principal) as tx:
        child = select(Student.id, Student.school_id).where(
            Student.public_id == student, Student.id.in_(tx.principal.children)
        )
        found = tx.execute(visible(tx.principal, child, CHILDREN_READ)).one_or_none()
        if found is None:
            raise NotFound
        if not functions.somebody_answers(tx, student_id=found.id):
            raise Rejected.whole(NOBODY)
        number, now = tx.take_id(GuardianRequest), clock.now()
        asked = tx.scalar(
            insert(GuardianRequest)
            .values(
                school_id=found.school_id,
                id=number,
                public_id=new_public_id(),
                student_id=found.id,
                account_id=tx.principal.account_id,
                kind=kind,
                note=note or None,
                asked_at=now,
            )
            .on_conflict_do_nothing()
            .returning(GuardianRequest.id)
        )
        if asked is None:
            raise Rejected.whole(ALREADY)
        record(tx, "requests.ask", school_id=found.school_id, student=found.id, request=number, kind=kind)
        queue.defer(tx, WRITE)
    return now + DUE_AFTER


def answer(*, principal: Principal, request: str, answer: str) -> None:
    """Answer a parent, to whom it is mailed; nobody answers themselves. Raises `NotFound`, `Rejected`."""
    answer = clean(answer)
    if not answer:
        raise Rejected(answer=WRITE_ANSWER)
    if len(answer) > LONGEST_ANSWER:
        raise Rejected(answer=gettext("Shorten it to %(most)s letters.", most=LONGEST_ANSWER))
    with transaction(principal) as tx:
        # Not locked: of two answers the second finds nothing left to change.
        found = find(tx, GuardianRequest, request, permission=REQUESTS_ANSWER)
        if found.account_id == tx.principal.account_id:
            raise NotFound
        done = tx.execute(
            update(GuardianRequest)
            .where(
                GuardianRequest.school_id == found.school_id,
                GuardianRequest.id == found.id,
                GuardianRequest.answered_at.is_(None),
            )
            .values(answered_at=clock.now(), answered_by=tx.principal.account_id, answer=answer)
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]
        if not done:
            raise Rejected.whole(ANSWERED)
        record(tx, "requests.answer", school_id=found.school_id, student=found.student_id, request=found.id)
        queue.defer(tx, WRITE)
