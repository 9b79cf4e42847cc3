"""Jobs that tests install beside the real ones, and a look at the queue as the database's superuser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from backoffice.jobs import core, registry
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.runtime import Runtime


@dataclass
class Trial:
    """A job whose work a test decides, and what it was given."""

    work: Callable[[JobRun], Counts | None] = lambda _run: None
    runs: list[JobRun] = field(default_factory=list)

    def __call__(self, run: JobRun) -> Counts | None:
        self.runs.append(run)
        return self.work(run)


@pytest.fixture
def trial(runtime: Runtime) -> Iterator[Trial]:
    """`core.trial` (each 5 seconds, 3 attempts), `core.on-request`, `trust.trial`: what a test says."""
    made = Trial()
    own = {plugin.name: plugin.jobs for plugin in runtime.plugins}
    own["trust"] = (*own["trust"], Job("trial", made, every(seconds=5)))
    registry.install(
        {
            "core": (
                *core.JOBS,
                Job("trial", made, every(seconds=5), title="Trial", attempts=3),
                Job("on-request", made),
            ),
            **own,
        }
    )
    yield made
    registry.install({"core": core.JOBS, **{plugin.name: plugin.jobs for plugin in runtime.plugins}})


class Look:
    """Questions to the database past all isolation."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), parameters or None).fetchall()

    def one(self, statement: str, *parameters: Any) -> Any:
        ((value,),) = self.rows(statement, *parameters)
        return value

    def do(self, statement: str, *parameters: Any) -> None:
        self.connection.execute(statement.encode(), parameters or None)

    def runs(self) -> list[tuple[int, str]]:
        """Attempt and state of every run, in order."""
        found = self.rows("select attempt, state from app.job_run order by id")
        return [(attempt, state) for attempt, state in found]


@pytest.fixture
def look(runtime: Runtime) -> Iterator[Look]:
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        made = Look(connection)
        made.do("delete from app.job_run")
        made.do("delete from app.job_schedule")
        made.do("delete from queue.procrastinate_jobs")
        yield made
