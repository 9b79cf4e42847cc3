"""Pages that plugins offer where something is shown that they are about.

The core knows no plugin, and leads there all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backoffice.access.transaction import Transaction


class Where(StrEnum):
    """Where the core asks what is offered: beside one thing, or above a list of them."""

    ACCOUNT = "account"
    # An own child, as a parent sees it.
    CHILD = "child"
    STUDENT = "student"
    STUDENTS = "students"
    CLASSROOM = "classroom"
    CLASSROOMS = "classrooms"
    SCHOOL = "school"
    SCHOOLS = "schools"
    # Of a school, beside whom notices to the whole district go to.
    DISTRICT = "district"
    REPORT = "report"
    SECURITY_EVENT = "security event"


def _everybody(_tx: Transaction, _thing: Any) -> bool:
    return True


@dataclass(frozen=True)
class Ticked:
    """How a page is offered for one thing that is ticked in a list.

    `title` is the button's; `several` says what to do instead where more are ticked, and `refused` whose the
    page is where the one is not the principal's.
    """

    title: str
    several: str
    refused: str


@dataclass(frozen=True)
class Offered:
    """A page of a plugin: what it is called, what it is for in a sentence, and where it is.

    `what` says in the middle of a sentence what is to be had there. In `address`, `{}` stands for the public
    identifier of the thing; `may` says whether the principal may open it of a thing (None above a list).
    With `ticked`, lists lead there too.
    """

    plugin: str
    where: Where
    title: str
    sentence: str
    address: str
    what: str = ""
    may: Callable[[Transaction, Any], bool] = _everybody
    ticked: Ticked | None = None


@dataclass(frozen=True)
class Link:
    """One that leads to such a page now."""

    title: str
    sentence: str
    what: str
    url: str


_offered: list[Offered] = []


def offer(*pages: Offered) -> None:
    """Have the core's pages lead to these, as long as their plugin is switched on."""
    _offered.extend(page for page in pages if page not in _offered)


def offered(tx: Transaction, where: Where, thing: Any = None, *, public_id: str = "") -> list[Link]:
    """What is offered to the principal beside a thing, or, without one, above a list.

    `public_id` is for a thing of which no more is at hand.
    """
    known = public_id or getattr(thing, "public_id", "")
    return [
        Link(page.title, page.sentence, page.what, page.address.format(known))
        for page in _offered
        if page.where is where and tx.enabled(page.plugin) and page.may(tx, thing)
    ]


def offered_ticked(tx: Transaction, where: Where) -> list[tuple[Offered, Ticked]]:
    """What is offered to the principal for one thing that is ticked in a list of such things."""
    return [
        (page, page.ticked)
        for page in _offered
        if page.where is where and page.ticked and tx.enabled(page.plugin) and page.may(tx, None)
    ]
