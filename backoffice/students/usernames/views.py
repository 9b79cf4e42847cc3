"""Coming in by a username."""

from flask import make_response, redirect, request, session
from werkzeug.wrappers import Response

from backoffice.problems import Rejected, Throttled
from backoffice.students import tablet_views
from backoffice.students.usernames import services
from backoffice.students.usernames.page import username_page
from backoffice.students.views import CODE, LONGEST_CODE, WAIT, bp, let_in
from backoffice.web import errors
from backoffice.web.identity import done_reading, settings

LONGEST = 80


@bp.post("/join/username")
def by_username() -> Response:
    """Let the child of this username in, with the PIN if there is one."""
    code = request.form.get("code", "")[:LONGEST_CODE]
    username = request.form.get("username", "")[:LONGEST]
    done_reading()
    # A tablet's page carries no code: it stays on our side.
    tablet = None if code else tablet_views.here()
    if tablet and not tablet.code:
        return tablet_views.waiting()
    try:
        begun = services.sign_in_by_username(
            code=(tablet and tablet.code) or code,
            username=username,
            pin=request.form.get("pin", "")[:LONGEST],
            sessions=settings().sessions,
            visitor=tablet.visitor if tablet else tablet_views.visitor(),
            throttles=settings().throttles,
            only_at_tablet=tablet is not None,
        )
    except Throttled as refused:
        return errors.to_be_waited_for(username_page(code, username=username, problem=WAIT), refused)
    except Rejected as refused:
        if "username" not in refused.fields:
            # The door has closed, or it never was a code: the page of the code says so.
            session[CODE] = code
            return redirect("/join", 303)
        return make_response(username_page(code, username=username, problem=services.WRONG), 422)
    return let_in(begun, request.form.get("pin", "")[:LONGEST])
