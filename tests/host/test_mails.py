"""Who is told, and by which words, when a part that keeps promises is switched."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.host.services import switch_plugin
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World

REASON = "The checks take too long just now"


@pytest.fixture(autouse=True)
def second_founder(world: World, runtime: Runtime) -> Iterator[None]:
    """The parent is a founder too, and the helper is one who left; no mail waits."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
        connection.execute(
            text("update app.account set founder = true where id = any (:ids)"),
            {"ids": [world.people["parent"].id, world.people["helper"].id]},
        )
        connection.execute(
            text("update app.account set status = 'suspended' where id = :id"),
            {"id": world.people["helper"].id},
        )
    yield
    with transaction(SYSTEM) as tx:
        on = tx.enabled("trust")
    if not on:
        switch_plugin(principal=SYSTEM, installed=runtime.plugins, name="trust", enabled=True)


def told() -> dict[str, str]:
    """Whom mails are for, and what they say."""
    with transaction(SYSTEM) as tx:
        rows = tx.execute(select(MailContent.recipient, MailContent.message)).all()
    return {recipient: message.decode() for recipient, message in rows}


def switch(who: Principal, runtime: Runtime, *, enabled: bool, reason: str | None = None) -> None:
    switch_plugin(principal=who, installed=runtime.plugins, name="trust", enabled=enabled, reason=reason)


def test_the_other_founders_are_told_and_nobody_else(world: World, runtime: Runtime) -> None:
    switch(world.sign_in("founder"), runtime, enabled=False, reason=REASON)
    mails = told()
    assert set(mails) == {"parent@people.example"}
    for said in ("Subject: Trust was switched off", "Hello Pia Parent", "Robin Founder", REASON):
        assert said in mails["parent@people.example"]


def test_they_are_told_when_it_is_on_again(world: World, runtime: Runtime) -> None:
    switch(SYSTEM, runtime, enabled=False, reason=REASON)
    with transaction(SYSTEM) as tx:
        tx.execute(text("delete from app.mail"))
    switch(world.sign_in("founder"), runtime, enabled=True)
    mails = told()
    assert set(mails) == {"parent@people.example"}
    assert "Subject: Trust was switched on" in mails["parent@people.example"]


def test_a_command_on_the_server_tells_all_of_them(runtime: Runtime) -> None:
    switch(SYSTEM, runtime, enabled=False, reason=REASON)
    mails = told()
    assert set(mails) == {"parent@people.example", "founder@people.example"}
    assert all("Somebody at the server" in said for said in mails.values())


def test_what_keeps_no_promise_is_switched_without_a_word(world: World, runtime: Runtime) -> None:
    name = next(plugin.name for plugin in runtime.plugins if not plugin.keeps_promises)
    for enabled in (False, True):
        switch_plugin(
            principal=world.sign_in("founder"), installed=runtime.plugins, name=name, enabled=enabled
        )
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(OutgoingMail)).all() == []
