"""What somebody was told stays with them alone: told once, read when they say so, mailed as they choose."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.mails import PASSWORD_RESET, Happened, Link
from backoffice.accounts.messages import BY_MAIL
from backoffice.accounts.models import Account
from backoffice.audit.models import AuditEntry
from backoffice.families.mails import ParentAsked, RequestAnswered
from backoffice.families.messages import ANSWERED, REQUEST_CAME, REQUEST_DUE
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.messages import queries, registry, services
from backoffice.messages.kinds import MESSAGES
from backoffice.messages.models import MailChoice, Message
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import OutgoingMail
from backoffice.outbox.services import Letter, post, post_many
from backoffice.privacy.retention.runs import forget
from backoffice.reports.mails import ReportsCame
from backoffice.reports.messages import CAME
from backoffice.runtime import Runtime
from backoffice.storage import functions
from backoffice.storage.public_id import many_public_ids
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World, add_founder

LOCKED = BY_MAIL["account-locked"]
CLASSES = {"core.class-role", "core.class-role-ended"}
FAMILIES = {"core.family-waits", "core.request-came"}
READY = "exports.export-ready"
CHOICES = {
    "founder": {"core.policy-proposed", READY},
    "leader": {*CLASSES, *FAMILIES, "rosters.import-finished", READY},
    "teacher": {*CLASSES, *FAMILIES, READY},
    "helper": {*CLASSES, READY},
    "parent": {"core.family-approved", READY},
    "officer": {READY},
}
ASKED = "core.request-came"


@pytest.fixture(autouse=True, scope="module")
def _second_founder(world: World) -> None:
    add_founder(world, "founder_2", "Fenella Founder")


@pytest.fixture(autouse=True)
def _nothing_told(world: World) -> None:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Message))
        tx.execute(delete(OutgoingMail))
        tx.execute(delete(MailChoice))


def reader(world: World, role: str) -> Recipient:
    person = world.people[role]
    return Recipient(person.id, person.email, person.name)


def told(world: World, role: str = "teacher", *, once: str = "a letter") -> str:
    """Tell somebody that their account was locked; the message's public identifier."""
    with transaction(SYSTEM) as tx:
        services.tell(tx, LOCKED, to=reader(world, role), parameters=Happened(clock.now()), once=once)
    with transaction(SYSTEM) as tx:
        mine = select(Message.public_id).where(Message.account_id == world.people[role].id)
        return tx.scalars(mine.order_by(Message.id.desc())).first() or ""


def ask(world: World, role: str, *, once: str = "1") -> object:
    with transaction(SYSTEM) as tx:
        asked = ParentAsked.example()
        return services.tell(tx, REQUEST_CAME, to=reader(world, role), parameters=asked, once=once)


def left(world: World, role: str = "teacher") -> list[Message]:
    with transaction(SYSTEM) as tx:
        mine = select(Message).where(Message.account_id == world.people[role].id)
        return list(tx.scalars(mine.order_by(Message.id)))


def mails(name: str = "") -> int:
    with transaction(SYSTEM) as tx:
        counted = select(func.count()).select_from(OutgoingMail).where(OutgoingMail.name.contains(name))
        return tx.scalar(counted) or 0


def seen(who: Principal) -> list[str]:
    with transaction(who) as tx:
        return [each.public_id for each in queries.page(tx).messages]


def test_what_is_told_stays_and_is_mailed(world: World) -> None:
    message = told(world)
    assert seen(world.sign_in("teacher")) == [message]
    assert mails("account-locked") == 1


def test_the_same_is_told_once(world: World) -> None:
    told(world)
    told(world)
    assert len(left(world)) == 1
    assert mails() == 1
    told(world, once="another letter")
    assert len(left(world)) == 2
    # The same is news to somebody else.
    told(world, "leader")
    assert len(left(world, "leader")) == 1


