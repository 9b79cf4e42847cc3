"""Writing mails in the transaction of their cause, and trying again what was given up."""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import update

from backoffice import clock
from backoffice.access.permissions import MAIL_RETRY
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.outbox import pace, queries, registry
from backoffice.outbox.kinds import WORDS
from backoffice.outbox.mail import Mail, Recipient
from backoffice.outbox.message import message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail, Rank
from backoffice.outbox.registry import KnownMail
from backoffice.outbox.rendering import Kept
from backoffice.storage import about
from backoffice.storage.lists import in_lists, insertion
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import PublicId, many_public_ids

SEND = "core.send-mail"
TRIED_FOR = queries.TRIED_FOR
# So many mails are written by one statement.
AT_ONCE = 1_000


class Letter(NamedTuple):
    """One mail of many. `school_id` and `names` are as in `post`."""

    to: Recipient
    parameters: Any
    school_id: int | None = None
    names: Collection[UUID] = ()


class Posted(NamedTuple):
    """A mail that was written: its number in the database, and its public identifier."""

    id: int
    public_id: PublicId


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
    (posted,) = _post(tx, mail, [Letter(to, parameters, school_id, names)], Rank.ONE_WAITS)
    return posted.public_id


def post_many(tx: Transaction, mail: Mail, letters: Iterable[Letter]) -> list[Posted]:
    """Write one mail to many people, as `post` does for each; in their order, what was written.

    They are taken from `letters` a thousand at a time, and sent behind what one person waits for. Raises as
    `post` does.
    """
    return _post(tx, mail, letters, Rank.FOR_MANY)


def _post(tx: Transaction, mail: Mail, letters: Iterable[Letter], rank: Rank) -> list[Posted]:
    known = registry.current().of(mail)
    posted: list[Posted] = []
    rest = iter(letters)
    while some := list(islice(rest, AT_ONCE)):
        posted += _write(tx, known, some, rank)
    if posted:
        wake(tx)
    return posted


def _write(tx: Transaction, known: KnownMail, letters: Sequence[Letter], rank: Rank) -> list[Posted]:
    render, now = registry.current().templates.render, clock.now()
    kept: Kept = {}
    posted, envelopes, contents = [], [], []
    for number, public_id, letter in zip(
        tx.take_ids(OutgoingMail, len(letters)), many_public_ids(), letters, strict=False
    ):
        if not isinstance(letter.parameters, known.mail.parameters):
            raise TypeError(f"{known.name} is filled with {known.mail.parameters.__name__}.")
        to, rendered = letter.to, render(known.name, letter.parameters, letter.to, kept)
        posted.append(Posted(number, public_id))
        envelopes.append(
            {
                "id": number,
                "public_id": public_id,
                "name": known.name,
                "account_id": to.account_id,
                "school_id": letter.school_id,
                "state": MailState.QUEUED,
                "rank": rank,
                "attempts": 0,
                "maybe_twice": False,
                "next_try_at": now,
                "give_up_at": now + TRIED_FOR,
                "created_at": now,
            }
        )
        contents.append(
            {
                "mail_id": number,
                "recipient": to.address,
                "message": message(
                    subject=rendered.subject, text=rendered.text, html=rendered.html, border=public_id, at=now
                ),
                "about": [about.address(to.address), *letter.names],
                "domain": pace.key_of(to.address),
            }
        )
    for model, rows in ((OutgoingMail, envelopes), (MailContent, contents)):
        table: Any = model.__table__
        columns = tuple(rows[0])
        tx.execute(insertion(table, columns), in_lists(table, columns, rows))
    return posted


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
