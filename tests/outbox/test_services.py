"""Writing mails in the transaction of their cause, trying again, and who may write to whom."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.models import AuditEntry
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox.mail import Mail, NoParameters, Recipient
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.outbox.services import SEND, TRIED_FOR, retry_mail
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.factories.posting import post
from tests.factories.world import SYSTEM, World

REFUSED = "42501"
PARAMETERS = PluginSwitched.example()


def to(world: World, role: str) -> Recipient:
    person = world.people[role]
    return Recipient(person.id, person.email, person.name)


def written(public_id: str) -> tuple[OutgoingMail, MailContent]:
    with transaction(SYSTEM) as tx:
        mail = tx.scalars(select(OutgoingMail).where(OutgoingMail.public_id == public_id)).one()
        return mail, tx.get_one(MailContent, mail.id)


def waiting_jobs() -> int:
    with transaction(SYSTEM) as tx:
        statement = text("select count(*) from queue.procrastinate_jobs where task_name = :name")
        return tx.scalar(statement, {"name": SEND}) or 0


def test_a_mail_is_written_as_it_will_be_read(world: World) -> None:
    with transaction(SYSTEM) as tx:
        mail = post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
    envelope, content = written(mail)
    assert (envelope.name, envelope.state, envelope.attempts) == ("core.plugin-switched", "queued", 0)
    assert (envelope.account_id, envelope.school_id) == (world.people["founder"].id, None)
    assert envelope.give_up_at - envelope.created_at == TRIED_FOR
    assert content.recipient == "founder@people.example"
    for said in (b"Subject: Trust was switched off", b"Hello Robin Founder,", b"<p>Hello Robin Founder,</p>"):
        assert said in content.message


def test_a_mail_is_there_exactly_if_its_cause_is(world: World) -> None:
    before = waiting_jobs()
    with pytest.raises(ZeroDivisionError), transaction(SYSTEM) as tx:
        mail = post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
        raise ZeroDivisionError
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(OutgoingMail.id).where(OutgoingMail.public_id == mail)) is None
    assert waiting_jobs() == before


def test_many_mails_of_one_transaction_wake_the_worker_once(world: World) -> None:
    before = waiting_jobs()
    with transaction(SYSTEM) as tx:
        for role in ("founder", "leader", "teacher"):
            post(tx, PLUGIN_SWITCHED, to=to(world, role), parameters=PARAMETERS)
    assert waiting_jobs() == before + 1
    with transaction(SYSTEM) as tx:
        post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
    assert waiting_jobs() == before + 2


def test_two_transactions_of_one_session_wake_it_twice(world: World, runtime: Runtime) -> None:
    before = waiting_jobs()
    with Transaction(SYSTEM.credential, bind=runtime.database.engine(DatabaseRole.SYSTEM)) as tx:
        for _ in range(2):
            with tx.begin():
                post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
    assert waiting_jobs() == before + 2


def test_a_mail_is_filled_with_its_own_parameters_only(world: World) -> None:
    with pytest.raises(TypeError, match="PluginSwitched"), transaction(SYSTEM) as tx:
        post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=NoParameters())


def test_a_mail_that_nobody_lists_is_not_written(world: World) -> None:
    with pytest.raises(LookupError, match="plugin-switched"), transaction(SYSTEM) as tx:
        stray = Mail("plugin-switched", PluginSwitched)
        post(tx, stray, to=to(world, "founder"), parameters=PARAMETERS)


def test_nothing_of_a_mail_is_readable_in_the_database(world: World, runtime: Runtime) -> None:
    with transaction(SYSTEM) as tx:
        mail = post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        rows = connection.execute(
            text("""select m::text || encode(c.message, 'escape') || encode(c.recipient, 'escape')
                      from app.mail m join app.mail_content c on c.mail_id = m.id
                     where m.public_id = :mail"""),
            {"mail": mail},
        ).scalar_one()
    for word in ("founder@", "Robin", "Trust", "switched off", "repair"):
        assert word not in rows


# -- who writes to whom: the database's own rules


def by(world: World, role: str) -> Principal:
    return Principal(Nobody()) if role == "nobody" else world.sign_in(role)


@dataclass(frozen=True)
class Try:
    """Somebody writes to somebody, in the name of a school or of none."""

    by: str
    to: str | None
    school: str | None
    allowed: bool

    def __str__(self) -> str:
        return f"{self.by} to {self.to} of {self.school}"


TRIES = (
    Try("leader", "teacher", "home", True),
    Try("leader", "elsewhere", "elsewhere", True),
    Try("leader", "outsider", "home", False),
    Try("leader", "outsider", "outside", False),
    Try("leader", "teacher", "outside", False),
    Try("leader", "teacher", None, False),
    Try("leader", None, "home", False),
    Try("leader", "leader", None, True),
    Try("teacher", "teacher", "home", True),
    Try("teacher", "teacher", None, True),
    Try("teacher", "teacher", "outside", False),
    Try("teacher", "colleague", "home", False),
    Try("teacher", "leader", "home", False),
    Try("founder", "founder", None, True),
    Try("founder", "teacher", None, False),
    Try("founder", "teacher", "home", False),
    Try("founder", None, None, False),
    Try("parent", "parent", None, True),
    Try("parent", "teacher", "home", False),
    Try("nobody", "teacher", None, False),
    Try("nobody", None, None, False),
)


@pytest.mark.parametrize("attempt", TRIES, ids=str)
def test_who_writes_to_whom(world: World, attempt: Try) -> None:
    recipient = (
        to(world, attempt.to) if attempt.to else Recipient(None, "somebody@people.example", "Somebody")
    )
    school = getattr(world, attempt.school).id if attempt.school else None

    def write() -> None:
        with transaction(by(world, attempt.by)) as tx:
            post(tx, PLUGIN_SWITCHED, to=recipient, parameters=PARAMETERS, school_id=school)

    if attempt.allowed:
        write()
    else:
        with pytest.raises(DBAPIError) as raised:
            write()
        assert getattr(raised.value.orig, "sqlstate", None) == REFUSED


@pytest.fixture
def second_founder(world: World, runtime: Runtime) -> Any:
    """One of the people becomes a founder for a while."""
    statement = "update app.account set founder = :founder where id = :id"
    number = world.people["parent"].id
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text(statement), {"founder": True, "id": number})
    yield
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text(statement), {"founder": False, "id": number})


def test_founders_write_to_each_other(world: World, second_founder: None) -> None:
    with transaction(world.sign_in("founder")) as tx:
        post(tx, PLUGIN_SWITCHED, to=to(world, "parent"), parameters=PARAMETERS)


def refused(who: Principal, statement: Any) -> bool:
    with pytest.raises(DBAPIError) as raised, transaction(who) as tx:
        tx.execute(statement)
    return getattr(raised.value.orig, "sqlstate", None) == REFUSED


def test_nobody_puts_other_words_into_a_mail(world: World) -> None:
    with transaction(SYSTEM) as tx:
        mail = post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
        number = tx.scalar(select(OutgoingMail.id).where(OutgoingMail.public_id == mail))
        tx.execute(text("delete from app.mail_content where mail_id = :id"), {"id": number})
    words = insert(MailContent).values(mail_id=number, recipient="a@people.example", message=b"x")
    for role in ("founder", "leader"):
        assert refused(world.sign_in(role), words)
        assert refused(world.sign_in(role), update(MailContent).values(message=b"x"))


def test_the_web_declares_no_mail_sent(world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).values(state=MailState.QUEUED))
    with transaction(world.sign_in("leader")) as tx:
        changed = tx.execute(update(OutgoingMail).values(state=MailState.SENT))
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    who = world.sign_in("founder")
    assert refused(who, update(OutgoingMail).values(state=MailState.SENT))
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).values(state=MailState.FAILED, finished_at=clock.now()))
    assert refused(who, update(OutgoingMail).values(state=MailState.SENT))
    assert refused(who, update(OutgoingMail).values(account_id=who.account_id))


# -- trying again


@pytest.fixture
def failed(world: World) -> Callable[..., str]:
    """Writes a mail that was given up."""

    def write(*, ago: timedelta = timedelta(days=1), state: MailState = MailState.FAILED) -> str:
        with transaction(SYSTEM) as tx:
            mail = post(tx, PLUGIN_SWITCHED, to=to(world, "founder"), parameters=PARAMETERS)
            tx.execute(
                update(OutgoingMail)
                .where(OutgoingMail.public_id == mail)
                .values(state=state, attempts=7, finished_at=clock.now() - ago, reason="no")
            )
        return mail

    return write


def test_a_founder_tries_again(world: World, failed: Callable[..., str]) -> None:
    mail, before = failed(), waiting_jobs()
    assert retry_mail(principal=world.sign_in("founder"), mails=[mail]) == 1
    envelope, _content = written(mail)
    assert (envelope.state, envelope.attempts, envelope.finished_at) == ("queued", 0, None)
    assert envelope.give_up_at > clock.now()
    assert waiting_jobs() == before + 1
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1)).all()
    assert verbs == ["mail.retry"]


@pytest.mark.parametrize("role", ["leader", "teacher", "officer", "parent"])
def test_nobody_else_does(world: World, failed: Callable[..., str], role: str) -> None:
    mail = failed()
    with pytest.raises(Denied):
        retry_mail(principal=world.sign_in(role), mails=[mail])
    assert written(mail)[0].state == "failed"


def test_only_what_was_given_up_and_is_still_known_is_tried_again(
    world: World, failed: Callable[..., str]
) -> None:
    mails = [failed(ago=timedelta(days=30)), failed(state=MailState.SENDING), failed(state=MailState.SENT)]
    assert retry_mail(principal=world.sign_in("founder"), mails=mails) == 0
    assert [written(mail)[0].state for mail in mails] == ["failed", "sending", "sent"]


def test_mails_go_with_their_account_and_with_their_school(world: World, runtime: Runtime) -> None:
    with transaction(SYSTEM) as tx:
        post(
            tx,
            PLUGIN_SWITCHED,
            to=to(world, "foreign_parent"),
            parameters=PARAMETERS,
            school_id=world.outside.id,
        )
        count = select(func.count()).where(OutgoingMail.account_id == world.people["foreign_parent"].id)
        assert tx.scalar(count) == 1
        tx.execute(text("delete from app.guardian_link"))
        tx.execute(text("delete from app.account where id = :id"), {"id": world.people["foreign_parent"].id})
        assert tx.scalar(count) == 0
        tx.rollback()
