"""The page behind the link of a mail about a lost second factor: its owner keeps it."""

from flask import flash, redirect, render_template
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.accounts.care.services import factor_resets
from backoffice.accounts.views import bp
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.web.identity import address

KEPT = lazy("Your second factor stays. Whoever asked for its removal is told.")


@bp.route("/keep-my-factor/<link:token>", methods=["GET", "POST"])
def keep_factor(token: str) -> Response | str | tuple[str, int]:
    """Refuse that the own second factor is removed; asked first, for mail programs open links."""
    form = FlaskForm()
    if not factor_resets.can_be_refused(token):
        return _over()
    if not form.validate_on_submit():
        return render_template("accounts/keep_factor.html", form=form)
    try:
        factor_resets.refuse(token=token, address=address())
    except Rejected:
        return _over()
    flash(KEPT, "success")
    return redirect("/sign-in", 303)


def _over() -> tuple[str, int]:
    return render_template("web/over.html", url="/sign-in", action=gettext("Sign in")), 410
