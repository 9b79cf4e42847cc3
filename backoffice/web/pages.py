"""Pages for everybody, and the addresses that machines ask."""

import hmac
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request
from flask_wtf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError

from backoffice.banner import Banner
from backoffice.runtime import check_database
from backoffice.settings import is_loopback
from backoffice.storage.keyring import KeyringError
from backoffice.storage.migrate import SchemaError
from backoffice.web import headers, metrics
from backoffice.web.identity import reading, runtime, settings
from backoffice.web.logs import logger

NO_MAIL = "stays queued until BACKOFFICE_SMTP_URL names a mail server"
FORWARDED = ("Forwarded", "Via", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")
# Seconds for which an answer holds: whoever asks again and again opens no connection each time.
LOOKED = 0.25
bp = Blueprint("web", __name__, template_folder="templates")


@bp.get("/")
def home() -> str:
    """The home page: two doors, one for children and one for grown-ups."""
    return render_template("web/home.html", banners=list(_banners()))


def _banners() -> Iterator[Banner]:
    """What is up at this moment, whichever parts are switched off."""
    for plugin in runtime().plugins:
        if plugin.banners is not None:
            yield from plugin.banners(reading())


@bp.get("/healthz")
def healthz() -> Response:
    """Whether the process is alive."""
    return Response("alive\n", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Whether requests can be served: the database answers, its schema and keyring are the right ones."""
    try:
        _look_at_database()
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


def _look_at_database() -> None:
    """Look at the database, one request at a time; who waited for another's look takes what that one found.

    Raises what `check_database` raises.
    """
    look: _Look = current_app.extensions["look at database"]
    with look.turn:
        if time.monotonic() - look.at > LOOKED:
            look.found = None
            try:
                check_database(runtime(), promptly=True)
            except (SQLAlchemyError, SchemaError, KeyringError) as error:
                look.found = error
            look.at = time.monotonic()
        if look.found is not None:
            raise look.found


@dataclass
class _Look:
    turn: Lock = field(default_factory=Lock)
    at: float = float("-inf")
    found: Exception | None = None


@bp.get("/metrics")
def figures() -> Response:
    """Figures for Prometheus, for this machine and for whoever has the token."""
    if not _may_see_figures():
        abort(404)
    return Response(metrics.written(runtime().database), content_type=metrics.CONTENT_TYPE)


def _may_see_figures() -> bool:
    token = settings().metrics_token
    scheme, _, told = request.headers.get("Authorization", "").partition(" ")
    if token is not None and scheme.lower() == "bearer":
        return hmac.compare_digest(told.strip().encode(), token.get_secret_value().encode())
    # A proxy on this machine asks from the loopback for everybody.
    passed_on = any(name in request.headers for name in FORWARDED)
    return not passed_on and is_loopback(request.remote_addr or "")


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


def init_app(app: Flask) -> None:
    """Remember what was last found out about the database."""
    app.extensions["look at database"] = _Look()


def init_csrf(csrf: CSRFProtect) -> None:
    """Browsers send their reports without a token."""
    csrf.exempt(csp_reports)
