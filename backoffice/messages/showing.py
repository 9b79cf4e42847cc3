"""How messages are shown: each in a line, and as a number in the menu."""

from typing import NamedTuple

from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext, lazy
from backoffice.messages import queries, registry
from backoffice.messages.kind import Category
from backoffice.messages.models import Message
from backoffice.messages.queries import MOST_COUNTED, After

CATEGORIES = {
    Category.NOTICE: (lazy("Notice"), "info"),
    Category.WARNING: (lazy("Warning"), "bad"),
    Category.REQUEST: (lazy("Request"), "warn"),
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
    page = kind.page.format(message.subject or "")
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
