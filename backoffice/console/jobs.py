"""Jobs in the console: when each runs, how it went, run now, let rest, set another time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import flash, redirect
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, RadioField, SelectField, TimeField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import NumberRange, Optional

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import JOBS_EDIT, JOBS_READ, JOBS_RUN
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.guard import GuardedView
from backoffice.jobs import queries, registry, services
from backoffice.jobs.job import WEEKDAYS, When, at_time, daily, every, weekly
from backoffice.jobs.models import JobRun, JobSchedule, RunState
from backoffice.jobs.registry import CORE, Registered
from backoffice.plugin import Plugin
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading, runtime
from backoffice.web.times import span

MOST_RUNS = 50
TONES = {
    RunState.SUCCEEDED: "good",
    RunState.RUNNING: "info",
    RunState.FAILED: "bad",
    RunState.LOST: "warn",
}
ASKED = {
    "schedule": "by schedule",
    "person": "asked by a founder",
    "command": "at the terminal",
    "service": "asked by a part of the product",
}
DAILY, WEEKLY, EVERY, AS_INSTALLED = "daily", "weekly", "every", "as-installed"
UNITS = ("second", "minute", "hour")
LARGEST_COUNT = 999


class TimeForm(FlaskForm):
    """When a job runs, without a syntax to know."""

    how = RadioField(
        "How often",
        choices=[
            SelectChoice(DAILY, "Every day"),
            SelectChoice(WEEKLY, "Once a week"),
            SelectChoice(EVERY, "Again and again"),
            SelectChoice(AS_INSTALLED, "As it was installed"),
        ],
    )
    at = TimeField("At (UTC)", [Optional()], description="For every day and once a week.")
    on = SelectField(
        "On",
        choices=[SelectChoice(day, day.capitalize()) for day in WEEKDAYS],
        description="For once a week.",
    )
    count = IntegerField(
        "Every",
        [Optional(), NumberRange(1, LARGEST_COUNT, f"Write a number from 1 to {LARGEST_COUNT}.")],
        description="For again and again: how much lies between two runs.",
    )
    unit = SelectField("Unit", choices=[SelectChoice(unit, f"{unit.capitalize()}s") for unit in UNITS])

    @classmethod
    def filled(cls, when: When) -> "TimeForm":
        """The form as it stands for a time."""
        words = when.text.split()
        how = words[0]
        return cls(
            how=how,
            at=None if how == EVERY else datetime.strptime(words[-1], "%H:%M").time(),  # noqa: DTZ007 - a time of day
            on=words[1] if how == WEEKLY else WEEKDAYS[0],
            count=int(words[1]) if how == EVERY else None,
            unit=words[2].removesuffix("s") if how == EVERY else "minute",
        )

    def text(self) -> str | None:
        """What was chosen, as `When` writes it; None for the time that it came with. Raises `Rejected`."""
        how = self.how.data
        if how == AS_INSTALLED:
            return None
        if how == EVERY:
            if not self.count.data:
                raise Rejected(count=f"Write a number from 1 to {LARGEST_COUNT}.")
            return every(**{f"{self.unit.data}s": self.count.data}).text
        if self.at.data is None:
            raise Rejected(at="Write a time of day, such as 03:10.")
        at = at_time(self.at.data)
        return (daily(at=at) if how == DAILY else weekly(on=self.on.data, at=at)).text


class JobsPage(GuardedView):
    """The work in the background, for the founders."""

    doors: ClassVar = {
        "index": JOBS_READ,
        "details": JOBS_READ,
        "run": JOBS_RUN,
        "pause": JOBS_EDIT,
        "resume": JOBS_EDIT,
        "time": JOBS_EDIT,
    }
    title = "Jobs"
    category = "Operations"
    address = "jobs"
    icon = "jobs"

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Every installed job: whose it is, when it runs, how it went last."""
        tx = reading()
        schedule = queries.schedules(tx)
        last = queries.last_runs(tx, jobs=registry.installed())
        return self.render(
            "console/jobs.html",
            jobs=[
                _shown(tx, entry, schedule.get(name), last.get(name))
                for name, entry in registry.installed().items()
            ],
        )

    @expose("/<job:which>", methods=("GET",))
    def details(self, which: str) -> str:
        """One job and its newest runs."""
        tx, entry = reading(), _entry(which)
        row = queries.schedules(tx).get(which)
        runs = queries.runs_of(tx, job=which, most=MOST_RUNS)
        begun = next((run for run in runs if run.started_at is not None), None)
        own_time = row is not None and can(self.who, JOBS_EDIT)
        return self.render(
            "console/job.html",
            job=_shown(tx, entry, row, begun),
            runs=[_run(run) for run in runs],
            at_work=any(run.state in {RunState.WAITING, RunState.RUNNING} for run in runs),
            most=MOST_RUNS,
            form=FlaskForm(),
            urls={
                "run": f"{_address(which)}/run" if entry.job.when and can(self.who, JOBS_RUN) else None,
                "time": f"{_address(which)}/time" if own_time else None,
                "pause": f"{_address(which)}/pause" if own_time else None,
                "resume": f"{_address(which)}/resume" if own_time else None,
            },
            crumbs=_crumbs(entry),
        )

    @expose("/<job:which>/run", methods=("POST",))
    def run(self, which: str) -> Response:
        """Have a worker run it now."""
        return self._do(which, services.run_now, "It is in the queue and runs as soon as a worker is free.")

    @expose("/<job:which>/pause", methods=("POST",))
    def pause(self, which: str) -> Response:
        """Let it rest."""
        return self._do(which, services.pause_job, "It rests until you resume it.")

    @expose("/<job:which>/resume", methods=("POST",))
    def resume(self, which: str) -> Response:
        """Let it go on."""
        return self._do(which, services.resume_job, "It goes on at its next time.")

    @expose("/<job:which>/time", methods=("GET", "POST"))
    def time(self, which: str) -> str | Response | tuple[str, int]:
        """Set when it runs."""
        entry = _entry(which)
        row = queries.schedules(reading()).get(which)
        if row is None or entry.job.when is None:
            raise NotFound
        form = TimeForm.filled(When(row.time))

        def save() -> str:
            services.change_time(principal=self.who, job=which, time=form.text())
            return _address(which)

        return self.form_page(
            form,
            save=save,
            said="The time is changed.",
            record=row,
            heading="Change the time",
            intro=f"{entry.title}: now {When(row.time).words}. As it was installed: {entry.job.when.words}.",
            cancel_url=_address(which),
            crumbs=[*_crumbs(entry), {"title": "Change the time"}],
        )

    def _do(self, which: str, verb: Callable[..., object], said: str) -> Response:
        _entry(which)
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                verb(principal=self.who, job=which)
            except Rejected as rejected:
                flash(str(rejected), "warning")
            else:
                flash(said, "success")
        return redirect(_address(which), 303)


