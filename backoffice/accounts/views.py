"""Signing in and out in the browser, through Flask-Login over server-side session rows."""

from dataclasses import dataclass

from flask import (
    Blueprint,
    Flask,
    Request,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
)
from flask_login import LoginManager, UserMixin, current_user, login_required
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from backoffice.access.permissions import CHILDREN_READ, CONSOLE_ENTER, Permission
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.accounts import devices as device_names
from backoffice.accounts.forms import SignInByCodeForm, SignInForm
from backoffice.accounts.providers.services import asking
from backoffice.accounts.services import signing_in
from backoffice.accounts.services.language import choose_language
from backoffice.accounts.services.signing_in import SignedIn
from backoffice.language.spoken import language
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.web import cookies, devices, errors
from backoffice.web.identity import SAFE_METHODS, address, done_reading, enter, reading, settings

bp = Blueprint("accounts", __name__, template_folder="templates")
# In the cookie that ties forms to a browser, which its owner can read: opaque identifiers, no names.
SIGNED_IN = "signed_in"
WANTED = "wanted"
# Sealed, and for minutes only: that this browser has typed a password that was right.
HALF_WAY = "half_way"


@dataclass(frozen=True)
class Home:
    """A part of the product, what opens it, and what leads back to it from the public pages."""

    address: str
    permission: Permission | None
    back: str


HOMES = (
    Home("/console/", CONSOLE_ENTER, lazy("Back to the console")),
    Home("/family", CHILDREN_READ, lazy("Back to my family")),
)
# Open to who has a link of a mail or a letter, whatever is shared with the account already.
BY_LINK = ("/invitations/", "/account/email/", "/family/invitations/", "/family/letters/")
# Of an account with which nothing is shared yet.
WELCOME = Home("/welcome", None, lazy("My account"))
# Of an account that must have a second factor and has none: nothing else is open to it.
SET_UP = Home("/account/second-factor", None, lazy("Set up my second factor"))


class SignedInUser(UserMixin):
    """What Flask-Login holds for the request: the principal, as the database answered."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    def get_id(self) -> str:
        """The account's public identifier."""
        return str(self.principal.account_public_id)


def principal() -> Principal:
    """The account that is signed in. Only behind `login_required` or a test of `current_user`."""
    # A page asks some twenty times; by `current_user` each finds out four times which request it is.
    user: SignedInUser = g._login_user  # noqa: SLF001 - where Flask-Login keeps who is signed in
    return user.principal


def homes_of(who: Principal) -> list[Home]:
    """Where this account's work is, the first where it begins: never empty."""
    if who.factor_missing:
        return [SET_UP]
    return [home for home in HOMES if home.permission and can(who, home.permission)] or [WELCOME]


def homes() -> list[Home]:
    """Those of who is signed in; none for visitors, nor while the database cannot tell."""
    try:
        return homes_of(principal()) if current_user.is_authenticated else []
    except SQLAlchemyError:
        return []


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response | tuple[str, int]:
    """The sign-in page."""
    form = SignInForm()
    looking = request.method in SAFE_METHODS
    if looking and current_user.is_authenticated:
        return redirect(homes_of(principal())[0].address, 303)
    if not form.validate_on_submit():
        return sign_in_page(form, None, 200 if looking else 422)
    done_reading()
    try:
        begun = signing_in.sign_in(
            email=form.email.data or "",
            password=form.password.data or "",
            otp=form.otp.data or "",
            sessions=settings().sessions,
            cost=settings().passwords,
            visitor=devices.visitor(),
            device=device_names.named(request.user_agent.string),
            shared=bool(form.shared.data),
            throttles=settings().throttles,
        )
    except signing_in.CodeNeeded as needed:
        return _code_page(needed, shared=bool(form.shared.data))
    except Rejected as rejected:
        return sign_in_page(form, rejected.fields[""], 422)
    except Throttled as throttled:
        page, _status = sign_in_page(
            form, gettext("That was tried too often. %(wait)s", wait=throttled.sentence), 429
        )
        return errors.to_be_waited_for(page, throttled)
    return come_in(begun)


@bp.route("/sign-in/code", methods=["GET", "POST"])
def sign_in_by_code() -> Response | tuple[str, int]:
    """The second step of signing in, where the password was right and a code is to follow."""
    half_way, form = session.get(HALF_WAY, ""), SignInByCodeForm(shared=request.args.get("shared", ""))
    if not signing_in.may_go_on(half_way):
        return redirect("/sign-in", 303)
    if not form.validate_on_submit():
        status = 200 if request.method in SAFE_METHODS else 422
        return render_template("accounts/sign_in_code.html", form=form, problem=None), status
    done_reading()
    try:
        begun = signing_in.sign_in_by_code(
            half_way=half_way,
            otp=form.otp.data or "",
            sessions=settings().sessions,
            visitor=devices.visitor(),
            device=device_names.named(request.user_agent.string),
            shared=bool(form.shared.data),
            throttles=settings().throttles,
        )
    except signing_in.CodeNeeded as needed:
        return _code_page(needed, shared=bool(form.shared.data))
    except Rejected as rejected:
        session.pop(HALF_WAY)
        flash(rejected.fields[""], "warning")
        return redirect("/sign-in", 303)
    except Throttled as throttled:
        problem = gettext("That was tried too often. %(wait)s", wait=throttled.sentence)
        page = render_template("accounts/sign_in_code.html", form=form, problem=problem)
        return errors.to_be_waited_for(page, throttled)
    return come_in(begun)


