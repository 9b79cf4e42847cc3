"""Telling schools that the policy of retention changes: whoever leads a school or district, once each.

A batch of mails and how far it came are one transaction, so that a run that was killed goes on where it was.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import WRITTEN_TO
from backoffice.audit.trail import record
from backoffice.messages.services import tell_many
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import Letter
from backoffice.privacy.retention import in_force, mails
from backoffice.privacy.retention.in_force import Change
from backoffice.privacy.retention.messages import POLICY_CHANGED
from backoffice.privacy.retention.models import PolicyVersion, VersionState
from backoffice.privacy.retention.words import told
from backoffice.schools.models import Membership, Role, School, SchoolKind

NOTICE = timedelta(days=30)
# Telling that takes longer than this has its end count, and not its beginning.
IN_ONE_GO = timedelta(days=1)
BATCH = 200


def tell_schools(
    *, principal: Purpose, batch: int = BATCH, progress: Callable[[int], object] = lambda _told: None
) -> int:
    """Tell of every decision that schools have not been told of yet; how many mails were written."""
    written = 0
    while (some := _tell_some(principal, batch)) is not None:
        written += some
        progress(written)
    return written


def _tell_some(principal: Purpose, batch: int) -> int | None:
    """Write one batch of mails; how many, or None where all have been told."""
    now = clock.now()
    with transaction(principal) as tx:
        untold = select(PolicyVersion).where(
            PolicyVersion.state == VersionState.CONFIRMED, PolicyVersion.told_at.is_(None)
        )
        version = tx.scalars(
            untold.order_by(PolicyVersion.id).limit(1).with_for_update(skip_locked=True)
        ).one_or_none()
        if version is None:
            return None
        if version.told_from is None:
            version.told_from = now
            version.later_at = _after_notice(now) if version.later else None
            tx.flush()
        change = _change(tx, version.id)
        # Of what will never be in force there is nothing to tell.
        something = change.at_once or change.later
        people = _people(tx, after=version.told_up_to or 0, most=batch) if something else []
        said = mails.PolicyChanged(told(change.at_once), told(change.later), version.later_at)
        readers = [Recipient(each.id, each.email, each.name, each.language) for each in people]
        tell_many(tx, POLICY_CHANGED, [Letter(to, said) for to in readers], once=str(version.id))
        version.told += len(people)
        if people:
            version.told_up_to = people[-1].id
        if len(people) < batch:
            version.told_at, version.told_up_to = now, None
            if version.later and now - version.told_from > IN_ONE_GO:
                version.later_at = _after_notice(now)
            record(tx, "retention.tell-policy", version=version.id, told=version.told)
    in_force.forget()
    return len(people)


def _after_notice(now: datetime) -> datetime:
    """The first midnight with thirty whole days before it: a date is what people remember."""
    day = (now + NOTICE).astimezone(UTC)
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _change(tx: Transaction, number: int) -> Change:
    found = in_force.changes(in_force.read(tx.connection()))
    return next(each for each in found if each.version.number == number)


def _people(tx: Transaction, *, after: int, most: int) -> Sequence[Account]:
    """Who answers for a school or district: leaders, privacy officers, and teachers who signed up alone."""
    leads = (
        select(Membership.account_id)
        .outerjoin(School, School.id == Membership.school_id)
        .where(
            Membership.suspended_at.is_(None),
            Membership.role.in_((Role.LEADER, Role.PRIVACY_OFFICER)) | (School.kind == SchoolKind.PERSONAL),
        )
    )
    found = select(Account).where(Account.id > after, Account.id.in_(leads), Account.status.in_(WRITTEN_TO))
    return tx.scalars(found.order_by(Account.id).limit(most)).all()
