"""Finding pages, actions and records by typing: the page behind Ctrl-K, and what it is without scripts."""

from collections.abc import Container, Iterator, Sequence
from itertools import islice
from typing import Any

from flask import current_app, render_template, request
from flask_admin import expose
from werkzeug.wrappers import Response

from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.accounts.views import principal
from backoffice.console.class_page import ClassPage
from backoffice.console.command import Command
from backoffice.console.grid import searched
from backoffice.console.guard import GuardedView, open_pages
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Throttled
from backoffice.schools import finding, names
from backoffice.schools.finding import MOST_FOUND, Looked
from backoffice.schools.models import Classroom
from backoffice.throttles.tries import Claim, take
from backoffice.web.errors import to_be_waited_for
from backoffice.web.identity import reading, settings

Found = dict[str, str]
# All of the menu, before anything is typed.
MOST_PAGES = 20


class FindPage(GuardedView):
    """One field, and what it finds of everything that one may reach."""

    title = lazy("Find")
    address = "find"
    icon = "search"
    doors = {"index": CONSOLE_ENTER, "search": CONSOLE_ENTER}

    def is_visible(self) -> bool:
        """Not in the menu: its button stands in the bar above every page."""
        return False

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The field, and the pages of the menu."""
        return self._page()

    @expose("/", methods=("POST",))
    def search(self) -> str | Response:
        """What was found. In a form, as names are never in an address."""
        # Names are read and compared for each letter typed: what a script asks without end waits.
        allowance = settings().throttles.find_account
        try:
            take(Claim("finding by account", allowance, str(self.who.account_id)))
        except Throttled as throttled:
            return to_be_waited_for(
                self._page(gettext("You searched very often. %(wait)s", wait=throttled.sentence)), throttled
            )
        return self._page()

    def _page(self, wait: str = "") -> str:
        words = searched()
        shown = {"words": words, "wait": wait, **({} if wait else found(reading(), words))}
        # The dialog asks for the part alone: it stands on a page that has its frame already.
        if "part" in request.values:
            return render_template("console/parts/find.html", **shown)
        return self.render("console/find.html", **shown)


def found(tx: Transaction, text: str) -> dict[str, Any]:
    """What of everything that the principal may reach is called so: `groups`, at most eight of each kind.

    `unread` says of which kinds not all were looked at, a sentence each.
    """
    words = finding.words_of(text)
    begin = " ".join(words)
    groups: list[tuple[str, list[Found]]] = [(gettext("Pages"), list(islice(_pages(begin), MOST_PAGES)))]
    looked: dict[str, Looked[Any]] = {}
    if words:
        looked = {
            "classes": finding.classrooms(tx, words),
            "teachers": finding.teachers(tx, words),
            "schools": finding.schools(tx, words),
        }
        rooms: Sequence[Classroom] = looked["classes"].found
        begun = _beginning(rooms, words)
        groups += [
            (gettext("Classes"), list(_classes(rooms, begun))),
            (gettext("Actions"), list(islice(_actions(tx, rooms, begun, begin), MOST_FOUND))),
            (
                gettext("Students"),
                [
                    {
                        "title": each.name,
                        "hint": ", ".join(each.classrooms),
                        "url": f"/console/students/{each.public_id}",
                    }
                    for each in finding.students(tx, words)
                ],
            ),
            (gettext("Teachers"), _linked(looked["teachers"].found, "/console/teachers/{}")),
            (gettext("Schools"), _linked(looked["schools"].found, "/console/classrooms/?school={}")),
        ]
    return {
        "groups": [{"title": title, "items": items} for title, items in groups if items],
        "unread": _unread({kind for kind, each in looked.items() if each.more}),
    }


def _unread(kinds: Container[str]) -> list[str]:
    most = amount(finding.MOST_READ)
    sentences = {
        "classes": gettext(
            "Not all classes were looked at: there are more than %(most)s. Their list finds the others.",
            most=most,
        ),
        "teachers": gettext(
            "Not all teachers were looked at: there are more than %(most)s. Their list finds the others.",
            most=most,
        ),
        "schools": gettext(
            "Not all schools were looked at: there are more than %(most)s. Their list finds the others.",
            most=most,
        ),
    }
    return [said for kind, said in sentences.items() if kind in kinds]


def _pages(words: str) -> Iterator[Found]:
    """The pages of the menu."""
    for heading, pages in open_pages(principal()):
        for page in pages:
            if names.begins(str(page.name), words):
                yield {"title": page.name, "hint": heading or "", "url": page.get_url()}


def _beginning(rooms: Sequence[Classroom], words: Sequence[str]) -> dict[str, set[int]]:
    """Which classes have a word in their names that begins with each of the words."""
    split = {room.id: names.plain(room.name).split() for room in rooms}
    return {
        word: {number for number, parts in split.items() if any(part.startswith(word) for part in parts)}
        for word in words
    }


def _classes(rooms: Sequence[Classroom], begun: dict[str, set[int]]) -> Iterator[Found]:
    named = set.intersection(*begun.values()) if begun else set()
    for room in islice((room for room in rooms if room.id in named), MOST_FOUND):
        yield {"title": room.name, "hint": "", "url": _of(room)}


def _actions(
    tx: Transaction, rooms: Sequence[Classroom], begun: dict[str, set[int]], words: str
) -> Iterator[Found]:
    """What may be done that is called so; to a class, if the words that are left name it."""
    views = [view for view in _views() if view.switched_on]
    for view in views:
        for command in view.commands:
            if not command.of_class and view.opens(command.door) and names.begins(str(command.title), words):
                yield {"title": command.title, "hint": "", "url": f"/console/{command.path}"}
    of_class = [(view, each) for view in views for each in _of_classes(view)]
    # Small words of the titles: their beginnings are those of names too.
    small = set(gettext("and in into of or the").split())
    own = {
        each.title: set(names.plain(each.title.replace("{name}", "")).split()) - small
        for _view, each in of_class
    }
    matching = [
        (view, each, {word for word in begun if not any(part.startswith(word) for part in own[each.title])})
        for view, each in of_class
        if view.opens(each.door)
    ]
    for room in rooms:
        for view, each, left in matching:
            if all(room.id in begun[word] for word in left) and can(
                tx.principal, view.doors[each.door], room
            ):
                yield {
                    "title": each.title.format(name=room.name),
                    "hint": "",
                    "url": f"{_of(room)}/{each.path}",
                }


def _of_classes(view: GuardedView) -> Iterator[Command]:
    """What is done on a page to one class, and the page of the class itself."""
    yield from (each for each in view.commands if each.of_class)
    if isinstance(view, ClassPage):
        yield Command(gettext("%(title)s of {name}", title=view.title), view.page, view.tail)


def _views() -> list[GuardedView]:
    return [
        view
        for view in current_app.extensions["admin"][0]._views  # noqa: SLF001 - it has no public list
        if isinstance(view, GuardedView)
    ]


def _of(room: Classroom) -> str:
    return f"/console/classrooms/{room.public_id}"


def _linked(known: Sequence[tuple[str, str]], address: str) -> list[Found]:
    return [{"title": name, "hint": "", "url": address.format(public_id)} for public_id, name in known]
