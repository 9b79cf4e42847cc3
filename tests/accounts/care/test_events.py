"""Security events, and the mail about guesses."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import EventKind, FactorReset, SecurityEvent
from backoffice.accounts.care.services import events
from backoffice.accounts.services import credentials, signing_in
from backoffice.problems import Rejected, Throttled
from backoffice.settings import Sessions, Throttles
from backoffice.throttles.visitor import Visitor
from tests.accounts.care.conftest import Later
from tests.accounts.care.people import link_in, mailed, noted, open_events
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

FEW = Throttles(
    **{
        **dict.fromkeys(Throttles.model_fields, "1000000/second"),
        "password_account": "5/minute;15/hour;50/day",
    }
)


def try_in(email: str, password: str, otp: str = "", throttles: Throttles = NO_LIMIT) -> None:
    signing_in.sign_in(
        email=email,
        password=password,
        otp=otp,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor("203.0.113.50"),
        device=None,
        throttles=throttles,
    )


def an_event(world: World) -> str:
    """An open event, by its identifier."""
    with transaction(SYSTEM) as tx:
        events.open_event(tx, EventKind.GUESSED, world.people["officer"].id)
        mine = SecurityEvent.account_id == world.people["officer"].id
        return tx.scalars(
            select(SecurityEvent.public_id).where(mine, SecurityEvent.closed_at.is_(None))
        ).one()


def test_this_was_not_me_opens_one(world: World) -> None:
    for _ in range(2):
        try_in(world.people["teacher"].email, PASSWORD)
    token = link_in(mailed(world.people["teacher"])[-1], "not-me")
    credentials.lock_account(token=token, address=None)
    assert open_events(world.people["teacher"]) == ["not_me"]


def test_the_fifth_wrong_code_of_a_day_opens_one(world: World, later: Later) -> None:
    founder = world.people["founder"]

    def wrong(times: int) -> None:
        for _ in range(times):
            with pytest.raises(signing_in.CodeNeeded):
                try_in(founder.email, PASSWORD, "000000")

    wrong(4)
    # Nor does a code that is still to come count, nor a wrong password.
    with pytest.raises(signing_in.CodeNeeded):
        try_in(founder.email, PASSWORD)
    with pytest.raises(Rejected):
        try_in(founder.email, "wrong", "000000")
    assert open_events(founder) == []
    wrong(1)
    assert open_events(founder) == ["codes_refused"]
    wrong(2)
    assert (open_events(founder), noted("security.open")) == (["codes_refused"], 1)
    later(timedelta(days=1))
    world.sign_in("founder")


def guess(email: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises((Rejected, Throttled)):
            try_in(email, "wrong", throttles=FEW)


def told(world: World, role: str) -> int:
    return sum("Too many wrong passwords" in text for text in mailed(world.people[role]))


def test_guesses_that_shut_an_account_are_told_once_a_span(world: World, later: Later) -> None:
    email = world.people["helper"].email
    for _ in range(3):
        guess(email, 8)
        later(timedelta(minutes=1))
    # A pause between tries is no lock: fifteen in an hour are.
    assert told(world, "helper") == 0
    guess(email, 1)
    assert told(world, "helper") == 1
    guess(email, 5)
    assert told(world, "helper") == 1
    assert open_events(world.people["helper"]) == ["guessed"]
    later(timedelta(hours=1))
    for _ in range(3):
        guess(email, 6)
        later(timedelta(minutes=1))
    guess(email, 1)
    assert told(world, "helper") == 2


def test_a_day_that_is_used_up_is_told_once(world: World, later: Later) -> None:
    email = world.people["colleague"].email
    for _ in range(4):
        for _ in range(3):
            guess(email, 5)
            later(timedelta(minutes=1))
        later(timedelta(hours=1))
    guess(email, 6)
    before = told(world, "colleague")
    assert before >= 1
    for _ in range(5):
        later(timedelta(hours=1))
        guess(email, 6)
    assert told(world, "colleague") == before


def test_an_address_without_an_account_is_asked_about_alike(world: World, later: Later) -> None:
    def asked(email: str) -> int:
        before = noted("accounts.shut-to-guesses")
        for _ in range(3):
            guess(email, 5)
            later(timedelta(minutes=1))
        guess(email, 2)
        return noted("accounts.shut-to-guesses") - before

    assert (asked("nobody@people.example"), asked(world.people["elsewhere"].email)) == (1, 1)


def test_an_event_is_closed_with_a_note(world: World) -> None:
    event = an_event(world)
    close = {"principal": world.sign_in("founder"), "event": event}
    for note in ("", " ", "x" * 1001):
        with pytest.raises(Rejected):
            events.close_event(**close, note=note)  # type: ignore[arg-type]
    events.close_event(**close, note="Called them: it was a typo")  # type: ignore[arg-type]
    assert (open_events(world.people["officer"]), noted("security.close")) == ([], 1)
    with pytest.raises(Rejected):
        events.close_event(**close, note="Again")  # type: ignore[arg-type]
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(SecurityEvent).where(SecurityEvent.public_id == event)).one()
    assert (found.note, found.closed_by) == ("Called them: it was a typo", world.people["founder"].id)
    # What happens afterwards is an event of its own.
    assert an_event(world) != event


@pytest.mark.parametrize("role", ["leader", "officer", "outsider", "parent"])
def test_nobody_else_sees_or_closes_one(world: World, role: str) -> None:
    event = an_event(world)
    with pytest.raises(NotFound):
        events.close_event(principal=world.sign_in(role), event=event, note="Mine")
    with transaction(world.sign_in(role)) as tx:
        assert tx.scalars(select(SecurityEvent.id)).all() == []


def test_events_are_forgotten_after_six_months(world: World, later: Later) -> None:
    an_event(world)
    with transaction(SYSTEM) as tx:
        there = sum(len(tx.scalars(select(each.id)).all()) for each in (SecurityEvent, FactorReset))
    later(timedelta(days=180))
    assert events.forget_old(Purpose("test"))["events"] == 0
    later(timedelta(days=5))
    assert events.forget_old(Purpose("test"))["events"] == there
    assert events.forget_old(Purpose("test"))["events"] == 0
