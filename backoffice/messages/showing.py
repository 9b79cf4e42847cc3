"""How messages are shown: each in a line, and as a number in the menu."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext, lazy
from backoffice.messages import queries, registry
from backoffice.messages.kind import Category, Group, MessageKind
from backoffice.messages.models import Message
from backoffice.messages.queries import MOST_COUNTED, After

CATEGORIES = {
    Category.NOTICE: (lazy("Notice"), "info"),
    Category.WARNING: (lazy("Warning"), "bad"),
    Category.REQUEST: (lazy("Request"), "warn"),
}
GROUPS = {
    Group.CLASSES: lazy("My classes"),
    Group.FAMILIES: lazy("Families"),
    Group.LISTS: lazy("Lists and exports"),
    Group.COMPANY: lazy("The company"),
}
GONE = lazy("A message of a part that is not here any more")


class Shown(NamedTuple):
    """A message as its line says it. `page` is where it leads to, if anywhere but to itself."""

    message: Message
    title: str
    sentence: str
    category: str
    tone: str
    page: str

    @property
    def address(self) -> str:
        """Where it is read."""
        return f"/messages/{self.message.public_id}"


class Listed(NamedTuple):
    """Messages in order, behind what the next ones begin if there are more, and whether any is unread."""

    shown: list[Shown]
    after: After | None
    any_unread: bool


def line(message: Message) -> Shown:
    """One message, in the language that is spoken."""
    kind = registry.named(message.kind)
    if kind is None:
        return Shown(message, str(GONE), "", str(CATEGORIES[Category.NOTICE][0]), "mute", "")
    words, tone = CATEGORIES[kind.category]
    # A page of something is none where nothing is named.
    leads = message.subject or "{}" not in kind.page
    page = kind.page.format(quote(message.subject or "", safe="")) if leads else ""
    return Shown(message, kind.mail.called, str(kind.sentence), str(words), tone, page)


def listed(tx: Transaction, *, after: After | None = None, most: int = queries.ON_A_PAGE) -> Listed:
    """A page of the own messages. Raises `NotFound`."""
    found = queries.page(tx, after=after, most=most)
    return Listed([*map(line, found.messages)], found.after, bool(tx.principal.unread))


def unread(who: Principal) -> str:
    """How many messages are unread, for the menu; nothing where there are none."""
    if not who.unread:
        return ""
    if who.unread > MOST_COUNTED:
        return gettext("%(most)s+ new", most=MOST_COUNTED)
    return gettext("%(count)s new", count=who.unread)


def grouped(offered: Mapping[str, MessageKind]) -> list[tuple[str, list[str]]]:
    """What the mails that may be turned off are about, in order, with the names of those of each."""
    found = (
        (str(title), [name for name, kind in offered.items() if kind.choice and kind.choice.group is group])
        for group, title in GROUPS.items()
    )
    return [(title, names) for title, names in found if names]
