"""Finding pages, actions and records by typing: the page behind Ctrl-K, and what it is without scripts."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from flask import render_template, request
from flask_admin import expose
from werkzeug.wrappers import Response

from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.access.transaction import Transaction
from backoffice.accounts.views import principal
from backoffice.console import find_records
from backoffice.console.command import Command
from backoffice.console.find_actions import Found, actions
from backoffice.console.grid import searched
from backoffice.console.guard import GuardedView, open_pages
from backoffice.console.picker.asking import count_search, too_often
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Throttled
from backoffice.saved_views.queries import MOST_LISTED
from backoffice.schools import finding, names
from backoffice.schools.finding import MOST_FOUND, Looked
from backoffice.schools.models import Classroom
from backoffice.web.errors import to_be_waited_for
from backoffice.web.identity import reading

# All of the menu, before anything is typed.
MOST_PAGES = 24


class FindPage(GuardedView):
    """One field, and what it finds of everything that one may reach."""

    title = lazy("Find")
    address = "find"
    icon = "search"
    doors = {"index": CONSOLE_ENTER, "search": CONSOLE_ENTER}
    # The pages of the own account lie outside the console, and everybody who is in it has one.
    commands = (
        Command(lazy("Change my password"), "index", "/account/password"),
        Command(lazy("Change my language"), "index", "/account/language"),
        Command(lazy("My messages"), "index", "/messages"),
        Command(lazy("Which mails I get"), "index", "/account/mails"),
        Command(lazy("Change my address"), "index", "/account/email", also=lazy("email e-mail mail")),
        Command(lazy("Change my second factor"), "index", "/account/second-factor", also=lazy("code app")),
        Command(lazy("Add or remove a passkey"), "index", "/account/passkeys"),
        Command(lazy("Where I am signed in"), "index", "/account#part-devices", also=lazy("devices")),
        Command(lazy("Delete my account"), "index", "/account/deactivate"),
        Command(lazy("Sign out"), "index", "/sign-out", also=lazy("leave")),
    )

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
        # For each letter typed: what a script asks without end waits.
        try:
            count_search(self.who)
        except Throttled as throttled:
            return to_be_waited_for(self._page(too_often(throttled)), throttled)
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

    A group says in its `more` that further ones fit. `unread` says of which kinds not all were looked at, a
    sentence each.
    """
    words = finding.words_of(text)
    begin = " ".join(words)
    groups = [_group(gettext("Pages"), _pages(begin), most=MOST_PAGES)]
    looked: dict[str, Looked[Any]] = {}
    if words:
        looked = {
            "classes": finding.classrooms(tx, words),
            "teachers": finding.teachers(tx, words),
            "schools": finding.schools(tx, words),
            "views": find_records.views(tx, words),
        }
        rooms: Sequence[Classroom] = looked["classes"].found
        begun = _beginning(rooms, words)
        groups += [
            _group(gettext("Classes"), _classes(rooms, begun), listed=True),
            _group(gettext("Actions"), actions(tx, rooms, begun, begin)),
            _group(gettext("Students"), _students(tx, words), listed=True),
            _group(
                gettext("Teachers"), _linked(looked["teachers"].found, "/console/teachers/{}"), listed=True
            ),
            _group(
                gettext("Schools"),
                _linked(looked["schools"].found, "/console/classrooms/?school={}"),
                listed=True,
            ),
            _group(gettext("Views"), looked["views"].found, listed=True),
            _group(gettext("Jobs"), find_records.jobs(tx, words), listed=True),
            _group(gettext("Plugins"), find_records.plugins(tx, words), listed=True),
        ]
    return {
        "groups": [each for each in groups if each["items"]],
        "unread": _unread({kind for kind, each in looked.items() if each.more}),
    }


def _group(
    title: str, found: Iterable[Found], *, most: int | None = None, listed: bool = False
) -> dict[str, Any]:
    """What is shown of one kind, and whether more fits than that; `listed` where all of them have a list."""
    most = most or MOST_FOUND
    items = list(islice(found, most + 1))
    more = (
        gettext("More fit: type further, or use the list.") if listed else gettext("More fit: type further.")
    )
    return {"title": title, "items": items[:most], "more": more if len(items) > most else ""}


def _students(tx: Transaction, words: Sequence[str]) -> Iterator[Found]:
    for each in finding.students(tx, words):
        yield {
            "title": each.name,
            "hint": ", ".join(each.classrooms),
            "url": f"/console/students/{each.public_id}",
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
        "views": gettext(
            "Not all saved views were looked at: there are more than %(most)s. Each list has its own.",
            most=amount(MOST_LISTED),
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
    for room in rooms:
        if room.id in named:
            yield {"title": room.name, "hint": "", "url": f"/console/classrooms/{room.public_id}"}


def _linked(known: Sequence[tuple[str, str]], address: str) -> list[Found]:
    return [{"title": name, "hint": "", "url": address.format(public_id)} for public_id, name in known]
