"""Telling somebody something, which stays with them; reading it; and choosing which mails come besides."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.messages import queries, registry
from backoffice.messages.kind import MessageKind
from backoffice.messages.models import MailChoice, Message
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import Letter, Posted, post, post_many
from backoffice.storage.public_id import PublicId


def tell(
    tx: Transaction,
    kind: MessageKind,
    *,
    to: Recipient,
    parameters: Any,
    subject: str | None = None,
    once: str | None = None,
    school_id: int | None = None,
    names: Collection[UUID] = (),
) -> PublicId | None:
    """Leave a message in the caller's transaction and post its mail; the mail's public identifier.

    `subject` is what it is about, as addresses name it, and `once`, by default the same, recognises what was
    told before: it is not told again. None for that, and where its mail was turned off. `parameters`,
    `school_id` and `names` are as in `outbox.services.post`, which leaves a message with any mail: this is
    for what may be told a second time.
    """
    if not (once or subject):
        raise TypeError("Say what a message is about, or what tells it from the next of its kind.")
    return post(
        tx,
        kind.mail,
        to=to,
        parameters=parameters,
        school_id=school_id,
        names=names,
        subject=subject,
        once=once or subject,
    )


def tell_many(
    tx: Transaction,
    kind: MessageKind,
    letters: Iterable[Letter],
    *,
    subject: str | None = None,
    once: str | None = None,
) -> list[Posted | None]:
    """Tell many people one thing, as `tell` does, with one statement for all messages; in their order.

    For whoever sees to it that each is told once: a message is never left twice, a mail would be.
    """
    if not (once or subject):
        raise TypeError("Say what a message is about, or what tells it from the next of its kind.")
    return post_many(tx, kind.mail, letters, subject=subject, once=once or subject)


def read_message(*, principal: Principal, message: str) -> Message:
    """Put down that a message was read; it. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = queries.message(tx, message)
        if row.read_at is None:
            # In no trail, which would keep for years when somebody reads their own letters.
            row.read_at = clock.now()
    return row


def read_all(*, principal: Principal, up_to: str) -> int:
    """Put down that all messages were read up to one, behind which others may have come; how many.

    Raises `NotFound`.
    """
    with transaction(principal) as tx:
        last = queries.message(tx, up_to)
        mine = Message.account_id == tx.principal.account_id
        done = tx.execute(
            update(Message)
            .where(mine, Message.read_at.is_(None), Message.id <= last.id)
            .values(read_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


def choose_mails(*, principal: Principal, wanted: Collection[str]) -> None:
    """Post the principal these of the mails that may be turned off, and none of the others.

    What somebody chose while they were something else stays.
    """
    with transaction(principal) as tx:
        offered = registry.choices(tx.principal)
        before = queries.unwanted_mails(tx)
        unwanted = sorted({*(before - set(offered)), *(set(offered) - set(wanted))})
        if before == set(unwanted):
            return
        chosen = insert(MailChoice).values(account_id=tx.principal.account_id, unwanted=unwanted)
        tx.execute(chosen.on_conflict_do_update(index_elements=["account_id"], set_={"unwanted": unwanted}))
        record(tx, "accounts.choose-mails", unwanted=unwanted)
