"""The child's pages: the code, the names, the own points, leaving. They work without JavaScript."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from flask import Blueprint, g, make_response, redirect, render_template, request, session
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response
from wtforms import HiddenField

from backoffice import clock
from backoffice.access.principal import Principal, StudentToken
from backoffice.accounts.services import signing_in
from backoffice.accounts.views import principal
from backoffice.language import moments
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.students import queries, services, tablet_views, tokens
from backoffice.students.pins import services as pins
from backoffice.students.pins.page import pin_page
from backoffice.students.pins.services import PinNeeded
from backoffice.students.services import Begun, Choice, UsernameAsked
from backoffice.students.tablets import AtTablet
from backoffice.students.usernames.page import username_page
from backoffice.web import cookies, devices, errors
from backoffice.web.identity import address, done_reading, enter, reading, settings

bp = Blueprint("students", __name__, template_folder="templates")
# Carries a code from the form or the picture to the page that answers, so that Back and Reload send nothing.
CODE = "code"
# And a name that was chosen, to the page that asks for its PIN.
STUDENT = "student"
# And why a session is over, to the page that says so.
OVER = "over"
LONGEST_CODE = 40
OLD_PAGE = lazy("This page was old. Try again.")
SECONDS_OVER = 5
# What is answered to a form that was open for too long, by its address; elsewhere as to everybody.
STALE: dict[str, Callable[[], Response]] = {}
WAIT = lazy("Wait a little, then try again.")


class CodeForm(FlaskForm):
    """Carries a code that was good on to the choice of a name."""

    code = HiddenField()


@bp.get("/join/<code:code>")
def scanned(code: str) -> Response:
    """A code from a QR picture. It leaves the address at once, so that it stays in no history."""
    return _answered_at_join(code)


@bp.get("/join")
def join() -> str | Response:
    """Ask for the code; or, once after it was typed or scanned, for the name, and for the name's PIN.

    Once after a session was found to be over, say why first. A tablet of a class asks for the name at once,
    unless a code is to be typed at it.
    """
    code, student = session.pop(CODE, None), session.pop(STUDENT, None)
    if code is None and (over := session.pop(OVER, None)) is not None:
        return render_template("students/over.html", why=over)
    tablet = None if code or "type" in request.args else tablet_views.here()
    if tablet and not tablet.code:
        return tablet_views.waiting()
    if code is None and tablet is None:
        return _code_page()
    if student is None:
        return _names_page(code or "", tablet)
    return _pin_page(code or "", student, tablet)


@bp.post("/join")
def choose() -> Response:
    """Take a code; take a code and a name, and the name's PIN if it has one, and let the child in."""
    code, student = request.form.get("code", ""), request.form.get("student", "")
    pin = request.form.get("pin")
    if not student:
        return _answered_at_join(code)
    done_reading()
    # A tablet's page carries no code: it stays on our side.
    tablet = None if code else tablet_views.here()
    if tablet and not tablet.code:
        return tablet_views.waiting()
    try:
        begun = services.sign_in_student(
            code=(tablet and tablet.code) or code,
            student=student,
            pin=pin,
            sessions=settings().sessions,
            visitor=tablet.visitor if tablet else tablet_views.visitor(),
            throttles=settings().throttles,
            only_at_tablet=tablet is not None,
        )
    except PinNeeded:
        session[STUDENT] = student
        return _answered_at_join(code)
    except (Rejected, Throttled) as refused:
        if pin is None:
            return _refused(code, refused, tablet)
        return _pin_refused(code, student, refused, tablet)
    return let_in(begun, pin)


def let_in(begun: Begun, pin: str | None) -> Response:
    """Answer with the child's new session, and the way to the own page; `pin` is what let it in."""
    pins.hash_anew(
        credential=services.credential(begun.token_id, address()),
        pin=pin or "",
        stored=begun.verified_pin,
        cost=settings().passwords,
    )
    response = redirect("/student", 303)
    _alone_in(response)
    token = tokens.issue(begun.token_id, idle=begun.idle, ends_at=begun.ends_at)
    cookies.put(response, settings(), cookies.STUDENT, token, same_site="Strict")
    devices.remember(response, *begun.vouchers, new=begun.device)
    return response


@bp.errorhandler(CSRFError)
def stale(_error: CSRFError) -> Response | tuple[str, int]:
    """A page that was open for too long: what was typed stands there again."""
    if request.path != "/join":
        return STALE.get(request.path, lambda: errors.answer(400))()
    if not request.form.get("code") and tablet_views.here():
        # Its page stands open from one lesson to the next.
        return redirect("/join", 303)
    return _code_page(request.form.get("code", "")[:LONGEST_CODE], OLD_PAGE), 400


@bp.get("/student")
def page() -> Response:
    """The child's own points."""
    who = signed_in()
    if who is None:
        return out()
    seen = queries.own_page(reading())
    if seen.pin_is_missing:
        return redirect("/student/pin", 303)
    body = render_template(
        "students/student.html",
        name=seen.name,
        avatar_name=seen.avatar,
        points=seen.points,
        goal=seen.goal,
        classroom_name=seen.classroom,
        class_mark=seen.class_mark,
        entries=[
            {
                "label": award.label,
                "value": award.value,
                "when_text": day_in_words(award.at, who.time_zone),
            }
            for award in seen.awards
        ],
        leave_form=FlaskForm(),
    )
    response = make_response(body)
    renew(response, who)
    # Who has gone away is not to stand on a screen that others see: the page asks again, and says so.
    assert who.idle_minutes is not None
    response.headers["Refresh"] = str(who.idle_minutes * 60 + SECONDS_OVER)
    return response