def _code_page(needed: signing_in.CodeNeeded, *, shared: bool) -> tuple[str, int]:
    """Ask for the code. The password is not asked for again: a sealed word in the cookie stands for it."""
    session[HALF_WAY] = needed.half_way
    form = SignInByCodeForm(formdata=None, shared="y" if shared else "")
    # That it is still to come is no mistake of anybody's.
    problem = None if needed.sentence == signing_in.CODE_WANTED else needed.sentence
    return render_template("accounts/sign_in_code.html", form=form, problem=problem), 422


def come_in(begun: signing_in.SignedIn) -> Response:
    """Give the browser its new session, and lead it to where it wanted to go."""
    # A session of this browser's that is still open is not left lying about.
    if current_user.is_authenticated:
        signing_in.sign_out(principal=principal())
    return let_in(begun)


def let_in(begun: SignedIn, target: str | None = None) -> Response:
    """Give the browser a new session, and send it where it wanted to go, or home.

    Whoever is new has a target, and goes on in the language in which the account was made.
    """
    spoken = language()
    who = enter(signing_in.credential(begun.token, address()))
    assert who is not None
    if target is not None and who.language != spoken:
        choose_language(principal=who, language=spoken)
    target = target or _wanted_by(who) or homes_of(who)[0].address
    session.clear()
    session[SIGNED_IN] = who.account_public_id
    # Where nothing else is open, the page itself says so.
    for closed in asking.closed_schools(reading()) if target != WELCOME.address else ():
        flash(closed.sentence, "warning")
    response = redirect(target, 303)
    cookies.put(response, settings(), cookies.ACCOUNT, begun.token, same_site="Lax")
    devices.remember(response, begun.voucher)
    return response


@bp.get("/welcome")
@login_required
def welcome() -> str | Response:
    """What to do for somebody with whom nothing is shared yet; everybody else is sent where the work is."""
    home = homes_of(principal())[0]
    if home is not WELCOME:
        return redirect(home.address, 303)
    closed = asking.closed_schools(reading())
    return render_template("accounts/welcome.html", person=principal(), closed=closed)


@bp.get("/sign-out")
@login_required
def about_signing_out() -> str:
    """Ask, for whoever comes by a link: no link ends a session."""
    return render_template("accounts/sign_out.html")


@bp.post("/sign-out")
def sign_out() -> Response:
    """End the session and forget the browser."""
    if current_user.is_authenticated:
        who = principal()
        done_reading()
        signing_in.sign_out(principal=who)
    session.clear()
    flash(gettext("You are signed out."), "success")
    response = redirect("/sign-in", 303)
    cookies.drop(response, settings(), cookies.ACCOUNT)
    # So that the back button shows nothing of what was open.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def init_app(app: Flask) -> None:
    """Tell Flask-Login how a request becomes somebody."""
    # Its context processor would enter the account on every page, a child's own included.
    manager = LoginManager()
    # Our sessions are rows; Flask-Login's own ways of remembering are not used.
    manager.session_protection = None
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["homes"] = homes

    @manager.request_loader
    def _load(incoming: Request) -> SignedInUser | None:
        token = incoming.cookies.get(cookies.name(settings(), cookies.ACCOUNT))
        if not token or len(token) > 100:  # noqa: PLR2004 - ours have 43 characters
            return None
        who = enter(signing_in.credential(token, address()))
        g.session_was_over = who is None
        return SignedInUser(who) if who else None

    @manager.unauthorized_handler
    def _sign_in_first() -> Response:
        if request.method == "GET":
            session[WANTED] = {"path": request.path, "by": session.get(SIGNED_IN)}
        if g.get("session_was_over"):
            flash(gettext("You were signed out because the session ended. Sign in again."), "info")
        return redirect("/sign-in", 303)


def _wanted_by(who: Principal) -> str | None:
    """The page that this browser asked for in vain, if it was no other account that did, nor is it closed."""
    wanted = session.get(WANTED) or {}
    path = wanted.get("path", "")
    theirs = wanted.get("by") in {None, who.account_public_id}
    open_to = (*BY_LINK, *(home.address for home in homes_of(who)))
    return path if theirs and path.startswith(open_to) else None


def sign_in_page(form: SignInForm, problem: str | None, status: int) -> tuple[str, int]:
    """The sign-in page, with a sentence about what went wrong."""
    return render_template("accounts/sign_in.html", form=form, problem=problem), status
