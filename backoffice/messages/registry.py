"""Every kind of message that this process can leave, by the full name of its mail."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.messages.kind import MessageKind
from backoffice.outbox import registry as mails


class Owner(Protocol):
    """What declares messages: a plugin."""

    @property
    def messages(self) -> tuple[MessageKind, ...]:
        """Its messages."""


_installed: Mapping[str, MessageKind] = {}


def install(core: Iterable[MessageKind], plugins: Iterable[Owner]) -> None:
    """Make these the messages of the process, after its mails. Raises `LookupError` for an unlisted mail."""
    global _installed  # noqa: PLW0603 - a process has one set of messages
    kinds = (*core, *(each for plugin in plugins for each in plugin.messages))
    _installed = {name_of(kind): kind for kind in kinds}


def name_of(kind: MessageKind) -> str:
    """What a kind is called. Raises `LookupError` for a mail that nobody lists."""
    return mails.current().of(kind.mail).name


def named(name: str) -> MessageKind | None:
    """The kind of a name; None of a plugin that is here no more."""
    return _installed.get(name)


def installed() -> Mapping[str, MessageKind]:
    """All kinds by name."""
    return _installed


def choices(principal: Principal) -> Mapping[str, MessageKind]:
    """The kinds whose mail the principal may turn off."""
    return {
        name: kind
        for name, kind in _installed.items()
        if kind.choice is not None
        and (kind.choice.permission is None or can(principal, kind.choice.permission))
    }
