"""Real workers that are killed or stopped while they make an export; and of which moment an archive is."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from backoffice import launch
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.jobs.models import JobRun, QueuedJob, QueueWorker
from backoffice.jobs.reaper import reap
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from plugins.exports import services
from plugins.exports.models import ExportState
from tests.factories.world import SYSTEM, World, add_child
from tests.plugins.exports.conftest import WORKER, files_of, row_of, work

PATIENCE = 60  # seconds; nothing here is timed
SLOW, USUAL = "tests.plugins.exports.process", "backoffice"
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(runtime: Runtime, files: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker; all are killed at the end."""
    with transaction(SYSTEM) as tx:
        for model in (JobRun, QueuedJob, QueueWorker):
            tx.execute(delete(model))
    started: list[subprocess.Popen[bytes]] = []

    def begin(module: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", module, "worker"],
                env=launch._background_environment(runtime),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(child)
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()


def until(yes: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not yes():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def asked_for(world: World) -> str:
    return services.ask(
        principal=world.sign_in("leader"), subject=Subject.SCHOOL, public_id=world.home.public_id
    )


def half_written(asked: str, files: Path) -> Callable[[], bool]:
    """Whether a file is there, with some of it in it and some not."""

    def there() -> bool:
        row = row_of(asked)
        return row.done > 0 and row.file is not None and (files / row.file).is_file()

    return there


def told() -> dict[str, int]:
    """How often it was told that it is ready, by mail and in the trail."""
    with transaction(SYSTEM) as tx:
        mails = select(func.count()).where(OutgoingMail.name == "exports.export-ready")
        noted = select(func.count()).where(AuditEntry.verb == "exports.ready")
        return {"mails": tx.scalars(mails).one(), "trail": tx.scalars(noted).one()}


def runs() -> list[tuple[int, str]]:
    with transaction(SYSTEM) as tx:
        rows = select(JobRun.attempt, JobRun.state).where(JobRun.job == services.MAKE).order_by(JobRun.id)
        return [(row.attempt, row.state) for row in tx.execute(rows)]


def test_a_killed_workers_export_is_made_anew_by_another(world: World, files: Path, start: Start) -> None:
    before = told()
    first = start(SLOW)
    asked = asked_for(world)
    until(half_written(asked, files), "written by half")
    half = str(row_of(asked).file)
    first.kill()
    first.wait()
    assert row_of(asked).state == ExportState.MAKING
    assert (files / half).is_file()
    assert reap(timedelta(0)) == 1
    start(USUAL)
    until(lambda: row_of(asked).state == ExportState.READY, "ready")
    until(lambda: runs() == [(1, "lost"), (2, "succeeded")], "lost, then done")
    row = row_of(asked)
    assert [path.name for path in files.iterdir()] == [row.file]
    assert row.file != half
    assert told() == {name: number + 1 for name, number in before.items()}
    manifest = json.loads(files_of(asked, files)["manifest.json"])
    assert (row.counts, row.done) == (manifest["counts"], manifest["rows"])


def test_given_up_while_a_worker_makes_it_nothing_is_left(world: World, files: Path, start: Start) -> None:
    before = told()
    start(SLOW)
    asked = asked_for(world)
    until(half_written(asked, files), "written by half")
    services.cancel(principal=world.sign_in("leader"), export=asked)
    until(lambda: runs() == [(1, "succeeded")], "the worker stops")
    row = row_of(asked)
    assert (row.state, row.file) == (ExportState.CANCELLED, None)
    assert list(files.iterdir()) == []
    assert told() == before


def test_killed_at_the_last_try_it_has_failed_and_nothing_is_left(
    world: World, files: Path, start: Start
) -> None:
    child, asked = start(SLOW), asked_for(world)
    until(half_written(asked, files), "written by half")
    services.destroy(principal=WORKER, folder=files)
    assert row_of(asked).state == ExportState.MAKING
    child.kill()
    child.wait()
    with transaction(SYSTEM) as tx:
        # As the queue does after the last try.
        tx.execute(delete(QueuedJob).where(QueuedJob.task_name == services.MAKE))
    services.destroy(principal=WORKER, folder=files)
    assert row_of(asked).state == ExportState.FAILED
    assert list(files.iterdir()) == []


def test_an_archive_is_of_one_moment(world: World, files: Path) -> None:
    """Whoever comes while it is written is in none of its files, and in all of those of the next."""
    came: list[str] = []

    def come(_rows: int) -> None:
        if not came:
            with transaction(SYSTEM) as tx:
                came.append(add_child(tx, world.own_class, "Latecomer").public_id)

    first = asked_for(world)
    services.make(principal=WORKER, number=row_of(first).id, folder=files, told=come)
    assert not [name for name, text in files_of(first, files).items() if came[0] in text]
    second = asked_for(world)
    assert work(second, files) is ExportState.READY
    with_them = {name for name, text in files_of(second, files).items() if came[0] in text}
    assert with_them >= {
        "data/students.csv",
        "data/students.json",
        "data/enrollments.csv",
        "rosters/users.csv",
        "rosters/enrollments.csv",
    }
