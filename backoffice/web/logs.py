"""Logs: one JSON object a line, with a request's reference and without personal data.

No query string, no body, no address of the network, no name reaches a log line. Classroom codes in an
address are masked.
"""

import logging
import re
import secrets
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request

from backoffice.privacy.retention.log_files import LogFile
from backoffice.settings import Settings
from backoffice.web import metrics

_IDENTIFIER = re.compile(r"[0-9a-f]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

logger = structlog.get_logger("backoffice")


def configure(folder: Path | None = None, level: int = logging.INFO) -> None:
    """Write JSON lines to `web.log` in a folder, or to standard error."""
    stream: Any = sys.stderr if folder is None else LogFile(folder)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


def reference() -> str:
    """The reference of this request: on its error page, in its log line, nowhere else."""
    if "reference" not in g:
        g.reference = secrets.token_hex(6)
    return str(g.reference)


def failure(error: BaseException) -> None:
    """Note a failure: where it happened, not what was said, for a message can quote a parameter."""
    frames = traceback.extract_tb(error.__traceback__)
    logger.error(
        "failure",
        reference=reference() if has_request_context() else None,
        kind=type(error).__name__,
        at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-8:]],
    )


class FrameworkLog(logging.Handler):
    """What Flask itself logs, without its words: they quote the path and the trace of a request."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note the kind of failure and where it was, or only where the line comes from."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            failure(error)
        else:
            logger.warning("framework", at=f"{record.filename}:{record.lineno}")


def init_app(app: Flask, settings: Settings) -> None:
    """Log and count every request when it is answered, and let nothing else say more of it."""
    app.logger.handlers[:] = [FrameworkLog(logging.WARNING)]
    app.logger.propagate = False

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _answered(response: Response) -> Response:
        response.headers["X-Request-Id"] = reference()
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        # The rule and not the path: a path can hold a code or an identifier.
        route = request.url_rule.rule if request.url_rule else None
        metrics.count_request(request.method, route, response.status_code, seconds)
        if not (request.endpoint or "").endswith("static"):
            logger.info(
                "request",
                reference=reference(),
                method=request.method,
                route=route,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 1),
                **_told_by_proxy(settings),
            )
        return response


def _told_by_proxy(settings: Settings) -> dict[str, str]:
    """The proxy's own name for the request, so that its log and ours can be laid side by side.

    Ours stays ours: a proxy may pass on what a visitor sent, and that must not become what a person reads out
    to us. Nothing but digits of an identifier is taken.
    """
    told = request.headers.get("X-Request-Id", "") if settings.proxy_hops else ""
    return {"proxy_reference": told} if _IDENTIFIER.fullmatch(told) else {}
