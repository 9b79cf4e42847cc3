"""Teachers' accounts that nobody uses: their owners are told in time, and then they go.

Signing in is use, and so is that children come in to a class; that a mail was opened is none. Nobody goes who
was not told, however long this did not run: what comes late is late for us and not for them.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.principal import Nobody, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.accounts.tokens import token_digest
from backoffice.audit.trail import record
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_subject_kept
from backoffice.privacy.retention.policy import Entry
from backoffice.privacy.retention.runs import Rules, may_go, note
from backoffice.storage import about, keyring
from backoffice.storage.keyring import KeyPurpose
from plugins.retention import mails, queries
from plugins.retention.ending import begin, close
from plugins.retention.kinds import IDLE
from plugins.retention.models import IdleAccount

# Of whoever signed in within this time no class is looked at. Sign-ins of children tell of half a year.
FRESH = timedelta(days=60)
# The leaders of a school are told when this much or less is left.
LEADERS_TOLD = timedelta(days=30)
# Whoever hears of it late has this long from the first warning on.
NOTICE = timedelta(days=30)
# A last warning that could not be delivered counts as said after this: the mailbox is dead.
GIVEN_UP = timedelta(days=14)


class Step(Enum):
    """What was done about an account. `OVER`: nobody gets in any more, and it is to be erased.

    `HELD`: a legal hold keeps something of it, and it stays as it is until that ends.
    """

    NONE = auto()
    TOLD = auto()
    WAITS = auto()
    HELD = auto()
    OVER = auto()


@dataclass
class Looked:
    """How a run went, in accounts. Who leads a place alone stays: it would be nobody's to look after."""

    told: int = 0
    begun: int = 0
    waiting: int = 0
    lead_alone: int = 0
    held: int = 0


def look_after_idle(*, principal: Purpose, eraser: Eraser, rules: Rules) -> Looked:
    """Tell owners of accounts that nobody uses what will happen, and begin to erase what is due.

    Each account has its own transaction, in which it is looked at again. Where more would go at once than the
    rules allow, all of that waits for a person.
    """
    now, entry, looked = clock.now(), IDLE.entry, Looked()
    with transaction(principal) as tx:
        queries.note_class_use(tx, before=now - FRESH)
        found = queries.idle(tx, since=entry.period.before(now + entry.told_before[0]))
        border = may_go(tx, IDLE, queries.told_and_due(tx, at=now), rules)
    for row in found:
        if row.leads_alone:
            looked.lead_alone += 1
            continue
        with transaction(principal) as tx:
            step = _look_after(tx, row, entry, now, border)
        looked.told += step is Step.TOLD
        looked.waiting += step is Step.WAITS
        looked.held += step is Step.HELD
        looked.begun += step is Step.OVER and begin(eraser, Subject.ACCOUNT, row.public_id)
    if looked.begun:
        with transaction(principal) as tx:
            note(tx, IDLE, looked.begun, up_to=entry.period.before(now))
    return looked


def keep_account(*, token: str, address: str | None) -> bool:
    """Count the account as used now, for whoever has the link of a warning; whether the link was good."""
    with transaction(Nobody(address)) as tx:
        account = queries.keep(tx, digest=token_digest(token), at=clock.now())
        if account is None:
            return False
        record(tx, "accounts.keep", account=account)
    return True


def link_is_good(*, token: str) -> bool:
    """Whether a link of a warning still keeps something."""
    with transaction(Nobody()) as tx:
        return queries.can_be_kept(tx, digest=token_digest(token))


def _look_after(
    tx: Transaction, row: Row[int, str, datetime, bool], entry: Entry, now: datetime, border: datetime | None
) -> Step:
    """Do what is to be done about one account, which is locked and looked at again.

    Whoever was last used before the `border` may go.
    """
    person = tx.scalars(select(Account).where(Account.id == row.id).with_for_update()).one_or_none()
    used = tx.scalar(select(queries.used_at()).where(Account.id == row.id))
    warnings = entry.told_before
    if person is None or used is None or used > entry.period.before(now + warnings[0]):
        return Step.NONE
    watched = tx.get(IdleAccount, row.id)
    # What was told before somebody used it is told anew.
    known = (
        watched if watched is not None and watched.told_at is not None and watched.told_at >= used else None
    )
    due = known.due_at if known is not None and known.due_at is not None else entry.period.after(used)
    last = timedelta(days=known.told_days) if known is not None and known.told_days is not None else None
    if last == warnings[-1] and due <= now:
        unsent = person.status in WRITTEN_TO and not queries.warning_left(
            tx, person.id, given_up_before=now - GIVEN_UP
        )
        if border is None or used > border or unsent:
            return Step.WAITS
        if is_subject_kept(tx, Subject.ACCOUNT, person.id):
            return Step.HELD
        close(tx, person, now)
        return Step.OVER
    if last is None:
        due = max(due, now + min(NOTICE, warnings[0]))
    step = min(each for each in warnings if due - now <= each)
    if last is not None and last <= step:
        return Step.NONE
    # What should have been said earlier is said now, and leaves its time.
    _tell(tx, person, step, max(due, now + warnings[-1]), used)
    return Step.TOLD


def _tell(tx: Transaction, person: Account, left: timedelta, due: datetime, used: datetime) -> None:
    token = _token(person, used)
    values = {
        "due_at": due,
        "told_days": left.days,
        "told_at": clock.now(),
        "keep_digest": token_digest(token),
    }
    adding = insert(IdleAccount).values(account_id=person.id, **values)
    tx.execute(adding.on_conflict_do_update(index_elements=["account_id"], set_=values))
    if person.status in WRITTEN_TO:
        to = Recipient(person.id, person.email, person.name, person.language)
        post(tx, mails.IDLE_WARNING, to=to, parameters=mails.IdleWarning(due, token))
    if left <= LEADERS_TOLD:
        told = mails.IdleColleague(person.name, due)
        names = about.marks(Subject.ACCOUNT, [person.id])
        for to, school in queries.leaders_of(tx, person.id):
            post(tx, mails.IDLE_COLLEAGUE, to=to, parameters=told, school_id=school, names=names)
    record(tx, "accounts.tell-idle", account=person.id)


def _token(person: Account, used: datetime) -> str:
    """The same in every warning until the account is used: the link of each of them keeps it."""
    said = f"keep {person.public_id} {used.isoformat()}".encode()
    digest = keyring.current().digest(KeyPurpose.TOKEN, said)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
