"""Setting rows closer together, or further apart."""

from urllib.parse import urlsplit, urlunsplit

from flask import current_app, redirect, request
from flask_admin import expose
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.console.guard import GuardedView
from backoffice.language.texts import lazy
from backoffice.web import density

START = "/console/"


class DensityPage(GuardedView):
    """Takes the choice, and leads back to where it was made."""

    title = lazy("Density")
    address = "density"
    doors = {"index": CONSOLE_ENTER}

    def is_visible(self) -> bool:
        """Not in the menu: its button stands below it."""
        return False

    @expose("/", methods=("POST",))
    def index(self) -> Response:
        """Keep the choice."""
        answer = redirect(_back(request.referrer or ""), 303)
        density.keep(answer, request.form.get("rows", ""))
        return answer


def _back(address: str) -> str:
    """The page of the console that this address leads to; the first one if it leads to none."""
    try:
        came_from = urlsplit(address)
        if came_from.netloc != request.host or not came_from.path.startswith(START):
            return START
        current_app.url_map.bind("localhost").match(came_from.path, method="GET")
    except (ValueError, HTTPException, RequestRedirect):
        # What was shown in answer to a form alone cannot be asked for.
        return START
    return urlunsplit(("", "", came_from.path, came_from.query, ""))
