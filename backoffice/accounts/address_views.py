"""The pages by which an account gets another address, and by which the old one takes it back."""

from flask import flash, redirect, render_template, request
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.accounts.address_forms import NewAddressForm
from backoffice.accounts.services import email_change, proof
from backoffice.accounts.views import bp, principal
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.web import cookies, devices, errors
from backoffice.web.identity import SAFE_METHODS, address, done_reading, reading, settings

ASKED = lazy(
    "A link is on its way to the new address, and a notice to the old one. Open the link within 24 hours,"
    " here where you are signed in."
)


@bp.route("/account/email", methods=["GET", "POST"])
@login_required
def change_email() -> Response | tuple[str, int]:
    """Ask for another address. The answer is the same for every one."""
    form, problem, who, tx = NewAddressForm(), None, principal(), reading()
    proof.demand(tx)
    own = proof.me(tx).email
    if form.validate_on_submit():
        done_reading()
        try:
            email_change.ask_to_change_email(
                principal=who,
                email=form.email.data or "",
                visitor=devices.visitor(),
                throttles=settings().throttles,
            )
        except Rejected as rejected:
            form.email.errors = [*rejected.fields.values()]
        except Throttled as throttled:
            problem = gettext("That was asked for too often. %(wait)s", wait=throttled.sentence)
            page = render_template(
                "accounts/new_address.html", form=form, problem=problem, person=who, own=own
            )
            return errors.to_be_waited_for(page, throttled)
        else:
            flash(ASKED, "success")
            return redirect("/account", 303)
    page = render_template("accounts/new_address.html", form=form, problem=problem, person=who, own=own)
    return page, 200 if request.method in SAFE_METHODS else 422


@bp.route("/account/email/<link:token>", methods=["GET", "POST"])
@login_required
def confirm_email(token: str) -> Response | tuple[str, int]:
    """Confirm the new address, by the link that was mailed to it and in the account that it is for."""
    form, who = FlaskForm(), principal()
    change = email_change.asked(reading(), token)
    if change is None:
        return _spent("/account", gettext("Go to my account"))
    if form.validate_on_submit():
        done_reading()
        try:
            going_on = email_change.change_email(principal=who, token=token, sessions=settings().sessions)
        except Rejected:
            return _spent("/account", gettext("Go to my account"))
        flash(
            gettext("Sign in with your new address from now on. Everywhere else you are signed out."),
            "success",
        )
        response = redirect("/account", 303)
        cookies.put(response, settings(), cookies.ACCOUNT, going_on.token, same_site="Lax")
        devices.remember(response, going_on.voucher)
        return response
    page = render_template("accounts/confirm_address.html", form=form, person=who, new=change.email)
    return page, 200 if request.method in SAFE_METHODS else 422


@bp.route("/take-back/<link:token>", methods=["GET", "POST"])
def take_back(token: str) -> Response | tuple[str, int]:
    """Take the account back, by the link of a mail; asked first, for programs open links, too."""
    form = FlaskForm()
    if not email_change.can_take_back(token):
        return _spent("/reset", gettext("Choose a new password"))
    if form.validate_on_submit():
        try:
            email_change.take_back(token=token, address=address())
        except Rejected:
            return _spent("/reset", gettext("Choose a new password"))
        flash(
            gettext("Your account is yours again, and everybody is signed out. Choose a new password now."),
            "success",
        )
        return redirect("/reset", 303)
    status = 200 if request.method in SAFE_METHODS else 422
    return render_template("accounts/take_back.html", form=form), status


def _spent(url: str, action: str) -> tuple[str, int]:
    return render_template("web/over.html", url=url, action=action), 410
