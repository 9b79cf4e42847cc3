"""What a message is: what it says in a sentence, where it leads, and whether its mail may be turned off."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from backoffice.access.permissions import Permission
from backoffice.access.transaction import Transaction
from backoffice.banner import Banner
from backoffice.outbox.mail import Mail


class Category(StrEnum):
    """What a message is for: to be known, to be looked at, to be answered."""

    NOTICE = "notice"
    WARNING = "warning"
    REQUEST = "request"


class Always(StrEnum):
    """Why a mail always comes, whatever somebody would like."""

    SECURITY = "It may have been somebody else, and whoever it was may be reading the inbox."
    CHILD = "A child waits for a grown-up."
    DATA = "We have promised to tell people what happens to data about them or their school."
    DEADLINE = "Something is deleted, or a limit of the law is over, if nobody reads it in time."
    ACCESS = "What somebody may see has changed, and the inbox may not be open to them any more."
    MONEY = "Money of a school is asked for, owed or paid, and somebody has to answer for it."
    COMPANY = "What one founder does alone, or a machine found, another has to hear of at once."


class Group(StrEnum):
    """What a mail that may be turned off is about, as the page of choices puts them together."""

    CLASSES = "classes"
    FAMILIES = "families"
    LISTS = "lists"
    COMPANY = "company"


@dataclass(frozen=True)
class Choice:
    """That a mail may be turned off: under what it stands, and by which permission somebody may get it.

    Without a permission everybody may.
    """

    group: Group
    permission: Permission | None = None


@dataclass(frozen=True)
class MessageKind:
    """What stays in the inbox of whoever gets a mail. It is called as the mail is, and has its title.

    `sentence` names nobody. `page` is where it leads, with `{}` for the identifier of what it is about.
    `text` reads what there is to read besides, for whoever got it: None where that is to be read no more.
    The mail comes always, for a reason, or, with a `Choice`, as whoever gets it likes it.
    """

    mail: Mail
    category: Category
    sentence: str
    by_mail: Always | Choice
    page: str = ""
    text: Callable[[Transaction, str], Banner | None] | None = None

    @property
    def choice(self) -> Choice | None:
        """Who may turn its mail off, if anybody may."""
        return self.by_mail if isinstance(self.by_mail, Choice) else None
