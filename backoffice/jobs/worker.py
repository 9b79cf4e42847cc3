"""The process that works on the queue: one job at a time, in a thread, with a heartbeat beside it."""

import asyncio
import signal
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import procrastinate
import structlog
from flask import Flask
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.jobs import library_logs, registry
from backoffice.jobs.registry import CORE, Registered
from backoffice.jobs.runs import Again, GivenUp, delay, run_queued
from backoffice.storage import database
from backoffice.storage.roles import DatabaseRole

logger = structlog.get_logger("backoffice")

HEARTBEAT = 5.0  # seconds
POLLING = 5.0  # seconds; a new job is announced at once, this is for those that were put off
OPENING = 10.0  # seconds to wait for the database before trying anew
REST = 2.0  # seconds between two tries
# A job that this worker does not know is left to a newer one for a day, then given up.
UNKNOWN_AGAIN = timedelta(seconds=30)
UNKNOWN_TRIES = timedelta(days=1) // UNKNOWN_AGAIN
PURPOSE = Purpose("core.work")
AWAY = (ConnectorException, PoolTimeout, SQLAlchemyError, TimeoutError)


def run_worker(app: Flask) -> None:
    """Work until SIGTERM, SIGINT or SIGHUP; the job in hand is finished first.

    Outlives a database that goes away.
    """
    library_logs.route(*library_logs.LIBRARIES)
    asyncio.run(_until_stopped(app))


async def _until_stopped(app: Flask) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        try:
            await _work(app, stop)
        except AWAY as error:
            logger.warning("worker", state="waits for the database", kind=type(error).__name__)
        if not stop.is_set():
            await _wait(stop, REST)


async def _work(app: Flask, stop: asyncio.Event) -> None:
    queue = _queue(app)
    await asyncio.wait_for(queue.open_async(), OPENING)
    try:
        worker = Worker(
            queue,
            concurrency=1,
            fetch_job_polling_interval=POLLING,
            update_heartbeat_interval=HEARTBEAT,
            # What succeeded is forgotten by the queue; the run's row tells of it.
            delete_jobs="successful",
            install_signal_handlers=False,
        )
        working = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        worker.stop()  # type: ignore[no-untyped-call]
        await working
    finally:
        await queue.close_async()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


class _Jobs(JobManager):
    """The library's manager, minding which plugins are on and that the database may be away for a moment."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        del queues
        while True:
            # Asked anew for each job: what a plugin wants done waits while it is switched off.
            job = await super().fetch_job(await asyncio.to_thread(_switched_on), worker_id)
            if job is None or job.task_name in registry.installed() or job.attempts >= UNKNOWN_TRIES:
                return job
            # While a release is rolled out older workers run beside newer ones; the library would fail it.
            logger.warning("worker", state="does not know a job and leaves it", job=job.task_name)
            await self.retry_job(job, retry_at=clock.now() + UNKNOWN_AGAIN)

    async def update_heartbeat(self, worker_id: int) -> None:
        # The library's loop would end at the first failure, and nobody would notice.
        try:
            await super().update_heartbeat(worker_id)
        except ConnectorException as error:
            logger.warning("worker", state="gave no sign of life", kind=type(error).__name__)


class _AsTold(BaseRetryStrategy):
    """The run has decided; anything else that fails is told by nobody and tried again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, GivenUp):
            return None
        at = exception.at if isinstance(exception, Again) else clock.now() + delay(job.attempts + 1)
        return RetryDecision(retry_at=at)


def _switched_on() -> list[str]:
    with transaction(PURPOSE) as tx:
        return [owner for owner in registry.owners() if owner == CORE or tx.enabled(owner)]


def _queue(app: Flask) -> procrastinate.App:
    address = database.current().url(DatabaseRole.SYSTEM).set(drivername="postgresql")
    connector = procrastinate.PsycopgConnector(
        conninfo=address.render_as_string(hide_password=False),
        kwargs={**database.CONNECTING, "prepare_threshold": None},
        min_size=1,
        max_size=4,
    )
    queue = procrastinate.App(connector=connector)
    queue.job_manager = _Jobs(connector)
    for entry in registry.installed().values():
        _register(queue, entry, app)
    return queue


def _register(queue: procrastinate.App, entry: Registered, app: Flask) -> None:
    def work(context: procrastinate.JobContext, /, **arguments: Any) -> None:
        assert context.job.id is not None
        run_queued(entry, number=context.job.id, arguments=arguments, app=app)

    queue.task(name=entry.name, queue=entry.queue, pass_context=True, retry=_AsTold())(work)