@pytest.mark.parametrize("role", ["founder", "leader", "officer", "colleague", "parent", "outsider"])
def test_nobody_reads_what_another_was_told(world: World, role: str) -> None:
    message, who = told(world), world.sign_in(role)
    assert seen(who) == []
    with transaction(who) as tx:
        # Without the policy the database has it no other way.
        assert tx.scalars(select(Message)).all() == []
        changed = tx.execute(update(Message).values(read_at=clock.now()))
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        services.read_message(principal=who, message=message)
    with pytest.raises(NotFound):
        services.read_all(principal=who, up_to=message)
    assert left(world)[0].read_at is None


def test_it_is_read_once_and_in_no_trail(world: World) -> None:
    message, who = told(world), world.sign_in("teacher")
    assert world.sign_in("teacher").unread == 1
    services.read_message(principal=who, message=message)
    first = left(world)[0].read_at
    services.read_message(principal=who, message=message)
    assert left(world)[0].read_at == first
    assert world.sign_in("teacher").unread == 0
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).where(AuditEntry.verb.startswith("messages."))).all()
    assert verbs == []


def test_all_are_read_but_what_came_since(world: World) -> None:
    shown = [told(world, once=str(number)) for number in range(3)]
    told(world, once="since")
    who = world.sign_in("teacher")
    assert services.read_all(principal=who, up_to=shown[-1]) == 3
    assert [each.read_at is None for each in left(world)] == [False, False, False, True]
    assert services.read_all(principal=who, up_to=shown[-1]) == 0


@pytest.mark.parametrize(
    "change",
    [
        update(Message).values(kind="core.second-factor"),
        update(Message).values(account_id=select(func.max(Account.id)).scalar_subquery()),
        update(Message).values(read_at=None),
        delete(Message),
        insert(Message).values(
            account_id=1, public_id="a" * 16, kind="core.new-device", once="x", created_at=clock.now()
        ),
    ],
)
def test_the_web_changes_nothing_else(world: World, change: Any) -> None:
    told(world)
    with pytest.raises(DBAPIError), transaction(world.sign_in("teacher")) as tx:
        tx.execute(change)


def test_the_web_leaves_no_message_but_with_a_mail_that_it_writes(world: World) -> None:
    """Not by itself, founders neither; not with another's mail, nor as for another than that is for."""
    founder, second = world.sign_in("founder"), world.people["founder_2"].id
    row = {"account_id": second, "public_id": "a" * 16, "kind": "notifications.notice-v1", "once": "x"}
    with pytest.raises(DBAPIError), transaction(founder) as tx:
        tx.execute(insert(Message).values(**row, created_at=clock.now()))
    with transaction(SYSTEM) as tx:
        letter = Letter(reader(world, "colleague"), Happened(clock.now()))
        (others,) = post_many(tx, LOCKED.mail, [letter])
        tx.execute(delete(Message))
    assert others is not None
    victim = world.people["parent"].id
    made = functions.MessageRow(others.id, "b" * 16, victim, None, "y")
    for role in ("founder", "leader", "teacher"):
        with transaction(world.sign_in(role)) as tx:
            assert functions.leave_messages(tx, [made], skips_told=True, skips_unwanted=True) == frozenset()
        assert left(world, "colleague") == left(world, "parent") == []
    with transaction(founder) as tx:
        parameters = PluginSwitched.example()
        # It says that it is for a parent's inbox: the web is not believed.
        to = replace(reader(world, "founder_2"), inbox=victim)
        post(tx, PLUGIN_SWITCHED, to=to, parameters=parameters)
    assert left(world, "parent") == []
    assert len(left(world, "founder_2")) == 1


def test_nobody_reads_what_another_turned_off(world: World) -> None:
    services.choose_mails(principal=world.sign_in("teacher"), wanted=())
    for role in ("leader", "colleague", "co_teacher", "founder", "officer"):
        who = world.sign_in(role)
        with transaction(who) as tx:
            assert tx.scalars(select(MailChoice)).all() == []
            changed = tx.execute(update(MailChoice).values(unwanted=[]))
            assert changed.rowcount == 0  # type: ignore[attr-defined]
    with transaction(world.sign_in("teacher")) as tx:
        assert ASKED in queries.unwanted_mails(tx)


