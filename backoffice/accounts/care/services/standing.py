"""Suspending an account or somebody's place at a school, ending that, and finding an account for it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import ACCOUNTS_FIND, ACCOUNTS_SUSPEND, TEACHERS_SUSPEND
from backoffice.access.policy import require, visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import checked, email_index
from backoffice.accounts.care import mails
from backoffice.accounts.care.models import EventKind, Suspension
from backoffice.accounts.care.services import events
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import letters, proof
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.storage import functions
from backoffice.storage.functions import AnyRow
from backoffice.storage.sealed import seal_text
from backoffice.wording import clean

LONGEST_REASON = 500
NOT_NOW = lazy("This account cannot be suspended. It is suspended already, or it is your own.")
NOT_SUSPENDED = lazy("This account is not suspended.")
NOT_THIS_PLACE = lazy(
    "This place cannot be suspended. It is suspended already, or it is a leader's: ask the company for that."
)
PLACE_NOT_SUSPENDED = lazy("This place is not suspended.")


@dataclass(frozen=True)
class InCare:
    """All that a founder sees of an account."""

    public_id: str
    status: AccountStatus
    roles: list[str]
    last_active_at: datetime | None
    has_factor: bool
    # Since when a reset of its second factor waits, and whether one may be asked for by a founder.
    reset_asked_at: datetime | None
    may_reset: bool
    own: bool


def look_up(*, principal: Principal, email: str) -> str | None:
    """The identifier of the account with exactly this address. What was not found is noted as well.

    Raises `Rejected`, `Denied`.
    """
    index = email_index(checked(email))
    with transaction(principal) as tx:
        require(tx.principal, ACCOUNTS_FIND)
        found = functions.account_in_care(tx, email_index=index)
        # Never the address: the trail is kept longer than the account.
        record(tx, "accounts.look-up", account=found.account_id if found else None, found=found is not None)
        return found.public_id if found else None


def in_care(tx: Transaction, account: str) -> InCare:
    """What a founder sees of an account. Raises `NotFound`, `Denied`."""
    require(tx.principal, ACCOUNTS_FIND)
    found = _found(tx, account)
    return InCare(
        public_id=found.public_id,
        status=AccountStatus(found.status),
        roles=list(found.roles),
        last_active_at=found.last_active_at,
        has_factor=found.has_factor,
        reset_asked_at=found.reset_asked_at,
        may_reset=found.may_reset,
        own=found.account_id == tx.principal.account_id,
    )


def other_in_care(tx: Transaction, account: str) -> InCare:
    """As `in_care`, of anybody else: founders do nothing to themselves. Raises `NotFound`, `Denied`."""
    found = in_care(tx, account)
    if found.own:
        raise NotFound
    return found


def suspend_account(*, principal: Principal, account: str, reason: str) -> None:
    """Suspend an account, whoever's: it is out at once. Its owner is told. Raises `Rejected`, `NotFound`."""
    reason = _reason(reason)
    with transaction(principal) as tx:
        require(tx.principal, ACCOUNTS_SUSPEND)
        proof.demand(tx)
        other_in_care(tx, account)
        number = functions.suspend_account(tx, account=account, reason=_sealed(reason), at=clock.now())
        if number is None:
            raise Rejected.whole(NOT_NOW)
        letters.wake(tx)
        events.open_event(tx, EventKind.SUSPENDED, number)
        record(tx, "accounts.suspend", account=number)


def reinstate_account(*, principal: Principal, account: str) -> None:
    """End a suspension. A place that its school suspended stays so. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        require(tx.principal, ACCOUNTS_SUSPEND)
        proof.demand(tx)
        other_in_care(tx, account)
        number = functions.reinstate_account(tx, account=account, at=clock.now())
        if number is None:
            raise Rejected.whole(NOT_SUSPENDED)
        letters.wake(tx)
        record(tx, "accounts.reinstate", account=number)


def suspend_place(*, principal: Principal, account: str, school: str, reason: str) -> bool:
    """Suspend what somebody is at a school, at once; whether the account has nothing else and goes with it.

    They are told by mail. Raises `Rejected`, `NotFound`.
    """
    reason = _reason(reason)
    with transaction(principal) as tx:
        proof.demand(tx)
        place, person = _place(tx, account, school)
        _tell(tx, person, place, suspended=True)
        whole = functions.suspend_place(
            tx, school_id=place.id, account_id=person.id, reason=_sealed(reason), at=clock.now()
        )
        if whole is None:
            raise Rejected.whole(NOT_THIS_PLACE)
        if whole:
            events.open_event(tx, EventKind.SUSPENDED, person.id)
        record(tx, "memberships.suspend", school_id=place.id, account=person.id, whole=whole)
    return whole


def reinstate_place(*, principal: Principal, account: str, school: str) -> None:
    """End the suspension of somebody's place at a school. They are told. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        proof.demand(tx)
        place, person = _place(tx, account, school)
        if not functions.reinstate_place(tx, school_id=place.id, account_id=person.id):
            raise Rejected.whole(PLACE_NOT_SUSPENDED)
        _tell(tx, person, place, suspended=False)
        record(tx, "memberships.reinstate", school_id=place.id, account=person.id)


def suspensions_of(tx: Transaction, account_id: int) -> dict[int, Suspension]:
    """The suspended places of somebody at the schools that the principal leads, by the school's number."""
    theirs = visible(tx.principal, select(Suspension).where(Suspension.account_id == account_id))
    return {each.school_id: each for each in tx.scalars(theirs) if each.school_id is not None}


def _found(tx: Transaction, account: str) -> AnyRow:
    found = functions.account_in_care(tx, account=account)
    if found is None:
        raise NotFound
    return found


def _place(tx: Transaction, account: str, school: str) -> tuple[School, Account]:
    place = find(tx, School, school, permission=TEACHERS_SUSPEND)
    return place, find(tx, Account, account, permission=TEACHERS_SUSPEND)


def _tell(tx: Transaction, person: Account, place: School, *, suspended: bool) -> None:
    if person.status in {AccountStatus.NOT_INVITED, AccountStatus.DEACTIVATED}:
        return
    to = Recipient(person.id, person.email, person.name, person.language)
    parameters = mails.Place(place.name, "suspended" if suspended else "reinstated")
    post(tx, mails.PLACE_SUSPENDED, to=to, parameters=parameters, school_id=place.id)


def _reason(reason: str) -> str:
    reason = clean(reason)
    if not reason:
        raise Rejected(reason=gettext("Write why."))
    if len(reason) > LONGEST_REASON:
        raise Rejected(reason=gettext("Shorten the reason to %(most)s letters.", most=LONGEST_REASON))
    return reason


def _sealed(reason: str) -> bytes:
    return seal_text(reason, context="suspension.reason")
