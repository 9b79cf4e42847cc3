"""Putting work into the queue: with its cause or not at all, and nothing personal."""

from pathlib import Path
from typing import Any

import procrastinate
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backoffice.access.principal import Nobody, Purpose
from backoffice.access.transaction import transaction
from backoffice.jobs import queue, registry
from backoffice.jobs.models import Asked
from backoffice.jobs.queue import NotForTheQueue, defer
from backoffice.jobs.registry import UnknownJob
from backoffice.storage import migrate
from tests.factories.world import SYSTEM, World
from tests.jobs.conftest import Look, Trial

pytestmark = pytest.mark.usefixtures("trial")


def test_the_library_speaks_the_schema_that_is_migrated() -> None:
    """When this fails, the library has changed its schema: write a migration from its own, and pin anew."""
    ours = (migrate.CORE.folder / "sql" / "0004_queue.sql").read_text("utf-8")
    theirs = (Path(procrastinate.__file__).parent / "sql" / "schema.sql").read_text("utf-8")
    assert ours.partition("-- Procrastinate Schema")[2] == theirs.partition("-- Procrastinate Schema")[2]


def test_a_job_is_there_with_its_cause(look: Look) -> None:
    with transaction(SYSTEM) as tx:
        run = defer(tx, "core.trial", roster="abcdefghjkmnpqrs", number=7)
        assert look.rows("select * from queue.procrastinate_jobs") == []
    assert look.rows("select queue_name, task_name, args from queue.procrastinate_jobs") == [
        ("core", "core.trial", {"roster": "abcdefghjkmnpqrs", "number": 7})
    ]
    assert look.rows("select public_id, job, state, asked, attempt from app.job_run") == [
        (run, "core.trial", "waiting", "service", 1)
    ]


def test_a_job_goes_with_a_cause_that_is_undone(look: Look) -> None:
    with pytest.raises(RuntimeError), transaction(SYSTEM) as tx:
        defer(tx, "core.trial")
        raise RuntimeError
    assert look.one("select count(*) from queue.procrastinate_jobs") == 0
    assert look.runs() == []


@pytest.mark.parametrize(
    "value",
    [
        "Wilhelmina Quartermaine",
        "Wilhelmina",
        "teacher@people.example",
        "",
        "a" * 65,
        "../etc",
        True,
        None,
        1.5,
        2**63,
        ["abc"],
        {"name": "x"},
        b"abc",
    ],
)
def test_what_is_no_identifier_is_refused_and_not_repeated(look: Look, value: Any) -> None:
    with transaction(SYSTEM) as tx, pytest.raises(NotForTheQueue) as raised:
        defer(tx, "core.trial", student=value)
    assert str(raised.value) == (
        "The argument student is no number, public identifier or plain lower-case word."
    )
    assert look.one("select count(*) from queue.procrastinate_jobs") == 0


def test_a_job_that_is_not_installed_is_refused() -> None:
    with transaction(SYSTEM) as tx, pytest.raises(UnknownJob, match="There is no job"):
        defer(tx, "core.other")


def test_the_web_adds_to_the_queue_and_can_do_nothing_else_with_it(world: World, look: Look) -> None:
    for who in (world.sign_in("teacher"), Nobody()):
        with transaction(who) as tx:
            defer(tx, "core.trial")
        for statement in (
            "select * from queue.procrastinate_jobs",
            "select * from queue.procrastinate_workers",
            "delete from queue.procrastinate_jobs",
            "insert into queue.procrastinate_jobs (queue_name, task_name) values ('core', 'core.trial')",
            "select queue.procrastinate_finish_job_v1(1, 'failed', true)",
            "select queue.procrastinate_retry_job_v2(1, now(), 0, 'x', 'y')",
            "select queue.procrastinate_fetch_job_v2(null, 1)",
        ):
            with pytest.raises(DBAPIError) as raised, transaction(who) as tx:
                tx.execute(text(statement))
            assert getattr(raised.value.orig, "sqlstate", None) == "42501", statement
    assert look.one("select count(*) from queue.procrastinate_jobs") == 2


def test_who_asked_is_kept_for_a_person_only(world: World, look: Look) -> None:
    founder = world.sign_in("founder")
    with transaction(founder) as tx:
        defer(tx, "core.trial")
        queue.put(tx, "core.trial", {}, asked=Asked.PERSON)
    assert look.rows("select asked, asked_by from app.job_run order by id") == [
        ("service", None),
        ("person", world.people["founder"].id),
    ]


def test_a_run_is_noted_once_and_for_a_job_that_waits(look: Look) -> None:
    with transaction(Purpose("test")) as tx:
        defer(tx, "core.trial")
    number = look.one("select id from queue.procrastinate_jobs")
    with transaction(Nobody()) as tx:
        for queued in (number, number + 1000):
            tx.execute(
                text("select app.note_job_run('abcdefghjkmnpqrs', :number, 'person', null, now())"),
                {"number": queued},
            )
    assert look.one("select count(*) from app.job_run") == 1


def test_what_must_not_be_done_twice_at_once_has_one_lock() -> None:
    assert queue.lock_of("core.trial", {"b": 2, "a": "x"}) == queue.lock_of("core.trial", {"a": "x", "b": 2})
    assert queue.lock_of("core.trial", {"a": 1}) != queue.lock_of("core.trial", {"a": 2})


def test_full_names_and_titles(trial: Trial) -> None:
    del trial
    assert registry.one("core.trial").title == "Trial"
    assert registry.one("core.on-request").title == "On request"
    assert registry.owners()[:2] == ["core", "trust"]
