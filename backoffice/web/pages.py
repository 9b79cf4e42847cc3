"""Pages for everybody, and the addresses that machines ask."""

from flask import Blueprint, Response, render_template, request
from flask_wtf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError

from backoffice.runtime import check_database
from backoffice.storage.keyring import KeyringError
from backoffice.storage.migrate import SchemaError
from backoffice.web import headers
from backoffice.web.identity import runtime, settings
from backoffice.web.logs import logger

NO_MAIL = "stays queued until BACKOFFICE_SMTP_URL names a mail server"
bp = Blueprint("web", __name__, template_folder="templates")


@bp.get("/")
def home() -> str:
    """The home page: two doors, one for children and one for grown-ups."""
    return render_template("web/home.html", banner=None)


@bp.get("/report")
def report() -> str:
    """How anybody reports a message or anything else that looks wrong."""
    return render_template("web/report.html", address=settings().report_address)


@bp.get("/healthz")
def healthz() -> Response:
    """Whether the process is alive."""
    return Response("alive\n", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Whether requests can be served: the database answers, its schema and keyring are the right ones."""
    try:
        check_database(runtime())
    except SQLAlchemyError:
        return {"status": "unavailable", "database": "does not answer"}, 503
    except SchemaError:
        return {"status": "unavailable", "migrations": "missing"}, 503
    except KeyringError:
        return {"status": "unavailable", "keyring": "not the one of this database"}, 503
    return {
        "status": "ready",
        "database": "answers",
        "migrations": "current",
        "keyring": "right",
        # Requests are served without it all the same.
        "mail": NO_MAIL if settings().smtp_url is None else "goes out",
    }, 200


@bp.post("/csp-reports")
def csp_reports() -> tuple[str, int]:
    """Take a browser's report of a violated content security policy. Only the directive is kept."""
    try:
        report = request.get_json(force=True, silent=True)
    except RecursionError:
        # A thousand brackets are JSON, and no report.
        report = None
    body = report.get("csp-report") if isinstance(report, dict) else None
    directive = body.get("effective-directive") if isinstance(body, dict) else None
    # Anybody may send anything here: only a word of our own policy reaches the log.
    known = [each for each in headers.DIRECTIVES if str(directive).startswith(each)]
    if known:
        logger.warning("csp", directive=known[0])
    return "", 204


def init_csrf(csrf: CSRFProtect) -> None:
    """Browsers send their reports without a token."""
    csrf.exempt(csp_reports)
