"""Taking an account back from somebody who has been in it and left a way in of their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import delete, func, select, update
from time_machine import travel

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts import codes
from backoffice.accounts.models import (
    Account,
    AccountRecoveryCode,
    AccountSecondFactor,
    AccountStatus,
    LetterKind,
)
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.accounts.services import credentials, letters, people, second_factor, signing_in
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
