"""Every job that runs by itself, twice over a world with data: the second run fails and changes nothing."""

from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from backoffice.jobs import registry
from backoffice.jobs.registry import Registered
from backoffice.jobs.runs import run_here
from backoffice.runtime import Runtime
from tests.contract.snapshot import AUDIT, Snapshots, snapshots
from tests.factories.world import World

# What a second run may add or change, each with its reason.
MAY = {"app.job_run": "the run itself"}


@pytest.fixture
def look(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    del world
    with snapshots(runtime) as made:
        yield made


def test_there_are_jobs_and_each_has_a_full_name_a_title_and_attempts(runtime: Runtime) -> None:
    del runtime
    found = registry.installed()
    assert {"core.forget-jobs", "trust.check"} <= set(found)
    assert [name for name, entry in found.items() if not entry.job.title or entry.job.attempts < 1] == []


def by_itself() -> list[Registered]:
    return [entry for entry in registry.installed().values() if entry.job.when is not None]


def test_every_job_that_runs_by_itself_can_run_twice(app: Flask, look: Snapshots) -> None:
    for entry in by_itself():
        run_here(entry, app=app)
        look.keep()
        run_here(entry, app=app)
        changed = Counter(
            str(change.table) for change in look.changes() if change.table not in {*MAY, *AUDIT}
        )
        assert not changed, f"{entry.name}: a second run changed {dict(changed)}"
