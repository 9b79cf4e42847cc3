"""Accounts that belong nowhere: parents who follow no child, and staff who work at no school.

Their owners are told a week before, and then they go. Whoever is asked again meanwhile stays.
"""

from datetime import datetime

from sqlalchemy import Row, select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.audit.trail import record
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_subject_kept
from backoffice.privacy.retention.runs import Rules, may_go, note
from plugins.retention import mails, queries
from plugins.retention.ending import begin, close
from plugins.retention.idle import Looked, Step
from plugins.retention.kinds import ALONE
from plugins.retention.models import IdleAccount


def look_after_alone(*, principal: Purpose, eraser: Eraser, rules: Rules) -> Looked:
    """Tell owners of accounts that belong nowhere what will happen, and begin to erase what is due.

    Each account has its own transaction, in which it is looked at again. Where more would go at once than the
    rules allow, all of that waits for a person.
    """
    now, entry, looked = clock.now(), ALONE.entry, Looked()
    (warned,) = entry.warnings
    with transaction(principal) as tx:
        queries.note_alone(tx, at=now)
        found = queries.alone(tx, since=entry.period.before(warned.after(now)))
        due = queries.alone_and_due(tx, at=now)
        border = may_go(tx, ALONE, due, rules)
    for row in found:
        with transaction(principal) as tx:
            step = _look_after(tx, row, now, border)
        looked.told += step is Step.TOLD
        looked.waiting += step is Step.WAITS
        looked.held += step is Step.HELD
        looked.begun += step is Step.OVER and begin(eraser, Subject.ACCOUNT, row.public_id)
    if looked.begun:
        with transaction(principal) as tx:
            note(tx, ALONE, looked.begun, up_to=entry.period.before(now))
    return looked


def _look_after(tx: Transaction, row: Row[int, str], now: datetime, border: datetime | None) -> Step:
    person = tx.scalars(
        select(Account).where(Account.id == row.id, queries.is_alone()).with_for_update()
    ).one_or_none()
    watched = tx.get(IdleAccount, row.id)
    if person is None or watched is None or watched.alone_since is None:
        return Step.NONE
    if watched.told_at is None or watched.told_at < watched.alone_since or watched.due_at is None:
        (warned,) = ALONE.entry.warnings
        # Told late, it goes late: nobody goes who did not have the time that was said.
        watched.due_at = max(ALONE.period.after(watched.alone_since), warned.after(now))
        watched.told_days, watched.told_at = warned.count, now
        if person.status in WRITTEN_TO:
            to = Recipient(person.id, person.email, person.name, person.language)
            post(tx, mails.ALONE_WARNING, to=to, parameters=mails.AloneWarning(watched.due_at))
        record(tx, "accounts.tell-alone", account=person.id)
        return Step.TOLD
    if watched.due_at > now:
        return Step.NONE
    if border is None or watched.alone_since > border:
        return Step.WAITS
    if is_subject_kept(tx, Subject.ACCOUNT, person.id):
        return Step.HELD
    close(tx, person, now)
    return Step.OVER
