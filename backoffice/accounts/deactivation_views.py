"""Deleting the own account: a public page that explains it, and the page that does it."""

from flask import flash, redirect, render_template, request, session
from flask_login import login_required
from werkzeug.wrappers import Response

from backoffice.accounts.address_forms import EraseAccountForm
from backoffice.accounts.services import deactivation
from backoffice.accounts.views import bp, principal
from backoffice.language.texts import gettext
from backoffice.privacy.erasure.own_account import erase_own_account
from backoffice.problems import Rejected
from backoffice.web import cookies
from backoffice.web.identity import SAFE_METHODS, done_reading, reading, settings


@bp.get("/deactivate")
def about_deactivating() -> str:
    """What deleting an account does, for everybody."""
    return render_template("accounts/about_deactivating.html", address=settings().report_address)


@bp.route("/account/deactivate", methods=["GET", "POST"])
@login_required
def deactivate() -> Response | tuple[str, int]:
    """Show what goes and what stays, and have the account erased."""
    form, who = EraseAccountForm(), principal()
    found = deactivation.preview(reading())
    if form.validate_on_submit():
        done_reading()
        try:
            number = erase_own_account(principal=who, typed=form.typed.data or "")
        except Rejected as rejected:
            if "" in rejected.fields:
                flash(rejected.fields[""], "warning")
                return redirect("/account/deactivate", 303)
            form.typed.errors = [*rejected.fields.values()]
        else:
            session.clear()
            said = gettext(
                "Your account is closed, and is deleted now. A mail brings the receipt, number %(number)s.",
                number=number,
            )
            flash(said, "success")
            response = redirect("/deactivate", 303)
            cookies.drop(response, settings(), cookies.ACCOUNT)
            # As after signing out: the back button shows nothing of what was open.
            response.headers["Clear-Site-Data"] = '"cache"'
            return response
    page = render_template("accounts/deactivate.html", form=form, person=who, preview=found)
    return page, 200 if request.method in SAFE_METHODS else 422
