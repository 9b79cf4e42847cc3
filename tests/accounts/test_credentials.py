"""New passwords, by mail and in the account; locking; the own sessions."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError
from time_machine import travel

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal, Purpose, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.models import (
    Account,
    AccountLetter,
    AccountLink,
    AccountPassword,
    AccountStatus,
    LetterKind,
    LinkPurpose,
)
from backoffice.accounts.passwords import problem_of
from backoffice.accounts.services import credentials, letters, proof, sessions, signing_in
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.problems import Rejected, Throttled
from backoffice.settings import Sessions, Throttles
from backoffice.throttles.visitor import Device, Visitor
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

NEW = "walrus umbrella saxophone"
WRITER = Purpose("core.write-letters")


@pytest.fixture(autouse=True)
def _as_before(world: World) -> Iterator[None]:
    """Passwords, epochs and letters are as they were, for the next test."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(AccountLetter))
        stored = tx.execute(select(AccountPassword)).scalars().all()
        kept = [(each.account_id, each.password_hash) for each in stored]
    yield
    with transaction(SYSTEM) as tx:
        for number, hashed in kept:
            mine = AccountPassword.account_id == number
            tx.execute(update(AccountPassword).where(mine).values(password_hash=hashed))
        tx.execute(update(Account).values(status=AccountStatus.ACTIVE))
        tx.execute(delete(AccountLink))
        tx.execute(delete(AccountLetter))


def visitor(address: str = "198.51.100.40") -> Visitor:
    return Visitor(address)


def sign_in(email: str, password: str = PASSWORD) -> str:
    return signing_in.sign_in(
        email=email,
        password=password,
        sessions=Sessions(),
        cost=COST,
        visitor=visitor(),
        device="Firefox on Windows",
        throttles=NO_LIMIT,
    ).token


def is_in(token: str) -> bool:
    try:
        with transaction(signing_in.credential(token, None)) as tx:
            return tx.principal.account_id is not None
    except SessionEnded:
        return False


