"""Writing what is mailed about requests, in a worker."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.families import mails, messages
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.requests.models import DUE_AFTER, GuardianRequest
from backoffice.messages.kind import MessageKind
from backoffice.messages.services import tell
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.schools.models import School
from backoffice.storage import about, functions
from backoffice.storage.numbers import one_of

REMINDED_BEFORE = timedelta(days=7)


def write_request_letters(who: Purpose) -> dict[str, int]:
    """Tell teachers what came and what is soon due, and parents the answer; how many.

    What nobody can be told of now is tried again at the next run.
    """
    now = clock.now()
    soon = now - DUE_AFTER + REMINDED_BEFORE
    with transaction(who) as tx:
        waits = GuardianRequest.answered_at.is_(None)
        new = _locked(tx, waits, GuardianRequest.told_at.is_(None))
        came = [each for each in new if _tell_teachers(tx, messages.REQUEST_CAME, each)]
        for each in came:
            each.told_at = now
        late = _locked(tx, waits, GuardianRequest.reminded_at.is_(None), GuardianRequest.asked_at <= soon)
        due = [each for each in late if _tell_teachers(tx, messages.REQUEST_DUE, each)]
        for each in due:
            each.reminded_at = now
        answered = _locked(
            tx, GuardianRequest.answered_at.is_not(None), GuardianRequest.answer_mailed_at.is_(None)
        )
        for each in answered:
            each.answer_mailed_at = now
            _tell_parent(tx, each)
    return {"came": len(came), "due": len(due), "answered": len(answered)}


def _locked(tx: Transaction, *conditions: ColumnElement[bool]) -> Sequence[GuardianRequest]:
    statement = select(GuardianRequest).where(*conditions).order_by(GuardianRequest.id)
    return tx.scalars(statement.with_for_update(skip_locked=True)).all()


def _tell_teachers(tx: Transaction, kind: MessageKind, request: GuardianRequest) -> bool:
    """Whether there was somebody to tell."""
    school = tx.get_one(School, request.school_id)
    asked = mails.ParentAsked(school.name, request.kind, request.public_id, request.due_at)
    told = functions.who_answers(
        tx, school_id=school.id, student_id=request.student_id, asked_by=request.account_id
    )
    people = tx.scalars(select(Account).where(one_of(Account.id, told)).order_by(Account.id))
    all_of_them = [Recipient(each.id, each.email, each.name, each.language) for each in people]
    mailed = [
        tell(tx, kind, to=to, parameters=asked, subject=request.public_id, school_id=school.id)
        for to in all_of_them
    ]
    if not any(mailed):
        # Each has turned it off: then the parent would wait until a week before the limit.
        for to in all_of_them:
            post(
                tx,
                kind.mail,
                to=to,
                parameters=asked,
                school_id=school.id,
                once=request.public_id,
                always=True,
            )
    return bool(told)


def _tell_parent(tx: Transaction, request: GuardianRequest) -> None:
    """Unless the school has ended the link since."""
    follows = select(GuardianLink.id).where(
        GuardianLink.school_id == request.school_id,
        GuardianLink.student_id == request.student_id,
        GuardianLink.account_id == request.account_id,
        GuardianLink.status == GuardianStatus.APPROVED,
    )
    account, school = tx.get_one(Account, request.account_id), tx.get_one(School, request.school_id)
    if account.status not in WRITTEN_TO or tx.scalar(follows) is None:
        return
    assert request.answer is not None
    said = mails.RequestAnswered(school.name, request.answer)
    to = Recipient(None, account.email, account.name, account.language, inbox=account.id)
    names = about.marks(about.STUDENT, [request.student_id])
    post(tx, mails.REQUEST_ANSWERED, to=to, parameters=said, school_id=school.id, names=names)
