"""Pairing a tablet with a class, and knowing it again."""

from dataclasses import replace

from flask import Blueprint, make_response, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.accounts.tokens import token_digest
from backoffice.problems import Rejected
from backoffice.students import tablets
from backoffice.students.tablets import AtTablet
from backoffice.throttles.visitor import Visitor
from backoffice.web import cookies, devices
from backoffice.web.identity import address, done_reading, settings

bp = Blueprint("tablets", __name__, template_folder="templates")


@bp.get("/tablet/<link:token>")
def asked(token: str) -> str | tuple[str, int]:
    """What a picture leads to: a button. Looking at the page pairs nothing; cameras look ahead."""
    if not tablets.waits(token=token, address=address()):
        return _page("students/tablet_over.html"), 404
    return _page("students/tablet_pair.html", form=FlaskForm())


@bp.post("/tablet/<link:token>")
def pair(token: str) -> Response | tuple[str, int]:
    """Make this device a tablet of the class."""
    done_reading()
    try:
        own = tablets.pair(token=token, address=address())
    except Rejected:
        return _page("students/tablet_over.html"), 422
    response = redirect("/join", 303)
    kept = int(tablets.KEPT.total_seconds())
    cookies.put(response, settings(), cookies.TABLET, own, same_site="Lax", seconds=kept)
    return response


def here() -> AtTablet | None:
    """What this device opens, if it is a tablet of a class."""
    token = _token()
    return tablets.opened(token=token, visitor=visitor()) if token else None


def visitor() -> Visitor:
    """Where this request comes from, and what it presents as a tablet of a class."""
    token = _token()
    return replace(devices.visitor(), tablet=token_digest(token) if token else None)


def waiting() -> Response:
    """What a tablet shows while its class's door is closed."""
    return make_response(_page("students/tablet_waits.html"))


def _token() -> str:
    return request.cookies.get(cookies.name(settings(), cookies.TABLET), "")


def _page(template: str, **context: object) -> str:
    return render_template(template, **context)
