"""What the libraries below the jobs log, as lines of our own: what kind and where, never what was said.

They would write arguments and messages of failures, and a message can quote a value.
"""

import logging

import structlog

from backoffice.jobs.failures import place

logger = structlog.get_logger("backoffice")
LIBRARIES = ("procrastinate", "apscheduler", "psycopg.pool", "asyncio")


class _Ours(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        logger.warning(
            "library",
            library=record.name,
            said_at=f"{record.module}:{record.lineno}",
            action=getattr(record, "action", None),
            kind=type(error).__name__ if error else None,
            at=place(error) if error else None,
        )


def route(*libraries: str) -> None:
    """Take over the libraries' warnings and errors, and drop what they chat. Safe to repeat."""
    for name in libraries:
        found = logging.getLogger(name)
        found.handlers = [_Ours()]
        found.setLevel(logging.WARNING)
        found.propagate = False