def _entry(which: str) -> Registered:
    found = registry.installed().get(which)
    if found is None:
        raise NotFound
    return found


def _address(which: str) -> str:
    return f"/console/jobs/{which}"


def _crumbs(entry: Registered) -> list[dict[str, str]]:
    return [
        {"title": "Jobs", "url": "/console/jobs/"},
        {"title": entry.title, "url": _address(entry.name)},
    ]


def _owner(owner: str) -> str:
    titles = {plugin.name: plugin.title for plugin in _plugins()}
    return "The core" if owner == CORE else titles.get(owner, owner)


def _plugins() -> Sequence[Plugin]:
    return runtime().plugins


def _shown(
    tx: Transaction, entry: Registered, row: JobSchedule | None, last: JobRun | None
) -> dict[str, Any]:
    on = entry.is_on(tx)
    paused = row is not None and row.paused_at is not None
    when = When(row.time) if row else entry.job.when
    return {
        "name": entry.name,
        "title": entry.title,
        "owner": _owner(entry.owner),
        "url": _address(entry.name),
        "when": when.words if when and entry.job.when else "when something asks for it",
        "changed": row is not None and row.changed_at is not None,
        "on": on,
        "paused": paused,
        "next": row.next_at if row and on and not paused and entry.job.when else None,
        "last": _run(last) if last else None,
    }


def _run(run: JobRun) -> dict[str, Any]:
    state = RunState(run.state)
    return {
        "state": state.value,
        "tone": TONES.get(state, "mute"),
        "asked": ASKED[run.asked],
        "attempt": run.attempt,
        "at": run.started_at or run.asked_at,
        "seconds": _duration(run),
        "counts": (run.counts or "").splitlines(),
        "log": run.log,
        "error": run.error,
        "done": run.done,
        "total": run.total,
    }


def _duration(run: JobRun) -> str | None:
    if run.started_at is None:
        return None
    spent = (run.finished_at or clock.now()) - run.started_at
    if spent < timedelta(seconds=1):
        return f"{spent / timedelta(milliseconds=1):.0f} ms"
    return f"{spent.total_seconds():.1f} s" if spent < timedelta(minutes=1) else span(spent)