def mailed(email: str) -> list[str]:
    """What was mailed to somebody, the newest first, as it is sent."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(
            select(MailContent.recipient, MailContent.message)
            .join(OutgoingMail, OutgoingMail.id == MailContent.mail_id)
            .order_by(OutgoingMail.id.desc())
        ).all()
    return [bytes(row.message).decode().replace("=\r\n", "") for row in found if row.recipient == email]


def link_in(mail: str, below: str) -> str:
    found = re.search(rf"/{below}/([A-Za-z0-9_-]{{43}})", mail)
    assert found
    return found[1]


def reset_link(email: str) -> str:
    credentials.ask_to_reset(email=email, visitor=visitor(), throttles=NO_LIMIT)
    assert letters.write_letters(WRITER)["written"] == 1
    return link_in(mailed(email.strip().casefold())[0], "reset")


def test_a_reset_sets_the_password_once_and_puts_everybody_out(world: World) -> None:
    email = world.people["teacher"].email
    token = sign_in(email)
    letters.write_letters(WRITER)
    link = reset_link(email.upper() + " ")
    assert is_in(token)
    credentials.reset_password(token=link, password=NEW, cost=COST, address=None)
    assert not is_in(token)
    with pytest.raises(Rejected):
        sign_in(email)
    assert is_in(sign_in(email, NEW))
    with pytest.raises(Rejected, match="used"):
        credentials.reset_password(token=link, password=NEW + "s", cost=COST, address=None)
    letters.write_letters(WRITER)
    assert any("Your password was changed" in each for each in mailed(email))


def test_two_who_use_one_link_at_once_set_one_password(world: World) -> None:
    link = reset_link(world.people["teacher"].email)
    together = Barrier(4)

    def use(number: int) -> bool:
        together.wait()
        try:
            credentials.reset_password(token=link, password=f"{NEW} {number}", cost=COST, address=None)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(use, range(4))) == 1


def test_a_link_dies_with_its_time_with_a_newer_password_and_for_the_suspended(world: World) -> None:
    email = world.people["teacher"].email
    late, other, third = reset_link(email), reset_link(email), reset_link(email)
    with travel(clock.now() + timedelta(minutes=31)):
        assert not credentials.link_opens(purpose=LinkPurpose.RESET, token=late)
    assert not credentials.link_opens(purpose=LinkPurpose.NOT_ME, token=late)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.email_index.is_not(None)).values(status="suspended"))
    assert not credentials.link_opens(purpose=LinkPurpose.RESET, token=third)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).values(status="active"))
    credentials.reset_password(token=other, password=NEW, cost=COST, address=None)
    assert not credentials.link_opens(purpose=LinkPurpose.RESET, token=third)


@pytest.mark.parametrize("email", ["nobody@nowhere.example", "not an address", "", "\udcff@x"])
def test_an_address_without_an_account_is_answered_alike_and_gets_no_mail(world: World, email: str) -> None:
    del world
    before = len(mailed(email))
    credentials.ask_to_reset(email=email, visitor=visitor(), throttles=NO_LIMIT)
    assert letters.write_letters(WRITER) == {"written": 0, "for nobody": 1}
    assert len(mailed(email)) == before
    with transaction(SYSTEM) as tx:
        assert not tx.scalar(select(func.count()).select_from(AccountLetter))


def test_asking_keeps_the_same_for_every_address(world: World) -> None:
    """Whether there is an account is looked up by a worker and never on the way of an answer."""
    for email in (world.people["teacher"].email, "nobody@nowhere.example"):
        credentials.ask_to_reset(email=email, visitor=visitor(), throttles=NO_LIMIT)
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(AccountLetter)).all()
    assert [each.account_id for each in kept] == [None, None]
    assert {each.kind for each in kept} == {LetterKind.RESET}


def test_asking_too_often_is_throttled_for_known_and_unknown_addresses(world: World) -> None:
    for email in (world.people["teacher"].email, "nobody@nowhere.example"):
        with pytest.raises(Throttled):
            for number in range(10):
                credentials.ask_to_reset(
                    email=email, visitor=visitor(f"203.0.113.{number}"), throttles=Throttles()
                )


def test_the_web_writes_letters_to_itself_only_and_reads_none(world: World) -> None:
    who = world.sign_in("teacher")
    with pytest.raises(DBAPIError, match="row-level security"), transaction(who) as tx:
        letters.ask(tx, LetterKind.LOCKED, account_id=world.people["leader"].id)
    with pytest.raises(DBAPIError, match="permission denied"), transaction(who) as tx:
        tx.scalars(select(AccountLetter)).all()
    with pytest.raises(DBAPIError, match="permission denied"), transaction(who) as tx:
        tx.scalars(select(AccountLink)).all()


def change(who: Principal, current: str = PASSWORD, new: str = NEW) -> str:
    return credentials.change_password(
        principal=who,
        current=current,
        new=new,
        visitor=visitor(),
        cost=COST,
        sessions=Sessions(),
        throttles=NO_LIMIT,
    )


def test_changing_the_password_ends_every_other_session_and_renews_this_one(world: World) -> None:
    email = world.people["teacher"].email
    elsewhere, here = sign_in(email), sign_in(email)
    with transaction(signing_in.credential(here, None)) as tx:
        who = tx.principal
    renewed = change(who)
    assert (is_in(elsewhere), is_in(here), is_in(renewed)) == (False, False, True)
    assert is_in(sign_in(email, NEW))


def test_a_wrong_password_changes_nothing(world: World) -> None:
    token = sign_in(world.people["teacher"].email)
    with transaction(signing_in.credential(token, None)) as tx:
        who = tx.principal
    with pytest.raises(Rejected) as raised:
        change(who, current="something else entirely")
    assert raised.value.fields == {"current": proof.WRONG}
    for poor in ("short", "passwordpassword", f"{world.people['teacher'].email}1", "x" * 129):
        with pytest.raises(Rejected) as raised:
            change(who, new=poor)
        assert list(raised.value.fields) == ["password"]
    assert is_in(token)
    assert is_in(sign_in(world.people["teacher"].email))


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("walrus umbrella saxophone", True),
        ("пароль для учителя номер семь", True),
        ("\U0001f9a9" * 3 + "flamingos at noon", True),
        ("123456789012", False),
        ("qwertyuiop123", False),
        ("aaaaaaaaaaaaaaaa", False),
        ("elevenchars", False),
        ("classroomhero1", False),
        ("Classroom123!", False),
        ("🦩 7 walruses, Umbrella \t", True),
        ("Tamsin Okonkwo", False),
        ("tamsin.okonkwo@school.example", False),
    ],
)
def test_what_a_good_password_is(password: str, *, good: bool) -> None:
    assert (problem_of(password, "Tamsin Okonkwo", "tamsin.okonkwo@school.example") is None) is good


def test_a_new_device_is_told_and_its_link_locks_the_account(world: World) -> None:
    email = world.people["teacher"].email
    sign_in(email)
    letters.write_letters(WRITER)
    token = sign_in(email)
    assert letters.write_letters(WRITER)["written"] == 1
    mail = mailed(email)[0]
    assert "Firefox on Windows" in mail
    link = link_in(mail, "not-me")
    credentials.lock_account(token=link, address=None)
    assert not is_in(token)
    with pytest.raises(Rejected):
        sign_in(email)
    with pytest.raises(Rejected):
        credentials.lock_account(token=link, address=None)
    # The mailbox opens it again.
    letters.write_letters(WRITER)
    credentials.reset_password(token=reset_link(email), password=NEW, cost=COST, address=None)
    assert is_in(sign_in(email, NEW))


def test_a_known_device_is_not_told(world: World) -> None:
    email = world.people["teacher"].email
    begun = signing_in.sign_in(
        email=email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=visitor(),
        device=None,
        throttles=NO_LIMIT,
    )
    letters.write_letters(WRITER)
    known = Visitor("198.51.100.41", Device("some device", (begun.voucher,)))
    signing_in.sign_in(
        email=email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=known,
        device=None,
        throttles=NO_LIMIT,
    )
    assert letters.write_letters(WRITER) == {"written": 0, "for nobody": 0}


def test_a_shared_computer_is_left_after_ten_minutes(world: World) -> None:
    token = signing_in.sign_in(
        email=world.people["teacher"].email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=visitor(),
        device=None,
        throttles=NO_LIMIT,
        shared=True,
    ).token
    with travel(clock.now() + timedelta(minutes=9)):
        assert is_in(token)
    with travel(clock.now() + timedelta(minutes=20)):
        assert not is_in(token)


def test_ending_sessions(world: World) -> None:
    email = world.people["teacher"].email
    first, second, here = sign_in(email), sign_in(email), sign_in(email)
    with transaction(signing_in.credential(here, None)) as tx:
        who = tx.principal
        named = {each.public_id for each in sessions.live_sessions(tx)}
    with transaction(signing_in.credential(first, None)) as tx:
        of_first = tx.principal.session_public_id
    assert of_first in named
    assert of_first is not None
    sessions.end_session(principal=who, session=of_first)
    sessions.end_session(principal=who, session=of_first)
    assert (is_in(first), is_in(second)) == (False, True)
    with pytest.raises(NotFound):
        other = world.sign_in("leader").session_public_id
        assert other is not None
        sessions.end_session(principal=who, session=other)
    assert sessions.end_other_sessions(principal=who) >= 1
    assert (is_in(second), is_in(here)) == (False, True)
    assert sessions.end_other_sessions(principal=who) == 0


def test_nobody_uses_a_link_that_was_never_mailed(world: World) -> None:
    del world
    for token in ("x" * 43, "", "\udcff", "a" * 5000):
        assert not credentials.link_opens(purpose=LinkPurpose.RESET, token=token)
        with pytest.raises(Rejected):
            credentials.lock_account(token=token, address=None)
    with transaction(Nobody()) as tx:
        assert tx.principal.account_id is None
