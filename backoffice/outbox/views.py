"""The demo's mails to look at. Outside the demo these pages do not exist."""

from pathlib import Path

from flask import Blueprint, Flask, Response, abort, render_template

from backoffice.outbox import files
from backoffice.outbox.files import MailFile
from backoffice.outbox.rendering import style_source
from backoffice.settings import Settings
from backoffice.web import headers
from backoffice.web.identity import settings

bp = Blueprint("demo_mail", __name__, template_folder="templates")


@bp.get("/demo/mail")
def index() -> str:
    """The newest mails."""
    return render_template("outbox_pages/mails.html", mails=files.newest(_folder()))


@bp.get("/demo/mail/<mail:public_id>")
def one(public_id: str) -> str:
    """One mail: its text part, and the way to its HTML part."""
    return render_template("outbox_pages/mail.html", mail=_mail(public_id))


@bp.get("/demo/mail/<mail:public_id>/html")
def html(public_id: str) -> Response:
    """The HTML part as it is, on a page that may do nothing but be styled by the layout's own style sheet."""
    headers.only(f"default-src 'none'; style-src {style_source()}; sandbox; frame-ancestors 'none'")
    return Response(_mail(public_id).html, mimetype="text/html")


def init_app(app: Flask, settings: Settings) -> None:
    """Add the pages where mails are written into a folder, which is the demo."""
    if settings.mail_folder is not None:
        app.register_blueprint(bp)


def _folder() -> Path:
    folder = settings().mail_folder
    assert folder is not None
    return folder


def _mail(public_id: str) -> MailFile:
    return files.one(_folder(), public_id) or abort(404)
