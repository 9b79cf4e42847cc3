"""Writing mails in the transaction of their cause, and trying again what was given up."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from backoffice import clock
from backoffice.access.permissions import MAIL_RETRY
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.outbox import queries, registry
from backoffice.outbox.kinds import WORDS
from backoffice.outbox.mail import Mail, Recipient
from backoffice.outbox.message import message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.storage import about
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import PublicId, new_public_id

SEND = "core.send-mail"
# After this long without success a mail is given up.
TRIED_FOR = timedelta(hours=24)
# A mail that was given up keeps its words this long, so that it can be tried again.


def post(
    tx: Transaction,
    mail: Mail,
    *,
    to: Recipient,
    parameters: Any,
    school_id: int | None = None,
    names: Collection[UUID] = (),
) -> PublicId:
    """Write a mail in the caller's transaction; it is sent if and only if that is committed.

    `school_id` says in whose name it is sent, if in a school's; `names` are the marks of those whom it names
    (`storage.about`): with one of them it is erased, if it has not been sent by then. Returns the mail's
    public identifier. Raises `LookupError` for a mail that nobody lists and `TypeError` for parameters that
    are not its own.
    """
    known = registry.current().of(mail)
    if not isinstance(parameters, mail.parameters):
        raise TypeError(f"{known.name} is filled with {mail.parameters.__name__}.")
    rendered = registry.current().templates.render(known.name, parameters, to)
    number, public_id, now = tx.take_id(OutgoingMail), new_public_id(), clock.now()
    tx.execute(
        insert(OutgoingMail).values(
            id=number,
            public_id=public_id,
            name=known.name,
            account_id=to.account_id,
            school_id=school_id,
            state=MailState.QUEUED,
            attempts=0,
            next_try_at=now,
            give_up_at=now + TRIED_FOR,
            created_at=now,
        )
    )
    tx.execute(
        insert(MailContent).values(
            mail_id=number,
            recipient=to.address,
            message=message(
                subject=rendered.subject, text=rendered.text, html=rendered.html, border=public_id, at=now
            ),
            about=[about.address(to.address), *names],
        )
    )
    wake(tx)
    return public_id


def retry_mail(*, principal: Principal, mails: Which) -> int:
    """Try mails that were given up once more; how many they are.

    One that is not given up, or whose words have been forgotten since, is left as it is. Raises
    `Denied`, `Rejected`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        require(tx.principal, MAIL_RETRY)
        chosen = selected(tx, OutgoingMail, mails, MAIL_RETRY)
        numbers = tx.scalars(
            update(OutgoingMail)
            .where(
                one_of(OutgoingMail.id, chosen),
                *queries.given_up(since=WORDS.before(now)),
            )
            .values(
                state=MailState.QUEUED,
                attempts=0,
                next_try_at=now,
                give_up_at=now + TRIED_FOR,
                finished_at=None,
            )
            .returning(OutgoingMail.id)
            .execution_options(synchronize_session=False)
        ).all()
        if numbers:
            wake(tx)
        record(tx, "mail.retry", mails=sorted(numbers))
    return len(numbers)


def wake(tx: Transaction) -> None:
    """Have a worker look at the outbox when the transaction is committed. Once is enough for any number."""
    current = tx.get_transaction()
    if tx.info.get("outbox_woken") is not current:
        tx.info["outbox_woken"] = current
        queue.defer(tx, SEND)