def test_a_school_that_reads_its_envelopes_does_not_see_whose_inbox_it_is(world: World) -> None:
    person = world.people["parent"]
    to = Recipient(None, person.email, person.name, inbox=person.id)
    with transaction(SYSTEM) as tx:
        post(tx, ANSWERED.mail, to=to, parameters=RequestAnswered.example(), school_id=world.home.id)
        assert tx.scalars(select(OutgoingMail.account_id)).all() == [None]
    (told_parent,) = left(world, "parent")
    assert (told_parent.kind, told_parent.school_id) == ("core.request-answered", world.home.id)
    with transaction(world.sign_in("leader")) as tx:
        assert tx.scalars(select(Message)).all() == []


def test_founders_tell_each_other_and_nobody_else(world: World) -> None:
    with transaction(world.sign_in("founder")) as tx:
        services.tell(tx, CAME, to=reader(world, "founder_2"), parameters=ReportsCame(1, 1), once="1")
    assert len(left(world, "founder_2")) == 1
    with pytest.raises(DBAPIError), transaction(world.sign_in("founder")) as tx:
        services.tell(tx, CAME, to=reader(world, "teacher"), parameters=ReportsCame(1, 1), once="1")


def test_a_mail_that_was_turned_off_is_not_sent_and_the_message_stays(world: World) -> None:
    services.choose_mails(principal=world.sign_in("teacher"), wanted=())
    assert ask(world, "teacher") is None
    assert ask(world, "leader") is not None
    assert mails("request-came") == 1
    assert [len(left(world, each)) for each in ("teacher", "leader")] == [1, 1]
    # A founder who tells another something goes by it, too.
    with transaction(SYSTEM) as tx:
        second = world.people["founder_2"].id
        tx.execute(insert(MailChoice).values(account_id=second, unwanted=[ASKED]))
    with transaction(world.sign_in("founder")) as tx:
        other, asked = reader(world, "founder_2"), ParentAsked.example()
        assert services.tell(tx, REQUEST_CAME, to=other, parameters=asked, once="2") is None
    assert mails("request-came") == 1


def test_only_what_may_be_turned_off_is(world: World) -> None:
    who = world.sign_in("teacher")
    assert registry.choices(who).keys() == CHOICES["teacher"]
    services.choose_mails(principal=who, wanted=["core.account-locked", "no such mail"])
    with transaction(who) as tx:
        assert queries.unwanted_mails(tx) == CHOICES["teacher"]
    told(world)
    assert mails("account-locked") == 1
    services.choose_mails(principal=who, wanted=CHOICES["teacher"])
    with transaction(who) as tx:
        assert queries.unwanted_mails(tx) == frozenset()


@pytest.mark.parametrize("role", ["founder", "leader", "teacher", "helper", "parent", "officer"])
def test_everybody_is_offered_what_they_may_get(world: World, role: str) -> None:
    assert registry.choices(world.sign_in(role)).keys() == CHOICES[role]


def test_what_matters_cannot_be_turned_off(world: World) -> None:
    del world
    choosable = {name for name, kind in registry.installed().items() if kind.choice is not None}
    assert choosable == set().union(*CHOICES.values())
    assert REQUEST_DUE.choice is None
    assert REQUEST_CAME.choice is not None
    assert "notifications.notice-v1" in registry.installed()


def test_one_statement_tells_many(world: World, runtime: Runtime) -> None:
    people = [reader(world, role) for role in ("teacher", "leader", "parent")]
    contact = replace(people[0], account_id=None)
    letters = [Letter(each, Happened(clock.now())) for each in (*people, contact)]
    ran: list[str] = []

    def note(*said: Any) -> None:
        ran.append(said[2])

    engine = runtime.database.engine(DatabaseRole.SYSTEM)
    event.listen(engine, "before_cursor_execute", note)
    try:
        with transaction(SYSTEM) as tx:
            posted = services.tell_many(tx, LOCKED, letters, once="all")
            told_by = len(ran)
        leaving = [each for each in ran if "leave_messages" in each]
        ran.clear()
        with transaction(SYSTEM) as tx:
            post_many(tx, PASSWORD_RESET, [each._replace(parameters=Link.example()) for each in letters])
            posted_by = len(ran)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert all(posted)
    assert len(leaving) == 1
    assert told_by == posted_by + 1
    with transaction(SYSTEM) as tx:
        services.tell_many(tx, LOCKED, letters, once="all")
    assert [len(left(world, each)) for each in ("teacher", "leader", "parent")] == [1, 1, 1]


