"""Writing mails in the transaction of their cause, and their messages; trying again what was given up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from backoffice.messages import registry as messages
from backoffice.outbox import pace, queries, registry
from backoffice.outbox.kinds import WORDS
from backoffice.outbox.mail import Mail, Recipient
from backoffice.outbox.message import message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail, Rank
from backoffice.outbox.registry import KnownMail
from backoffice.outbox.rendering import Kept
from backoffice.storage import about, functions
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
    subject: str | None = None,
    once: str | None = None,
    always: bool = False,
) -> PublicId | None:
    """Write a mail in the caller's transaction and leave its message: both if and only if it is committed.

    `school_id` says in whose name it is sent, if in a school's; `names` are the marks of those whom it names
    (`storage.about`): with one of them it is erased, if it has not been sent by then. `subject` is what its
    message leads to, as addresses name it. What is told with the same `once` is told once. Returns the mail's
    public identifier: None for what was told before, and where its mail was turned off, unless it is to come
    `always`. Raises `LookupError` for a mail that nobody lists and `TypeError` for parameters that are not
    its own.
    """
    beside = _Beside(subject, once, skips_told=once is not None and not always, skips_unwanted=not always)
    (posted,) = _post(tx, mail, [Letter(to, parameters, school_id, names)], Rank.ONE_WAITS, beside)
    return posted and posted.public_id


def post_many(
    tx: Transaction,
    mail: Mail,
    letters: Iterable[Letter],
    *,
    subject: str | None = None,
    once: str | None = None,
) -> list[Posted | None]:
    """Write one mail to many people, as `post` does for each; in their order, what was written.

    They are taken from `letters` a thousand at a time, and sent behind what one person waits for. With the
    same `once` no message is left twice, but a mail would be. Raises as `post` does.
    """
    return _post(tx, mail, letters, Rank.FOR_MANY, _Beside(subject, once))


class _Beside(NamedTuple):
    """What the messages of some mails lead to and are recognised by, and which mails then do without."""

    subject: str | None = None
    once: str | None = None
    skips_told: bool = False
    skips_unwanted: bool = True


def _post(
    tx: Transaction, mail: Mail, letters: Iterable[Letter], rank: Rank, beside: _Beside
) -> list[Posted | None]:
    known = registry.current().of(mail)
    posted: list[Posted | None] = []
    rest = iter(letters)
    while some := list(islice(rest, AT_ONCE)):
        posted += _write(tx, known, some, rank, beside)
    if any(posted):
        wake(tx)
    return posted


def _write(
    tx: Transaction, known: KnownMail, letters: Sequence[Letter], rank: Rank, beside: _Beside
) -> list[Posted | None]:
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
    _insert(tx, OutgoingMail, envelopes)
    gone = _leave(tx, known, posted, letters, beside)
    _insert(tx, MailContent, [each for each in contents if each["mail_id"] not in gone])
    return [None if each.id in gone else each for each in posted]


def _leave(
    tx: Transaction, known: KnownMail, posted: Sequence[Posted], letters: Sequence[Letter], beside: _Beside
) -> frozenset[int]:
    """Leave the messages of these mails; the numbers of those mails that are gone again.

    Here and nowhere else: whoever posts a mail cannot forget it.
    """
    kind = messages.named(known.name)
    if kind is None:
        return frozenset()
    # Else recognised by itself, not by its mail: that goes where what it names is erased.
    rows = [
        functions.MessageRow(each.id, public_id, letter.to.inbox, beside.subject, beside.once or public_id)
        for each, letter, public_id in zip(posted, letters, many_public_ids(), strict=False)
        if letter.to.account_id is not None or letter.to.inbox is not None
    ]
    if not rows:
        return frozenset()
    return functions.leave_messages(
        tx,
        rows,
        skips_told=beside.skips_told,
        skips_unwanted=beside.skips_unwanted and kind.choice is not None,
    )


def _insert(tx: Transaction, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        table, columns = model.__table__, tuple(rows[0])
        tx.execute(insertion(table, columns), in_lists(table, columns, rows))


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
