"""Figures about the running site in Prometheus' text form: how much, how fast, how often not.

No label holds anything of a person: routes are patterns, jobs and throttles have names of ours. What this
web server does is counted by its processes together, in files of a folder that its supervisor makes; what
jobs and mails there are is asked of the database when somebody looks.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from http import HTTPMethod
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import QueuePool, event
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.settings import shared_counters
from backoffice.storage import functions
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole, RoleError

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
A_DAY = timedelta(days=1)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
# Methods are words that a visitor chooses.
METHODS = frozenset(HTTPMethod)
OTHER, NO_ROUTE = "other", "none"
_IN_USE = "in use"

disable_created_metrics()  # type: ignore[no-untyped-call]
_counted = CollectorRegistry()

REQUESTS = Counter(
    "backoffice_requests", "Requests answered.", ["method", "route", "status"], registry=_counted
)
DURATION = Histogram(
    "backoffice_request_seconds",
    "How long an answer took.",
    ["method", "route"],
    buckets=SECONDS,
    registry=_counted,
)
THROTTLED = Counter("backoffice_throttled", "Tries that were refused.", ["throttle"], registry=_counted)
DATABASE_TROUBLE = Counter(
    "backoffice_database_trouble",
    "Requests that the database kept from being answered.",
    ["kind"],
    registry=_counted,
)
_POOL = Gauge(
    "backoffice_database_connections",
    "Connections to the database that are open, and that are in use.",
    ["state"],
    multiprocess_mode="livesum",
    registry=_counted,
)


@lru_cache
def _pool(state: str) -> Gauge:
    # Not before something is counted: with it a file comes about, where processes count together.
    return _POOL.labels(state)


@event.listens_for(QueuePool, "connect")
def _opened(*_about: Any) -> None:
    _pool("open").inc()


@event.listens_for(QueuePool, "close")
def _closed(*_about: Any) -> None:
    _pool("open").dec()


@event.listens_for(QueuePool, "checkout")
def _taken(_connection: Any, record: Any, _fairy: Any) -> None:
    # Asked once more where a connection that had died is replaced on its way out.
    if not record.record_info.get(_IN_USE):
        record.record_info[_IN_USE] = True
        _pool(_IN_USE).inc()


@event.listens_for(QueuePool, "checkin")
def _given_back(_connection: Any, record: Any) -> None:
    # Also of one that could not be made and so was never taken.
    if record.record_info.pop(_IN_USE, False):
        _pool(_IN_USE).dec()


def count_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request that has been answered. `route` is the pattern of its address."""
    known, where = method if method in METHODS else OTHER, route or NO_ROUTE
    answered, duration = _of(known, where, status)
    answered.inc()
    duration.observe(seconds)


@lru_cache(maxsize=10_000)
def _of(method: str, where: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, where, status), DURATION.labels(method, where)


def written(database: Database) -> bytes:
    """All figures as text."""
    asked = CollectorRegistry()
    asked.register(_Asked(database))
    return generate_latest(_together()) + generate_latest(asked)


def _together() -> CollectorRegistry:
    """What this process has counted; with processes beside it, what all of them have."""
    folder = shared_counters()
    if folder is None:
        return _counted
    for path in folder.glob("gauge_live*_*.db"):
        number = int(path.stem.rpartition("_")[2])
        if not _lives(number):
            mark_process_dead(number, str(folder))  # type: ignore[no-untyped-call]
    together = CollectorRegistry()
    MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
    return together


def _lives(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True


class _Asked(Collector):
    """What the database knows of jobs and mails, and whether it answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures as they are now; without a database only that there is none."""
        try:
            engine = self._database.engine(DatabaseRole.APP, prompt=True)
            with engine.connect() as connection:
                rows = functions.operation_counts(connection, since=clock.now() - A_DAY)
        except (SQLAlchemyError, RoleError):
            yield GaugeMetricFamily("backoffice_database_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("backoffice_database_up", "Whether the database answers.", 1)
        families = {
            "run": GaugeMetricFamily(
                "backoffice_job_runs_last_day", "Runs that ended in 24 hours.", labels=["job", "state"]
            ),
            "queue": GaugeMetricFamily(
                "backoffice_jobs_queued",
                "Jobs in the queue that wait or are worked on.",
                labels=["queue", "state"],
            ),
            "mail": GaugeMetricFamily(
                "backoffice_mails", "Mails that are kept, by state.", labels=["mail", "state"]
            ),
            "return": GaugeMetricFamily(
                "backoffice_mail_returns",
                "Messages that came for our return address, by what became of them.",
                labels=["outcome"],
            ),
        }
        for row in rows:
            labels = [row.state] if row.what == "return" else [row.name, row.state]
            families[row.what].add_metric(labels, row.number)
        yield from families.values()
