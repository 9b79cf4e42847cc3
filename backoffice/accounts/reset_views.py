"""The pages behind links in mails: a new password, and locking an account that somebody else is using."""

from flask import flash, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.accounts.forms import AskToResetForm, NewPasswordForm
from backoffice.accounts.models import LinkPurpose
from backoffice.accounts.services import credentials
from backoffice.accounts.views import bp
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.web import devices, errors
from backoffice.web.identity import SAFE_METHODS, address, settings

ASKED = lazy(
    "If there is an account with this address, a link is on its way to it. It works for 30 minutes."
    " Look into the folder for unwanted mail too."
)


@bp.route("/reset", methods=["GET", "POST"])
def ask_to_reset() -> Response | str | tuple[str, int]:
    """Ask for a link to choose a new password. The answer is the same for every address."""
    form = AskToResetForm()
    if not form.validate_on_submit():
        return _page("accounts/ask_to_reset.html", form)
    try:
        credentials.ask_to_reset(
            email=form.email.data or "", visitor=devices.visitor(), throttles=settings().throttles
        )
    except Throttled as throttled:
        problem = gettext("That was asked for too often. %(wait)s", wait=throttled.sentence)
        page = render_template("accounts/ask_to_reset.html", form=form, problem=problem)
        return errors.to_be_waited_for(page, throttled)
    flash(ASKED, "success")
    return redirect("/sign-in", 303)


@bp.route("/reset/<link:token>", methods=["GET", "POST"])
def reset(token: str) -> Response | str | tuple[str, int]:
    """Choose a new password, by a link."""
    form = NewPasswordForm()
    if not credentials.link_opens(purpose=LinkPurpose.RESET, token=token):
        return _spent("/reset", gettext("Ask for a new link"))
    problem = None
    if form.validate_on_submit():
        try:
            credentials.reset_password(
                token=token,
                password=form.password.data or "",
                cost=settings().passwords,
                address=address(),
            )
        except Rejected as rejected:
            form.password.errors = [*rejected.fields.values()]
        else:
            flash(gettext("Your new password is set. Sign in with it."), "success")
            return redirect("/sign-in", 303)
    return _page("accounts/reset.html", form, problem)


@bp.route("/not-me/<link:token>", methods=["GET", "POST"])
def not_me(token: str) -> Response | str | tuple[str, int]:
    """Lock the account, by the link of a mail; asked first, for mail programs open links by themselves."""
    form = FlaskForm()
    if not credentials.link_opens(purpose=LinkPurpose.NOT_ME, token=token):
        return _spent("/reset", gettext("Choose a new password"))
    if form.validate_on_submit():
        try:
            credentials.lock_account(token=token, address=address())
        except Rejected:
            return _spent("/reset", gettext("Choose a new password"))
        flash(
            gettext("Your account is locked and everybody is signed out. Choose a new password now."),
            "success",
        )
        return redirect("/reset", 303)
    return _page("accounts/not_me.html", form)


def _page(template: str, form: FlaskForm, problem: str | None = None) -> tuple[str, int]:
    status = 200 if request.method in SAFE_METHODS else 422
    return render_template(template, form=form, problem=problem), status


def _spent(url: str, action: str) -> tuple[str, int]:
    return render_template("web/over.html", url=url, action=action), 410
