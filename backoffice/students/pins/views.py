"""The page where a child sets, changes and takes away the own PIN."""

from flask import make_response, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.principal import Principal
from backoffice.problems import Rejected, Throttled
from backoffice.students import queries, tablet_views
from backoffice.students.pins import services
from backoffice.students.views import bp, out, renew, signed_in
from backoffice.web import errors
from backoffice.web.identity import done_reading, enter, reading, settings


@bp.get("/student/pin")
def pin() -> Response:
    """The own PIN: make one, change it, take it away."""
    who = signed_in()
    return out() if who is None else _page(who)


@bp.post("/student/pin")
def set_pin() -> Response:
    """Set or change the own PIN."""
    who = signed_in()
    if who is None:
        return out()
    done_reading()
    try:
        services.set_pin(
            principal=who,
            pin=request.form.get("new", ""),
            again=request.form.get("again", ""),
            old=request.form.get("old", ""),
            visitor=tablet_views.visitor(),
            throttles=settings().throttles,
            cost=settings().passwords,
        )
    except (Rejected, Throttled) as refused:
        return _refused(who, refused)
    return redirect("/student", 303)


@bp.post("/student/pin/remove")
def remove_pin() -> Response:
    """Take the own PIN away."""
    who = signed_in()
    if who is None:
        return out()
    done_reading()
    try:
        services.remove_pin(
            principal=who,
            old=request.form.get("old", ""),
            visitor=tablet_views.visitor(),
            throttles=settings().throttles,
        )
    except (Rejected, Throttled) as refused:
        return _refused(who, refused)
    return redirect("/student", 303)


def _page(who: Principal, problem: str | None = None) -> Response:
    tx = reading()
    own, seen = services.own_pin(tx), queries.own_page(tx)
    response = make_response(
        render_template(
            "students/own_pin.html",
            name=seen.name,
            avatar_name=seen.avatar,
            is_set=own.is_set,
            is_required=own.is_required,
            is_missing=seen.pin_is_missing,
            problem=problem,
            form=FlaskForm(),
            leave_form=FlaskForm(),
        )
    )
    renew(response, who)
    return response


def _refused(who: Principal, refused: Rejected | Throttled) -> Response:
    # The services' own transactions may have been the session's last.
    again = enter(who.credential)
    if again is None:
        return out()
    if isinstance(refused, Throttled):
        return errors.to_be_waited_for(_page(again, services.WRONG), refused)
    page = _page(again, next(iter(refused.fields.values())))
    page.status_code = 422
    return page
