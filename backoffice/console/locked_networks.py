"""Networks that are locked after wrong PINs: whoever runs a school opens them for its classes."""

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.permissions import NETWORKS_OPEN, SCHOOLS_COUNT
from backoffice.access.policy import can
from backoffice.console.class_page import CRUMB
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.console.locked_pins import NETWORKS, clock_time
from backoffice.language.texts import gettext, lazy
from backoffice.students.pins import networks
from backoffice.web.devices import visitor
from backoffice.web.identity import done_reading, reading


class LockedNetworksPage(GuardedView):
    """The networks at which no device that is new to its class tries a PIN now."""

    doors = {"index": NETWORKS_OPEN, "open": NETWORKS_OPEN}
    title = lazy("Locked networks")
    category = lazy("School")
    address = "locked-networks"
    icon = "lock"
    commands = (Command(lazy("Open a locked network"), "open", "locked-networks/", page="index"),)

    def is_visible(self) -> bool:
        """Not in the menu: the start page and the pages of a class lead here while there is one."""
        return False

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Each with its school, the class at which it was last refused, and until when."""
        found = networks.locked(reading(), visitor())
        return self.render(
            "console/locked_networks.html",
            networks=[{"row": each, "until": clock_time(self.who, each.until)} for each in found],
            schools=len({each.school for each in found}),
            form=FlaskForm(),
            crumbs=[
                {"title": gettext("Schools"), "url": "/console/schools/"}
                if can(self.who, SCHOOLS_COUNT)
                else CRUMB,
                {"title": self.title},
            ],
        )

    @expose("/open", methods=("POST",))
    def open(self) -> Response:
        """Open one."""
        done_reading()
        opened = networks.open_network(principal=self.who, network=request.form.get("network", ""))
        flash(
            gettext("Opened for the school's classes. Children there can try again now.")
            if opened
            else gettext("It was not locked any more."),
            "success",
        )
        return redirect(NETWORKS, 303)
