"""Events: typed facts, handled in the caller's transaction by the plugins that are on."""

from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, dataclass

import pytest
from sqlalchemy import func, select

from backoffice import events
from backoffice.access import toggles
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.models import AuditEntry
from backoffice.audit.trail import record
from backoffice.events import Event, Handler, Subscription, publish
from backoffice.host.services import switch_plugin
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime
from tests.factories.world import SYSTEM, World


@dataclass(frozen=True)
class EggLaid(Event):
    """A heron laid an egg."""

    heron_id: int


@dataclass(frozen=True)
class EggHatched(Event):
    """Nobody asked for this one."""


Subscribe = Callable[..., None]


@pytest.fixture
def subscribe(runtime: Runtime) -> Iterator[Subscribe]:
    """Subscribes handlers of two plugins, both on, in this order."""
    toggles.install({"heron": True, "egret": True})

    def make(**handlers: Handler) -> None:
        events.subscribe(Subscription(name, EggLaid, handler) for name, handler in handlers.items())

    yield make
    events.subscribe(each for plugin in runtime.plugins for each in plugin.subscriptions)
    toggles.install({each.name: each.enabled_at_first for each in runtime.plugins})


def note(verb: str) -> Handler:
    return lambda tx, event: record(tx, verb, heron=event.heron_id)


def noted(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == verb)) or 0


def test_declared_events_are_in_one_registry() -> None:
    assert {EggLaid, EggHatched} <= set(events.declared())
    assert Event not in events.declared()


def test_an_event_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        EggLaid(1).heron_id = 2  # type: ignore[misc]


def test_handlers_are_called_in_order_with_the_callers_transaction(subscribe: Subscribe) -> None:
    seen: list[tuple[str, Transaction, Event]] = []
    subscribe(
        heron=lambda tx, event: seen.append(("heron", tx, event)),
        egret=lambda tx, event: seen.append(("egret", tx, event)),
    )
    with transaction(SYSTEM) as tx:
        publish(tx, EggLaid(7))
        publish(tx, EggHatched())
        assert seen == [("heron", tx, EggLaid(7)), ("egret", tx, EggLaid(7))]


def test_what_a_handler_wrote_goes_with_its_cause(subscribe: Subscribe) -> None:
    subscribe(heron=note("test.undone"))
    with pytest.raises(ZeroDivisionError), transaction(SYSTEM) as tx:
        publish(tx, EggLaid(7))
        raise ZeroDivisionError
    assert noted("test.undone") == 0
    with transaction(SYSTEM) as tx:
        publish(tx, EggLaid(7))
    assert noted("test.undone") == 1


def test_a_handler_that_fails_undoes_everything(subscribe: Subscribe) -> None:
    def fail(_tx: Transaction, _event: Event) -> None:
        raise ZeroDivisionError

    subscribe(heron=note("test.first"), egret=fail)
    with pytest.raises(ZeroDivisionError), transaction(SYSTEM) as tx:
        record(tx, "test.cause")
        publish(tx, EggLaid(7))
    assert (noted("test.cause"), noted("test.first")) == (0, 0)


def test_a_plugin_that_is_off_is_not_called(subscribe: Subscribe, world: World) -> None:
    called: list[str] = []
    subscribe(
        heron=lambda _tx, _event: called.append("heron"), egret=lambda _tx, _event: called.append("egret")
    )
    plugins = [
        Plugin(name=name, title=name, summary="", tables=None, personal_data=(), retention=())
        for name in ("heron", "egret")
    ]
    founder = world.sign_in("founder")
    switch_plugin(principal=founder, installed=plugins, name="heron", enabled=False)
    with transaction(SYSTEM) as tx:
        publish(tx, EggLaid(7))
    assert called == ["egret"]
    switch_plugin(principal=founder, installed=plugins, name="heron", enabled=True)
    with transaction(SYSTEM) as tx:
        publish(tx, EggLaid(7))
    assert called == ["egret", "heron", "egret"]


def test_what_is_no_event_cannot_be_subscribed_to() -> None:
    with pytest.raises(TypeError, match="heron handles"):
        events.subscribe([Subscription("heron", int, note("test.never"))])  # type: ignore[arg-type]
