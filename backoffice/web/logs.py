"""Logs: one JSON object a line, with a request's reference and without personal data.

No query string, no body, no address of the network, no name reaches a log line. Classroom codes in an
address are masked.
"""

import logging
import secrets
import sys
import time
from pathlib import Path

import structlog
from flask import Flask, Response, g, request

logger = structlog.get_logger("backoffice")


def configure(folder: Path | None = None, level: int = logging.INFO) -> None:
    """Write JSON lines to `web.log` in a folder, or to standard error."""
    stream = sys.stderr
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        # Line buffered and appended to: several processes may write the same file.
        stream = (folder / "web.log").open("a", buffering=1, encoding="utf-8")
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


def init_app(app: Flask) -> None:
    """Log every request when it is answered."""

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _answered(response: Response) -> Response:
        response.headers["X-Request-Id"] = reference()
        if not (request.endpoint or "").endswith("static"):
            logger.info(
                "request",
                reference=reference(),
                method=request.method,
                # The rule and not the path: a path can hold a code or an identifier.
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.get("started", 0)) * 1000, 1),
            )
        return response
