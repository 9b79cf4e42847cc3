"""The first page of the console: what there is, and what to do next."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_admin import expose

from backoffice import clock
from backoffice.access.permissions import CLASSROOMS_CREATE, CONSOLE_ENTER, SCHOOLS_COUNT
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console import tiles
from backoffice.console.grids.views import pinned_numbers
from backoffice.console.guard import GuardedView
from backoffice.language.texts import gettext, lazy
from backoffice.schools.tiles import taught
from backoffice.tiles import once
from backoffice.web.identity import reading

NOON, EVENING = 12, 17


class Dashboard(GuardedView):
    """Places the tiles that are open to somebody; the numbers belong to the modules that declare them."""

    doors = {"index": CONSOLE_ENTER}
    title = lazy("Start")
    address = "console"
    icon = "home"

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The dashboard of who is signed in."""
        tx = reading()
        now = clock.now().astimezone(ZoneInfo(self.who.time_zone))
        return self.render(
            "console/dashboard.html",
            greeting=f"{_greeting(now)}, {self.who.name}",
            steps=_first_steps(tx),
            pinned_views=pinned_numbers(tx),
            **tiles.shown(tx),
        )


def _greeting(now: datetime) -> str:
    if now.hour < NOON:
        return gettext("Good morning")
    return gettext("Good afternoon") if now.hour < EVENING else gettext("Good evening")


def _first_steps(tx: Transaction) -> list[dict[str, Any]]:
    """What to do first, for whoever has nobody to teach and no school to look after."""
    if can(tx.principal, SCHOOLS_COUNT) or not can(tx.principal, CLASSROOMS_CREATE):
        return []
    found = once(tx, taught)
    if found.students:
        return []
    first = found.classrooms[0] if found.classrooms else None
    own = f"/console/classrooms/{first.public_id}" if first else "/console/classrooms/new"
    return [
        {"done": bool(first), "title": gettext("Make a class"), "url": "/console/classrooms/new"},
        {
            "done": False,
            "title": gettext("Paste the names of its students"),
            "url": f"{own}/paste" if first else own,
        },
        {"done": False, "title": gettext("Show the class its code"), "url": own},
    ]