@bp.post("/student/leave")
def leave() -> Response:
    """Sign the child out."""
    who = signed_in()
    done_reading()
    if who is not None:
        services.leave(principal=who)
    response = redirect("/student/leave", 303)
    cookies.drop(response, settings(), cookies.STUDENT)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@bp.get("/student/leave")
def goodbye() -> Response | str:
    """Say goodbye to a child who left. Who only followed a link here is still in, and sees the own page."""
    return render_template("students/goodbye.html") if signed_in() is None else redirect("/student", 303)


def _alone_in(response: Response) -> None:
    """Sign out whoever was in this browser: a child is not to sit before a teacher's console."""
    before = signed_in()
    if before is not None:
        services.leave(principal=before)
    if current_user.is_authenticated:
        signing_in.sign_out(principal=principal())
    if cookies.name(settings(), cookies.ACCOUNT) in request.cookies:
        cookies.drop(response, settings(), cookies.ACCOUNT)
        response.headers["Clear-Site-Data"] = '"cache"'
    session.clear()


def signed_in() -> Principal | None:
    """The child who is signed in on this device, if any."""
    if "child" in g:
        # Whoever looks at the pages as a child, and commits nothing, has entered already.
        return cast(Principal, g.child)
    verified = tokens.verify(request.cookies.get(cookies.name(settings(), cookies.STUDENT), ""))
    return enter(services.credential(verified.token_id, address())) if verified else None


def renew(response: Response, who: Principal) -> None:
    """Give the browser a token that is good for another idle time."""
    assert isinstance(who.credential, StudentToken)
    assert who.idle_minutes is not None
    assert who.expires_at is not None
    token = tokens.issue(
        who.credential.token_id, idle=timedelta(minutes=who.idle_minutes), ends_at=who.expires_at
    )
    cookies.put(response, settings(), cookies.STUDENT, token, same_site="Strict")


def out() -> Response:
    """Send somebody who is not signed in to the code, and whoever was to the reason why they are out."""
    response = redirect("/join", 303)
    if (why := why_out()) is not None:
        session[OVER] = why
    cookies.drop(response, settings(), cookies.STUDENT)
    return response


def why_out() -> str | None:
    """Why the child who was signed in on this device is not any more; None if there was none."""
    token = request.cookies.get(cookies.name(settings(), cookies.STUDENT), "")
    if not token:
        return None
    verified = tokens.verify(token)
    return services.why_over(token_id=verified.token_id if verified else None, visitor=devices.visitor())


def day_in_words(at: datetime, time_zone: str) -> str:
    """A day as a child says it: "today", "yesterday", "on Monday", "3 May"."""
    zone = ZoneInfo(time_zone)
    day, today = at.astimezone(zone).date(), clock.now().astimezone(zone).date()
    match (today - day).days:
        case 0:
            return gettext("today")
        case 1:
            return gettext("yesterday")
        case days if days < 7:  # noqa: PLR2004 - a week
            return gettext("on %(day)s", day=moments.weekday(day))
    return moments.spoken_day(day)


def _answered_at_join(code: str) -> Response:
    session[CODE] = code[:LONGEST_CODE]
    return redirect("/join", 303)


def _code_page(code: str = "", problem: str | None = None) -> str:
    return render_template("students/join.html", form=FlaskForm(), code=code, problem=problem)


def _names_page(code: str, tablet: AtTablet | None = None) -> str | Response:
    try:
        choices = _choices(code, tablet)
    except UsernameAsked:
        return username_page(code)
    except (Rejected, Throttled) as refused:
        return _refused(code, refused, tablet)
    form = CodeForm(formdata=None, code=code)
    return render_template("students/names.html", form=form, students=choices, at_tablet=bool(tablet))


def _choices(code: str, tablet: AtTablet | None) -> list[Choice]:
    """The names behind a code, or behind the class of a tablet. Raises `Rejected`, `Throttled`."""
    return services.names_behind(
        code=(tablet and tablet.code) or code,
        visitor=tablet.visitor if tablet else tablet_views.visitor(),
        throttles=settings().throttles,
    )


def _pin_page(code: str, student: str, tablet: AtTablet | None, problem: str | None = None) -> str | Response:
    try:
        choices = _choices(code, tablet)
    except UsernameAsked:
        return username_page(code)
    except (Rejected, Throttled) as refused:
        return _refused(code, refused, tablet)
    chosen = next((each for each in choices if each.public_id == student), None)
    if chosen is None:
        return _refused(code, Rejected(code=services.NOT_OPEN), tablet)
    hidden = {"code": code, "student": student}
    return pin_page("/join", hidden, label=chosen.label, avatar=chosen.avatar, problem=problem)


def _pin_refused(code: str, student: str, refused: Rejected | Throttled, tablet: AtTablet | None) -> Response:
    """The page of the PIN again; of the code, if that is what did not do."""
    if isinstance(refused, Throttled):
        page = make_response(_pin_page(code, student, tablet, pins.WRONG))
        return errors.to_be_waited_for(page, refused)
    if "pin" not in refused.fields:
        return _refused(code, refused, tablet)
    page = make_response(_pin_page(code, student, tablet, refused.fields["pin"]))
    page.status_code = max(page.status_code, 422)
    return page


def _refused(code: str, refused: Rejected | Throttled, tablet: AtTablet | None) -> Response:
    """The page of the code again, with what was typed and why it did not do. A tablet waits."""
    if tablet:
        return tablet_views.waiting()
    if isinstance(refused, Throttled):
        return errors.to_be_waited_for(_code_page(code, WAIT), refused)
    return make_response(_code_page(code, refused.fields["code"]), 422)
