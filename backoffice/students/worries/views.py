"""The page where a child tells a grown-up that something is wrong: two taps, and words if it likes."""

from uuid import uuid4

from flask import make_response, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.principal import Principal, SessionEnded
from backoffice.language.texts import lazy
from backoffice.problems import Rejected, Throttled
from backoffice.storage import functions, keyring
from backoffice.students import queries
from backoffice.students.views import STALE, bp, out, renew, signed_in, why_out
from backoffice.students.worries import services
from backoffice.students.worries.models import GoesTo, WorryKind
from backoffice.web import errors
from backoffice.web.identity import done_reading, enter, reading, settings

# In a child's words, each with a picture.
CHOICES = (
    (WorryKind.UNKIND, lazy("Somebody is mean to me"), "alert"),
    (WorryKind.STRANGE, lazy("I saw something strange"), "search"),
    (WorryKind.AS_ME, lazy("Somebody came in as me"), "students"),
    (WorryKind.OTHER, lazy("Something else"), "mail"),
)
IN_AGAIN = lazy("You are in again. Tap what fits, and it is sent.")
# Whoever sits down at the device next is not to find what somebody typed.
SECONDS_SHOWN = 300
TOLD_BEFORE = lazy(
    "You told a lot already, and it has come in. If you need help now, go to a grown-up near you."
)


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
        return _later()
    if not _is_theirs(who):
        return redirect("/student", 303)
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
    except SessionEnded:
        return _later()
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


def _stale() -> Response:
    """The form of a page that stood open while its child went out and came in again, or somebody else did."""
    who = signed_in()
    if who is None:
        return _later()
    if not _is_theirs(who):
        return redirect("/student", 303)
    page = _page(who, IN_AGAIN)
    page.status_code = 400
    return page


STALE["/student/tell"] = _stale


def _later() -> Response:
    """What was typed, once more, for a child who is not in any more: it goes nowhere but back to its page."""
    why = why_out()
    if why is None and "who" not in request.form:
        return out()
    page = render_template(
        "students/tell_later.html",
        why=why,
        longest=services.LONGEST_NOTE,
        sent={name: request.form.get(name, "") for name in ("form", "who", "goes_to", "kind", "note")},
        form=FlaskForm(),
    )
    response = make_response(page, 422)
    response.headers["Refresh"] = f"{SECONDS_SHOWN}; url=/join"
    return response


def _mark(number: str, who: Principal) -> str:
    """Whose page it is, for whoever sits at it when it is sent: nothing that says so to anybody else."""
    named = f"{number} {who.student_public_id}"
    return keyring.current().blind_index(named, context="worry.who").hex()


def _is_theirs(who: Principal) -> bool:
    sent = request.form
    return "who" not in sent or sent["who"] == _mark(sent.get("form", ""), who)


def _page(who: Principal, problem: str | None = None) -> Response:
    tx = reading()
    seen = queries.own_page(tx)
    number = request.form.get("form") or str(uuid4())
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
            number=number,
            mark=_mark(number, who),
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
        return _later()
    if isinstance(refused, Throttled):
        return errors.to_be_waited_for(_page(again, TOLD_BEFORE), refused)
    page = _page(again, next(iter(refused.fields.values())))
    page.status_code = 422
    return page
