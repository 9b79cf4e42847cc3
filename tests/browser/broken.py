"""Pages that fail in every way that has a page of its own, which no healthy page can be brought to do."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from flask import Flask
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import RequestEntityTooLarge

from backoffice.problems import SwitchedOff, Throttled

FAILURES: Mapping[int, Callable[[], Exception]] = {
    404: lambda: SwitchedOff("Rosters"),
    413: RequestEntityTooLarge,
    429: lambda: Throttled("test", timedelta(seconds=90)),
    500: lambda: RuntimeError("a defect"),
    503: PoolTimeout,
    504: lambda: OperationalError("select", {}, QueryCanceled()),
}


def break_pages(app: Flask) -> None:
    """Give an application an address for each failure, for adults and for children."""

    def fail(status: int) -> str:
        failure = FAILURES[status]()
        raise failure

    for path in ("/broken", "/student/broken"):
        app.add_url_rule(f"{path}/<int:status>", path, fail)
