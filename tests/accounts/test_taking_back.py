"""Taking an account back from somebody who has been in it and left a way in of their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import delete, func, select, update
from time_machine import travel

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts import codes
from backoffice.accounts.address_models import EmailChange
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import (
    Account,
    AccountRecoveryCode,
    AccountSecondFactor,
    AccountStatus,
    LetterKind,
)
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.accounts.services import credentials, letters, people, second_factor, signing_in
from backoffice.problems import Rejected
from backoffice.settings import Sessions
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.visitor import Visitor
from tests.accounts.post import link_for
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World, add_passkey

OWN, FOREIGN = "The owner's", "The intruder's"


def sign_in(email: str) -> Principal:
    begun = signing_in.sign_in(
        email=email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor("198.51.100.77"),
        device="Firefox on Windows",
        throttles=NO_LIMIT,
    )
    with transaction(signing_in.credential(begun.token, None)) as tx:
        return tx.principal


@pytest.fixture
def owner(world: World) -> Iterator[tuple[str, int]]:
    """Address and number of an account that is used on two devices."""
    del world
    email = f"{new_public_id()}@people.example"
    people.create_account(principal=SYSTEM, email=email, name="Ona Owner", password=PASSWORD, cost=COST)
    sign_in(email)
    number = sign_in(email).account_id
    assert number is not None
    yield email, number
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Account).where(Account.id == number))


def break_in(number: int) -> None:
    """What somebody leaves behind who had the password and a moment of time."""
    add_passkey(number, FOREIGN)
    with transaction(SYSTEM) as tx:
        app = {"secret": "GEZDGNBVGY3TQOJQ", "set_at": clock.now(), "last_step": 0}
        tx.add(AccountSecondFactor(account_id=number, **app))
        tx.add(AccountRecoveryCode(account_id=number, code_digest=new_public_id().encode()))
        # As every change of credentials does.
        epoch = Account.security_epoch + 1
        tx.execute(update(Account).where(Account.id == number).values(security_epoch=epoch))
        letters.ask(tx, LetterKind.PASSKEY_ADDED, account_id=number)


def left(number: int) -> tuple[set[str], int, int, str | None]:
    """The names of the passkeys, how many apps and recovery codes there are, and the status."""
    with transaction(SYSTEM) as tx:
        named = tx.scalars(select(AccountPasskey.name).where(AccountPasskey.account_id == number)).all()
        apps, spare = (
            tx.scalar(select(func.count()).where(table.account_id == number)) or 0
            for table in (AccountSecondFactor, AccountRecoveryCode)
        )
        return set(named), apps, spare, tx.scalar(select(Account.status).where(Account.id == number))


@pytest.mark.parametrize("mail", ["of the device", "of the passkey"])
def test_the_link_of_a_mail_takes_away_what_was_added_since(owner: tuple[str, int], mail: str) -> None:
    email, number = owner
    with travel(clock.now() - timedelta(days=2), tick=True):
        add_passkey(number, OWN)
    link = link_for(email, "not-me")
    break_in(number)
    if mail == "of the passkey":
        newer = link_for(email, "not-me")
        assert newer != link
        link = newer
    assert left(number) == ({OWN, FOREIGN}, 1, 1, AccountStatus.ACTIVE)
    credentials.lock_account(token=link, address=None)
    assert left(number) == ({OWN}, 0, 0, AccountStatus.LOCKED)


def test_the_link_gives_back_an_address_that_was_moved(owner: tuple[str, int]) -> None:
    email, number = owner
    link = link_for(email, "not-me")
    moved = f"intruder-{email}"
    with transaction(SYSTEM) as tx:
        theirs = {"email": moved, "email_index": email_index(moved)}
        tx.execute(update(Account).where(Account.id == number).values(theirs))
        old = {"old_email": email, "old_email_index": email_index(email)}
        moment = {"created_at": clock.now(), "confirmed_at": clock.now(), "expires_at": clock.now()}
        tx.add(EmailChange(account_id=number, security_epoch=1, **theirs, **old, **moment))
    credentials.lock_account(token=link, address=None)
    with transaction(SYSTEM) as tx:
        found = tx.get_one(Account, number)
        assert (found.email, bytes(found.email_index)) == (email, email_index(email))
        assert found.status == AccountStatus.LOCKED


def test_a_mailbox_alone_is_no_way_around_a_founders_only_factor(owner: tuple[str, int]) -> None:
    email, number = owner
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == number).values(founder=True))
    break_in(number)
    credentials.lock_account(token=link_for(email, "not-me"), address=None)
    assert left(number) == (set(), 0, 0, AccountStatus.DORMANT)


def test_a_reset_waits_for_whoever_suspends_the_account(
    owner: tuple[str, int],
) -> None:
    email, number = owner
    credentials.ask_to_reset(email=email, visitor=Visitor("198.51.100.78"), throttles=NO_LIMIT)
    link = link_for(email, "reset")

    def reset() -> None:
        credentials.reset_password(token=link, password="walrus umbrella saxophone", cost=COST, address=None)

    with ThreadPoolExecutor(1) as threads:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Account).where(Account.id == number).values(status=AccountStatus.SUSPENDED))
            tried = threads.submit(reset)
            wait([tried], timeout=1)
            assert not tried.done()
        assert isinstance(tried.exception(), Rejected)
    assert left(number)[3] == AccountStatus.SUSPENDED


def test_two_who_renew_recovery_codes_at_once_leave_ten(owner: tuple[str, int]) -> None:
    email, number = owner
    sessions = [sign_in(email), sign_in(email)]
    add_passkey(number, OWN)
    together = Barrier(2)

    def renew(who: Principal) -> None:
        together.wait()
        second_factor.renew_codes(principal=who, sessions=Sessions())

    with ThreadPoolExecutor(2) as threads:
        tries = [threads.submit(renew, each) for each in sessions]
    # Whoever comes second has been signed out by the first, or renews what the first renewed.
    assert any(each.exception() is None for each in tries)
    assert left(number)[2] == codes.RECOVERY_CODES
