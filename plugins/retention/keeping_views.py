"""The page behind the link of a warning. Opening it does nothing: mail servers open links too."""

from flask import Blueprint, render_template
from flask_wtf import FlaskForm

from backoffice.web.identity import address
from plugins.retention import idle

bp = Blueprint("keeping", __name__, template_folder="templates")


@bp.route("/keep/<link:token>", methods=["GET", "POST"])
def keep(token: str) -> tuple[str, int]:
    """Keep the account with one press."""
    form = FlaskForm()
    if form.validate_on_submit():
        kept = idle.keep_account(token=token, address=address())
        return render_template("retention/keep.html", form=None, kept=kept), 200 if kept else 410
    good = idle.link_is_good(token=token)
    return render_template(
        "retention/keep.html", form=form if good else None, kept=False
    ), 200 if good else 410
