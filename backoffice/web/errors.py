"""What a person or a machine sees when something cannot be done: a page or a JSON problem, never SQL.

Problems follow RFC 9457. Both carry the reference by which the log knows the request.
"""

from http import HTTPStatus
from math import ceil
from typing import Any

from flask import Flask, Response, flash, g, make_response, redirect, render_template, request
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFError
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from backoffice.access.lookup import Closed, NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import SessionEnded
from backoffice.language.texts import gettext, lazy
from backoffice.problems import SwitchedOff, Throttled
from backoffice.storage.database import NoAnswer
from backoffice.web import cookies, logs, metrics, resend
from backoffice.web.identity import settings
from backoffice.web.language import on_a_childs_page
from backoffice.web.logs import logger, reference

SENTENCES = {
    400: (lazy("This could not be read"), lazy("Go back, load the page again and repeat what you did.")),
    401: (lazy("The session has ended"), lazy("Sign in again, then repeat what you did.")),
    404: (lazy("There is no such page"), lazy("Check the address, or start again from the home page.")),
    405: (lazy("This page cannot do that"), lazy("Go back and use the buttons of the page.")),
    408: (lazy("This took too long to arrive"), lazy("Check the connection, then send it again.")),
    413: (lazy("This is too large"), lazy("Send a smaller file or a shorter text.")),
    415: (lazy("This kind of file does not work here"), lazy("Use the form of the page.")),
    429: (lazy("Too many tries"), lazy("Wait a minute, then try again.")),
    500: (lazy("Something went wrong on our side"), lazy("Nothing was half saved. Try again in a moment.")),
    503: (lazy("The service is resting"), lazy("Try again in a minute. Nothing was half saved.")),
    504: (
        lazy("This took too long and was stopped"),
        lazy("Nothing was half saved. Ask for less at once, or try again in a minute."),
    ),
}
UNLISTED = (lazy("This did not work"), lazy("Go back and try again."))
CLOSED = (
    lazy("This class is archived"),
    lazy("Nothing of it changes while it is. Bring it back from its own page first."),
)
SLOW = "slow"
# What kept a page from the database, by what the driver and the pool raise.
_TROUBLE = {QueryCanceled: SLOW, NoAnswer: "silent", PoolTimeout: "busy"}
STALE_FORM = (
    lazy("This form was open for too long"),
    lazy("Go back, load the page again and repeat what you did."),
)


def answer(status: int, words: tuple[str, str] | None = None) -> Response:
    """The page or JSON problem for a status."""
    title, sentence = words or SENTENCES.get(status, UNLISTED)
    if _wants_json():
        response = make_response(
            {
                "type": "about:blank",
                "title": str(title),
                "status": status,
                "detail": str(sentence),
                "instance": reference(),
            }
        )
        response.content_type = "application/problem+json"
    else:
        response = _page(status, title, sentence)
    response.status_code = status
    return response


def to_be_waited_for(page: str | BaseResponse, refused: Throttled) -> Response:
    """The page as the answer to somebody who tried too often; also says so to machines and to the log."""
    logger.warning("throttled", reference=reference(), what=refused.what)
    metrics.THROTTLED.labels(refused.what).inc()
    response = make_response(page, HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(ceil(refused.wait.total_seconds()))
    return response


def _page(status: int, title: str, sentence: str) -> Response:
    plain = Response(f"{title}. {sentence}\n", mimetype="text/plain")
    if request_ctx.url_adapter is None:
        # Asked for under a name that is no host's: there is no address that a page could link to.
        return plain
    template = "students/error.html" if on_a_childs_page() else "web/error.html"
    try:
        page = render_template(
            template,
            title=title,
            sentence=sentence,
            reference=reference(),
            status=status,
            # Asked of the cookie alone: after a failure the database may not answer.
            inside=cookies.name(settings(), cookies.STUDENT) in request.cookies,
        )
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the page, there is an answer
        logs.failure(error)
        return plain
    return make_response(page)


def init_app(app: Flask) -> None:
    """Answer every kind of failure."""

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        if error.response is not None or (error.code or 500) < HTTPStatus.BAD_REQUEST:
            return error.get_response()  # type: ignore[return-value]
        response = answer(error.code or 500)
        if isinstance(getattr(error, "valid_methods", None), list):
            response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
        return response

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> Any:
        if resend.can_be_sent_again():
            flash(
                gettext("Nothing was saved yet: the page had been open for too long. Send it again."),
                "warning",
            )
            try:
                return resend.the_form_again()
            except Exception as error:  # noqa: BLE001 - an error of an error's handler has no other handler
                return app.handle_user_exception(error)
        return answer(400, STALE_FORM)

    _for_who_may_not(app)
    _for_failures(app)


def _for_who_may_not(app: Flask) -> None:
    @app.errorhandler(NotFound)
    @app.errorhandler(Denied)
    def _hidden(_error: Exception) -> Response:
        return answer(404)

    @app.errorhandler(Closed)
    def _closed(_error: Closed) -> Response:
        return answer(409, CLOSED)

    @app.errorhandler(SessionEnded)
    def _signed_out(_error: SessionEnded) -> BaseResponse:
        if _wants_json():
            return answer(401)
        if request.blueprint == "students":
            return redirect("/join", 303)
        flash(gettext("You were signed out because the session ended. Sign in again."), "info")
        return redirect("/sign-in", 303)

    @app.errorhandler(Throttled)
    def _too_often(error: Throttled) -> Response:
        return to_be_waited_for(answer(429, (gettext("Too many tries"), error.sentence)), error)

    @app.errorhandler(SwitchedOff)
    def _switched_off(error: SwitchedOff) -> Response:
        return answer(
            404, (error.sentence, gettext("What it holds is kept, and it can be switched on again."))
        )


def _for_failures(app: Flask) -> None:
    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def _database(error: SQLAlchemyError) -> Response:
        # The page is for nobody in particular: asking the database who it is for would fail again.
        g.unreachable = True
        cause = getattr(error, "orig", None) or error
        logger.error("database", reference=reference(), kind=type(cause).__name__)
        trouble = _TROUBLE.get(type(cause), "unreachable")
        metrics.DATABASE_TROUBLE.labels(trouble).inc()
        return answer(504 if trouble == SLOW else 503)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        logs.failure(error)
        return answer(500)


def _wants_json() -> bool:
    accepts = request.accept_mimetypes
    return accepts.best_match(["text/html", "application/json"]) == "application/json" and (
        accepts["application/json"] > accepts["text/html"]
    )
