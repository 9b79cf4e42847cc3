"""The page where anybody reports something. No switch closes it."""

from uuid import uuid4

from flask import Blueprint, Flask, flash, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from backoffice.access.principal import Credential, Nobody, Principal
from backoffice.accounts.views import principal
from backoffice.language.texts import gettext
from backoffice.problems import Rejected, Throttled
from backoffice.reports import services
from backoffice.reports.forms import ReportForm
from backoffice.reports.services import LARGEST_MAIL, Reported
from backoffice.web import devices, errors
from backoffice.web.identity import SAFE_METHODS, done_reading, settings
from backoffice.web.rejections import show_rejection
from backoffice.web.requests import allow_upload
from backoffice.web.resend import shows_what_was_typed

bp = Blueprint("reports", __name__, template_folder="templates")
# What else a form has beside its file.
ROOM = 64 << 10


@bp.route("/report", methods=["GET", "POST"])
@shows_what_was_typed
def report() -> str | Response | tuple[str, int]:
    """Report something that looks wrong."""
    form, problem = ReportForm(), None
    if form.validate_on_submit():
        done_reading()
        try:
            number = services.report(
                principal=_who(),
                reported=_reported(form),
                visitor=devices.visitor(),
                throttles=settings().throttles,
            )
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        except Throttled as throttled:
            many = gettext(
                "There were many reports. Your words are still here. %(wait)s", wait=throttled.sentence
            )
            return errors.to_be_waited_for(_page(form, many), throttled)
        else:
            if number:
                flash(gettext("The number of your report is %(number)s.", number=number), "success")
            return redirect("/report/sent", 303)
    return _page(form, problem), 200 if request.method in SAFE_METHODS else 422


@bp.get("/report/sent")
def sent() -> str:
    """It has come in, and what happens now."""
    return render_template("reports/sent.html")


def _who() -> Principal | Credential:
    return principal() if current_user.is_authenticated else Nobody(devices.visitor().address)


def _reported(form: ReportForm) -> Reported:
    upload = form.file.data
    return Reported(
        kind=form.kind.data or "",
        said=form.said.data or "",
        contact=form.contact.data or "",
        mail=upload.read(LARGEST_MAIL + 1) if upload else b"",
        form=form.form.data or "",
    )


def _page(form: ReportForm, problem: str | None) -> str:
    form.form.data = form.form.data or str(uuid4())
    return render_template(
        "reports/report.html", form=form, problem=problem, address=settings().report_address
    )


def init_app(app: Flask) -> None:
    """Let the page take a file, from whomever."""
    allow_upload(app, "reports.report", size=LARGEST_MAIL + ROOM, opens=lambda: True)
