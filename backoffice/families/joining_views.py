"""The pages behind the link of an invitation and the code of a letter. Looking changes nothing."""

from flask import flash, redirect, render_template, request, session
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.accounts import devices as device_names
from backoffice.accounts.services import signing_in
from backoffice.accounts.views import WANTED, let_in, principal
from backoffice.families.forms import LONGEST_CODE, AddressForm, HeldLetterForm, LetterForm, NewParentForm
from backoffice.families.services import accepting
from backoffice.families.services.accepting import Opened, Standing
from backoffice.families.views import bp
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools.codes import normalise
from backoffice.web import cookies, devices, errors
from backoffice.web.identity import SAFE_METHODS, done_reading, settings
from backoffice.web.rejections import show_rejection

# Carries a code from the form or the picture to the page that answers, so that it stays in no history.
LETTER = "letter"
ASKED = lazy("The teacher is told that you asked. You get a mail when you are confirmed.")
Answer = Response | str | tuple[str, int]


# -- the mailed link


@bp.route("/family/invitations/<link:token>", methods=["GET", "POST"])
def invitation(token: str) -> Answer:
    """Ask to follow a child: with the own account, or with a new one."""
    found = accepting.opened(token)
    if found is None:
        return render_template("families/over.html"), 410
    if current_user.is_authenticated:
        return _confirmed(token, found) if principal().account_public_id == found.account else _other(found)
    if found.standing is Standing.ACCOUNT:
        session[WANTED] = {"path": request.path, "by": None}
        return _page("sign_in", found, FlaskForm())
    if found.standing is Standing.UNOPENED:
        return _page("unopened", found, FlaskForm())
    return _newcomer(token, found)


def _other(found: Opened) -> Answer:
    form = FlaskForm()
    if not form.validate_on_submit():
        return _page("other", found, form)
    who = principal()
    done_reading()
    signing_in.sign_out(principal=who)
    session.clear()
    response = redirect(request.path, 303)
    cookies.drop(response, settings(), cookies.ACCOUNT)
    return response


def _confirmed(token: str, found: Opened) -> Answer:
    form = FlaskForm()
    if not form.validate_on_submit():
        return _page("confirm", found, form)
    who = principal()
    done_reading()
    try:
        accepting.accept(principal=who, token=token)
    except Rejected:
        return render_template("families/over.html"), 410
    return _asked()


def _newcomer(token: str, found: Opened) -> Answer:
    form, problem = NewParentForm(name=found.name), None
    if form.validate_on_submit():
        done_reading()
        try:
            begun = accepting.accept_anew(
                token=token,
                name=form.name.data or "",
                password=form.password.data or "",
                cost=settings().passwords,
                sessions=settings().sessions,
                visitor=devices.visitor(),
                device=device_names.named(request.user_agent.string),
            )
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        else:
            response = let_in(begun, "/welcome")
            flash(ASKED, "success")
            return response
    return _page("newcomer", found, form, problem)


# -- the printed letter


@bp.get("/family/letters/<code:code>")
def scanned(code: str) -> Response:
    """A letter's code from its picture, or after signing in. It leaves the address at once."""
    return _held(code)


@bp.get("/family/join")
def join() -> Answer:
    """Ask for the code of a letter; or, once after it was typed or scanned, say what it is for."""
    code = session.pop(LETTER, None)
    return _code_page(LetterForm(formdata=None)) if code is None else _offer(code)


@bp.post("/family/join")
def type_code() -> Answer:
    """Take a code."""
    form = LetterForm()
    return _held(form.code.data or "") if form.validate_on_submit() else (_code_page(form), 422)


@bp.post("/family/join/address")
def give_address() -> Answer:
    """Have the letter's link mailed to the own address."""
    form = AddressForm()
    code = form.code.data or ""
    if not form.validate_on_submit():
        return _offer(code, form)
    done_reading()
    try:
        accepting.give_address(
            code=code,
            email=form.email.data or "",
            name=form.name.data or "",
            visitor=devices.visitor(),
            throttles=settings().throttles,
        )
    except Rejected as rejected:
        if "code" in rejected.fields:
            return _refused(code, rejected)
        show_rejection(form, rejected)
        return _offer(code, form)
    except Throttled as throttled:
        return _refused(code, throttled)
    return redirect("/family/join/sent", 303)


@bp.get("/family/join/sent")
def sent() -> str:
    """Say to look into the mailbox. The same for every address."""
    return render_template("families/sent.html")


@bp.post("/family/join/accept")
def accept_letter() -> Answer:
    """Ask to follow a child with a letter and the account that is signed in."""
    form = HeldLetterForm()
    code = form.code.data or ""
    if not (current_user.is_authenticated and form.validate_on_submit()):
        return _held(code)
    who = principal()
    done_reading()
    try:
        accepting.accept_by_code(
            principal=who, code=code, visitor=devices.visitor(), throttles=settings().throttles
        )
    except Rejected as rejected:
        return _refused(code, Rejected(code=rejected.fields[""]))
    except Throttled as throttled:
        return _refused(code, throttled)
    return _asked()


def _held(code: str) -> Response:
    session[LETTER] = code[:LONGEST_CODE]
    return redirect("/family/join", 303)


def _offer(code: str, form: AddressForm | None = None) -> Answer:
    try:
        found = accepting.opened_by_code(code=code, visitor=devices.visitor(), throttles=settings().throttles)
    except (Rejected, Throttled) as refused:
        return _refused(code, refused)
    if current_user.is_authenticated:
        return _page("letter_confirm", found, HeldLetterForm(formdata=None, code=code))
    # Whoever signs in first comes back with the letter in hand.
    session[WANTED] = {"path": f"/family/letters/{normalise(code)}", "by": None}
    return _page("letter", found, form or AddressForm(formdata=None, code=code))


def _refused(code: str, refused: Rejected | Throttled) -> Answer:
    form = LetterForm(formdata=None, code=code)
    if isinstance(refused, Throttled):
        problem = gettext("That was tried too often. %(wait)s", wait=refused.sentence)
        return errors.to_be_waited_for(_code_page(form, problem), refused)
    form.code.errors = [refused.fields["code"]]
    return _code_page(form), 422


def _code_page(form: LetterForm, problem: str | None = None) -> str:
    return render_template("families/code.html", form=form, problem=problem, person=_person())


# -- both


def _asked() -> Response:
    flash(ASKED, "success")
    return redirect("/welcome", 303)


def _page(step: str, found: Opened, form: FlaskForm, problem: str | None = None) -> tuple[str, int]:
    page = render_template(
        "families/invitation.html", step=step, invitation=found, form=form, problem=problem, person=_person()
    )
    return page, 422 if form.errors or problem or request.method not in SAFE_METHODS else 200


def _person() -> object:
    return principal() if current_user.is_authenticated else None
