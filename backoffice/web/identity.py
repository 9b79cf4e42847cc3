"""Who a request comes from, and the transaction in which it reads.

A request reads in one transaction as its principal; services write in one of their own. Before anything
is written the reading transaction is closed: both check the session row, and may touch it.
"""

from http import HTTPStatus
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from backoffice.access.principal import Credential, Nobody, Principal, SessionEnded
from backoffice.access.transaction import Transaction
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from backoffice.storage import database

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def runtime() -> Runtime:
    """What this application was started with."""
    found: Runtime = current_app.extensions["backoffice"]
    return found


def settings() -> Settings:
    """The settings of this application."""
    return runtime().settings


def address() -> str | None:
    """The network address of the client. Forwarded ones are believed for `PROXY_HOPS` hops only."""
    return request.remote_addr


def enter(credential: Credential) -> Principal | None:
    """Who presents this credential, or None if its session is over. Begins the request's reading."""
    if g.get("unreachable"):
        return None
    previous: Transaction | None = g.get("reading")
    if previous is not None:
        # That somebody else was here a moment ago is kept, and no lock of it stands in the way.
        previous.commit()
    tx = Transaction(credential, bind=database.current().engine(Principal(credential).database_role))
    try:
        principal = tx.principal
        if request.method not in SAFE_METHODS:
            tx.commit()
    except SessionEnded:
        tx.close()
        return None
    except BaseException as error:
        # The error page is rendered for nobody: asking again who it is for would fail again.
        g.unreachable = isinstance(error, SQLAlchemyError)
        tx.close()
        raise
    if previous is not None:
        previous.close()
    g.reading = tx
    g.zone = ZoneInfo(principal.time_zone)
    # From here on everything is said in their language.
    g.entered = principal
    g.pop("language", None)
    return principal


def reading() -> Transaction:
    """The transaction in which this request reads. As nobody, if nobody has been entered."""
    # Asked some twenty times a page: each look at `g` finds out anew which request it is.
    tx: Transaction | None = g.get("reading")
    if tx is None:
        enter(Nobody(address()))
        tx = g.reading
    return tx


def done_reading() -> None:
    """End the reading transaction before a service writes."""
    if "reading" in g:
        g.reading.commit()


def init_app(app: Flask) -> None:
    """End a request's reading with the request."""

    @app.after_request
    def _commit(response: Response) -> Response:
        # Entering may have moved the session's last-seen time; that is to stay. After a failure there is
        # nothing to keep, and perhaps no connection to keep it by.
        if "reading" in g and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            g.reading.commit()
        return response

    @app.teardown_request
    def _close(_error: BaseException | None) -> None:
        tx: Transaction | None = g.pop("reading", None)
        if tx is not None:
            tx.close()
