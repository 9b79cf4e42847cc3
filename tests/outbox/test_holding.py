"""Holding mails back, letting them go, calling them off: who may, what is touched and what is not."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Select, func, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox import queries
from backoffice.outbox.holding import call_off, hold, let_go
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.outbox.sending import forget_mail
from backoffice.outbox.services import TRIED_FOR, Letter
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.factories.posting import post_many
from tests.factories.world import SYSTEM, World
from tests.outbox.sink import mails_by_state
from tests.outbox.test_services import waiting_jobs

WHO = Purpose("test")
Step = Callable[[Transaction, Select[Any]], int]


@pytest.fixture
def mails(runtime: Runtime) -> list[int]:
    """One mail in each state, in the order of the states."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
    letter = Letter(Recipient(None, "sasha@people.example", "Sasha"), PluginSwitched.example())
    with transaction(SYSTEM) as tx:
        written = [each.id for each in post_many(tx, PLUGIN_SWITCHED, [letter] * len(MailState))]
        for number, state in zip(written, MailState, strict=True):
            tx.execute(update(OutgoingMail).where(OutgoingMail.id == number).values(state=state))
    return written


def some(mails: list[int]) -> Select[Any]:
    return select(OutgoingMail.id).where(OutgoingMail.id.in_(mails))


def states(mails: list[int]) -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(OutgoingMail.state).where(OutgoingMail.id.in_(mails)).order_by("id")))


def contents() -> set[int]:
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(MailContent.mail_id)))


def with_words(mails: list[int]) -> set[int]:
    """All but the one that is called off at first."""
    return set(mails) - {mails[list(MailState).index(MailState.CALLED_OFF)]}


MOVES = [
    (hold, {MailState.QUEUED: MailState.HELD}),
    (let_go, {MailState.HELD: MailState.QUEUED}),
    (call_off, {MailState.QUEUED: MailState.CALLED_OFF, MailState.HELD: MailState.CALLED_OFF}),
]


@pytest.mark.parametrize("who", ["system", "founder"])
@pytest.mark.parametrize(("step", "moves"), MOVES, ids=["hold", "let_go", "call_off"])
def test_a_step_touches_what_it_is_for(
    world: World, mails: list[int], who: str, step: Step, moves: dict[MailState, MailState]
) -> None:
    with transaction(SYSTEM if who == "system" else world.sign_in(who)) as tx:
        assert step(tx, some(mails)) == len(moves)
    assert states(mails) == [moves.get(state, state) for state in MailState]
    gone = {mail for mail, state in zip(mails, MailState, strict=True) if moves.get(state) == "called_off"}
    assert contents() == with_words(mails) - gone
    with transaction(SYSTEM) as tx:
        assert step(tx, some(mails)) == 0, "a second time finds nothing"


def test_a_step_touches_no_mail_that_is_not_named(mails: list[int]) -> None:
    queued, held = mails[:2]
    with transaction(SYSTEM) as tx:
        assert (hold(tx, some([held])), let_go(tx, some([queued])), call_off(tx, some([]))) == (0, 0, 0)
    assert states(mails) == list(MailState)


@pytest.mark.parametrize("role", ["leader", "teacher", "officer", "parent"])
@pytest.mark.parametrize("step", [hold, let_go, call_off])
def test_nobody_else_takes_a_step(world: World, mails: list[int], role: str, step: Step) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).values(school_id=world.home.id))
    with transaction(world.sign_in(role)) as tx:
        assert step(tx, some(mails)) == 0
    assert states(mails) == list(MailState)
    assert contents() == with_words(mails)


FOUNDERS = {
    *{("failed", "queued"), ("queued", "held"), ("held", "queued")},
    *{("queued", "called_off"), ("held", "called_off")},
}


@pytest.mark.parametrize("after", MailState)
def test_a_founder_takes_no_other_step(world: World, mails: list[int], after: MailState) -> None:
    """Whatever a page of ours might ask for by mistake, the database refuses or passes over."""
    who = world.sign_in("founder")
    for mail in mails:
        with suppress(DBAPIError), transaction(who) as tx:
            tx.execute(update(OutgoingMail).where(OutgoingMail.id == mail).values(state=after))
    expected = [after if (before, after) in FOUNDERS else before for before in MailState]
    assert states(mails) == expected


def test_what_is_held_is_not_sent_and_what_is_let_go_is(mails: list[int]) -> None:
    queued, held = mails[:2]
    with transaction(SYSTEM) as tx:
        assert [each.id for each in queries.take(tx, now=clock.now(), most=10)] == [queued]
    before = waiting_jobs()
    with time_machine.travel(clock.now() + timedelta(days=3)), transaction(SYSTEM) as tx:
        assert let_go(tx, some([held])) == 1
        freed = tx.get_one(OutgoingMail, held)
        assert (freed.next_try_at <= clock.now(), freed.give_up_at - freed.next_try_at) == (True, TRIED_FOR)
    assert waiting_jobs() == before + 1, "somebody is asked to send it"


def test_a_mail_in_a_workers_hands_is_sent_though_all_are_called_off(mails: list[int]) -> None:
    with transaction(SYSTEM) as tx:
        (taken,) = queries.take(tx, now=clock.now(), most=10)
    with transaction(SYSTEM) as tx:
        call_off(tx, select(OutgoingMail.id))
    with transaction(SYSTEM) as tx:
        queries.put_sent(tx, [taken.id], now=clock.now())
    assert states([taken.id]) == ["sent"]


def test_what_came_back_stays_so_when_a_second_worker_has_sent_it(mails: list[int]) -> None:
    bounced = mails[list(MailState).index(MailState.BOUNCED)]
    with transaction(SYSTEM) as tx:
        queries.put_sent(tx, [bounced], now=clock.now())
    assert states([bounced]) == ["bounced"]


def test_what_is_held_for_a_month_is_called_off_and_all_that_ended_is_forgotten(mails: list[int]) -> None:
    now = clock.now()
    ended = [state for state in MailState if state not in ("queued", "held", "sending")]
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).where(OutgoingMail.state.in_(ended)).values(finished_at=now))
    with time_machine.travel(now + timedelta(days=29)):
        assert forget_mail(WHO) == {"called off": 0, "contents": 0, "mails": 0}
    with time_machine.travel(now + timedelta(days=31)):
        assert forget_mail(WHO)["called off"] == 1
    with time_machine.travel(now + timedelta(days=250)):
        assert forget_mail(WHO)["mails"] == len(ended) + 1
    with transaction(SYSTEM) as tx:
        assert mails_by_state(tx) == {"queued": 1, "sending": 1}


def test_steps_of_many_are_one_statement_each(runtime: Runtime, mails: list[int]) -> None:
    letter = Letter(Recipient(None, "sasha@people.example", "Sasha"), PluginSwitched.example())
    with transaction(SYSTEM) as tx:
        written = [each.id for each in post_many(tx, PLUGIN_SWITCHED, [letter] * 1_500)]
        of_them = select(OutgoingMail.id).where(OutgoingMail.id.between(written[0], written[-1]))
        assert (hold(tx, of_them), let_go(tx, of_them), call_off(tx, of_them)) == (1_500,) * 3
        left = select(func.count()).where(MailContent.mail_id.in_(of_them))
        assert tx.scalar(left) == 0
