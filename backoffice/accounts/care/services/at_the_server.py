"""What only somebody at the server does: making an account, and opening one that is locked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.models import Account, AccountStatus, LinkPurpose
from backoffice.accounts.services import letters, people
from backoffice.audit.trail import record
from backoffice.problems import Rejected
from backoffice.schools.models import Membership, Role, School
from backoffice.storage.public_id import PublicId

# Longer than that of a mail: it is carried from hand to hand.
LASTS = timedelta(hours=24)
NO_SCHOOL = "Name the school by its identifier."
NOBODY = "There is no account with this address."
NOT_LOCKED = "This account is not locked."
SUSPENDED = "This account is suspended. A founder reinstates it in the console, under Accounts."


class MadeAs(StrEnum):
    """What an account is made to be."""

    FOUNDER = "founder"
    LEADER = "leader"
    TEACHER = "teacher"


@dataclass(frozen=True)
class HandedOver:
    """A token that chooses a password, once: for the terminal alone, stored nowhere."""

    account: PublicId
    token: str
    until: datetime


def create(
    *, principal: Principal, role: MadeAs, email: str, name: str | None, school: str | None
) -> HandedOver:
    """Make an account with its place, and a link by which its owner chooses a password. Raises `Rejected`."""
    if (role is MadeAs.FOUNDER) != (school is None):
        raise Rejected(school="A founder has no school." if school else NO_SCHOOL)
    with transaction(principal) as tx:
        place = tx.scalar(select(School.id).where(School.public_id == school)) if school else None
        if school and place is None:
            raise Rejected(school="There is no such school.")
        number, _public_id = people.add(
            tx,
            email=email,
            name=name or checked(email).partition("@")[0],
            password_hash=None,
            founder=role is MadeAs.FOUNDER,
        )
        if place is not None:
            tx.execute(
                insert(Membership).values(
                    id=tx.take_id(Membership),
                    account_id=number,
                    school_id=place,
                    role=Role.LEADER if role is MadeAs.LEADER else Role.TEACHER,
                    created_at=clock.now(),
                )
            )
        record(tx, "accounts.create", school_id=place, account=number, role=role)
        return _handed_over(tx, number)


def unlock(*, principal: Principal, email: str) -> HandedOver:
    """Open an account that its owner has locked or that was idle: by a link that chooses a new password.

    Every session and link of before is over. Raises `Rejected`.
    """
    index = email_index(checked(email))
    with transaction(principal) as tx:
        account = tx.scalars(
            select(Account).where(Account.email_index == index).with_for_update()
        ).one_or_none()
        if account is None:
            raise Rejected(email=NOBODY)
        if account.status == AccountStatus.SUSPENDED:
            raise Rejected(email=SUSPENDED)
        if account.status not in {AccountStatus.LOCKED, AccountStatus.DORMANT}:
            raise Rejected(email=NOT_LOCKED)
        # Locked, until the link is used; and told anew before it can become dormant again.
        tx.execute(
            update(Account)
            .where(Account.id == account.id)
            .values(
                status=AccountStatus.LOCKED,
                security_epoch=Account.security_epoch + 1,
                idle_warned_at=None,
            )
        )
        record(tx, "accounts.unlock", account=account.id)
        return _handed_over(tx, account.id)


def _handed_over(tx: Transaction, number: int) -> HandedOver:
    account = tx.scalars(
        select(Account).where(Account.id == number).execution_options(populate_existing=True)
    ).one()
    token, until = letters.make_link(tx, account, LinkPurpose.RESET, LASTS)
    return HandedOver(PublicId(account.public_id), token, until)
