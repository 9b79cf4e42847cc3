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


@dataclass(frozen=True)
class MessageKind:
    """What stays in the inbox of whoever gets a mail. It is called as the mail is, and has its title.

    `sentence` names nobody. `page` is where it leads, with `{}` for the identifier of what it is about.
    `text` reads what there is to read besides, for whoever got it: None where that is to be read no more.
    The mail comes always, or, with `choice`, as whoever holds that permission likes it.
    """

    mail: Mail
    category: Category
    sentence: str
    page: str = ""
    text: Callable[[Transaction, str], Banner | None] | None = None
    choice: Permission | None = None
