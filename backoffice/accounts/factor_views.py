"""The pages of the second factor, and the one that asks for the password again before what reaches far."""

from collections.abc import Callable
from contextlib import suppress

import segno
from flask import Flask, flash, make_response, redirect, render_template, request, session
from flask.globals import request_ctx
from flask_login import login_required
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from backoffice.accounts.forms import CodeForm, PasswordForm
from backoffice.accounts.services import proof, second_factor
from backoffice.accounts.services.second_factor import Changed
from backoffice.accounts.views import SET_UP, bp, principal
from backoffice.language.texts import gettext
from backoffice.problems import Rejected, Throttled
from backoffice.web import cookies, devices, errors
from backoffice.web.identity import SAFE_METHODS, done_reading, reading, settings

PROVING_FOR = "proving_for"
# Whether something is to be done once more there: a form that was sent, or a file.
ONCE_MORE = "once_more"
FILES = (".csv", "/file")


@bp.get("/account/second-factor")
@login_required
def factor() -> str:
    """How the second factor stands, and what can be done about it."""
    tx = reading()
    proof.demand(tx)
    return render_template(
        "accounts/second_factor.html",
        person=principal(),
        factor=second_factor.factor(tx),
        must=second_factor.required(tx),
    )


@bp.post("/account/second-factor")
@login_required
def begin_factor() -> Response:
    """Begin to set up an app."""
    who = principal()
    done_reading()
    second_factor.begin(principal=who)
    return redirect("/account/second-factor/confirm", 303)


@bp.route("/account/second-factor/confirm", methods=["GET", "POST"])
@login_required
def confirm_factor() -> Response | tuple[str, int]:
    """Show the picture for the app, and take the first code that it shows."""
    form, who = CodeForm(), principal()
    proof.demand(reading())
    pending = second_factor.pending(reading())
    if pending is None:
        return redirect(SET_UP.address, 303)
    if form.validate_on_submit():
        done_reading()
        try:
            changed = second_factor.confirm(
                principal=who, otp=form.otp.data or "", sessions=settings().sessions
            )
        except Rejected as rejected:
            form.otp.errors = [*rejected.fields.values()]
        else:
            return codes_page(changed)
    page = render_template(
        "accounts/confirm_factor.html",
        form=form,
        person=who,
        picture=segno.make(pending.address).svg_data_uri(scale=5, light="#fff"),
        secret=" ".join(pending.secret[at : at + 4] for at in range(0, len(pending.secret), 4)),
        problem=None,
    )
    return page, 200 if request.method in SAFE_METHODS else 422


@bp.post("/account/second-factor/codes")
@login_required
def renew_codes() -> Response:
    """Make new recovery codes, and show them once."""
    return _act(second_factor.renew_codes, codes_page)


@bp.post("/account/second-factor/remove")
@login_required
def remove_factor() -> Response:
    """Be without a second factor again."""

    def removed(changed: Changed) -> Response:
        flash(gettext("Your second factor is removed. Everywhere else you are signed out."), "success")
        return going_on(redirect("/account", 303), changed)

    return _act(second_factor.remove, removed)


@bp.route("/account/prove", methods=["GET", "POST"])
@login_required
def prove() -> Response | tuple[str, int]:
    """Ask for the password again, and lead back to where it was needed."""
    form, problem, who = PasswordForm(), None, principal()
    own = second_factor.factor(reading())
    shown = {"person": who, "passkeys": own is not None and own.passkeys > 0}
    if form.validate_on_submit():
        done_reading()
        try:
            proof.prove(
                principal=who,
                password=form.password.data or "",
                visitor=devices.visitor(),
                cost=settings().passwords,
                throttles=settings().throttles,
            )
        except Rejected as rejected:
            form.password.errors = [*rejected.fields.values()]
        except Throttled as throttled:
            problem = gettext("That was tried too often. %(wait)s", wait=throttled.sentence)
            page = render_template("accounts/prove.html", form=form, problem=problem, **shown)
            return errors.to_be_waited_for(page, throttled)
        else:
            if session.pop(ONCE_MORE, False):
                flash(gettext("Thank you. Now do once more what you were about to do."), "success")
            return redirect(session.pop(PROVING_FOR, "/account"), 303)
    page = render_template("accounts/prove.html", form=form, problem=problem, **shown)
    return page, 200 if request.method in SAFE_METHODS else 422


def init_app(app: Flask) -> None:
    """Lead whoever has to prove anew who it is to the page for it, and back."""

    @app.errorhandler(proof.ProofNeeded)
    def _prove_first(_error: proof.ProofNeeded) -> Response:
        page = _page_of(request.path)
        query = request.query_string.decode()
        session[PROVING_FOR] = f"{page}?{query}" if query else page
        session[ONCE_MORE] = page != request.path or request.method not in SAFE_METHODS
        return redirect("/account/prove", 303)


def _page_of(path: str) -> str:
    """The page that belongs to an address: itself, or the nearest one above that can be looked at.

    A file is nothing to look at: the page of its list is.
    """
    while path.count("/") > 1:
        above = path.rstrip("/").rpartition("/")[0]
        for page in (path, f"{above}/"):
            with suppress(HTTPException):
                request_ctx.url_adapter.match(page, "GET")  # type: ignore[union-attr]
                if not page.endswith(FILES):
                    return page
        path = above
    return "/account"


def _act(act: Callable[..., Changed], answer: Callable[[Changed], Response]) -> Response:
    who = principal()
    done_reading()
    try:
        changed = act(principal=who, sessions=settings().sessions)
    except Rejected as rejected:
        flash(rejected.in_words, "warning")
        return redirect(SET_UP.address, 303)
    return answer(changed)


def codes_page(changed: Changed) -> Response:
    """Show new recovery codes, this once."""
    page = render_template("accounts/recovery_codes.html", person=principal(), codes=changed.recovery_codes)
    return going_on(make_response(page), changed)


def going_on(response: Response, changed: Changed) -> Response:
    """Let the browser go on in the session that came of a change."""
    cookies.put(response, settings(), cookies.ACCOUNT, changed.token, same_site="Lax")
    return response
