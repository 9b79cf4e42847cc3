"""What was done with plugins, and settings that two founders change at once."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from pydantic import Field, SecretStr
from sqlalchemy import delete, select, update

from backoffice import clock
from backoffice.access import toggles
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts import founders
from backoffice.host import history, queries, services
from backoffice.host.kinds import HISTORY
from backoffice.host.models import PluginHistory, PluginState
from backoffice.plugin import Plugin, PluginSettings
from backoffice.runtime import Runtime
from tests.factories.world import SYSTEM, World


class WrenSettings(PluginSettings):
    """Something to set, and something to hide."""

    days: int = Field(30, ge=1, le=90)
    loud: bool = False
    token: SecretStr = SecretStr("")


WREN = dataclasses.replace(
    Plugin(name="wren", title="Wren", summary="", tables=None, personal_data=(), retention=()),
    settings=WrenSettings,
    keeps_promises=True,
)


@pytest.fixture(autouse=True)
def _installed(runtime: Runtime, world: World) -> Iterator[None]:
    del world
    toggles.install({"wren": True})
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(PluginHistory).where(PluginHistory.plugin == "wren"))
        tx.execute(delete(PluginState).where(PluginState.name == "wren"))
    toggles.install({each.name: each.enabled_at_first for each in runtime.plugins})


@pytest.fixture(scope="module")
def founder(world: World) -> Principal:
    return world.sign_in("founder")


def switch(who: Principal, *, enabled: bool, reason: str | None = None) -> None:
    services.switch_plugin(principal=who, installed=(WREN,), name="wren", enabled=enabled, reason=reason)


def set_wren(
    who: Principal, *, keep: tuple[str, ...] = (), seen: str | None = None, **values: object
) -> None:
    services.set_plugin(principal=who, installed=(WREN,), name="wren", values=values, keep=keep, seen=seen)


def told() -> list[tuple[str, str | None, str | None, bool]]:
    with transaction(SYSTEM) as tx:
        return [
            (line.done, line.fields, line.reason, line.at_server)
            for line in reversed(history.lines(tx, "wren"))
        ]


def stored() -> dict[str, object]:
    with transaction(SYSTEM) as tx:
        return queries.stored_settings(tx, "wren")


def seen() -> str:
    return queries.seen(stored())


def test_settings_do_not_move_since_when_it_is_off(founder: Principal) -> None:
    def since() -> list[datetime | None]:
        with transaction(SYSTEM) as tx:
            return [each.since for each in queries.promises_off(tx, (WREN,))]

    set_wren(founder, days=3)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(PluginState.switched_at).where(PluginState.name == "wren")) is None
    begin = clock.now()
    with time_machine.travel(begin + timedelta(minutes=1), tick=False):
        switch(founder, enabled=False, reason="It is being moved")
        switched = clock.now()
    with time_machine.travel(begin + timedelta(minutes=3), tick=False):
        set_wren(founder, days=4)
        assert since() == [switched]


def test_each_switch_and_change_is_a_line_with_its_reason_and_its_fields(founder: Principal) -> None:
    switch(founder, enabled=False, reason="It hums at night")
    switch(SYSTEM, enabled=True)
    set_wren(founder, days=7, loud=True)
    set_wren(founder, days=7)
    assert told() == [
        ("switched off", None, "It hums at night", False),
        ("switched on", None, None, True),
        ("set", "days\nloud", None, False),
        ("set", "loud", None, False),
    ]
    with transaction(founder) as tx:
        lines = history.lines(tx, "wren")
        assert founders.names(tx)[founder.account_id or 0] == founder.name
    assert [line.done_by for line in lines] == [
        founder.account_id,
        founder.account_id,
        None,
        founder.account_id,
    ]


def test_what_changes_nothing_is_no_line(founder: Principal) -> None:
    set_wren(founder, days=7)
    switch(founder, enabled=True)
    set_wren(founder, days=7, seen="of another day")
    assert len(told()) == 1


def test_what_was_saved_meanwhile_is_not_overwritten(founder: Principal) -> None:
    opened = seen()
    set_wren(founder, days=7, seen=opened)
    with pytest.raises(services.SetMeanwhile, match="Robin Founder saved these settings while") as refused:
        set_wren(founder, days=8, seen=opened)
    assert list(refused.value.fields) == [""]
    assert stored() == {"days": 7}
    # Two who want the same are not in each other's way; whoever has seen it may replace it.
    set_wren(founder, days=7, seen=opened)
    set_wren(founder, days=8, seen=seen())
    assert stored() == {"days": 8}


def test_a_switch_meanwhile_is_no_change_of_the_settings(founder: Principal) -> None:
    opened = seen()
    switch(founder, enabled=False, reason="It hums at night")
    set_wren(founder, days=8, seen=opened)
    assert stored() == {"days": 8}


def test_a_secret_is_stored_as_it_is_kept_and_forgotten(founder: Principal) -> None:
    set_wren(founder, token="s3cret")
    set_wren(founder, days=7, keep=("token",))
    assert stored() == {"days": 7, "token": "s3cret"}
    with transaction(founder) as tx:
        assert queries.settings_of(tx, "wren", WrenSettings).token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(told())
    set_wren(founder, days=7)
    assert stored() == {"days": 7}


def test_lines_of_half_a_year_ago_are_forgotten_and_others_stay(founder: Principal) -> None:
    set_wren(founder, days=7)
    set_wren(founder, days=8)
    with transaction(SYSTEM) as tx:
        first = tx.scalar(select(PluginHistory.id).where(PluginHistory.plugin == "wren").limit(1))
        old = HISTORY.before(clock.now()) - timedelta(minutes=1)
        tx.execute(update(PluginHistory).where(PluginHistory.id == first).values(at=old))
    assert history.forget(SYSTEM.credential) == {"lines": 1}
    assert len(told()) == 1
    with time_machine.travel(HISTORY.period.after(clock.now()) - timedelta(days=1)):
        assert history.forget(SYSTEM.credential) == {"lines": 0}
