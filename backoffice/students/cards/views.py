"""Coming in by a personal card. The secret leaves the address at once; only a button lets in."""

from flask import make_response, redirect, render_template, request, session
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.problems import Rejected, Throttled
from backoffice.students import tablet_views
from backoffice.students.cards import services
from backoffice.students.pins.page import pin_page
from backoffice.students.pins.services import WRONG, PinNeeded
from backoffice.students.views import bp, let_in
from backoffice.web import errors
from backoffice.web.identity import done_reading, settings

CARD = "card"
LONGEST = 40


@bp.get("/join/card/<card:secret>")
def held_up(secret: str) -> Response:
    """A card before a camera. What it says stays in no history."""
    session[CARD] = secret
    return redirect("/join/card", 303)


@bp.get("/join/card")
def card() -> Response:
    """Once after the card was held up: whose it is, and the way in."""
    secret = session.pop(CARD, None)
    return redirect("/join", 303) if secret is None else _page(secret)


@bp.post("/join/card")
def come_in() -> Response:
    """Let the child of the card in, with the PIN if there is one."""
    secret, pin = request.form.get("card", "")[:LONGEST], request.form.get("pin")
    done_reading()
    try:
        begun = services.sign_in_by_card(
            secret=secret,
            pin=pin,
            sessions=settings().sessions,
            visitor=tablet_views.visitor(),
            throttles=settings().throttles,
        )
    except PinNeeded:
        return _page(secret)
    except Throttled as refused:
        page = _page(secret, WRONG) if refused.what.startswith("PIN") else _closed()
        return errors.to_be_waited_for(page, refused)
    except Rejected as refused:
        page = _page(secret, refused.fields["pin"]) if "pin" in refused.fields else _closed()
        page.status_code = 422
        return page
    return let_in(begun, pin)


def _page(secret: str, problem: str | None = None) -> Response:
    try:
        shown = services.shown(secret=secret, visitor=tablet_views.visitor(), throttles=settings().throttles)
    except Throttled as refused:
        return errors.to_be_waited_for(_closed(), refused)
    except Rejected:
        return make_response(_closed(), 422)
    if shown.has_pin:
        hidden = {"card": secret}
        return make_response(
            pin_page("/join/card", hidden, label=shown.label, avatar=shown.avatar, problem=problem)
        )
    return make_response(
        render_template(
            "students/card.html",
            form=FlaskForm(),
            card=secret,
            label=shown.label,
            avatar_name=shown.avatar,
        )
    )


def _closed() -> Response:
    return make_response(
        render_template("students/join.html", form=FlaskForm(), code="", problem=services.NOT_OPEN)
    )
