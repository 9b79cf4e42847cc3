"""`backoffice jobs list` and `run`, and that worker and scheduler want a database that is named."""

import json

import pytest

from backoffice.jobs import core
from backoffice.jobs.job import Counts, Job, JobRun, every
from tests.factories.commands import Run
from tests.factories.world import World
from tests.jobs.conftest import Look


def test_the_list_tells_how_every_job_stands(run: Run, world: World, look: Look) -> None:
    answer = run("jobs", "list", "--json")
    assert answer.code == 0
    found = {row["job"]: row for row in json.loads(answer.out)}
    assert found["trust.check"] == {
        "job": "trust.check",
        "title": "Check the promises that are due",
        "enabled": True,
        "paused": False,
        "when": "every 5 minutes",
        "next_at": look.one(
            "select replace(to_char(next_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), ' ', '')"
            " || '+00:00' from app.job_schedule where job = 'trust.check'"
        ),
        "last_at": None,
        "last_state": None,
    }


def test_the_list_as_a_table(run: Run, look: Look) -> None:
    run("jobs", "run", "core.forget-jobs")
    look.do("update app.job_schedule set paused_at = now() where job = 'trust.check'")
    lines = run("jobs", "list").out.splitlines()
    assert lines[0].split() == ["job", "runs", "next", "last"]
    told = {line.split()[0]: line for line in lines[1:]}
    assert "every day at 03:40 UTC" in told["core.forget-jobs"]
    assert told["core.forget-jobs"].endswith("succeeded")


def test_a_job_that_is_run_tells_what_it_counted(run: Run, look: Look) -> None:
    answer = run("jobs", "run", "core.forget-jobs")
    assert answer == (0, "finished runs: 0\nqueued: 0\ncore.forget-jobs is done.\n", "")
    assert look.rows("select job, asked, state from app.job_run") == [
        ("core.forget-jobs", "command", "succeeded")
    ]


def test_one_that_fails_is_exit_code_1_and_says_nothing_of_why(
    run: Run, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_run: JobRun) -> Counts:
        raise ValueError("Wilhelmina Quartermaine")

    monkeypatch.setattr(core, "JOBS", (*core.JOBS, Job("failing", fail, every(hours=1))))
    answer = run("jobs", "run", "core.failing")
    assert answer.code == 1
    assert "core.failing failed" in answer.err
    assert "Quartermaine" not in answer.out + answer.err
    assert look.one("select error from app.job_run").startswith("ValueError at ")


def test_one_that_is_not_there_is_exit_code_2(run: Run) -> None:
    answer = run("jobs", "run", "core.other")
    assert (answer.code, answer.err) == (
        2,
        "There is no job core.other. `backoffice jobs list` shows all.\n",
    )


def test_one_that_wants_something_given_is_refused_and_leaves_no_run(run: Run, look: Look) -> None:
    answer = run("jobs", "run", "rosters.import")
    assert (answer.code, answer.err) == (
        2,
        "This job does not run by itself: what needs it asks for it.\n",
    )
    assert look.runs() == []


def test_one_of_a_plugin_that_is_off_is_refused_unless_it_forgets(run: Run, look: Look) -> None:
    run("plugins", "disable", "trust", "--reason", "To try it out")
    run("plugins", "disable", "rosters")
    try:
        answer = run("jobs", "run", "trust.check")
        assert (answer.code, answer.err) == (2, "Its plugin is switched off. Switch it on first.\n")
        assert look.rows("select from app.job_run where job = 'trust.check'") == []
        assert run("jobs", "run", "rosters.forget-uploads").code == 0
        listed = {row["job"]: row["enabled"] for row in json.loads(run("jobs", "list", "--json").out)}
        assert (listed["trust.check"], listed["rosters.forget-uploads"]) == (False, True)
    finally:
        run("plugins", "enable", "trust")
        run("plugins", "enable", "rosters")


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_a_process_of_its_own_wants_a_database_that_is_named(run: Run, command: str) -> None:
    answer = run(command, BACKOFFICE_DATABASE_URL="")
    assert answer.code == 2
    assert "BACKOFFICE_DATABASE_URL" in answer.err


def test_old_runs_and_jobs_are_forgotten_and_young_ones_kept(run: Run, look: Look) -> None:
    for age, letter in ((31, "b"), (29, "c")):
        look.do(
            "insert into app.job_run (public_id, job, asked, state, attempt, asked_at, finished_at)"
            " values (repeat(%s, 16), 'core.old', 'command', 'failed', 1, now(),"
            " now() - make_interval(days => %s))",
            letter,
            age,
        )
        number = look.one(
            "insert into queue.procrastinate_jobs (queue_name, task_name, status)"
            " values ('core', 'core.old', 'failed') returning id"
        )
        look.do(
            "insert into queue.procrastinate_events (job_id, type, at)"
            " values (%s, 'failed', now() - make_interval(days => %s))",
            number,
            age,
        )
    assert run("jobs", "run", "core.forget-jobs").out.startswith("finished runs: 1\nqueued: 1\n")
    assert look.one("select count(*) from app.job_run where job = 'core.old'") == 1
    assert look.one("select count(*) from queue.procrastinate_jobs") == 1
