"""Switching and setting plugins: who may, what breaks others, what every process sees afterwards."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread

import pytest
from pydantic import Field, model_validator
from sqlalchemy import select, text

from backoffice.access import toggles
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.host import queries, services
from backoffice.host.models import PluginState
from backoffice.plugin import Plugin, PluginSettings
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World


class HeronSettings(PluginSettings):
    """Something to set."""

    days: int = Field(30, ge=1, le=90)
    loud: bool = False

    @model_validator(mode="after")
    def _not_both(self) -> "HeronSettings":
        if self.loud and self.days == 1:
            raise ValueError("One loud day is too much")
        return self


def plugin(name: str, **more: object) -> Plugin:
    made = Plugin(name=name, title=name.capitalize(), summary="", tables=None, personal_data=(), retention=())
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


INSTALLED = (
    plugin("heron", settings=HeronSettings),
    plugin("egret", requires=("heron",)),
    plugin("stork", keeps_promises=True),
    plugin("crane", enabled_at_first=False),
)


@pytest.fixture(autouse=True)
def installed(runtime: Runtime, world: World) -> Iterator[None]:
    """These four are installed, and nobody has switched or set any."""
    del world
    toggles.install({each.name: each.enabled_at_first for each in INSTALLED})
    yield
    with transaction(SYSTEM) as tx:
        for state in tx.scalars(select(PluginState).where(PluginState.name != "trust")):
            tx.delete(state)
    toggles.install({each.name: each.enabled_at_first for each in runtime.plugins})


@pytest.fixture(scope="module")
def founder(world: World) -> Principal:
    return world.sign_in("founder")


def on(name: str, who: Principal | Nobody | Purpose = SYSTEM) -> bool:
    with transaction(who) as tx:
        return tx.enabled(name)


def switch(who: Principal, name: str, enabled: bool, reason: str | None = None) -> None:
    services.switch_plugin(principal=who, installed=INSTALLED, name=name, enabled=enabled, reason=reason)


def last_entry() -> tuple[str, dict[str, object]]:
    with transaction(SYSTEM) as tx:
        entry = tx.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        detail = tx.scalars(select(AuditDetail).where(AuditDetail.entry_id == entry.id)).one()
        return entry.verb, detail.detail


def test_what_nobody_switched_is_as_it_was_installed() -> None:
    assert [on(each.name) for each in INSTALLED] == [True, True, True, False]


def test_what_is_not_installed_is_off() -> None:
    assert on("dodo") is False


@pytest.mark.parametrize("who", ["founder", "teacher", None])
def test_a_switch_is_seen_by_everybody_at_once(world: World, founder: Principal, who: str | None) -> None:
    seen_by = world.sign_in(who) if who else Nobody()
    assert on("egret", seen_by)
    switch(founder, "egret", enabled=False)
    assert not on("egret", seen_by)
    switch(founder, "egret", enabled=True)
    assert on("egret", seen_by)


def test_a_child_sees_it_too(world: World, founder: Principal) -> None:
    child = world.student(world.own_class, world.own_class.children[0])
    switch(founder, "egret", enabled=False)
    assert not on("egret", child)


@pytest.mark.parametrize("who", [None, SYSTEM], ids=["account", "system"])
def test_a_transaction_keeps_what_it_began_with(founder: Principal, who: Purpose | None) -> None:
    switch(founder, "egret", enabled=True)
    with transaction(who or founder) as tx:
        assert tx.enabled("egret")
        switch(founder, "egret", enabled=False)
        assert tx.enabled("egret")


def test_the_trail_says_who_switched_what(founder: Principal) -> None:
    switch(founder, "egret", enabled=False)
    verb, detail = last_entry()
    assert (verb, detail["plugin"]) == ("plugins.disable", "egret")
    assert detail["actor"] == {"account": founder.account_id, "session": founder.session_id}
    switch(founder, "egret", enabled=True)
    assert last_entry()[0] == "plugins.enable"


def test_what_is_so_already_is_left_alone(founder: Principal) -> None:
    with transaction(SYSTEM) as tx:
        before = tx.scalars(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)).first()
    switch(founder, "egret", enabled=True)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(PluginState).where(PluginState.name == "egret")).all() == []
        assert tx.scalars(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)).first() == before


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent"])
def test_only_founders_switch_and_set(world: World, role: str) -> None:
    who = world.sign_in(role)
    with pytest.raises(Denied):
        switch(who, "egret", enabled=False)
    with pytest.raises(Denied):
        services.set_plugin(principal=who, installed=INSTALLED, name="heron", values={"days": 5})
    assert on("egret")


def test_a_plugin_that_another_needs_stays_on(founder: Principal) -> None:
    with pytest.raises(Rejected, match=r"^Egret needs Heron\. Switch that off first\.$"):
        switch(founder, "heron", enabled=False)
    assert on("heron")
    switch(founder, "egret", enabled=False)
    switch(founder, "heron", enabled=False)
    with pytest.raises(Rejected, match=r"^Egret needs Heron\. Switch that on first\.$"):
        switch(founder, "egret", enabled=True)
    assert not on("egret")


@pytest.mark.parametrize("reason", [None, "", "   ", "no", "x" * 501])
def test_what_keeps_promises_needs_a_reason(founder: Principal, reason: str | None) -> None:
    with pytest.raises(Rejected) as refused:
        switch(founder, "stork", enabled=False, reason=reason)
    assert list(refused.value.fields) == ["reason"]
    assert on("stork")


def test_the_reason_is_kept_until_it_is_on_again(founder: Principal) -> None:
    switch(founder, "stork", enabled=False, reason="  Wilhelmina asked\nfor it ")

    def reason() -> str | None:
        with transaction(founder) as tx:
            return tx.scalars(select(PluginState.reason).where(PluginState.name == "stork")).one()

    assert reason() == "Wilhelmina asked for it"
    switch(founder, "stork", enabled=True)
    assert reason() is None


def test_everybody_may_know_that_a_promise_is_without_its_part(founder: Principal) -> None:
    with transaction(Nobody()) as tx:
        assert queries.promises_off(tx, INSTALLED) == []
    switch(founder, "stork", enabled=False, reason="A very good reason")
    with transaction(Nobody()) as tx:
        (off,) = queries.promises_off(tx, INSTALLED)
        assert tx.scalars(select(PluginState)).all() == []
    assert off.plugin.name == "stork"
    assert off.since is not None


def test_a_plugin_that_is_not_installed_is_not_found(founder: Principal) -> None:
    with pytest.raises(NotFound):
        switch(founder, "dodo", enabled=True)
    with pytest.raises(NotFound):
        services.set_plugin(principal=founder, installed=INSTALLED, name="egret", values={})


def settings(who: Principal | Nobody = SYSTEM) -> HeronSettings:
    with transaction(who) as tx:
        return queries.settings_of(tx, "heron", HeronSettings)


def set_heron(who: Principal, **values: object) -> None:
    services.set_plugin(principal=who, installed=INSTALLED, name="heron", values=values)


def test_settings_are_at_their_defaults_until_set(founder: Principal) -> None:
    assert settings() == HeronSettings()
    set_heron(founder, days=7)
    assert settings(Nobody()) == HeronSettings(days=7)
    assert last_entry() == (
        "plugins.set",
        {"actor": {"account": founder.account_id, "session": founder.session_id}, "plugin": "heron",
         "fields": ["days"]},
    )  # fmt: skip


def test_a_field_that_is_left_out_goes_back_to_its_default(founder: Principal) -> None:
    set_heron(founder, days=7, loud=True)
    set_heron(founder, loud=True)
    assert settings() == HeronSettings(loud=True)


def test_setting_leaves_the_switch_alone(founder: Principal) -> None:
    switch(founder, "egret", enabled=False)
    switch(founder, "heron", enabled=False)
    set_heron(founder, days=7)
    assert not on("heron")


def test_wrong_values_are_told_by_field_and_change_nothing(founder: Principal) -> None:
    set_heron(founder, days=7)
    with pytest.raises(Rejected) as refused:
        set_heron(founder, days=0, loud="perhaps", wings=2)
    assert set(refused.value.fields) == {"days", "loud", "wings"}
    assert settings() == HeronSettings(days=7)


def test_what_is_wrong_as_a_whole_is_told_of_the_whole(founder: Principal) -> None:
    with pytest.raises(Rejected) as refused:
        set_heron(founder, days=1, loud=True)
    assert refused.value.fields == {"": "One loud day is too much."}


def test_a_stored_value_that_is_no_longer_allowed_is_as_if_not_set(founder: Principal) -> None:
    set_heron(founder, days=80, loud=True)

    class Stricter(PluginSettings):
        """A later version."""

        days: int = Field(30, ge=1, le=60)
        loud: bool = False

    with transaction(SYSTEM) as tx:
        assert queries.settings_of(tx, "heron", Stricter) == Stricter(loud=True)


def at_once(runtime: Runtime, *calls: Callable[[], None]) -> list[Exception]:
    """Let them all come as far as writing, or waiting for another, before any goes on; what they raised."""
    raised: list[Exception] = []

    def keep(call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)

    threads = [Thread(target=keep, args=(call,)) for call in calls]
    waiting = text("select count(*) from pg_locks where not granted")
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("lock table app.plugin_state in exclusive mode"))
        for thread in threads:
            thread.start()
        end = time.monotonic() + 30
        while connection.scalar(waiting) != len(calls):
            assert time.monotonic() < end, "They do not all wait."
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    return raised


def test_stored_values_that_do_not_go_together_any_longer_are_as_if_not_set(founder: Principal) -> None:
    set_heron(founder, days=80, loud=True)

    class Quieter(PluginSettings):
        """A later version."""

        days: int = 30
        loud: bool = False

        @model_validator(mode="after")
        def _quiet(self) -> "Quieter":
            if self.loud and self.days > 60:
                raise ValueError("Too loud for too long")
            return self

    with transaction(SYSTEM) as tx:
        assert queries.settings_of(tx, "heron", Quieter) == Quieter()


def test_two_founders_at_once_both_count(runtime: Runtime, founder: Principal) -> None:
    """The version grows by every change, or a process could miss one."""

    def version() -> int:
        with transaction(founder) as tx:
            return sum(tx.scalars(select(PluginState.version)))

    before = version()
    assert at_once(runtime, partial(set_heron, founder, days=3), partial(set_heron, founder, loud=True)) == []
    assert version() - before == 2


def test_two_founders_at_once_leave_no_plugin_without_what_it_needs(
    runtime: Runtime, founder: Principal
) -> None:
    switch(founder, "egret", enabled=False)
    refused = at_once(
        runtime,
        partial(switch, founder, "heron", enabled=False),
        partial(switch, founder, "egret", enabled=True),
    )
    assert [type(each) for each in refused] == [Rejected]
    assert on("heron") == on("egret")
