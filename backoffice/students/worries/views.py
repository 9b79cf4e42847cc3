"""The page where a child tells a grown-up that something is wrong: two taps, and words if it likes."""

from uuid import uuid4

from flask import make_response, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.principal import Principal
from backoffice.problems import Rejected, Throttled
from backoffice.storage import functions
from backoffice.students import queries
from backoffice.students.views import bp, out, renew, signed_in
from backoffice.students.worries import services
from backoffice.students.worries.models import GoesTo, WorryKind
from backoffice.web import errors
from backoffice.web.identity import done_reading, enter, reading, settings

# In a child's words, each with a picture.
CHOICES = (
    (WorryKind.UNKIND, "Somebody is mean to me", "alert"),
    (WorryKind.STRANGE, "I saw something strange", "search"),
    (WorryKind.AS_ME, "Somebody came in as me", "students"),
    (WorryKind.OTHER, "Something else", "mail"),
)
TOLD_BEFORE = "You told a lot already, and it has come in. If you need help now, go to a grown-up near you."


@bp.get("/student/tell")
def tell() -> Response:
    """What can be told, and to whom."""
    who = signed_in()
    return out() if who is None else _page(who)


@bp.post("/student/tell")
def send_worry() -> Response:
    """Tell it."""
    who = signed_in()
    if who is None:
        return out()
    done_reading()
    try:
        services.tell(
            principal=who,
            kind=request.form.get("kind", ""),
            goes_to=request.form.get("goes_to", GoesTo.TEACHER),
            note=request.form.get("note", ""),
            form=request.form.get("form", ""),
            throttles=settings().throttles,
        )
    except (Rejected, Throttled) as refused:
        return _refused(who, refused)
    return redirect("/student/told", 303)


@bp.get("/student/told")
def told() -> Response:
    """It has come in; and where else to turn."""
    who = signed_in()
    if who is None:
        return out()
    seen = queries.own_page(reading())
    response = make_response(
        render_template("students/told.html", name=seen.name, avatar_name=seen.avatar, leave_form=FlaskForm())
    )
    renew(response, who)
    return response


def _page(who: Principal, problem: str | None = None) -> Response:
    tx = reading()
    seen = queries.own_page(tx)
    response = make_response(
        render_template(
            "students/tell.html",
            name=seen.name,
            avatar_name=seen.avatar,
            choices=CHOICES,
            leader=functions.leader_to_tell(tx),
            longest=services.LONGEST_NOTE,
            # What was typed stands there again, under the number that it was sent with.
            note=request.form.get("note", ""),
            goes_to=request.form.get("goes_to", GoesTo.TEACHER),
            number=request.form.get("form") or str(uuid4()),
            problem=problem,
            form=FlaskForm(),
            leave_form=FlaskForm(),
        )
    )
    renew(response, who)
    return response


def _refused(who: Principal, refused: Rejected | Throttled) -> Response:
    # The service's own transaction may have been the session's last.
    again = enter(who.credential)
    if again is None:
        return out()
    if isinstance(refused, Throttled):
        return errors.to_be_waited_for(_page(again, TOLD_BEFORE), refused)
    page = _page(again, next(iter(refused.fields.values())))
    page.status_code = 422
    return page
