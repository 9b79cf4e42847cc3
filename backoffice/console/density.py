"""Setting rows closer together, or further apart."""

from flask import current_app, redirect, request
from flask_admin import expose
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.console.guard import GuardedView
from backoffice.web import density

START = "/console/"


class DensityPage(GuardedView):
    """Takes the choice, and leads back to where it was made."""

    title = "Density"
    address = "density"
    doors = {"index": CONSOLE_ENTER}

    def is_visible(self) -> bool:
        """Not in the menu: its button stands below it."""
        return False

    @expose("/", methods=("POST",))
    def index(self) -> Response:
        """Keep the choice."""
        answer = redirect(_back(request.form.get("back", "")), 303)
        density.keep(answer, request.form.get("rows", ""))
        return answer


def _back(address: str) -> str:
    """The page of the console that this address leads to; the first one if it leads to none."""
    path = address.partition("?")[0]
    if not path.startswith(START) or not address.isprintable():
        return START
    try:
        current_app.url_map.bind("localhost").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        # What was shown in answer to a form alone cannot be asked for.
        return START
    return address
