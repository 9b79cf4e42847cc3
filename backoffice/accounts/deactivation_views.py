"""Closing the own account: a public page that explains it, and the page that does it."""

from flask import flash, redirect, render_template, request, session
from flask_login import login_required
from werkzeug.wrappers import Response

from backoffice.accounts.address_forms import CloseForm
from backoffice.accounts.services import deactivation
from backoffice.accounts.views import bp, principal
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.web import cookies
from backoffice.web.identity import SAFE_METHODS, done_reading, reading, settings


@bp.get("/deactivate")
def about_deactivating() -> str:
    """What closing an account does, for everybody."""
    return render_template("accounts/about_deactivating.html", address=settings().report_address)


@bp.route("/account/deactivate", methods=["GET", "POST"])
@login_required
def deactivate() -> Response | tuple[str, int]:
    """Show what goes and what stays, and close the account."""
    form, who = CloseForm(), principal()
    found = deactivation.preview(reading())
    if form.validate_on_submit():
        done_reading()
        try:
            deactivation.deactivate(principal=who, word=form.word.data or "")
        except Rejected as rejected:
            if "" in rejected.fields:
                flash(rejected.fields[""], "warning")
                return redirect("/account/deactivate", 303)
            form.word.errors = [*rejected.fields.values()]
        else:
            session.clear()
            flash(gettext("Your account is closed, and you are signed out. A mail confirms it."), "success")
            response = redirect("/deactivate", 303)
            cookies.drop(response, settings(), cookies.ACCOUNT)
            # As after signing out: the back button shows nothing of what was open.
            response.headers["Clear-Site-Data"] = '"cache"'
            return response
    page = render_template("accounts/deactivate.html", form=form, person=who, preview=found)
    return page, 200 if request.method in SAFE_METHODS else 422
