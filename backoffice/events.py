"""What happens in the product, as typed facts by which its parts meet.

An event is a frozen dataclass of numbers and fixed words, declared beside the service that publishes it.
Plugins list handlers in their descriptor. A handler runs in the caller's transaction: what it writes is kept
or undone together with its cause. What goes outward goes through the outbox or the queue.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


class Publishing(Protocol):
    """The transaction in which an event happens, as far as this module needs to know it."""

    def enabled(self, plugin: str) -> bool:
        """Whether the founders have the plugin switched on."""


@dataclass(frozen=True)
class Event:
    """The base of every event. A subclass is registered by being declared.

    `title` is what people call what happens, in the middle of a sentence.
    """

    title: ClassVar[str]
    registry: ClassVar[dict[str, type["Event"]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        name = f"{cls.__module__}.{cls.__qualname__}"
        Event.registry[name] = cls


Handler = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Subscription:
    """A plugin's handler for one event."""

    plugin: str
    event: type[Event]
    handler: Handler


_subscriptions: dict[type[Event], tuple[Subscription, ...]] = {}


def declared() -> list[type[Event]]:
    """Every declared event, by name."""
    return [Event.registry[name] for name in sorted(Event.registry)]


def subscribe(subscriptions: Iterable[Subscription]) -> None:
    """Make these the subscriptions of the process, in the order in which handlers are called.

    Raises `TypeError` for something that is no event.
    """
    found: dict[type[Event], list[Subscription]] = {}
    known = set(Event.registry.values())
    for each in subscriptions:
        if each.event not in known:
            raise TypeError(f"{each.plugin} handles {each.event!r}, which is no event.")
        found.setdefault(each.event, []).append(each)
    _subscriptions.clear()
    _subscriptions.update({event: tuple(handlers) for event, handlers in found.items()})


def publish(tx: Publishing, event: Event) -> None:
    """Call the handlers of the plugins that are switched on, in the caller's transaction.

    A handler that raises undoes the whole transaction.
    """
    for each in _subscriptions.get(type(event), ()):
        if tx.enabled(each.plugin):
            each.handler(tx, event)
