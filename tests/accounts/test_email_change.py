"""Another address for an account: proved by the new one, told to the old one, and taken back by it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest
from sqlalchemy import Select, delete, func, select, update
from time_machine import travel

from backoffice import clock
from backoffice.access.principal import AccountToken, Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.address_models import EmailChange
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountSession, AccountStatus, LinkPurpose
from backoffice.accounts.services import credentials, email_change, people, proof, signing_in
from backoffice.accounts.tokens import token_digest
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions
from backoffice.throttles.visitor import Visitor
from tests.accounts.post import link_for, mailed
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

NUMBERS = count()


@pytest.fixture
def own(runtime: Runtime) -> Iterator[str]:
    """The address of somebody who is changed by this test only."""
    del runtime
    email = f"mover-{next(NUMBERS)}@people.example"
    people.create_account(principal=SYSTEM, email=email, name="Mo Mover", password=PASSWORD, cost=COST)
    yield email
    with transaction(SYSTEM) as tx:
        tx.execute(delete(EmailChange))


def changes_of(email: str) -> Select[int]:
    return select(func.count(EmailChange.id)).where(EmailChange.old_email_index == email_index(email))


def sign_in(email: str, password: str = PASSWORD) -> AccountToken:
    begun = signing_in.sign_in(
        email=email,
        password=password,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor("198.51.100.61"),
        device="Firefox on Windows",
        throttles=NO_LIMIT,
    )
    return signing_in.credential(begun.token, None)


def entered(credential: AccountToken) -> Principal:
    with transaction(credential) as tx:
        return tx.principal


def is_in(credential: AccountToken) -> bool:
    try:
        return entered(credential).account_id is not None
    except SessionEnded:
        return False


def ask(who: Principal, email: str, throttles: Throttles = NO_LIMIT) -> None:
    email_change.ask_to_change_email(
        principal=who, email=email, visitor=Visitor("198.51.100.61"), throttles=throttles
    )


def confirm(who: Principal, token: str) -> AccountToken:
    begun = email_change.change_email(principal=who, token=token, sessions=Sessions())
    return signing_in.credential(begun.token, None)


def moved(email: str, to: str) -> AccountToken:
    """An account that has moved; the session goes on."""
    who = entered(sign_in(email))
    ask(who, to)
    return confirm(who, link_for(to, "account/email"))


def test_the_new_address_signs_in_once_it_is_confirmed(own: str) -> None:
    here, there = sign_in(own), sign_in(own)
    ask(entered(here), " New-One@people.example ")
    new = "new-one@people.example"
    token = link_for(new, "account/email")
    with pytest.raises(Rejected):
        sign_in(new)
    assert is_in(there)
    going_on = confirm(entered(here), token)
    assert is_in(going_on)
    assert not is_in(here)
    assert not is_in(there)
    assert is_in(sign_in(new))
    with pytest.raises(Rejected):
        sign_in(own)
    with transaction(going_on) as tx:
        assert proof.me(tx).email == new


def test_the_old_address_is_told_when_it_is_asked_and_when_it_is_done(own: str) -> None:
    new = f"n-{own}"
    moved(own, new)
    subjects = [each.partition(":")[0] for each in mailed(own)]
    assert "Somebody asked to change your address" in subjects
    assert "Your account has another address now" in subjects
    assert all(new not in each for each in mailed(own))


def test_a_notice_locks_the_account_and_the_change_is_dead(own: str) -> None:
    here, new = sign_in(own), f"n-{own}"
    ask(entered(here), new)
    token = link_for(new, "account/email")
    credentials.lock_account(token=link_for(own, "not-me"), address=None)
    assert not is_in(here)
    credentials.ask_to_reset(email=own, visitor=Visitor(), throttles=NO_LIMIT)
    other = "saxophone walrus umbrella"
    credentials.reset_password(token=link_for(own, "reset"), password=other, cost=COST, address=None)
    with pytest.raises(Rejected, match="used"):
        confirm(entered(sign_in(own, other)), token)


def test_only_the_account_itself_confirms(own: str, world: World) -> None:
    """Somebody whose address was typed by mistake gets no account by it."""
    new = f"n-{own}"
    here = entered(sign_in(own))
    ask(here, new)
    token, stranger = link_for(new, "account/email"), world.sign_in("teacher")
    with transaction(stranger) as tx:
        assert email_change.asked(tx, token) is None
    with pytest.raises(Rejected):
        confirm(stranger, token)
    with transaction(here) as tx:
        found = email_change.asked(tx, token)
    assert found is not None
    assert found.email == new


def test_the_database_itself_gives_it_to_the_account_alone(own: str, world: World) -> None:
    new, here = f"n-{own}", entered(sign_in(own))
    ask(here, new)
    digest, email = token_digest(link_for(new, "account/email")), b"sealed"
    with transaction(world.sign_in("teacher")) as tx:
        assert functions.change_address(tx, digest=digest, at=clock.now(), email=email) is None
    with transaction(SYSTEM) as tx:
        # As after a change of credentials.
        tx.execute(update(EmailChange).where(EmailChange.token_digest == digest).values(security_epoch=0))
    with transaction(here) as tx:
        assert functions.change_address(tx, digest=digest, at=clock.now(), email=email) is None


def test_a_link_works_once_and_for_a_day(own: str) -> None:
    new = f"n-{own}"
    here = sign_in(own)
    ask(entered(here), new)
    token = link_for(new, "account/email")
    with travel(clock.now() + timedelta(hours=11)):
        assert is_in(here) is False  # idle for an hour
    with transaction(SYSTEM) as tx:
        # As a day later, with the session still open.
        tx.execute(update(EmailChange).values(expires_at=clock.now() - timedelta(seconds=1)))
    with pytest.raises(Rejected, match="used"):
        confirm(entered(here), token)
    ask(entered(here), new)
    token = link_for(new, "account/email")
    going_on = confirm(entered(here), token)
    with pytest.raises(Rejected, match="used"):
        confirm(entered(going_on), token)


def test_the_last_address_that_was_asked_for_counts(own: str) -> None:
    here = entered(sign_in(own))
    ask(here, f"first-{own}")
    first = link_for(f"first-{own}", "account/email")
    ask(here, f"second-{own}")
    second = link_for(f"second-{own}", "account/email")
    with pytest.raises(Rejected):
        confirm(here, first)
    assert is_in(confirm(here, second))


def test_two_who_confirm_at_once_change_it_once(own: str) -> None:
    new, here, together = f"n-{own}", entered(sign_in(own)), Barrier(4)
    ask(here, new)
    token = link_for(new, "account/email")

    def use(_number: int) -> bool:
        together.wait()
        try:
            confirm(here, token)
        except (Rejected, SessionEnded):
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(use, range(4))) == 1


def test_an_address_of_another_account_is_told_by_mail_only(own: str, world: World) -> None:
    taken = world.people["colleague"].email
    before = len(mailed(taken))
    ask(entered(sign_in(own)), taken)
    (told,) = mailed(taken)[before:]
    assert "stays with it" in told
    assert "/account/email/" not in told
    with transaction(SYSTEM) as tx:
        assert tx.scalar(changes_of(own)) == 0


def test_an_address_that_got_an_account_meanwhile_is_refused_like_a_dead_link(own: str) -> None:
    new, here = f"n-{own}", entered(sign_in(own))
    ask(here, new)
    token = link_for(new, "account/email")
    people.create_account(principal=SYSTEM, email=new, name="Quick", password=PASSWORD, cost=COST)
    with pytest.raises(Rejected) as raised:
        confirm(here, token)
    assert raised.value.fields == {"": email_change.SPENT}
    assert is_in(sign_in(own))


def test_it_asks_for_fresh_proof(own: str) -> None:
    here = entered(sign_in(own))
    with transaction(SYSTEM) as tx:
        long_ago = clock.now() - timedelta(minutes=11)
        tx.execute(
            update(AccountSession).where(AccountSession.id == here.session_id).values(proven_at=long_ago)
        )
    with pytest.raises(proof.ProofNeeded):
        ask(here, f"n-{own}")


@pytest.mark.parametrize("email", ["", "none", "OWN"])
def test_what_cannot_be_a_new_address_is_refused(own: str, email: str) -> None:
    with pytest.raises(Rejected) as raised:
        ask(entered(sign_in(own)), own.upper() if email == "OWN" else email)
    assert set(raised.value.fields) == {"email"}


def test_asking_is_throttled_by_both_addresses(own: str) -> None:
    few = Throttles(**{**NO_LIMIT.model_dump(), "letter_address": "1/hour"})
    here = entered(sign_in(own))
    ask(here, f"n-{own}", few)
    # Nobody floods a mailbox with notices by asking for ever other addresses.
    with pytest.raises(Throttled, match="letter by address"):
        ask(here, f"m-{own}", few)


# -- taking it back


def test_the_old_address_takes_the_account_back_whatever_was_changed_since(own: str) -> None:
    new, other = f"n-{own}", "saxophone walrus umbrella"
    thief = moved(own, new)
    token = link_for(own, "take-back")
    going_on = credentials.change_password(
        principal=entered(thief),
        current=PASSWORD,
        new=other,
        visitor=Visitor(),
        cost=COST,
        sessions=Sessions(),
        throttles=NO_LIMIT,
    )
    assert email_change.can_take_back(token)
    email_change.take_back(token=token, address=None)
    assert not is_in(signing_in.credential(going_on, None))
    for address in (own, new):
        with pytest.raises(Rejected):
            sign_in(address, other)
    # Only the old mailbox opens it again.
    credentials.ask_to_reset(email=own, visitor=Visitor(), throttles=NO_LIMIT)
    credentials.reset_password(token=link_for(own, "reset"), password=PASSWORD, cost=COST, address=None)
    assert is_in(sign_in(own))
    assert not email_change.can_take_back(token)
    with pytest.raises(Rejected, match="used"):
        email_change.take_back(token=token, address=None)


def test_who_took_it_cannot_take_it_back_in_turn(own: str) -> None:
    """From A to B to C: the link to A wins over the one to B."""
    second, third = f"b-{own}", f"c-{own}"
    moved(own, second)
    first_link = link_for(own, "take-back")
    moved(second, third)
    second_link = link_for(second, "take-back")
    email_change.take_back(token=first_link, address=None)
    assert not email_change.can_take_back(second_link)
    with transaction(SYSTEM) as tx:
        stands = tx.scalars(select(Account).where(Account.status == AccountStatus.LOCKED)).all()
    assert own in {each.email for each in stands}


def test_it_can_be_taken_back_for_seven_days(own: str) -> None:
    moved(own, f"n-{own}")
    token = link_for(own, "take-back")
    with travel(clock.now() + timedelta(days=7, minutes=1)):
        assert not email_change.can_take_back(token)
        with pytest.raises(Rejected):
            email_change.take_back(token=token, address=None)
        mailed(own)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(changes_of(own)) == 0


def test_if_the_old_address_has_an_account_by_now_nobody_gets_in(own: str) -> None:
    new = f"n-{own}"
    here = moved(own, new)
    token = link_for(own, "take-back")
    people.create_account(principal=SYSTEM, email=own, name="Next", password=PASSWORD, cost=COST)
    email_change.take_back(token=token, address=None)
    assert not is_in(here)
    with pytest.raises(Rejected):
        sign_in(new)
    credentials.ask_to_reset(email=new, visitor=Visitor(), throttles=NO_LIMIT)
    with pytest.raises(AssertionError):
        link_for(new, "reset")
    assert is_in(sign_in(own))


def test_links_that_were_mailed_before_are_dead(own: str) -> None:
    credentials.ask_to_reset(email=own, visitor=Visitor(), throttles=NO_LIMIT)
    reset = link_for(own, "reset")
    moved(own, f"n-{own}")
    assert not credentials.link_opens(purpose=LinkPurpose.RESET, token=reset)