def test_many_are_told_as_each_chose(world: World) -> None:
    services.choose_mails(principal=world.sign_in("teacher"), wanted=())
    people = [reader(world, "teacher"), reader(world, "leader")]
    with transaction(SYSTEM) as tx:
        letters = [Letter(each, ParentAsked.example()) for each in people]
        first, second = services.tell_many(tx, REQUEST_CAME, letters, once="all")
    assert first is None
    assert second is not None
    assert mails() == 1


def test_what_tells_it_from_the_next_is_said(world: World) -> None:
    with pytest.raises(TypeError), transaction(SYSTEM) as tx:
        services.tell(tx, LOCKED, to=reader(world, "teacher"), parameters=Happened(clock.now()))


def test_it_goes_after_a_year(world: World) -> None:
    told(world)
    with time_machine.travel(clock.now() + timedelta(days=364)), transaction(SYSTEM) as tx:
        assert forget(tx, MESSAGES) == 0
    with time_machine.travel(clock.now() + timedelta(days=367)), transaction(SYSTEM) as tx:
        assert forget(tx, MESSAGES) == 1
    assert left(world) == []


def fill(world: World, count: int) -> None:
    me = world.people["teacher"].id
    rows = [
        {
            "account_id": me,
            "public_id": public_id,
            "kind": "core.account-locked",
            "once": str(number),
            "created_at": clock.now(),
            "read_at": None if number % 100 == 0 else clock.now(),
        }
        for number, public_id in zip(range(count), many_public_ids(), strict=False)
    ]
    with transaction(SYSTEM) as tx:
        tx.execute(insert(Message), rows)


def test_ten_thousand_are_read_page_by_page_unread_ones_first(world: World) -> None:
    fill(world, 10_000)
    who = world.sign_in("teacher")
    assert who.unread == 100
    found: list[Message] = []
    after = None
    with transaction(who) as tx:
        while True:
            page = queries.page(tx, after=after, most=500)
            assert len(page.messages) <= 500
            found += page.messages
            after = page.after
            if after is None:
                break
    assert len({each.id for each in found}) == len(found) == 10_000
    assert [each.read_at is None for each in found] == [True] * 100 + [False] * 9_900
    for part in (found[:100], found[100:]):
        assert [each.id for each in part] == sorted((each.id for each in part), reverse=True)


def test_a_page_goes_on_where_it_was_though_what_stood_last_was_read(world: World) -> None:
    fill(world, 300)
    who = world.sign_in("teacher")
    with transaction(who) as tx:
        first = queries.page(tx, most=2)
    services.read_message(principal=who, message=first.messages[-1].public_id)
    with transaction(who) as tx:
        rest = queries.page(tx, after=first.after, most=500).messages
    assert len(rest) == 299
    assert rest[0].read_at is None


def test_pages_read_by_an_index(world: World, runtime: Runtime) -> None:
    fill(world, 10_000)
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.exec_driver_sql("analyze app.message")
    with transaction(world.sign_in("teacher")) as tx:
        unread = Message.read_at.is_(None)
        asked = (
            select(Message.id)
            .where(Message.account_id == world.people["teacher"].id)
            .order_by(unread.desc(), Message.id.desc())
            .limit(51)
        )
        said = asked.compile(tx.connection(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(tx.connection().exec_driver_sql(f"explain {said}").scalars())
    assert "ix_message_in_order" in plan, plan
    assert "Sort" not in plan, plan
