"""What the demo's people were told in the last weeks: left as the outbox leaves messages, and dated back."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update

from backoffice.access.transaction import Transaction
from backoffice.accounts import mails as accounts
from backoffice.accounts.care import mails as care
from backoffice.accounts.models import Account
from backoffice.families import mails as families
from backoffice.families.models import GuardianStatus
from backoffice.families.requests.models import DUE_AFTER, GuardianRequest
from backoffice.messages.models import Message
from backoffice.outbox.mail import Mail, Recipient
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.outbox.services import post
from backoffice.schools.models import School
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries import mails as worries
from backoffice.students.worries.models import Worry


class _Told(NamedTuple):
    """What somebody was told how long ago, and whether they have read it."""

    who: str
    mail: Mail
    parameters: Any
    ago: timedelta
    is_read: bool
    subject: str | None = None
    school_id: int | None = None


def fill_inboxes(tx: Transaction, *, people: Mapping[str, str], at: datetime) -> None:
    """A handful of messages for each of these people, by their part and public identifier; some are read."""
    for told in _told(tx, at):
        reader = tx.scalars(select(Account).where(Account.public_id == people[told.who])).one()
        # By it the message is found again, which knows nothing of its mail.
        once = new_public_id()
        mail = post(
            tx,
            told.mail,
            to=Recipient(reader.id, reader.email, reader.name, reader.language),
            parameters=told.parameters,
            school_id=told.school_id,
            subject=told.subject,
            once=once,
        )
        then = at - told.ago
        _date_back(tx, mail or "", then)
        read_at = then + timedelta(minutes=40) if told.is_read else None
        tx.execute(update(Message).where(Message.once == once).values(created_at=then, read_at=read_at))


def _date_back(tx: Transaction, mail: str, then: datetime) -> None:
    """As if it had been told then: its mail has left long ago, and what that said is gone."""
    envelope = tx.execute(
        update(OutgoingMail)
        .where(OutgoingMail.public_id == mail)
        .values(
            state=MailState.SENT,
            attempts=1,
            created_at=then,
            next_try_at=then,
            give_up_at=then + timedelta(days=3),
            finished_at=then + timedelta(seconds=4),
        )
        .returning(OutgoingMail.id)
    ).scalar_one()
    tx.execute(delete(MailContent).where(MailContent.mail_id == envelope))


def _told(tx: Transaction, at: datetime) -> list[_Told]:
    worry = tx.scalars(select(Worry).order_by(Worry.id)).first()
    request = tx.scalars(select(GuardianRequest).order_by(GuardianRequest.id)).first()
    assert worry is not None
    assert request is not None
    school = tx.get_one(School, request.school_id)
    asked = families.ParentAsked(school.name, request.kind, request.public_id, request.asked_at + DUE_AFTER)
    child = worries.ChildTold(school.name, worry.public_id, for_leaders=False)
    approved = families.LinkDecided(school.name, GuardianStatus.APPROVED)
    ends = timedelta(days=30)

    def device(name: str, ago: timedelta) -> accounts.NewDevice:
        return accounts.NewDevice(name, at - ago, secrets.token_urlsafe(32))

    days = [timedelta(days=number) for number in range(31)]
    return [
        _Told("teacher", accounts.PASSWORD_CHANGED, accounts.Happened(at - ends), ends, is_read=True),
        _Told("teacher", families.REQUEST_CAME, asked, days[26], True, request.public_id, request.school_id),
        _Told("teacher", accounts.NEW_DEVICE, device("Firefox on Windows", days[9]), days[9], is_read=True),
        _Told("teacher", families.REQUEST_DUE, asked, days[3], False, request.public_id, request.school_id),
        _Told(
            "teacher", worries.CHILD_TOLD, child, timedelta(hours=3), False, worry.public_id, worry.school_id
        ),
        _Told("leader", accounts.PASSWORD_CHANGED, accounts.Happened(at - days[28]), days[28], is_read=True),
        _Told("leader", accounts.NEW_DEVICE, device("Safari on iPad", days[12]), days[12], is_read=True),
        _Told("leader", care.GUESSES, accounts.Happened(at - days[2]), days[2], is_read=False),
        _Told("parent", families.FAMILY_APPROVED, approved, days[21], is_read=True),
        _Told("parent", accounts.NEW_DEVICE, device("Chrome on Android", days[20]), days[20], is_read=True),
        _Told("parent", families.FAMILY_APPROVED, approved, days[1], is_read=False),
        _Told("founder", accounts.PASSWORD_CHANGED, accounts.Happened(at - days[25]), days[25], is_read=True),
        _Told("founder", accounts.NEW_DEVICE, device("Firefox on Linux", days[7]), days[7], is_read=True),
        _Told("founder", care.GUESSES, accounts.Happened(at - days[1]), days[1], is_read=False),
    ]
