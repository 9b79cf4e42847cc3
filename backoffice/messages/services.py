"""Telling somebody something, which stays with them; reading it; and choosing which mails come besides."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.principal import Kind, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.trail import record
from backoffice.messages import queries, registry
from backoffice.messages.kind import MessageKind
from backoffice.messages.models import Message
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import Letter, Posted, post, post_many
from backoffice.storage import functions
from backoffice.storage.lists import in_lists, insertion
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import PublicId, many_public_ids, new_public_id


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
    told before: it is not told again. None for that, and where its mail was turned off. Whoever has no
    account gets the mail alone. `parameters`, `school_id` and `names` are as in `outbox.services.post`.
    """
    if to.account_id is not None:
        row = _row(kind, to.account_id, subject, once, school_id)
        # Naming no columns: whoever tells it may not read what others are told, not even to compare.
        left = insert(Message).values(public_id=new_public_id(), **row).on_conflict_do_nothing().inline()
        told = tx.execute(left.execution_options(preserve_rowcount=True))
        if not told.rowcount or _unwanted(tx, kind, [to.account_id]):  # type: ignore[attr-defined]
            return None
    return post(tx, kind.mail, to=to, parameters=parameters, school_id=school_id, names=names)


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
    letters = list(letters)
    rows = [
        _row(kind, each.to.account_id, subject, once, each.school_id) | {"public_id": public_id}
        for each, public_id in zip(letters, many_public_ids(), strict=False)
        if each.to.account_id is not None
    ]
    if not rows:
        return list(post_many(tx, kind.mail, letters))
    table: Any = Message.__table__
    columns = tuple(rows[0])
    tx.execute(insertion(table, columns).on_conflict_do_nothing(), in_lists(table, columns, rows))
    without = _unwanted(tx, kind, [row["account_id"] for row in rows])
    wanted = [each for each in letters if each.to.account_id not in without]
    posted = iter(post_many(tx, kind.mail, wanted))
    return [None if each.to.account_id in without else next(posted) for each in letters]


def read_message(*, principal: Principal, message: str) -> Message:
    """Put down that a message was read; it. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = queries.message(tx, message)
        if row.read_at is None:
            row.read_at = clock.now()
            record(tx, "messages.read", message=row.id)
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
        count = int(done.rowcount)  # type: ignore[attr-defined]
        if count:
            record(tx, "messages.read-all", count=count)
    return count


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
        mine = Account.id == tx.principal.account_id
        tx.execute(update(Account).where(mine).values(unwanted_mails=unwanted or None))
        record(tx, "accounts.choose-mails", unwanted=unwanted)


def _row(
    kind: MessageKind, account_id: int | None, subject: str | None, once: str | None, school_id: int | None
) -> dict[str, Any]:
    known_by = once or subject
    if known_by is None:
        raise TypeError("Say what a message is about, or what tells it from the next of its kind.")
    return {
        "account_id": account_id,
        "school_id": school_id,
        "kind": registry.name_of(kind),
        "subject": subject,
        "once": known_by,
        "created_at": clock.now(),
    }


def _unwanted(tx: Transaction, kind: MessageKind, accounts: Sequence[int]) -> frozenset[int]:
    """Which of these accounts have turned the mail off. Most mails cannot be, and nothing is asked."""
    if kind.choice is None:
        return frozenset()
    name = registry.name_of(kind)
    if tx.principal.kind is not Kind.SYSTEM:
        return functions.without_mail(tx, kind=name, accounts=accounts)
    without = select(Account.id).where(one_of(Account.id, accounts), Account.unwanted_mails.contains([name]))
    return frozenset(tx.scalars(without))
